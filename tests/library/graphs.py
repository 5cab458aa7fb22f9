"""Random graphs for the tests of the library, as tables of truth values."""

from __future__ import annotations

import torch


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
