"""One application of a rule: the bindings that meet its conditions, and the rows of its head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tensorlang.ir.rules import Atom, Comparison, Rule, Term
from tensorlang.limits import Limits
from tensorlang.logic import trouble
from tensorlang.logic.computing import Overflow, holds, value
from tensorlang.logic.layouts import Column, distinct, fitted
from tensorlang.logic.planning import Bind, Filter, Lookup, Plan, Size, Step, Without, flat, plan
from tensorlang.logic.rows import Rows
from tensorlang.logic.terms import head_terms

# the rows that an atom reads; a relation that grows has several runs of rows, none in two of them
Runs = Sequence[Rows]


@dataclass(slots=True)
class Bindings:
    """Values of variables: one column each, ``count`` rows."""

    columns: dict[str, Column]
    count: int


@dataclass(slots=True)
class Budget:
    """The memory of an evaluation: what is ``held`` in relations, and the limit."""

    limits: Limits
    held: int = 0

    def require(self, rule: Rule, rows: int, columns: int) -> None:
        """Stop before a join is written out that would not fit."""
        needed = self.held + 8 * rows * (columns + 2)
        if needed > self.limits.memory:
            raise trouble.too_large(rule.head.relation, rule, needed, self.limits)


@dataclass(slots=True)
class Application:
    """A rule made ready: its flat form and the plans found for it, by the atom that they start from.

    ``factors`` are terms that must not be below 0; where there are some, all variables are kept (``keep_all``).
    """

    rule: Rule
    start: tuple[str, ...] = ()
    keep_all: bool = False
    factors: Sequence[Term] = ()
    flat: Rule = field(init=False)
    _plans: dict[int | None, tuple[tuple[int, ...], Plan]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.flat = flat(self.rule)

    def bindings(
        self, read: Callable[[int], Runs], budget: Budget, first: int | None = None, start: Bindings | None = None
    ) -> tuple[Bindings, Plan]:
        """All bindings of the kept variables; ``read`` gives the rows of the condition at a place of the body.

        ``start`` binds the variables of that name beforehand.
        """
        runs = [() if isinstance(c, Comparison) else read(at) for at, c in enumerate(self.flat.body)]
        chosen = self._plan(runs, first)
        bound = start or Bindings({}, 1)
        try:
            for step in chosen.steps:
                bound = _taken(step, bound, runs, self.flat, budget)
                if not bound.count:
                    return Bindings({name: np.empty(0, np.int64) for name in chosen.kept}, 0), chosen
        except Overflow:
            raise trouble.overflow(self.rule) from None
        return bound, chosen

    def head(self, read: Callable[[int], Runs], budget: Budget, first: int | None = None) -> tuple[list[Column], int]:
        """The columns of the head (at the place of an aggregate, of its term) and their length; rows may repeat."""
        bound, chosen = self.bindings(read, budget, first)
        if not bound.count:
            return [], 0
        if self.rule.aggregate is not None and self.rule.aggregate.operator in ("sum", "mean"):
            bound = _once(bound, chosen)
        try:
            for factor in self.factors:
                if (columns_of([factor], bound)[0][0] < 0).any():
                    raise trouble.negative_factor(self.rule)
            return columns_of(head_terms(self.flat), bound)
        except Overflow:
            raise trouble.overflow(self.rule) from None

    def _plan(self, runs: Sequence[Runs], first: int | None) -> Plan:
        """The plan kept for ``first``, as long as no relation has grown or shrunk several times since."""
        scale = tuple(sum(rows.count for rows in each).bit_length() // 3 for each in runs)
        kept = self._plans.get(first)
        if kept is None or kept[0] != scale:
            kept = scale, plan(self.flat, [_size(each) for each in runs], first, self.start, self.keep_all)
            self._plans[first] = kept
        return kept[1]


def columns_of(terms: Sequence[Term], bound: Bindings) -> tuple[list[Column], int]:
    """The values of terms, on the rows where all of them have one."""
    columns, there = [], None
    for term in terms:
        column, present = value(term, bound.columns, bound.count)
        columns.append(column)
        if present is not None:
            there = present if there is None else there & present
    if there is None:
        return columns, bound.count
    return [column[there] for column in columns], int(np.count_nonzero(there))


def _size(runs: Runs) -> Size:
    total = sum(rows.count for rows in runs)
    largest = max(runs, key=len, default=None)
    return Size(total, lambda place: 1 if largest is None else largest.distinct(place))


def _taken(step: Step, bound: Bindings, runs: Sequence[Runs], rule: Rule, budget: Budget) -> Bindings:
    match step:
        case Lookup():
            joined = _joined(step, bound, runs[step.source], rule, budget)
            return _distinct(joined) if step.shrink and joined.count else joined
        case Without():
            return _without(step, bound, runs[step.source])
        case Filter(comparison):
            return _chosen(bound, holds(comparison, bound.columns, bound.count))
        case Bind(name, term):
            column, there = value(term, bound.columns, bound.count)
            extended = Bindings({**bound.columns, name: column}, bound.count)
            return extended if there is None else _chosen(extended, there)


def _chosen(bound: Bindings, mask: Column) -> Bindings:
    count = int(np.count_nonzero(mask))
    if count == bound.count:
        return bound
    return Bindings({name: column[mask] for name, column in bound.columns.items()}, count)


def _joined(step: Lookup, bound: Bindings, runs: Runs, rule: Rule, budget: Budget) -> Bindings:
    found = [_joined_with(step, bound, rows.arranged(step.pattern, step.order), rule, budget) for rows in runs if rows]
    found = [part for part in found if part.count] or found[:1]
    if not found:
        return Bindings({}, 0)
    if len(found) == 1:
        return found[0]
    columns = {name: np.concatenate([part.columns[name] for part in found]) for name in step.keep}
    joined = Bindings(columns, sum(part.count for part in found))
    # an arrangement of one run may hold rows that one of another run holds, once places are left out
    return _distinct(joined) if len(step.order) < len(step.pattern) else joined


def _joined_with(step: Lookup, bound: Bindings, rows: Rows, rule: Rule, budget: Budget) -> Bindings:
    keys = len(step.keys)
    fresh = dict(zip(step.fresh, rows.columns[keys:], strict=True))
    if not keys:
        return _crossed(step, bound, rows, fresh, rule, budget)
    starts, numbers = rows.index(keys).lookup([bound.columns[name] for name in step.keys])
    if not fresh:
        there = numbers > 0
        kept = Bindings({name: bound.columns[name] for name in step.keep}, bound.count)
        return _chosen(kept, there)
    total = int(numbers.sum())
    budget.require(rule, total, len(step.keep))
    if rows.index(keys).most <= 1:
        there = numbers > 0
        at = starts if total == bound.count else starts[there]
        columns = {
            n: bound.columns[n] if total == bound.count else bound.columns[n][there]
            for n in step.keep
            if n not in fresh
        }
    else:
        before = np.cumsum(numbers) - numbers
        at = np.arange(total) + np.repeat(starts - before, numbers)
        columns = {n: np.repeat(bound.columns[n], numbers) for n in step.keep if n not in fresh}
    return Bindings({**columns, **{n: fresh[n][at] for n in step.keep if n in fresh}}, total)


def _crossed(
    step: Lookup, bound: Bindings, rows: Rows, fresh: dict[str, Column], rule: Rule, budget: Budget
) -> Bindings:
    """Every row of bindings with every row."""
    if bound.count == 1 and not any(name in bound.columns for name in step.keep):
        return Bindings({name: fresh[name] for name in step.keep}, rows.count)
    total = bound.count * rows.count
    budget.require(rule, total, len(step.keep))
    return Bindings(
        {
            n: np.tile(fresh[n], bound.count) if n in fresh else np.repeat(bound.columns[n], rows.count)
            for n in step.keep
        },
        total,
    )


def _without(step: Without, bound: Bindings, runs: Runs) -> Bindings:
    for rows in runs:
        if not rows:
            continue
        arranged = rows.arranged(step.pattern, step.order)
        if not arranged:
            continue
        if not step.terms:
            return Bindings({name: column[:0] for name, column in bound.columns.items()}, 0)
        values = [value(term, bound.columns, bound.count) for term in step.terms]
        _, numbers = arranged.index(len(step.terms)).lookup([column for column, _ in values])
        absent = numbers == 0
        for _, there in values:
            absent = absent if there is None else absent & there
        bound = _chosen(bound, absent)
    return bound


def _once(bound: Bindings, chosen: Plan) -> Bindings:
    """The bindings of named variables, each once."""
    named = {name: bound.columns[name] for name in chosen.kept if not name.startswith("_")}
    if chosen.distinct and len(named) == len(chosen.kept):
        return bound
    return _distinct(Bindings(named, bound.count))


def _distinct(bound: Bindings) -> Bindings:
    if not bound.columns:
        return Bindings({}, min(1, bound.count))
    layout, keys = fitted(list(bound.columns.values()))
    keys = distinct(keys, layout.span)
    return Bindings(dict(zip(bound.columns, layout.decode(keys), strict=True)), len(keys))


def reads(rule: Rule, relation: str) -> list[int]:
    """The positive atoms of a body that read a relation."""
    return [at for at, c in enumerate(rule.body) if isinstance(c, Atom) and c.relation == relation]
