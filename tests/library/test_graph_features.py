"""Places of nodes and layers over pairs: against PyTorch Geometric and matrices, in any order of nodes, any basis."""

from __future__ import annotations

import pytest
import torch
from graphs import drawn, edge_index, permuted, symmetric_edges
from torch.nn import functional
from torch_geometric.data import Data
from torch_geometric.transforms import AddRandomWalkPE
from written_out import agree

import tensorlang as tl

EDGE = symmetric_edges(8, seed=2)
ORDER = torch.tensor([3, 1, 6, 0, 5, 2, 4, 7])


def test_random_walks_are_those_of_pytorch_geometric():
    edges = EDGE | EDGE.roll(1, 0).fill_diagonal_(False)  # with directions
    run = tl.function(
        "import graph_features\nrelation Edge(n,n')\nY = graph_features.RandomWalk(Edge, steps=5)\noutput Y"
    )
    index = edge_index(edges).flip(0)  # there from a node to those that a walk goes to
    wanted = AddRandomWalkPE(5)(Data(edge_index=index, num_nodes=8)).random_walk_pe
    torch.testing.assert_close(run(edges), wanted)


def spe(V, L, W1, C1, W2, C2, W3, C3, W4, C4):
    functions = functional.relu(L[:, None] * W1 + C1) @ W2.T + C2  # k x m
    pairs = torch.stack([V @ torch.diag(f) @ V.T for f in functions.T], -1)
    return functional.relu(pairs @ W3.T + C3).mean(1) @ W4.T + C4


def sign_net(V, W1, C1, W2, C2):
    both = sum(functional.relu(sign * V[..., None] * W1 + C1) for sign in (1, -1))
    return torch.einsum("okh,nkh->no", W2, both) + C2


def eigenvectors():
    """Of a ring of eight, whose eigenvalues come in pairs, without the constant one."""
    ring = torch.eye(8).roll(1, 0) + torch.eye(8).roll(-1, 0)
    values, vectors = torch.linalg.eigh(2 * torch.eye(8) - ring)
    values[[1, 3]] = values[[2, 4]]
    return vectors[:, 1:5].contiguous(), values[1:5].contiguous()


SPE = "import graph_features\ninput V[n,k], L[k]\nY = graph_features.SPE(V, L, m=4, h=5, o=3)"
SIGN = "import graph_features\ninput V[n,k]\ndim k = 4\nY = graph_features.SignNet(V, h=5, o=3)"


def test_stable_places():
    vectors, values = eigenvectors()
    agree(SPE, {"V": vectors, "L": values}, spe)
    agree(SIGN, {"V": vectors}, sign_net)


def test_places_are_the_same_in_every_basis():
    vectors, values = eigenvectors()
    turned = torch.block_diag(*(torch.linalg.qr(drawn(2, 2, seed=k)).Q for k in range(2)))
    assert not torch.allclose(vectors @ turned, vectors, atol=0.1)
    program = tl.compile(SPE)
    wanted = program(V=vectors, L=values)["Y"]
    torch.testing.assert_close(program(V=vectors @ turned, L=values)["Y"], wanted, rtol=0, atol=1e-5)
    torch.testing.assert_close(program(V=vectors[ORDER], L=values)["Y"], wanted[ORDER], rtol=0, atol=1e-5)
    program, signs = tl.compile(SIGN), torch.tensor([1.0, -1, -1, 1])
    torch.testing.assert_close(program(V=vectors * signs)["Y"], program(V=vectors)["Y"], rtol=0, atol=1e-5)


# --- layers over pairs ---------------------------------------------------------------------------------------------


def ppgn(T, W1, C1, W2, C2, W3, W4, C3):
    left, right = functional.relu(T @ W1.T + C1), functional.relu(T @ W2.T + C2)
    both = (left.permute(2, 0, 1) @ right.permute(2, 0, 1)).permute(1, 2, 0)
    return torch.cat([T, both], -1) @ torch.cat([W3, W4], 1).T + C3


PPGN = "import graph_features\ninput T[n,n',i]\ndim i = 3\nY = graph_features.PPGN(T, h=5, o=4)"


def test_a_layer_over_pairs():
    pairs = drawn(6, 6, 3)
    agree(PPGN, {"T": pairs}, ppgn)
    program, order = tl.compile(PPGN), torch.tensor([3, 1, 0, 5, 2, 4])
    moved = program(T=pairs[order][:, order])["Y"]
    torch.testing.assert_close(moved, program(T=pairs)["Y"][order][:, order], rtol=0, atol=1e-5)


def test_pairs_to_begin_with():
    head = "import graph_features\ninput X[n,i]\nrelation Edge(n,n')\ndim i = 2\n"
    text = f"{head}Y = graph_features.Pairs(X, Edge)\noutput Y"
    x = drawn(8, 2)
    found = tl.compile(text)(X=x, Edge=EDGE)["Y"]
    torch.testing.assert_close(found[..., 0], EDGE.float())
    torch.testing.assert_close(found[..., 1:], torch.diag_embed(x.T).permute(1, 2, 0))


def polynomials(A):
    two, degree = A @ A, A.sum(1)
    parts = [A, two, two @ A, A * two, torch.diag(degree), torch.diag(torch.diagonal(two @ A)),
             degree[:, None] * A * degree]  # fmt: skip
    return torch.stack(parts, -1)


def test_polynomials():
    text = "import graph_features\ninput A[n,n']\nY = graph_features.Polynomials(A)"
    table = EDGE * drawn(8, 8).abs()
    table = table + table.T
    agree(text, {"A": table}, polynomials)
    run = tl.function(f"{text}\noutput Y")
    torch.testing.assert_close(run(permuted(table, ORDER)), run(table)[ORDER][:, ORDER])


@pytest.mark.parametrize("walk", [True, False])
def test_what_neighbours_alone_do_not_see(walk):
    """Two triangles and a ring of six look the same to message passing; triangles and returns tell them apart."""
    ring = torch.eye(6).roll(1, 0) + torch.eye(6).roll(-1, 0)
    triangles = torch.block_diag(1 - torch.eye(3), 1 - torch.eye(3))
    call = "RandomWalk(A, steps=3)" if walk else "Polynomials(A)"
    run = tl.function(f"import graph_features\ninput A[n,n']\nY = graph_features.{call}\noutput Y")
    assert not torch.allclose(run(ring).sum((0, 1)), run(triangles).sum((0, 1)))
