"""Row 6: equations whose written form is not the cheap one, against torch line by line, and against the cheap form.

The first peer is what the formula says, read from left to right; the second is what one derives by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

import tensorlang as tl
from benchmarks.networks import require_equal
from benchmarks.record import Row, Settings
from benchmarks.timing import in_turn

WRITTEN, DERIVED = 0.5, 1.1
ROUND = 0.02
Form = Callable[..., Tensor | tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """A program, its formula in torch as written and as derived; both take the program's inputs in order."""

    name: str
    program: str
    written: Form
    derived: Form
    shapes: tuple[tuple[int, ...], ...]


CASES = (
    Case(
        "chain of matrices and a vector, A B C x",
        "dim i = 1024, j = 1024, k = 1024, l = 1024\ninput A[i,j], B[j,k], C[k,l], x[l]\n"
        "Y[i] = A[i,j] B[j,k] C[k,l] x[l]\n",
        lambda a, b, c, x: a @ b @ c @ x,
        lambda a, b, c, x: a @ (b @ (c @ x)),
        ((1024, 1024), (1024, 1024), (1024, 1024), (1024,)),
    ),
    Case(
        "trace(A B C)",
        "dim i = 1024, j = 128, k = 128\ninput A[i,j], B[j,k], C[k,i]\nM[i,i'] = A[i,j] B[j,k] C[k,i']\nY = M[i,i]\n",
        lambda a, b, c: torch.trace(a @ b @ c),
        lambda a, b, c: (b * (c @ a).t()).sum(),
        ((1024, 128), (128, 128), (128, 1024)),
    ),
    Case(
        "low-rank product, (U V') X",
        "dim i = 1024, j = 1024, r = 16, b = 256\ninput U[i,r], V[j,r], X[b,j]\n"
        "W[i,j] = U[i,r] V[j,r]\nY[b,i] = W[i,j] X[b,j]\n",
        lambda u, v, x: x @ (u @ v.t()).t(),
        lambda u, v, x: x @ v @ u.t(),
        ((1024, 16), (1024, 16), (256, 1024)),
    ),
    Case(
        "Kronecker product and a vector",
        "dim i = 96, j = 96, k = 96, l = 96\ninput A[i,j], B[k,l], X[j,l]\n"
        "K[i,k,j,l] = A[i,j] B[k,l]\nY[i,k] = K[i,k,j,l] X[j,l]\n",
        lambda a, b, x: (torch.kron(a, b) @ x.flatten()).view(96, 96),
        lambda a, b, x: a @ x @ b.t(),
        ((96, 96), (96, 96), (96, 96)),
    ),
    Case(
        "diagonal scaling, diag(s) A diag(u)",
        "dim i = 1024, j = 1024\ninput A[i,j], S[i], U[j]\n"
        "D[i,i] = S[i]\nE[j,j] = U[j]\nY[i,j] = D[i,i'] A[i',j'] E[j',j]\n",
        lambda a, s, u: torch.diag(s) @ a @ torch.diag(u),
        lambda a, s, u: s.unsqueeze(1) * a * u,
        ((1024, 1024), (1024,), (1024,)),
    ),
    Case(
        "common factor, A B + A C",
        "dim i = 4096, j = 64, k = 256\ninput A[i,j], B[j,k], C[j,k]\nY[i,k] = A[i,j] B[j,k] + A[i,j] C[j,k]\n",
        lambda a, b, c: a @ b + a @ c,
        lambda a, b, c: a @ (b + c),
        ((4096, 64), (64, 256), (64, 256)),
    ),
    Case(
        "attention without softmax, (Q K') V",
        "dim t = 1024, s = 1024, d = 64, e = 64\ninput Q[b,t,d], K[b,s,d], V[b,s,e]\n"
        "A[b,t,s] = Q[b,t,d] K[b,s,d]\nY[b,t,e] = A[b,t,s] V[b,s,e]\n",
        lambda q, k, v: (q @ k.transpose(1, 2)) @ v,
        lambda q, k, v: q @ (k.transpose(1, 2) @ v),
        ((8, 1024, 64), (8, 1024, 64), (8, 1024, 64)),
    ),
    Case(
        "squared distances of all pairs",
        "dim n = 512, m = 512, i = 64\ninput X[n,i], Z[m,i]\nY[n,m] = (X[n,i] - Z[m,i])^2\n",
        lambda x, z: (x.unsqueeze(1) - z).square().sum(-1),
        lambda x, z: x.square().sum(1, keepdim=True) + z.square().sum(1) - 2 * (x @ z.t()),
        ((512, 64), (512, 64)),
    ),
    Case(
        "a sum pushed through products, (A B C) 1",
        "dim i = 1024, j = 1024, k = 1024, l = 256\ninput A[i,j], B[j,k], C[k,l]\n"
        "M[i,l] = A[i,j] B[j,k] C[k,l]\nY[i] = M[i,l]\n",
        lambda a, b, c: (a @ b @ c).sum(1),
        lambda a, b, c: a @ (b @ c.sum(1)),
        ((1024, 1024), (1024, 1024), (1024, 256)),
    ),
    Case(
        "a product that three equations share, A B C, A B D, A B E",
        "dim i = 128, j = 4096, k = 128, l = 128\ninput A[i,j], B[j,k], C[k,l], D[k,l], E[k,l]\n"
        "X[i,l] = A[i,j] B[j,k] C[k,l]\nY[i,l] = A[i,j] B[j,k] D[k,l]\nZ[i,l] = A[i,j] B[j,k] E[k,l]\n",
        lambda a, b, c, d, e: (a @ b @ c, a @ b @ d, a @ b @ e),
        lambda a, b, c, d, e: (lambda ab: (ab @ c, ab @ d, ab @ e))(a @ b),
        ((128, 4096), (4096, 128), (128, 128), (128, 128), (128, 128)),
    ),
)


def measure(settings: Settings) -> Iterator[Row]:
    for case in CASES:
        yield from _rows(case, settings)


def _rows(case: Case, settings: Settings) -> Iterator[Row]:
    """Against the written form, then against the derived one; without gradients."""
    program = tl.compile(case.program)
    values = [torch.randn(shape) for shape in case.shapes]
    given = dict(zip(program.inputs, values, strict=True))
    peers = (("as written", case.written, WRITTEN), ("derived by hand", case.derived, DERIVED))
    with torch.no_grad():
        for name, form, goal in peers:
            results = form(*values)
            for ours, theirs in zip(program(**given).values(), _tuple(results), strict=True):
                require_equal(ours, theirs, case.name)
            times = in_turn(lambda: program(**given), lambda form=form: form(*values), settings.repeat, ROUND)
            yield Row(6, case.name, times[0], goal, name, times[1], times[2])


def _tuple(results: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (results,) if isinstance(results, Tensor) else results
