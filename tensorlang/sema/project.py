"""The projection rule (language, section 3): where each index is summed, made explicit.

In: a statement whose names are resolved and whose sizes are known. Out: the value as an IR expression in which every
sum is written, and the indices that it still has. Innermost first; what two readers would read differently is an error.

Each step returns the expression with ``Open``: for an index that one term of a sum has summed by itself while a
sibling term has it left over, the two places. If an outer product or power then sums that index, the readings differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tensorlang.diagnostics import Problems
from tensorlang.ir.domain import Size
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
    conjunction,
    contract,
    free_indices,
    number,
    product,
)
from tensorlang.ops import REDUCTIONS
from tensorlang.records import dataclass, field
from tensorlang.sema import messages
from tensorlang.sema.build import Builder
from tensorlang.sema.quotients import ambiguous
from tensorlang.sema.resolved import (
    Access,
    Addition,
    Along,
    Entity,
    Extent,
    Flat,
    FromEnd,
    Function,
    Multiplication,
    Place,
    Poison,
    Raise,
    Reduction,
    Resolved,
    Value,
    names_free,
)
from tensorlang.source import Span

Open = Mapping[str, tuple[Span, Span]]
_NOTHING: Open = {}


class Stop(Exception):
    """The equation cannot be given a meaning; what was wrong is reported already."""


@dataclass(slots=True, eq=False)
class Projection:
    """One statement being projected.

    ``left`` are the indices kept; ``guards`` the conditions with their index names, each used where it limits a sum.
    ``gather_all`` is set for ``max=`` and its kin (products at the top do not sum), ``lenient`` where indices that are
    left over are kept (queries, assertions). ``written`` are all indices that the right side uses.
    """

    build: Builder
    problems: Problems
    left: frozenset[str]
    guards: tuple[tuple[Expr, frozenset[str], Span], ...]
    gather_all: bool = False
    lenient: bool = False
    written: frozenset[str] = frozenset()
    used: set[int] = field(default_factory=set)

    def names(self, node: Expr) -> frozenset[str]:
        return frozenset(index.name for index in free_indices(node))

    def indices(self, names: frozenset[str] | set[str] | tuple[str, ...]) -> tuple[Index, ...]:
        ordered = names if isinstance(names, tuple) else tuple(sorted(names))
        return tuple(self.build.index(name) for name in ordered)

    # --- sums and guards ---

    def limited(self, node: Expr, bound: frozenset[str], scope: frozenset[str]) -> Expr:
        """The expression limited by those guards that speak of an index bound here and are wholly in scope."""
        chosen = []
        for at, (guard, names, _) in enumerate(self.guards):
            if names & bound and names <= scope | bound:
                chosen.append(guard)
                self.used.add(at)
        condition = conjunction(tuple(chosen))
        return node if condition is None else Where(condition, node)

    def sum_over(self, names: frozenset[str], factors: tuple[Expr, ...], scope: frozenset[str]) -> Expr:
        if not names:
            return contract((), factors)
        body = contract((), factors)
        limited = self.limited(body, names, scope)
        return Contract(self.indices(names), factors if limited is body else (limited,), "sum")

    # --- the rule ---

    def go(self, node: Resolved, outside: frozenset[str]) -> tuple[Expr, Open]:
        """``outside``: the indices on the left, of enclosing reductions, or used by factors around this expression."""
        match node:
            case Value() | Extent() | Place() | Flat() | FromEnd() | Access():
                return self.build.leaf(node), _NOTHING
            case Multiplication():
                return self._product(node, outside)
            case Addition(terms=terms):
                return self._sum(terms, outside)
            case Raise():
                return self._power(node, outside)
            case Function():
                return self._function(node, outside), _NOTHING
            case Reduction():
                return self._reduction(node, outside)
            case Along():
                return self._along(node, outside), _NOTHING
            case Poison() | Entity():
                raise Stop

    def _product(self, node: Multiplication, outside: frozenset[str]) -> tuple[Expr, Open]:
        factors = node.factors
        carriers = Counter(name for factor in factors for name in names_free(factor))
        projected: list[Expr] = []
        opened: dict[str, tuple[Span, Span]] = {}
        for factor in factors:
            own = names_free(factor)
            others = frozenset(name for name, count in carriers.items() if count > (name in own))
            value, open_ = self.go(factor, outside | others)
            projected.append(value)
            opened.update(open_)
        count = Counter(name for value in projected for name in self.names(value))
        summed = frozenset(name for name, n in count.items() if n >= 2 and name not in outside)
        self._refuse(summed, opened)
        for name in sorted(summed):
            if (quotient := ambiguous(node, name)) is not None:
                messages.summed_above_and_below(self.problems, name, node.span, quotient)
                raise Stop
        result = self.sum_over(summed, tuple(projected), outside | frozenset(count))
        return result, {name: places for name, places in opened.items() if name not in summed}

    def _refuse(self, summed: frozenset[str], opened: Open) -> None:
        for name in summed:
            if name in opened:
                messages.summed_and_left(self.problems, name, *opened[name])
                raise Stop

    def _sum(self, terms: tuple[tuple[int, Resolved], ...], outside: frozenset[str]) -> tuple[Expr, Open]:
        values: list[Expr] = []
        opened: dict[str, tuple[Span, Span]] = {}
        inner: list[tuple[Resolved, frozenset[str], frozenset[str]]] = []
        for sign, term in terms:
            value, open_ = self.go(term, outside)
            opened.update(open_)
            inner.append((term, names_free(term) - self.names(value), self.names(value) - outside))
            values.append(value if sign > 0 else _negate(value))
        seen: dict[str, Span] = {}
        for term, summed, _ in inner:
            for name in summed:
                seen.setdefault(name, term.span)
        for term, _, left in inner:
            for name in left & seen.keys():
                opened.setdefault(name, (seen[name], term.span))
        return (values[0] if len(values) == 1 else Apply("add", tuple(values))), opened

    def _power(self, node: Raise, outside: frozenset[str]) -> tuple[Expr, Open]:
        if not node.repeated:
            return self._apply("pow", (node.base, node.exponent), outside, node.span), _NOTHING
        base, opened = self.go(node.base, outside | names_free(node.exponent))
        exponent, _ = self.go(node.exponent, outside | self.names(base))
        self.build.check_power((base, exponent), node.span)
        value = _raised(base, exponent)
        summed = self.names(base) - outside - self.names(exponent)
        self._refuse(summed, opened)
        return self.sum_over(summed, (value,), outside | self.names(value)), _NOTHING

    # --- functions ---

    def _function(self, node: Function, outside: frozenset[str]) -> Expr:
        return self._apply(node.op, node.args, outside, node.span)

    def _apply(self, op: str, args: tuple[Resolved, ...], outside: frozenset[str], span: Span) -> Expr:
        values = tuple(self._argument(arg, outside, span) for arg in args)
        values = self.build.checked(op, values, args, span)
        return _raised(*values) if op == "pow" else Apply(op, values)

    def _argument(self, arg: Resolved, outside: frozenset[str], function: Span) -> Expr:
        """What is left over at a function's argument: summed where its term is a product, an error where alone."""
        value, opened = self.go(arg, outside)
        left = self.names(value) - outside
        if not left or self.lenient or self.gather_all:
            return value
        if isinstance(arg, Addition):
            return self._terms_of_argument(arg, value, outside, function, opened)
        if _indexed_factors(arg) >= 2:
            self._refuse(left, opened)
            return self._close(value, left, outside)
        messages.lone_index(self.problems, arg.span, function, sorted(left)[0])
        raise Stop

    def _terms_of_argument(
        self, arg: Addition, value: Expr, outside: frozenset[str], function: Span, opened: Open
    ) -> Expr:
        parts = value.args if isinstance(value, Apply) and value.op == "add" and len(arg.terms) > 1 else (value,)
        closed = []
        for (_, term), part in zip(arg.terms, parts, strict=True):
            left = self.names(part) - outside
            if left and _indexed_factors(term) < 2:
                messages.lone_index(self.problems, term.span, function, sorted(left)[0])
                raise Stop
            if left:
                self._refuse(left, opened)
            closed.append(self._close(part, left, outside))
        return closed[0] if len(closed) == 1 else Apply("add", tuple(closed))

    def _close(self, value: Expr, left: frozenset[str], outside: frozenset[str]) -> Expr:
        """Sum what is left over in one term."""
        if not left:
            return value
        sign = isinstance(value, Apply) and value.op == "neg"
        old = value.args[0] if isinstance(value, Apply) and sign else value
        if isinstance(old, Contract) and not _limits(old):
            body = contract((), old.factors)
            limited = self.limited(body, left, outside | self.names(value))
            factors = old.factors if limited is body else (limited,)
            summed: Expr = Contract((*old.summed, *self.indices(left)), factors, "sum")
        else:
            summed = self.sum_over(left, (old,), outside | self.names(value))
        return _negate(summed) if sign else summed

    # --- reductions and functions along an index ---

    def _reduction(self, node: Reduction, outside: frozenset[str]) -> tuple[Expr, Open]:
        own = frozenset(node.indices)
        clash = own & (outside | self.left)
        build, names = self.build, {name: self.build.fresh(name) for name in sorted(clash)}
        inside = (outside - own) | own
        value, opened = self.go(node.arg, inside)
        guard = self._guard(node.where, inside | self.names(value))
        if node.op not in ("sum", "mean"):
            value = self._closed_argument(node, value, inside)
        value = self.limited(value, own, inside | self.names(value))
        if guard is not None:
            value = Where(guard, value)
        value = build.reducible(node.op, value, node.span)
        if names:
            value = build.rename(value, names)
        indices = tuple(build.index(names.get(name, name)) for name in node.indices)
        if node.op == "sum":
            return Contract(indices, (value,), "sum"), {n: p for n, p in opened.items() if n not in own}
        return Reduce(node.op, indices, value), _NOTHING

    def _guard(self, where: tuple[Resolved, ...], scope: frozenset[str]) -> Expr | None:
        """The conditions that stand inside a bracket."""
        tests = []
        for condition in where:
            test, _ = self.go(condition, scope)
            tests.append(self.build.condition(test, condition.span))
        return conjunction(tuple(tests))

    def _closed_argument(self, node: Reduction, value: Expr, inside: frozenset[str]) -> Expr:
        left = self.names(value) - inside
        if not left or self.lenient or self.gather_all:
            return value
        if isinstance(node.arg, Addition):
            return self._terms_of_argument(node.arg, value, inside, node.span, _NOTHING)
        if _indexed_factors(node.arg) < 2:
            messages.lone_index(self.problems, node.arg.span, node.span, sorted(left)[0])
            raise Stop
        return self._close(value, left, inside)

    def _along(self, node: Along, outside: frozenset[str]) -> Expr:
        inside = outside | {node.index}
        value = self._argument(node.arg, inside, node.span)
        guard = self._guard(node.where, inside | self.names(value))
        value = value if guard is None else Where(guard, value)
        value = self.limited(value, frozenset((node.index,)), inside | self.names(value))
        options = tuple(self._argument(option, inside, node.span) for option in node.options)
        value = self.build.reducible(node.op, value, node.span)
        return AlongIndex(node.op, self.build.index(node.index), value, options)

    # --- the top ---

    def top(self, node: Resolved, aggregate: str) -> Expr:
        """The whole right side: what is still left over is aggregated here, term by term where that is a sum."""
        if self.gather_all:
            value, _ = self.go(node, self.left | _outside_functions(node))
            if aggregate in ("any", "all"):
                value = _conjoined(value)
            return self._finish(value, aggregate, node.span)
        value, opened = self.go(node, self.left)
        if self.lenient:
            return value
        if isinstance(node, Addition):
            parts = value.args if isinstance(value, Apply) and len(node.terms) > 1 else (value,)
            closed = tuple(self._close(part, self.names(part) - self.left, self.left) for part in parts)
            value = closed[0] if len(closed) == 1 else Apply("add", closed)
        else:
            left = self.names(value) - self.left
            self._refuse(left, opened)
            value = self._close(value, left, self.left)
        return self._finish(value, "sum")

    def _finish(self, value: Expr, aggregate: str, place: Span | None = None) -> Expr:
        """Guards at the top: indices that only a guard has are summed over; those on the left limit the equation."""
        extra: set[str] = set()
        for at, (_, names, span) in enumerate(self.guards):
            if at not in self.used:
                if names & self.written - self.left - self.names(value):
                    messages.guard_out_of_place(self.problems, span)
                    raise Stop
                extra |= names - self.left
        over = (self.names(value) - self.left) | extra
        if over:
            value = self.limited(value, frozenset(over), self.left | self.names(value))
            if aggregate == "sum":
                value = Contract(self.indices(over), (value,), "sum")
            else:
                value = self.build.reducible(aggregate, value, place)
                value = Reduce(aggregate, self.indices(over), value)
        condition = conjunction(tuple(condition for condition, names, _ in self.guards if names <= self.left))
        return value if condition is None or presence(value) is condition else Where(condition, value)


