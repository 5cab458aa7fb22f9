"""Long programs: the work of all passes grows as the program does, in steps that are counted and not timed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tensorlang.ir.program import Program
from tensorlang.passes import PIPELINE, optimise
from tests.counting import steps
from tests.passes.meaning import load


def perceptron(layers: int) -> str:
    lines = ["input H0[b,i]", "dim i = 6, j = 8"]
    for k in range(layers // 3):
        lines.append(f"param W{k}[j,i], B{k}[j], V{k}[i,j]")
        lines.append(f"A{k}[b,j] = relu(W{k}[j,i] H{k}[b,i] + B{k}[j])")
        lines.append(f"H{k + 1}[b,i] = V{k}[i,j] A{k}[b,j] + H{k}[b,i]")
    return "\n".join(lines)


def chain(length: int) -> str:
    lines = ["input H0[i]"] + [f"H{k + 1}[i] = tanh(H{k}[i]) * 2 + 1" for k in range(length)]
    return "\n".join(lines)


def matrices(length: int) -> str:
    lines = ["dim i = 6", "input H0[i]"]
    for k in range(length):
        lines += [f"param W{k}[i,i']", f"H{k + 1}[i] = W{k}[i,i'] H{k}[i']"]
    return "\n".join(lines)


def alike(length: int) -> str:
    lines = ["input X[i,j], Z[j]"] + [f"Y{k}[i] = {k} exp(X[i,j] Z[j]) + Z[{k} % 2]" for k in range(length)]
    return "\n".join([*lines, f"output {', '.join(f'Y{k}' for k in range(length))}"])


def guarded(length: int) -> str:
    lines = ["input X0[n,d]", "relation Edge(n,n')"]
    for k in range(length // 3):
        lines.append(f"S{k}[n,n'] = X{k}[n,d] X{k}[n',d]   where Edge(n,n')")
        lines.append(f"P{k}[n,n'.] = softmax(S{k}[n,n'])")
        lines.append(f"X{k + 1}[n,d] = P{k}[n,n'] X{k}[n',d]")
    return "\n".join(lines)


def optimising(program: Program) -> Callable[[], Program]:
    return lambda: optimise(program)


@pytest.mark.parametrize("write", [perceptron, chain, matrices, alike, guarded])
def test_steps_grow_as_the_program_does(write: Callable[[int], str]) -> None:
    few, many = (steps(optimising(load(write(length)))) for length in (120, 480))
    assert many < 4.6 * few


def test_a_deep_expression_is_no_deep_recursion() -> None:
    terms = " + ".join(f"X[{k} % 3]" for k in range(600))
    program = load(f"dim i = 3\ninput X[i]\nY = tanh({'(' * 300}{terms}{')' * 300})\n")
    for _, run in PIPELINE:
        program = run(program)
    assert program.outputs == ("Y",)
