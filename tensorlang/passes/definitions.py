"""When a definition is just a name for an expression, so that the one may stand for the other.

In: a definition and a read of its tensor. Out: the expression with the definition's indices replaced by those of the
read, or None where that would change the meaning (several equations, a diagonal, a conversion, a part of an axis).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tensorlang.ir.facts import dtype, presence
from tensorlang.ir.nodes import Expr, Index, Position, Read
from tensorlang.ir.program import Definition, Tensor
from tensorlang.passes.scopes import apart, put
from tensorlang.passes.sound import draws


@dataclass(frozen=True, slots=True)
class Meaning:
    """``tensor[indices] = value`` for all values of the indices, which are the whole axes."""

    indices: tuple[Index, ...]
    value: Expr


def plain_indices(at: tuple[Expr, ...], tensor: Tensor) -> tuple[Index, ...] | None:
    """The distinct indices over the whole axes that positions are, if they are."""
    indices = tuple(position.index for position in at if isinstance(position, Position))
    whole = len(indices) == len(at) == len(set(indices)) == len(tensor.axes)
    return indices if whole and all(i.size == axis.size for i, axis in zip(indices, tensor.axes, strict=True)) else None


def meaning(definition: Definition, tensor: Tensor) -> Meaning | None:
    """What a tensor is a name for; None where it is more than that, or drawn at random."""
    if len(definition.pieces) != 1:
        return None
    (piece,) = definition.pieces
    if definition.aggregate != "sum" and presence(piece.value) is not None:
        return None  # absent elements are the identity of the aggregate, not 0
    indices = plain_indices(piece.left, tensor)
    if indices is None or piece.special or dtype(piece.value) != tensor.dtype or draws(piece.value):
        return None
    return Meaning(indices, piece.value)


def at_read(known: Meaning, read: Read, tensor: Tensor, taken: Collection[str] = ()) -> Expr | None:
    """The value that a read of whole axes gives, in the indices of the read; it binds no index of a taken name."""
    indices = plain_indices(read.at, tensor)
    if indices is None:
        return None
    clear = apart(known.value, {index.name for index in indices}.union(taken))
    return put(clear, {old: Position(new) for old, new in zip(known.indices, indices, strict=True) if old != new})
