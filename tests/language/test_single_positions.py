"""Recurrences of which one position is read: values, gradients, and memory that does not grow with the length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tensorlang as tl
from benchmarks.allocation import peak
from tensorlang.backends.reference import evaluate
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.ir.domain import Symbol
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

RNN = "input X[t,i], W[i,i']\noutput Y\nH[t,i] = tanh(W[i,i'] H[t-1,i'] + X[t,i])\n"
SHAPES = {"X": (5, 3), "W": (3, 3)}

# Each program with the shapes of its inputs, and the tensors that its loop still stores as a whole.
PROGRAMS = {
    "the last position": (RNN + "Y[i] = H[-1,i]\n", SHAPES, ()),
    "the last but one": (RNN + "Y[i] = 2 H[-2,i]\n", SHAPES, ()),
    "the first": (RNN + "Y[i] = H[0,i]\n", SHAPES, ()),
    "two readers of one position": (RNN + "Y = H[-1,i]^2 + X[-1,i] H[-1,i]\n", SHAPES, ()),
    "two positions": (RNN + "Y[i] = H[-1,i] + H[0,i]\n", SHAPES, ("H",)),
    "every position": (RNN + "Y[i] = H[-1,i] + max[t](H[t,i])\n", SHAPES, ("H",)),
    "an output": (RNN.replace("output Y", "output Y, H") + "Y[i] = H[-1,i]\n", SHAPES, ("H",)),
    "three positions back": (
        "input X[t]\noutput Y\nH[t] = 0.5 H[t-1] - 0.25 H[t-3] + X[t]\nY = H[-1]\n",
        {"X": (6,)},
        (),
    ),
    "backwards, read where it ends": (
        "input X[t]\noutput Y\nH[t] = tanh(H[t+1]) + X[t]\nY = H[0]\n",
        {"X": (4,)},
        (),
    ),
    "backwards, read where it starts": (
        "input X[t]\noutput Y\nH[t] = tanh(H[t+1]) + X[t]\nY = H[-1]\n",
        {"X": (4,)},
        (),
    ),
    "first positions of their own": (
        "input X[t]\noutput Y\nH[0] = 2\nH[1] = X[1]\nH[t] = H[t-1] H[t-2] + X[t]\nY = H[-1]\n",
        {"X": (5,)},
        (),
    ),
    "only a first position": (
        "input X[t]\noutput Y\nH[0] = 2\nH[1] = X[1]\nH[t] = H[t-1] H[t-2] + X[t]\nY = H[1]\n",
        {"X": (2,)},
        (),
    ),
    "one more than is read": (
        "input X[t]\noutput Y\nH[t+1] = tanh(H[t] + X[t])\nY = H[-1]\n",
        {"X": (3,)},
        (),
    ),
    "several tensors": (
        "input X[t]\noutput Y\nA[t] = 0.5 B[t-1] + X[t]\nB[t] = tanh(A[t]) + C[t-1]\nC[t] = A[t] B[t-1]\nY = B[-1]\n",
        {"X": (5,)},
        (),
    ),
    "several tensors, one of them whole": (
        "input X[t]\noutput Y, Z\nA[t] = 0.5 B[t-1] + X[t]\nB[t] = tanh(A[t]) + A[t-2]\nY = B[-1]\nZ[t] = 2 A[t]\n",
        {"X": (5,)},
        ("A",),
    ),
    "lengths of their own": (
        "input X[t], Z[u]\noutput Y\nA[t] = tanh(0.5 B[t-1] + X[t])\nB[t] = A[t] + Z[t]\nY = A[-1] + 2 B[-1]\n",
        {"X": (2,), "Z": (4,)},
        (),
    ),
    "lengths of their own, backwards": (
        "input X[t], Z[u]\noutput Y\nA[t] = tanh(0.5 B[t+1] + X[t])\nB[t] = A[t+1] + Z[t]\nY = A[0] + 2 B[-1]\n",
        {"X": (5,), "Z": (3,)},
        (),
    ),
    "lengths that differ by one": (
        "input X[t]\noutput Y\nC[t+1] = tanh(D[t]) + 1\nD[t] = 0.5 C[t] + X[t]\nY = C[-1] D[-1]\n",
        {"X": (4,)},
        (),
    ),
    "another recurrence goes on from there": (
        RNN + "G[0,i] = H[-1,i]\nG[s+1,i] = tanh(G[s,i]) + H[-1,i]\ndim s = 3\nY[i] = G[-1,i]\n",
        SHAPES,
        (),
    ),
    "another recurrence reads all": (
        RNN + "G[t,i] = tanh(G[t-1,i]) + H[t,i]\nY[i] = G[-1,i] + H[-1,i]\n",
        SHAPES,
        ("H",),
    ),
    "layers": (
        "input X[b,i]\ndim l = 3\ninput W[l,i,i']\nS[0,b,i] = X[b,i]\nS[l+1,b,i] = relu(W[l,i,i'] S[l,b,i'])\n"
        "output Y\nY[b,i] = S[-1,b,i]\n",
        {"X": (2, 4), "W": (3, 4, 4)},
        (),
    ),
    "the axis stands last": (
        "input X[i,t]\noutput Y\nH[i,t] = tanh(H[i,t-1]) + X[i,t]\nY[i] = H[i,-1] H[i,-1]\n",
        {"X": (3, 4)},
        (),
    ),
    "whole numbers": (
        "input X[t]: int\noutput Y\nH[t] = (3 H[t-1] + X[t]) % 7\nY = H[-1]\n",
        {"X": "positions"},
        (),
    ),
}


def given(shapes):
    generator = np.random.default_rng(0)
    return {
        name: np.array([2, 0, 1, 1, 0]) if shape == "positions" else generator.normal(size=shape)
        for name, shape in shapes.items()
    }


def analysed(text):
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    return checked.program


def expected(text, values):
    program = analysed(text)
    sizes: dict[Symbol, int] = {}
    for name, array in values.items():
        for size, number in zip(program.tensors[name].shape, np.shape(array), strict=True):
            if size.symbol is not None:
                sizes[size.symbol] = number
    return evaluate(program, values, sizes)


def loops(text):
    program = analysed(text)
    return [plan.loop for plan in planned(program, program.outputs).loops]


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_are_those_of_the_whole(name):
    text, shapes, _ = PROGRAMS[name]
    values = given(shapes)
    wanted = expected(text, values)
    for key, value in tl.compile(text, dtype="float64")(**values).items():
        np.testing.assert_allclose(value.detach().numpy(), wanted[key], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", PROGRAMS)
def test_only_what_is_read_as_a_whole_is_stored(name):
    text, _, stored = PROGRAMS[name]
    assert tuple(tensor for loop in loops(text) for tensor in loop.stored) == stored


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "whole numbers"])
def test_gradients_are_right(name):
    text, shapes, _ = PROGRAMS[name]
    program = tl.compile(text, dtype="float64")
    values = {key: torch.tensor(value, requires_grad=True) for key, value in given(shapes).items()}

    def loss(*inputs):
        found = program(**dict(zip(values, inputs, strict=True)))
        return sum((value * value).sum() for value in found.values())

    assert torch.autograd.gradcheck(loss, list(values.values()))


@pytest.mark.parametrize("name", PROGRAMS)
def test_loops_script(name):
    text, shapes, _ = PROGRAMS[name]
    values = {key: torch.tensor(value) for key, value in given(shapes).items()}
    wanted = tl.compile(text, dtype="float64")(**values)
    program = analysed(text)
    generated = build(planned(program, program.outputs), dtype="float64")
    scripted = torch.jit.script(generated.model({}))
    for _ in range(3):
        found = scripted(*[values[a.tensor] for a in generated.plan.arguments])
        for value, other in zip(wanted.values(), found if isinstance(found, tuple) else (found,), strict=True):
            torch.testing.assert_close(value, other)


@pytest.mark.parametrize("position", ["-1", "0"])
def test_of_no_positions_the_last_is_zero(position):
    text = f"input X[t]\noutput Y\nH[t] = tanh(H[t-1]) + X[t]\nY = H[{position}] + 1\n"
    assert tl.compile(text)(X=torch.zeros(0))["Y"] == 1


def test_a_query_of_the_last_position_stores_no_other():
    program = analysed("X = [1, 2, 4]\nH[t] = tanh(H[t-1]) + X[t]\nH[-1]?\n")
    (plan,) = planned(program, (program.actions[0].tensor,)).loops
    assert plan.loop.stored == ()


@pytest.mark.parametrize("reverse", [False, True])
def test_memory_does_not_grow_with_the_length(reverse):
    other, place = ("H[t+1,i']", "0") if reverse else ("H[t-1,i']", "-1")
    text = f"input W[i,i'], Z[t]\noutput Y\nH[t,i] = tanh(W[i,i'] {other}) + Z[t]\nY[i] = H[{place},i]\n"
    program = tl.compile(text)
    w = torch.randn(256, 256) / 32
    found = []
    for length in (50, 500):
        z = torch.ones(length)
        program(W=w, Z=z)
        with torch.no_grad():
            found.append(peak(lambda z=z: program(W=w, Z=z)))
    assert found[0] == found[1]
    assert found[0] < 16 * 256 * 4
