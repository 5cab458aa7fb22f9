"""Whole programs of facts and rules, as text: their rows are clingo's, in whatever order and layout."""

from __future__ import annotations

import random

import pytest
from relations.generated import Written, written

import tensorlang as tl
from tensorlang.source import Source
from tensorlang.syntax.format import format_text

SEEDS = range(160)
GROUPS = 8


def found(text: str, names: list[str]) -> dict[str, set[tuple[object, ...]]]:
    program = tl.compile(text)
    return {name: set(program.facts(name)) for name in names}


@pytest.mark.parametrize("group", range(GROUPS))
def test_the_rows_are_those_of_clingo(group):
    for seed in SEEDS[group::GROUPS]:
        program = written(seed)
        assert found(program.text(), list(program.relations)) == program.meaning(), f"seed {seed}\n{program.text()}"


@pytest.mark.parametrize("seed", range(1000, 1012))
def test_order_and_layout_change_nothing(seed):
    program = written(seed)
    first = found(program.text(), list(program.relations))
    chance = random.Random(seed)
    other = Written(program.relations, *(chance.sample(part, len(part)) for part in _parts(program)))
    assert found(other.text(), list(program.relations)) == first
    assert found(format_text(Source("p.tl", other.text())), list(program.relations)) == first


def _parts(program: Written) -> tuple[list, list, list]:
    return program.declared, program.facts, program.rules


@pytest.mark.parametrize("seed", range(2000, 2020))
def test_queries_select_what_holds(seed):
    """A query with a constant at one place has the rows of the relation that hold it there."""
    program = written(seed)
    module = tl.compile(program.text())
    chance = random.Random(seed)
    for name, rows in program.meaning().items():
        if not rows:
            continue
        row = chance.choice(sorted(rows, key=repr))
        at = chance.randrange(len(row))
        terms = [f"v{k}" for k in range(len(row))]
        terms[at] = f'"{row[at]}"' if isinstance(row[at], str) else str(row[at])
        answers = module.query(f"{name}({', '.join(terms)})")
        wanted = {other[:at] + other[at + 1 :] for other in rows if other[at] == row[at]}
        assert set(answers) == wanted if len(row) > 1 else bool(answers), f"seed {seed}: {answers.title}"
