"""A compiled program against the same network by hand: equal results first, then forward and forward + backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from benchmarks.record import Row, Settings
from benchmarks.timing import in_turn

Network = Callable[[torch.Tensor], torch.Tensor]


def require_equal(ours: torch.Tensor, theirs: torch.Tensor, what: str) -> None:
    """Stop where two results differ by more than rounding."""
    gap = (ours - theirs).abs().max().item()
    scale = theirs.abs().max().item()
    assert gap <= 1e-4 * max(1.0, scale), f"{what}: the results differ by {gap}"


def forward(number: int, name: str, peer: str, goal: float, pair: tuple[Network, Network], x: torch.Tensor,
            settings: Settings) -> Row:  # fmt: skip
    """Without gradients."""
    ours, theirs = pair
    with torch.no_grad():
        require_equal(ours(x), theirs(x), name)
        times = in_turn(lambda: ours(x), lambda: theirs(x), settings.repeat)
    return Row(number, f"{name}, forward", times[0], goal, peer, times[1], times[2])


def both(number: int, name: str, peer: str, goal: float, pair: tuple[Network, Network], x: torch.Tensor,
         settings: Settings) -> Iterator[Row]:  # fmt: skip
    """Forward, and forward with backward (of the mean square of the result, by all parameters and the input)."""
    yield forward(number, name, peer, goal, pair, x, settings)
    steps = [step(network, x.clone().requires_grad_()) for network in pair]
    require_equal(steps[0](), steps[1](), f"{name}, gradient")
    times = in_turn(*steps, settings.repeat)
    yield Row(number, f"{name}, forward + backward", times[0], goal, peer, times[1], times[2])


def step(network: Network, x: torch.Tensor) -> Callable[[], torch.Tensor]:
    """One evaluation with its gradients; the result is the gradient by the input."""

    def run() -> torch.Tensor:
        x.grad = None
        network(x).square().mean().backward()
        assert x.grad is not None
        return x.grad

    return run
