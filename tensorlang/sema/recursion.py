"""Which tensors need each other: in the order of an axis (a ``Recurrence``), or in a circle (``circles.py``).

In: resolved statements, before sizes are known. Out: groups of tensors. Those of a recurrence have an axis each, on
which every read inside the group is at an earlier position (or a later one throughout), or at the same position of a
tensor computed before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tensorlang.sema import messages
from tensorlang.sema.circles import Circle, find_circle
from tensorlang.sema.resolved import Access, Addition, FromEnd, Place, Resolved, Statement, Value, names_free, walk
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.world import World


@dataclass(slots=True, eq=False)
class Recurrence:
    """``order`` are the tensors in the order of one step, ``axes`` their axes; ``reverse`` runs from the end."""

    order: tuple[str, ...]
    axes: dict[str, int]
    reverse: bool

    def stepped(self, tensor: str) -> frozenset[int]:
        """The axes of a tensor whose positions come one after the other."""
        return frozenset((self.axes[tensor],))


Unit = Recurrence | Circle


@dataclass(slots=True, eq=False)
class Attempt:
    """One choice of axes being followed through a group; ``lags`` are (reader, read, positions before)."""

    axes: dict[str, int] = field(default_factory=dict)
    lags: list[tuple[str, str, int]] = field(default_factory=list)


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


def reads(statement: Statement) -> list[Access]:
    """Every access of a statement."""
    nodes = (node for part in (statement.value, *statement.guards, *statement.left) for node in walk(part))
    return [node for node in nodes if isinstance(node, Access)]


def find_units(world: World) -> list[Unit]:
    """The groups that can be computed: as declared, else in the order of an axis, else by what aggregates allow.

    Those that cannot stay for ``order.py`` to report.
    """
    defined = {info.name: info for info in world.tensors.values() if info.kind == "defined" and info.statements}
    edges = {
        name: list(dict.fromkeys(a.tensor for s in info.statements for a in reads(s) if a.tensor in defined))
        for name, info in defined.items()
    }
    found = []
    met: set[str] = set()
    for names in components(edges):
        if len(names) > 1 or names[0] in edges[names[0]]:
            met.update(names)
            unit = _unit(world, {name: defined[name] for name in names}, edges)
            if unit is not None:
                found.append(unit)
    for asked in world.settling:
        if asked.names and met.isdisjoint(asked.names) and all(name in defined for name in asked.names):
            messages.no_circle(world.problems, asked.span, asked.names)
    return found


def _unit(world: World, group: dict[str, TensorInfo], edges: dict[str, list[str]]) -> Unit | None:
    inside = {name: [other for other in edges[name] if other in group] for name in group}
    asked = [ask for ask in world.settling if not group.keys().isdisjoint(ask.names)]
    for other in asked[1:]:
        messages.circle_asked_twice(world.problems, other.span, asked[0].span)
    if asked:
        return find_circle(group, inside, asked[0])
    return _well_founded(group) or find_circle(group, inside, None)


def components(edges: dict[str, list[str]]) -> list[list[str]]:
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


def _well_founded(group: dict[str, TensorInfo]) -> Recurrence | None:
    first = next(iter(group.values()))
    for axis in range(len(first.labels or ())):
        attempt = Attempt({first.name: axis})
        if not _follow(group, attempt):
            continue
        lags = [lag for _, _, lag in attempt.lags]
        if min(lags) < 0 < max(lags):
            continue
        same = {name: [read for reader, read, lag in attempt.lags if reader == name and lag == 0] for name in group}
        order = _step_order(same)
        if order is not None:
            return Recurrence(order, attempt.axes, min(lags) < 0)
    return None


def _follow(group: dict[str, TensorInfo], attempt: Attempt) -> bool:
    """Choose the axes of all tensors of a group, starting from one; False where that leads nowhere."""
    waiting = list(attempt.axes)
    while waiting:
        info = group[waiting.pop()]
        for statement in info.statements:
            inside = [access for access in reads(statement) if access.tensor in group]
            entry = statement.left[attempt.axes[info.name]]
            if isinstance(entry, Value | FromEnd):
                if inside:
                    return False
                continue
            left = shifted(entry)
            others = frozenset().union(*(names_free(e) for k, e in enumerate(statement.left) if e is not entry))
            if left is None or left[0] in others:
                return False
            for access in inside:
                axis = _axis_of(attempt, access, left[0])
                if axis is None:
                    return False
                if access.tensor not in attempt.axes:
                    attempt.axes[access.tensor] = axis
                    waiting.append(access.tensor)
                read = shifted(access.at[axis])
                assert read is not None
                attempt.lags.append((info.name, access.tensor, left[1] - read[1]))
    return len(attempt.axes) == len(group)


def _axis_of(attempt: Attempt, access: Access, index: str) -> int | None:
    """The axis of an access that moves with the index of its left side."""
    moving = [k for k, entry in enumerate(access.at) if (form := shifted(entry)) is not None and form[0] == index]
    if access.tensor in attempt.axes:
        return attempt.axes[access.tensor] if attempt.axes[access.tensor] in moving else None
    return moving[0] if moving else None


def _step_order(same: dict[str, list[str]]) -> tuple[str, ...] | None:
    """An order in which each tensor stands behind those it reads at the same position; None where there is none."""
    order: list[str] = []
    for part in components(same):
        if len(part) > 1 or part[0] in same[part[0]]:
            return None
        order += part
    return tuple(order)
