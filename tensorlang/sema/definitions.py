"""All definitions of a program, each after those that it reads; tensors that need themselves as scans and fixpoints.

In: statements and solved sizes. Out: ``Computed``. Inside a scan or a fixpoint the element types are found by going
round until none widens.
"""

from __future__ import annotations

from tensorlang.ir.domain import Size, largest
from tensorlang.ir.facts import dtype, is_floating, join
from tensorlang.ir.nodes import Expr, Index, affine, tensors_read
from tensorlang.ir.program import Definition
from tensorlang.ir.recursion import Fixpoint, Resting, Scan
from tensorlang.records import dataclass, replace
from tensorlang.sema import messages
from tensorlang.sema.build import Table
from tensorlang.sema.circles import Circle, counted, idempotent
from tensorlang.sema.coverage import covers
from tensorlang.sema.define import define
from tensorlang.sema.domains import Domains
from tensorlang.sema.order import in_order
from tensorlang.sema.reports import reports_of
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.steps import tell_outside
from tensorlang.sema.unreached import with_unreached
from tensorlang.sema.well_founded import Recurrence
from tensorlang.sema.world import World

# Steps that a circle of aggregates, or a declared fixed point, may take where its declaration does not say.
MOST_MONOTONE, MOST = 10_000, 100

Presences = dict[str, tuple[tuple[Index, ...], Expr]]


@dataclass(frozen=True, slots=True)
class Computed:
    definitions: tuple[Definition, ...]
    scans: tuple[Scan, ...]
    fixpoints: tuple[Fixpoint, ...]
    dtypes: dict[str, str]


def definitions(world: World, domains: Domains) -> Computed:
    table = table_of(world, domains)
    plain: list[Definition | None] = []
    scans: list[Scan | None] = []
    fixpoints: list[Fixpoint | None] = []
    for info in in_order(world):
        unit = world.units.get(info.name)
        if unit is None:
            plain.append(define(world, domains, table, info))
        elif info.name == unit.order[0] and isinstance(unit, Recurrence):
            scans.append(_scan(world, domains, table, unit))
        elif info.name == unit.order[0] and isinstance(unit, Circle):
            fixpoints.append(_fixpoint(world, domains, table, unit))
    return Computed(
        tuple(d for d in plain if d is not None),
        tuple(s for s in scans if s is not None),
        tuple(f for f in fixpoints if f is not None),
        table.dtypes,
    )


def table_of(world: World, domains: Domains) -> Table:
    shapes = {}
    for info in world.tensors.values():
        sizes = [domains.size(domains.axis(info.name, at)) for at in range(len(info.labels or ()))]
        shapes[info.name] = tuple(Size.of(1) if size is None else domains.norm(size) for size in sizes)
    given = {info.name: info.element or "float" for info in world.tensors.values() if info.kind != "defined"}
    return Table(world.problems, shapes, given, weighted=world.setting.weighted)


def _scan(world: World, domains: Domains, table: Table, recurrence: Recurrence) -> Scan | None:
    least = dict.fromkeys(recurrence.order, "bool")
    for circle in recurrence.circles:
        of_circle = _least(world, circle)
        if of_circle is None:
            return None
        least |= of_circle
    found = _going_round(world, domains, table, recurrence.order, least)
    begun = {} if found is None else _begun_by_nothing(world, table, recurrence, found)
    if begun:
        found = _going_round(world, domains, table, recurrence.order, least | begun)
    tell_outside(domains, recurrence)
    if found is None or not all(_stay_real(world, circle, found) for circle in recurrence.circles):
        return None
    by_name = {d.tensor: _with_first(recurrence, d) for d in found}
    for circle in recurrence.circles:
        if circle.monotone:
            by_name |= {d.tensor: d for d in with_unreached(tuple(by_name[name] for name in circle.order))}
    return _nested(world, table, recurrence, by_name)


def _begun_by_nothing(
    world: World, table: Table, recurrence: Recurrence, found: tuple[Definition, ...]
) -> dict[str, str]:
    """Whole numbers that are counted on from elements which no equation names: an infinity, so they are real."""
    reckoned = counted({name: world.tensors[name] for name in recurrence.order})
    begun = {}
    for definition in found:
        name = definition.tensor
        counts = definition.aggregate in ("min", "max") and table.dtypes[name] == "int" and name in reckoned
        if counts and not covers(definition, table.shapes[name]):
            info = world.tensors[name]
            if info.element is not None:
                messages.counted_integers(world.problems, info.span, name, info.element)
            begun[name] = "float"
    return begun


def _with_first(recurrence: Recurrence, definition: Definition) -> Definition:
    """Of a tensor with an aggregate, an equation for one position stands in the place of the general one there."""
    if definition.aggregate == "sum":
        return definition
    stepped = recurrence.stepped(definition.tensor)
    pieces = (replace(p, special=p.special or any(_constant(p.left[a]) for a in stepped)) for p in definition.pieces)
    return replace(definition, pieces=tuple(pieces))


def _constant(entry: Expr) -> bool:
    form = affine(entry)
    return form is not None and not form.coefficients


def _nested(world: World, table: Table, recurrence: Recurrence, found: dict[str, Definition]) -> Scan:
    """A scan with those inside it; all have the definitions over whole tensors."""
    late = recurrence.late
    steps = largest(table.shapes[name][axis] + late.get(name, 0) for name, axis in recurrence.axes.items())
    axes = tuple((name, recurrence.axes[name]) for name in recurrence.order)
    ordered = tuple(found[name] for name in recurrence.order)
    inner = tuple(_nested(world, table, other, found) for other in recurrence.inner)
    resting = tuple(Resting(circle.order, _way(world, circle)) for circle in recurrence.resting)
    return Scan(axes, ordered, steps, recurrence.reverse, inner, resting, late=tuple(late.items()))


