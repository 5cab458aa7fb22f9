"""Equations over relations on pairs: which of them make no table, and the equations that they become."""

from __future__ import annotations

import warnings

import pytest
import torch

import tensorlang as tl

HEAD = """
relation Edge(n,n'), Like(n,n'), Kind(r,n,n')
input X[n,d], Q[n]
param W[o,d] ~ normal(0, 1), R[r,o,d] ~ normal(0, 1)
dim r = 2, d = 4, o = 3
"""
STAYING = {
    "product": "Y[n,d] = Edge[n,n'] X[n',d]",
    "turned": "Y[n,d] = Edge[n',n] X[n',d]",
    "two in one product": "Y[n,d] = Edge[n,n'] Like[n,n'] X[n',d]",
    "one turned": "Y[n,d] = Edge[n,n'] Like[n',n] X[n',d]",
    "one after the other": "Y[n,d] = Edge[n,m] Like[m,k] X[k,d]",
    "through a named sum": "M[m,d] = Like[m,k] X[k,d]\nY[n,d] = Edge[n,m] M[m,d]",
    "a sum of relations": "Y[n,d] = (Edge[n,n'] + Like[n,n'] + delta[n,n']) X[n',d]",
    "a relation and a dense term": "Y[n,d] = (Edge[n,n'] + 0.1) X[n',d]",
    "a guard": "Y[n,d] = sum[n'](tanh(X[n,d] + X[n',d]) where Edge(n,n'))",
    "a guard of two": "Y[n,d] max= X[n',d] where Edge(n,n') and not Like(n,n')",
    "a guard of either": "Y[n,d] max= X[n',d] where Edge(n,n') or Like(n',n) or n == n'",
    "a number in a guard": "Y[n,d] avg= X[n',d] where Edge(n,n') and n' < n",
    "degrees": "Degree[n] = Edge[n,n']\nY[n] = Q[n] / max(Degree[n], 1)",
    "all pairs": "Y = Edge[n,n'] Q[n] Q[n']",
    "a place that is a number": "Y[n] = Edge[n,0] Q[n]",
    "a place that repeats": "Y[n] = Edge[n,n] Q[n]",
    "scores": "S[n,n'] = X[n,d] X[n',d] where Edge(n,n')\nY[n] = sum[n'](relu(S[n,n']))",
    "a linear map": "Y[n,o] = W[o,d] Edge[n,n'] X[n',d]",
    "types": "Y[n,o] = R[r,o,d] Kind[r,n,n'] X[n',d]",
    "means by type": "M[r,n,d] avg= X[n',d] where Kind(r,n,n')\nY[n,o] = R[r,o,d] M[r,n,d]",
    "scores of types": "S[r,n,n'] = X[n,d] X[n',d] R[r,0,d] where Kind(r,n,n')\n"
    "Y[r,n] max= S[r,n,n'] where Kind(r,n,n')",
    "softmax": "S[n,n'] = Q[n] Q[n'] where Edge(n,n')\nP[n,n'.] = softmax(S[n,n'])\nY[n,d] = P[n,n'] X[n',d]",
    "read turned": "S[n,n'] = Q[n] Q[n'] where Edge(n,n')\nP[n,n'.] = softmax(S[n,n'])\nY[n,d] = P[n',n] X[n',d]",
    "heads": "S[o,n,n'] = W[o,d] X[n,d] Q[n'] where Edge(n,n')\nP[o,n,n'] = softmax[n'](S[o,n,n'])\n"
    "Y[n,o,d] = P[o,n,n'] X[n',d]",
    "read by several": "S[n,n'] = Q[n] Q[n'] where Edge(n,n')\nT[n,n'] = S[n,n'] / (1 + Q[n]^2)\n"
    "Y[n] = T[n,n'] S[n,n']",
    "moments": "Y[n,d] = std[n'](X[n',d] where Edge(n,n'))",
    "counts": "Y[n] = count[n'](Edge[n,n'] + Like[n,n'])",
    "a relation of relations": "Both(n,n') = Edge(n,n') and Like(n',n)\nY[n,d] = Both[n,n'] X[n',d]",
    "steps": "H[0,n,d] = X[n,d]\nH[t+1,n,d] = tanh(Edge[n,n'] H[t,n',d])\ndim t = 3\nY[n,d] = H[-1,n,d]",
    "attention in steps": "H[0,n] = Q[n]\nS[t,n,n'] = H[t,n] H[t,n'] where Edge(n,n')\n"
    "P[t,n,n'.] = softmax(S[t,n,n'])\n"
    "H[t+1,n] = P[t,n,n'] H[t,n']\ndim t = 3\nY[n] = H[-1,n]",
    "a fixed point": "fixpoint H tol 1e-6 max 200\nH[n] = 0.1 tanh(Edge[n,n'] H[n']) + Q[n]\nY[n] = H[n]",
    "reached": "At(n) or= Q[n] > 0\nAt(n') or= At(n) and Edge(n,n')\nY[n] = At[n] Q[n]",
    "in a module": "def Sum(E(n,n'), V[n,d]) -> Z[n,d]:\n    Z[n,d] = E[n,n'] V[n',d]\nY = Sum(Edge, X)",
}  # fmt: skip


@pytest.mark.parametrize("what", STAYING)
def test_no_table_is_made(what: str) -> None:
    module = tl.compile(f"{HEAD}{STAYING[what]}\noutput Y\n")
    draw = torch.Generator().manual_seed(3)
    tables = {name: torch.rand(6, 6, generator=draw) < 0.4 for name in ("Edge", "Like")}
    tables["Kind"] = torch.rand(2, 6, 6, generator=draw) < 0.4
    dense = {"X": torch.randn(6, 4, generator=draw), "Q": torch.randn(6, generator=draw)}
    pairs = {name: tl.pairs(table.nonzero().t(), table.shape) for name, table in tables.items()}
    meant = module(**{name: value for name, value in {**tables, **dense}.items() if name in module.inputs})["Y"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = module(**{name: value for name, value in {**pairs, **dense}.items() if name in module.inputs})["Y"]
    assert torch.allclose(found, meant, atol=1e-5)


def test_what_attention_becomes() -> None:
    text = "relation Edge(n,n')\ninput X[n,d], Q[n]\ndim d = 4\nS[n,n'] = Q[n] Q[n'] where Edge(n,n')\n"
    module = tl.compile(f"{text}P[n,n'.] = softmax(S[n,n'])\nZ[n,d] = P[n,n'] X[n',d]\noutput Z\n")
    shown = module.explain(stage="needed", pairs=("Edge",))
    assert "S.on[Edge pair] = Q[Edge.at0[Edge pair]] Q[Edge.at1[Edge pair]]" in shown
    assert "P.max[Edge.at0[Edge pair]] max=" in shown
    assert "Edge[" not in shown
    source = module.explain(stage="source", pairs=("Edge",))
    assert "pairs_product(" in source.split("def compute")[1]


def test_a_linear_map_stands_where_it_is_cheaper() -> None:
    """The sum over pairs runs over the fewer columns: of 2 behind the map, or before one that gives 64."""
    for width, before in ((2, True), (64, False)):
        text = f"relation Edge(n,n')\ninput X[n,d]\nparam W[o,d]\ndim d = 8, o = {width}\n"
        module = tl.compile(f"{text}Y[n,o] = W[o,d] Edge[n,n'] X[n',d]\noutput Y\n")
        source = module.explain(stage="source", pairs=("Edge",)).split("def compute")[1]
        assert (source.index("F.linear(") < source.index("pairs_product(")) is before, source
