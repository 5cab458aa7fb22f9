"""``evaluate``: all rows of the wanted relations, the least fixed point of the rules.

Parts of the rulebook are evaluated in order. A part that is not recursive is one pass over its rules. Others are
evaluated semi-naively: a round applies each rule to what the last round found, once for each atom that may read it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tensorlang.ir.rules import Atom, Negation, Rule, Rulebook
from tensorlang.limits import Limits
from tensorlang.logic import trouble
from tensorlang.logic.aggregates import aggregated
from tensorlang.logic.applying import Application, Budget, Runs
from tensorlang.logic.computing import Overflow
from tensorlang.logic.layouts import Column
from tensorlang.logic.rows import Rows
from tensorlang.logic.shapes import shortcut
from tensorlang.logic.strata import BEST, Part, best_place, best_places, growing_factors, parts, relevant
from tensorlang.logic.tables import Best, Table
from tensorlang.logic.terms import makes_values

# called with a relation and its new rows, each time that there are some
Watch = Callable[[str, Rows], None]


def evaluate(rulebook: Rulebook, given: Mapping[str, Rows], wanted: Collection[str], limits: Limits) -> dict[str, Rows]:
    """The rows of the wanted relations. ``given`` holds facts and loaded rows; a relation without an entry has none.

    Values are positions for entities; the columns of a relation are as ``Relation.sorts`` says. Raises ``RunError``
    where a limit is met or a whole number outgrows 64 bits.
    """
    evaluation = Evaluation(rulebook, given, limits)
    for part in parts(relevant(rulebook, wanted)):
        evaluation.run(part)
    return {name: evaluation.rows(name) for name in wanted}


@dataclass(slots=True)
class Evaluation:
    """The rows known so far; parts are added in the order in which they depend on one another."""

    rulebook: Rulebook
    given: Mapping[str, Rows]
    limits: Limits
    watch: Watch | None = None
    known: dict[str, Rows] = field(default_factory=dict)
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(self.limits)

    def rows(self, name: str) -> Rows:
        """The rows of a relation: evaluated ones, or those given."""
        if name not in self.known:
            self.known[name] = typed(self.given.get(name), self.kinds(name))
        return self.known[name]

    def kinds(self, name: str) -> tuple[str, ...]:
        return tuple(sort.kind for sort in self.rulebook.relations[name].sorts)

    def run(self, part: Part) -> None:
        """Evaluate the relations of a part."""
        best = best_places(part.rules)
        tables: dict[str, Table | Best] = {}
        for name in part.relations:
            if name in best:
                tables[name] = Best(self.kinds(name), best_place(best[name]), best[name] < 0)
            else:
                tables[name] = Table(self.kinds(name))
        rounds = Rounds(self, part, tables)
        found = self._shortcut(part, rounds) if part.recursive and self.watch is None and not best else None
        if found is not None:
            (name,) = part.relations
            self.known[name] = found
            self.budget.held += found.bytes
            return
        rounds.run()
        for name, table in tables.items():
            self.known[name] = table.all()
            self.budget.held += self.known[name].bytes

    def _shortcut(self, part: Part, rounds: Rounds) -> Rows | None:
        (name, *_) = part.relations

        def allow(rows: int) -> None:
            self.budget.require(part.rules[-1], rows, 2)

        return shortcut(part, self.kinds(name), typed(self.given.get(name), self.kinds(name)), rounds.once, allow)


@dataclass(slots=True)
class Rounds:
    """The evaluation of one part, round by round."""

    evaluation: Evaluation
    part: Part
    tables: dict[str, Table | Best]

    def run(self) -> None:
        inside = set(self.part.relations)
        rules = [self._ready(rule) for rule in self.part.rules]
        within = {
            id(rule): [at for at, c in enumerate(rule.flat.body) if isinstance(c, Atom) and c.relation in inside]
            for rule in rules
        }
        new: dict[str, list[Rows]] = {name: [] for name in inside}
        for name in self.part.relations:
            rows = typed(self.evaluation.given.get(name), self.evaluation.kinds(name))
            self._keep(new, name, rows.columns, rows.count)
        for rule in rules:
            if not within[id(rule)]:
                self._apply(rule, None, {}, new)
        last = self._combined(new)
        recursive = [rule for rule in rules if within[id(rule)]]
        steps = 0
        while any(last.values()):
            new = {name: [] for name in inside}
            for rule in recursive:
                for at in within[id(rule)]:
                    if last[_relation(rule.flat, at)]:
                        self._apply(rule, at, last, new)
            last = self._combined(new)
            steps += 1
            if steps >= self.evaluation.limits.steps:
                self._stop_if_endless(last)

    def _ready(self, rule: Rule) -> Application:
        terms = growing_factors(rule, best_places(self.part.rules))
        return Application(rule, keep_all=bool(terms), factors=terms)

    def once(self, rule: Rule) -> Rows:
        """The rows of a rule that does not read this part."""
        application = Application(rule)

        def read(at: int) -> Runs:
            return [self.evaluation.rows(_relation(application.flat, at))]

        columns, count = application.head(read, self.evaluation.budget)
        return Rows.of(columns, count) if count else Rows.none(["int"] * len(rule.head.terms))

    def _apply(
        self, rule: Application, first: int | None, last: Mapping[str, Rows], new: dict[str, list[Rows]]
    ) -> None:
        def read(at: int) -> Runs:
            if at == first:
                return [last[_relation(rule.flat, at)]]
            name = _relation(rule.flat, at)
            return self.tables[name].runs() if name in self.tables else [self.evaluation.rows(name)]

        evaluation = self.evaluation
        columns, count = rule.head(read, evaluation.budget, first)
        if not count:
            return
        aggregate = rule.rule.aggregate
        if aggregate is not None and aggregate.operator not in BEST:
            try:
                rows = aggregated(aggregate.operator, columns, aggregate.place)
            except Overflow:
                raise trouble.overflow(rule.rule) from None
            columns, count = list(rows.columns), rows.count
        self._keep(new, rule.rule.head.relation, columns, count)
        held = evaluation.budget.held + sum(table.bytes for table in self.tables.values())
        if held > evaluation.limits.memory:
            raise trouble.too_large(rule.rule.head.relation, rule.rule, held, evaluation.limits)

    def _keep(self, new: dict[str, list[Rows]], name: str, columns: Sequence[Column], count: int) -> None:
        if not count:
            return
        fresh = self.tables[name].add(_typed(columns, self.evaluation.kinds(name)), count)
        if fresh:
            new[name].append(fresh)
            if self.evaluation.watch is not None:
                self.evaluation.watch(name, fresh)

    def _combined(self, new: Mapping[str, Sequence[Rows]]) -> dict[str, Rows]:
        """What a round found, one ``Rows`` a relation. Of a group that improved twice, the last value counts."""
        found = {}
        for name, pieces in new.items():
            table = self.tables[name]
            if len(pieces) == 1:
                found[name] = pieces[0]
            elif not pieces:
                found[name] = Rows.none(self.evaluation.kinds(name))
            else:
                columns = [np.concatenate(together) for together in zip(*(p.columns for p in pieces), strict=True)]
                if isinstance(table, Best):
                    found[name] = aggregated("max" if table.largest else "min", columns, table.place)
                else:
                    found[name] = Rows.of(columns, sum(piece.count for piece in pieces))
        return found

    def _stop_if_endless(self, last: Mapping[str, Rows]) -> None:
        """Rules that only copy values end by themselves, so steps count where new numbers are made."""
        for rule in self.part.rules:
            if makes_values(rule) and last[rule.head.relation] and any(_reads_part(rule, self.part)):
                raise trouble.endless(rule.head.relation, rule, self.evaluation.limits)


def _reads_part(rule: Rule, part: Part) -> list[bool]:
    return [isinstance(c, Atom) and c.relation in part.relations for c in rule.body]


def _relation(rule: Rule, at: int) -> str:
    condition = rule.body[at]
    if isinstance(condition, Negation):
        return condition.atom.relation
    assert isinstance(condition, Atom)
    return condition.relation


def typed(rows: Rows | None, kinds: tuple[str, ...]) -> Rows:
    """Given rows with the columns' types that the relation's places have."""
    if rows is None:
        return Rows.none(kinds)
    assert len(rows.columns) == len(kinds), "rows of another number of places"
    if all((column.dtype == np.float64) == (kind == "float") for column, kind in zip(rows.columns, kinds, strict=True)):
        return rows
    return Rows.of(_typed(rows.columns, kinds), rows.count)


def _typed(columns: Sequence[Column], kinds: Sequence[str]) -> list[Column]:
    return [
        column.astype(np.float64 if kind == "float" else np.int64, copy=False)
        for column, kind in zip(columns, kinds, strict=True)
    ]
