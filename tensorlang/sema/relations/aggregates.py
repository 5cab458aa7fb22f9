"""``count(y)``, ``sum(w)``, ``min(d + w)`` at a place of a head."""

from __future__ import annotations

from tensorlang.sema.world import strip
from tensorlang.syntax import ast

AGGREGATES = ("count", "sum", "min", "max", "mean")


def aggregate_of(node: ast.Expression) -> tuple[str, ast.Expression] | None:
    """The operator and its term, where a place of a head is an aggregate (of one argument)."""
    inner = strip(node)
    if not isinstance(inner, ast.Call) or not isinstance(inner.target, ast.Name):
        return None
    if inner.target.name not in AGGREGATES or len(inner.arguments) != 1:
        return None
    return inner.target.name, inner.arguments[0].value
