"""How far a recurrence goes where only the recurrence itself says so: tried once nothing else gives a size.

In: statements whose sizes are partly known. Out: sizes, one at a time, in ``Domains``. An index at which a tensor of
the recurrence is read goes as far as its axis; one that a left side is shifted by (``D[i+1] = ...``) as far as the left
side stays inside; and an axis reaches as far as the shifted left sides whose ends are known.
"""

from __future__ import annotations

from tensorlang.ir.domain import Size, largest
from tensorlang.sema import messages
from tensorlang.sema.domains import Domains, accesses
from tensorlang.sema.extents import furthest
from tensorlang.sema.recursion import Unit
from tensorlang.sema.resolved import Access, Place, Statement, names_free
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.well_founded import Recurrence, shifted
from tensorlang.sema.world import World
from tensorlang.source import Span

Bound = tuple[Statement, str, str, int, int, Span]


def moving_axes(world: World, unit: Unit, access: Access) -> frozenset[int]:
    """The axes of a tensor that is being computed along which it does not say how far an index goes.

    These are the axes of the steps, and those along which a left side is ahead: ``D[i+1,j+1] = D[i,j]``.
    """
    stepped = unit.stepped(access.tensor) if isinstance(unit, Recurrence) else frozenset()
    return stepped | ahead(world, access.tensor).keys()


def ahead(world: World, tensor: str) -> dict[int, int]:
    """The axes along which left sides of a tensor are ahead of their index, each with how far at most."""
    found: dict[int, int] = {}
    for statement in world.tensors[tensor].statements:
        for at, entry in enumerate(statement.left):
            if (left := shifted(entry)) is not None and left[1] > 0:
                found[at] = max(found.get(at, 0), left[1])
    return found


def check_reads_from_outside(domains: Domains) -> None:
    """Outside, ``H[t]`` of ``H[t+1] = ...`` may be read by a ``t`` that is as long as there: the last is left."""
    for statement, name, tensor, at, span in domains.beside:
        index, axis = domains.index(statement, name), domains.axis(tensor, at)
        sizes = domains.size(index), domains.size(axis)
        gap = None if sizes[0] is None or sizes[1] is None else domains.norm(sizes[1] - sizes[0])
        left = None if gap is None else domains.value(gap)
        if left is None or not 0 <= left <= ahead(domains.world, tensor)[at]:
            domains.unify(index, axis, name, span)


def _is_behind(statement: Statement, access: Access, at: int) -> bool:
    entry, left = access.at[at], shifted(statement.left[at])
    return isinstance(entry, Place) and left is not None and left[0] == entry.index and left[1] > 0


def read_bound(statement: Statement, access: Access, at: int, entry: Place) -> Bound | None:
    """What a read at the index of a step says of it; a left side that is ahead along the same axis says it better."""
    if access.tensor == statement.tensor and _is_behind(statement, access, at):
        return None
    return statement, entry.index, access.tensor, at, 0, entry.span


def left_bounds(domains: Domains, statement: Statement) -> list[Bound]:
    """What the shifted entries of a left side say of their indices."""
    found: list[Bound] = []
    for at, entry in enumerate(statement.left if statement.tensor in domains.world.units else ()):
        left = shifted(entry)
        if left is not None and left[1] > 0:
            found.append((statement, left[0], statement.tensor, at, left[1], entry.span))
    return found


def bound_indices(domains: Domains) -> bool:
    """Let indices without a size have that of the axis they step along; whether any did."""
    moved = False
    for statement, name, tensor, at, offset, span in domains.steps:
        index, axis = domains.index(statement, name), domains.axis(tensor, at)
        size = domains.size(axis)
        if size is None or domains.size(index) is not None:
            continue
        moved = True
        if offset == 0:
            domains.unify(index, axis, name, span)
        else:
            domains.assign(index, size - offset, (f"`{tensor}`, whose axis {at + 1} it steps along", span), name, span)
    return moved


def bound_axes(domains: Domains) -> bool:
    """Let axes without a size reach as far as the shifted left sides whose ends are known; whether any did."""
    moved = False
    for name in domains.world.units:
        info = domains.world.tensors[name]
        for at in range(len(info.labels or ())):
            ends = [] if info.declared or domains.size(domains.axis(name, at)) is not None else _ends(domains, info, at)
            if ends:
                domains.assign(domains.axis(name, at), largest(ends), ("its equations", info.span), name)
                moved = True
    return moved


def _ends(domains: Domains, info: TensorInfo, at: int) -> list[Size]:
    entries = [(statement, statement.left[at]) for statement in info.statements]
    moving = [(s, entry) for s, entry in entries if names_free(entry) and not isinstance(entry, Place)]
    return [end + 1 for s, entry in moving if (end := furthest(domains, s, entry)) is not None]


def bound_axes_by_reads(domains: Domains) -> bool:
    """Let axes without a size have that of an index they are read at; whether any did."""
    moved = False
    for statement, name, tensor, at, offset, span in domains.steps:
        index, axis = domains.index(statement, name), domains.axis(tensor, at)
        if offset == 0 and domains.size(axis) is None and domains.size(index) is not None:
            domains.unify(index, axis, name, span)
            moved = True
    return moved


def check_left_sides(domains: Domains) -> None:
    """A left side that is ahead of its index stays inside its axis, unless another equation says how long that is.

    ``T[i,i+1] = ...`` beside ``T[j,k] max= T[k,j]`` has two axes that are one, and would lose its last element.
    """
    world = domains.world
    for name in world.units:
        info = world.tensors[name]
        for at in () if info.declared else ahead(world, name):
            size = domains.size(domains.axis(name, at))
            for statement in () if size is None or _given_by_place(domains, info, at) else info.statements:
                end = furthest(domains, statement, statement.left[at])
                gap = None if end is None or size is None else domains.norm(size - end - 1).constant
                if gap is not None and gap < 0 and end is not None:
                    origin = (f"`{statement.left[at].span.text}`", statement.left[at].span)
                    domains.assign(domains.axis(name, at), end + 1, origin, f"axis {at + 1} of {name}")


def _given_by_place(domains: Domains, info: TensorInfo, at: int) -> bool:
    """Whether an equation has a plain index along an axis that something outside of the circle bounds."""
    unit = domains.world.units[info.name]
    for statement in info.statements:
        entry = statement.left[at]
        if isinstance(entry, Place):
            reads = (access for access in accesses(statement) if access.tensor not in unit.order)
            if entry.index in statement.dims or any(entry.index in names_free(access) for access in reads):
                return True
    return False


def tell_outside(domains: Domains, recurrence: Recurrence) -> None:
    """Warn of reads of a recurrence that are outside of their axis at every position."""
    world = domains.world
    for name in recurrence.order:
        for statement in world.tensors[name].statements:
            for access in accesses(statement):
                for at in sorted(recurrence.stepped(access.tensor)) if access.tensor in recurrence.axes else ():
                    if _all_outside(domains, statement, access, at):
                        info = world.tensors[access.tensor]
                        label = (info.labels or ())[at]
                        size = domains.size(domains.axis(access.tensor, at))
                        messages.lies_outside(world.problems, access.span, access.tensor, label, size)


def _all_outside(domains: Domains, statement: Statement, access: Access, at: int) -> bool:
    form = shifted(access.at[at])
    if form is None:
        return False
    sizes = domains.size(domains.index(statement, form[0])), domains.size(domains.axis(access.tensor, at))
    count, length = (None if size is None else domains.value(size) for size in sizes)
    return count is not None and length is not None and (form[1] >= length or count - 1 + form[1] < 0)
