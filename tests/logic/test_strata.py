"""What is said of rules before they are evaluated: order, cycles, safety, aggregates."""

from __future__ import annotations

import subprocess
import sys

import pytest
from written import rulebook

from tensorlang.logic.strata import mixed_aggregates, parts, relevant, unsafe_variables, unstratified

HEAD = "E: e e\nW: e e i\nP: e\nQ: e\nR: e\nT: e e\nD: e i\nF: e i\n"


def test_parts_come_after_what_they_read() -> None:
    book = rulebook(HEAD + "P(x) <- Q(x)\nQ(x) <- R(x), E(x, y), P(y)\nR(x) <- T(x, x)\nT(x, z) <- E(x, y), T(y, z)")
    assert [(part.relations, part.recursive) for part in parts(book.rules)] == [
        (("T",), True), (("R",), False), (("P", "Q"), True),
    ]  # fmt: skip
    assert {rule.head.relation for rule in relevant(book, ["R"])} == {"R", "T"}


def test_a_negation_in_a_cycle_is_found_with_its_rules() -> None:
    book = rulebook(HEAD + "P(x) <- E(x, y), not Q(y)\nQ(x) <- R(x)\nR(x) <- E(x, y), P(y)")
    (cycle,) = unstratified(book)
    assert cycle.kind == "negation"
    assert [rule.head.relation for rule in cycle.rules] == ["P", "Q", "R"]
    assert cycle.broken_by.relation == "Q"


def test_negation_below_is_no_cycle() -> None:
    assert not unstratified(rulebook(HEAD + "P(x) <- E(x, y), not Q(y)\nQ(x) <- E(x, y), Q(y)"))


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("D(y, sum(d)) <- D(x, d), E(x, y)", "aggregate"),
        ("D(y, count(x)) <- D(x, d), E(x, y)", "aggregate"),
        ("D(y, min(w - d)) <- D(x, d), W(x, y, w)", "direction"),
        ("D(y, min(d)) <- D(x, d), W(x, y, d)", "direction"),
        ("D(y, min(d + w)) <- D(x, d), W(x, y, w), d > 3", "direction"),
        ("D(y, min(d * d)) <- D(x, d), E(x, y)", "direction"),
        ("D(y, max(d)) <- D(x, d), E(x, y), d < 3", "direction"),
        ("D(y, min(d + w)) <- D(x, d), W(x, y, w), not F(x, d)", "direction"),
        ("D(y, min(0 - 2 * d)) <- D(x, d), E(x, y)", "direction"),
        ("D(y, min(v)) <- D(x, d), E(x, y), v == 5 - d", "direction"),
        ("D(y, min(d + w)) <- D(x, d), W(x, y, w)", ""),
        ("D(y, min(v)) <- D(x, d), W(x, y, w), v == d + w", ""),
        ("D(y, min(d * w)) <- D(x, d), W(x, y, w), d + 1 < 50", ""),
        ("D(y, max(min(d, w))) <- D(x, d), W(x, y, w), d > 3", ""),
        ("D(y, min(0 - (0 - d))) <- D(x, d), E(x, y)", ""),
    ],
)
def test_aggregates_in_their_own_recursion(rule: str, kind: str) -> None:
    found = unstratified(rulebook(HEAD + rule))
    assert [cycle.kind for cycle in found] == ([kind] if kind else [])


def test_a_best_value_may_not_decide_about_other_rows_of_its_part() -> None:
    book = rulebook(HEAD + "D(y, min(d + w)) <- D(x, d), W(x, y, w), F(y, _)\nF(x, d) <- D(x, d)")
    assert [cycle.kind for cycle in unstratified(book)] == ["direction"]


@pytest.mark.parametrize(
    ("rule", "unsafe"),
    [
        ("T(x, y) <- P(x)", ["y"]),
        ("P(x) <- Q(x), not E(x, y)", ["y"]),
        ("P(x) <- Q(x), not E(x, _)", []),
        ("P(x) <- Q(x), x != y", ["y"]),
        ("D(x, n) <- Q(x), n == m + 1", ["n", "m"]),
        ("D(x, n) <- D(x, m), n == m + 1", []),
        ("D(x, n) <- Q(x), n == m + 1, m == 3", []),
        ("D(x, sum(n)) <- Q(x)", ["n"]),
        ("D(x, n) <- Q(x), D(x, n + 1)", ["n"]),
    ],
)
def test_variables_that_nothing_bounds(rule: str, unsafe: list[str]) -> None:
    assert unsafe_variables(rulebook(HEAD + rule).rules[0]) == unsafe


def test_aggregates_that_cannot_stand_together() -> None:
    assert not mixed_aggregates(rulebook(HEAD + "D(x, min(n)) <- F(x, n)\nD(x, 3) <- P(x)").rules, {"D"})
    assert mixed_aggregates(rulebook(HEAD + "D(x, min(n)) <- F(x, n)\nD(x, max(n)) <- F(x, n)").rules)
    assert mixed_aggregates(rulebook(HEAD + "D(x, sum(n)) <- F(x, n)\nD(x, 3) <- P(x)").rules)
    assert mixed_aggregates(rulebook(HEAD + "D(x, sum(n)) <- F(x, n)").rules, {"D"})


def test_checks_load_neither_numpy_nor_torch() -> None:
    script = "import sys, tensorlang.logic.strata; print({'numpy', 'torch', 'scipy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
