"""Rows: sorted, each once, whatever order and size of numbers; results do not depend on numbering."""

from __future__ import annotations

import random

import numpy as np
import pytest
from generated import generated
from written import rulebook

from tensorlang.limits import Limits
from tensorlang.logic.evaluating import evaluate
from tensorlang.logic.layouts import fitted
from tensorlang.logic.rows import Rows

HUGE = [-(1 << 63), (1 << 63) - 1, 0, -1, 1 << 62, 5]


@pytest.mark.parametrize(
    "columns",
    [
        [[3, 1, 3, 2], [0, 5, 0, 7]],
        [HUGE * 2],
        [HUGE, HUGE[::-1], HUGE, HUGE],
        [[0.5, -1.5, np.inf, -np.inf, 0.5, 1e300], [1, 2, 3, 4, 1, 6]],
        [[0.25, -0.25, 3.0], [0.1, 0.2, 0.3], [7, 8, 9], [-1e-300, 1e300, 0.0]],
    ],
)
def test_rows_are_sorted_and_each_stands_once(columns: list[list[float]]) -> None:
    rows = Rows.of(columns)
    assert rows.tuples() == sorted(set(zip(*columns, strict=True)))


def test_negative_zero_is_zero() -> None:
    assert Rows.of([[0.0, -0.0]]).tuples() == [(0.0,)]


def test_relations_without_places() -> None:
    assert len(Rows.of([], 3)) == 1
    assert len(Rows.of([])) == 0
    program = rulebook("A: e\nYes:\nNo:\nBoth:\nYes() <- A(x)\nNo() <- A(x), x != x\nBoth() <- Yes(), not No()")
    found = evaluate(program, {"A": Rows.of([[4]])}, ["Yes", "No", "Both"], Limits())
    assert {name: len(rows) for name, rows in found.items()} == {"Yes": 1, "No": 0, "Both": 1}


def test_values_that_a_layout_has_no_room_for() -> None:
    layout, keys = fitted([np.array([1, 5]), np.array([0.5, 2.0])])
    other = layout.encode([np.array([5, 5, 9, 1]), np.array([2.0, 4.0, 2.0, 0.5])])
    assert other.tolist() == [keys[1], -1, -1, keys[0]]


def test_whole_and_real_columns_meet_by_value() -> None:
    program = rulebook("A: i\nB: f\nC: i\nC(x) <- A(x), B(x)")
    given = {"A": Rows.of([[1, 2, 3]]), "B": Rows.of([[1.5, 2.0, 3.0]])}
    assert evaluate(program, given, ["C"], Limits())["C"].tuples() == [(2,), (3,)]
    program = rulebook("A: i\nB: f\nC: f\nC(x) <- B(x), A(x)")
    assert evaluate(program, given, ["C"], Limits())["C"].tuples() == [(2.0,), (3.0,)]


def test_sums_of_reals_do_not_depend_on_the_order_of_rows() -> None:
    pick = random.Random(0)
    values = [pick.uniform(-1, 1) * 10 ** pick.randrange(12) for _ in range(200)]
    program = rulebook("A: e f\nS: f\nM: f\nS(sum(v)) <- A(x, v)\nM(mean(v)) <- A(x, v)")
    found = set()
    for _ in range(5):
        places = list(range(200))
        pick.shuffle(places)
        rows = evaluate(program, {"A": Rows.of([places, values])}, ["S", "M"], Limits())
        found.add((*rows["S"].tuples(), *rows["M"].tuples()))
    assert len(found) == 1


@pytest.mark.parametrize("seed", range(30))
def test_results_follow_a_renumbering_of_entities(seed: int) -> None:
    """Entities that no rule names may be numbered in any way."""
    program = generated(seed)
    if "'" in program.text:
        return
    order = list(range(6))
    random.Random(seed).shuffle(order)
    renumbered = np.array(order)
    kinds = {n: [s.domain is not None for s in r.sorts] for n, r in program.rulebook.relations.items()}

    def moved(name: str, rows: Rows) -> Rows:
        columns = [renumbered[c] if e else c for c, e in zip(rows.columns, kinds[name], strict=True)]
        return Rows.of(columns, rows.count)

    names = list(program.rulebook.relations)
    plain = evaluate(program.rulebook, program.given, names, Limits())
    given = {name: moved(name, rows) for name, rows in program.given.items()}
    other = evaluate(program.rulebook, given, names, Limits())
    assert all(moved(name, plain[name]) == other[name] for name in names)


@pytest.mark.parametrize("nodes", [8, 70])
def test_large_numbers_of_nodes_and_small_ones_make_the_same_closure(nodes: int) -> None:
    """Positions far apart, so that no table over all of them is made."""
    pick = np.random.default_rng(nodes)
    source, target = pick.integers(0, nodes, (2, 2 * nodes))
    program = rulebook("E: e e\nT: e e\nR: e\nT(x,z) <- E(x,z)\nT(x,z) <- T(x,y), E(y,z)\nR('0)\nR(y) <- R(x), E(x,y)")
    far = 10**12 + 7
    near = evaluate(program, {"E": Rows.of([source, target])}, ["T", "R"], Limits())
    spread = evaluate(program, {"E": Rows.of([source * far, target * far])}, ["T", "R"], Limits())
    for name in ("T", "R"):
        assert Rows.of([column * far for column in near[name].columns]) == spread[name]
