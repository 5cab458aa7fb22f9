"""Layers that are solutions of equations: equal to direct solvers and to long iteration, with the same gradients."""

from __future__ import annotations

import pytest
import torch

import tensorlang as tl


def rand(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def graph(n, seed=0):
    """A graph without directions, its last node without edges."""
    edges = (torch.rand(n, n, generator=torch.Generator().manual_seed(seed)) < 0.3).float().triu(1)
    edges[:, -1] = 0
    return edges + edges.T


def same_gradients(ours, theirs, mine, others):
    weight = rand(*ours.shape, seed=9)
    found = torch.autograd.grad((ours * weight).sum(), mine)
    wanted = torch.autograd.grad((theirs * weight.to(theirs.dtype)).sum(), others)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))


def bounded(w):
    return 0.9 * w / w.abs().sum(1, keepdim=True).clamp(min=1)


def iterated(step, start, steps=600):
    z = start
    for _ in range(steps):
        z = step(z)
    return z


@pytest.mark.parametrize(("name", "function"), [("DEQ", torch.tanh), ("ReluDEQ", torch.relu)])
@pytest.mark.parametrize("scale", [0.3, 30.0])
def test_deep_equilibrium(name, function, scale):
    """Also with weights that would run away, were their rows not bounded."""
    program = tl.compile(f"import implicit\ninput X[b,t,i]\nZ = implicit.{name}(X, h=12)\noutput Z\n")
    x = rand(3, 2, 5).requires_grad_()
    program(X=x)
    with torch.no_grad():
        program.Z.W.copy_(scale * rand(12, 12, seed=1))
        program.Z.B.copy_(rand(12, seed=2))
    mine = [x, program.Z.W, program.Z.U, program.Z.B]
    others = [value.detach().double().requires_grad_() for value in mine]
    x2, w, u, b = others
    ours = program(X=x)["Z"]
    theirs = iterated(lambda z: function(z @ bounded(w).T + x2 @ u.T + b), torch.zeros(3, 2, 12, dtype=torch.float64))
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-4)
    same_gradients(ours, theirs, mine, others)


def test_implicit_graph_network():
    program = tl.compile("import implicit\ninput X[n,i], Adj[n,n']\nZ = implicit.GraphDEQ(X, Adj, h=6)\noutput Z\n")
    x, adj = rand(10, 4).requires_grad_(), graph(10)
    program(X=x, Adj=adj)
    mine = [x, program.Z.W, program.Z.U, program.Z.B]
    others = [value.detach().double().requires_grad_() for value in mine]
    x2, w, u, b = others
    mean = (adj / adj.sum(1, keepdim=True).clamp(min=1e-12)).double()
    ours = program(X=x, Adj=adj)["Z"]
    theirs = iterated(lambda z: torch.relu(mean @ z @ bounded(w).T + x2 @ u.T + b), torch.zeros(10, 6).double())
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)
    same_gradients(ours, theirs, mine, others)


@pytest.mark.parametrize("teleport", [0.1, 0.5])
def test_propagation_is_the_direct_solution(teleport):
    text = f"import implicit\ninput X[n,d], Adj[n,n']\nZ = implicit.Propagate(X, Adj, teleport={teleport})\noutput Z\n"
    x, adj = rand(15, 3).requires_grad_(), graph(15, 4).requires_grad_()
    x2, adj2 = x.detach().double().requires_grad_(), adj.detach().double().requires_grad_()
    own = adj2 + torch.eye(15)
    root = own.sum(1).rsqrt()
    m = root[:, None] * own * root
    ours = tl.compile(text)(X=x, Adj=adj)["Z"]
    theirs = teleport * torch.linalg.solve(torch.eye(15) - (1 - teleport) * m, x2)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)
    same_gradients(ours, theirs, [x, adj], [x2, adj2])


def test_pagerank_is_the_direct_solution():
    adj = (rand(12, 12, seed=3) > 0.7).float()
    adj[4] = 0  # a node that leads nowhere
    found = tl.compile("import implicit\ninput Adj[n,n']\nP = implicit.PageRank(Adj)\noutput P\n")(Adj=adj)["P"]
    walk = torch.where(adj.sum(1, keepdim=True) > 0, adj / adj.sum(1, keepdim=True).clamp(min=1e-12), 1 / 12).double()
    wanted = torch.linalg.solve(torch.eye(12) - 0.85 * walk.T, torch.full((12,), 0.15 / 12, dtype=torch.float64))
    torch.testing.assert_close(found.double(), wanted, rtol=0, atol=1e-6)
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)
