"""Programs against what they mean, worked out by hand in numpy: in goes a text and its inputs, out come the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import tensorlang as tl

RANDOM = np.random.default_rng(0)
A, B, S = RANDOM.normal(size=(5, 6)), RANDOM.normal(size=(5, 6)), RANDOM.normal(size=(5, 5))


def softmax_before(x: np.ndarray) -> np.ndarray:
    """Row q over the columns before q."""
    result = np.zeros_like(x)
    for q in range(1, len(x)):
        weights = np.exp(x[q, :q])
        result[q, :q] = weights / weights.sum()
    return result


def overwritten(x: np.ndarray) -> np.ndarray:
    result = np.array(x)
    result[1:3] = 7
    return result


MEANT: dict[str, tuple[str, Mapping[str, Any], Callable[[], Any]]] = {
    "a bracket of a function along an index takes a condition": (
        "input X[q,s]\nY[q,s] = softmax[s](X[q,s] where s < q)", {"X": A}, lambda: softmax_before(A),
    ),
    "a power of an absent element is absent": (
        "input X[i,j]\nU[i,j] = X[i,j]   where i <= j\nY[i] min= U[i,j]^2", {"X": S},
        lambda: [(S[i, i:] ** 2).min() for i in range(5)],
    ),
    "a range that starts at 0 is a part of its axis": ("input X[i,j]\nY[:,:] = X[0:2,:]", {"X": A}, lambda: A[:2]),
    "a range moves": (
        "input X[i,j]\nY[1:3,j] = X[0:2,j]", {"X": A}, lambda: np.concatenate([0 * A[:1], A[:2]]),
    ),
    "a range on the left is a special case": (
        "input X[i,j]\nY[i,j] = X[i,j]\nY[1:3,j] = 7", {"X": A}, lambda: overwritten(A),
    ),
    "an argument of concat may have a condition": (
        "input X[i,j], Z[i,j]\nY[i,k] = concat[k](X[i,j] where j > 0, Z[i,j])", {"X": A, "Z": B},
        lambda: np.concatenate([A * (np.arange(6) > 0), B], 1),
    ),
    "integers to exponents that may be negative are raised as floats": (
        "input int K[i]\nY[i] = 1 - 2^(-1 - i) + 3^K[i]", {"K": np.array([2, -1, 0])},
        lambda: 1 - 2.0 ** -np.arange(1, 4) + 3.0 ** np.array([2, -1, 0]),
    ),
    "integers to exponents that count stay integers": (
        "input int K[i]\nY[i] = K[i]^(2 i + 1)", {"K": np.array([3, -2, 7])}, lambda: np.array([3, -8, 7**5]),
    ),
    "a number given to a module is not rounded": (
        "def Scale(X[i], s=5/4) -> Y[i]:\n    Y[i] = s X[i]\n"
        "def Both(X[i], s) -> Y[i]:\n    Y[i] = Scale(X, s=s)[i] + Scale(X)[i]\n"
        "dim i = 6\ninput X[i]\nA = Both(X, s=1/20)\nB = Scale(X, s=|i|/4)\nY[i] = A[i] + B[i]\noutput Y",
        {"X": A[0]}, lambda: (1 / 20 + 5 / 4 + 6 / 4) * A[0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MEANT)
def test_program_means(name):
    text, given, expected = MEANT[name]
    found = tl.compile(text, dtype="float64")(**given)["Y"]
    np.testing.assert_allclose(found.numpy(), np.asarray(expected()), rtol=1e-9, atol=1e-12)


OVER_NOTHING = {
    "Y[i] = mean[j](X[i,j])": [0, 0],
    "Y[i] = max[j](X[i,j])": [-np.inf, -np.inf],
    "Y[i] = argmin[j](X[i,j])": [0, 0],
    "Y = std[i,j](X[i,j])": 0,
    "Y[i] avg= X[i,j]": [0, 0],
    "Y[i,j/2] max= X[i,j]": np.zeros((2, 0)),
    "Y[i] = X[i,j] + 1": [1, 1],
    "M[j] = max[i](X[i,j])\nY = M[j]": 0,
}


@pytest.mark.parametrize("equation", OVER_NOTHING)
def test_over_nothing(equation):
    program = tl.compile(f"input X[i,j]\noutput Y\n{equation}")
    assert program(X=np.ones((2, 3), np.float32))["Y"].isfinite().all()
    np.testing.assert_array_equal(program(X=np.ones((2, 0), np.float32))["Y"].numpy(), OVER_NOTHING[equation])


LAYERS = """
def Block(X[b,i]) -> Y[b,i]:
    param W[i,i'] ~ glorot()
    Y[b,i] = X[b,i] + tanh(W[i,i'] X[b,i'])
dim i = 4, l = 2
input X[b,i]
"""


def test_a_block_for_each_layer_is_assigned_whole():
    layers = "S[0,b,i] = X[b,i]\nS[l+1] = Block[l](S[l])\nZ[l] = Block[l](X)\noutput S, Z"
    program = tl.compile(LAYERS + layers, dtype="float64")
    found = program(X=A[:3, :4])
    x, (w, v) = A[:3, :4], (program.get_parameter(name).detach().numpy() for name in ("S.W", "Z.W"))
    one = x + np.tanh(x @ w[0].T)
    np.testing.assert_allclose(found["S"].detach(), [x, one, one + np.tanh(one @ w[1].T)])
    np.testing.assert_allclose(found["Z"].detach(), [x + np.tanh(x @ v[k].T) for k in range(2)])


def test_declared_outputs_are_what_a_training_run_gives():
    text = "param W\nL = (W - 3)^2\nminimize L with sgd(lr=0.5), steps=2\noutput W"
    assert tl.run(text)["W"].tolist() == 3
    assert set(tl.run(text + "\nL?")) == {"L"}
    assert not tl.run(text.removesuffix("output W"))


def test_only_integers_to_exponents_that_count_are_integers():
    text = "dim i = 2\ninput int K[i]\nA[i] = 2^K[i]\nB[i] = 2^(i + |i|)\nC[i] = 2^(i - 1)"
    found = tl.compile(text)(K=np.array([1, 2]))
    assert [str(found[name].dtype) for name in "ABC"] == ["torch.float32", "torch.int64", "torch.float32"]


def test_complex_numbers_are_put_on_a_diagonal():
    z = np.array([1 + 2j, 3j])
    found = tl.compile("input complex Z[i]\nY[i,i] = Z[i]", dtype="float64")(Z=z)["Y"]
    np.testing.assert_array_equal(found.numpy(), np.diag(z))
