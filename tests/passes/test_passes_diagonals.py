"""Diagonal matrices scale, and what is read on a diagonal only is computed there only; the values stay."""

from __future__ import annotations

import pytest

from tensorlang.ir.nodes import Contract
from tensorlang.ir.show import show
from tensorlang.passes import optimise
from tensorlang.passes.scopes import every_node
from tests.passes.meaning import assert_same, data_for, load, values_of

SCALED = "input A[i,j], S[i], U[j]\ndim i = 3, j = 4\nD[i,i] = S[i]\nE[j,j] = U[j]\n"
COMPUTED = [
    (SCALED + "Y[i,j] = D[i,i'] A[i',j'] E[j',j]\n", ("D", "E")),
    (SCALED + "Y[i,j] = D[i,i'] A[i',j]\nZ[j] = E[j',j] U[j']\n", ("D", "E")),
    ("input A[i,i'], S[i]\ndim i = 3\nD[i,i] = rsqrt(1 + S[i]^2)\nY[i,i'] = D[i,k] A[k,l] D[l,i']\n", ("D",)),
    ("input A[i,i']\ndim i = 3\nD[i,i] = rsqrt(1 + sum[k](A[i,k]^2))\nY[i,i'] = D[i,k] A[k,l] D[l,i']\n", ("D",)),
    ("input A[b,i,j], S[b,i]\ndim b = 2, i = 3, j = 4\nD[b,i,i] = S[b,i]\nY[b,i,j] = D[b,i,i'] A[b,i',j]\n", ("D",)),
    ("input A[i,j], S[i]\ndim i = 3, j = 4\nD[i,i,i] = S[i]\nY[j] = D[i,i',i''] A[i,j] A[i',j] A[i'',j]\n", ("D",)),
    ("input A[i,j], S[i]\ndim i = 3, j = 4\nD[i,i] = S[i] where S[i] > 0\nY[i,j] = D[i,i'] A[i',j]\n", ("D",)),
    ("input A[i,j], B[j,k], C[k,i]\nM[i,i'] = A[i,j] B[j,k] C[k,i']\nY = M[i,i]\n", ("M",)),
    ("input A[i,j], B[j,i]\nM[i,i'] = A[i,j] B[j,i']\nY[i] = M[i,i]\n", ("M",)),
    ("input A[i,j]\ndim i = 3, j = 3\nM[i,j] = exp(A[i,j]) + A[j,i]\nY[i] = M[i,i] + 1\n", ("M",)),
    ("input X[b,t,j], W[t,t',j]\nM[b,t,t'] = X[b,t,j] W[t,t',j]\nY[b] max= M[b,t,t]\n", ("M",)),
]
KEPT = [
    (SCALED + "Y[i,i'] = D[i,i']\nZ[j,j'] = E[j,j'] + 1\n", ("E",)),
    (SCALED + "output D, Y\nY[i,j] = D[i,i'] A[i',j]\n", ("D",)),
    ("input A[i,j]\ndim i = 3, j = 3\nM[i,j] = softmax[j](A[i,j])\nY[i] = M[i,i]\n", ("M",)),
    ("input A[i,j]\ndim i = 3, j = 3\nM[i,i'] = A[i,j] A[i',j]\nY[i] = M[i,i]\nZ[i,i'] = M[i,i']^2\n", ("M",)),
    ("input A[i,j], S[i]\ndim i = 3, j = 4\nD[i,i] = S[i]\nD[0,1] = 5\nY[i,j] = D[i,i'] A[i',j]\n", ("D",)),
    ("input A[i,j], S[i]\ndim i = 3, j = 4\nD[i,i] max= S[i]\nY[i,j] = D[i,i'] A[i',j]\n", ("D",)),
]


@pytest.mark.parametrize(("text", "gone"), COMPUTED)
def test_what_is_zero_or_not_read_is_not_computed(text: str, gone: tuple[str, ...]) -> None:
    program = load(text)
    data, made = data_for(program), optimise(program)
    assert not set(gone) & {definition.tensor for definition in made.definitions}, show(made)
    assert_same(values_of(program, data, program.outputs), values_of(made, data, program.outputs), text)


@pytest.mark.parametrize(("text", "kept"), KEPT)
def test_what_is_more_than_a_diagonal_stays(text: str, kept: tuple[str, ...]) -> None:
    program = load(text)
    data, made = data_for(program), optimise(program)
    assert set(kept) <= {definition.tensor for definition in made.definitions}, show(made)
    assert_same(values_of(program, data, program.outputs), values_of(made, data, program.outputs), text)


def test_scaling_by_two_diagonal_matrices_is_no_matrix_product() -> None:
    made = optimise(load(COMPUTED[0][0]))
    assert not any(isinstance(node, Contract) and node.summed for node in every_node(made))
