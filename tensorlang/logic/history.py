"""An evaluation that keeps when each row was first found: what proofs are built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tensorlang.ir.rules import Atom, Rulebook
from tensorlang.limits import Limits
from tensorlang.logic.aggregates import aggregated
from tensorlang.logic.demand import Demand, demanded
from tensorlang.logic.evaluating import Evaluation
from tensorlang.logic.planning import pattern_of
from tensorlang.logic.rows import Rows
from tensorlang.logic.strata import parts, relevant


@dataclass(slots=True)
class History:
    """The rows that a goal depends on, each with its *round*.

    Whatever a row was found from has an earlier round. Of a relation that holds best values, those that were better
    than all before are kept too, since others may have been found from them.
    """

    rulebook: Rulebook
    given: Mapping[str, Rows]
    goal: Atom
    limits: Limits
    _demand: Demand = field(init=False)
    _evaluation: Evaluation = field(init=False)
    _found: dict[str, list[Rows]] = field(default_factory=dict)
    _dated: dict[str, Rows] = field(default_factory=dict)
    _round: int = 0

    def __post_init__(self) -> None:
        demand = self._demand = demanded(self.rulebook, self.given, self.goal, chains=False)
        self._evaluation = Evaluation(demand.rulebook, demand.given, self.limits, watch=self._found_now)
        for part in parts(relevant(demand.rulebook, [demand.goal])):
            self._evaluation.run(part)

    def _found_now(self, relation: str, rows: Rows) -> None:
        self._round += 1
        dated = Rows((*rows.columns, np.full(rows.count, self._round, np.int64)), rows.count)
        self._found.setdefault(self._demand.origin.get(relation, relation), []).append(dated)

    def fitting(self) -> Rows:
        """The rows that the goal fits."""
        pattern, _ = pattern_of(self.goal)
        return self._evaluation.rows(self._demand.goal).arranged(pattern, tuple(range(len(self.goal.terms))))

    def final(self, relation: str) -> Rows:
        """The rows of a relation that is evaluated whole, as negated ones are."""
        return self._evaluation.rows(relation)

    def dated(self, relation: str) -> Rows:
        """The rows of a relation that were needed, with their rounds as a last column; given rows are of round 0."""
        if relation not in self._dated:
            found = self._found.get(relation)
            if found is None:
                rows = self.final(relation)
                found = [Rows((*rows.columns, np.zeros(rows.count, np.int64)), rows.count)]
            columns = [np.concatenate(column) for column in zip(*(rows.columns for rows in found), strict=True)]
            last = len(columns) - 1
            self._dated[relation] = aggregated("min", columns, last) if len(columns[last]) else found[0]
        return self._dated[relation]
