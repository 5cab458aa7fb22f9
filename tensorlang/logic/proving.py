"""``prove``: a small proof of one row.

A row's support is sought among rows of earlier rounds, which exists since the row was found from such; so no row
supports itself. Of several supports, the one from the earliest rounds is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tensorlang.ir.rules import Atom, Comparison, Condition, Negation, Rule, Rulebook, Term, Variable
from tensorlang.limits import Limits
from tensorlang.logic.applying import Application, Bindings, Budget, Runs
from tensorlang.logic.computing import value
from tensorlang.logic.history import History
from tensorlang.logic.proofs import (
    Absent,
    Compared,
    Counted,
    Derived,
    Given,
    Names,
    Node,
    Number,
    Proof,
    Support,
    Values,
)
from tensorlang.logic.rows import Rows
from tensorlang.logic.strata import BEST
from tensorlang.logic.terms import anonymous, head_terms

_SHOWN = 4  # rows of an aggregate that a proof lists
_TRIED = 1000  # equally early supports among which the first by name is sought

Fact = tuple[str, Values]


def prove(
    rulebook: Rulebook, given: Mapping[str, Rows], goal: Atom, limits: Limits, names: Names | None = None
) -> Proof | None:
    """A proof of the first row that the goal fits; None where there is none.

    Rows and supports come in the order of ``names`` (of positions where there are none).
    """
    history = History(rulebook, given, goal, limits)
    prover = Prover(rulebook, history, names)
    fitting = history.fitting().tuples()
    if not fitting:
        return None
    first = min(fitting, key=lambda values: prover.ordered((goal.relation, values)))
    return Proof(prover.proof((goal.relation, first)), rulebook.relations)


@dataclass(frozen=True, slots=True)
class _Way:
    """How a row is found: a rule, the values of its variables, the rows of its atoms and their rounds."""

    rule: Rule
    binding: dict[str, Number]
    rows: tuple[Fact, ...]
    rounds: int


@dataclass(slots=True)
class Prover:
    rulebook: Rulebook
    history: History
    names: Names | None
    _ready: dict[int, Application] = field(default_factory=dict)
    _proofs: dict[Fact, Node] = field(default_factory=dict)

    def proof(self, goal: Fact) -> Node:
        """The proof of a row that follows. Rows that it needs are proved first, on a list: proofs may be deep."""
        todo = [goal]
        ways: dict[Fact, _Way] = {}
        while todo:
            row = todo[-1]
            if row not in self._proofs and row not in ways:
                leaf = self._leaf(row)
                if leaf is None:
                    ways[row] = self._way(row)
                else:
                    self._proofs[row] = leaf
            missing = [] if row in self._proofs else [below for below in ways[row].rows if below not in self._proofs]
            if missing:
                todo += reversed(missing)
                continue
            if row not in self._proofs:
                self._proofs[row] = self._derived(row, ways[row])
            todo.pop()
        return self._proofs[goal]

    def ordered(self, row: Fact) -> tuple[tuple[str, Number], ...]:
        """A row as what it is sorted by: words for entities, numbers as they are."""
        sorts = self.rulebook.relations[row[0]].sorts
        return tuple(
            (self.names(sort, int(number)) if self.names and sort.domain is not None else "", number)
            for sort, number in zip(sorts, row[1], strict=True)
        )

    def _leaf(self, row: Fact) -> Node | None:
        """A given row, or one of an aggregate that looks at all rows below."""
        relation, values = row
        rows = self.history.given.get(relation)
        if rows is not None and _date(rows, values) is not None:
            return Given(relation, values)
        for rule in self.rulebook.rules:
            if rule.head.relation == relation and rule.aggregate is not None and rule.aggregate.operator not in BEST:
                return self._counted(rule, row)
        return None

    def _way(self, row: Fact) -> _Way:
        date = _date(self.history.dated(row[0]), row[1])
        assert date is not None
        rules = [rule for rule in self.rulebook.rules if rule.head.relation == row[0]]
        ways = [way for rule in rules for way in self._ways(rule, row[1], date)]
        assert ways, "a row that no rule gives"
        least = min(way.rounds for way in ways)
        best = [way for way in ways if way.rounds == least]
        return min(best, key=lambda way: (rules.index(way.rule), [self.ordered(below) for below in way.rows]))

    def _ways(self, rule: Rule, values: Values, date: int) -> Iterator[_Way]:
        """The earliest ways in which a rule gives a row from rows of rounds before ``date``."""
        bound = self._bindings(rule, values)
        rounds = (
            [bound.columns[_round(at)] for at, c in enumerate(rule.body) if isinstance(c, Atom)] if bound.count else []
        )
        if not bound.count:
            return
        zero = np.zeros(bound.count, np.int64)
        total = sum(rounds, start=zero)
        earlier = np.max([zero, *rounds], axis=0) < date
        if not earlier.any():
            return
        least = int(total[earlier].min())
        for at in np.flatnonzero(earlier & (total == least))[:_TRIED]:
            binding = {
                n: column[at].item() for n, column in bound.columns.items() if not n.startswith(("_round", "_head"))
            }
            rows = tuple(_row(condition, binding) for condition in rule.body if isinstance(condition, Atom))
            yield _Way(rule, binding, rows, least)

    def _bindings(self, rule: Rule, values: Values, dated: bool = True) -> Bindings:
        """All bindings of a rule's variables that give a row; ``_round3`` is the round of the row of condition 3."""
        key = id(rule)
        if key not in self._ready:
            self._ready[key] = _prepared(rule)
        application = self._ready[key]

        def read(at: int) -> Runs:
            condition = rule.body[at]
            if isinstance(condition, Negation):
                return [self.history.final(condition.atom.relation)]
            assert isinstance(condition, Atom)
            return [self.history.dated(condition.relation)]

        start = Bindings({_head(at): np.array([number]) for at, number in _known(rule, values)}, 1)
        return application.bindings(read, Budget(self.history.limits), start=start)[0]

    def _derived(self, row: Fact, way: _Way) -> Derived:
        support: list[Support] = []
        for condition in way.rule.body:
            match condition:
                case Atom():
                    support.append(self._proofs[_row(condition, way.binding)])
                case Negation():
                    support.append(Absent(condition))
                case Comparison():
                    support.append(Compared(condition))
        return Derived(*row, way.rule, way.binding, tuple(support))

    def _counted(self, rule: Rule, row: Fact) -> Counted:
        bound = self._bindings(rule, row[1])
        atoms = [condition for condition in rule.body if isinstance(condition, Atom)]
        named = sorted({n for n in bound.columns if not anonymous(n)})
        columns = zip(*(bound.columns[name].tolist() for name in named), strict=True) if named else [()]
        distinct = dict.fromkeys(columns)
        shown: dict[tuple[Fact, ...], None] = {}
        for at in range(bound.count):
            binding = {name: column[at].item() for name, column in bound.columns.items()}
            shown[tuple(_row(atom, binding) for atom in atoms)] = None
        first = sorted(shown, key=lambda rows: [self.ordered(below) for below in rows])[:_SHOWN]
        return Counted(*row, rule, len(distinct), tuple(first))


