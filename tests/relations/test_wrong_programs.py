"""Programs of facts, rules and queries with one mistake: one error, on its line, in the program's words."""

from __future__ import annotations

import pytest

from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source

FAMILY = "Parent(Ann, Bob); Parent(Bob, Cid)\n"
AGES = FAMILY + "Age(Ann, 61); Age(Bob, 33)\n"

# What follows the facts, the code of the one error, the line on which it stands (of the whole text), what is said.
WRONG = [
    (FAMILY, "Anc(x,z) <- Parnt(x,z)", "E1106", 2, "no relation `Parnt`"),
    (FAMILY, "Parent(An, x)?", "E1116", 2, "`An` is no entity"),
    (FAMILY, "Q(x) <- Parent(x, Bbo)", "E1116", 2, "`Bbo` is no entity"),
    (FAMILY, "Q(x) <- Parent(x, y), y != Bbo", "E1116", 2, "`Bbo` is no entity"),
    (FAMILY, "Parent(Cid)", "E1103", 2, "`Parent` has 2 places, but stands here with 1"),
    (FAMILY, "Q(x) <- Parent(x)", "E1103", 2, "stands here with 1"),
    (FAMILY, "Parent(Ann, x, y)?", "E1103", 2, "stands here with 3"),
    (FAMILY, "Q(x) <- Parent(x, y)\nQ(x, y) <- Parent(x, y)", "E1103", 3, "stands here with 2"),
    (FAMILY, "Parent(Cid, dan)", "E1112", 2, "a variable, `dan`"),
    (FAMILY, "Parent(ann, bob)", "E1112", 2, "a variable, `ann`"),
    (FAMILY, "Parent(_, _)", "E1112", 2, "a variable, `_`"),
    (FAMILY, 'Parent(Cid, "")', "E1109", 2, "an entity has a name"),
    (FAMILY, "Parent(Cid, 3)", "E1104", 1, "entities and numbers"),
    (AGES, "Age(Cid, Old)", "E1104", 3, "entities and numbers"),
    (AGES, "Q(x) <- Parent(x, y), Age(_, y)", "E1104", 1, "entities and numbers"),
    (FAMILY, "Q(x) <- Parent(x, y), y > 3", "E1104", 1, "entities and numbers"),
    (FAMILY, "Q(x) <- Parent(x, y), x < y", "E1104", 2, "have no order"),
    (FAMILY, "Q(x, y + 1) <- Parent(x, y)", "E1104", 1, "entities and numbers"),
    (FAMILY, "Q(x, sum(y)) <- Parent(x, y)", "E1104", 2, "`y` stands for entities, which have no sum"),
    (FAMILY, "Q(x, max(y)) <- Parent(x, y)", "E1104", 2, "`y` stands for entities, which have no max"),
    (FAMILY, "Q(x, y) <- Parent(x, _)", "E1101", 2, "says what `y` is"),
    (FAMILY, "Q(x) <- Parent(x, _), not Parent(y, x)", "E1101", 2, "says what `y` is"),
    (AGES, "Q(x) <- Age(x, n), m > n", "E1101", 3, "says what `m` is"),
    (AGES, "Q(x, n + m) <- Age(x, n)", "E1101", 3, "says what `m` is"),
    (FAMILY, "not Parent(x, Bob)?", "E1101", 2, "nothing in the query says what `x` is"),
    (FAMILY, "Q(x, count(_)) <- Parent(x, _)", "E1101", 2, "says what `_` is"),
    (FAMILY, "P(x) <- Parent(x, _), not Q(x)\nQ(x) <- Parent(x, _), not P(x)", "E1102", 2, "before it can be negated"),
    (FAMILY, "P(x) <- Parent(x, _), not P(x)", "E1102", 2, "before it can be negated"),
    (FAMILY, "L(x, count(y)) <- L(x, y), Age(x, y)\nAge(Ann, 3)", "E1123", 2, "before it can be aggregated"),
    (FAMILY, "K(x, count(y)) <- Parent(x, y)\nK(Cid, 0)", "E1124", 2, "and something else too"),
    (AGES, "S(sum(n), count(x)) <- Age(x, n)", "E1113", 3, "one aggregate"),
    (FAMILY, "Age(Ann, count(Bob))", "E1113", 2, "a fact has no aggregate"),
    (AGES, "S(x, avg(n)) <- Age(x, n)", "E1115", 3, "cannot stand at a place"),
    (AGES, "S(x, count(x, n)) <- Age(x, n)", "E1115", 3, "cannot stand at a place"),
    (AGES, "S(x, sin(n)) <- Age(x, n)", "E1115", 3, "cannot stand at a place"),
    (AGES, "S(x) <- Age(x, n), n == count(x)", "E1115", 3, "cannot stand at a place"),
    (FAMILY, "Q(x) <- Parent(x, y) or Parent(y, x)", "E1114", 2, "all of its conditions"),
    (FAMILY, "Q(x) <- Parent(x, y), x", "E1114", 2, "no condition of a rule"),
    (FAMILY, "Q(x) <- Parent(x, y), x = y", "E0101", 2, "found `=`"),
    (FAMILY, "Q(x) <- Parent(x, y), !Parent(y, x)", "E0114", 2, "negated with a word"),
    (FAMILY, "Q(x) :- Parent(x, y)", "E0111", 2, "no arrow"),
    (FAMILY, "Q(x) <- Parent(x, y).", "E0137", 2, "full stop"),
    (FAMILY, "Q(x) <- Parent(x, y) where x != Ann", "E0144", 2, "no `where`"),
    (FAMILY, "Q(x) <-", "E0139", 2, "missing behind `<-`"),
    (FAMILY, "why Parent(Ann, x)?", "E1119", 2, "one fact"),
    (FAMILY, "T[x] = Parent[x]", "E0207", 2, "2 axes"),
    (FAMILY, "T[x] = 2 * Parent", "E0206", 2, "without indices"),
    (FAMILY, "Parent[x,y] = (x == y)", "E1105", 1, "by equations and by facts"),
    ("Parent(Ann, Bob)\n", "param Parent[i]\ndim i = 2", "E1106", 1, "`Parent` is `param`"),
    ("input X[i]\n", "X(3)", "E1106", 2, "`X` is `input`"),
    ("input X[i]\n", "Y(i) <- X(i)", "E0219", 2, "square brackets"),
    ("input X[i]\n", "Y[i] = X(i)", "E0219", 2, "square brackets"),
    ("relation P(a, b)\n", "relation P(a, b)", "E0203", 2, "declared twice"),
    ("dim c = [Red, Green]\nrelation L(p, c)\n", "L(Ann, Blue)", "E1117", 3, "`Blue` is no entity of `c`"),
    ("", "dim c = [Red, Green, Red]", "E1117", 1, "listed twice"),
    ("relation P(a, a)\nP(Ann, Bob); P(Bob, Cid)\n", "dim a = 2", "E1117", 3, "3 entities"),
    ("dim n = 3\nrelation E(n, n')\n", "E(0, 3)", "E1118", 3, "positions 0 to 2"),
    ("relation E(n, n')\n", "E(0, -1)", "E1118", 2, "begin with 0"),
    ("relation E(n, n')\n", "E(0, 99999999999999999999)", "E0108", 2, "64 bits"),
    ("relation A(p, k: int)\n", "A(Ann, 5.5)", "E1104", 2, "place `k` of `A` holds whole numbers"),
    ("relation A(p, k: int)\n", "A(Ann, Old)", "E1104", 1, "entities and numbers"),
    ("relation A(p, k: word)\n", 'A(Ann, 5); A(Ann, "6")', "E1104", 1, "entities and numbers"),
    ("relation P(a, a)\nrelation Q(c)\nP(Ann, Bob); Q(Ulm)\n", "R(x) <- P(x, _), Q(x)", "E1104", 4, "one variable"),
    ("relation P(a, a)\nrelation Q(c)\nP(Ann, Bob); Q(Ulm)\n", "P(x, Ulm)?", "E1116", 4, "no entity of `a`"),
    ("relation P(a, a)\nrelation Q(c)\nP(Ann, Bob); Q(Ulm)\nV[x,y] = P(x,y)\n", "V[Ann, Ulm]?", "E1116", 5, "`Ulm`"),
    ("", "relation R(a, 2 + 3)", "E1110", 1, "named by a word"),
    ("input X[i]\nrelation E(i, i')\n", "D(x, count(y)) <- E(x, y)", "E1113", 3, "only a call knows"),
    ("float relation R(c, c')\nR(Ulm, Bonn) = 4\n", "R(x, y) <- R(y, x)", "E1106", 3, "holds numbers"),
]


@pytest.mark.parametrize(("before", "text", "code", "line", "said"), WRONG)
def test_one_mistake_is_one_error(before, text, code, line, said):
    found = check(Source("wrong.tl", before + text + "\n"), Options()).problems.found
    assert [problem.code for problem in found] == [code], [problem.message for problem in found]
    assert said in found[0].message
    assert any(label.span.line == line for label in found[0].labels if label.span is not None)