def _conjoined(value: Expr) -> Expr:
    """A product of truth values under ``or=`` or ``and=`` is their conjunction."""
    if isinstance(value, Contract) and not value.summed and all(dtype(factor) == "bool" for factor in value.factors):
        return Apply("and", value.factors)
    return value


def _limits(node: Contract) -> bool:
    return any(isinstance(factor, Where) for factor in node.factors)


def _negate(node: Expr) -> Expr:
    if isinstance(node, Const) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return number(-node.value)
    return Apply("neg", (node,))


def _raised(base: Expr, exponent: Expr) -> Expr:
    """A power. Integers to an exponent that may be negative are raised as floats; ``n^-2`` is a reciprocal."""
    if is_floating(dtype(base)) or is_floating(dtype(exponent)) or _counts(exponent):
        return Apply("pow", (base, exponent))
    if isinstance(exponent, Const) and isinstance(exponent.value, int):
        power = base if exponent.value == -1 else Apply("pow", (base, number(-exponent.value)))
        return Apply("reciprocal", (power,))
    return Apply("pow", (product(number(1.0), base), exponent))


def _counts(node: Expr) -> bool:
    """Whether an integer expression is plainly 0 or more: made of positions, sizes and such numbers."""
    match node:
        case Const(value=value):
            coefficients = [c for _, c in value.terms] if isinstance(value, Size) else [value]
            return all(not isinstance(c, complex) and c >= 0 for c in coefficients)
        case Position():
            return True
        case Contract(factors=parts) | Apply(op="add", args=parts):
            return all(map(_counts, parts))
        case Read() | Apply() | Reduce() | AlongIndex() | Where():
            return dtype(node) == "bool"


