"""The axes along which tensors that read each other can be computed position by position.

In: the statements of a group of tensors, each of which needs all. Out: a ``Recurrence``: an axis of each tensor on
which every read inside the group is at an earlier position (or a later one throughout), or at the same one; where reads
go both ways, some tensors may be computed a few steps after others (``late.py``). Tensors that read each other in a
circle at the same position are a recurrence of their own inside it, along a further axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from tensorlang.records import dataclass, field, replace
from tensorlang.sema.late import Distance, lateness
from tensorlang.sema.resolved import (
    Access,
    Addition,
    Along,
    FromEnd,
    Multiplication,
    Place,
    Reduction,
    Resolved,
    Statement,
    Value,
    names_free,
    parts,
)
from tensorlang.sema.scope import TensorInfo

if TYPE_CHECKING:
    from tensorlang.sema.circles import Circle

# Choices of axes that are followed for one group at most; there are more only in programs made for it.
ATTEMPTS = 64


@dataclass(slots=True, eq=False)
class Recurrence:
    """``order`` are the tensors in the order of one step, ``axes`` their axes; ``reverse`` runs from the end.

    ``inner`` are those that read each other at the same position, as recurrences along further axes; ``resting`` those
    that are declared to be a fixed point there. ``late`` are those that are computed some steps after their position.
    """

    order: tuple[str, ...]
    axes: dict[str, int]
    reverse: bool
    inner: tuple[Recurrence, ...] = ()
    resting: tuple[Circle, ...] = ()
    late: dict[str, int] = field(default_factory=dict)

    def stepped(self, tensor: str) -> frozenset[int]:
        """The axes of a tensor whose positions come one after the other."""
        deeper = (other.stepped(tensor) for other in self.inner if tensor in other.order)
        return frozenset((self.axes[tensor],)).union(*deeper)

    @property
    def circles(self) -> tuple[Circle, ...]:
        """All fixed points at one position, those inside inner recurrences too."""
        return (*self.resting, *(circle for other in self.inner for circle in other.circles))

    @property
    def depth(self) -> int:
        return 1 + max((other.depth for other in self.inner), default=0)


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A read of the group by one of its statements; ``bound`` are the indices that are reduced or run along there."""

    reader: str
    statement: Statement
    access: Access
    bound: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """One choice of axes; ``lags`` says of each link how many positions before the left side it reads."""

    axes: dict[str, int]
    lags: tuple[tuple[Link, int], ...] = ()


Rest = Callable[[Mapping[str, TensorInfo], Mapping[str, list[str]]], "Circle | None"]


def well_founded(group: Mapping[str, TensorInfo], rest: Rest | None = None, late: bool = False) -> Recurrence | None:
    """How a group is computed position by position, if it can be; ``rest`` tells circles that are fixed points.

    ``late``: some of it may be computed after its position, where there is no other way.
    """
    links = [
        Link(name, statement, access, bound)
        for name, info in group.items()
        for statement in info.statements
        for access, bound in reads(statement)
        if access.tensor in group
    ]
    found = _search(group, links, {name: frozenset() for name in group}, rest)
    return found if found is not None or not late else _late(group, links)


def reads(statement: Statement) -> Iterator[tuple[Access, frozenset[str]]]:
    """Every access of a statement, with the indices that are bound around it."""
    stack: list[tuple[Resolved, frozenset[str]]] = [
        (part, frozenset()) for part in (*statement.left, *statement.guards, statement.value)
    ]
    while stack:
        node, bound = stack.pop()
        if isinstance(node, Access):
            yield node, bound
        elif isinstance(node, Reduction):
            bound = bound.union(node.indices)
        elif isinstance(node, Along):
            bound = bound | {node.index}
        stack += [(part, bound) for part in reversed(parts(node))]


def shifted(entry: Resolved) -> tuple[str, int] | None:
    """``t + c`` as (t, c); None for anything else."""
    if isinstance(entry, Place):
        return entry.index, 0
    if not isinstance(entry, Addition):
        return None
    name, offset = None, 0
    for sign, term in entry.terms:
        if isinstance(term, Value) and isinstance(term.value, int):
            offset += sign * term.value
        elif isinstance(term, Place) and sign > 0 and name is None:
            name = term.index
        else:
            return None
    return None if name is None else (name, offset)


