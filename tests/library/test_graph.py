"""Layers on graphs against PyTorch Geometric with the same weights, and in any order of the nodes."""

from __future__ import annotations

import pytest
import torch
from graphs import drawn, edge_index, permuted, random_edges, same_on_pairs
from torch.func import functional_call
from torch.nn import functional
from torch_geometric import nn as geometric
from written_out import agree

import tensorlang as tl

HEAD = "import graph\ninput X[n,i]\nrelation Edge(n,n')\ndim i = 3\n"
EDGE = random_edges(7, seed=5)
X = drawn(7, 3)


def layer(made, state, *given):
    """A layer of PyTorch Geometric computed with these weights, so that their gradients are there."""
    return functional_call(made, state, given)


def gcn(X, Edge, W, B):
    return layer(geometric.GCNConv(3, 4), {"lin.weight": W, "bias": B}, X, edge_index(Edge))


def sage(X, Edge, W, U, B):
    state = {"lin_l.weight": W, "lin_l.bias": B, "lin_r.weight": U}
    return layer(geometric.SAGEConv(3, 4), state, X, edge_index(Edge))


def sage_max(X, Edge, V, W, U, C, B):
    """There the layer before the maximum has as many units as the input has features."""
    made = geometric.SAGEConv(3, 4, aggr="max", project=True)
    state = {"lin.weight": V, "lin.bias": C, "lin_l.weight": W, "lin_l.bias": B, "lin_r.weight": U}
    return layer(made, state, (X, X), edge_index(Edge))


def gin(X, Edge, Eps, W1, B1, W2, B2):
    inner = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4))
    made = geometric.GINConv(inner, train_eps=True)
    state = {"eps": Eps.reshape(1), "nn.0.weight": W1, "nn.0.bias": B1, "nn.2.weight": W2, "nn.2.bias": B2}
    return layer(made, state, X, edge_index(Edge))


def sir(X, Edge, Q, K, W, C, B):
    """No implementation is installed: the sum over pairs, one by one."""
    rows = []
    for n in range(len(X)):
        met = [functional.relu(Q @ X[n] + K @ X[m] + C) for m in range(len(X)) if Edge[n, m]]
        rows.append(W @ sum(met, torch.zeros(len(Q))) + B)
    return torch.stack(rows)


def gat(X, Edge, W, A, C, B):
    state = {"lin.weight": W.flatten(0, 1), "att_src": A[None], "att_dst": C[None], "bias": B.flatten()}
    return layer(geometric.GATConv(3, 4, heads=2), state, X, edge_index(Edge))


def gat_v2(X, Edge, W, U, A, B):
    none = torch.zeros(8)
    state = {"lin_l.weight": W.flatten(0, 1), "lin_r.weight": U.flatten(0, 1), "lin_l.bias": none, "lin_r.bias": none,
             "att": A[None], "bias": B.flatten()}  # fmt: skip
    return layer(geometric.GATv2Conv(3, 4, heads=2), state, X, edge_index(Edge))


def transformer(X, Edge, **p):
    state = {}
    for name, letter in {"lin_query": "Q", "lin_key": "K", "lin_value": "V", "lin_skip": "S"}.items():
        state |= {f"{name}.weight": p[f"W{letter}"].flatten(0, 1), f"{name}.bias": p[f"B{letter}"].flatten()}
    return layer(geometric.TransformerConv(3, 4, heads=2), state, X, edge_index(Edge))


LAYERS = {
    "GCN(X, Edge, o=4)": gcn,
    "SAGE(X, Edge, o=4)": sage,
    "SAGEMax(X, Edge, h=3, o=4)": sage_max,
    "GIN(X, Edge, hidden=5, o=4)": gin,
    "SIR(X, Edge, h=5, o=4)": sir,
    "GAT(X, Edge, k=2, o=4)": gat,
    "GATv2(X, Edge, k=2, o=4)": gat_v2,
    "Transformer(X, Edge, k=2, o=4)": transformer,
}


@pytest.mark.parametrize("call", LAYERS)
def test_a_layer_is_that_of_pytorch_geometric(call):
    agree(f"{HEAD}Y = graph.{call}", {"X": X, "Edge": EDGE}, LAYERS[call])


@pytest.mark.parametrize("call", LAYERS)
def test_a_layer_on_pairs_is_the_same(call):
    same_on_pairs(f"{HEAD}Y = graph.{call}", EDGE, X=X.clone())


@pytest.mark.parametrize("call", LAYERS)
def test_the_order_of_nodes_does_not_matter(call):
    program = tl.compile(f"{HEAD}Y = graph.{call}")
    order = torch.tensor([3, 1, 6, 0, 5, 2, 4])
    moved = program(X=X[order], Edge=permuted(EDGE, order))["Y"]
    torch.testing.assert_close(moved, program(X=X, Edge=EDGE)["Y"][order], rtol=0, atol=1e-5)


