"""What the tests of the syntax share: reading a text, and comparing trees of any depth."""

from __future__ import annotations

import dataclasses

from tensorlang.diagnostics import Problems, render
from tensorlang.limits import Limits
from tensorlang.source import Source
from tensorlang.syntax import ast
from tensorlang.syntax.format import format_text
from tensorlang.syntax.parse import parse


def read(text: str, limits: Limits | None = None) -> tuple[ast.File, Problems]:
    problems = Problems()
    return parse(Source("test.tl", text), problems, limits), problems


def good(text: str) -> ast.File:
    """The tree of a text that must be right."""
    file, problems = read(text)
    assert not problems.found, render(problems.found)
    return file


def one(text: str) -> ast.Statement:
    """The only statement of a text."""
    (statement,) = good(text).statements
    return statement


def right(text: str) -> ast.Expression:
    """The right side of ``Y = text``."""
    equation = one(f"Y = {text}")
    assert isinstance(equation, ast.Equation)
    return equation.value


def codes(text: str) -> list[str]:
    return [problem.code for problem in read(text)[1].found]


def formatted(text: str) -> str:
    return format_text(Source("test.tl", text))


def same(one: object, other: object) -> bool:
    """Whether two trees are equal; unlike ``==`` it does not recurse."""
    stack = [(one, other)]
    while stack:
        a, b = stack.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, tuple):
            assert isinstance(b, tuple)
            if len(a) != len(b):
                return False
            stack.extend(zip(a, b, strict=True))
        elif isinstance(a, ast.Node):
            stack.extend((getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a) if f.compare)
        elif a != b:
            return False
    return True
