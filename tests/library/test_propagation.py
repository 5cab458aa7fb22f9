"""What spreads along edges: against PyTorch Geometric, powers of matrices and solutions of linear equations."""

from __future__ import annotations

import pytest
import torch
from graphs import drawn, edge_index, permuted, random_edges, same_on_pairs, symmetric_edges
from torch.nn import functional
from torch_geometric import nn as geometric
from written_out import agree

import tensorlang as tl

HEAD = "import propagation\ninput X[n,i]\nrelation Edge(n,n')\ndim i = 3\n"
EDGE = random_edges(7, seed=5)
X = drawn(7, 3)


def normalised(Edge, own=1.0):
    loops = Edge + own * torch.eye(len(Edge))
    root = torch.where(loops.any(1), loops.sum(1).clamp(min=1).rsqrt(), 0.0)
    return root[:, None] * loops * root


def appnp(X, Edge):
    return geometric.APPNP(K=4, alpha=0.2)(X, edge_index(Edge))


def dagnn(X, Edge, A, C):
    """The gated sum of the powers that APPNP takes without returning."""
    states = [geometric.APPNP(K=k, alpha=0.0)(X, edge_index(Edge)) for k in range(4)]
    return sum(torch.sigmoid(state @ A + C)[:, None] * state for state in states)


def ltgnn(X, Edge):
    return torch.linalg.solve(torch.eye(7) - 0.8 * normalised(Edge, 0.0), 0.2 * X)


def convergent(X, Edge, W, U, C, A, V, D, M, B):
    pairs = torch.tanh((X @ W.T)[:, None] + (X @ U.T)[None] + C)
    scores = (pairs @ A.T).masked_fill(~Edge[..., None], -torch.inf)
    weights = torch.where(Edge.any(1)[:, None, None], functional.softmax(scores.nan_to_num(neginf=-1e30), 1), 0.0)
    drive = X @ V.T + D
    heads = [torch.linalg.solve(torch.eye(7) - 0.5 * weights[:, :, k], drive[:, k]) for k in range(2)]
    return torch.stack(heads, 1) @ M.T + B


LAYERS = {
    "Spread(X, Edge)": lambda X, Edge: normalised(Edge) @ X,
    "APPNP(X, Edge, steps=4, teleport=0.2)": appnp,
    "DAGNN(X, Edge, steps=3)": dagnn,
    "LTGNN(X, Edge, teleport=0.2)": ltgnn,
    "ConvergentSolver(X, Edge, k=2, h=4, o=5)": convergent,
}


@pytest.mark.parametrize("call", LAYERS)
def test_what_spreads(call):
    agree(f"{HEAD}Y = propagation.{call}", {"X": X, "Edge": EDGE}, LAYERS[call])


def test_light_gcn_is_that_of_pytorch_geometric():
    edge = symmetric_edges(7, seed=2)

    def meant(X, Edge):
        made = geometric.LightGCN(7, 3, num_layers=3)
        return torch.func.functional_call(
            _Embedding(made), {"inner.embedding.weight": X}, (edge_index(Edge),), strict=False
        )

    agree(f"{HEAD}Y = propagation.LightGCN(X, Edge, steps=3)", {"X": X, "Edge": edge}, meant)


class _Embedding(torch.nn.Module):
    """LightGCN gives its embeddings by another method than ``forward``."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, index):
        return self.inner.get_embedding(index)


def test_steps_without_end_are_the_limit_of_many():
    text = f"{HEAD}Y = propagation.APPNP(X, Edge, steps=200)\nimport implicit\nZ = implicit.Propagate(X, Edge)"
    found = tl.compile(text)(X=X, Edge=EDGE)
    torch.testing.assert_close(found["Y"], found["Z"], rtol=0, atol=5e-5)  # the fixed point to 1e-6 of the largest


@pytest.mark.parametrize("call", LAYERS)
def test_a_layer_on_pairs_is_the_same(call):
    same_on_pairs(f"{HEAD}Y = propagation.{call}", EDGE, X=X.clone())


@pytest.mark.parametrize("call", LAYERS)
def test_the_order_of_nodes_does_not_matter(call):
    program = tl.compile(f"{HEAD}Y = propagation.{call}")
    order = torch.tensor([3, 1, 6, 0, 5, 2, 4])
    moved = program(X=X[order], Edge=permuted(EDGE, order))["Y"]
    torch.testing.assert_close(moved, program(X=X, Edge=EDGE)["Y"][order], rtol=0, atol=1e-5)
