"""Rules as equations: what only a call knows (inputs, tensors) is joined and projected like any other tensor.

    Near(x,z) <- Edge(x,y), Score[y,z] > 0.5, x != z
    Near(x,z) or= Edge(x,y) and (Score[y,z] > 0.5) and x != z

``_`` becomes a fresh index; a circle of such equations is a fixed point like any circle of ``or=``.
"""

from __future__ import annotations

from tensorlang.records import replace
from tensorlang.sema import messages
from tensorlang.sema.relations.aggregates import aggregate_of
from tensorlang.sema.world import World, ast_walk, strip
from tensorlang.syntax import ast


def equation(world: World, rule: ast.Rule) -> ast.Equation | None:
    """The equation that a rule means, or None where it has none (reported)."""
    assert isinstance(rule.head.target, ast.Name)
    if any(aggregate_of(argument.value) is not None for argument in rule.head.arguments):
        messages.aggregate_over_tensors(world.problems, rule.head.span)
        return None
    names = _Names({n.name for part in (rule.head, *rule.body) for n in ast_walk(part) if isinstance(n, ast.Name)})
    items = tuple(argument.value for argument in rule.head.arguments)
    parts = tuple(names.filled(condition) for condition in rule.body)
    value = parts[0] if len(parts) == 1 else ast.Logic("and", parts, span=parts[0].span.to(parts[-1].span))
    name = rule.head.target.name
    return ast.Equation(name, items, "or=", value, None, True, left=rule.head.span, span=rule.span)


class _Names:
    """Fresh names for ``_``."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken

    def fresh(self) -> str:
        number = 1
        while f"_{number}" in self.taken:
            number += 1
        self.taken.add(f"_{number}")
        return f"_{number}"

    def filled(self, node: ast.Expression) -> ast.Expression:
        """A condition with every ``_`` an index of its own."""
        inner = strip(node)
        match inner:
            case ast.Call(arguments=arguments):
                return replace(inner, arguments=tuple(replace(a, value=self._place(a.value)) for a in arguments))
            case ast.Not(value=value):
                return replace(inner, value=self._any(value))
            case ast.Logic(values=values):
                return replace(inner, values=tuple(self.filled(value) for value in values))
            case _:
                return node

    def _any(self, node: ast.Expression) -> ast.Expression:
        """``not Bad(_, x)`` means that there is none: ``not any[_1](Bad(_1, x))``."""
        before = set(self.taken)
        filled = self.filled(node)
        fresh = sorted(self.taken - before)
        if not fresh:
            return filled
        span = node.span
        indices = tuple(ast.Name(name, span=span) for name in fresh)
        target = ast.Subscript(ast.Name("any", span=span), indices, span=span)
        return ast.Call(target, (ast.Argument(filled, span=span),), span=span)

    def _place(self, node: ast.Expression) -> ast.Expression:
        return ast.Name(self.fresh(), span=node.span) if isinstance(node, ast.Name) and node.name == "_" else node
