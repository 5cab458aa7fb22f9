"""The projection rule, line by line: left as written, right as meant."""

from __future__ import annotations

import numpy as np
import pytest
from analysing import codes, meant, values

from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source

GIVEN = """
input V[o,h], W[h,i], X[b,i], B[h], Z[n,d], P[n], Q[d], A[n,j], A2[j], C[n,k], D[k], T[b,c], R[b,c], S[s,s'], Var, M
"""

TABLE = [
    ("Y[b,o] = V[o,h] relu(W[h,i] X[b,i] + B[h])", "sum[h](V[o,h] * relu(sum[i](W[h,i] X[b,i]) + B[h]))"),
    ("Y[n,n'] = (Z[n,d] Z[n',d])^M", "sum[d](Z[n,d] Z[n',d])^M"),
    ("Y[n,n'] = (Z[n,d] Z[n',d])^2", "sum[d](Z[n,d] Z[n',d])^2"),
    ("Y[n,n'] = exp(-(Z[n,d]-Z[n',d])^2/Var)", "exp(-sum[d]((Z[n,d] - Z[n',d])^2) / Var)"),
    ("Y = (P[n] - Q[d] Z[n,d])^2", "sum[n]((P[n] - sum[d](Q[d] Z[n,d]))^2)"),
    ("Y = -T[b,c] log(R[b,c])", "-sum[b,c](T[b,c] * log(R[b,c]))"),
    ("Y[n] = (A[n,j]+A2[j]) (C[n,k]+D[k])", "sum[j,k]((A[n,j] + A2[j]) * (C[n,k] + D[k]))"),
    ("Y = S[s,s]", "sum[s](S[s,s])"),
    ("Y[s] = S[s,s]", "S[s,s]"),
    ("Y[h] = W[h,i] X[b,i] + B[h]", "sum[i,b](W[h,i] X[b,i]) + B[h]"),
    ("Y = sig(Q[d] Z[n,d])", "sig(sum[d,n](Q[d] Z[n,d]))"),
    ("Y[o] = V[o,h] relu(W[h,i] Q2[i])\ninput Q2[i]", "sum[h](V[o,h] * relu(sum[i](W[h,i] Q2[i])))"),
    ("Y = Z[n,d]^2", "sum[d,n](Z[n,d]^2)"),
    ("Y = sqrt(Z[n,d]^2)", "sqrt(sum[d,n](Z[n,d]^2))"),
    ("Y[n] = Z[n,d] / Q[d]", "sum[d](Z[n,d] / Q[d])"),
    ("Y[n,d] = Z[n,d] / sum[d](Z[n,d])", "Z[n,d] / sum[d'](Z[n,d'])"),
    ("Y = mean[n]((P[n] - Q[d] Z[n,d])^2)", "mean[n]((P[n] - sum[d](Q[d] Z[n,d]))^2)"),
    ("Y[n] = sum[j](A[n,j] where j < n)", "sum[j](A[n,j] where j < n)"),
    ("Y[n] = A[n,j] A2[j]   where j < n", "sum[j](A[n,j] A2[j] where j < n)"),
    ("Y[n,k] max= A[n,j] + W2[j,k]\ninput W2[j,k]", "max[j](A[n,j] + W2[j,k])"),
    ("Y[n] max= A[n,j] A2[j]", "max[j](A[n,j] A2[j])"),
    ("Y[n] max= relu(A[n,j] A2[j])", "relu(sum[j](A[n,j] A2[j]))"),
    ("Y[n] max= relu(A[n,j])", "max[j](relu(A[n,j]))"),
    ("Y[n] max= relu(A[n,j]) exp(A2[j])", "max[j](relu(A[n,j]) * exp(A2[j]))"),
    ("Y[n] max= relu(A[n,j] A2[j]) exp(P[n])", "relu(sum[j](A[n,j] A2[j])) * exp(P[n])"),
    ("Y[s'] or= E[s] F[s,s']\ninput bool E[s], F[s,s']", "any[s](E[s] and F[s,s'])"),
    ("Y avg= Z[n,d]", "mean[d,n](Z[n,d])"),
    ("Y[n] = Z[n,d] / (Q[d] D2[d])\ninput D2[d]", "sum[d](Z[n,d] / (Q[d] D2[d]))"),
    ("Y = P[n] / (A[n,j] A2[j])", "sum[n](P[n] / sum[j](A[n,j] A2[j]))"),
    ("Y[d] = Z[n,d] P[n] / (Q[d] Q[d])", "sum[n](Z[n,d] P[n] / (Q[d] Q[d]))"),
    ("Y[n] = Z[n,d] Q[d] / P[n]", "sum[d](Z[n,d] Q[d] / P[n])"),
    ("Y = (Q[d] - D2[d])^2 / E2[d]^2\ninput D2[d], E2[d]", "sum[d]((Q[d] - D2[d])^2 / E2[d]^2)"),
    ("Y[n,s'] = S[n,s'] / (sum[s](S[n,s]))", "S[n,s'] / sum[s](S[n,s])"),
    ("Y[n] = Z[n,d] Q[d] / (A[n,j] A2[j])", "sum[d](Z[n,d] Q[d] / sum[j](A[n,j] A2[j]))"),
    ("Y = V[o,h] W[h,i] / exp(B[h])", "sum[h,i,o](V[o,h] W[h,i] / exp(B[h]))"),
    ("Y[n,j.] = softmax(A[n,j])   where j <= n", "softmax[j]((A[n,j] where j <= n))"),
]


