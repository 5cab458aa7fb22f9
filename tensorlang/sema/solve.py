"""Sizes of everything: what statements say of them, tried until nothing moves.

In: the tensors and statements of a ``World``. Out: ``Domains``, solved, or reports of what has no size or two.
"""

from __future__ import annotations

from collections.abc import Callable, Set

from tensorlang.ir.domain import Size, largest
from tensorlang.ops import STRUCTURED
from tensorlang.sema import messages
from tensorlang.sema.domains import Domains, Var, accesses
from tensorlang.sema.extents import left_axes
from tensorlang.sema.formal_sizes import by_formals
from tensorlang.sema.ranges import valid_range
from tensorlang.sema.recursion import Unit
from tensorlang.sema.resolved import (
    Access,
    Entity,
    Flat,
    FromEnd,
    Place,
    Resolved,
    Statement,
    Value,
    names_free,
)
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.steps import (
    ahead,
    bound_axes,
    bound_axes_by_reads,
    bound_indices,
    check_left_sides,
    check_reads_from_outside,
    left_bounds,
    moving_axes,
    read_bound,
)
from tensorlang.sema.unsolved import given_sizes, tell_unresolved
from tensorlang.sema.well_founded import Recurrence
from tensorlang.sema.world import World
from tensorlang.source import Span


def solve(world: World) -> Domains:
    """Sizes of everything, or reports of what has none or two."""
    domains = Domains(world)
    for info in world.tensors.values():
        _declared(domains, info)
    for tensor, at, size, span in world.ties:
        domains.assign(domains.axis(tensor, at), size, (f"`{span.text}`", span), f"axis {at + 1} of {tensor}")
    for one, other, span in world.same:
        for at, label in enumerate(world.tensors[other].labels or ()):
            domains.unify(domains.axis(one, at), domains.axis(other, at), label, span)
    statements = [statement for info in world.tensors.values() for statement in info.statements]
    for statement in statements:
        _statement(domains, statement)
    for statement in statements:
        domains.steps += left_bounds(domains, statement)
    for info in world.tensors.values():
        left_axes(domains, info)
    _run(domains)
    while _softly(domains):
        _run(domains)
    check_reads_from_outside(domains)
    check_left_sides(domains)
    given_sizes(domains)
    tell_unresolved(domains, statements)
    return domains


def _softly(domains: Domains) -> bool:
    """Let what nothing else bounds have the size of what it stands with; whether that gave any a size."""
    moved = by_formals(domains)
    for a, b, span in domains.soft:
        if (domains.size(a) is None) != (domains.size(b) is None):
            domains.unify(a, b, "", span)
            moved = True
    return moved or bound_indices(domains) or bound_axes(domains) or bound_axes_by_reads(domains)


def _run(domains: Domains) -> None:
    """Try what waits for sizes again and again, until nothing moves."""
    moved = True
    while moved:
        before = len(domains.waiting)
        domains.waiting = [task for task in domains.waiting if not task()]
        moved = len(domains.waiting) < before


def _declared(domains: Domains, info: TensorInfo) -> None:
    labels = info.labels or ()
    for at, label in enumerate(labels):
        var = domains.axis(info.name, at)
        told = domains.world.places.get((info.name, at))
        if told is not None:
            domains.assign(var, told[0], (f"the entities and positions of `{info.name}`", info.span), label, info.span)
            continue
        name = info.domain(at)
        dim = info.scope.dim(name) if info.declared and at >= len(info.leading) else None
        if dim is not None:
            domains.assign(var, dim[0], (f"`dim {name}`", dim[1]), label)
        if info.relation and info.declared and dim is None and info.name not in domains.world.told:
            place = domains.places.setdefault(name.rstrip("'"), Var(first=info.span))
            domains.unify(place, var, label, info.span)
            var = domains.axis(info.name, at)
        words = f"`{info.kind} {info.name}[{','.join(labels)}]`"
        if info.literal is not None and info.shape is not None:
            domains.assign(var, Size.of(info.shape[at]), (f"`{info.name}`, written out", info.span), label, info.span)
        elif info.kind == "data" and info.shape is not None:
            symbol = domains.symbol(info.name, label)
            domains.world.sizes[next(iter(symbol.symbols))] = info.shape[at]
            path = info.file.path if info.file is not None else ""
            domains.assign(var, symbol, (f"the file {path!r} of {words}", info.span), label, info.span)
        elif info.kind in ("input", "relation", "data") and var.size is None:
            domains.assign(var, domains.symbol(info.name, label), (words, info.span), label)