def _prepared(rule: Rule) -> Application:
    """The rule with the values of its head bound beforehand, and with the rounds of the rows that it reads."""
    body: list[Condition] = [
        replace(c, terms=(*c.terms, Variable(_round(at)))) if isinstance(c, Atom) else c
        for at, c in enumerate(rule.body)
    ]
    skipped = _open_place(rule)
    places = [at for at in range(len(rule.head.terms)) if at != skipped]
    terms = head_terms(rule)
    body += [Comparison("==", Variable(_head(at)), terms[at], rule.span) for at in places]
    head = replace(rule.head, terms=tuple(Variable(_head(at)) for at in places))
    return Application(Rule(head, tuple(body), rule.span), tuple(_head(at) for at in places), keep_all=True)


def _open_place(rule: Rule) -> int | None:
    """The place whose value no single binding has: that of an aggregate over all of them."""
    aggregate = rule.aggregate
    return aggregate.place if aggregate is not None and aggregate.operator not in BEST else None


def _known(rule: Rule, values: Values) -> list[tuple[int, Number]]:
    return [(at, number) for at, number in enumerate(values) if at != _open_place(rule)]


def _round(at: int) -> str:
    return f"_round{at}"


def _head(at: int) -> str:
    return f"_head{at}"


def _row(atom: Atom, binding: Mapping[str, Number]) -> Fact:
    return atom.relation, tuple(term_value(term, binding) for term in atom.terms)


def term_value(term: Term, binding: Mapping[str, Number]) -> Number:
    """A term's value for one binding."""
    column, there = value(term, {name: np.array([number]) for name, number in binding.items()}, 1)
    assert there is None or there[0]
    number: Number = column[0].item()
    return number


def _date(rows: Rows, values: Values) -> int | None:
    """The last column of the row that starts with ``values`` (or 0 where there is none); None without such a row."""
    if not rows:
        return None
    if not values:
        return int(rows.columns[0][0]) if rows.columns else 0
    starts, numbers = rows.index(len(values)).lookup([np.array([number]) for number in values])
    if not numbers[0]:
        return None
    return int(rows.columns[-1][starts[0]]) if len(rows.columns) > len(values) else 0
