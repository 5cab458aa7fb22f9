"""The pairs that an expression is moved onto, and the expression at one of them.

In: the support of an expression. Out: a ``Spot``: pairs that cover it, and the place of each index that they determine;
with it, an expression becomes one over the pairs: ``H[n',d]`` is ``H[Edge.at1[e],d]``, a tensor that is held on the
same pairs is its values, one on others is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype, presence
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
    children,
    free_indices,
    number,
    with_children,
)
from tensorlang.ir.pairs import Pairs, Stored, Table
from tensorlang.ir.rewrite import fresh_name, indices_inside
from tensorlang.passes.constants import value_of
from tensorlang.passes.delta import DELTA
from tensorlang.passes.sound import draws
from tensorlang.passes.supports import On, Same, Supports, Term, at_places, same
from tensorlang.records import dataclass, field
from tensorlang.source import Span


class UnmovableError(Exception):
    """An expression that cannot be computed pair by pair."""


@dataclass(frozen=True, slots=True)
class Spot:
    """``places`` are the indices that the pairs determine; ``base`` is what all of them are in, ``terms`` what each is
    in one of; ``extra`` holds for those that are meant (a place that is a number, or an index that stands twice)."""

    pairs: Pairs
    index: Index
    places: dict[Index, int]
    base: On
    terms: tuple[Term, ...]
    extra: tuple[tuple[int, Expr], ...] = ()

    def column(self, index: Index) -> Expr:
        return self.pairs.at(self.places[index], self.index)

    def kept(self, gone: frozenset[Index]) -> tuple[Index, ...]:
        """The indices that pairs determine, without some, in the order of their places."""
        return tuple(sorted((i for i in self.places if i not in gone), key=self.places.__getitem__))


@dataclass(slots=True, eq=False)
class Chooser:
    """Chooses the pairs for a support."""

    table: Table

    def spot(
        self, support: tuple[Term, ...] | None, node: Expr, span: Span, gone: Collection[Index] = ()
    ) -> Spot | None:
        """Pairs that cover a support; None where it is none, or equalities alone.

        Those are best that lead from indices which stay to others which are ``gone``: along them sums are nested.
        """
        if not support:
            return None

        def worth(atom: On) -> tuple[bool, int]:
            own = self._placed(atom).keys()
            return bool(own & set(gone)) and bool(own - set(gone)), len(own)

        shared = [atom for atom in _atoms(support[0]) if all(atom in term for term in support)]
        best = max(shared, key=worth, default=None)
        if best is not None and self._placed(best):
            return self._on(best, node)
        return self._union(support, node, span)

    def _placed(self, atom: On) -> dict[Index, int]:
        """The indices that an atom determines, with the place where each stands first."""
        found: dict[Index, int] = {}
        for place, entry in enumerate(atom.at):
            if isinstance(entry, Position) and entry.index.size == self.table.pairs[atom.pairs].sizes[place]:
                found.setdefault(entry.index, place)
        return found

    def _on(self, atom: On, node: Expr) -> Spot:
        pairs, places = self.table.pairs[atom.pairs], self._placed(atom)
        extra = tuple(
            (place, entry)
            for place, entry in enumerate(atom.at)
            if not (isinstance(entry, Position) and places.get(entry.index) == place)
        )
        return Spot(pairs, _fresh(pairs.index, node), places, atom, self._terms(atom), extra)

    def _terms(self, atom: On) -> tuple[Term, ...]:
        """What pairs are in: for those of a union, each of its parts."""
        terms: list[Term] = []
        for part, order in self.table.unions.get(atom.pairs, ()):
            if part is not None:
                own = sorted(range(len(order)), key=lambda at: order[at])
                terms.append(frozenset((atom, On(part, tuple(atom.at[at] for at in own)))))
            else:
                terms += [term | {atom} for term in same(*atom.at) or (frozenset(),)]
        return tuple(terms) or (frozenset((atom,)),)

    def _union(self, support: tuple[Term, ...], node: Expr, span: Span) -> Spot | None:
        """Pairs that are in one of several sets, or have equal positions."""
        mains: list[On | Same] = []
        for term in support:
            main = self._main(term)
            if main is None:
                return None
            mains.append(main)
        first = next((main for main in mains if isinstance(main, On)), None)
        if first is None or any(set(main.indices) != set(first.indices) for main in mains):
            return None
        order = first.indices
        parts = tuple(dict.fromkeys(self._part(main, order) for main in mains))
        if len(parts) == 1:
            return self._on(first, node)
        if len(order) != 2 and any(part is None for part, _ in parts):
            return None
        union = self.table.union(parts, tuple(index.size for index in order), span)
        at = tuple(Position(index) for index in order)
        return self._on(On(union.name, at), node)

    def _main(self, term: Term) -> On | Same | None:
        """What a term says of several indices at once, each standing alone at a place of its own."""
        whole = [atom for atom in _atoms(term) if len(self._placed(atom)) == len(atom.at)]
        if whole:
            return max(whole, key=lambda atom: len(atom.at))
        return next((atom for atom in sorted(term, key=str) if isinstance(atom, Same)), None)

    def _part(self, main: On | Same, order: tuple[Index, ...]) -> tuple[str | None, tuple[int, ...]]:
        if isinstance(main, Same):
            return None, ()
        return main.pairs, tuple(main.at.index(Position(index)) for index in order)


def _atoms(term: Term) -> list[On]:
    return sorted((atom for atom in term if isinstance(atom, On)), key=lambda atom: (-len(atom.at), str(atom)))


def _fresh(index: Index, node: Expr) -> Index:
    taken = {other.name for other in indices_inside(node)}
    return Index(fresh_name(index.name, taken), index.size) if index.name in taken else index


@dataclass(slots=True, eq=False)
class AtPairs:
    """Expressions at the pairs of a spot. ``named`` computes a part by itself, as a tensor, and gives a read of it."""

    spot: Spot
    table: Table
    supports: Supports
    span: Span
    named: Callable[[Expr], Expr]
    memo: dict[Expr, Expr] = field(default_factory=dict)

    def __call__(self, node: Expr) -> Expr:
        if node not in self.memo:
            self.memo[node] = self._at(node)
        return self.memo[node]

    @property
    def conditions(self) -> tuple[Expr, ...]:
        """What holds for the pairs that are meant, besides being pairs."""
        return tuple(
            Apply("eq", (self.spot.pairs.at(place, self.spot.index), self(entry))) for place, entry in self.spot.extra
        )

    def _at(self, node: Expr) -> Expr:
        if free_indices(node).isdisjoint(self.spot.places):
            return node
        if dtype(node) == "bool" and self._holds(node):
            return number(True)
        if hoistable(node, self.spot):
            return self(self.named(node))
        match node:
            case Position(index=index):
                return self.spot.column(index)
            case Read():
                return self._read(node)
            case AlongIndex(index=index) if index in self.spot.places:
                raise UnmovableError(str(node))
            case Where(condition=condition, arg=arg):
                there = self.condition(condition)
                return self(arg) if value_of(there) is True else Where(there, self(arg))
            case Apply(op="and" | "or" as op, args=args):
                return _logic(op, tuple(self.condition(arg) for arg in args))
            case Const() | Apply() | Contract() | Reduce() | AlongIndex():
                return with_children(node, tuple(self(child) for child in children(node)))

    def condition(self, node: Expr) -> Expr:
        """A condition at a pair; a weight stands for its pair, whatever it is."""
        return number(True) if self._holds(node) else self(node)

    def _holds(self, node: Expr) -> bool:
        """Whether a condition holds for all pairs: it says no more than that they are in one of the sets."""
        if not says_support(node, self.table):
            return False
        support = self.supports.of(node)
        return support is not None and all(any(term <= own for term in support) for own in self.spot.terms)

    def _read(self, node: Read) -> Expr:
        held = self.table.stored.get(node.tensor)
        if held is None:
            if node.tensor == DELTA and len(node.at) == 2:
                equal: Expr = Apply("eq", tuple(self(entry) for entry in node.at))
                return Contract((), (number(1), equal), "sum")
            return with_children(node, tuple(self(entry) for entry in node.at))
        at = at_places(held, node)
        if held.pairs == self.spot.base.pairs and at == self.spot.base.at:
            return self._values(held, node, Position(self.spot.index))
        places = [self.spot.places.get(entry.index) if isinstance(entry, Position) else None for entry in at]
        known = tuple(place for place in places if place is not None)
        if len(known) < len(places):
            return with_children(node, tuple(self(entry) for entry in node.at))
        outer = self.table.pairs[held.pairs]
        name = self.table.found(self.spot.pairs, outer, known, self.span)
        return self._values(held, node, Read(name, (Position(self.spot.index),), (self.spot.index.size,), "int"))

    def _values(self, held: Stored, node: Read, pair: Expr) -> Expr:
        """The element of a tensor on pairs at a pair, 0 where that is -1."""
        if held.values is None:
            return number(True) if isinstance(pair, Position) else Apply("ge", (pair, number(0)))
        own = tuple(self(node.at[axis]) for axis in held.own)
        shape = (Size.of(self.table.pairs[held.pairs].count), *(node.shape[axis] for axis in held.own))
        return Read(held.values, (pair, *own), shape, node.dtype)


def _logic(op: str, args: tuple[Expr, ...]) -> Expr:
    """``and`` or ``or`` without what decides nothing."""
    neutral = op == "and"
    if any(value_of(arg) is not neutral and isinstance(arg, Const) for arg in args):
        return number(not neutral)
    kept = tuple(dict.fromkeys(arg for arg in args if not isinstance(arg, Const)))
    return number(neutral) if not kept else kept[0] if len(kept) == 1 else Apply(op, kept)


def says_support(node: Expr, table: Table) -> bool:
    """Whether a condition holds wherever its support is: it is made of memberships and equalities alone."""
    match node:
        case Read(tensor=tensor):
            held = table.stored.get(tensor)
            return tensor == DELTA or (held is not None and (held.values is None or held.values.endswith(".weights")))
        case Apply(op="eq", args=args):
            return all(isinstance(arg, Position) for arg in args)
        case Apply(op="and" | "or" | "add", args=args):
            return all(says_support(arg, table) for arg in args)
        case Apply(op="ne", args=(Read(tensor=tensor), Const(value=value))) if not value and tensor in table.stored:
            held = table.stored[tensor]
            return held.values is None or held.values.endswith(".weights")
        case Apply(op="gt" | "ne", args=(arg, Const(value=value))) if not value:
            return _is_count(arg, table)
        case Const() | Position() | Apply() | Contract() | Reduce() | AlongIndex() | Where():
            return False


def _is_count(node: Expr, table: Table) -> bool:
    """Whether a value is above 0 wherever its support is: a truth value, or a sum of some."""
    if isinstance(node, Read):
        held = table.stored.get(node.tensor)
        return node.tensor == DELTA or (held is not None and held.values is None)
    return isinstance(node, Apply) and node.op == "add" and all(_is_count(arg, table) for arg in node.args)


_SMALL_AXIS = 512


def hoistable(node: Expr, spot: Spot) -> bool:
    """Whether a part is computed once for each of fewer keys than there are pairs."""
    own = [index for index in spot.places if index in free_indices(node)]
    if isinstance(node, Read | Position | Const) or presence(node) is not None or draws(node):
        return False
    large = [index for index in own if (index.size.constant or _SMALL_AXIS + 1) > _SMALL_AXIS]
    return len(own) < len(spot.places) and len(large) <= 1 and len(own) > 0
