"""Generated programs give the rows that clingo gives."""

from __future__ import annotations

import pytest

from by_clingo import evaluated
from generated import generated
from tensorlang.limits import Limits
from tensorlang.logic.evaluating import evaluate
from tensorlang.logic.strata import mixed_aggregates, unsafe_variables, unstratified


@pytest.mark.parametrize("hundred", range(10))
def test_rows_are_those_of_clingo(hundred: int) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        program = generated(seed)
        assert not unstratified(program.rulebook), program.text
        assert not any(map(unsafe_variables, program.rulebook.rules)), program.text
        assert not mixed_aggregates(program.rulebook.rules), program.text
        found = evaluate(program.rulebook, program.given, list(program.rulebook.relations), Limits())
        expected = evaluated(program.rulebook, program.given)
        for name, rows in found.items():
            assert set(rows.tuples()) == expected[name], f"seed {seed}: {name}\n{program.text}"
            assert len(set(rows.tuples())) == len(rows)