@pytest.mark.parametrize(("written", "expected"), TABLE, ids=[written for written, _ in TABLE])
def test_where_sums_are_meant(written, expected):
    assert meant(GIVEN + written) == expected


AMBIGUOUS = [
    ("Y = exp(Q[d])", "E0401"),
    ("Y = log(2 Q[d])", "E0401"),
    ("Y[n,j] = A[n,j] / A[n,k]\n", "E0401"),
    ("Y[d] = (Z[n,d] - Z[n,d] P[n])^2", "E0402"),
    ("Y = (Z[n,d] P[n] + Q2[n]) D2[d]\ninput Q2[n], D2[d]", "E0402"),
    ("Y = max[n](Z[n,d])", "E0401"),
    ("Y = 2^Q[d]", "E0401"),
    ("Y[n] = Z[n,d] Q[d] / (Q[d] D2[d])\ninput D2[d]", "E0423"),
    ("Y[n] = (Z[n,d] Q[d]) / (Q[d] D2[d] + 1e-6)\ninput D2[d]", "E0423"),
    ("Y[n] = Z[n,d] Q[d] (Q[d] D2[d])^-1\ninput D2[d]", "E0423"),
    ("Y[n,n'] = Z[n,d] Z[n',d] / (sqrt(Z[n,d]^2) sqrt(Z[n',d]^2))", "E0423"),
    ("Y[n] = Z[n,d] Q[d] / sqrt(Q[d] Q[d])", "E0423"),
    ("Y[n] = P[n] (Z[n,d] Q[d] / (Q[d] D2[d]))\ninput D2[d]", "E0423"),
]


@pytest.mark.parametrize(("written", "code"), AMBIGUOUS, ids=[written for written, _ in AMBIGUOUS])
def test_two_readings_are_refused(written, code):
    assert code in codes(GIVEN + written)


QUOTIENTS = {
    "Q[d] S[d,e] / (Q[d] N[d])": (
        "sum[d](Q[d] S[d,e]) / sum[d](Q[d] N[d])",
        "sum[d](Q[d] S[d,e] / (Q[d] N[d]))",
    ),
    "2 Q[d] (S[d,e] + 1) / (Q[d] N[d] + 0.5)": (
        "sum[d](2 Q[d] * (S[d,e] + 1)) / (sum[d](Q[d] N[d]) + 0.5)",
        "sum[d](2 Q[d] * (S[d,e] + 1) / (Q[d] N[d] + 0.5))",
    ),
    "Q[d] S[d,e] / (sqrt(Q[d]^2) sqrt(S[d,e]^2))": (
        "sum[d](Q[d] S[d,e]) / (sqrt(sum[d](Q[d]^2)) * sqrt(sum[d](S[d,e]^2)))",
        "sum[d](Q[d] S[d,e] / (sqrt(Q[d]^2) * sqrt(S[d,e]^2)))",
    ),
    "relu(Q[d] S[d,e]) (Q[d] N[d])^-1": (
        "relu(sum[d](Q[d] S[d,e])) / sum[d](Q[d] N[d])",
        "sum[d](relu(Q[d] S[d,e]) * (Q[d] N[d])^(-1))",
    ),
}


@pytest.mark.parametrize("text", QUOTIENTS)
def test_both_readings_of_a_quotient_can_be_pasted(text):
    given = "input Q[d], S[d,e], N[d]\n"
    (problem,) = check(Source("t", f"{given}Y[e] = {text}\n"), Options()).problems.errors
    pasted = [line.split("`")[1] for line in problem.help]
    assert tuple(meant(f"{given}Y[e] = {line}\n") for line in pasted) == QUOTIENTS[text]


def test_both_readings_can_be_pasted():
    (problem,) = check(Source("t", "input X[i]\nY = exp(X[i])\n"), Options()).problems.errors
    pasted = [text.split("`")[1] for text in problem.help]
    assert [meant(f"input X[i]\nY = {text}\n") for text in pasted] == ["exp(sum[i](X[i]))", "sum[i](exp(X[i]))"]


REBOUND = {
    "Y[i] min= sum[k](X[i,k]) + abs(X[i,k])": lambda x: (x.sum(1, keepdims=True) + abs(x)).min(1),
    "Y[i] max= max[k](X[i,k]) - X[i,k]": lambda x: (x.max(1, keepdims=True) - x).max(1),
    "Y[i] min= sum[k](X[i,k] max[k](X[i,k])) + X[i,k]": lambda x: (x * x.max(1, keepdims=True)).sum(1) + x.min(1),
}


@pytest.mark.parametrize("text", REBOUND)
def test_an_index_that_is_summed_inside_and_joined_outside(text):
    x = np.array([[1.0, -2, 3], [0.5, 4, -1]])
    np.testing.assert_allclose(values(f"input X[i,k]\n{text}\n", X=x)["Y"], REBOUND[text](x))
