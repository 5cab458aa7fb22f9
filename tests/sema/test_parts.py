"""Modules of parts of tensors, one block for all layers, and whole tensors assigned to a part of a left side."""

from __future__ import annotations

import numpy as np
import pytest
from analysing import analysed, codes, shape, values

BLOCK = (
    "def Block(X[b,i]) -> Y[b,i]:\n    param W[i,i'] ~ const(0.5)\n    Y[b,i] = X[b,i] + tanh(W[i,i'] X[b,i'])\n"
    "input X[b,i]\ndim l = 3\n"
)
X = np.random.default_rng(0).normal(size=(2, 4))
W = np.random.default_rng(1).normal(size=(4, 4))


def block(x):
    return x + np.tanh(x @ W.T)


@pytest.mark.parametrize("order", ["S[0] = X\nS[l+1] = Block(S[l])\n", "S[l+1] = Block(S[l])\nS[0] = X\n"])
def test_one_block_for_all_layers(order):
    text = BLOCK + order
    program = analysed(text)
    assert shape(program, "S.W") == "i x i"
    assert shape(program, "S") == "4 x b x i"
    found = values(text, X=X, **{"S.W": W})["S"]
    np.testing.assert_allclose(found[3], block(block(block(X))), rtol=1e-12)


def test_one_block_before_the_layers_and_in_the_middle():
    text = f"{BLOCK}net = Block()\nS[0] = net(X)\nS[l+1] = net(S[l])\nS[2] = X\n"
    found = values(text, X=X, **{"net.W": W})["S"]
    np.testing.assert_allclose(found, [block(X), block(block(X)), X, block(X)], rtol=1e-12)


def test_a_module_inside_a_module_at_an_index():
    text = f"{BLOCK}def Twice(X[b,i]) -> Y[b,i]:\n    Y = Block(Block(X))\nS[0] = X\nS[l+1] = Twice(S[l])\n"
    program = analysed(text)
    names = sorted(tensor.name for tensor in program.of_kind("param"))
    given = dict.fromkeys(names, W)
    assert [shape(program, name) for name in names] == ["i x i", "i x i"]
    found = values(text, X=X, **given)["S"]
    np.testing.assert_allclose(found[1], block(block(X)), rtol=1e-12)
    np.testing.assert_allclose(found[2], block(block(block(block(X)))), rtol=1e-12)


def test_an_index_of_the_argument_that_the_module_has_too():
    text = BLOCK.replace("X[b,i]\ndim", "Z[i,b,j]\ndim") + "S[i] = Block(Z[i])\n"
    z = np.random.default_rng(2).normal(size=(3, 2, 4))
    found = values(text, Z=z, **{"S.W": W})["S"]
    np.testing.assert_allclose(found, [block(x) for x in z], rtol=1e-12)


PARTS = {
    "a range": ("A[0:2,:]", lambda a: a[:2]),
    "a range inside": ("A[1:3,:]", lambda a: a[1:3]),
    "of both": ("A[1:3,0:2]", lambda a: a[1:3, :2]),
    "behind the rest": ("A[...,1:3]", lambda a: a[:, 1:3]),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_as_an_argument(name):
    written, part = PARTS[name]
    text = f"import nn\ninput A[i,j]\nH = nn.Project({written}, o=3)\n"
    a = np.random.default_rng(3).normal(size=(5, 3))
    w = np.random.default_rng(4).normal(size=(3, part(a).shape[1]))
    np.testing.assert_allclose(values(text, A=a, **{"H.W": w})["H"], part(a) @ w.T, rtol=1e-12)


def test_a_position_and_an_earlier_one():
    a = np.random.default_rng(5).normal(size=(3, 2, 4))
    w = np.random.default_rng(6).normal(size=(2, 4))
    text = "import nn\ninput A[k,i,j]\ndim k\nnet = nn.Project(o=2)\nH = net(A[1])\nG[k] = net(A[k-1])\n"
    found = values(text, A=a, **{"net.W": w})
    np.testing.assert_allclose(found["H"], a[1] @ w.T, rtol=1e-12)
    np.testing.assert_allclose(found["G"], [np.zeros((2, 2)), a[0] @ w.T, a[1] @ w.T], rtol=1e-12)


def test_gathered_rows():
    a = np.random.default_rng(7).normal(size=(3, 2, 4))
    w = np.random.default_rng(8).normal(size=(2, 4))
    text = "import nn\ninput A[k,i,j], int N[t]\nH[t] = nn.Project(A[N[t]], o=2)\n"
    found = values(text.replace("int N[t]", "N[t]").replace("A[k,i,j], N[t]", "A[k,i,j]\ninput int N[t]"),
                   A=a, N=np.array([2, 0, 0, 1]), **{"H.W": w})  # fmt: skip
    np.testing.assert_allclose(found["H"], [a[n] @ w.T for n in (2, 0, 0, 1)], rtol=1e-12)


def test_whole_tensors_at_a_position():
    text = "input X[b,i], Z[b,i]\nconst first = 0\nS[first] = X\nS[1] = Z\n"
    found = values(text, X=X, Z=2 * X)["S"]
    np.testing.assert_array_equal(found, [X, 2 * X])


def test_a_number_at_a_position_stays_one():
    assert values("C = 3\nF[0] = C\nF[n] = F[n-1] + 1\ndim n = 3\n")["F"].tolist() == [3, 4, 5]


WRONG = {
    "indices left out": ("input A[i]\nY[i] = A\n", ["E0206"]),
    "indices left out behind a module": ("import nn\ninput A[b,i]\nY[b,o] = nn.Linear(A, o=3)\n", ["E0206"]),
    "an expression": ("import nn\ninput A[b,i]\nY = nn.Linear(2 A[b,i], o=3)\n", ["E0218"]),
    "all indices": ("import nn\ninput A[b,i]\nY[b,o] = nn.Linear(A[b,i], o=3)[b,o]\n", ["E0207"]),
    "too many axes at a position": ("input A[i]\nF[0] = A\nF[n] = F[n-1] + A[n]\n", ["E0206"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_still_wrong(name):
    text, wanted = WRONG[name]
    assert codes(text) == wanted
