"""Recurrences along two and more axes: which axis goes outside, and what they mean, against loops written by hand."""

from __future__ import annotations

import numpy as np
import pytest
from analysing import analysed, codes, shape, values

from tensorlang.ir.show import show


def nesting(scan):
    """The axes of a scan and of those inside it, as numbers: ((0,), (1,)) is axis 1 inside axis 0."""
    own = tuple(axis for _, axis in scan.axes)
    return (own, *(nesting(inner) for inner in scan.inner)) if scan.inner else own


def edit_distance(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    for i in range(len(a) + 1):
        for j in range(len(b) + 1):
            if 0 in (i, j):
                table[i, j] = i + j
            else:
                steps = table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1])
                table[i, j] = min(steps)
    return table


EDITS = {
    "ahead": "D[i+1,j+1] min= D[i,j] + (A[i] != B[j])\nD[i+1,j+1] min= D[i,j+1] + 1\nD[i+1,j+1] min= D[i+1,j] + 1\n"
    "D[0,j] = j\nD[i,0] = i\n",
    "behind": "dim n = 4, m = 5\nD[n,m] min= D[n-1,m-1] + (A[n-1] != B[m-1])\nD[n,m] min= D[n-1,m] + 1\n"
    "D[n,m] min= D[n,m-1] + 1\nD[0,m] = m\nD[n,0] = n\n",
    "the first row and column step too": "D[i+1,j+1] min= D[i,j] + (A[i] != B[j])\nD[i+1,j+1] min= D[i,j+1] + 1\n"
    "D[i+1,j+1] min= D[i+1,j] + 1\nD[0,0] = 0\nD[0,j+1] = D[0,j] + 1\nD[i+1,0] = D[i,0] + 1\n",
}


@pytest.mark.parametrize("name", EDITS)
def test_edit_distance(name):
    a, b = [1, 2, 3], [2, 3, 3, 4]
    text = f"A = {a}\nB = {b}\n{EDITS[name]}"
    (scan,) = analysed(text).scans
    assert nesting(scan) == ((0,), (1,))
    np.testing.assert_array_equal(values(text)["D"], edit_distance(a, b))


def test_backwards_along_both_axes_and_along_one():
    x = np.arange(12.0).reshape(3, 4) % 5
    text = "input X[i,j]\nD[i,j] max= D[{}] + X[i,j]\nD[i,j] max= D[{}] + X[i,j]\nD[i,j] max= X[i,j]\n"
    back = values(text.format("i+1,j", "i,j+1"), X=x)["D"]
    mixed = values(text.format("i-1,j", "i,j+1"), X=x)["D"]
    best = np.zeros((4, 5))
    for i in (2, 1, 0):
        for j in (3, 2, 1, 0):
            best[i, j] = max(best[i + 1, j], best[i, j + 1]) + x[i, j]
    np.testing.assert_array_equal(back, best[:3, :4])
    np.testing.assert_array_equal(mixed[::-1], values(text.format("i+1,j", "i,j+1"), X=x[::-1])["D"])
    (scan,) = analysed(text.format("i-1,j", "i,j+1")).scans
    assert (scan.reverse, scan.inner[0].reverse) == (False, True)


STACKED = {
    "layers first": "S[0,t,h] = X[t,h]\nS[l+1,t,h] = tanh(U[l,h,h'] S[l+1,t-1,h'] + W[l,h,i] S[l,t,i])\n",
    "time first": "S[t,0,h] = X[t,h]\nS[t,l+1,h] = tanh(U[l,h,h'] S[t-1,l+1,h'] + W[l,h,i] S[t,l,i])\n",
    "of two tensors": "S[0,t,h] = X[t,h]\nS[l+1,t,h] = A[l,t,h]\n"
    "A[l,t,h] = tanh(U[l,h,h'] A[l,t-1,h'] + B[l,t,h])\nB[l,t,h] = W[l,h,i] S[l,t,i]\n",
}


@pytest.mark.parametrize("name", STACKED)
def test_stacked_layers(name):
    text = f"input X[t,h], U[l,h,h'], W[l,h,i]\n{STACKED[name]}"
    rng = np.random.default_rng(0)
    x, u, w = rng.normal(size=(4, 3)), rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 3, 3))
    state = x
    for layer in range(2):
        h = np.zeros(3)
        rows = []
        for row in state:
            h = np.tanh(u[layer] @ h + w[layer] @ row)
            rows.append(h)
        state = np.array(rows)
    found = values(text, X=x, U=u, W=w)["S"]
    last = found[:, -1] if name == "time first" else found[-1]
    np.testing.assert_allclose(last, state, rtol=1e-12)


def test_the_axis_with_few_known_positions_goes_outside():
    text = "{}input X[t,h], U[l,h,h'], W[l,h,i]\n" + STACKED["time first"]
    (scan,) = analysed(text.format("dim l = 3\n")).scans
    assert nesting(scan) == ((1,), (0,))
    (scan,) = analysed(text.format("")).scans
    assert nesting(scan) == ((0,), (1,))


BLOCK = "def Block(X[..., t, i]) -> H[..., t, i]:\n    param U[i,i'] ~ const(0.3)\n"
BLOCK += "    H[..., t, i] = tanh(U[i,i'] H[..., t-1, i'] + X[..., t, i])\n"


