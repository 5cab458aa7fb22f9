"""Recurrences that are a layer of the library: the same values, gradients and scripts as position by position."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_recurrence import expected

import tensorlang as tl
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

X = "input X[b,t,i]\n"
SEPARATE = "".join(f"input W{g}[h,i], U{g}[h,k], B{g}[h]\n" for g in "FIGO")
GATES = {"W": (3, 4, 3), "U": (3, 4, 4), "B": (3, 4), "X": (2, 5, 3)}
ALONE = {f"{w}{g}": s for g in "FIGO" for w, s in (("W", (4, 3)), ("U", (4, 4)), ("B", (4,)))} | {"X": (2, 5, 3)}
FUNCTIONS = {"F": "sig", "I": "sig", "G": "tanh", "O": "sig"}
SUMS = "S[b,t,g,h] = U[g,h,h'] H[b,t-1,h']\n"
GRU = "input X[b,t,i], W[g,h,i], U[g,h,h'], B[g,h]\ndim g = 3\nA[b,t,g,h] = W[g,h,i] X[b,t,i] + B[g,h]\noutput H\n"
RESET = GRU + SUMS + "R[b,t,h] = sig(A[b,t,0,h] + S[b,t,0,h])\nZ[b,t,h] = sig(A[b,t,1,h] + S[b,t,1,h])\n"
CANDIDATE = RESET + "N[b,t,h] = tanh(A[b,t,2,h] + R[b,t,h] S[b,t,2,h])\n"
LINE = "U{g}[h,k] H[b,t-1,k] + X[b,t,i] W{g}[h,i] + B{g}[h]"

LAYERS = {
    "lstm, a tensor for each weight, factors turned": (
        "lstm",
        X
        + SEPARATE
        + "".join(
            f"{g}[b,t,h] = {f}({LINE.format(g=g)})\n"
            for g, f in zip("FIGO", ("sig", "sig", "tanh", "sig"), strict=True)
        )
        + "output H\nC[b,t,h] = G[b,t,h] I[b,t,h] + C[b,t-1,h] F[b,t,h]\nH[b,t,h] = tanh(C[b,t,h]) O[b,t,h]\n",
        ALONE,
    ),
    "lstm, from the end, no axes in front": (
        "lstm",
        "input X[t,i], W[g,h,i], U[g,h,h']\ndim g = 4\noutput H\nA[t,g,h] = W[g,h,i] X[t,i] + U[g,h,h'] H[t+1,h']\n"
        "C[t,h] = sig(A[t,1,h]) C[t+1,h] + sig(A[t,0,h]) tanh(A[t,2,h])\nH[t,h] = sig(A[t,3,h]) tanh(C[t,h])\n",
        {"X": (5, 3), "W": (4, 4, 3), "U": (4, 4, 4)},
    ),
    "lstm, the order of its gates turned, axes elsewhere": (
        "lstm",
        "input X[t,b,i,c], W[g,h,i], U[g,h,h']\ndim g = 4\noutput H\n"
        "A[c,h,g,b,t] = W[g,h,i] X[t,b,i,c] + U[g,h,h'] H[h',b,t-1,c]\n"
        "M[c,t,b,h] = sig(A[c,h,2,b,t]) M[c,t-1,b,h] + sig(A[c,h,3,b,t]) tanh(A[c,h,0,b,t])\n"
        "H[h,b,t,c] = sig(A[c,h,1,b,t]) tanh(M[c,t,b,h])\n",
        {"X": (5, 2, 3, 2), "W": (4, 4, 3), "U": (4, 4, 4)},
    ),
    "lstm, its input computed": (
        "lstm",
        "input X[b,t,j], V[j,i], W[g,h,i], U[g,h,h']\ndim g = 4\noutput H\n"
        "A[b,t,g,h] = W[g,h,i] relu(V[j,i] X[b,t,j]) + U[g,h,h'] H[b,t-1,h']\n"
        "C[b,t,h] = sig(A[b,t,1,h]) C[b,t-1,h] + sig(A[b,t,0,h]) tanh(A[b,t,2,h])\n"
        "H[b,t,h] = sig(A[b,t,3,h]) tanh(C[b,t,h])\n",
        {"X": (2, 5, 3), "V": (3, 2), "W": (4, 4, 2), "U": (4, 4, 4)},
    ),
    "gru": ("gru", CANDIDATE + "H[b,t,h] = Z[b,t,h] H[b,t-1,h] + (1 - Z[b,t,h]) N[b,t,h]\n", GATES),
    "gru, by a difference": ("gru", CANDIDATE + "H[b,t,h] = N[b,t,h] + Z[b,t,h] (H[b,t-1,h] - N[b,t,h])\n", GATES),
    "gru, the gate turned": ("gru", CANDIDATE + "H[b,t,h] = (1 - Z[b,t,h]) H[b,t-1,h] + Z[b,t,h] N[b,t,h]\n", GATES),
    "gru, the last position": (
        "gru",
        CANDIDATE.replace("output H", "output Y")
        + "H[b,t,h] = Z[b,t,h] H[b,t-1,h] + (1 - Z[b,t,h]) N[b,t,h]\nY[b,h] = H[b,-1,h]\n",
        GATES,
    ),
    "network": (
        "rnn_tanh",
        X + "input W[h,i], U[h,h'], B[h], V[h]\nH[b,t,h] = tanh(W[h,i] X[b,t,i] + B[h] + U[h,h'] H[b,t-1,h'] + V[h])\n",
        {"X": (2, 5, 3), "W": (4, 3), "U": (4, 4), "B": (4,), "V": (4,)},
    ),
    "network, turned over": (
        "rnn_relu",
        X + "input W[i,h], U[h,h'], S\nH[b,t,h'] = relu(2 W[i,h'] X[b,t,i] + S U[h,h'] H[b,t-1,h])\n",
        {"X": (2, 5, 3), "W": (3, 4), "U": (4, 4), "S": ()},
    ),
}
OTHERS = {
    "sums over products of gates": LAYERS["gru"][1].replace("R[b,t,h] S[b,t,2,h]", "R[b,t,h'] U[2,h,h'] H[b,t-1,h']"),
    "a peephole": LAYERS["lstm, from the end, no axes in front"][1].replace(
        "sig(A[t,1,h])", "sig(A[t,1,h] + C[t+1,h])"
    ),
    "two positions back": LAYERS["network"][1].replace("t-1", "t-2"),
    "the memory is an output": LAYERS["lstm, from the end, no axes in front"][1].replace("output H", "output H, C"),
    "another function": LAYERS["gru"][1].replace("N[b,t,h] = tanh", "N[b,t,h] = sin"),
    "another gate": LAYERS["gru"][1].replace("(1 - Z[b,t,h]) N", "(1 - R[b,t,h]) N"),
    "a diagonal": LAYERS["network"][1].replace("U[h,h'] H[b,t-1,h']", "U[h,h] H[b,t-1,h]"),
    "weights that change": LAYERS["network"][1]
    .replace("tanh(W[h,i]", "tanh(t W[h,i]")
    .replace("U[h,h'] H", "t U[h,h'] H"),
    "a guard": LAYERS["network"][1].rstrip() + " where t > 0\n",
    "a first position": LAYERS["network"][1] + "H[b,0,h] = 1\n",
    "complex": LAYERS["network"][1].replace("input X", "input complex X"),
}


def given(shapes):
    generator = np.random.default_rng(0)
    return {name: generator.normal(size=shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_what_its_equations_mean(name):
    kind, text, shapes = LAYERS[name]
    values = given(shapes)
    program = tl.compile(text, dtype="float64")
    assert f"{kind}_layer(" in program.source
    wanted = expected(text, values)
    for key, value in program(**values).items():
        np.testing.assert_allclose(value.numpy(), wanted[key], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_its_gradient_is_right_and_it_scripts(name):
    _, text, shapes = LAYERS[name]
    values = {key: torch.tensor(value) for key, value in given(shapes).items()}
    built = build(
        planned(check(Source("test.tl", text), Options()).program, ("Y" if "output Y" in text else "H",)),
        dtype="float64",
    )
    inputs = [values[a.tensor].requires_grad_() for a in built.plan.arguments]
    assert torch.autograd.gradcheck(built.compute, inputs)
    torch.testing.assert_close(torch.jit.script(built.compute)(*inputs), built.compute(*inputs))


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_something_else_stays_a_loop(name):
    assert "_layer(" not in tl.compile(OTHERS[name]).source


@pytest.mark.parametrize("shape", [(2, 0, 3), (0, 5, 3)])
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_no_positions_and_no_sequences(kind, shape):
    program = tl.compile(f"import recurrent\ninput X[b,t,i]\ndim i = 3\nH = recurrent.{kind}(X, h=4)\n")
    x = torch.zeros(shape, requires_grad=True)
    found = program(X=x)["H"]
    assert found.shape == (*shape[:2], 4)
    found.sum().backward()
