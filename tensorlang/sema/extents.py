"""Axes of defined tensors that no plain index gives: the furthest position that an equation names, plus one."""

from __future__ import annotations

from collections.abc import Callable

from tensorlang.ir.domain import Size, largest
from tensorlang.sema.domains import Domains
from tensorlang.sema.ranges import Linear, linear
from tensorlang.sema.resolved import (
    Access,
    FromEnd,
    Function,
    Place,
    Resolved,
    Statement,
    Value,
    names_free,
)
from tensorlang.sema.scope import TensorInfo


def left_axes(domains: Domains, info: TensorInfo) -> None:
    """Axes that no plain index gives: the furthest position that an equation names, plus one."""
    for at in range(len(info.labels or ())):
        entries = [(statement, statement.left[at]) for statement in info.statements]
        if info.declared or not entries or any(isinstance(entry, Place) for _, entry in entries):
            continue
        domains.waiting.append(_extent_task(domains, info, at, entries))


def _extent_task(
    domains: Domains, info: TensorInfo, at: int, entries: list[tuple[Statement, Resolved]]
) -> Callable[[], bool]:
    def task() -> bool:
        axis = domains.axis(info.name, at)
        if domains.size(axis) is not None:
            return True
        ends: list[Size] = []
        for statement, entry in entries:
            if isinstance(entry, FromEnd):
                continue
            end = furthest(domains, statement, entry)
            if end is None:
                return False
            ends.append(end + 1)
        moving = [end for end, (_, entry) in zip(ends, entries, strict=False) if names_free(entry)] or ends
        if moving:
            domains.assign(
                axis, largest(moving if len(moving) < len(ends) else ends), ("its equations", info.span), info.name
            )
        return bool(moving)

    return task


def furthest(domains: Domains, statement: Statement, entry: Resolved) -> Size | None:
    """The largest value of an entry of a left side; None while it is unknown."""
    if isinstance(entry, Access):
        info = domains.world.tensors.get(entry.tensor)
        return info.positions - 1 if info is not None and info.positions is not None else None
    if isinstance(entry, Function) and entry.op == "floordiv" and isinstance(entry.args[1], Value):
        inner = furthest(domains, statement, entry.args[0])
        divisor = entry.args[1].value
        return inner // divisor if inner is not None and isinstance(divisor, int) and divisor > 0 else None
    if isinstance(entry, Function) and entry.op == "mod" and isinstance(entry.args[1], Value):
        return Size.of(entry.args[1].value) - 1 if isinstance(entry.args[1].value, int | Size) else None
    form = linear(entry, lambda name: domains.size(domains.index(statement, name)))
    return form.high if isinstance(form, Linear) else None
