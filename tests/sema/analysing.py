"""Programs as texts to Programs, for tests of the analysis."""

from __future__ import annotations

from typing import Any

import numpy as np

from tensorlang.backends.reference import evaluate
from tensorlang.driver import check
from tensorlang.ir.domain import Symbol
from tensorlang.ir.program import Program
from tensorlang.ir.show import show_expr
from tensorlang.ir.verify import verify
from tensorlang.options import Options
from tensorlang.source import Source


def analysed(text: str, **dims: int) -> Program:
    checked = check(Source("test.tl", text), Options(dims=dims))
    checked.problems.raise_errors()
    assert checked.program is not None
    return checked.program


def codes(text: str) -> list[str]:
    return [problem.code for problem in check(Source("test.tl", text), Options()).problems.found]


def meant(text: str, name: str = "Y") -> str:
    """The right side of a tensor's only equation, every sum written out."""
    definition = analysed(text).definition(name)
    assert definition is not None
    (piece,) = definition.pieces
    return show_expr(piece.value)


def shape(program: Program, name: str) -> str:
    return " x ".join(str(size) for size in program.tensors[name].shape)


def values(text: str, **given: Any) -> dict[str, Any]:
    """What the reference computes for a program, from arrays for its inputs."""
    program = analysed(text)
    verify(program, "the analysis")
    sizes: dict[Symbol, int] = {}
    for name, array in given.items():
        for size, number in zip(program.tensors[name].shape, np.shape(array), strict=True):
            if size.symbol is not None:
                sizes[size.symbol] = number
    return evaluate(program, given, sizes)
