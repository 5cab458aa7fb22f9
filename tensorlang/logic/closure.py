"""Pairs that lead along edges: transitive closure and its kin in time that grows with the edges and the output.

``led(edges, base)`` are the pairs (x, z) such that edges lead from x, in any number of steps (none too), to some y with
(y, z) in ``base``. Nodes on a common cycle lead to the same; so cycles are shrunk to one node each (strongly connected
components), and what is left is gone through from its ends: a node leads to what its successors lead to, and to its own
base. The sets are bits where all of them fit into ``_BITS`` bytes, otherwise sorted lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from tensorlang.logic.layouts import Keys, distinct

_BITS = 1 << 28
_FEW = 4  # as many targets are sought one by one

Pairs = tuple[Keys, Keys]


def led(edges: Pairs, base: Pairs) -> Iterator[Pairs | int]:
    """First the number of pairs, then the pairs, sorted and each once (so that who asks may stop in between)."""
    nodes, (source, target, start) = _numbered(edges[0], edges[1], base[0])
    ends = distinct(base[1])
    end = np.searchsorted(ends, base[1])
    if len(ends) <= _FEW:
        lists = _by_search(len(nodes), source, target, start, end, len(ends))
        component = np.arange(len(nodes))
    else:
        number, component = _components(len(nodes), source, target)
        graph = _condensed(number, component[source], component[target])
        lists = _gone_through(graph, component[start], end, len(ends))
    lengths = np.diff(lists.starts)[component]
    total = int(lengths.sum())
    yield total
    at = np.arange(total) + np.repeat(lists.starts[component] - (np.cumsum(lengths) - lengths), lengths)
    yield np.repeat(nodes, lengths), ends[lists.members[at]]


def reached(edges: Pairs, start: Keys) -> Keys:
    """The nodes that edges lead to from some start, the starts included; sorted."""
    nodes, (source, target, first) = _numbered(edges[0], edges[1], start)
    return nodes[_searched(len(nodes), source, target, first)]


@dataclass(frozen=True, slots=True)
class _Lists:
    """Sets of small numbers: those of set ``i`` are ``members[starts[i]:starts[i + 1]]``, sorted."""

    starts: Keys
    members: Keys


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph without cycles, by successors and by predecessors."""

    successors: _Lists
    predecessors: _Lists


def _numbered(*columns: Keys) -> tuple[Keys, list[Keys]]:
    """All values that occur, sorted, and the columns with each value replaced by its place among them."""
    together = np.concatenate(columns)
    if not len(together):
        return together, list(columns)
    low, high = int(together.min()), int(together.max())
    if high - low < 4 * len(together) + 1024:
        seen = np.zeros(high - low + 1, dtype=bool)
        seen[together - low] = True
        places = np.cumsum(seen) - 1
        return np.flatnonzero(seen) + low, [places[column - low] for column in columns]
    values = distinct(together)
    return values, [np.searchsorted(values, column) for column in columns]


def _matrix(count: int, source: Keys, target: Keys) -> csr_array:
    ones = np.ones(len(source), dtype=np.int8)
    return csr_array((ones, (source.astype(np.int32), target.astype(np.int32))), shape=(count, count))


def _components(count: int, source: Keys, target: Keys) -> tuple[int, Keys]:
    if not count:
        return 0, np.zeros(0, np.int64)
    number, labels = connected_components(_matrix(count, source, target), directed=True, connection="strong")
    return int(number), labels.astype(np.int64)


def _searched(count: int, source: Keys, target: Keys, start: Keys) -> Keys:
    """The nodes that are reached from some of ``start``: a search from one more node that leads to these."""
    start = distinct(start)
    extra = np.full(len(start), count, np.int64)
    graph = _matrix(count + 1, np.concatenate([source, extra]), np.concatenate([target, start]))
    found = breadth_first_order(graph, count, directed=True, return_predecessors=False)
    return np.sort(found[1:].astype(np.int64))


def _by_search(count: int, source: Keys, target: Keys, start: Keys, end: Keys, ends: int) -> _Lists:
    """For each node the ends that it leads to, by a search backwards from each end."""
    leads = np.zeros((count, ends), dtype=bool)
    for each in range(ends):
        leads[_searched(count, target, source, start[end == each]), each] = True
    return _from_flags(leads)


def _from_flags(flags: NDArray[np.bool_]) -> _Lists:
    node, member = np.nonzero(flags)
    return _listed(len(flags), node, member)


def _listed(count: int, owner: Keys, member: Keys) -> _Lists:
    """Lists from pairs that are sorted."""
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=count), out=starts[1:])
    return _Lists(starts, member)


