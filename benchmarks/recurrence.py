"""Row 7: linear recurrences of 4096 positions and 64 channels, with matrices, and as best paths; and of any length.

Peers: the loop that one writes by hand, and torch's associative scan, which on the CPU runs in its ``generic`` mode. A
gated recurrent unit by Newton's method is compared with the same program as a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat

import torch
from torch import Tensor
from torch._higher_order_ops.associative_scan import associative_scan

import tensorlang as tl
from benchmarks.networks import Network, both
from benchmarks.record import Row, Settings
from benchmarks.timing import in_turn

CHANNELS = "param A[t,c]\ninput X[t,c]\ndim t = 4096, c = 64\nH[t,c] = A[t,c] H[t-1,c] + X[t,c]\n"
MATRICES = """
dim t = 4096, c = 8, i = 4, j = 4
input X[t,c,i]
param A[t,c,i,j]
H[t,c,i] = A[t,c,i,j] H[t-1,c,j] + X[t,c,i]
"""
BEST = "param A[i,j]\ninput X[t,i]\ndim t = 4096, i = 4, j = 4\nH[t,i] max= A[i,j] + H[t-1,j] + X[t,i]\n"
UNIT = "import recurrent\ninput X[b,t,i]\ndim t = 2048, i = 8\nH = recurrent.GRU(X, h=8)\nscan H method {method}\n"
PLAIN = "input A[t], X[t]\nH[t] = A[t] H[t-1] + X[t]\n"


def by_hand(step: Callable[[Tensor, Tensor, Tensor], Tensor], a: Tensor) -> Network:
    """One position after the other; coefficients for each position, or the same for all."""

    def run(x: Tensor) -> Tensor:
        h = torch.zeros_like(x[0])
        states = []
        for now, given in zip(a if len(a) == len(x) else repeat(a), x, strict=False):
            h = step(now, h, given)
            states.append(h)
        return torch.stack(states)

    return run


def library(a: Tensor) -> Network:
    """Torch's associative scan over pairs of a product and a state."""

    def joined(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return left[0] * right[0], right[0] * left[1] + right[1]

    def run(x: Tensor) -> Tensor:
        states: Tensor = associative_scan(joined, (a, x), 0, combine_mode="generic")[1]
        return states

    return run


def program(text: str, scale: float) -> tuple[Network, Tensor]:
    """A program as a function of its input, and its parameter, filled."""
    made = tl.compile(text)
    (a,) = made.parameters()
    with torch.no_grad():
        a.copy_(torch.rand_like(a).mul(64).round() * scale / 64)
    return lambda x: made(X=x)["H"], a


def measure(settings: Settings) -> Iterator[Row]:
    ours, a = program(CHANNELS, 1.0)
    x = torch.randn(4096, 64)
    loop = by_hand(lambda a, h, x: a * h + x, a)
    yield from both(7, "linear recurrence, 4096 x 64", "a loop", 0.05, (ours, loop), x, settings)
    peer = "associative_scan"
    yield from both(7, "linear recurrence, 4096 x 64", peer, 1.0, (ours, library(a)), x, settings)
    ours, a = program(MATRICES, 0.25)
    loop = by_hand(lambda a, h, x: (a @ h.unsqueeze(-1)).squeeze(-1) + x, a)
    name = "linear recurrence, 4096 x 8, matrices 4 x 4"
    yield from both(7, name, "a loop", 1.0, (ours, loop), torch.randn(4096, 8, 4), settings)
    ours, a = program(BEST, 1.0)
    loop = by_hand(lambda a, h, x: (a + h).amax(-1) + x, a)
    x = torch.randint(-128, 128, (4096, 4)) / 64  # exact in all orders, so that equal paths are equal
    yield from both(7, "best path, 4096 x 4", "a loop", 1.0, (ours, loop), x, settings)
    yield from newton(settings)
    yield from lengths(settings)


def newton(settings: Settings) -> Iterator[Row]:
    """All positions of a recurrence that is not linear, against its loop."""
    at_once, loop = (tl.compile(UNIT.format(method=method)) for method in ("parallel tol 1e-5", "loop"))
    x = torch.randn(1, 2048, 8)
    at_once(X=x)
    loop(X=x)
    loop.load_state_dict(at_once.state_dict())
    pair = (lambda x: at_once(X=x)["H"], lambda x: loop(X=x)["H"])
    yield from both(7, "gated recurrent unit, 2048 x 8, Newton", "its loop", 1.0, pair, x, settings)


def lengths(settings: Settings) -> Iterator[Row]:
    """Time grows with the length, not faster: each against one of a tenth."""
    made = tl.compile(PLAIN)
    for count in (10_000, 100_000):
        pairs = [(torch.rand(n), torch.randn(n)) for n in (count, count // 10)]
        calls = [lambda pair=pair: made(A=pair[0], X=pair[1]) for pair in pairs]
        with torch.no_grad():
            times = in_turn(*calls, settings.repeat)
        name, peer = f"linear recurrence, {count:,} positions", f"ours, {count // 10:,}"
        yield Row(7, name, times[0], 12.0, peer, times[1], times[2])
