"""Classic programs, held to networkx and to answers worked out by hand."""

from __future__ import annotations

import random

import networkx
import numpy as np
import pytest
from written import goal, rulebook

from tensorlang.limits import Limits
from tensorlang.logic.answering import answer
from tensorlang.logic.evaluating import evaluate
from tensorlang.logic.rows import Rows

CLOSURES = {
    "steps in front": "T(x, z) <- E(x, z)\nT(x, z) <- E(x, y), T(y, z)",
    "steps behind": "T(x, z) <- E(x, z)\nT(x, z) <- T(x, y), E(y, z)",
    "doubling": "T(x, z) <- E(x, z)\nT(x, z) <- T(x, y), T(y, z)",
    "both sides": "T(x, z) <- E(x, z)\nT(x, z) <- E(x, y), T(y, z)\nT(x, z) <- T(x, y), E(y, z)",
}


def edges(count: int, number: int, seed: int) -> Rows:
    pick = np.random.default_rng(seed)
    return Rows.of(list(pick.integers(0, count, (2, number))))


def rows(text: str, given: dict[str, Rows], name: str) -> set[tuple[int | float, ...]]:
    return set(evaluate(rulebook(text), given, [name], Limits())[name].tuples())


@pytest.mark.parametrize("form", CLOSURES)
@pytest.mark.parametrize(("count", "number"), [(12, 10), (40, 45), (60, 140), (300, 280)])
def test_every_closure_is_that_of_networkx(form: str, count: int, number: int) -> None:
    given = {"E": edges(count, number, count)}
    graph = networkx.DiGraph(given["E"].tuples())
    expected = {
        (x, z) for x in graph for y in graph.successors(x) for z in (y, *networkx.descendants(graph, y))
    }  # a node reaches itself along a cycle only
    program = rulebook(f"E: e e\nT: e e\n{CLOSURES[form]}")
    assert set(evaluate(program, given, ["T"], Limits())["T"].tuples()) == expected
    for x in (0, 7):
        ahead = answer(program, given, goal(f"T('{x}, z)"), Limits())
        assert {z for (z,) in ahead.rows.tuples()} == {z for a, z in expected if a == x}
        behind = answer(program, given, goal(f"T(x, '{x})"), Limits())
        assert {a for (a,) in behind.rows.tuples()} == {a for a, z in expected if z == x}
        assert len(answer(program, given, goal(f"T('{x}, '3)"), Limits()).rows) == ((x, 3) in expected)
        assert len(answer(program, given, goal("T(x, x)"), Limits()).rows) == len({a for a, z in expected if a == z})


def test_a_chain_of_two_relations() -> None:
    text = "A: e e\nB: e e\nC: e e\nT: e e\nT(x,z) <- B(x,z)\nT(x,z) <- A(x,y), T(y,z)\nT(x,z) <- T(x,y), C(y,z)"
    given = {name: edges(30, 25, seed) for seed, name in enumerate("ABC")}
    before = networkx.DiGraph(given["A"].tuples())
    after = networkx.DiGraph(given["C"].tuples())
    expected = set()
    for y, z in given["B"].tuples():
        starts = {y} | (networkx.ancestors(before, y) if y in before else set())
        ends = {z} | (networkx.descendants(after, z) if z in after else set())
        expected |= {(x, w) for x in starts for w in ends}
    assert rows(text, given, "T") == expected


def test_ancestors_and_the_same_generation() -> None:
    text = """
Parent: e e
Same: e e
Same(x, y) <- Parent(p, x), Parent(p, y), x != y
Same(x, y) <- Parent(p, x), Same(p, q), Parent(q, y)
"""
    #      0 -> 1, 2;   1 -> 3;   2 -> 4, 5;   3 -> 6
    given = {"Parent": Rows.of([[0, 0, 1, 2, 2, 3], [1, 2, 3, 4, 5, 6]])}
    found = rows(text, given, "Same")
    assert found == {(1, 2), (2, 1), (4, 5), (5, 4), *((3, z) for z in (4, 5)), *((z, 3) for z in (4, 5))}


def test_win_move_on_a_graph_without_cycles_by_levels() -> None:
    """A position without moves is lost; the strata are the numbers of moves."""
    text = """
Move: e e
Stuck: e
Wins1: e
Lost2: e
Wins3: e
Stuck(x) <- Move(_, x), not Move(x, _)
Wins1(x) <- Move(x, y), Stuck(y)
Escape: e
Escape(x) <- Move(x, y), not Wins1(y)
Lost2(x) <- Move(x, _), not Escape(x)
Wins3(x) <- Move(x, y), Lost2(y)
"""
    given = {"Move": Rows.of([[0, 1, 2, 2], [1, 2, 3, 4]])}  # 0 -> 1 -> 2 -> 3, 4
    assert rows(text, given, "Wins1") == {(2,)}
    assert rows(text, given, "Lost2") == {(1,)}
    assert rows(text, given, "Wins3") == {(0,)}