def _condensed(number: int, source: Keys, target: Keys) -> _Graph:
    between = source != target
    source, target = source[between], target[between]
    if not len(source):
        none = _Lists(np.zeros(number + 1, np.int64), source)
        return _Graph(none, none)
    onward = np.divmod(distinct(source * number + target), number)
    backward = np.divmod(distinct(target * number + source), number)
    return _Graph(_listed(number, *onward), _listed(number, *backward))


def _gathered(lists: _Lists, chosen: Keys) -> tuple[Keys, Keys]:
    """The members of the chosen sets one after another, and how many each has."""
    starts = lists.starts[chosen]
    lengths = lists.starts[chosen + 1] - starts
    at = np.arange(int(lengths.sum())) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return lists.members[at], lengths


def _levels(graph: _Graph) -> Iterator[Keys]:
    """The nodes in rounds: first those without successors, then those whose successors have all been."""
    waiting = np.diff(graph.successors.starts)
    level = np.flatnonzero(waiting == 0)
    while len(level):
        yield level
        before, _ = _gathered(graph.predecessors, level)
        if not len(before):
            return
        if len(before) * 16 > len(waiting):
            waiting -= np.bincount(before, minlength=len(waiting))
        else:
            np.subtract.at(waiting, before, 1)
        before = before[waiting[before] == 0]
        level = distinct(before, len(waiting))


def _gone_through(graph: _Graph, start: Keys, end: Keys, ends: int) -> _Lists:
    """For each node of a graph without cycles the ends that it leads to; ``start`` has ``end`` in its base."""
    number = len(graph.successors.starts) - 1
    words = -(-ends // 64)
    if 8 * words * number <= _BITS:
        return _by_bits(graph, start, end, words)
    return _by_lists(graph, start, end, ends)


def _by_bits(graph: _Graph, start: Keys, end: Keys, words: int) -> _Lists:
    number = len(graph.successors.starts) - 1
    bits = np.zeros((number, words), np.uint64)
    np.bitwise_or.at(bits.reshape(-1), start * words + end // 64, np.uint64(1) << (end % 64).astype(np.uint64))
    for level in _levels(graph):
        after, lengths = _gathered(graph.successors, level)
        if len(after):
            first = np.cumsum(lengths) - lengths
            bits[level] |= np.bitwise_or.reduceat(bits[after], first, axis=0)
    filled = np.flatnonzero(bits)
    values = bits.reshape(-1)[filled]
    unpacked = np.unpackbits(values.astype("<u8", copy=False).view(np.uint8), bitorder="little")
    at = np.flatnonzero(unpacked)
    word = filled[at >> 6]
    owner = word // words
    return _listed(number, owner, ((word - owner * words) << 6) + (at & 63))


def _by_lists(graph: _Graph, start: Keys, end: Keys, ends: int) -> _Lists:
    number = len(graph.successors.starts) - 1
    base = _listed(number, *np.divmod(distinct(start * ends + end), ends))
    found = _Lists(np.zeros(number, np.int64), np.zeros(2 * len(base.members) + 16, np.int64))
    lengths = np.zeros(number, np.int64)
    used = 0
    for level in _levels(graph):
        own, counts = _gathered(base, level)
        after, widths = _gathered(graph.successors, level)
        keys = np.repeat(np.arange(len(level)), counts) * ends + own
        if len(after):
            handed, sizes = _handed(found, lengths, after)
            inherited = np.repeat(np.repeat(np.arange(len(level)), widths), sizes) * ends + handed
            keys = distinct(np.concatenate([keys, inherited]), len(level) * ends)
        owner, members = np.divmod(keys, ends)
        found = _with_room(found, used + len(members))
        found.members[used : used + len(members)] = members
        lengths[level] = np.bincount(owner, minlength=len(level))
        found.starts[level] = used + np.cumsum(lengths[level]) - lengths[level]
        used += len(members)
    starts = np.zeros(number + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    at = np.arange(used) + np.repeat(found.starts - starts[:-1], lengths)
    return _Lists(starts, found.members[at])


def _handed(found: _Lists, lengths: Keys, after: Keys) -> tuple[Keys, Keys]:
    sizes = lengths[after]
    at = np.arange(int(sizes.sum())) + np.repeat(found.starts[after] - (np.cumsum(sizes) - sizes), sizes)
    return found.members[at], sizes


def _with_room(found: _Lists, size: int) -> _Lists:
    if size <= len(found.members):
        return found
    members = np.zeros(max(size, 2 * len(found.members)), np.int64)
    members[: len(found.members)] = found.members
    return _Lists(found.starts, members)
