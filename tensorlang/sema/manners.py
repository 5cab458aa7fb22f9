"""``scan`` declarations: how the recurrences of the tensors that they name are to be run.

In: the statement, and the scope whose names it means. Out: an entry in ``World.manners``; once recurrences are found,
``with_manners`` puts each into its ``Scan``.
"""

from __future__ import annotations

from tensorlang.ir.recursion import Manner, Scan
from tensorlang.records import dataclass, replace
from tensorlang.sema import messages
from tensorlang.sema.circles import Circle
from tensorlang.sema.domains import accesses
from tensorlang.sema.scope import Scope
from tensorlang.sema.settings import Form, Settings, names_of, settings_of
from tensorlang.sema.world import World
from tensorlang.source import Span
from tensorlang.syntax import ast

FORM = Form(
    "scan", "a recurrence", "E0540", {"method": ("auto", "loop", "parallel")}, ("tol", "max", "checkpoint")
)  # fmt: skip
DEFAULT = Manner()


@dataclass(frozen=True, slots=True)
class Wish:
    """What one declaration asks for, the tensors by their full names."""

    names: tuple[str, ...]
    span: Span
    manner: Manner


def declare(world: World, scope: Scope, statement: ast.Scan) -> None:
    """Enter a declaration; the equations of the block are known by now."""
    names = names_of(world, scope, statement, FORM)
    world.manners.append(Wish(names, statement.span, _manner(world, settings_of(world, scope, statement, FORM))))


def _manner(world: World, given: Settings) -> Manner:
    method = given.word("method", DEFAULT.method)
    for name in ("tol", "max"):
        if name in given.values and method != "parallel":
            messages.setting_of_parallel(world.problems, given.spans[name], name)
    if "checkpoint" in given.values and method == "parallel":
        messages.checkpoint_of_loops(world.problems, given.spans["checkpoint"])
    checkpoint = given.count("checkpoint") or 0
    return Manner(
        "loop" if checkpoint else method,
        given.fraction("tol", DEFAULT.tolerance),
        given.count("max") or DEFAULT.most,
        checkpoint,
    )


def check_manners(world: World) -> None:
    """Report declarations of tensors that are no recurrence, and recurrences of which several ask."""
    first: dict[int, Wish] = {}
    world.manners = [replace(wish, names=_meant(world, wish.names)) for wish in world.manners]
    for wish in world.manners:
        units = {id(unit): unit for name in wish.names if (unit := world.units.get(name)) is not None}
        for name in wish.names:
            unit = world.units.get(name)
            if isinstance(unit, Circle) or (unit is None and not _needs_itself(world, name)):
                messages.no_recurrence(world.problems, wish.span, name, unit is not None)
        for key in units:
            if key in first:
                messages.recurrence_asked_twice(world.problems, wish.span, first[key].span)
            first.setdefault(key, wish)


def _meant(world: World, names: tuple[str, ...]) -> tuple[str, ...]:
    """The recurrences that names stand for: themselves, or those inside what a module gives (``Y = ssm.S5(...)``)."""
    found: list[str] = []
    for name in names:
        inside = [other for other in world.units if other.startswith(f"{name}.")]
        found += [name] if name in world.units or not inside else inside
    return tuple(found)


def _needs_itself(world: World, name: str) -> bool:
    """Whether a tensor is in a circle: one that cannot be computed is reported as such."""
    met: set[str] = set()
    waiting = [name]
    while waiting:
        info = world.tensors[waiting.pop()]
        read = {access.tensor for statement in info.statements for access in accesses(statement)}
        if name in read:
            return True
        waiting += [other for other in read - met if other in world.tensors]
        met |= read
    return False


def with_manners(world: World, scans: tuple[Scan, ...]) -> tuple[Scan, ...]:
    """The scans, each with what its declaration asks for."""
    return tuple(replace(scan, manner=_asked(world, scan)) for scan in scans)


def _asked(world: World, scan: Scan) -> Manner:
    return next((wish.manner for wish in world.manners if not set(wish.names).isdisjoint(scan.members)), DEFAULT)
