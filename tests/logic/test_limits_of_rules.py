"""Programs that are stopped say where; programs that only copy values always end."""

from __future__ import annotations

import numpy as np
import pytest
from written import goal, rulebook

from tensorlang.diagnostics import RunError
from tensorlang.limits import Limits
from tensorlang.logic.answering import answer
from tensorlang.logic.evaluating import evaluate
from tensorlang.logic.rows import Rows


def stopped(text: str, given: dict[str, Rows], limits: Limits) -> str:
    program = rulebook(text)
    with pytest.raises(RunError) as caught:
        evaluate(program, given, list(program.relations), limits)
    return str(caught.value)


def test_numbers_without_end_are_stopped() -> None:
    said = stopped("N: i\nN(0)\nN(n + 1) <- N(n)", {}, Limits(steps=50))
    assert "E0550" in said
    assert "`N` still grows after 50 steps" in said
    assert "N(n + 1) <- N(n)" in said


def test_a_cycle_that_gets_shorter_for_ever_is_stopped() -> None:
    given = {"W": Rows.of([[0, 1], [1, 0], [1, -2]])}
    text = "W: e e i\nD: e i\nD('0, 0)\nD(y, min(d - w)) <- D(x, d), W(x, y, w)"
    assert "E0550" in stopped(text.replace("d - w", "d + w"), given, Limits(steps=50))


def test_long_chains_are_not_counted_as_steps() -> None:
    given = {"E": Rows.of([np.arange(300), np.arange(1, 301)])}
    text = "E: e e\nP: e e\nS: e e\nP(x, y) <- E(x, y)\nP(x, z) <- P(x, y), S(y, z)\nS(x, y) <- E(x, y), P(_, y)"
    assert len(evaluate(rulebook(text), given, ["P"], Limits(steps=5))["P"]) == 300 * 301 // 2


def test_a_product_of_relations_is_stopped_before_it_is_written_out() -> None:
    given = {"P": Rows.of([np.arange(100_000)])}
    said = stopped("P: e\nT: e e\nT(x, y) <- P(x), P(y)", given, Limits(memory=1 << 30))
    assert "E0551" in said
    assert "`T`" in said


def test_a_closure_that_does_not_fit_is_stopped() -> None:
    given = {"E": Rows.of([np.arange(3000), (np.arange(3000) + 1) % 3000])}
    text = "E: e e\nT: e e\nT(x, z) <- E(x, z)\nT(x, z) <- E(x, y), T(y, z)"
    said = stopped(text, given, Limits(memory=20 << 20))
    assert "E0551" in said
    program = rulebook(text)
    assert len(answer(program, given, goal("T('5, z)"), Limits(memory=20 << 20)).rows) == 3000


@pytest.mark.parametrize("step", ["n * n", "n + 4000000000000000000", "0 - n - 9223372036854775807 - 2"])
def test_large_numbers_are_noticed(step: str) -> None:
    said = stopped(f"N: i\nM: i\nN(5000000000)\nM({step}) <- N(n)\nM({step}) <- M(n)", {}, Limits(steps=20))
    assert "E0552" in said


def test_sums_that_are_too_large_are_noticed() -> None:
    given = {"N": Rows.of([[1 << 62, (1 << 62) + 1]])}
    assert "E0552" in stopped("N: i\nS: i\nS(sum(n)) <- N(n)", given, Limits())
    balanced = {"N": Rows.of([[1 << 62, (1 << 62) + 1, -(1 << 62), -5]])}
    found = evaluate(rulebook("N: i\nS: i\nS(sum(n)) <- N(n)"), balanced, ["S"], Limits())
    assert found["S"].tuples() == [((1 << 62) - 4,)]


def test_a_factor_below_0_is_refused_in_recursion() -> None:
    text = "W: e e i\nD: e i\nD('0, 1)\nD(y, min(v)) <- D(x, d), W(x, y, w), v == d * w"
    said = stopped(text, {"W": Rows.of([[0, 1], [1, 2], [3, -2]])}, Limits())
    assert "E0553" in said
    found = evaluate(rulebook(text), {"W": Rows.of([[0, 1], [1, 2], [3, 2]])}, ["D"], Limits())
    assert found["D"].tuples() == [(0, 1), (1, 3), (2, 6)]


def test_terms_without_a_value_hold_for_no_row() -> None:
    given = {"N": Rows.of([[-7, 0, 2]])}
    found = evaluate(rulebook("N: i\nQ: i i\nQ(n, 7 / n) <- N(n)"), given, ["Q"], Limits())
    assert found["Q"].tuples() == [(-7, -1), (2, 3)]
    reals = {"N": Rows.of([[-1.0, 0.0, 2.0]])}
    found = evaluate(rulebook("N: f\nQ: f f\nQ(n, n / n) <- N(n)"), reals, ["Q"], Limits())
    assert found["Q"].tuples() == [(-1.0, 1.0), (2.0, 1.0)]