def own_domain(world: World, statement: Statement) -> set[str]:
    """The indices of a statement that have a domain of their own: alone in an axis, by a ``dim``, or by a slice."""
    found = {*statement.dims, *statement.ranges}
    for access in accesses(statement):
        if access.tensor not in STRUCTURED:
            open_axes = unbounding(world, statement, access)
            found |= {e.index for at, e in enumerate(access.at) if isinstance(e, Place) and at not in open_axes}
            found |= {name for entry in access.at if isinstance(entry, Flat) for name in entry.indices}
    if world.tensors[statement.tensor].declared:
        found |= {entry.index for entry in statement.left if isinstance(entry, Place)}
    return found


def unbounding(world: World, statement: Statement, access: Access) -> frozenset[int]:
    """The axes of an access that say nothing of how far an index goes: those along which a tensor reads itself."""
    unit = world.units.get(statement.tensor)
    if unit is None or access.tensor not in unit.order:
        return frozenset()
    return moving_axes(world, unit, access) if isinstance(unit, Recurrence) else frozenset(range(len(access.at)))


def _statement(domains: Domains, statement: Statement) -> None:
    for name, (size, span) in statement.dims.items():
        var = domains.index(statement, name)
        domains.assign(var, size, (f"`dim {name}`", span), name)
    for name, size in statement.ranges.items():
        domains.assign(domains.index(statement, name), size, ("the slice", statement.span), name)
    own = own_domain(domains.world, statement)
    arithmetic: dict[str, list[tuple[Access, int]]] = {}
    for access in accesses(statement):
        unit = domains.world.units.get(statement.tensor)
        if access.tensor in STRUCTURED:
            _structured(domains, statement, access)
        elif unit is not None and access.tensor in unit.order:
            _inside(domains, statement, access, unit)
        else:
            later = ahead(domains.world, access.tensor) if access.tensor in domains.world.units else {}
            for at, entry in enumerate(access.at):
                if at in later and isinstance(entry, Place):
                    _beside(domains, statement, access, at, entry)
                elif _entry(domains, statement, access, at, entry):
                    for name in names_free(entry) - own:
                        arithmetic.setdefault(name, []).append((access, at))
    for name, places in arithmetic.items():
        domains.waiting.append(_range_task(domains, statement, name, places))
    _left_places(domains, statement, arithmetic.keys())


def _left_places(domains: Domains, statement: Statement, arithmetic: Set[str]) -> None:
    """Tie the plain indices of a left side to their axes."""
    for at, entry in enumerate(statement.left):
        if isinstance(entry, Place):
            task = _left_task(domains, statement, entry, at)
            if entry.index in arithmetic:
                domains.waiting.append(task)
            else:
                domains.unify(
                    domains.index(statement, entry.index), domains.axis(statement.tensor, at), entry.index, entry.span
                )


def _inside(domains: Domains, statement: Statement, access: Access, unit: Unit) -> None:
    """A read of what is being computed: it bounds no index by arithmetic, and that of a step only at last."""
    moving = moving_axes(domains.world, unit, access)
    for at, entry in enumerate(access.at):
        if at not in moving:
            _entry(domains, statement, access, at, entry)
        elif isinstance(entry, Place) and (bound := read_bound(statement, access, at, entry)) is not None:
            domains.steps.append(bound)


def _beside(domains: Domains, statement: Statement, access: Access, at: int, entry: Place) -> None:
    """A read, from outside, along an axis of steps: how long that is, its own equations say before this one does."""
    domains.steps.append((statement, entry.index, access.tensor, at, 0, entry.span))
    domains.beside.append((statement, entry.index, access.tensor, at, entry.span))


def _entry(domains: Domains, statement: Statement, access: Access, at: int, entry: Resolved) -> bool:
    """Tie the indices of one entry to the axis it stands in; True where it is arithmetic, which only bounds them."""
    if isinstance(entry, Place):
        index = domains.index(statement, entry.index)
        domains.unify(index, domains.axis(access.tensor, at), entry.index, entry.span)
    elif isinstance(entry, Flat):
        _flattened(domains, statement, entry, domains.axis(access.tensor, at))
    elif not isinstance(entry, FromEnd | Value | Entity):
        _gathered(domains, entry, access, at)
        return True
    return False


