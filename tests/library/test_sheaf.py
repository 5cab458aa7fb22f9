"""Sheaf layers against sums over edges one by one; with maps that are the identity, against the graph's Laplacian."""

from __future__ import annotations

import pytest
import torch
from graphs import drawn, permuted, same_on_pairs, symmetric_edges
from torch.nn import functional
from written_out import agree

import tensorlang as tl

EDGE = symmetric_edges(6, seed=3, density=0.5)
DEGREE = EDGE.sum(1)
X = drawn(6, 2, 3)
HEAD = "import sheaf\ninput X[n,a,f]\nrelation Edge(n,n')\ndim a = 2, f = 3\n"
MAPS = HEAD + "input Own[n,n',b,a], Other[n,n',b,a]\nY = sheaf.Laplacian(X, Own, Other, Edge)"


def laplacian(X, Own, Other, Edge):
    rows = []
    for n in range(len(X)):
        gaps = [Own[n, m].T @ (Own[n, m] @ X[n] - Other[n, m] @ X[m]) for m in range(len(X)) if Edge[n, m]]
        rows.append(sum(gaps, torch.zeros_like(X[n])))
    return torch.stack(rows)


def test_the_laplacian():
    own = drawn(6, 6, 4, 2, seed=1)
    agree(MAPS, {"X": X, "Own": own, "Other": own.transpose(0, 1).contiguous(), "Edge": EDGE}, laplacian)


def test_with_maps_that_change_nothing_it_is_that_of_the_graph():
    same = torch.eye(2).expand(6, 6, 2, 2)
    found = tl.compile(MAPS)(X=X, Own=same, Other=same, Edge=EDGE)["Y"]
    wanted = torch.kron(torch.diag(DEGREE) - EDGE.float(), torch.eye(2)) @ X.flatten(0, 1)
    torch.testing.assert_close(found.flatten(0, 1), wanted)


def test_it_is_symmetric_and_takes_nothing_below_0():
    own = drawn(6, 6, 2, 2, seed=1)
    program = tl.compile(MAPS.replace("f = 3", "f = 12"))
    unit = torch.eye(12).reshape(6, 2, 12)
    matrix = program(X=unit, Own=own, Other=own.transpose(0, 1), Edge=EDGE)["Y"].reshape(12, 12)
    torch.testing.assert_close(matrix, matrix.T)
    assert torch.linalg.eigvalsh(matrix).min() > -1e-5


def moved(X, L, scale):
    return X - functional.elu(L * scale)


def mixed(X, W1, W2):
    return torch.einsum("ac,ncg,gf->naf", W1, X, W2)


def general(X, Edge, P, Q, W1, W2):
    here, there = (torch.einsum("bacf,ncf->nba", p, X) for p in (P, Q))
    own = torch.tanh(here[:, None] + there[None])
    step = laplacian(mixed(X, W1, W2), own, own.transpose(0, 1), Edge)
    return moved(X, step, 1 / Edge.sum(1).clamp(min=1)[:, None, None])


def diagonal(X, Edge, P, Q, W1, W2):
    here, there = (torch.einsum("acf,ncf->na", p, X) for p in (P, Q))
    own = torch.diag_embed(torch.tanh(here[:, None] + there[None])) * Edge[..., None, None]
    root = (1e-6 + own.square().sum((1, 3))).rsqrt()[..., None]
    step = laplacian(root * mixed(X, W1, W2), own, own.transpose(0, 1), Edge)
    return moved(X, step, root)


def orthogonal(X, Edge, P, Q, W1, W2):
    here, there = (torch.einsum("acf,ncf->na", p, X) for p in (P, Q))
    normal = functional.normalize(here[:, None] + there[None], dim=-1)
    own = torch.eye(2) - 2 * normal[..., :, None] * normal[..., None, :]
    torch.testing.assert_close(own @ own.mT, torch.eye(2).expand_as(own))
    step = laplacian(mixed(X, W1, W2), own, own.transpose(0, 1), Edge)
    return moved(X, step, 1 / Edge.sum(1).clamp(min=1)[:, None, None])


LAYERS = {"General(X, Edge)": general, "Diagonal(X, Edge)": diagonal, "Orthogonal(X, Edge)": orthogonal}


@pytest.mark.parametrize("call", LAYERS)
def test_layers(call):
    agree(f"{HEAD}Y = sheaf.{call}", {"X": X, "Edge": EDGE}, LAYERS[call])


@pytest.mark.parametrize("call", LAYERS)
def test_a_layer_on_pairs_is_the_same(call):
    same_on_pairs(f"{HEAD}Y = sheaf.{call}", EDGE, X=X.clone())


@pytest.mark.parametrize("call", LAYERS)
def test_the_order_of_nodes_does_not_matter(call):
    program, order = tl.compile(f"{HEAD}Y = sheaf.{call}"), torch.tensor([3, 1, 0, 5, 2, 4])
    moved = program(X=X[order], Edge=permuted(EDGE, order))["Y"]
    torch.testing.assert_close(moved, program(X=X, Edge=EDGE)["Y"][order], rtol=0, atol=1e-5)


def test_a_connection():
    """Frames that are turned at each node: what is the same in all of them is at rest."""
    angle = drawn(6, seed=5)
    frame = torch.stack([torch.stack([angle.cos(), -angle.sin()], -1), torch.stack([angle.sin(), angle.cos()], -1)], -2)
    transport = frame[:, None] @ frame[None].mT
    text = HEAD + "input O[n,n',a,a']\nY = sheaf.Connection(X, O, Edge, step=0.5)"

    def meant(X, Edge, O):  # noqa: E741
        sent = torch.einsum("nmac,mcf,nm->naf", O, X, Edge.float())
        near = Edge.sum(1)[:, None, None]
        return torch.where(near > 0, X - 0.5 * (X - sent / near.clamp(min=1)), X)

    agree(text, {"X": X, "Edge": EDGE, "O": transport}, meant)
    rest = frame @ drawn(2, 3, seed=9)
    torch.testing.assert_close(tl.compile(text)(X=rest, Edge=EDGE, O=transport)["Y"], rest, rtol=0, atol=1e-5)
