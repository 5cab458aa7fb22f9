"""Queries over told relations: ``Anc(Ann, x)?``, ``Parent(x, y) and x != Bob?``, ``why Anc(Ann, Dan)?``."""

from __future__ import annotations

from tensorlang.ir.program import Action, AskAction, WhyAction
from tensorlang.sema import messages
from tensorlang.sema.relations.book import goal_of
from tensorlang.sema.relations.terms import Literal, Name
from tensorlang.sema.scope import Scope, View
from tensorlang.sema.world import World, ast_walk, strip
from tensorlang.source import Span
from tensorlang.syntax import ast


def asks(world: World, scope: Scope, value: ast.Expression) -> bool:
    """Whether a query is for bindings: conditions over told relations and nothing else."""
    inner = strip(value)
    if isinstance(inner, ast.Name):
        return _told(world, scope, inner.name)
    if not isinstance(inner, ast.Call | ast.Not | ast.Logic | ast.Comparison):
        return False
    nodes = list(ast_walk(inner))
    calls = [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.target, ast.Name)]
    told = [n for n in calls if isinstance(n.target, ast.Name) and _told(world, scope, n.target.name)]
    return bool(told) and not any(isinstance(n, ast.Subscript | ast.Attribute) for n in nodes)


def _told(world: World, scope: Scope, name: str) -> bool:
    found = scope.find(name)
    return isinstance(found, View) and found.tensor.name in world.told


def action(world: World, scope: Scope, value: ast.Expression, why: bool, span: Span) -> Action | None:
    """What a query does."""
    title = " ".join(value.span.text.split())
    if why and not asks(world, scope, value):
        messages.why_needs_a_fact(world.problems, value.span)
        return None
    goal = goal_of(world, scope, _spelled(world, scope, strip(value)))
    head = goal.draft.literals[0]
    if goal.draft.failed:
        world.goals.remove(goal)
        return None
    variables = tuple(term.name for term in head.terms if isinstance(term, Name))
    if not why:
        whole = strip(value)
        view = scope.find(whole.name) if isinstance(whole, ast.Name) else None
        weighted = isinstance(view, View) and world.told[view.tensor.name].weighted
        numbers = view.tensor.name if isinstance(view, View) and weighted else None
        return AskAction(head.relation, variables, title, span, numbers)
    if variables or len(goal.draft.body) != 1 or not _fact(goal.draft.body[0]):
        messages.why_needs_a_fact(world.problems, value.span)
        return None
    return WhyAction(head.relation, title, span)


def _fact(part: object) -> bool:
    return isinstance(part, Literal) and not part.negated


def _spelled(world: World, scope: Scope, value: ast.Expression) -> ast.Expression:
    """``Ancestor?`` asks for all rows, under the names of the places."""
    if not isinstance(value, ast.Name):
        return value
    found = scope.find(value.name)
    assert isinstance(found, View)
    labels = found.tensor.labels or ()
    names = [label if labels.count(label) == 1 else f"{label}{at + 1}" for at, label in enumerate(labels)]
    places = tuple(ast.Argument(ast.Name(name, span=value.span), span=value.span) for name in names)
    return ast.Call(value, places, span=value.span)
