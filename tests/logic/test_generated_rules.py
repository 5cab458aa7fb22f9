"""Generated programs give the rows that clingo gives; answers are those rows, and what is proved can be checked."""

from __future__ import annotations

import random

import pytest
from by_clingo import evaluated
from generated import generated, random_goal

from tensorlang.limits import Limits
from tensorlang.logic.answering import answer, chosen
from tensorlang.logic.checking import check_proof
from tensorlang.logic.evaluating import evaluate
from tensorlang.logic.proving import prove
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


@pytest.mark.parametrize("fifty", range(4))
def test_answers_are_the_rows_that_fit(fifty: int) -> None:
    for seed in range(2000 + 50 * fifty, 2000 + 50 * fifty + 50):
        program = generated(seed)
        pick = random.Random(seed)
        found = evaluate(program.rulebook, program.given, list(program.rulebook.relations), Limits())
        for name, relation in program.rulebook.relations.items():
            asked = random_goal(relation, pick)
            answers = answer(program.rulebook, program.given, asked, Limits())
            assert answers.rows == chosen(asked, found[name]).rows, f"seed {seed}: {asked}\n{program.text}"


@pytest.mark.parametrize("hundred", range(3))
def test_proofs_hold(hundred: int) -> None:
    proved = 0
    for seed in range(100 * hundred, 100 * hundred + 100):
        program = generated(seed)
        pick = random.Random(seed)
        name = pick.choice(list(program.rulebook.relations))
        asked = random_goal(program.rulebook.relations[name], pick)
        proof = prove(program.rulebook, program.given, asked, Limits())
        rows = evaluate(program.rulebook, program.given, [name], Limits())[name]
        assert (proof is not None) == bool(chosen(asked, rows).rows), f"seed {seed}: {asked}\n{program.text}"
        if proof is not None:
            assert check_proof(proof, program.rulebook, program.given, Limits()) == [], f"seed {seed}\n{program.text}"
            assert len(proof.lines()) >= 1
            proved += 1
    assert proved > 30
