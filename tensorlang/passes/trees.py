"""In which order to multiply the factors of a contraction: the exact answer for a few factors, by numbers alone.

In: a ``Network``, the index sets of the factors and of the result as bit masks, with the indices' sizes. Out: a
``Path``: pairs of positions, each pair making a new operand behind the ones there are. An index may stand in any number
of factors, with or without being summed.

The cost of a step counts multiplications, and elements read and written at ``MEMORY`` multiplications each: a core
multiplies in a matrix product about that much faster than it streams numbers from memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from tensorlang.records import dataclass

MEMORY = 16
# A pair that other contractions of the program need too is paid once for all of them.
SHARED = 0.5

Path = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Network:
    """``shared`` holds pairs of operands (as masks of operands) whose product is needed elsewhere as well."""

    operands: tuple[int, ...]
    output: int
    extents: tuple[int, ...]
    shared: frozenset[int] = frozenset()


def bits(mask: int) -> Iterator[int]:
    """The positions of the bits that are set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Volumes:
    """The number of elements over a set of indices."""

    def __init__(self, extents: Sequence[int]) -> None:
        self._extents = extents
        self._known: dict[int, float] = {0: 1.0}

    def __call__(self, mask: int) -> float:
        if mask not in self._known:
            low = mask & -mask
            self._known[mask] = self(mask ^ low) * self._extents[low.bit_length() - 1]
        return self._known[mask]

    def step(self, left: int, right: int, result: int) -> float:
        """The cost of multiplying two operands and summing what the result does not keep."""
        return self(left | right) + MEMORY * (self(left) + self(right) + self(result))


@lru_cache(maxsize=4096)
def exhaustive(network: Network) -> tuple[float, Path]:
    """The cheapest order of all, by dynamic programming over subsets of the operands: 3^n steps."""
    volume = Volumes(network.extents)
    everything = (1 << len(network.operands)) - 1
    kept = _kept(network)
    best: dict[int, tuple[float, int]] = {1 << at: (0.0, 0) for at in range(len(network.operands))}
    for subset in range(1, everything + 1):
        if subset in best:
            continue
        discount = SHARED if subset in network.shared else 1.0
        best[subset] = min(_splits(subset, best, kept, volume, discount))
    return best[everything][0], _path(best, everything, len(network.operands))


def _kept(network: Network) -> list[int]:
    """For each subset of operands, the indices of its product: those that the result or another operand has."""
    count = len(network.operands)
    joined = [0] * (1 << count)
    for subset in range(1, 1 << count):
        low = subset & -subset
        joined[subset] = joined[subset ^ low] | network.operands[low.bit_length() - 1]
    everything = (1 << count) - 1
    return [joined[subset] & (network.output | joined[everything ^ subset]) for subset in range(1 << count)]


def _splits(
    subset: int, best: dict[int, tuple[float, int]], kept: list[int], volume: Volumes, discount: float
) -> Iterator[tuple[float, int]]:
    """The cost of each way to make a subset's product of two, with the left part."""
    highest = 1 << (subset.bit_length() - 1)
    left = (subset - 1) & subset
    while left:
        if left & highest:
            right = subset ^ left
            step = volume.step(kept[left], kept[right], kept[subset]) * discount
            yield best[left][0] + best[right][0] + step, left
        left = (left - 1) & subset


def _path(best: dict[int, tuple[float, int]], everything: int, count: int) -> Path:
    made: dict[int, int] = {1 << at: at for at in range(count)}
    path: list[tuple[int, int]] = []
    waiting = [everything]
    while waiting:
        subset = waiting[-1]
        if subset in made:
            waiting.pop()
            continue
        left = best[subset][1]
        missing = [part for part in (left, subset ^ left) if part not in made]
        if missing:
            waiting.extend(missing)
            continue
        first, second = sorted((made[left], made[subset ^ left]))
        made[subset] = count + len(path)
        path.append((first, second))
    return tuple(path)


def cost(network: Network, path: Path) -> tuple[float, float]:
    """The cost of a given order, and the multiplications in it."""
    volume = Volumes(network.extents)
    total = multiplications = 0.0
    for left, right, result in walk(network, path):
        total += volume.step(left, right, result)
        multiplications += volume(left | right)
    return total, multiplications


def walk(network: Network, path: Path) -> Iterator[tuple[int, int, int]]:
    """The index sets of the two operands and of the result, step by step; each index is summed as soon as it can be."""
    uses = [0] * len(network.extents)
    for mask in (*network.operands, network.output):
        for bit in bits(mask):
            uses[bit] += 1
    made = list(network.operands)
    for first, second in path:
        left, right = made[first], made[second]
        for bit in (*bits(left), *bits(right)):
            uses[bit] -= 1
        result = sum(1 << bit for bit in bits(left | right) if uses[bit])
        for bit in bits(result):
            uses[bit] += 1
        made.append(result)
        yield left, right, result
