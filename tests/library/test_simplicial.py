"""Layers on simplices against matrices, PyTorch Geometric's hypergraph layer, and the boundary of a boundary."""

from __future__ import annotations

from itertools import combinations

import torch
from graphs import drawn, symmetric_edges
from torch.nn import functional
from torch_geometric import nn as geometric
from written_out import agree

import tensorlang as tl

NEAR = symmetric_edges(7, seed=4, density=0.6)
EDGES = [pair for pair in combinations(range(7), 2) if NEAR[pair]]
TRIANGLES = [t for t in combinations(range(7), 3) if all(NEAR[pair] for pair in combinations(t, 2))]
X = drawn(7, 3)


def incidence(simplices):
    table = torch.zeros(7, len(simplices), dtype=torch.bool)
    for at, nodes in enumerate(simplices):
        table[list(nodes), at] = True
    return table


def walk(In):
    table = In.float()
    root = torch.where(In.any(1), table.sum(1).clamp(min=1).rsqrt(), 0.0)
    return root[:, None] * (table / table.sum(0)) @ table.T * root


def test_a_walk_to_simplices_and_back():
    """The layer of PyTorch Geometric divides by the degree on one side only."""
    run = tl.function("import simplicial\ninput X[n,i]\nrelation In(n,s)\nY = simplicial.Petal(X, In)\noutput Y")
    table = incidence(EDGES + TRIANGLES)
    made = geometric.HypergraphConv(3, 3, bias=False)
    made.lin.weight.data = torch.eye(3)
    degree = table.sum(1, keepdim=True).clamp(min=1)
    wanted = degree.sqrt() * made(X / degree.sqrt(), table.nonzero().T)
    torch.testing.assert_close(run(X, table), wanted)


def filtered(X, In, W, C, G):
    first = X @ W.T + C
    return sum(g * torch.linalg.matrix_power(walk(In), k) @ first for k, g in enumerate(G))


def test_filters():
    def meant(X, Edge, Triangle, W, U, B, **p):
        parts = {x: {name[2:]: value for name, value in p.items() if name.startswith(x)} for x in "ET"}
        edges, triangles = filtered(X, Edge, **parts["E"]), filtered(X, Triangle, **parts["T"])
        return functional.relu(edges) @ W.T + functional.relu(triangles) @ U.T + B

    text = "import simplicial\ninput X[n,i]\nrelation Edge(n,e), Triangle(n,t)\ndim i = 3\n"
    text += "Y = simplicial.HiGCN(X, Edge, Triangle, steps=3, h=4, o=2)"
    given = {"X": X, "Edge": incidence(EDGES), "Triangle": incidence(TRIANGLES)}
    agree(text, given, lambda **all: meant(**{name.replace(".", "_"): value for name, value in all.items()}))
    program, order = tl.compile(text), torch.tensor([3, 1, 6, 0, 5, 2, 4])
    moved = program(X=X[order], Edge=given["Edge"][order], Triangle=given["Triangle"][order])["Y"]
    torch.testing.assert_close(moved, program(**given)["Y"][order], rtol=0, atol=1e-5)


def boundaries():
    down, up = torch.zeros(7, len(EDGES)), torch.zeros(len(EDGES), len(TRIANGLES))
    for at, (a, b) in enumerate(EDGES):
        down[a, at], down[b, at] = -1, 1
    for at, (a, b, c) in enumerate(TRIANGLES):
        for edge, sign in (((b, c), 1), ((a, c), -1), ((a, b), 1)):
            up[EDGES.index(edge), at] = sign
    return down, up


def test_flows_on_edges():
    down, up = boundaries()
    assert len(TRIANGLES) > 2
    assert not (down @ up).any()

    def meant(X, Down, Up, W, U, V, B):
        return X @ W.T + Down.T @ Down @ X @ U.T + Up @ Up.T @ X @ V.T + B

    text = "import simplicial\ninput X[e,i], Down[n,e], Up[e,t]\ndim i = 3\nY = simplicial.Hodge(X, Down, Up, o=2)"
    agree(text, {"X": drawn(len(EDGES), 3), "Down": down, "Up": up}, meant)