def _search(
    group: Mapping[str, TensorInfo], links: list[Link], taken: Mapping[str, frozenset[int]], rest: Rest | None
) -> Recurrence | None:
    """The choice of axes that nests least; of those the one with the fewest positions known, else the first."""
    found: list[tuple[tuple[int, int, int], Recurrence]] = []
    for at, attempt in enumerate(_attempts(group, links, taken)):
        if at == ATTEMPTS:
            break
        lags = [lag for _, lag in attempt.lags]
        if not any(lags) or min(lags) < 0 < max(lags):
            continue
        recurrence = _ordered(group, attempt, taken, min(lags) < 0, rest)
        if recurrence is not None:
            found.append(((recurrence.depth, _positions(group, attempt), at), recurrence))
            if recurrence.depth == 1:
                break
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _late(group: Mapping[str, TensorInfo], links: list[Link]) -> Recurrence | None:
    """The first choice of axes on which the group has an order with some tensors computed late."""
    taken: dict[str, frozenset[int]] = {name: frozenset() for name in group}
    for at, attempt in enumerate(_attempts(group, links, taken)):
        if at == ATTEMPTS:
            break
        distances = [_distance(link, lag, attempt.axes) for link, lag in attempt.lags]
        if not any(distance.from_end for distance in distances):
            for reverse in (False, True):
                late = lateness(group, distances, reverse)
                recurrence = None if late is None else _ordered(group, _moved(attempt, late), taken, reverse, None)
                if late is not None and recurrence is not None:
                    return replace(recurrence, late={name: steps for name, steps in late.items() if steps})
    return None


def _moved(attempt: Attempt, late: Mapping[str, int]) -> Attempt:
    lags = ((link, lag + late[link.reader] - late[link.access.tensor]) for link, lag in attempt.lags)
    return Attempt(attempt.axes, tuple(lags))


def _distance(link: Link, lag: int, axes: Mapping[str, int]) -> Distance:
    left, entry = link.statement.left[axes[link.reader]], link.access.at[axes[link.access.tensor]]
    own = shifted(left)
    there = None if own is None else _reach(entry, own[0])
    side = 0 if there is None else there[1]
    return Distance(link.reader, link.access.tensor, lag, side, isinstance(left, FromEnd))


def _positions(group: Mapping[str, TensorInfo], attempt: Attempt) -> int:
    """How many positions the axes of an attempt have, where a ``dim`` says so; else very many."""
    sizes = [
        size.constant
        for name, axis in attempt.axes.items()
        for statement in group[name].statements
        for index in names_free(statement.left[axis])
        if index in statement.dims and (size := statement.dims[index][0]).constant is not None
    ]
    return min((size for size in sizes if size is not None), default=2**62)


def _ordered(
    group: Mapping[str, TensorInfo],
    attempt: Attempt,
    taken: Mapping[str, frozenset[int]],
    reverse: bool,
    rest: Rest | None,
) -> Recurrence | None:
    """Each tensor behind those that it reads at the same position; circles there are recurrences further in."""
    same = [link for link, lag in attempt.lags if lag == 0]
    edges: dict[str, list[str]] = {name: [] for name in group}
    for link in same:
        edges[link.reader].append(link.access.tensor)
    order: list[str] = []
    inner: list[Recurrence] = []
    resting: list[Circle] = []
    for part in components(edges):
        if len(part) == 1 and part[0] not in edges[part[0]]:
            order += part
            continue
        members = {name: info for name, info in group.items() if name in set(part)}
        circle = None if rest is None else rest(members, {n: [m for m in edges[n] if m in members] for n in members})
        if circle is not None:
            resting.append(circle)
            order += circle.order
            continue
        inside = [link for link in same if link.reader in members and link.access.tensor in members]
        deeper = _search(members, inside, {name: taken[name] | {attempt.axes[name]} for name in members}, rest)
        if deeper is None:
            return None
        inner.append(deeper)
        order += deeper.order
    return Recurrence(tuple(order), attempt.axes, reverse, tuple(inner), tuple(resting))


def _attempts(
    group: Mapping[str, TensorInfo], links: list[Link], taken: Mapping[str, frozenset[int]]
) -> Iterator[Attempt]:
    """The choices of axes that hold together, starting from each axis of the first tensor."""
    reading: dict[str, list[Link]] = {name: [] for name in group}
    for link in links:
        reading[link.reader].append(link)
    first = next(iter(group))
    rank = len(group[first].labels or ())
    waiting: list[tuple[dict[str, int], tuple[str, ...]]] = [
        ({first: axis}, (first,)) for axis in reversed(range(rank)) if axis not in taken[first]
    ]
    while waiting:
        axes, following = waiting.pop()
        if not following:
            if len(axes) == len(group):
                yield Attempt(axes, tuple((link, _lag(link, axes)) for link in links))
            continue
        name, rest = following[0], following[1:]
        if not all(_moves(statement, axes[name]) for statement in group[name].statements):
            continue
        choices: list[tuple[dict[str, int], tuple[str, ...]]] = [(axes, rest)]
        for link in reading[name]:
            choices = [choice for before in choices for choice in _choices(link, taken, *before)]
        waiting += choices[::-1]