def _fixpoint(world: World, domains: Domains, table: Table, circle: Circle) -> Fixpoint | None:
    least = _least(world, circle)
    found = None if least is None else _going_round(world, domains, table, circle.order, least)
    if found is None or not _stay_real(world, circle, found):
        return None
    by_name = {d.tensor: d for d in (with_unreached(found) if circle.monotone else found)}
    for recurrence in circle.inner:
        by_name |= {name: _with_first(recurrence, by_name[name]) for name in recurrence.order}
        tell_outside(domains, recurrence)
    inner = tuple(_nested(world, table, recurrence, by_name) for recurrence in circle.inner)
    way = _way(world, circle)
    return replace(way, definitions=tuple(by_name.values()), reports=reports_of(world, circle), inner=inner)


def _way(world: World, circle: Circle) -> Fixpoint:
    """How a fixed point is found, as far as that is declared; no definitions yet."""
    asked = circle.asked
    most = asked.most if asked is not None and asked.most else MOST_MONOTONE if circle.monotone else MOST
    if asked is None:
        span = world.tensors[circle.order[0]].statements[0].span
        return Fixpoint((), circle.monotone, 0.0, most, False, "plain", span)
    tolerance, method = (0.0, "plain") if circle.monotone else (asked.tolerance, asked.method)
    return Fixpoint((), circle.monotone, tolerance, most, asked.lenient, method, asked.span)


def _least(world: World, circle: Circle) -> dict[str, str] | None:
    """The least element types of a circle's tensors; None where declared ones do not fit."""
    if circle.monotone:
        return _starts(world, circle)
    return dict.fromkeys(circle.order, "float") if _all_real(world, circle) else None


def _starts(world: World, circle: Circle) -> dict[str, str]:
    """The least element types of monotone tensors: what is counted with starts at an infinity, so is real."""
    group = {name: world.tensors[name] for name in circle.order}
    reckoned = counted(group)
    least = {}
    for name, info in group.items():
        infinite = idempotent(info) and not info.relation and info.statements[0].operator not in ("or=", "and=")
        real = infinite and name in reckoned
        if real and info.element in ("int", "bool"):
            messages.counted_integers(world.problems, info.span, name, info.element)
        least[name] = "float" if real else "bool"
    return least


def _all_real(world: World, circle: Circle) -> bool:
    """Whether no tensor of a circle is declared as whole numbers or truth values."""
    real = True
    for name in circle.order:
        info = world.tensors[name]
        element = "bool" if info.relation else info.element
        if element is not None and not is_floating(element):
            assert circle.asked is not None
            messages.fixpoint_not_real(world.problems, info.span, name, element, circle.asked.span, idempotent(info))
            real = False
    return real


def _stay_real(world: World, circle: Circle, found: tuple[Definition, ...]) -> bool:
    """Whether the equations of a circle that is declared to settle give real numbers."""
    real = True
    for definition in () if circle.monotone else found:
        if definition.tensor not in circle.order:
            continue
        info = world.tensors[definition.tensor]
        given = join(dtype(piece.value) for piece in definition.pieces)
        if not is_floating(given) and any(tensors_read(p.value) & set(circle.order) for p in definition.pieces):
            assert circle.asked is not None
            messages.fixpoint_not_real(
                world.problems, info.statements[0].span, info.name, given, circle.asked.span, idempotent(info)
            )
            real = False
    return real


def _going_round(
    world: World, domains: Domains, table: Table, names: tuple[str, ...], least: dict[str, str]
) -> tuple[Definition, ...] | None:
    """The definitions of tensors that read each other; each element type is at least its ``least``."""
    members = [world.tensors[name] for name in names]
    for info in members:
        table.dtypes[info.name] = info.element or least[info.name]
    found: list[Definition | None] = []
    present: Presences = {}
    for _ in range(len(members) + 6):
        assumed = {info.name: table.dtypes[info.name] for info in members}
        found, present = _once(world, domains, table, members)
        if None in found or all(table.dtypes[name] == dtype for name, dtype in assumed.items()):
            break
    while None not in found and present:
        table.presence.update(present)
        found, later = _once(world, domains, table, members)
        present = {name: condition for name, condition in later.items() if name not in table.presence}
    defined = tuple(definition for definition in found if definition is not None)
    return defined if len(defined) == len(found) else None


def _once(
    world: World, domains: Domains, table: Table, members: list[TensorInfo]
) -> tuple[list[Definition | None], Presences]:
    """Define each tensor from what is known of all; element types widen, presence is given back and not yet used.

    What makes an element absent is said by its own guard first, then by the presence of what it reads; it is settled
    when it is first known, since that of an earlier position of itself would only say the same again.
    """
    found: list[Definition | None] = []
    present: Presences = {}
    known = {info.name: table.presence[info.name] for info in members if info.name in table.presence}
    assumed = {info.name: table.dtypes[info.name] for info in members}
    for info in members:
        found.append(define(world, domains, table, info))
        if info.name in table.presence:
            present[info.name] = table.presence.pop(info.name)
        table.presence.update({name: known[name] for name in (info.name,) if name in known})
        table.dtypes[info.name] = join((assumed[info.name], table.dtypes[info.name]))
    return found, present
