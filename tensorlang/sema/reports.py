"""How a fixed point went, as scalars beside its tensors: ``Z.steps`` and ``Z.residual``.

In: a tensor and one of these words. Out: a ``TensorInfo`` of kind ``report``, made when it is first read. Whether the
tensor is of a fixed point is checked once circles are known.
"""

from __future__ import annotations

from tensorlang.sema import messages
from tensorlang.sema.circles import Circle
from tensorlang.sema.domains import accesses
from tensorlang.sema.resolved import Access, Place, Resolved
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.world import World
from tensorlang.source import Span

# The element type of each report.
REPORTS = {"steps": "int", "residual": "float"}


def report_on(world: World, info: TensorInfo, what: str, span: Span) -> TensorInfo:
    """The tensor that holds a report."""
    name = f"{info.name}.{what}"
    if name not in world.tensors:
        world.add(TensorInfo(name, "report", span, info.scope, labels=(), element=REPORTS[what]))
        world.reports[name] = (info.name, what)
    return world.tensors[name]


def source_of(world: World, tensor: str) -> str:
    """The tensor whose computation gives another: of a report the one it is on."""
    return world.reports[tensor][0] if tensor in world.reports else tensor


def reports_of(world: World, circle: Circle) -> tuple[tuple[str, str], ...]:
    """What is read of how a circle went."""
    return tuple((name, what) for name, (of, what) in world.reports.items() if of in circle.order)


def check_reports(world: World) -> None:
    """Reports are on fixed points, and not read by their own equations."""
    for name, (written, what) in list(world.reports.items()):
        of = _copied(world, written)
        world.reports[name] = (of, what)
        unit = world.units.get(of)
        info = world.tensors[name]
        if not isinstance(unit, Circle):
            messages.report_on_no_fixpoint(world.problems, info.span, name, written)
            continue
        for member in unit.order:
            for statement in world.tensors[member].statements:
                own = next((access for access in accesses(statement) if access.tensor == name), None)
                if own is not None:
                    messages.report_inside(world.problems, own.span, name, member)


def _copied(world: World, tensor: str) -> str:
    """The tensor that one is a copy of, as the result of a module is of a tensor inside."""
    seen = {tensor}
    while tensor not in world.units:
        statements = world.tensors[tensor].statements
        value = statements[0].value if len(statements) == 1 and not statements[0].guards else None
        if not isinstance(value, Access) or value.tensor in seen or not _same(value.at, statements[0].left):
            break
        tensor = value.tensor
        seen.add(tensor)
    return tensor


def _same(read: tuple[Resolved, ...], left: tuple[Resolved, ...]) -> bool:
    places = [entry.index for entry in read if isinstance(entry, Place)]
    written = [entry.index for entry in left if isinstance(entry, Place)]
    return places == written and len(places) == len(read) == len(left) == len(set(places))
