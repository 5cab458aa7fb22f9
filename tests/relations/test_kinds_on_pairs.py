"""A relation of three places on pairs: two nodes may be joined by edges of several kinds, each with its own value."""

from __future__ import annotations

import pytest
import torch

import tensorlang as tl

EVERY = torch.ones(2, 4, 4, dtype=torch.bool)
SOME = torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(1)) < 0.4
EQUATIONS = [
    "Y[n',d] = Edge(r,n,n') W[r,n] H[n,d]",
    "Y[r,n,n'] = H[n,d] H[n',d] where Edge(r,n,n')",
    "Y[r,n,n'] = W[r,n] H[n,d] H[n',d] where Edge(r,n,n')",
    "S[r,n,n'] = H[n,d] H[n',d] where Edge(r,n,n')\nY[n,d] = S[r,n,n'] H[n',d]",
]


@pytest.mark.parametrize("edges", [EVERY, SOME], ids=["every", "some"])
@pytest.mark.parametrize("equations", EQUATIONS)
def test_values_and_gradients_are_those_of_the_table(equations, edges):
    program = tl.compile(f"input H[n,d], W[r,n]\nrelation Edge(r,n,n')\n{equations}\noutput Y\nZ = W[r,n] H[n,d]\n")
    generator = torch.Generator().manual_seed(0)
    given = {"H": torch.randn(4, 3, generator=generator), "W": torch.randn(2, 4, generator=generator)}
    given = {name: value.requires_grad_() for name, value in given.items()}
    tables = (edges, tl.pairs(edges.nonzero().T, edges.shape))
    results = [program(Edge=table, **given)["Y"].to_dense() for table in tables]
    torch.testing.assert_close(*results)
    slope = torch.randn(results[0].shape, generator=generator)
    found = [torch.autograd.grad((y * slope).sum(), list(given.values()), allow_unused=True) for y in results]
    torch.testing.assert_close(*found)
