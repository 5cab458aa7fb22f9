"""``fixpoint`` declarations: the tensors that they name, their settings.

In: the statement, and the scope whose names it means. Out: an ``Asked`` in ``World.settling``; faulty settings are
reported and left at their default.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tensorlang.sema import collect, messages
from tensorlang.sema.scope import Scope, View
from tensorlang.sema.world import World, strip
from tensorlang.source import Span
from tensorlang.syntax import ast

METHODS = ("anderson", "plain")
ENDINGS = ("error", "warn")
SETTINGS = ("tol", "max", "method", "otherwise")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one declaration asks for, the tensors by their full names; ``most`` is None where it does not say."""

    names: tuple[str, ...]
    span: Span
    tolerance: float = 1e-6
    most: int | None = None
    method: str = "anderson"
    lenient: bool = False


def declare(world: World, scope: Scope, statement: ast.Fixpoint) -> None:
    """Enter a declaration; the equations of the block are known by now."""
    asked = Asked(tuple(_names(world, scope, statement)), statement.span)
    seen: dict[str, Span] = {}
    for option in statement.options:
        if option.name in seen:
            messages.setting_twice(world.problems, option.span, option.name, seen[option.name])
        else:
            seen[option.name] = option.span
            asked = _set(world, scope, asked, option)
    world.settling.append(asked)


def _names(world: World, scope: Scope, statement: ast.Fixpoint) -> list[str]:
    found = []
    for name in statement.names:
        entity = scope.names.get(name)
        if isinstance(entity, View):
            found.append(entity.tensor.name)
        else:
            own = [known for known, other in scope.names.items() if isinstance(other, View)]
            messages.fixpoint_of_unknown(world.problems, statement.span, name, own)
    return found


def _set(world: World, scope: Scope, asked: Asked, option: ast.Option) -> Asked:
    value = strip(option.value)
    if option.name == "method":
        word = _word(world, option, value, METHODS)
        return asked if word is None else replace(asked, method=word)
    if option.name == "otherwise":
        word = _word(world, option, value, ENDINGS)
        return asked if word is None else replace(asked, lenient=word == "warn")
    number = collect.number_of(scope, value)
    if option.name == "tol":
        if number is not None and 0 < number < 1:
            return replace(asked, tolerance=float(number))
        messages.setting_value(world.problems, option.value.span, "tol", "a number between 0 and 1")
    elif option.name == "max":
        if isinstance(number, int) and number >= 1:
            return replace(asked, most=number)
        messages.setting_value(world.problems, option.value.span, "max", "a whole number of steps, 1 or more")
    else:
        messages.unknown_setting(world.problems, option.span, option.name, SETTINGS)
    return asked


def _word(world: World, option: ast.Option, value: ast.Expression, known: tuple[str, ...]) -> str | None:
    if isinstance(value, ast.Name) and value.name in known:
        return value.name
    written = value.name if isinstance(value, ast.Name) else ""
    messages.setting_word(world.problems, option.value.span, option.name, written, known)
    return None
