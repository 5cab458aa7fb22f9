"""Programs from text, data to run them on, and whether two of them mean the same by the reference."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tensorlang.backends.reference import evaluate
from tensorlang.diagnostics import Problems
from tensorlang.ir.domain import Symbol
from tensorlang.ir.program import Program, Tensor
from tensorlang.ir.verify import verify
from tensorlang.sema import Setting, analyse
from tensorlang.source import Source
from tensorlang.syntax.parse import parse

Arrays = dict[str, np.ndarray]


def load(text: str) -> Program:
    """The verified Program of a text without errors."""
    problems = Problems()
    file = parse(Source("<test>", text), problems)
    program = analyse(file, Setting(), problems)
    assert program is not None, [problem.message for problem in problems.errors]
    verify(program, "analysis")
    return program


def sizes_of(program: Program) -> dict[Symbol, int]:
    """Small sizes, no two alike in a row, for the symbols that a program leaves open."""
    symbols = {symbol for tensor in program.tensors.values() for size in tensor.shape for symbol in size.symbols}
    open_ones = sorted(symbols - program.sizes.keys(), key=lambda symbol: symbol.name)
    return {symbol: 2 + at % 3 for at, symbol in enumerate(open_ones)}


def data_for(program: Program, seed: int = 0) -> Arrays:
    """Random values for what a program is given: quarters, so that sums of products are exact."""
    random, sizes = np.random.default_rng(seed), {**program.sizes, **sizes_of(program)}
    given = [tensor for tensor in program.tensors.values() if tensor.kind != "defined" and tensor.literal is None]
    return {tensor.name: _values(tensor, sizes, random) for tensor in given}


def _values(tensor: Tensor, sizes: dict[Symbol, int], random: np.random.Generator) -> np.ndarray:
    shape = [size.value(sizes) for size in tensor.shape]
    if tensor.dtype == "bool":
        return random.random(shape) < 0.6
    if tensor.dtype == "int":
        return random.integers(0, 3 if tensor.positions is None else tensor.positions.value(sizes), shape)
    values = random.integers(-8, 9, shape) / 4
    return values + 1j * random.integers(-8, 9, shape) / 4 if tensor.dtype == "complex" else values


def values_of(program: Program, data: Arrays, names: Iterable[str]) -> Arrays:
    computed = evaluate(program, data, sizes_of(program))
    return {name: computed[name] for name in names}


def assert_same(meant: Arrays, got: Arrays, note: str) -> None:
    """The same element types, and the same values up to rounding wherever the meaning is finite."""
    for name, value in meant.items():
        assert value.dtype == got[name].dtype, f"{note}: {name} is {value.dtype}, then {got[name].dtype}"
        finite = np.isfinite(value)
        with np.errstate(all="ignore"):
            same = np.isclose(value, got[name], rtol=1e-9, atol=1e-9) | ~finite
        assert same.all(), f"{note}: {name}\n{value}\n{got[name]}"
