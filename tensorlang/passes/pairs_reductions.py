"""Sums, reductions and functions along an index that pairs determine, as sums, reductions and functions over pairs.

In: a node whose parts are moved already. Out: an equal expression over new tensors, or the node itself where no pairs
cover it. Of a product, what depends on one place alone is summed before or after, as is cheaper; of a softmax, the
largest element, the powers and their sum are tensors of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorlang.ir.facts import dtype, is_floating, presence
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
    conjunction,
    contract,
    free_indices,
    number,
    product,
    with_children,
)
from tensorlang.ir.pairs import Stored
from tensorlang.passes.masks import _unguarded as unguarded
from tensorlang.passes.scopes import apart
from tensorlang.passes.sound import draws
from tensorlang.passes.spots import AtPairs, Spot, UnmovableError

if TYPE_CHECKING:
    from tensorlang.passes.onto_pairs import Mover


def moved(node: Expr, mover: Mover) -> Expr:
    """The node over pairs, or itself."""
    if draws(node):
        return node
    try:
        match node:
            case Contract(summed=summed) if summed and node.semiring == "sum":
                return _sum(node, mover)
            case Reduce():
                return _reduce(node, mover)
            case AlongIndex():
                return _along(node, mover)
            case Read():
                return _part(node, mover)
            case Const() | Position() | Apply() | Contract() | Where():
                return node
    except UnmovableError:
        return node


def _part(node: Read, mover: Mover) -> Expr:
    """A part of what is on pairs: at a number (``Edge[n,3]``), or where two places are equal (``Edge[n,n]``)."""
    if node.tensor not in mover.table.stored:
        return node
    spot = mover.spot(mover.supports.of(node), node)
    if spot is None or not spot.extra or not all(free_indices(at) <= spot.places.keys() for _, at in spot.extra):
        return node
    at = mover.at(spot)
    kept, there = spot.kept(frozenset()), conjunction(at.conditions) or number(True)
    if dtype(node) == "bool":
        value = at(node)
        value = there if value is number(True) else Apply("and", (value, there))
        return _aggregated(value, kept, spot, mover, "any", "bool", "part")
    return _aggregated(Contract((), (at(node), there), "sum"), kept, spot, mover, "sum", dtype(node), "part")


def _clear(node: Expr, spot: Spot) -> Expr:
    """The node with other names where an index that the pairs determine is bound again inside."""
    names = {index.name for index in spot.places} | {spot.index.name}
    return with_children(node, tuple(apart(child, names) for child in children(node)))


# --- sums --------------------------------------------------------------------------------------------------------


def _sum(node: Contract, mover: Mover) -> Expr:
    spot = mover.spot(mover.supports.all_of(node.factors), node)
    if spot is None:
        return _term_by_term(node, mover)
    if spot.places.keys().isdisjoint(node.summed) and not spot.extra:
        return node
    outside = tuple(f for f in node.factors if _outside(f, node, spot))
    if outside:
        inner = Contract(node.summed, tuple(f for f in node.factors if f not in outside), "sum")
        return product(*outside, _sum(inner, mover))
    return _around(node, spot, mover)


def _outside(factor: Expr, node: Contract, spot: Spot) -> bool:
    """Whether a factor can be multiplied after the sum: it has no index of pairs, and none that is summed."""
    own = free_indices(factor)
    return own.isdisjoint(node.summed) and own.isdisjoint(spot.places) and not isinstance(factor, Const)


def _term_by_term(node: Contract, mover: Mover) -> Expr:
    """A sum of products with a sum as factor, of which some terms are on pairs: each term by itself."""
    for factor in node.factors:
        if not isinstance(factor, Apply) or factor.op != "add":
            continue
        others = tuple(other for other in node.factors if other is not factor)
        if any(mover.supports.of(term) for term in factor.args):
            parts = [Contract(node.summed, (*others, term), "sum") for term in factor.args]
            return Apply("add", tuple(moved(part, mover) for part in parts))
    return node


def _around(node: Contract, spot: Spot, mover: Mover) -> Expr:
    """The sum over pairs, sums over other indices before it or behind it."""
    for linked, group in _components(node, spot):
        own = frozenset[Index]().union(*map(free_indices, group)).intersection(spot.places)
        if len(own) >= len(spot.places) or not linked:
            continue
        plain = tuple(f for f in group if free_indices(f).isdisjoint(own))
        keyed = tuple(f for f in group if f not in plain)
        rest = tuple(f for f in node.factors if f not in group)
        later = tuple(i for i in node.summed if i not in linked)
        before = mover.estimate(_widths(group).difference(linked, own))
        after = mover.estimate(_widths(keyed).difference(own))
        if plain and own <= frozenset(node.summed) and after < before:
            inside = _sum(Contract(later, (*rest, *keyed), "sum"), mover)
            return Contract(linked, (*plain, inside), "sum")
        summed_first = moved(Contract(linked, group, "sum"), mover)
        return _sum(Contract(later, (*rest, summed_first), "sum"), mover)
    clear = _clear(node, spot)
    assert isinstance(clear, Contract), "renaming keeps the kind of a node"
    return _over_pairs(clear, spot, mover)


def _widths(factors: tuple[Expr, ...]) -> frozenset[Index]:
    return frozenset[Index]().union(*map(free_indices, factors))


def _components(node: Contract, spot: Spot) -> list[tuple[tuple[Index, ...], tuple[Expr, ...]]]:
    """Factors that hang together by summed indices which pairs do not determine, with these indices."""
    left = [index for index in node.summed if index not in spot.places]
    found: list[tuple[tuple[Index, ...], tuple[Expr, ...]]] = []
    while left:
        reached, group = {left[0]}, list[Expr]()
        grown = True
        while grown:
            grown = False
            for factor in node.factors:
                if factor not in group and free_indices(factor) & reached:
                    group.append(factor)
                    reached |= free_indices(factor).intersection(left)
                    grown = True
        found.append((tuple(index for index in left if index in reached), tuple(group)))
        left = [index for index in left if index not in reached]
    return found


def _over_pairs(node: Contract, spot: Spot, mover: Mover) -> Expr:
    at = mover.at(spot)
    factors = [at(factor) for factor in node.factors] + list(at.conditions)
    kept = spot.kept(frozenset(node.summed))
    summed = tuple(index for index in node.summed if index not in spot.places)
    factors = [factor for factor in factors if factor is not number(True)] or [number(1)]
    if not kept:
        summed = (*summed, spot.index)
    value = contract(summed, tuple(factors))
    if dtype(value) != dtype(node) or not kept:
        value = (
            Contract(summed, tuple(factors), "sum")
            if dtype(Contract(summed, tuple(factors), "sum")) == dtype(node)
            else Contract(summed, (number(1), *factors), "sum")
        )
    if not kept:
        return value
    return _aggregated(value, kept, spot, mover, "sum", dtype(node), "sum")


def _aggregated(value: Expr, kept: tuple[Index, ...], spot: Spot, mover: Mover, op: str, of: str, word: str) -> Expr:
    """What falls on each of the kept positions, joined, as a tensor of its own."""
    rest = tuple(sorted(free_indices(value) - {spot.index}, key=lambda index: index.name))
    left = (*(spot.column(index) for index in kept), *map(Position, rest))
    name = mover.aggregate(f"{mover.wish}.{word}", left, (spot.index, *rest), value, op, of)
    return mover.read(name, (*kept, *rest))


# --- reductions --------------------------------------------------------------------------------------------------

_DIRECT = frozenset(("max", "min", "mean", "prod", "any", "all", "logsumexp"))
_OF_NONZERO = frozenset(("any", "count", "norm"))


def _reduce(node: Reduce, mover: Mover) -> Expr:
    there = _present(node, mover)
    support = mover.supports.of(there) if there is not None else None
    if support is None and node.op in _OF_NONZERO:
        support = mover.supports.of(node.arg)
    spot = mover.spot(support, node)
    if spot is None or spot.places.keys().isdisjoint(node.indices) or node.op in ("argmax", "argmin"):
        return node
    clear = _clear(node, spot)
    assert isinstance(clear, Reduce), "renaming keeps the kind of a node"
    at = mover.at(spot)
    condition, value = _guarded_at(clear.arg, there, at)
    kept = spot.kept(frozenset(node.indices))
    over = Over(spot, kept, tuple(i for i in node.indices if i not in spot.places), condition, mover)
    match node.op:
        case "count":
            one = Apply("select", (Apply("ne", (value, _zero(value))), number(1), number(0)))
            return over.sum(one, "int")
        case "norm":
            return _root(over.sum(Apply("pow", (Apply("abs", (value,)), number(2))), dtype(node)))
        case "var" | "std":
            return _spread(over, value, node)
        case op if op in _DIRECT:
            return over.reduced(value, op, dtype(node))
        case _:
            return node


def _present(node: Reduce | AlongIndex, mover: Mover) -> Expr | None:
    """Where an argument is present."""
    return presence(node.arg)


def _guarded_at(arg: Expr, there: Expr | None, at: AtPairs) -> tuple[Expr | None, Expr]:
    """The condition at a pair under which the argument is present (None: always), and its value there."""
    bare = arg if there is None else unguarded(arg, there)
    conditions = [*at.conditions] if there is None else [*at.conditions, at.condition(there)]
    left = tuple(c for c in conditions if c is not number(True))
    return conjunction(left), at(bare)


def _zero(value: Expr) -> Expr:
    return number(False) if dtype(value) == "bool" else number(0)


class Over:
    """Reductions over pairs, and over other indices with them, for each of the kept positions."""

    def __init__(
        self, spot: Spot, kept: tuple[Index, ...], others: tuple[Index, ...], condition: Expr | None, mover: Mover
    ) -> None:
        self.spot, self.kept, self.others, self.condition, self.mover = spot, kept, others, condition, mover

    def _guarded(self, value: Expr) -> Expr:
        return value if self.condition is None else Where(self.condition, value)

    def sum(self, value: Expr, of: str) -> Expr:
        if self.condition is not None:
            value = Contract((), (value, self.condition), "sum")
        if not self.kept:
            return Contract((*self.others, self.spot.index), (value,), "sum")
        summed = contract(self.others, (value,))
        return _aggregated(summed, self.kept, self.spot, self.mover, "sum", of, "sum")

    def reduced(self, value: Expr, op: str, of: str) -> Expr:
        if not self.kept:
            return Reduce(op, (*self.others, self.spot.index), self._guarded(value))
        rest = free_indices(value).union(free_indices(self.condition) if self.condition is not None else ())
        rest = rest - {self.spot.index, *self.others}
        left_rest = tuple(sorted(rest, key=lambda index: index.name))
        if self.others and op == "mean":
            raise UnmovableError("a mean over pairs and other indices")
        inner = Reduce(op, self.others, self._guarded(value)) if self.others else self._guarded(value)
        if self.others and self.condition is not None and op not in ("max", "min", "any", "all", "prod", "logsumexp"):
            raise UnmovableError(op)
        left = (*(self.spot.column(index) for index in self.kept), *map(Position, left_rest))
        indices = (self.spot.index, *left_rest)
        name = self.mover.aggregate(f"{self.mover.wish}.{op}", left, indices, inner, op, of)
        return self.mover.read(name, (*self.kept, *left_rest))

    def back(self, value: Expr, at: AtPairs) -> Expr:
        """What was found for the kept positions, at each pair."""
        return at(value)


def _root(square: Expr) -> Expr:
    """The root, with gradient 0 at 0."""
    above = Apply("gt", (square, number(0)))
    safe = Apply("select", (above, square, Const(1.0, "float")))
    return Apply("select", (above, Apply("sqrt", (safe,)), Const(0.0, "float")))


def _spread(over: Over, value: Expr, node: Reduce) -> Expr:
    mean = over.reduced(value, "mean", dtype(node))
    at = over.mover.at(over.spot)
    distance = Apply("add", (value, Apply("neg", (at(mean),))))
    variance = over.reduced(Apply("pow", (Apply("abs", (distance,)), number(2))), "mean", dtype(node))
    return variance if node.op == "var" else _root(variance)


# --- functions along an index --------------------------------------------------------------------------------------


def _along(node: AlongIndex, mover: Mover) -> Expr:
    there = _present(node, mover)
    spot = mover.spot(mover.supports.of(there) if there is not None else None, node)
    if spot is None or node.index not in spot.places or spot.extra or there is None:
        return node
    if node.op not in ("softmax", "log_softmax", "normalize", "lnorm", "rmsnorm") or not is_floating(dtype(node)):
        return node
    clear = _clear(node, spot)
    assert isinstance(clear, AlongIndex), "renaming keeps the kind of a node"
    at = mover.at(spot)
    condition, value = _guarded_at(clear.arg, there, at)
    kept = spot.kept(frozenset((node.index,)))
    over = Over(spot, kept, (), condition, mover)
    own = tuple(sorted(free_indices(value) - {spot.index}, key=lambda index: index.name))
    value = mover.held(f"{mover.wish}.arg", (spot.index, *own), value, dtype(node))
    result = over._guarded(_function(node, value, over, at, mover, (spot.index, *own)))
    return _on(result, own, spot, node, mover)


def _function(node: AlongIndex, value: Expr, over: Over, at: AtPairs, mover: Mover, axes: tuple[Index, ...]) -> Expr:
    of = dtype(node)
    if node.op in ("softmax", "log_softmax"):
        largest = over.reduced(Apply("stop_gradient", (value,)), "max", of)
        shifted = Apply("add", (value, Apply("neg", (at(largest),))))
        power: Expr = over._guarded(Apply("exp", (shifted,)))
        power = mover.held(f"{mover.wish}.exp", axes, power, of)
        total = over.sum(power, of)
        if node.op == "softmax":
            return product(power, Apply("reciprocal", (at(total),)))
        return Apply("add", (shifted, Apply("neg", (Apply("log", (at(total),)),))))
    eps = node.options[0] if node.options else Const({"normalize": 1e-12, "lnorm": 1e-5}.get(node.op, 1e-6), "float")
    if node.op == "normalize":
        norm = _root(over.sum(Apply("pow", (Apply("abs", (value,)), number(2))), of))
        return product(value, Apply("reciprocal", (Apply("max", (at(norm), eps)),)))
    if node.op == "lnorm":
        mean = over.reduced(value, "mean", of)
        value = Apply("add", (value, Apply("neg", (at(mean),))))
    square = over.reduced(Apply("pow", (Apply("abs", (value,)), number(2))), "mean", of)
    return product(value, Apply("rsqrt", (Apply("add", (at(square), eps)),)))


def _on(value: Expr, own: tuple[Index, ...], spot: Spot, node: AlongIndex, mover: Mover) -> Expr:
    """A read of a tensor that is held on pairs and has this value there."""
    held = mover.define(f"{mover.wish}.{node.op}", (spot.index, *own), value, dtype(node))
    covered = spot.kept(frozenset())
    axes = (*own, *covered)
    left = (*map(Position, own), *(spot.column(index) for index in covered))
    name = mover.aggregate(
        f"{mover.wish}.table", left, (spot.index, *own), mover.read(held, (spot.index, *own)), "sum", dtype(node)
    )
    places = (*(None for _ in own), *(spot.places[index] for index in covered))
    mover.table.stored[name] = Stored(name, spot.pairs.name, places, held)
    there = presence(node)
    read = mover.read(name, axes)
    return read if there is None else Where(there, read)
