"""Programs of facts and rules for the tests: checked, and what they mean."""

from __future__ import annotations

from tensorlang.driver import check
from tensorlang.ir.program import Program
from tensorlang.options import Options
from tensorlang.source import Source


def told(text: str, folder: str | None = None) -> Program:
    """The program of a text without mistakes."""
    return check(Source("told.tl", text), Options(), folder).correct()


def codes(text: str, folder: str | None = None) -> list[str]:
    """The codes of what is wrong with a text."""
    return [problem.code for problem in check(Source("told.tl", text), Options(), folder).problems.found]


def messages(text: str, folder: str | None = None) -> list[str]:
    """What is said of a wrong text."""
    return [problem.message for problem in check(Source("told.tl", text), Options(), folder).problems.found]


def rows(program: Program, name: str) -> set[tuple[object, ...]]:
    """The rows that are given of a relation, entities as words."""
    assert program.facts is not None
    relation, table = program.facts.rulebook.relations[name], program.facts.given[name]
    columns = []
    for sort, column in zip(relation.sorts, table.columns, strict=True):
        words = program.facts.entities[sort.domain] if sort.kind == "word" and sort.domain else None
        columns.append([words[cell] for cell in column] if words is not None else list(column))
    return set(zip(*columns, strict=True))
