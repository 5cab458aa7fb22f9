"""Fair comparisons: ours and theirs in turn, warmed up, many rounds, medians.

What is compared is measured in the same rounds, one after the other and in changing order, so that whatever else the
machine does in that time slows both down.
"""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

Call = Callable[[], object]


def seconds(call: Call, times: int) -> float:
    """Seconds for one of ``times`` calls."""
    started = perf_counter()
    for _ in range(times):
        call()
    return (perf_counter() - started) / times


def in_turn(ours: Call, theirs: Call, repeat: int, round_time: float = 0.05) -> tuple[float, float, float]:
    """The median seconds of a call of each, and the median of the rounds' ratios."""
    times = max(1, round(round_time / max(seconds(theirs, 3), 1e-7)))
    for call in (ours, theirs):
        seconds(call, times)
    rounds: list[tuple[float, float]] = []
    gc.collect()
    gc.disable()
    try:
        for at in range(repeat):
            if at % 2:
                second = seconds(theirs, times)
                rounds.append((seconds(ours, times), second))
            else:
                rounds.append((seconds(ours, times), seconds(theirs, times)))
    finally:
        gc.enable()
    return median(a for a, _ in rounds), median(b for _, b in rounds), median(a / b for a, b in rounds)


def process(command: Sequence[str], cwd: str) -> float:
    """Seconds of a whole process; it must succeed."""
    started = perf_counter()
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


def processes_in_turn(ours: Sequence[str], theirs: Sequence[str], repeat: int, cwd: str) -> tuple[float, float, float]:
    """As ``in_turn``, over whole processes."""
    process(ours, cwd)
    process(theirs, cwd)
    rounds = [(process(ours, cwd), process(theirs, cwd)) for _ in range(repeat)]
    return median(a for a, _ in rounds), median(b for _, b in rounds), median(a / b for a, b in rounds)
