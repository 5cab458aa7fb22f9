"""Proofs as they are printed, their size, and that wrong ones are found out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from written import goal, rulebook

from tensorlang.ir.rules import Sort
from tensorlang.limits import Limits
from tensorlang.logic.checking import check_proof
from tensorlang.logic.proofs import Derived, Given, Proof
from tensorlang.logic.proving import prove
from tensorlang.logic.rows import Rows

FAMILY = """Parent: e e
Person: e
Ancestor: e e
Childless: e
Children: e i
Ancestor(x, z) <- Parent(x, z)
Ancestor(x, z) <- Parent(x, y), Ancestor(y, z)
Childless(x) <- Person(x), not Parent(x, _), x != '9
Children(x, count(y)) <- Parent(x, y)
"""
NAMES = ("Ann", "Bob", "Cyd", "Dan")
GIVEN = {"Parent": Rows.of([[0, 1, 2, 0], [1, 2, 3, 2]]), "Person": Rows.of([[0, 1, 2, 3]])}


def name_of(sort: Sort, position: int) -> str:
    return NAMES[position]


def drawn(text: str) -> list[str]:
    book = rulebook(FAMILY)
    proof = prove(book, GIVEN, goal(text), Limits(), name_of)
    assert proof is not None
    assert check_proof(proof, book, GIVEN, Limits()) == []
    return proof.lines(name_of)


def test_the_shortest_way_is_taken() -> None:
    assert drawn("Ancestor('0, '3)") == [
        "Ancestor(Ann, Dan)   by line 7",
        "├─ Parent(Ann, Cyd)   given",
        "└─ Ancestor(Cyd, Dan)   by line 6",
        "   └─ Parent(Cyd, Dan)   given",
    ]


def test_negation_and_comparison() -> None:
    assert drawn("Childless(x)") == [
        "Childless(Dan)   by line 8",
        "├─ Person(Dan)   given",
        "├─ no row Parent(Dan, _)",
        "└─ Dan != E9",
    ]


def test_counted_rows_are_listed() -> None:
    assert drawn("Children('0, n)") == [
        "Children(Ann, 2)   count over 2 rows, by line 9",
        "├─ Parent(Ann, Bob)",
        "└─ Parent(Ann, Cyd)",
    ]


def test_what_does_not_follow_has_no_proof() -> None:
    assert prove(rulebook(FAMILY), GIVEN, goal("Ancestor('3, x)"), Limits()) is None


def test_a_row_that_is_needed_twice_is_proved_once() -> None:
    book = rulebook("N: i\nPair: i i\nN(0)\nN(n + 1) <- N(n), n < 9\nPair(x, y) <- N(x), N(y)")
    proof = prove(book, {}, goal("Pair(8, 9)"), Limits())
    assert proof is not None
    assert len(list(proof.nodes())) == 11
    assert sum("shown above" in line for line in proof.lines()) == 1


def test_long_proofs() -> None:
    book = rulebook("E: e e\nT: e e\nT(x, z) <- E(x, z)\nT(x, z) <- T(x, y), E(y, z)")
    given = {"E": Rows.of([np.arange(1500), np.arange(1, 1501)])}
    proof = prove(book, given, goal("T('0, '1500)"), Limits())
    assert proof is not None
    assert len(list(proof.nodes())) == 3000
    assert len(proof.lines()) == 3000


def test_a_shortest_path_is_proved_by_its_way() -> None:
    book = rulebook("W: e e i\nD: e i\nD('0, 0)\nD(y, min(d + w)) <- D(x, d), W(x, y, w)")
    given = {"W": Rows.of([[0, 0, 1, 2], [1, 2, 2, 3], [1, 9, 2, 1]])}
    proof = prove(book, given, goal("D('3, d)"), Limits())
    assert proof is not None
    assert [node.values for node in proof.nodes() if node.relation == "D"] == [(3, 4), (2, 3), (1, 1), (0, 0)]
    assert check_proof(proof, book, given, Limits()) == []
    longer = {"W": Rows.of([[0, 0, 1, 2], [1, 2, 2, 3], [1, 2, 2, 1]])}
    assert check_proof(proof, book, longer, Limits())


def test_wrong_proofs_are_found_out() -> None:
    book = rulebook(FAMILY)
    proof = prove(book, GIVEN, goal("Ancestor('0, '3)"), Limits())
    assert proof is not None
    root = proof.root
    assert isinstance(root, Derived)
    wrong = [
        replace(root, values=(3, 0)),
        replace(root, rule=rulebook(FAMILY).rules[0]),
        replace(root, support=root.support[:1]),
        replace(root, support=(Given("Parent", (0, 3)), root.support[1])),
        replace(root, binding={**root.binding, "y": 1}),
        Given("Ancestor", (0, 3)),
    ]
    for each in wrong:
        assert check_proof(Proof(each, book.relations), book, GIVEN, Limits())
    childless = prove(book, GIVEN, goal("Childless('3)"), Limits())
    assert childless is not None
    later = {**GIVEN, "Parent": Rows.of([[0, 3], [1, 1]])}
    assert check_proof(childless, book, later, Limits())
