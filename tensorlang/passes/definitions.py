"""When a definition is just a name for an expression, so that the one may stand for the other.

In: a definition and a read of its tensor. Out: the expression with the definition's indices replaced by those of the
read, or None where that would change the meaning (several equations, a conversion, a part of an axis).
"""

from __future__ import annotations

from collections.abc import Collection

from tensorlang.ir.facts import dtype, presence
from tensorlang.ir.nodes import Apply, Expr, Index, Position, Read, Where, conjunction
from tensorlang.ir.program import Definition, Tensor
from tensorlang.ir.rewrite import indices_inside
from tensorlang.passes.scopes import apart, fresh, put
from tensorlang.passes.sound import draws
from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """``tensor[indices] = value`` for all values of the indices, which are the whole axes.

    A ``diagonal`` is absent wherever two of the indices differ.
    """

    indices: tuple[Index, ...]
    value: Expr
    diagonal: bool = False


def plain_indices(at: tuple[Expr, ...], tensor: Tensor) -> tuple[Index, ...] | None:
    """The distinct indices over the whole axes that positions are, if they are."""
    indices = whole_axes(at, tensor)
    return indices if indices is not None and len(indices) == len(set(indices)) else None


def whole_axes(at: tuple[Expr, ...], tensor: Tensor) -> tuple[Index, ...] | None:
    """The indices over the whole axes that positions are, if they are; on a diagonal, two are the same."""
    indices = tuple(position.index for position in at if isinstance(position, Position))
    whole = len(indices) == len(at) == len(tensor.axes)
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


def diagonal(definition: Definition, tensor: Tensor) -> Meaning | None:
    """``D[i,i] = e`` as ``D[i,i'] = e where i == i'``."""
    if len(definition.pieces) != 1 or definition.aggregate != "sum":
        return None
    (piece,) = definition.pieces
    indices = whole_axes(piece.left, tensor)
    if indices is None or len(indices) == len(set(indices)) or dtype(piece.value) != tensor.dtype or draws(piece.value):
        return None
    taken = {index.name for index in indices_inside(piece.value).union(indices)}
    distinct: list[Index] = []
    conditions: list[Expr] = []
    for index in indices:
        if index in distinct:
            distinct.append(fresh(index, taken))
            conditions.append(Apply("eq", (Position(index), Position(distinct[-1]))))
        else:
            distinct.append(index)
    condition = conjunction(tuple(conditions))
    return None if condition is None else Meaning(tuple(distinct), Where(condition, piece.value), diagonal=True)


def at_read(known: Meaning, read: Read, tensor: Tensor, taken: Collection[str] = ()) -> Expr | None:
    """The value that a read of whole axes gives, in the indices of the read; it binds no index of a taken name.

    On a diagonal, only the value's elements there are left.
    """
    indices = whole_axes(read.at, tensor)
    if indices is None:
        return None
    clear = apart(known.value, {index.name for index in indices}.union(taken))
    return put(clear, {old: Position(new) for old, new in zip(known.indices, indices, strict=True) if old != new})
