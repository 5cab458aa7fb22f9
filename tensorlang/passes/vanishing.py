"""A program at sizes of which some are 0: what would reduce over nothing is its neutral value instead.

In: a Program and the sizes, as expressions, that are 0 at a call. Out: a Program with the same meaning at such calls.
Library kernels refuse empty axes or give NaN there, and code that asked each time would be slow to read and to run; so
such calls have a function of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.facts import dtype, is_floating
from tensorlang.ir.nodes import (
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Reduce,
    children,
    free_indices,
)
from tensorlang.ir.program import Definition, Piece, Program
from tensorlang.ir.rewrite import indices_inside, rewrite
from tensorlang.ops import REDUCTIONS
from tensorlang.records import replace

Empty = frozenset[Size]
_REFUSING = frozenset(("mean", "max", "min", "argmax", "argmin", "std", "var"))  # or NaN


def empty_sizes(program: Program, sizes: Mapping[Symbol, int]) -> Empty:
    """The sizes of indices that are 0 (or would be less)."""
    pieces = [piece for definition in program.definitions for piece in definition.pieces]
    indices = frozenset[Index]().union(*(indices_inside(piece.value).union(piece.indices) for piece in pieces))
    return frozenset(size for size in {index.size for index in indices} if size.value(sizes) <= 0)


def without_empty(program: Program, empty: Empty) -> Program:
    """The program where indices of these sizes have no values."""

    def rule(node: Expr) -> Expr | None:
        if isinstance(node, Reduce) and node.op in _REFUSING and any(index.size in empty for index in node.indices):
            return _over_nothing(node)
        return None

    memo: dict[Expr, Expr] = {}
    definitions = tuple(_definition(program, d, empty, lambda e: rewrite(e, [rule], memo)) for d in program.definitions)
    return replace(program, definitions=definitions)


def _over_nothing(node: Reduce) -> Expr:
    if node.op == "mean":  # a sum, so that what it depends on still has a gradient
        one = Const(1, "int") if is_floating(dtype(node.arg)) else Const(1.0, "float")
        return Contract(node.indices, (node.arg, one), "sum")
    return neutral(node.op, dtype(node))


def neutral(op: str, of: str) -> Const:
    """What an aggregate is over nothing, as a number of an element type."""
    value = REDUCTIONS[op].identity
    if of == "bool":
        return Const(bool(value), "bool")
    if of == "int":
        least = -(2**63)
        return Const(least if value == float("-inf") else -least - 1 if value == float("inf") else int(value), "int")
    return Const(float(value), "float")


def _definition(program: Program, definition: Definition, empty: Empty, change: Callable[[Expr], Expr]) -> Definition:
    """Equations that run over nothing define nothing; one is left to say what the tensor is then."""
    pieces = tuple(replace(p, value=change(p.value)) for p in definition.pieces if not _idle(p, empty))
    if pieces or not definition.pieces:
        return replace(definition, pieces=pieces)
    tensor, span = program.tensors[definition.tensor], definition.pieces[0].span
    indices = tuple(Index(f"i_{at}", axis.size) for at, axis in enumerate(tensor.axes))
    value = neutral(definition.aggregate, tensor.dtype)
    return replace(definition, pieces=(Piece(tuple(map(Position, indices)), indices, value, False, span),))


def _idle(piece: Piece, empty: Empty) -> bool:
    """Whether an equation runs over nothing by an index that pools or slides, for which a kernel may be chosen."""
    gone = {index for index in piece.indices if index.size in empty}
    return any(
        index.size.symbol is None or any(_computed(e, index) for e in piece.left) or _shifted(piece.value, index)
        for index in gone
    )


def _computed(entry: Expr, index: Index) -> bool:
    """Whether arithmetic with an index, and no gather, is an entry."""
    return isinstance(entry, Apply | Contract) and index in free_indices(entry)


def _shifted(node: Expr, index: Index) -> bool:
    inside = isinstance(node, Read) and any(_computed(entry, index) for entry in node.at)
    return inside or any(_shifted(child, index) for child in children(node))
