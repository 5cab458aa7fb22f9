"""``fixpoint`` declarations: the tensors that they name, their settings.

In: the statement, and the scope whose names it means. Out: an ``Asked`` in ``World.settling``; faulty settings are
reported and left at their default.
"""

from __future__ import annotations

from tensorlang.records import dataclass
from tensorlang.sema.scope import Scope
from tensorlang.sema.settings import Form, names_of, settings_of
from tensorlang.sema.world import World
from tensorlang.source import Span
from tensorlang.syntax import ast

FORM = Form(
    "fixpoint",
    "a fixed point",
    "E0520",
    {"method": ("anderson", "plain"), "otherwise": ("error", "warn")},
    ("tol", "max"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one declaration asks for, the tensors by their full names; ``most`` is None where it does not say.

    ``settles``: it says how near is near enough, or the method, so real values settle, whatever joins them.
    """

    names: tuple[str, ...]
    span: Span
    tolerance: float = 1e-6
    most: int | None = None
    method: str = "anderson"
    lenient: bool = False
    settles: bool = False


def declare(world: World, scope: Scope, statement: ast.Fixpoint) -> None:
    """Enter a declaration; the equations of the block are known by now."""
    names = names_of(world, scope, statement, FORM)
    given = settings_of(world, scope, statement, FORM)
    world.settling.append(
        Asked(
            names,
            statement.span,
            given.fraction("tol", 1e-6),
            given.count("max"),
            given.word("method", "anderson"),
            given.word("otherwise", "error") == "warn",
            "tol" in given.values or "method" in given.values,
        )
    )
