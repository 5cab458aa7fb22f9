"""What rules, facts and queries mean before they are evaluated: sorts, domains, entities, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from relations.telling import codes, messages, rows, told

import tensorlang as tl
from tensorlang.ir.rules import Sort

FAMILY = "Parent(Ann, Bob)\nParent(Bob, Cid)\nAnc(x,z) <- Parent(x,z)\nAnc(x,z) <- Parent(x,y), Anc(y,z)\n"


def sorts(text: str, name: str) -> tuple[Sort, ...]:
    return told(text).facts.rulebook.relations[name].sorts


def test_places_that_rules_join_are_of_one_domain():
    parent, anc = sorts(FAMILY, "Parent"), sorts(FAMILY, "Anc")
    assert len({*parent, *anc}) == 1
    assert parent[0].kind == "word"


def test_declared_places_name_domains():
    text = "relation Likes(user, film)\nLikes(Ann, Alien)\nLikes(Bob, Brazil)\n"
    program = told(text)
    assert program.facts.entities == {"user": ("Ann", "Bob"), "film": ("Alien", "Brazil")}
    assert rows(program, "Likes") == {("Ann", "Alien"), ("Bob", "Brazil")}


def test_one_word_is_one_entity_where_nothing_is_declared():
    assert told("Parent(Ann, Bob)\nOld(Ann)\nTall(Bob)\n").facts.entities == {"entity": ("Ann", "Bob")}


def test_numbers_positions_and_reals():
    text = "relation Edge(n, n', w: float)\nEdge(0, 3, 2)\nAge(Ann, 7)\nNext(x, k + 1) <- Age(x, k)\n"
    assert sorts(text, "Edge") == (Sort("int", "n"), Sort("int", "n"), Sort("float"))
    assert sorts(text, "Age")[1] == sorts(text, "Next")[1] == Sort("int")


def test_arithmetic_over_reals_is_real_also_in_a_circle():
    text = "Edge(A, B, 0.5)\nD(A, 0)\nD(y, min(d + w)) <- D(x, d), Edge(x, y, w)\n"
    assert sorts(text, "D")[1] == Sort("float")


def test_sizes_of_domains_are_sizes_of_axes():
    program = told(
        "relation P(person, person)\nP(Ann, Bob)\nP(Bob, Cid)\ndim d = 2\nparam E[person, d]\nS[d] = E[Bob, d]\n"
    )
    module = tl.compile(
        "relation P(person, person)\nP(Ann, Bob)\nP(Bob, Cid)\ndim d = 2\nparam E[person, d]\n"
        "S[d] = E[Bob, d]\nN = |person|\n"
    )
    assert module.E.shape == (3, 2)
    assert torch.equal(module()["S"], module.E[1].detach())
    assert int(module()["N"]) == 3
    assert program.tensors["E"].axes[0].domain == "person"


def test_entities_stand_on_the_left_and_in_conditions():
    text = FAMILY + "param V[x] ~ ones()\nrelation Q(y)\nT[x] = V[x] where Parent(x, y)\nD[Ann] = 5\n"
    assert codes(text.replace("relation Q(y)\n", "").replace("D[Ann] = 5\n", "")) == []
    assert (
        codes("relation P(p, p)\nP(Ann, Bob)\nparam V[p]\nD[p] = V[p]\nD[Bob] = 5\nF[p] = V[p] where p != Ann\n") == []
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Parent(Ann)\nParent(Ann, Bob)\n", "E1103"),
        (FAMILY + "Anc(Anm, x)?\n", "E1116"),
        (FAMILY + "Both(x) <- Parent(x, y), Parent(z)\n", "E1103"),
        (FAMILY + "Odd(x) <- Parent(x, y), y > 3\n", "E1104"),
        (FAMILY + "Odd(x) <- Parent(x, y), x < y\n", "E1104"),
        ("relation P(a, b)\nP(Ann, Bob)\nQ(x) <- P(x, x)\n", "E1104"),
        (FAMILY + "S[d] = Anc[Ann, Bo] d\ndim d = 2\n", "E0205"),
        (FAMILY + "why Anc(x, Bob)?\n", "E1119"),
        (FAMILY + "Loop(x) <- Parent(x, _), not Loop(x)\n", "E1102"),
        (FAMILY + "Any(x, q) <- Parent(x, _)\n", "E1101"),
        (FAMILY + "Any(x) <- Parent(x, _), z != x\n", "E1101"),
        ("Parent(ann, Bob)\n", "E1112"),
        ("dim n = 3\nrelation Edge(n, n')\nEdge(-1, 2)\n", "E1118"),
        ("dim person = 1\nrelation P(person, person)\nP(Ann, Bob)\n", "E1117"),
        ("X(1)\nX = 3\n", "E1105"),
        ("input X[i]\nX(1) <- X(2)\n", "E1106"),
    ],
)
def test_what_is_refused(text, code):
    assert code in codes(text), messages(text)


def test_rules_over_inputs_are_equations():
    text = (
        "dim n = 5\nrelation Edge(n, n')\ninput Score[n]\n"
        "Good(x) <- Edge(x, _), Score[x] > 0.5\n"
        "Reach(x, y) <- Edge(x, y)\nReach(x, z) <- Edge(x, y), Reach(y, z)\n"
        "Bare(x) <- Reach(_, x), not Edge(x, _)\noutput Good, Reach, Bare\n"
    )
    generator = np.random.default_rng(0)
    for _ in range(5):
        edge = generator.random((5, 5)) < 0.25
        score = generator.random(5).astype("float32")
        found = tl.compile(text)(Edge=torch.tensor(edge), Score=torch.tensor(score))
        reach = edge.copy()
        for _ in range(5):
            reach |= (edge.astype(int) @ reach.astype(int)) > 0
        assert np.array_equal(found["Reach"].numpy() != 0, reach)
        assert np.array_equal(found["Good"].numpy() != 0, edge.any(1) & (score > 0.5))
        assert np.array_equal(found["Bare"].numpy() != 0, reach.any(0) & ~edge.any(1))


def test_places_of_inputs_are_over_the_domains_that_they_name():
    text = (
        "dim n = 3\nrelation Edge(from: n, to: n)\nReach(x, z) <- Edge(x, z)\nReach(x, z) <- Edge(x, y), Reach(y, z)\n"
    )
    program = tl.compile(text + "output Reach\n")
    edge = torch.zeros(3, 3, dtype=torch.bool)
    edge[0, 1] = edge[1, 2] = True
    assert program(Edge=edge)["Reach"].nonzero().tolist() == [[0, 1], [0, 2], [1, 2]]
    with pytest.raises(tl.RunError):
        program(Edge=torch.zeros(4, 4, dtype=torch.bool))


CLOSURE = (
    "def Closure(E(n, n')) -> C(n, n'):\n"
    "    C(x, y) <- E(x, y)\n"
    "    C(x, z) <- E(x, y), C(y, z)\n"
    "R = Closure(Edge)\nFrom(x) <- R(0, x)\noutput R, From\n"
)


def test_rules_in_modules_read_relations_of_any_kind():
    table = torch.zeros(4, 4, dtype=torch.bool)
    table[0, 1] = table[1, 2] = table[3, 3] = True
    told_ones = tl.compile("relation Edge(n, n')\nEdge(0,1); Edge(1,2); Edge(3,3)\n" + CLOSURE)()
    given = tl.compile("relation Edge(n, n')\n" + CLOSURE)(Edge=table)
    for name in ("R", "From"):
        assert torch.equal(told_ones[name], given[name])
    assert told_ones["From"].tolist() == [False, True, True, False]


def test_an_aggregate_counts_each_row():
    text = "Rated(Ann, Alien, 5); Rated(Bob, Alien, 5); Rated(Cid, Alien, 2)\n"
    rules = (
        "Mean(m, mean(s)) <- Rated(_, m, s)\nAll(m, sum(s)) <- Rated(_, m, s)\nKinds(m, count(s)) <- Rated(_, m, s)\n"
    )
    module = tl.compile(text + rules)
    assert list(module.facts("Mean")) == [("Alien", 4.0)]
    assert list(module.facts("All")) == [("Alien", 12)]
    assert list(module.facts("Kinds")) == [("Alien", 2)]
