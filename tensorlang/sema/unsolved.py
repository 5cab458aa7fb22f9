"""What is left when nothing more can be solved: sizes given from outside are put in, the rest is reported."""

from __future__ import annotations

from collections.abc import Iterator

from tensorlang.ir.domain import Size, Symbol
from tensorlang.sema import messages
from tensorlang.sema.domains import Domains, Var, accesses, root
from tensorlang.sema.resolved import (
    Extent,
    Flat,
    Place,
    Reduction,
    Statement,
    walk,
)
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.world import World
from tensorlang.source import Span


def given_sizes(domains: Domains) -> None:
    """``--dim b=32`` for a size that only an input's axis has."""
    world = domains.world
    for name, value in world.setting.dims.items():
        if name in world.root.dims:
            continue
        if name in domains.names:
            symbol = Symbol(name)
            size = domains.norm(Size.of(symbol))
            if size.symbol is not None:
                world.sizes[size.symbol] = value
        else:
            messages.unknown_dim_option(world.problems, name, (*world.root.dims, *domains.names))


def tell_unresolved(domains: Domains, statements: list[Statement]) -> None:
    world = domains.world
    broken = _broken(world)
    told: set[int] = set()

    def untold(var: Var) -> bool:
        if domains.size(var) is not None or id(root(var)) in told:
            return False
        told.add(id(root(var)))
        return True

    for info, at, label in _axes(world, "param", "buffer"):
        if not broken and untold(domains.axis(info.name, at)):
            messages.param_axis_unknown(world.problems, info, at, label)
    for statement in statements:
        if not broken & {statement.tensor, *(access.tensor for access in accesses(statement))}:
            for name, span in index_places(statement):
                if untold(domains.index(statement, name)):
                    messages.unsafe_index(world.problems, span, name, statement.tensor)
                    # With the size of one index of `(h d)` that of the other follows.
                    told.update(id(root(domains.index(statement, other))) for other in _laid_with(statement, name))
    if not told and not broken:
        for info, at, label in _axes(world, "defined"):
            if domains.size(domains.axis(info.name, at)) is None:
                messages.axis_unknown(world.problems, info, at, label)


def _axes(world: World, *kinds: str) -> Iterator[tuple[TensorInfo, int, str]]:
    for info in world.tensors.values():
        if info.kind in kinds:
            for at, label in enumerate(info.labels or ()):
                yield info, at, label


def _broken(world: World) -> set[str]:
    """The tensors with an equation that could not be read, and all that are computed from them."""
    tensors = [info for info in world.tensors.values() if info.kind == "defined"]
    broken = {info.name for info in tensors if not info.statements or len(info.statements) < len(info.equations)}
    broken |= world.refused
    grown = bool(broken)
    while grown:
        reading = {
            s.tensor for info in tensors for s in info.statements if any(a.tensor in broken for a in accesses(s))
        }
        grown = not reading <= broken
        broken |= reading
    return broken


def index_places(statement: Statement) -> Iterator[tuple[str, Span]]:
    """Every index of a statement, at each place where it stands."""
    for part in (*statement.left, statement.value, *statement.guards):
        for node in walk(part):
            match node:
                case Place(index=index, span=span) | Extent(index=index, span=span):
                    yield index, span
                case Flat(indices=indices, span=span):
                    for index in indices:
                        yield index, span
                case Reduction(indices=indices, span=span):
                    for index in indices:
                        yield index, span
                case _:
                    pass


def _laid_with(statement: Statement, name: str) -> set[str]:
    """The indices that are laid out along an axis together with one."""
    entries = (entry for access in accesses(statement) for entry in access.at if isinstance(entry, Flat))
    return {other for entry in entries if name in entry.indices for other in entry.indices}
