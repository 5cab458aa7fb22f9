"""Recurrences: the loop against the reference, position by position; gradients; scripts; sizes at run time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tensorlang as tl
from tensorlang.backends.reference import evaluate
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.ir.domain import Symbol
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

PROGRAMS = {
    "network": (
        "input X[b,t,i], W[h,i], U[h,h']\nH[b,t,h] = tanh(U[h,h'] H[b,t-1,h'] + W[h,i] X[b,t,i])\n",
        {"X": (2, 5, 3), "W": (4, 3), "U": (4, 4)},
    ),
    "shifted": (
        "input X[t,i], W[i,i']\nH[t+1,i] = sig(W[i,i'] H[t,i'] + X[t,i])\n",
        {"X": (5, 3), "W": (3, 3)},
    ),
    "two lags": ("input X[t], A, B\nH[t] = A H[t-1] + B H[t-2] + X[t]\n", {"X": (6,), "A": (), "B": ()}),
    "first position": (
        "input X[t,i], S[i]\nH[0,i] = S[i]\nH[t+1,i] = H[t,i] X[t,i] + sin(t)\n",
        {"X": (4, 2), "S": (2,)},
    ),
    "backwards": ("input X[t,i]\nH[t,i] = 0.5 H[t+1,i] + X[t,i]^2\n", {"X": (5, 2)}),
    "two tensors in step": (
        "input X[t]\nC[t] = 0.5 H[t-1] + X[t]\nH[t] = tanh(C[t]) + 0.1 C[t-1]\n",
        {"X": (5,)},
    ),
    "unequal starts": ("input X[t]\nC[t+1] = D[t] + 1\nD[t] = 0.5 C[t] + X[t]\n", {"X": (4,)}),
    "neighbours": (
        "input X[x], A\ndim t = 4\nU[0,x] = X[x]\nU[t,x] = A U[t-1,x-1] + U[t-1,x+1]\n",
        {"X": (5,), "A": ()},
    ),
    "maximum": ("input T[s,s'], O[t,s]\nV[t,s] max= V[t-1,s'] + T[s',s] + O[t,s]\n", {"T": (3, 3), "O": (4, 3)}),
    "softmax of the state": (
        "input X[t,i]\nH[t,i] = softmax[i](H[t-1,i] + X[t,i])\n",
        {"X": (4, 3)},
    ),
    "layers": (
        "input X[b,i]\ndim l = 3\ninput W[l,i,i']\nS[0,b,i] = X[b,i]\nS[l+1,b,i] = relu(W[l,i,i'] S[l,b,i'])\n",
        {"X": (2, 4), "W": (3, 4, 4)},
    ),
    "gathered": (
        "dim v = 3\ninput E[v,i]\ninput T[t] in v\nH[t,i] = 0.9 H[t-1,i] + E[T[t],i]\n",
        {"E": (3, 2), "T": "positions"},
    ),
    "corners add up": (
        "input X[t,i]\nH[0,i] = 2\nH[t,0] = 3\nH[t,i] = 0.5 H[t-1,i] + X[t,i]\n",
        {"X": (4, 3)},
    ),
    "lengths of their own": (
        "input X[t], Z[u]\nA[t] = 0.5 B[t-1] + X[t]\nB[t] = A[t] + Z[t]\n",
        {"X": (2,), "Z": (4,)},
    ),
    "lengths of their own, backwards": (
        "input X[t], Z[u]\nA[t] = 0.5 B[t+1] + X[t]\nB[t] = A[t+1] + Z[t]\n",
        {"X": (5,), "Z": (3,)},
    ),
    "axes in other places": (
        "input X[t,i], W[j,i]\nC[j,t] = tanh(W[j,i] D[t-1,i])\nD[t,i] = X[t,i] + W[j,i] C[j,t]\n",
        {"X": (4, 3), "W": (2, 3)},
    ),
    "guards on the values": (
        "input X[t]\nH[t] = H[t-1] + X[t] where X[t] > 0\nH[t] = 2 H[t-1] where X[t] <= 0\n",
        {"X": (6,)},
    ),
    "a last position, backwards": ("input X[t]\nH[-1] = 1\nH[t] = 0.5 H[t+1] + X[t]\n", {"X": (4,)}),
    "a position in the middle": ("input X[t]\nH[2] = 9\nH[t] = 0.5 H[t-1] + X[t]\n", {"X": (5,)}),
    "bounded through others": (
        "input X[t]\nH[t] = tanh(Y[t])\nY[t] = 2 G[t]\nG[t] = X[t] + H[t-1]\n",
        {"X": (4,)},
    ),
    "a module in the circle": (
        "def L(X[..., i]) -> Y[..., i]:\n    Y[..., i] = tanh(X[..., i])\n"
        "input X[t,i]\nH[t,h] = L(G)[t,h]\nG[t,i] = X[t,i] + H[t-1,i]\n",
        {"X": (4, 2)},
    ),
    "a part of the first position": (
        "input X[t,i]\nH[0,i] = 1 where i > 1\nH[t,i] = sin(H[t-1,i]) + X[t,i]\n",
        {"X": (4, 3)},
    ),
    "one element of the first position": ("input X[t,i]\nH[0,0] = 5\nH[t,i] = sin(H[t-1,i]) + X[t,i]\n", {"X": (4, 3)}),
    "positions and columns of their own": (
        "input X[t,i]\nH[0,0] = 5\nH[0,i] = 2\nH[t,1] = 7\nH[2,2] = 1\nH[t,i] = sin(H[t-1,i]) + X[t,i]\n",
        {"X": (4, 3)},
    ),
    "two of the last positions, backwards": (
        "input X[t,i]\nH[-1,0] = 5\nH[-3,i] = 2\nH[t,i] = sin(H[t+1,i]) + X[t,i]\nH[t,i] += 0.25 t\n",
        {"X": (4, 3)},
    ),
    "the last position, forwards": ("input X[t]\nH[-1] = 5\nH[t] = sin(H[t-1]) + X[t]\n", {"X": (4,)}),
    "a late position": ("input X[t]\nH[6] = 5\nH[t] = sin(H[t-1]) + X[t]\n", {"X": (8,)}),
    "starts far apart": (
        "input X[t]\nC[t+3] = D[t] + 1\nC[t] += sin(X[t])\nD[t] = C[t-1] + X[t]^2\nD[0] = X[1]\n",
        {"X": (4,)},
    ),
    "a logarithm behind the end": (
        "input X[t]\nC[t+1] = D[t]^2\nD[t] = log(C[t] + 1 + X[t]^2)\ndim t = 4\n",
        {"X": (4,)},
    ),
    "added at the first position": ("input X[t]\nH[0] += 3 X[0]\nH[t] = sin(H[t-1]) + X[t]\n", {"X": (4,)}),
    "a maximum with a first position": (
        "input X[t,s]\nH[0,s] max= 0 - X[0,s]\nH[t,s] max= sin(H[t-1,s']) + X[t,s]\n",
        {"X": (4, 3)},
    ),
    "a table": ("input X[i,j]\nD[i,j] = sin(D[i-1,j] + D[i,j-1]) + X[i,j]\n", {"X": (3, 4)}),
    "a table with its first row and column": (
        "input X[i,j]\nD[0,j] = j\nD[i,0] = i\nD[i+1,j+1] = min(D[i,j+1] + 1, D[i+1,j] + 1, D[i,j] + X[i,j]^2)\n",
        {"X": (3, 4)},
    ),
    "a table that reads up and to the right": (
        "input X[i,j]\nD[i,j] = sin(D[i-1,j+1]) + 0.5 D[i,j-1] + D[i-2,j-1] + X[i,j]\n",
        {"X": (4, 3)},
    ),
    "a table of least sums, with a guard and a batch": (
        "input X[b,i,j]\nD[b,0,0] min= X[b,0,0]\nD[b,i,j] min= D[b,i-1,j] + X[b,i,j] where i > 0\n"
        "D[b,i,j] min= D[b,i,j-1] + X[b,i,j] where j > 0\n",
        {"X": (2, 3, 4)},
    ),
    "two tables, one element of one": (
        "input X[i,j]\noutput Y, E\nD[i,j] = max(D[i-1,j-1] + X[i,j], 0.5 E[i,j-1], 0)\n"
        "E[i+1,j] = tanh(D[i,j]) + 0.5 E[i+1,j-1]\nE[0,j] = j\nY = D[-1,-1] + D[0,1]\n",
        {"X": (3, 4)},
    ),
    "a table from its corner at the end": (
        "input X[i,j]\nD[i,j] = tanh(E[i+1,j] + 0.5 D[i,j-1] + X[i,j])\nE[i,j] = 0.5 D[i,j-2] + 0.1 E[i+2,j]\n",
        {"X": (4, 4)},
    ),
    "the last few positions": ("input X[t], K[k]\nY[t] = X[t] + tanh(K[k] Y[t-1-k])\n", {"X": (6,), "K": (3,)}),
    "every other position": ("input X[t], K[k]\nY[t] = X[t] + tanh(K[k] Y[t-2*k-1])\n", {"X": (6,), "K": (2,)}),
    "the next few positions": ("input X[t], K[k]\nY[t] = X[t] + K[k] sin(Y[t+k+1])\n", {"X": (6,), "K": (3,)}),
    "more positions than there are": (
        "input X[t,i], K[k,i]\nY[t+1,i] = X[t,i] + K[k,i] sin(Y[t-k,i])\nY[0,i] = 2\n",
        {"X": (4, 2), "K": (9, 2)},
    ),
    "as many positions as the column says": ("input X[t,k]\nY[t,k] = X[t,k] + sin(Y[t-k-1,k])\n", {"X": (6, 3)}),
    "the last few positions by two indices": (
        "input X[t], K[k], L[l]\nY[t] = X[t] + tanh(K[k] L[l] Y[t-l-2*k-2]) + 0.1 Y[t-1]\n",
        {"X": (9,), "K": (3,), "L": (2,)},
    ),
    "the last few positions of two tensors, in parts": (
        "input X[t], K[k]\nscan A checkpoint 2\nA[t] = X[t] + tanh(K[k] B[t-k-1])\n"
        "B[t] = sin(A[t]) + 0.5 B[t-1] + K[k] A[t-3*k-1]\n",
        {"X": (7,), "K": (3,)},
    ),
    "the last few positions of the last": (
        "input X[t], K[k]\noutput Z\nY[t] = X[t] + max[k](K[k] sin(Y[t-k-2]))\nZ = Y[-1]\n",
        {"X": (6,), "K": (3,)},
    ),
    "a table with the last few columns": (
        "input X[i,j], K[k]\nD[i,j] = sin(D[i-1,j] + K[k] D[i,j-1-k]) + X[i,j]\n",
        {"X": (3, 5), "K": (2,)},
    ),
    "guard on the step": ("input X[t]\nH[t] = H[t-1] + X[t]   where t >= 2\n", {"X": (5,)}),
    "position of the step": ("input X[t]\nH[t] = t H[t-1] + X[t]\n", {"X": (5,)}),
}


def given(shapes):
    generator = np.random.default_rng(0)
    return {
        name: np.array([2, 0, 1, 1, 0]) if shape == "positions" else generator.normal(size=shape)
        for name, shape in shapes.items()
    }


def expected(text, values):
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    program = checked.program
    sizes: dict[Symbol, int] = {}
    for name, array in values.items():
        for size, number in zip(program.tensors[name].shape, np.shape(array), strict=True):
            if size.symbol is not None:
                sizes[size.symbol] = number
    return evaluate(program, values, sizes)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_loop_computes_what_is_meant(name):
    text, shapes = PROGRAMS[name]
    values = given(shapes)
    wanted = expected(text, values)
    found = tl.compile(text, dtype="float64")(**values)
    for key, value in found.items():
        np.testing.assert_allclose(value.detach().numpy(), wanted[key], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_gradient_is_right(name):
    text, shapes = PROGRAMS[name]
    values = {key: torch.tensor(value) for key, value in given(shapes).items()}
    floats = [key for key, value in values.items() if value.is_floating_point()]
    program = tl.compile(text, dtype="float64")

    def loss(*inputs):
        found = program(**{**values, **dict(zip(floats, inputs, strict=True))})
        return sum((value * value).sum() for value in found.values() if value.is_floating_point())

    assert torch.autograd.gradcheck(loss, [values[key].requires_grad_() for key in floats])


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_loop_scripts(name):
    text, shapes = PROGRAMS[name]
    values = {key: torch.tensor(value) for key, value in given(shapes).items()}
    program = tl.compile(text, dtype="float64")
    wanted = program(**values)
    checked = check(Source("test.tl", text), Options())
    generated = build(planned(checked.program, checked.program.outputs), dtype="float64")
    scripted = torch.jit.script(generated.model({}))
    found = scripted(*[values[a.tensor] for a in generated.plan.arguments])
    for value, other in zip(wanted.values(), found if isinstance(found, tuple) else (found,), strict=True):
        torch.testing.assert_close(value, other)


def test_other_lengths_run_with_the_same_text():
    program = tl.compile("input X[t]\nH[t] = 0.5 H[t-1] + X[t]\n", dtype="float64")
    for length in (1, 2, 7):
        x = torch.arange(length, dtype=torch.float64)
        h = 0.0
        for value, found in zip(x, program(X=x)["H"], strict=True):
            h = 0.5 * h + value
            assert found == h


def test_what_does_not_depend_on_the_recurrence_is_computed_once_for_all_positions():
    text = PROGRAMS["network"][0].replace("tanh", "sin")
    source = tl.compile(text).source
    step = source[source.index("def one_step") : source.index("def scan")]
    assert step.count("linear") == 1


def test_what_a_guard_hides_gives_no_gradient_outside_the_loop_either():
    text = "input X[t]\nparam W ~ ones()\nL = H[t]\nH[t] = W X[t] / t * H[t-1] where t > 0\n"
    text += "H[t] += log(X[t]) + W where t == 0\n"
    program = tl.compile(text, dtype="float64")
    program(X=torch.tensor([1.0, 1, 2, 3], dtype=torch.float64))["L"].backward()
    assert [parameter.grad.item() for parameter in program.parameters()] == [10.0]


def test_the_first_positions_are_no_question_inside_the_loop():
    for name in ("unequal starts", "starts far apart", "a part of the first position", "a last position, backwards"):
        source = tl.compile(PROGRAMS[name][0].replace("0.5 C[t]", "sin(C[t])")).source
        assert "step: Tensor" not in source, name


def test_a_table_takes_a_step_for_each_diagonal():
    text = PROGRAMS["a table with its first row and column"][0]
    source = tl.compile(text).source
    assert "_scan(" not in source
    assert "i + j + 2" in source
    assert "_scan(" in tl.compile(text.replace("D[i,0] = i", "D[i,0] = i\nscan D method loop")).source
    assert "_scan(" in tl.compile(text + "dim i = 2, j = 50\n").source


def test_a_script_keeps_a_tensor_that_only_the_recurrence_reads():
    text = "input X[t]\noutput C\nB[t] = sig(A[t-2]) + X[t]\nA[t] = 0.5 C[t-1] + B[t-1] + X[t]\nC[t] = tanh(A[t])\n"
    x = torch.arange(5, dtype=torch.float64)
    wanted = tl.compile(text, dtype="float64")(X=x)["C"]
    program = check(Source("test.tl", text), Options()).program
    scripted = torch.jit.script(build(planned(program, ("C",)), dtype="float64").model({}))
    for _ in range(3):
        torch.testing.assert_close(scripted(x), wanted)


SHORT = {
    "no positions": ("input X[t]\nH[t] = 0.5 H[t-1] + X[t]\n", {"X": (0,)}),
    "an empty batch": ("input X[b,t]\nH[b,t] = 0.5 H[b,t-1] + X[b,t]\n", {"X": (0, 3)}),
    "the first only": ("input X[t]\nH[0] = 1\nH[t+1] = 0.5 H[t] + X[t]\n", {"X": (0,)}),
    "fewer than the first": ("input X[t]\nH[0] = 1\nH[1] = 2\nH[t] = H[t-1] + H[t-2] + X[t]\n", {"X": (1,)}),
    "no positions of complex numbers": (
        "input X[t,i], W[i,j]\nC[t,i] = im C[t-1,i] + X[t,i]\nH[t,j] = real((W[i,j] + im) C[t,i])\n",
        {"X": (0, 3), "W": (3, 2)},
    ),
    "one of them none": ("input X[t], Z[u]\nA[t] = B[t-1] + X[t]\nB[t] = A[t] + Z[t]\n", {"X": (0,), "Z": (3,)}),
}


@pytest.mark.parametrize("name", SHORT)
def test_short_and_empty_recurrences(name):
    text, shapes = SHORT[name]
    values = given(shapes)
    wanted = expected(text, values)
    for key, value in tl.compile(text, dtype="float64")(**values).items():
        np.testing.assert_allclose(value.numpy(), wanted[key], rtol=1e-9)


KINDS = {
    "truth": ("input X[t]: bool\nH[t] = X[t] and not H[t-1]\n", [True, True, False, True], [True, False, False, True]),
    "whole": ("input X[t]: int\nH[t] = (H[t-1] + X[t]) % 2\n", [1, 1, 0, 1], [1, 0, 0, 1]),
    "by place": (
        "input X[t]: int\ndim i = 2\nH[0,i] = 5\nT[t,i] = H[t,i] + X[t]\n"
        "H[t+1,i] = T[t,i] if i == t % 2 else H[t,i]\noutput H\n",
        [1, 2, 3],
        [[5, 5], [6, 5], [6, 7], [9, 7]],
    ),
    "widened": ("input X[t]: int\nH[t] = H[t-1] / 2 + X[t]\n", [1, 2, 3], [1.0, 2.5, 4.25]),
}


@pytest.mark.parametrize("name", KINDS)
def test_element_types(name):
    text, given, wanted = KINDS[name]
    assert tl.compile(text)(X=torch.tensor(given))["H"].tolist() == wanted


def test_the_plan_shows_what_is_done_at_each_position():
    shown = tl.compile("input X[t]\nH[t] = 0.5 sin(H[t+1]) + X[t]\n").explain(stage="plan")
    assert "one_step, at each position of scan, from the last to the first:" in shown
    assert "0.5 * torch.sin(H_lag0_1) + X_slice0_0" in shown


def test_in_a_prompt_it_is_a_defined_tensor():
    session = tl.Session()
    session.run("X = [1, 2, 3]")
    session.run("H[t] = H[t-1] + X[t]")
    assert session.type("H").endswith("defined")


def test_fibonacci():
    assert tl.compile("dim n = 10\nF[0] = 1\nF[1] = 1\nF[n] = F[n-1] + F[n-2]\n")()["F"].tolist()[-1] == 55


def test_a_hundred_thousand_positions():
    program = tl.compile("input X[t]\nH[t] = 0.5 H[t-1] + X[t]\n", dtype="float64")
    assert abs(float(program(X=torch.ones(100_000, dtype=torch.float64))["H"][-1]) - 2) < 1e-12