def _left_task(domains: Domains, statement: Statement, entry: Place, at: int) -> Callable[[], bool]:
    """An index that ranges by arithmetic meets the axis of its left side only once its range is known."""

    def task() -> bool:
        var = domains.index(statement, entry.index)
        if domains.size(var) is None:
            return False
        domains.unify(var, domains.axis(statement.tensor, at), entry.index, entry.span)
        return True

    return task


def _structured(domains: Domains, statement: Statement, access: Access) -> None:
    places = [domains.index(statement, e.index) for e in access.at if isinstance(e, Place)]
    if access.tensor == "epsilon":
        for entry in access.at:
            if isinstance(entry, Place):
                origin = (f"`epsilon` with {len(access.at)} places", access.span)
                domains.assign(domains.index(statement, entry.index), Size.of(len(access.at)), origin, entry.index)
    elif len(places) == 2:
        domains.soft.append((places[0], places[1], access.span))


def _gathered(domains: Domains, entry: Resolved, access: Access, at: int) -> None:
    """``E[Tok[b,t], d]`` with ``Tok in v``: the gathered axis is over v."""
    if isinstance(entry, Access):
        info = domains.world.tensors.get(entry.tensor)
        if info is not None and info.positions is not None:
            origin = (f"`{info.name}`, whose values are positions of it", info.span)
            domains.assign(
                domains.axis(access.tensor, at), info.positions, origin, f"axis {at + 1} of {access.tensor}", entry.span
            )


def _flattened(domains: Domains, statement: Statement, entry: Flat, axis: Var) -> None:
    def task() -> bool:
        total = domains.size(axis)
        sizes = [domains.size(domains.index(statement, name)) for name in entry.indices]
        unknown = [name for name, size in zip(entry.indices, sizes, strict=True) if size is None]
        known = Size.of(1)
        for size in sizes:
            known = known * size if size is not None else known
        name = f"({' '.join(entry.indices)})"
        if not unknown:
            domains.assign(axis, known, (f"`{name}`", entry.span), name, entry.span)
            return True
        if total is None or len(unknown) > 1:
            return False
        missing = _quotient(domains, total, known)
        if missing is None:
            messages.flatten_remainder(domains.world.problems, entry.span, name, total, known)
            missing = Size.of(1)
        var = domains.index(statement, unknown[0])
        domains.assign(var, missing, (f"`{name}` over an axis of {total}", entry.span), unknown[0], entry.span)
        return True

    domains.waiting.append(task)


def _quotient(domains: Domains, total: Size, known: Size) -> Size | None:
    """``total / known`` where it comes out even, or is not known not to."""
    number, divisor = domains.value(total), known.constant
    if divisor is None:
        return None
    if number is not None and number % divisor:
        return None
    return total // divisor


def _range_task(
    domains: Domains, statement: Statement, name: str, places: list[tuple[Access, int]]
) -> Callable[[], bool]:
    def size_of(index: str) -> Size | None:
        return domains.size(domains.index(statement, index))

    def task() -> bool:
        var = domains.index(statement, name)
        if domains.size(var) is not None:
            return True
        lows: list[Size] = []
        highs: list[Size] = []
        for access, at in places:
            size = domains.size(domains.axis(access.tensor, at))
            if size is None:
                return False
            bounds = valid_range(access.at[at], name, size, size_of)
            if bounds == "unknown":
                return False
            if isinstance(bounds, tuple):
                lows.append(bounds[0])
                highs.append(bounds[1])
        if not highs:
            return False
        _set_range(domains, statement, name, lows, highs, places[0][0].span)
        return True

    return task


def _set_range(
    domains: Domains, statement: Statement, name: str, lows: list[Size], highs: list[Size], span: Span
) -> None:
    low = largest([Size.of(0), *lows])
    high = -largest([-size for size in highs])
    count = domains.value(domains.norm(high - low + 1))
    size = high + 1
    if count is not None and count < 1:
        messages.empty_range(domains.world.problems, span, name)
        size = Size.of(1)
    domains.assign(domains.index(statement, name), size, (f"`{span.text}`", span), name, span)
    if low.constant is None or low.constant > 0:
        domains.lower[id(statement.group), name] = low
