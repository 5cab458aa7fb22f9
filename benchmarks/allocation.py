"""The memory that tensors take: what was allocated while something ran and not freed, at its highest and at last."""

from __future__ import annotations

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def peak(run: Callable[[], object]) -> int:
    """The most bytes that were alive at once of those that ``run`` allocates."""
    return max(_alive(run)[0])


def held(run: Callable[[], object]) -> int:
    """The bytes that are alive once ``run`` has returned, its result with all that a gradient keeps for it included."""
    levels, result = _alive(run)
    del result
    return levels[-1]


def _alive(run: Callable[[], object]) -> tuple[list[int], object]:
    """The bytes that are alive after each allocation, and what ``run`` returns."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        result = run()
    events = seen.profiler.kineto_results.events()  # type: ignore[union-attr]
    changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    levels = [0]
    for _, change in changes:
        levels.append(levels[-1] + change)
    return levels, result
