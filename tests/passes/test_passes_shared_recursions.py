"""Equal scans and fixpoints are computed once, and values stay what the reference says."""

from __future__ import annotations

import numpy as np
import pytest

import tensorlang as tl
from tensorlang.backends.reference import evaluate
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.passes import optimise
from tensorlang.source import Source

TWICE = "def L(X[..., t]) -> H[..., t]:\n    H[..., t] = tanh(0.5 H[..., t-1] + X[..., t])\ninput X[b,t], Z[b,t]\n"
SETTLED = (
    "def S(X[i], W[i,j]) -> Z[i]:\n    fixpoint Z\n    Z[i] = tanh(0.3 W[i,j] Z[j] + X[i])\ninput X[i], W[i,j], V[i]\n"
)
# The program, and how many recursions are left.
PROGRAMS = {
    "two applications": (TWICE + "A = L(X)\nB = L(X)\nY[b,t] = A[b,t] B[b,t-1]\n", 1),
    "outputs of both": (TWICE + "A = L(X)\nB = L(X)\noutput A, B\n", 1),
    "written out": (
        "input X[t]\nA[t] = tanh(A[t-1]) + X[t]\nB[t] = tanh(B[t-1]) + X[t]\nA'[t] = tanh(A'[t-1]) - X[t]\n"
        "Y = A[t] + B[t] A'[t]\n",
        2,
    ),
    "one behind the other": (TWICE + "A = L(X)\nB = L(X)\nC = L(A)\nD = L(B)\nY[b,t] = C[b,t] D[b,t]\n", 2),
    "of other tensors": (TWICE + "A = L(X)\nB = L(Z)\nY[b,t] = A[b,t] B[b,t]\n", 2),
    "only the last position": (TWICE + "A = L(X)\nB = L(X)\nY[b] = A[b,-1] + 2 B[b,-1]\n", 1),
    "several in step": (
        "input X[t]\nP[t] = 0.5 Q[t-1] + X[t]\nQ[t] = sin(P[t]) Q[t-1] + 1\nR[t] = 0.5 S[t-1] + X[t]\n"
        "S[t] = sin(R[t]) S[t-1] + 1\nY[t] = Q[t] - S[t] + P[t]\n",
        1,
    ),
    "fixed points": (SETTLED + "A = S(X, W)\nB = S(X, W)\nC = S(V, W)\nY[i] = A[i] B[i] C[i]\n", 2),
    "fixed points of another method": (
        "input X[i]\nfixpoint Z\nZ[i] = 0.5 sin(Z[i]) + X[i]\n"
        "fixpoint U method plain\nU[i] = 0.5 sin(U[i]) + X[i]\nY = Z[i] U[i]\n",
        2,
    ),
    "two axes": (
        "input X[i,j]\nA[i,j] = 0.5 tanh(A[i-1,j] + A[i,j-1]) + X[i,j]\n"
        "B[i,j] = 0.5 tanh(B[i-1,j] + B[i,j-1]) + X[i,j]\n"
        "Y = A[i,j] B[i,j]\n",
        1,
    ),
}
SIZES = {"b": 2, "t": 4, "i": 3, "j": 3}


@pytest.mark.parametrize("name", PROGRAMS)
def test_equal_recursions_are_computed_once(name):
    text, left = PROGRAMS[name]
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    program = checked.program
    assert len(optimise(program).recursions) == left
    generator = np.random.default_rng(2)
    values, sizes = {}, {}
    for tensor in program.of_kind("input"):
        shape = tuple(SIZES[axis.label] for axis in tensor.axes)
        values[tensor.name] = generator.normal(size=shape)
        sizes |= {
            size.symbol: number for size, number in zip(tensor.shape, shape, strict=True) if size.symbol is not None
        }
    wanted = evaluate(program, values, sizes)
    for key, value in tl.compile(text, dtype="float64")(**values).items():
        np.testing.assert_allclose(value.detach().numpy(), wanted[key], rtol=1e-5, atol=1e-7)


def test_what_is_drawn_is_drawn_for_each():
    text = "dim t = 4\nA[t] = 0.5 A[t-1] + rand(t)\nB[t] = 0.5 B[t-1] + rand(t)\noutput A, B\n"
    found = tl.compile(text)()
    assert not np.allclose(found["A"].numpy(), found["B"].numpy())


def test_inside_the_steps_of_another_recurrence_too():
    text = (
        "input X[t], S[i]\nH[0,i] = S[i]\nF[k,t,i] = tanh(F[k,t-1,i] + H[k,i] X[t])\n"
        "G[k,t,i] = tanh(G[k,t-1,i] + H[k,i] X[t])\n"
        "H[k+1,i] = sum[t](F[k,t,i] + G[k,t,i])\ndim k = 3\noutput H\n"
    )
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    (outer,) = optimise(checked.program).recursions
    assert len(outer.body.recursions) == 1
    x, s = np.array([0.3, -0.2]), np.array([1.0, 0.5])
    state = s
    for _ in range(3):
        f = np.zeros(2)
        total = np.zeros(2)
        for value in x:
            f = np.tanh(f + state * value)
            total += 2 * f
        state = total
    np.testing.assert_allclose(tl.compile(text, dtype="float64")(X=x, S=s)["H"][-1].numpy(), state)
