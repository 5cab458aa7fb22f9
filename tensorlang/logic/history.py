"""An evaluation that keeps when each row was first found: what proofs are built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tensorlang.ir.rules import Rulebook
from tensorlang.limits import Limits
from tensorlang.logic.aggregates import aggregated
from tensorlang.logic.evaluating import Evaluation
from tensorlang.logic.rows import Rows
from tensorlang.logic.strata import parts, relevant


@dataclass(slots=True)
class History:
    """The rows of the relations that ``goal`` depends on, each with its *round*.

    Whatever a row was found from has an earlier round. Of a relation that holds best values, those that were better than
    all before are kept too, since others may have been found from them.
    """

    rulebook: Rulebook
    given: Mapping[str, Rows]
    goal: str
    limits: Limits
    evaluation: Evaluation = field(init=False)
    _found: dict[str, list[Rows]] = field(default_factory=dict)
    _dated: dict[str, Rows] = field(default_factory=dict)
    _round: int = 0

    def __post_init__(self) -> None:
        self.evaluation = Evaluation(self.rulebook, self.given, self.limits, watch=self._found_now)
        for part in parts(relevant(self.rulebook, [self.goal])):
            self.evaluation.run(part)

    def _found_now(self, relation: str, rows: Rows) -> None:
        self._round += 1
        dated = Rows((*rows.columns, np.full(rows.count, self._round, np.int64)), rows.count)
        self._found.setdefault(relation, []).append(dated)

    def final(self, relation: str) -> Rows:
        """The rows of a relation."""
        return self.evaluation.rows(relation)

    def dated(self, relation: str) -> Rows:
        """The rows of a relation with their rounds as a last column; given rows are of round 0."""
        if relation not in self._dated:
            found = self._found.get(relation)
            if found is None:
                rows = self.final(relation)
                found = [Rows((*rows.columns, np.zeros(rows.count, np.int64)), rows.count)]
            columns = [np.concatenate(column) for column in zip(*(rows.columns for rows in found), strict=True)]
            last = len(columns) - 1
            rows = aggregated("min", columns, last) if len(columns[last]) else found[0]
            self._dated[relation] = rows
        return self._dated[relation]
