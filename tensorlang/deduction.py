"""What follows from a program's facts: rows of relations, answers to queries, proofs, in the words of the program.

In: the ``Facts`` of a Program. Out: rows of entities and numbers for readers, arrays of truth values for the tensor
half. Each relation is evaluated when it is first asked for; queries evaluate only what they need.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tensorlang.diagnostics import run_error
from tensorlang.ir.program import AskAction, Facts
from tensorlang.ir.rules import Atom, Relation, Sort, Spread, Variable
from tensorlang.limits import Limits
from tensorlang.records import dataclass, field
from tensorlang.report import Answers

if TYPE_CHECKING:
    import numpy

    from tensorlang.logic.rows import Rows

Entry = str | int | float


def spread(column: Spread) -> numpy.ndarray[Any, Any]:
    """A place of given rows as one array."""
    import numpy

    cells = numpy.array(column.cells, dtype=column.cells.typecode)
    return cells[numpy.array(column.codes, dtype=numpy.int64)]


@dataclass(slots=True, eq=False)
class Deduction:
    """The facts of one program and what was derived from them so far."""

    facts: Facts
    limits: Limits
    _given: dict[str, Rows] = field(default_factory=dict)
    _known: dict[str, Rows] = field(default_factory=dict)

    def relation(self, name: str) -> Relation:
        """A relation of the rulebook."""
        return self.facts.rulebook.relations[name]

    def given(self) -> dict[str, Rows]:
        """The rows that facts and files give, sorted and each once."""
        if not self._given:
            from tensorlang.logic.rows import Rows

            for name, table in self.facts.given.items():
                self._given[name] = Rows.of([spread(column) for column in table.columns], table.count)
        return self._given

    def share(self, other: Deduction) -> None:
        """Take over what another has read and derived from the same facts and rules."""
        self._given |= {name: rows for name, rows in other.given().items() if name in self.facts.given}
        self._known |= other._known

    def rows(self, *names: str) -> dict[str, Rows]:
        """All rows of relations, derived where they are not known yet."""
        from tensorlang.logic.evaluating import evaluate

        missing = [name for name in names if name not in self._known]
        if missing:
            self._known |= evaluate(self.facts.rulebook, self.given(), missing, self.limits)
        return {name: self._known[name] for name in names}

    def answers(self, goal: str) -> Rows:
        """The rows of a query's relation, from only what it needs."""
        from tensorlang.logic.answering import answer

        relation = self.relation(goal)
        terms = tuple(Variable(label) for label in relation.labels)
        atom = Atom(goal, terms, relation.span)
        return answer(self.facts.rulebook, self.given(), atom, self.limits).rows

    def proof(self, goal: str) -> list[str] | None:
        """The lines of a proof of the one fact that a query asks about; None where it does not hold."""
        from tensorlang.logic.proving import prove

        rule = next(rule for rule in self.facts.rulebook.rules if rule.head.relation == goal)
        atom = rule.body[0]
        assert isinstance(atom, Atom), "a proof is asked of one fact"
        found = prove(self.facts.rulebook, self.given(), atom, self.limits, self.word)
        return None if found is None else list(found.lines(self.word))

    # --- in words --------------------------------------------------------------------------------------------------

    def word(self, sort: Sort, value: float) -> str:
        """An entity, or a number as it is written."""
        if sort.kind == "word":
            return self.facts.entities[sort.domain or ""][int(value)]
        return repr(float(value)) if sort.kind == "float" else str(int(value))

    def spelled(self, name: str, rows: Rows) -> list[tuple[Entry, ...]]:
        """Rows with entities as words."""
        sorts = self.relation(name).sorts
        columns: list[Sequence[Entry]] = []
        for sort, column in zip(sorts, rows.columns, strict=True):
            cells = column.tolist()
            if sort.kind == "word":
                words = self.facts.entities[sort.domain or ""]
                cells = [words[cell] for cell in cells]
            columns.append(cells)
        if not columns:
            return [()] * rows.count
        return list(zip(*columns, strict=True))

    def pairs(self, name: str) -> tuple[list[numpy.ndarray[Any, Any]], numpy.ndarray[Any, Any] | None]:
        """The columns of a relation, sorted, and its weights, if it has any: then rows may come more than once."""
        import numpy

        table = self.facts.given.get(name)
        if table is not None and table.weights is not None:
            return [spread(column) for column in table.columns], numpy.array(table.weights)
        return [numpy.array(column) for column in self.rows(name)[name].columns], None

    def weights(self, name: str) -> list[float]:
        """The number of each row of a relation of numbers, in the order of its rows."""
        found: dict[tuple[float, ...], float] = {}
        table = self.facts.given[name]
        for *row, weight in zip(*table.columns, table.weights or (), strict=True):
            found[tuple(row)] = found.get(tuple(row), 0.0) + weight
        return [found[row] for row in zip(*(column.tolist() for column in self.rows(name)[name].columns), strict=True)]

    # --- for the tensor half ---------------------------------------------------------------------------------------

    def dense(self, name: str, sizes: Sequence[int | None]) -> numpy.ndarray[Any, Any]:
        """A relation as truth values over its places; a size that is not known (None) goes as far as its rows do."""
        import numpy

        rows = self.rows(name)[name]
        table = self.facts.given.get(name)
        shape = []
        for sort, size, column in zip(self.relation(name).sorts, sizes, rows.columns, strict=True):
            if sort.kind == "float":
                help = "compare it in a rule, and read the rule's relation"
                raise run_error("E1120", f"a place of `{name}` holds numbers, which are no positions", help=[help])
            low = int(column.min()) if len(column) else 0
            if low < 0:
                raise run_error("E1120", f"a place of `{name}` holds {low}, which is no position")
            shape.append(size if size is not None else int(column.max()) + 1 if len(column) else 1)
        if table is not None and table.weights is not None:
            places = tuple(spread(column) for column in table.columns)
            numbers = numpy.zeros(shape)
            numpy.add.at(numbers, places, numpy.asarray(table.weights))
            return numbers
        truths = numpy.zeros(shape, dtype=bool)
        inside = numpy.ones(rows.count, dtype=bool)
        for column, size in zip(rows.columns, shape, strict=True):
            inside &= column < size
        truths[tuple(column[inside] for column in rows.columns)] = True if rows.columns else rows.count > 0
        return truths


def answered(deduction: Deduction, action: AskAction) -> Answers:
    """The answers of a query, as many as there are."""
    if action.numbers is not None:
        return all_rows(deduction, action.numbers, action.title, action.variables)
    rows = deduction.answers(action.goal)
    spelled = deduction.spelled(action.goal, rows)
    return Answers(action.title, action.variables, tuple(spelled), rows.count)


def all_rows(deduction: Deduction, name: str, title: str, variables: tuple[str, ...]) -> Answers:
    """All rows of a relation, given and derived; those of a relation of numbers end in their number."""
    rows = deduction.rows(name)[name]
    spelled = deduction.spelled(name, rows)
    if deduction.relation(name).weighted:
        variables = (*variables, "weight")
        spelled = [(*row, weight) for row, weight in zip(spelled, deduction.weights(name), strict=True)]
    return Answers(title, variables, tuple(spelled), rows.count)
