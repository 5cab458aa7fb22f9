"""The algebra of sums of products, before they are put in order.

    A (B C) = A B C                     sums inside products join the outer sum, indices renamed apart
    A B + A C = A (B + C)               a common factor is multiplied once, where that is cheaper
    sum[k]((A + u v) x) = A x + u (v x) a sum of terms is summed term by term, where that is much cheaper

What comes out is the normal form that ``order_contractions`` starts from: flat products, each summed over all its
indices at once. A sum with a written difference in it is never taken apart: ``(x - m)^2`` would lose its digits to
cancellation, and a squared distance written as ``|x|^2 + |y|^2 - 2 x y`` may come out below 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tensorlang.ir.facts import dtype, is_floating
from tensorlang.ir.nodes import (
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    children,
    contract,
    free_indices,
    number,
    rename,
    with_children,
)
from tensorlang.ir.program import Definition, Piece, Program
from tensorlang.ir.rewrite import bound_inside, indices_inside, rewrite
from tensorlang.passes.canonical import Codes
from tensorlang.passes.constants import Number, endless, value_of
from tensorlang.passes.costs import Costs
from tensorlang.passes.fold import FOLD
from tensorlang.passes.order_contractions import Ordering
from tensorlang.passes.products import multiply
from tensorlang.passes.scopes import apart, change_pieces, fresh
from tensorlang.passes.sound import draws, of_operations, operators, sound
from tensorlang.passes.sums import scaled, split, sum_of
from tensorlang.records import dataclass, replace

# Taking a common factor out must save a tenth; summing term by term, which repeats factors, must save a third.
_SAVED, _DISTRIBUTE = 0.1, 0.67


def _joins(factor: Expr) -> bool:
    return isinstance(factor, Contract) and factor.semiring == "sum"


def flatten(node: Expr) -> Expr | None:
    """sum[i](a sum[k](b c)) = sum[i,k](a b c); a plain product of several sums stays one, no order could gain there."""
    if not isinstance(node, Contract) or node.semiring != "sum":
        return None
    inside = sum(map(_joins, node.factors))
    if inside and any(endless(part) for factor in node.factors for part in (factor, *children(factor))):
        return None
    if not inside or (inside > 1 and not node.summed):
        return None
    outer = {index.name for index in free_indices(node).union(node.summed)}
    taken = outer.union(index.name for index in bound_inside(node))
    summed, factors, waiting = list(node.summed), list[Expr](), list(reversed(node.factors))
    while waiting:
        factor = waiting.pop()
        if not isinstance(factor, Contract) or factor.semiring != "sum":
            factors.append(factor)
            outer.update(index.name for index in free_indices(factor))
            continue
        if not all(index.name not in outer for index in factor.summed):
            clear = apart(factor, outer, taken)
            assert isinstance(clear, Contract), "renaming keeps the kind of a node"
            factor = clear
        summed.extend(factor.summed)
        outer.update(index.name for index in factor.summed)
        taken |= outer
        waiting.extend(reversed(factor.factors))
    return Contract(tuple(summed), tuple(factors), "sum")


sound_flatten = sound(flatten)


def flat(value: Expr) -> Expr:
    """All products of an expression flat, from outside in: each chain of sums is joined once."""
    memo: dict[Expr, Expr] = {}
    joined: dict[Expr, Expr] = {}
    stack = [value]
    while stack:
        top = stack[-1]
        if top not in joined:
            joined[top] = sound_flatten(top) or top
        waiting = [child for child in children(joined[top]) if child not in memo]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        memo[top] = with_children(joined[top], tuple(memo[child] for child in children(joined[top])))
    return memo[value]


@dataclass(frozen=True, slots=True)
class Product:
    """A term of a sum: a number times a product of factors, summed."""

    coefficient: Number
    summed: tuple[Index, ...]
    factors: tuple[Expr, ...]

    @staticmethod
    def of(term: Expr) -> Product:
        parts = split(term)
        if isinstance(parts.core, Contract) and parts.core.semiring == "sum":
            return Product(parts.coefficient, parts.core.summed, parts.core.factors)
        return Product(parts.coefficient, (), (parts.core,))

    def without(self, taken: Sequence[Expr], outside: frozenset[Index]) -> Expr:
        """What is left when factors are taken out, over the sums that are not taken outside with them."""
        left = list(self.factors)
        for factor in taken:
            left.remove(factor)
        summed = tuple(index for index in self.summed if index not in outside)
        return scaled(self.coefficient, contract(summed, tuple(left))) if left else number(self.coefficient)

    def matches(self, names: Mapping[Index, Index], bound: tuple[Index, ...]) -> bool:
        """Whether renaming its summed indices to those bound elsewhere makes ``names`` agree and captures nothing."""
        free = frozenset[Index]().union(*map(free_indices, self.factors)).difference(self.summed)
        for old, new in names.items():
            if old in self.summed:
                if new not in bound or new in free:
                    return False
            elif old != new or new in bound:
                return False
        return True

    def renamed(self, names: Mapping[Index, Index]) -> Product:
        """The same product over other summed indices; those in the way make room."""
        arriving = {index.name for index in names.values()}
        taken = arriving.union(index.name for factor in self.factors for index in indices_inside(factor))
        mapping = dict(names)
        for index in self.summed:
            if index not in mapping and index.name in arriving:
                mapping[index] = fresh(index, taken)
        factors = tuple(rename(apart(factor, arriving, taken), mapping) for factor in self.factors)
        return Product(self.coefficient, tuple(mapping.get(i, i) for i in self.summed), factors)


@dataclass(frozen=True, slots=True)
class Algebra:
    """The two rewritings that depend on costs."""

    costs: Costs
    codes: Codes

    def factor_out(self, node: Expr) -> Expr | None:
        """A B + A C = A (B + C), for the common factor that saves most."""
        if not isinstance(node, Apply) or node.op != "add" or not is_floating(dtype(node)) or draws(node):
            return None
        terms = [Product.of(arg) for arg in node.args]
        best: tuple[float, Expr] | None = None
        for places in self._common(terms):
            group = self._aligned(terms, places)
            rest = [arg for at, arg in enumerate(node.args) if at not in group]
            before = self.costs.of(node) + sum(self._term(terms[at]) for at in group)
            for joined, after in self._factored(list(group.values())) if len(group) > 1 else ():
                new = sum_of([*rest, joined]) or joined
                saved = before - after - (self.costs.of(new) if rest else 0.0)
                if saved >= _SAVED * before and (best is None or saved > best[0]):
                    best = saved, new
        return best[1] if best is not None else None

    def _common(self, terms: list[Product]) -> list[list[tuple[int, Expr]]]:
        """Groups of terms that have a factor alike, with that factor of each."""
        groups: dict[int, dict[int, Expr]] = {}
        for at, term in enumerate(terms):
            for factor in term.factors:
                if not isinstance(factor, Const):
                    groups.setdefault(self.codes.of(factor).code, {}).setdefault(at, factor)
        return [list(group.items()) for group in groups.values() if len(group) > 1]

    def _aligned(self, terms: list[Product], places: list[tuple[int, Expr]]) -> dict[int, Product]:
        """The terms over the first one's indices, so that the factor alike is one and the same, and stands first."""
        (first, common), *others = places
        order, bound = self.codes.of(common).order, terms[first].summed
        group = {first: _led_by(terms[first], common, common)}
        for at, factor in others:
            term, names = terms[at], dict(zip(self.codes.of(factor).order, order, strict=True))
            if term.matches(names, bound):
                moved = term.renamed({old: new for old, new in names.items() if old in term.summed})
                place = term.factors.index(factor)
                group[at] = _led_by(moved, moved.factors[place], common)
        return group

    def _factored(self, group: list[Product]) -> Iterator[tuple[Expr, float]]:
        """The common factor times the sum of the rest, and what that costs; also with all other common factors."""
        leader = group[0]
        common = [leader.factors[0]]
        yield self._joined(group, common)
        left = [list(term.factors[1:]) for term in group]
        for factor in leader.factors[1:]:
            bound = [free_indices(factor).intersection(term.summed) for term in group]
            if all(factor in rest for rest in left) and all(over == bound[0] for over in bound):
                common.append(factor)
                for rest in left:
                    rest.remove(factor)
        if len(common) > 1:
            yield self._joined(group, common)

    def _joined(self, group: list[Product], common: list[Expr]) -> tuple[Expr, float]:
        leader = group[0]
        outside = frozenset[Index]().union(*map(free_indices, common)).intersection(leader.summed)
        rests = [term.without(common, outside) for term in group]
        inner = Apply("add", tuple(rests))
        joined = Contract(tuple(i for i in leader.summed if i in outside), (*common, inner), "sum")
        return joined, self.costs.of(joined) + self.costs.of(inner) + sum(self._term(Product.of(r)) for r in rests)

    def _term(self, term: Product) -> float:
        """The cost of a term without its sign."""
        numbers = () if term.coefficient in (1, -1) else (number(term.coefficient),)
        if len(term.factors) == 1 and not numbers and not term.summed:
            return 0.0
        return self.costs.of(contract(term.summed, (*numbers, *term.factors)))

    def distribute(self, node: Expr) -> Expr | None:
        """sum[k]((a + b) c) = sum[k](a c) + sum[k](b c), where no term is subtracted."""
        if not isinstance(node, Contract) or node.semiring != "sum" or not node.summed or draws(node):
            return None
        for factor in node.factors:
            if not isinstance(factor, Apply) or factor.op != "add" or not all(map(_added, factor.args)):
                continue
            summed, joined = _component(node, factor)
            if not summed:
                continue
            parts = [_normal(Contract(summed, _with(joined, factor, term), "sum")) for term in factor.args]
            new = Apply("add", tuple(parts))
            before = self.costs.of(Contract(summed, tuple(joined), "sum")) + self.costs.of(factor)
            after = self.costs.of(new) + sum(self._term(Product.of(part)) for part in parts)
            if after <= _DISTRIBUTE * before:
                outer = tuple(index for index in node.summed if index not in summed)
                return Contract(outer, (*(f for f in node.factors if f not in joined), new), "sum")
        return None