def _indexed_factors(node: Resolved) -> int:
    """How many factors of a term have indices (a power counts as the product that it is)."""
    match node:
        case Multiplication(factors=factors):
            return sum(
                1 if not isinstance(f, Multiplication) else _indexed_factors(f) for f in factors if names_free(f)
            )
        case Addition(terms=((_, only),)):
            return _indexed_factors(only)
        case Raise(repeated=True):
            return 2
        case (
            Value() | Extent() | Place() | Flat() | FromEnd() | Access() | Addition() | Raise() | Function()
            | Reduction() | Along() | Poison() | Entity()
        ):  # fmt: skip
            return 1
    return 1


def _outside_functions(node: Resolved) -> frozenset[str]:
    """The indices that an expression uses outside the arguments of functions: ``max=`` aggregates over these.

    An index that two factors share is used by their product, which is outside, wherever the factors have it.
    """
    match node:
        case Multiplication(factors=factors):
            uses = Counter(name for factor in factors for name in names_free(factor))
            shared = frozenset(name for name, count in uses.items() if count > 1)
            return shared.union(*map(_outside_functions, factors))
        case Addition(terms=terms):
            return frozenset().union(*(_outside_functions(term) for _, term in terms))
        case Raise(base=base, exponent=exponent, repeated=True):
            return _outside_functions(base) | _outside_functions(exponent)
        case Reduction(op=op, arg=arg, indices=indices) if not REDUCTIONS[op].function:
            return _outside_functions(arg) - frozenset(indices)
        case Function() | Reduction() | Along() | Raise() | Poison() | Entity():
            return frozenset()
        case Value() | Extent() | Place() | Flat() | FromEnd() | Access():
            return names_free(node)
