"""Which tensors need each other, and how they are computed all the same: a ``Recurrence``, or a ``Circle``.

In: resolved statements, before sizes are known. Out: groups of tensors, each group with what is chosen for it. A
declared fixed point comes first, then the order of an axis (``well_founded.py``), then aggregates (``circles.py``).
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.sema import messages
from tensorlang.sema.circles import Circle, find_circle, idempotent
from tensorlang.sema.declared import Asked
from tensorlang.sema.domains import accesses
from tensorlang.sema.no_order import report
from tensorlang.sema.polarity import check_circle
from tensorlang.sema.reports import source_of
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.well_founded import Recurrence, components, well_founded
from tensorlang.sema.world import World

Unit = Recurrence | Circle


def find_units(world: World) -> list[Unit]:
    """The groups that can be computed: as declared, else in the order of an axis, else by what aggregates allow.

    Those that cannot are reported.
    """
    defined = {info.name: info for info in world.tensors.values() if info.kind == "defined" and info.statements}
    read = {
        name: [source_of(world, a.tensor) for s in info.statements for a in accesses(s)]
        for name, info in defined.items()
    }
    edges = {name: [other for other in dict.fromkeys(others) if other in defined] for name, others in read.items()}
    found = []
    met: set[str] = set()
    for names in components(edges):
        if len(names) > 1 or names[0] in edges[names[0]]:
            met.update(names)
            unit = _unit(world, {name: defined[name] for name in names}, edges)
            if unit is not None:
                found.append(unit)
    for asked in () if world.problems.errors else world.settling:
        if asked.names and met.isdisjoint(asked.names) and all(name in defined for name in asked.names):
            messages.no_circle(world.problems, asked.span, asked.names)
    return found


def _unit(world: World, group: dict[str, TensorInfo], edges: dict[str, list[str]]) -> Unit | None:
    inside = {name: [other for other in edges[name] if other in group] for name in group}
    asked = [ask for ask in world.settling if not group.keys().isdisjoint(ask.names)]
    for other in asked[1:]:
        messages.circle_asked_twice(world.problems, other.span, asked[0].span)
    unit: Unit | None = _at_rest(world, group, asked[0]) if asked else well_founded(group, late=True)
    if unit is None:
        unit = find_circle(group, inside, asked[0] if asked else None)
    if unit is None:
        report(world, group)
    elif isinstance(unit, Circle) and unit.monotone:
        check_circle(world, group, unit.order, frozenset(name for name, info in group.items() if idempotent(info)))
    return unit


def _at_rest(world: World, group: dict[str, TensorInfo], asked: Asked) -> Recurrence | None:
    """A recurrence at each position of which the declared tensors are a fixed point, as in layers that come to rest."""

    def rest(members: Mapping[str, TensorInfo], reads: Mapping[str, list[str]]) -> Circle | None:
        return find_circle(members, reads, asked) if not members.keys().isdisjoint(asked.names) else None

    found = well_founded(group, rest)
    named = {name for name in asked.names if name in group}
    resting = {name for circle in (found.resting if found is not None else ()) for name in circle.order}
    if found is None or not named <= resting:
        return None
    for circle in found.circles:
        if circle.monotone:
            members = {name: group[name] for name in circle.order}
            check_circle(world, members, circle.order, frozenset(n for n, info in members.items() if idempotent(info)))
    return found
