"""Short ways to build Programs from nodes, without any text."""

from __future__ import annotations

from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import AlongIndex, Apply, Contract, Expr, Index, Position, Read, Reduce, Where, number
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor
from tensorlang.source import Source, Span

NOWHERE = Span(Source("<built>", ""), 0, 0)
Number = bool | int | float | complex
Part = Expr | Number | Index


def index(name: str, size: int | Size) -> Index:
    return Index(name, Size.of(size))


def expr(value: Part) -> Expr:
    if isinstance(value, Index):
        return Position(value)
    return number(value) if isinstance(value, bool | int | float | complex) else value


def apply(op: str, *args: Part) -> Apply:
    return Apply(op, tuple(map(expr, args)))


def add(*args: Part) -> Apply:
    return apply("add", *args)


def minus(left: Part, right: Part) -> Apply:
    return apply("add", left, apply("neg", right))


def times(*factors: Part) -> Contract:
    return Contract((), tuple(map(expr, factors)), "sum")


def summed(*indices: Index, of: tuple[Part, ...]) -> Contract:
    return Contract(indices, tuple(map(expr, of)), "sum")


def reduce(op: str, *indices: Index, of: Expr) -> Reduce:
    return Reduce(op, indices, of)


def along(op: str, at: Index, arg: Expr, *options: Number) -> AlongIndex:
    return AlongIndex(op, at, arg, tuple(map(number, options)))


def where(condition: Expr, arg: Expr | Number) -> Where:
    return Where(condition, expr(arg))


def tensor(name: str, *sizes: int | Size, kind: str = "input", dtype: str = "float") -> Tensor:
    return Tensor(name, kind, tuple(Axis(f"i{at}", Size.of(size)) for at, size in enumerate(sizes)), dtype, NOWHERE)


def read(of: Tensor, *at: Part) -> Read:
    return Read(of.name, tuple(map(expr, at)), of.shape, of.dtype)


def piece(indices: tuple[Index, ...], value: Part, left: tuple[Part, ...] | None = None) -> Piece:
    """``tensor[left] = value`` for all indices; ``left`` is the indices themselves where it is left out."""
    places = tuple(map(expr, indices if left is None else left))
    special = any(not isinstance(place, Position) for place in places) or len(set(places)) < len(places)
    return Piece(places, indices, expr(value), special, NOWHERE)


def program(*parts: Tensor | tuple[Tensor, str, tuple[Piece, ...]], outputs: tuple[str, ...] = ()) -> Program:
    """Tensors, and ``(tensor, aggregate, pieces)`` for those that are defined."""
    tensors = [part if isinstance(part, Tensor) else part[0] for part in parts]
    definitions = tuple(Definition(part[0].name, part[1], part[2]) for part in parts if not isinstance(part, Tensor))
    return Program({t.name: t for t in tensors}, definitions, outputs or tuple(d.tensor for d in definitions[-1:]))


def define(name: str, indices: tuple[Index, ...], value: Part, *given: Tensor, dtype: str = "float") -> Program:
    """The program of one equation ``name[indices] = value``."""
    made = tensor(name, *(index.size for index in indices), kind="defined", dtype=dtype)
    return program(*given, (made, "sum", (piece(indices, value),)))
