"""Declarations of how tensors that need themselves are computed (``fixpoint``, ``scan``): their names and settings.

In: the statement, the scope whose names it means, and the ``Form`` of its kind. Out: full names, and values by setting;
what is faulty is reported and left out, so that it stays at its default.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.records import dataclass, field
from tensorlang.sema import collect, messages
from tensorlang.sema.scope import Scope, View
from tensorlang.sema.world import World, strip
from tensorlang.source import Span
from tensorlang.syntax import ast

Value = str | int | float

# What a setting with a number is; a tolerance is a fraction, all others count.
_NUMBERS = {
    "tol": "a number between 0 and 1",
    "max": "a whole number of steps, 1 or more",
    "checkpoint": "a whole number of positions, 1 or more",
}


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of declaration: what it is of, its code, its settings that are words, and those that are numbers."""

    keyword: str
    what: str
    code: str
    words: Mapping[str, tuple[str, ...]]
    numbers: tuple[str, ...]


@dataclass(slots=True)
class Settings:
    """The values that a declaration sets, and where each setting stands."""

    values: dict[str, Value] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)

    def word(self, name: str, default: str) -> str:
        found = self.values.get(name, default)
        return found if isinstance(found, str) else default

    def count(self, name: str) -> int | None:
        found = self.values.get(name)
        return found if isinstance(found, int) else None

    def fraction(self, name: str, default: float) -> float:
        found = self.values.get(name, default)
        return default if isinstance(found, str) else float(found)


def names_of(world: World, scope: Scope, statement: ast.Fixpoint | ast.Scan, form: Form) -> tuple[str, ...]:
    """The full names of the tensors that a declaration names."""
    found = []
    for name in statement.names:
        entity = scope.names.get(name)
        if isinstance(entity, View):
            found.append(entity.tensor.name)
        else:
            own = [known for known, other in scope.names.items() if isinstance(other, View)]
            messages.declared_of_unknown(world.problems, statement.span, form.keyword, name, own)
    return tuple(found)


def settings_of(world: World, scope: Scope, statement: ast.Fixpoint | ast.Scan, form: Form) -> Settings:
    """The settings that a declaration gives values to."""
    found = Settings()
    for option in statement.options:
        if option.name in found.spans:
            messages.setting_twice(world.problems, form.code, option.span, option.name, found.spans[option.name])
            continue
        found.spans[option.name] = option.span
        value = _value(world, scope, option, form)
        if value is not None:
            found.values[option.name] = value
    return found


def _value(world: World, scope: Scope, option: ast.Option, form: Form) -> Value | None:
    value = strip(option.value)
    if option.name in form.words:
        return _word(world, option, value, form)
    if option.name not in form.numbers:
        known = (*form.numbers, *form.words)
        messages.unknown_setting(world.problems, form.code, option.span, form.what, option.name, known)
        return None
    number = collect.number_of(scope, value)
    fits = number is not None and (0 < number < 1 if option.name == "tol" else isinstance(number, int) and number >= 1)
    if not fits:
        wanted = _NUMBERS[option.name]
        messages.setting_value(world.problems, form.code, option.value.span, option.name, wanted)
        return None
    return number


def _word(world: World, option: ast.Option, value: ast.Expression, form: Form) -> str | None:
    known = form.words[option.name]
    if isinstance(value, ast.Name) and value.name in known:
        return value.name
    written = value.name if isinstance(value, ast.Name) else ""
    messages.setting_word(world.problems, form.code, option.value.span, option.name, written, known)
    return None