def test_what_pointers_point_to() -> None:
    """Andersen's analysis, against a plain fixed point."""
    text = """
New: e e
Assign: e e
Load: e e
Store: e e
Points: e e
Holds: e e
Points(v, o) <- New(v, o)
Points(v, o) <- Assign(v, w), Points(w, o)
Points(v, o) <- Load(v, w), Points(w, h), Holds(h, o)
Holds(h, o) <- Store(v, w), Points(v, h), Points(w, o)
"""
    pick = random.Random(3)
    given = {
        name: Rows.of([[pick.randrange(25) for _ in range(n)] for _ in "ab"])
        for name, n in (("New", 12), ("Assign", 18), ("Load", 12), ("Store", 12))
    }
    pairs = {name: each.tuples() for name, each in given.items()}
    points, holds = set(pairs["New"]), set()
    while True:
        more = {(v, o) for v, w in pairs["Assign"] for u, o in points if u == w}
        more |= {(v, o) for v, w in pairs["Load"] for u, h in points if u == w for g, o in holds if g == h}
        stored = {(h, o) for v, w in pairs["Store"] for a, h in points if a == v for b, o in points if b == w}
        if more <= points and stored <= holds:
            break
        points |= more
        holds |= stored
    assert rows(text, given, "Points") == points
    assert rows(text, given, "Holds") == holds


def test_a_bill_of_materials() -> None:
    """How many of each part go into another, by levels of depth; the total is a sum over levels."""
    text = """
Part: e e i
Uses: e e i i
Total: e e i
Uses(x, y, n, 1) <- Part(x, y, n)
Uses(x, z, n*m, d+1) <- Part(x, y, n), Uses(y, z, m, d)
Total(x, z, sum(n)) <- Uses(x, z, n, d)
"""
    given = {"Part": Rows.of([[0, 0, 1, 2], [1, 2, 3, 3], [2, 3, 4, 5]])}  # 3 is in 0 by 2 * 4 + 3 * 5
    assert (0, 3, 23) in rows(text, given, "Total")


def test_company_control_with_shares_of_direct_holdings() -> None:
    text = """
Owns: e e i
Direct: e e
Group: e e
Held: e e i
Controls: e e
Direct(x, y) <- Owns(x, y, s), s > 50
Group(x, x) <- Owns(x, _, _)
Group(x, y) <- Direct(x, y)
Group(x, z) <- Group(x, y), Direct(y, z)
Held(x, z, sum(s)) <- Group(x, y), Owns(y, z, s)
Controls(x, z) <- Held(x, z, s), s > 50
"""
    given = {"Owns": Rows.of([[0, 0, 1, 2], [1, 2, 2, 3], [60, 30, 30, 51]])}
    assert rows(text, given, "Controls") == {(0, 1), (0, 2), (2, 3)}
    assert (0, 2, 60) in rows(text, given, "Held")  # two holdings of 30 are two summands


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["i", "f"])
def test_shortest_paths_are_those_of_networkx(seed: int, kind: str) -> None:
    text = f"""
W: e e {kind}
Dist: e {kind}
All: e e {kind}
Dist('0, 0)
Dist(y, min(d + w)) <- Dist(x, d), W(x, y, w)
All(x, y, min(w)) <- W(x, y, w)
All(x, z, min(v + w)) <- All(x, y, v), All(y, z, w)
"""
    pick = np.random.default_rng(seed)
    weights = pick.integers(1, 60, 90) if kind == "i" else pick.integers(1, 60, 90) / 8
    given = {"W": Rows.of([*pick.integers(0, 30, (2, 90)), weights])}
    graph = networkx.DiGraph()
    for x, y, w in given["W"].tuples():
        if not graph.has_edge(x, y) or graph[x][y]["weight"] > w:
            graph.add_edge(x, y, weight=w)
    lengths = dict(networkx.all_pairs_dijkstra_path_length(graph))
    assert dict(rows(text, given, "Dist")) == lengths.get(0, {0: 0})
    found = {(x, y): w for x, y, w in rows(text, given, "All")}
    assert {pair: w for pair, w in found.items() if pair[0] != pair[1]} == {
        (x, y): w for x, ends in lengths.items() for y, w in ends.items() if x != y
    }
    asked = answer(rulebook(text), given, goal("All('3, y, w)"), Limits())
    assert {(3, *row) for row in asked.rows.tuples()} == {(x, y, w) for (x, y), w in found.items() if x == 3}


def test_widest_paths() -> None:
    """``max`` of ``min``: the best of the narrowest."""
    text = "W: e e i\nWide: e i\nWide('0, 1000)\nWide(y, max(min(b, w))) <- Wide(x, b), W(x, y, w)"
    given = {"W": Rows.of([[0, 0, 1, 2, 3], [1, 2, 3, 3, 0], [5, 9, 8, 3, 7]])}
    assert rows(text, given, "Wide") == {(0, 1000), (1, 5), (2, 9), (3, 5)}
