"""Expressions after names are resolved and modules expanded, before sums are made explicit and sizes are known.

The input of the projection rule: indices are names, local to their equation; every tensor has its full name and one
entry an axis. ``Poison`` stands where a problem was reported, so that one mistake is one message.
"""

from __future__ import annotations

from collections.abc import Iterator

from tensorlang.ir.domain import Size
from tensorlang.records import dataclass, field
from tensorlang.source import Span


@dataclass(frozen=True, eq=False)
class Base:
    span: Span


@dataclass(frozen=True, eq=False)
class Value(Base):
    """A number, or a size that is known by its name."""

    value: bool | int | float | complex | Size


@dataclass(frozen=True, eq=False)
class Extent(Base):
    """``|i|`` of an index that has no ``dim``: the size of whatever domain it gets."""

    index: str


@dataclass(frozen=True, eq=False)
class Place(Base):
    """An index as a value, or alone as an entry of a tensor."""

    index: str


@dataclass(frozen=True, eq=False)
class Star(Place):
    """``*t``: the index of an axis of which others see only the last position."""


@dataclass(frozen=True, eq=False)
class Flat(Base):
    """``(h d)`` as an entry: the indices laid out as one axis, the last one fastest."""

    indices: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FromEnd(Base):
    """``-1`` as an entry: so many positions before the end of the axis."""

    distance: int


@dataclass(frozen=True, eq=False)
class Entity(Base):
    """An entity as an entry or beside an index; a position once it is known what the axis is over."""

    word: str


@dataclass(frozen=True, eq=False)
class Access(Base):
    tensor: str
    at: tuple[Resolved, ...]


@dataclass(frozen=True, eq=False)
class Addition(Base):
    terms: tuple[tuple[int, Resolved], ...]


@dataclass(frozen=True, eq=False)
class Multiplication(Base):
    factors: tuple[Resolved, ...]


@dataclass(frozen=True, eq=False)
class Raise(Base):
    """A power; ``repeated`` where the exponent is a positive integer or symbolic (a repeated product)."""

    base: Resolved
    exponent: Resolved
    repeated: bool


@dataclass(frozen=True, eq=False)
class Function(Base):
    op: str
    args: tuple[Resolved, ...]


@dataclass(frozen=True, eq=False)
class Reduction(Base):
    op: str
    indices: tuple[str, ...]
    arg: Resolved
    where: tuple[Resolved, ...]


@dataclass(frozen=True, eq=False)
class Along(Base):
    op: str
    index: str
    arg: Resolved
    options: tuple[Resolved, ...]
    where: tuple[Resolved, ...] = ()


@dataclass(frozen=True, eq=False)
class Poison(Base):
    pass


Resolved = (
    Value
    | Extent
    | Place
    | Flat
    | FromEnd
    | Entity
    | Access
    | Addition
    | Multiplication
    | Raise
    | Function
    | Reduction
    | Along
    | Poison
)


def parts(node: Resolved) -> tuple[Resolved, ...]:
    """The direct parts of an expression."""
    match node:
        case Value() | Extent() | Place() | Flat() | FromEnd() | Entity() | Poison():
            return ()
        case Access(at=at):
            return at
        case Addition(terms=terms):
            return tuple(term for _, term in terms)
        case Multiplication(factors=factors):
            return factors
        case Raise(base=base, exponent=exponent):
            return (base, exponent)
        case Function(args=args):
            return args
        case Reduction(arg=arg, where=where):
            return (arg, *where)
        case Along(arg=arg, options=options, where=where):
            return (arg, *options, *where)


def walk(node: Resolved) -> tuple[Resolved, ...]:
    """The expression and everything in it; remembered on it, since every question about an equation walks through."""
    memory: dict[str, tuple[Resolved, ...]] = node.__dict__
    if "_inside" not in memory:
        memory["_inside"] = tuple(_walk(node))
    return memory["_inside"]


def _walk(node: Resolved) -> Iterator[Resolved]:
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(reversed(parts(top)))


def names_free(node: Resolved) -> frozenset[str]:
    """The indices an expression depends on (those of an explicit reduction are its own); remembered on the node."""
    memory: dict[str, frozenset[str]] = node.__dict__
    if "_names" not in memory:
        memory["_names"] = _names(node)
    return memory["_names"]


def _names(node: Resolved) -> frozenset[str]:
    inside: frozenset[str] = frozenset().union(*map(names_free, parts(node)))
    match node:
        case Place(index=index) | Along(index=index):
            return inside | {index}
        case Flat(indices=indices):
            return frozenset(indices)
        case Reduction(indices=indices):
            return inside.difference(indices)
        case (
            Value()
            | Extent()
            | FromEnd()
            | Entity()
            | Poison()
            | Access()
            | Addition()
            | Multiplication()
            | Raise()
            | Function()
        ):
            return inside


@dataclass(slots=True, eq=False)
class Statement:
    """One equation: ``tensor[left] operator value where guards``.

    ``dims`` are the sizes that its index names have by declaration; ``ranges`` those of a slice. ``free`` means:
    indices that are left over are kept, in order of appearance, as axes (queries).
    Statements of one ``group`` were written as one equation and share their indices' domains.
    """

    tensor: str
    left: tuple[Resolved, ...]
    operator: str
    value: Resolved
    guards: tuple[Resolved, ...]
    span: Span
    dims: dict[str, tuple[Size, Span]] = field(default_factory=dict)
    ranges: dict[str, Size] = field(default_factory=dict)
    free: bool = False
    group: object = field(default_factory=object)

    @property
    def left_names(self) -> frozenset[str]:
        return frozenset().union(*map(names_free, self.left))