def _component(node: Contract, factor: Expr) -> tuple[tuple[Index, ...], list[Expr]]:
    """The summed indices that hang together with a factor, and the factors that have them, in their order."""
    reached = free_indices(factor).intersection(node.summed)
    joined = {factor}
    waiting = [other for other in node.factors if other is not factor]
    grown = True
    while grown:
        grown = False
        for other in list(waiting):
            if free_indices(other) & reached:
                waiting.remove(other)
                joined.add(other)
                reached |= free_indices(other).intersection(node.summed)
                grown = True
    return tuple(i for i in node.summed if i in reached), [other for other in node.factors if other in joined]


def _with(factors: list[Expr], old: Expr, new: Expr) -> tuple[Expr, ...]:
    """The factors with (the first) ``old`` replaced."""
    at = factors.index(old)
    return (*factors[:at], new, *factors[at + 1 :])


def _led_by(term: Product, factor: Expr, lead: Expr) -> Product:
    """The term with one factor put first, as ``lead``."""
    left = list(term.factors)
    left.remove(factor)
    return replace(term, factors=(lead, *left))


def _added(term: Expr) -> bool:
    """Whether a term is not written as a subtraction."""
    coefficient = value_of(term) if isinstance(term, Const) else split(term).coefficient
    return coefficient is None or (not isinstance(coefficient, complex) and coefficient >= 0)


def _normal(node: Expr) -> Expr:
    flat = flatten(node) or node
    return multiply(flat) or flat


def contractions(program: Program) -> Program:
    """The program with its products flat, common factors taken out and sums taken apart where that is cheaper."""
    algebra = Algebra(Costs(Ordering(program.sizes)), Codes())
    rules = (*FOLD, of_operations(flatten, algebra.factor_out, algebra.distribute))
    memo: dict[Expr, Expr] = {}

    def change(piece: Piece, _: Definition) -> Expr:
        return rewrite(flat(piece.value), rules, memo) if "*" in operators(piece.value) else piece.value

    return change_pieces(program, change)