def test_a_module_with_a_recurrence_in_a_recurrence_over_layers():
    text = f"{BLOCK}input X[t,i]\ndim l = 2\nS[0,t,i] = X[t,i]\nS[l+1] = Block[l](S[l])\n"
    program = analysed(text)
    (scan,) = program.scans
    assert [inner.members for inner in scan.inner] == [("S.H",)]
    x = np.random.default_rng(1).normal(size=(3, 2))
    state = x
    for _ in range(2):
        h, rows = np.zeros(2), []
        for row in state:
            h = np.tanh(0.3 * h.sum() + row)
            rows.append(h)
        state = np.array(rows)
    found = values(text, X=x, **{"S.U": np.full((2, 2, 2), 0.3)})["S"]
    np.testing.assert_allclose(found[-1], state, rtol=1e-12)


def test_one_axis_that_suffices_is_taken_alone():
    text = "dim k = 5, n = 5\nC[k,n] = C[k-1,n-1] + C[k,n-1]\nC[0,0] = 1\n"
    (scan,) = analysed(text).scans
    assert (nesting(scan), scan.inner) == ((1,), ())
    assert values(text)["C"].tolist() == [
        [1, 1, 1, 1, 1],
        [0, 1, 2, 3, 4],
        [0, 0, 1, 3, 6],
        [0, 0, 0, 1, 4],
        [0] * 4 + [1],
    ]


FLOYD = {
    "the step in front": "D[0,i,j] = W[i,j]\nD[k+1,i,j] min= D[k,i,j]\nD[k+1,i,j] min= D[k,i,k] + D[k,k,j]\n",
    "the step behind": "D[i,j,0] = W[i,j]\nD[i,j,k+1] min= D[i,j,k]\nD[i,j,k+1] min= D[i,k,k] + D[k,j,k]\n",
    "a row of its own": "D[i,j,0] = W[i,j]\nD[i,j,k+1] min= D[i,j,k]\n"
    "D[i,j,k+1] min= R[i,k] + D[k,j,k]\nR[i,k] = D[i,k,k]\n",
}


@pytest.mark.parametrize("name", FLOYD)
def test_floyd_and_warshall(name):
    w = np.array([[0, 1.0, 9], [9, 0, 2], [9, 9, 0]])
    text = f"input W[i,j]\n{FLOYD[name]}"
    found = values(text, W=w)["D"]
    wanted = w
    for k in range(3):
        wanted = np.minimum(wanted, wanted[:, k : k + 1] + wanted[k : k + 1])
    np.testing.assert_array_equal(found[-1] if name == "the step in front" else found[..., -1], wanted)


def test_three_axes():
    text = "dim i = 3, j = 3, k = 3\nD[i,j,k] = D[i-1,j,k] + D[i,j-1,k] + D[i,j,k-1]\nD[0,0,0] = 1\n"
    (scan,) = analysed(text).scans
    assert nesting(scan) == ((0,), ((1,), (2,)))
    table = np.zeros((4, 4, 4), dtype=int)
    for i, j, k in np.ndindex(3, 3, 3):
        table[i, j, k] = 1 if i == j == k == 0 else table[i - 1, j, k] + table[i, j - 1, k] + table[i, j, k - 1]
    np.testing.assert_array_equal(values(text)["D"], table[:3, :3, :3])


def test_first_positions_may_read_earlier_ones():
    text = "dim n = 7\nF[0] = 1\nF[1] = F[0] + 1\nF[n] = F[n-1] + F[n-2]\n"
    assert values(text)["F"].tolist() == [1, 2, 3, 5, 8, 13, 21]


def test_what_is_bound_does_not_step():
    assert codes("input X[t]\nH[t] = X[t] + max[t](H[t-1])\n") == ["E0501"]
    assert codes("input X[t]\nH[t] = X[t] + cumsum[t](H[t-1])\n") == ["E0501"]


SIZES = {
    "D[i+1,j+1] min= D[i,j] + (A[i] != B[j])\nD[i+1,j+1] min= D[i,j+1] + 1\nD[0,j] = j\nD[i,0] = i\n": "i + 1 x j + 1",
    "D[i+2,j] min= D[i+1,j] + A[i] + B[j]\nD[i+2,j+1] min= D[i,j]\nD[i+1,j+1] min= D[i+1,j] + 1\n": "i + 2 x j",
}


@pytest.mark.parametrize("text", SIZES)
def test_sizes(text):
    assert shape(analysed(f"input A[i], B[j]\n{text}"), "D") == SIZES[text]


def test_what_is_absent_is_absent_for_all_equations_of_a_recurrence():
    """Whichever stands first in a step, at the same position, at others, and outside."""
    text = "input X[t,k]\nS[t,k] = X[t,k] + H[t-1]   where k <= t\nP[t,k.] = softmax(S[t,k])\n"
    text += "H[t] = P[t,k] X[t,k]\nM[t] = max[k](S[t,k])\nN[t] = min[k](S[t-1,k])   where t > 0\n"
    x = -1 - np.random.default_rng(0).random((3, 3))
    found = values(text, X=x)
    h, before = 0.0, np.array([])
    for t in range(3):
        s = x[t, : t + 1] + h
        p = np.exp(s) / np.exp(s).sum()
        h = float(p @ x[t, : t + 1])
        assert found["H"][t] == pytest.approx(h)
        assert found["M"][t] == pytest.approx(s.max())
        if t > 0:
            assert found["N"][t] == pytest.approx(before.min())
        before = s


def test_the_program_shown_says_along_which_axes():
    shown = show(analysed("input X[i,j]\nD[i,j] = D[i-1,j] + D[i,j+1] + X[i,j]\n"))
    assert "# step by step along i, at each position along j, from its end" in shown
