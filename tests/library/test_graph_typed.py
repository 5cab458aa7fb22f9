"""Layers for edges of several kinds against PyTorch Geometric with the same weights, and in any order of the nodes."""

from __future__ import annotations

import pytest
import torch
from graphs import drawn, permuted, random_edges, same_on_pairs
from torch.func import functional_call
from torch_geometric import nn as geometric
from written_out import agree

import tensorlang as tl

HEAD = "import graph_typed\ninput X[n,i]\nrelation Edge(r,n,n')\ndim i = 4, r = 3\n"
EDGE = random_edges(3, 6, seed=5, density=0.25)
TYPE = torch.tensor([0, 0, 1, 1, 1, 0])
X = drawn(6, 4)


def typed_index(Edge):
    """The columns of all kinds of edges, from n' to n, and their kinds."""
    kind, reader, read = Edge.nonzero().unbind(-1)
    return torch.stack([read, reader]), kind


def rgcn(X, Edge, W, U, B):
    state = {"weight": W.transpose(1, 2), "root": U.T, "bias": B}
    return functional_call(geometric.RGCNConv(4, 5, 3), state, (X, *typed_index(Edge)))


def rgcn_basis(X, Edge, C, V, U, B):
    state = {"weight": V.transpose(1, 2).contiguous(), "comp": C, "root": U.T, "bias": B}
    return functional_call(geometric.RGCNConv(4, 5, 3, num_bases=2), state, (X, *typed_index(Edge)))


def rgat(X, Edge, W, Q, K, B):
    state = {"weight": W.permute(0, 3, 1, 2).flatten(2), "q": Q.flatten(1).T, "k": K.flatten(1).T, "bias": B.flatten()}
    return functional_call(geometric.RGATConv(4, 5, 3, heads=2), state, (X, *typed_index(Edge)))


LAYERS = {
    "RGCN(X, Edge, o=5)": rgcn,
    "RGCNBasis(X, Edge, b=2, o=5)": rgcn_basis,
    "RGAT(X, Edge, k=2, o=5)": rgat,
}


@pytest.mark.parametrize("call", LAYERS)
def test_a_layer_is_that_of_pytorch_geometric(call):
    agree(f"{HEAD}Y = graph_typed.{call}", {"X": X, "Edge": EDGE}, LAYERS[call])


def hgt(X, Type, Edge, **p):
    """There the nodes of each kind have a table of their own, and an edge's kind says the kinds of its ends."""
    here = [Type == t for t in range(2)]
    place = torch.stack([mine.cumsum(0) - 1 for mine in here])[Type, torch.arange(len(Type))]
    kinds = [(str(a), str(r), str(b)) for r in range(3) for a in range(2) for b in range(2)]
    index = {}
    for a, r, b in kinds:
        edges = Edge[int(r)] & here[int(b)][:, None] & here[int(a)][None]
        reader, read = edges.nonzero().unbind(-1)
        index[a, r, b] = torch.stack([place[read], place[reader]])
    state = {}
    for t in range(2):
        state[f"kqv_lin.lins.{t}.weight"] = torch.cat([p[f"W{x}"][t].flatten(0, 1) for x in "KQV"])
        state[f"kqv_lin.lins.{t}.bias"] = torch.cat([p[f"B{x}"][t].flatten() for x in "KQV"])
        state[f"out_lin.lins.{t}.weight"] = p["WO"][t].flatten(1)
        state[f"out_lin.lins.{t}.bias"] = p["BO"][t]
        state[f"skip.{t}"] = p["Skip"][t].reshape(1)
    of = [int(r) for _, r, _ in kinds]
    state["k_rel.weight"] = p["A"][of].transpose(0, 1).flatten(0, 1)
    state["v_rel.weight"] = p["V"][of].transpose(0, 1).flatten(0, 1)
    state |= {f"p_rel.{'__'.join(kind)}": p["P"][int(kind[1])][None] for kind in kinds}
    made = geometric.HGTConv(4, 4, (["0", "1"], kinds), heads=2)
    assert set(made.state_dict()) == set(state)
    given = {str(t): X[here[t]] for t in range(2)}
    result = functional_call(made, state, (given, index))
    return torch.stack([result[str(int(t))][k] for t, k in zip(Type, place, strict=True)])


HETERO = HEAD + "input Type[n] in t\ndim t = 2\nY = graph_typed.HGT(X, Type, Edge, types=2, k=2, o=2)"


def test_a_transformer_for_kinds_of_nodes_is_that_of_pytorch_geometric():
    agree(HETERO, {"X": X, "Type": TYPE, "Edge": EDGE}, hgt)


@pytest.mark.parametrize("call", LAYERS)
def test_a_layer_on_pairs_is_the_same(call):
    same_on_pairs(f"{HEAD}Y = graph_typed.{call}", EDGE, X=X.clone())


def test_a_transformer_on_pairs_is_the_same():
    same_on_pairs(HETERO, EDGE, X=X.clone(), Type=TYPE)


@pytest.mark.parametrize("call", [*LAYERS, "HGT"])
def test_the_order_of_nodes_does_not_matter(call):
    program = tl.compile(HETERO if call == "HGT" else f"{HEAD}Y = graph_typed.{call}")
    order = torch.tensor([3, 1, 0, 5, 2, 4])
    types = {"Type": TYPE} if call == "HGT" else {}
    wanted = program(X=X, Edge=EDGE, **types)["Y"][order]
    types = {name: value[order] for name, value in types.items()}
    found = program(X=X[order], Edge=permuted(EDGE, order), **types)["Y"]
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
