"""Row 11: the memory of a program with large intermediates: 400 gated positions of 64 x 128, gradient included."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

import tensorlang as tl
from benchmarks.allocation import held, peak
from benchmarks.networks import require_equal
from benchmarks.record import Row, Settings

PROGRAM = """
input X[b,t,i]
dim b = 64, t = 400, i = 128
param W[i,i'], V[i,i']
output Y
Z[b,t,i] = sig(W[i,i'] H[b,t-1,i'] + X[b,t,i])
N[b,t,i] = sin(V[i,i'] H[b,t-1,i'] + X[b,t,i])
H[b,t,i] = (1 - Z[b,t,i]) H[b,t-1,i] + Z[b,t,i] N[b,t,i]
Y = H[b,-1,i]^2
"""
BUDGET = 32 << 20


def by_hand(w: Tensor, v: Tensor, x: Tensor) -> Tensor:
    """The same recurrence in eager PyTorch."""
    h = torch.zeros_like(x[:, 0])
    for now in x.unbind(1):
        z = torch.sigmoid(h @ w.T + now)
        n = torch.sin(h @ v.T + now)
        h = (1 - z) * h + z * n
    return h.square().sum()


def _gradient(loss: Callable[[], Tensor], weights: list[Tensor]) -> Tensor:
    return torch.autograd.grad(loss(), weights)[0]


def measure(settings: Settings) -> Iterator[Row]:
    x = torch.randn(64, 400, 128) / 4
    plain, cut = tl.compile(PROGRAM), tl.compile(PROGRAM, memory_budget=BUDGET)
    cut.load_state_dict(plain.state_dict())
    weights = [[module.W, module.V] for module in (plain, cut)]
    losses = [lambda: plain(X=x)["Y"], lambda: cut(X=x)["Y"], lambda: by_hand(plain.W, plain.V, x)]
    steps = [lambda: _gradient(losses[0], weights[0]), lambda: _gradient(losses[1], weights[1])]
    steps.append(lambda: _gradient(losses[2], weights[0]))
    results = [step() for step in steps]
    require_equal(results[0], results[2], "gradients")
    require_equal(results[1], results[2], "gradients within a budget")
    ours, within, theirs = (float(peak(step)) for step in steps)
    name = "gated recurrence of 400 positions, memory"
    yield Row(11, f"{name}, peak of a training step", ours, 1.0, "eager PyTorch", theirs, ours / theirs, "B")
    yield Row(11, f"{name}, the same with a budget", within, 1.0, "eager PyTorch", theirs, within / theirs, "B")
    yield Row(11, f"{name}, kept for the gradient with a budget", float(held(losses[1])), float(BUDGET), unit="B")