def _moves(statement: Statement, axis: int) -> bool:
    """Whether a left side stands at one position of an axis, or moves along it by an index of its own."""
    entry = statement.left[axis]
    if isinstance(entry, Value | FromEnd):
        return True
    left = shifted(entry)
    others = frozenset().union(*(names_free(other) for at, other in enumerate(statement.left) if at != axis))
    return left is not None and left[0] not in others


def _choices(
    link: Link, taken: Mapping[str, frozenset[int]], axes: dict[str, int], following: tuple[str, ...]
) -> Iterator[tuple[dict[str, int], tuple[str, ...]]]:
    """The axes so far, with one for the tensor that a link reads, in each way that moves with its left side."""
    tensor = link.access.tensor
    if tensor in axes:
        if _lagging(link, axes[link.reader], axes[tensor]) is not None:
            yield axes, following
        return
    for axis in range(len(link.access.at)):
        if axis not in taken[tensor] and _lagging(link, axes[link.reader], axis) is not None:
            yield {**axes, tensor: axis}, (*following, tensor)


def _lag(link: Link, axes: Mapping[str, int]) -> int:
    lag = _lagging(link, axes[link.reader], axes[link.access.tensor])
    assert lag is not None
    return lag


def _lagging(link: Link, reader: int, read: int) -> int | None:
    """How many positions before its left side a link reads; None where that is no fixed number."""
    left, entry = link.statement.left[reader], link.access.at[read]
    if isinstance(left, FromEnd) and isinstance(entry, FromEnd):
        return entry.distance - left.distance
    if isinstance(left, Value) and isinstance(entry, Value):
        one, other = left.value, entry.value
        return one - other if isinstance(one, int) and isinstance(other, int) else None
    own = shifted(left)
    if own is None or own[0] in link.bound:
        return None
    there = _reach(entry, own[0])
    if there is None:
        return None
    lag, side = own[1] - there[0], there[1]
    return lag if side == 0 or (side < 0 < lag) or (lag < 0 < side) else None


def _reach(entry: Resolved, index: str) -> tuple[int, int] | None:
    """``t + c`` as (c, 0); ``t + c - k``, ``t + c - 2 k``... as (c, -1), what is nearest; ahead with 1; else None."""
    offset, places = 0, 0
    sides: set[int] = set()
    for sign, term in entry.terms if isinstance(entry, Addition) else ((1, entry),):
        scaled = _scaled(term)
        if scaled is None:
            return None
        scale, inner = sign * scaled[0], scaled[1]
        if inner is None:
            offset += scale
        elif inner == index:
            places += scale
        elif scale:
            sides.add(1 if scale > 0 else -1)
    return (offset, next(iter(sides), 0)) if places == 1 and len(sides) < 2 else None


def _scaled(term: Resolved) -> tuple[int, str | None] | None:
    """A number, an index, or a number of times one, as (number, index)."""
    match term:
        case Value(value=int() as number) if not isinstance(number, bool):
            return number, None
        case Place(index=index):
            return 1, index
        case Multiplication(factors=(Value(value=int() as number), Place(index=index))):
            return number, index
        case Multiplication(factors=(Place(index=index), Value(value=int() as number))):
            return number, index
        case _:
            return None


def components(edges: Mapping[str, list[str]]) -> list[list[str]]:
    """The strongly connected parts of a graph (Tarjan), each after those that it leads to; without recursion."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    parts: list[list[str]] = []
    for start in edges:
        work = [(start, 0)]
        while work:
            name, at = work.pop()
            if at == 0:
                if name in number:
                    continue
                number[name] = low[name] = len(number)
                stack.append(name)
                on_stack.add(name)
            for position in range(at, len(edges[name])):
                other = edges[name][position]
                if other not in number:
                    work += [(name, position + 1), (other, 0)]
                    break
                if other in on_stack:
                    low[name] = min(low[name], low[other])
            else:
                if low[name] == number[name]:
                    cut = stack.index(name)
                    parts.append(stack[cut:])
                    on_stack -= set(stack[cut:])
                    del stack[cut:]
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
    return parts
