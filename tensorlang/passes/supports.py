"""Where an expression may differ from 0, as far as relations that are stored on pairs say so.

In: an expression and the table of what is on pairs. Out: its *support*: terms, of which one holds wherever the
expression is neither 0 nor absent; a term is a set of memberships (``n, n'`` are a pair of Edge) and equalities
(``n == n'``) that hold together. None: anywhere. Products join terms, sums unite them, guards and functions with
f(0) = 0 keep them.
"""

from __future__ import annotations

from itertools import product as combinations

from tensorlang.ir.facts import keeps_zero, presence
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Reduce,
    Where,
    bound_indices,
    free_indices,
)
from tensorlang.ir.pairs import Stored, Table
from tensorlang.passes.constants import value_of
from tensorlang.passes.delta import DELTA
from tensorlang.passes.scopes import below
from tensorlang.records import dataclass, field

_MOST_TERMS = 8


@dataclass(frozen=True, slots=True)
class On:
    """The positions ``at``, one a place, are one of the pairs."""

    pairs: str
    at: tuple[Expr, ...]

    @property
    def indices(self) -> tuple[Index, ...]:
        """The indices that stand alone at a place, each once."""
        return tuple(dict.fromkeys(entry.index for entry in self.at if isinstance(entry, Position)))


@dataclass(frozen=True, slots=True)
class Same:
    """Two indices are equal."""

    one: Index
    two: Index

    @property
    def indices(self) -> tuple[Index, ...]:
        return (self.one, self.two)


Term = frozenset[On | Same]
Support = tuple[Term, ...] | None


@dataclass(slots=True, eq=False)
class Supports:
    """The supports of expressions, each found once for a state of the table."""

    table: Table
    known: dict[Expr, Support] = field(default_factory=dict)

    def of(self, node: Expr) -> Support:
        for part in below(node, set()):
            if part not in self.known:
                self.known[part] = self._of(part)
        return self.known[node]

    def all_of(self, nodes: tuple[Expr, ...]) -> Support:
        """Where all of some expressions may differ from 0."""
        return _joined([self.of(node) for node in nodes])

    def _of(self, node: Expr) -> Support:
        match node:
            case Const():
                return () if value_of(node) in (0, False) else None
            case Position():
                return None
            case Read():
                return self._read(node)
            case Where(condition=condition, arg=arg):
                return _joined([self.known[condition], self.known[arg]])
            case Contract(factors=factors):
                return _without(_joined([self.known[factor] for factor in factors]), node)
            case Reduce(op=op, arg=arg):
                return _without(self.known[arg], node) if op in ("any", "count", "norm", "sum") else None
            case AlongIndex(arg=arg):
                there = presence(arg)
                return None if there is None else self.of(there)
            case Apply():
                return self._apply(node)

    def _read(self, node: Read) -> Support:
        held = self.table.stored.get(node.tensor)
        if held is not None:
            return (frozenset((On(held.pairs, at_places(held, node)),)),)
        if node.tensor == DELTA and len(node.at) == 2:
            return same(*node.at)
        return None

    def _apply(self, node: Apply) -> Support:
        op, args = node.op, node.args
        each = [self.known[arg] for arg in args]
        if op == "and":
            return _joined(each)
        if op in ("or", "add"):
            return _united(each)
        if op == "eq" and all(isinstance(arg, Position) for arg in args):
            return same(*args)
        if op in _COMPARISONS:
            return _compared(op, args, each)
        if op == "select":
            return _united([_joined(each[:2]), each[2]])
        if op == "neg" or (args and keeps_zero(node)):
            return each[0]
        return None


def at_places(held: Stored, node: Read) -> tuple[Expr, ...]:
    """The positions of a read of a tensor on pairs, in the order of the places."""
    return tuple(node.at[held.axis(place)] for place in range(len(node.at) - len(held.own)))


def same(one: Expr, two: Expr) -> Support:
    if not isinstance(one, Position) or not isinstance(two, Position) or one.index.size != two.index.size:
        return None
    if one.index == two.index:
        return None
    first, second = sorted((one.index, two.index), key=lambda index: index.name)
    return (frozenset((Same(first, second),)),)


_COMPARISONS = {
    "gt": lambda number: number >= 0, "ge": lambda number: number > 0, "lt": lambda number: number <= 0,
    "le": lambda number: number < 0, "ne": lambda number: number == 0, "eq": lambda number: number != 0,
}  # fmt: skip
_TURNED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "ne": "ne", "eq": "eq"}


def _compared(op: str, args: tuple[Expr, ...], each: list[Support]) -> Support:
    """A comparison that does not hold for 0 holds only where its side is not 0."""
    for op_here, side, other in ((op, 0, 1), (_TURNED[op], 1, 0)):
        number = value_of(args[other])
        if isinstance(number, bool | int | float) and _COMPARISONS[op_here](number):
            return each[side]
    return None


def _joined(each: list[Support]) -> Support:
    """Where all hold; too many terms are those of the shortest alone."""
    known = [support for support in each if support is not None]
    if not known:
        return None
    count = 1
    for support in known:
        count *= len(support)
    if count > _MOST_TERMS:
        return min(known, key=len)
    return _least([frozenset[On | Same]().union(*choice) for choice in combinations(*known)])


def _united(each: list[Support]) -> Support:
    if any(support is None for support in each):
        return None
    terms = _least([term for support in each if support is not None for term in support])
    return terms if len(terms) <= _MOST_TERMS else None


def _least(terms: list[Term]) -> tuple[Term, ...]:
    """The terms, each once, without those that say more than another one."""
    distinct = list(dict.fromkeys(terms))
    return tuple(t for t in distinct if not any(other < t for other in distinct))


def _without(support: Support, node: Expr) -> Support:
    """The support over the indices that are left: what speaks of one that is bound says nothing outside."""
    if support is None:
        return None
    bound = set(bound_indices(node))
    terms = [frozenset(atom for atom in term if not _speaks_of(atom, bound)) for term in support]
    return None if not all(terms) else _least(terms)


def _speaks_of(atom: On | Same, bound: set[Index]) -> bool:
    if isinstance(atom, Same):
        return not bound.isdisjoint(atom.indices)
    return any(not free_indices(entry).isdisjoint(bound) for entry in atom.at)
