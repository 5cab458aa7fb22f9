"""Random graphs for the tests of the library, as tables of truth values."""

from __future__ import annotations

import warnings

import torch

import tensorlang as tl


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def random_edges(*shape: int, seed: int = 0, density: float = 0.35) -> torch.Tensor:
    """Edge(..., n, n') without loops; ``random_edges(7)`` has one axis for n and n', its second node reads none."""
    shape = (*shape, shape[-1])
    edges = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < density
    edges &= ~torch.eye(shape[-1], dtype=torch.bool)
    edges[..., 1, :] = False
    return edges


def symmetric_edges(count: int, seed: int = 0, density: float = 0.35) -> torch.Tensor:
    """A graph without directions and loops."""
    half = torch.rand(count, count, generator=torch.Generator().manual_seed(seed)) < density
    half = half.triu(1)
    return half | half.T


def edge_index(edges: torch.Tensor) -> torch.Tensor:
    """PyTorch Geometric's columns of an Edge(n,n'): from n' to n, in the order of ``table[edges]``."""
    reader, read = edges.nonzero().unbind(-1)
    return torch.stack([read, reader])


def permuted(edges: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    return edges[..., order, :][..., order]


def same_on_pairs(text: str, edges: torch.Tensor, **inputs: torch.Tensor) -> None:
    """What a program makes of a relation Edge is the same over its pairs, without a table of them; so are gradients."""
    program = tl.compile(text)
    index = tl.pairs(edges.nonzero().T, edges.shape)
    given = {name: value.requires_grad_(value.is_floating_point()) for name, value in inputs.items()}
    wanted = program(Edge=edges, **given)["Y"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Sparse CSR")
        found = program(Edge=index, **given)["Y"]
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    leaves = [*program.parameters(), *(value for value in given.values() if value.requires_grad)]
    weight = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(6))
    one = torch.autograd.grad((found * weight).sum(), leaves, allow_unused=True)
    other = torch.autograd.grad((wanted * weight).sum(), leaves, allow_unused=True)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-4)
