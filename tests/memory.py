"""How much memory tensors take while something runs: what was allocated and not yet freed, at its highest."""

from __future__ import annotations

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def peak(run: Callable[[], object]) -> int:
    """The most bytes that were alive at once of those that ``run`` allocates."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        run()
    results = seen.profiler.kineto_results
    steps = sorted((event.start_ns(), event.nbytes()) for event in results.events() if event.name() == "[memory]")
    alive = most = 0
    for _, change in steps:
        alive += change
        most = max(most, alive)
    return most
