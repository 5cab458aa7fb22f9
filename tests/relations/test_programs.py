"""Whole programs of facts and rules, as text: their rows are clingo's, in whatever order and layout."""

from __future__ import annotations

import random

import pytest
import torch
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


RULES = [
    "R(x,y) <- Edge(x,y)\nR(x,z) <- R(x,y), Edge(y,z)\n",
    "R(x,z) <- Edge(x,y), Edge(y,z), x != z, not Edge(x,z)\n",
    "Has(x) <- Edge(x,_)\nR(x,y) <- Edge(x,y), not Has(y)\n",
    "R(x,x) <- Edge(x,_), Red(x)\nR(x,y) <- Edge(y,x), Red(y), x < y\n",
    "S(x,y) <- Edge(x,y)\nS(x,z) <- S(x,y), S(y,z)\nR(x,y) <- S(x,y), S(y,x), x <= y\n",
    "R(x,z) <- Edge(x,y), Edge(y,z), not Red(y)\nR(0,x) <- Red(x)\n",
]


@pytest.mark.parametrize("rules", RULES)
def test_rules_over_inputs_have_the_rows_of_rules_over_facts(rules):
    """The same rules as equations (the relations are given at each call) and evaluated (they are told)."""
    declared = "dim n = 6\nrelation Edge(n, n')\nrelation Red(n)\n"
    called = tl.compile(declared + rules + "output R\n")
    generator = torch.Generator().manual_seed(1)
    for density in (0.15, 0.3, 0.6):
        edge = torch.rand(6, 6, generator=generator) < density
        red = torch.rand(6, generator=generator) < 0.5
        given = {"Edge": edge.nonzero().tolist(), "Red": red.nonzero().tolist()}
        told = tl.compile(declared + rules, relations=given)
        inputs = {name: value for name, value in (("Edge", edge), ("Red", red)) if name in called.inputs}
        computed = called(**inputs)["R"]
        assert {tuple(row) for row in (computed != 0).nonzero().tolist()} == set(told.facts("R"))