@pytest.mark.parametrize("call", [call for call in LAYERS if call.startswith(("GCN", "SAGE(", "GIN"))])
def test_edges_may_have_weights(call):
    """A relation is the table of its ones; twice the weight of an edge is two edges."""
    text = f"import graph\ninput X[n,i], Edge[n,n']\ndim i = 3\nY = graph.{call}"
    weighted, plain = tl.compile(text), tl.compile(f"{HEAD}Y = graph.{call}")
    weighted.load_state_dict(plain.state_dict())
    torch.testing.assert_close(weighted(X=X, Edge=EDGE.float())["Y"], plain(X=X, Edge=EDGE)["Y"])


def test_gcn_with_weights():
    def meant(X, Edge, V, W, B):
        return layer(geometric.GCNConv(3, 4), {"lin.weight": W, "bias": B}, X, edge_index(Edge), V[Edge])

    text = f"{HEAD}input V[n,n']\nWeight[n,n'] = V[n,n'] where Edge(n,n')\nY = graph.GCN(X, Weight, o=4)"
    agree(text, {"X": X, "Edge": EDGE, "V": drawn(7, 7, seed=8).abs()}, meant)


def test_matrices_that_features_of_edges_choose():
    features = drawn(7, 7, 2, seed=6)

    def meant(X, Edge, E, W1, C1, W2, C2, U, B):
        inner = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.ReLU(), torch.nn.Linear(5, 12))
        state = {"nn.0.weight": W1, "nn.0.bias": C1, "nn.2.weight": W2.transpose(0, 1).flatten(0, 1),
                 "nn.2.bias": C2.T.flatten(), "lin.weight": U, "bias": B}  # fmt: skip
        return layer(geometric.NNConv(3, 4, inner), state, X, edge_index(Edge), E[Edge])

    text = HEAD + "input E[n,n',f]\ndim f = 2\nY = graph.EdgeConditioned(X, Edge, E, hidden=5, o=4)"
    agree(text, {"X": X, "Edge": EDGE, "E": features}, meant)


def monoid(X, Edge, W, G, U, C):
    """A tournament of those who are there."""

    def joined(a, b):
        if a is None or b is None:
            return b if a is None else a
        share = torch.sigmoid((a - b) @ G.T)
        return share * a + (1 - share) * b + torch.tanh((a + b) @ U.T + C)

    rows = []
    for n in range(7):
        here = [X[m] @ W.T if Edge[n, m] else None for m in range(7)] + [None]
        while len(here) > 1:
            here = [joined(a, b) for a, b in zip(here[::2], here[1::2], strict=True)]
        rows.append(torch.zeros(4) if here[0] is None else here[0])
    return torch.stack(rows)


MONOID = f"{HEAD}Y = graph.Monoid(X, Edge, levels=3, d=4)"


def test_neighbours_joined_by_a_learned_operation():
    agree(MONOID, {"X": X, "Edge": EDGE}, monoid)


def test_the_learned_operation_commutes():
    """Halves, quarters and pairs of the nodes change places."""
    x, edges = drawn(8, 3), random_edges(8, seed=6, density=0.6)
    program, order = tl.compile(MONOID), torch.tensor([5, 4, 6, 7, 3, 2, 0, 1])
    wanted = program(X=x, Edge=edges)["Y"][order]
    torch.testing.assert_close(program(X=x[order], Edge=permuted(edges, order))["Y"], wanted, rtol=0, atol=1e-5)


# --- pooling -------------------------------------------------------------------------------------------------------

PART = torch.tensor([0, 2, 0, 2, 2, 0, 2])
POOL = "import graph\ndim g = 3, i = 3\ninput X[n,i], Part[n] in g\n"
POOLS = {
    "MeanPool": lambda X, Part: geometric.global_mean_pool(X, Part, 3),
    "SumPool": lambda X, Part: geometric.global_add_pool(X, Part, 3),
    "MaxPool": lambda X, Part: geometric.global_max_pool(X, Part, 3),
}


@pytest.mark.parametrize("name", POOLS)
def test_nodes_of_many_graphs_are_pooled(name):
    agree(f"{POOL}Y = graph.{name}(X, Part, g=3)", {"X": X, "Part": PART}, POOLS[name])


def test_pooling_with_attention():
    def meant(X, Part, A, C):
        made = geometric.AttentionalAggregation(torch.nn.Linear(3, 1))
        state = {"gate_nn.weight": A[None], "gate_nn.bias": C[None]}
        return functional_call(made, state, (X, Part), {"dim_size": 3})

    agree(POOL + "Y = graph.AttentionPool(X, Part, g=3)", {"X": X, "Part": PART}, meant)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_the_best_nodes_are_kept(share):
    text = f"{POOL}Y = graph.TopK(X, Part, g=3, share={share})\nKeep[n] = Y.Keep[n]\noutput Y, Keep"
    program = tl.compile(text)
    made = geometric.TopKPooling(3, ratio=share)
    made.select.weight.data = program.state_dict()["Y.A"][None]
    index = torch.empty(2, 0, dtype=torch.int64)
    wanted, _, _, _, kept, _ = made(X, index, batch=PART)
    found = program(X=X, Part=PART)
    assert set(found["Keep"].nonzero().flatten().tolist()) == set(kept.tolist())
    torch.testing.assert_close(found["Y"][kept], wanted)
    assert not found["Y"][~found["Keep"].bool()].any()
