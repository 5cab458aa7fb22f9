"""What every rewriting must keep: the element type, where the expression is present, and no new free index.

Rules are written for values; ``sound`` turns away a rewriting that would change anything else, so that a rule need not
think of booleans that become integers or of guards (``x + 0`` is present where ``x`` is absent, so it stays).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tensorlang.ir.facts import dtype, presence
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Position,
    Read,
    Reduce,
    Where,
    cached,
    children,
    free_indices,
)
from tensorlang.ops import POINTWISE

Rule = Callable[[Expr], Expr | None]

_RANDOM = frozenset(name for name, record in POINTWISE.items() if record.random)


def conjuncts(condition: Expr | None) -> tuple[Expr, ...]:
    """The conditions that an ``and`` holds together, each once."""
    if condition is None:
        return ()
    if isinstance(condition, Apply) and condition.op == "and":
        return tuple(dict.fromkeys(part for arg in condition.args for part in conjuncts(arg)))
    return (condition,)


def _normal(condition: Expr | None) -> object:
    """A condition with its ``and``s and ``or``s flat and unordered; None where it is true."""
    if isinstance(condition, Const) and condition.value is True:
        return None
    if not isinstance(condition, Apply) or condition.op not in ("and", "or"):
        return condition
    parts = {inner for arg in condition.args for inner in _opened(_normal(arg), condition.op)}
    if None in parts:
        parts = parts - {None} if condition.op == "and" else set()
    return next(iter(parts), None) if len(parts) < 2 else (condition.op, frozenset(parts))


def _opened(part: object, op: str) -> Iterable[object]:
    return part[1] if isinstance(part, tuple) and part[0] == op else (part,)


def same_presence(old: Expr, new: Expr) -> bool:
    before, after = presence(old), presence(new)
    return before is after or _normal(before) == _normal(after)


def interchangeable(old: Expr, new: Expr) -> bool:
    """Whether ``new``, of the same value, may stand anywhere that ``old`` stands."""
    return dtype(old) == dtype(new) and free_indices(new) <= free_indices(old) and same_presence(old, new)


def sound(rule: Rule) -> Rule:
    """The rule, without those of its rewritings that change more than the way to the value."""

    def checked(node: Expr) -> Expr | None:
        new = rule(node)
        return new if new is not None and new is not node and interchangeable(node, new) else None

    checked.__name__ = rule.__name__
    checked.__doc__ = rule.__doc__
    return checked


def of_operations(*rules: Rule) -> Rule:
    """The rules as one, each made sound, for laws of operators: they are not asked about reads, positions, numbers."""
    checked = tuple(map(sound, rules))

    def first(node: Expr) -> Expr | None:
        if not isinstance(node, Apply | Contract | Reduce | AlongIndex):
            return None
        return next((new for rule in checked if (new := rule(node)) is not None), None)

    return first


@cached
def operators(node: Expr) -> frozenset[str]:
    """The operators of an expression, and ``*`` for a product, ``where`` for a guard: a pass asks for its own first."""
    below: frozenset[str] = frozenset().union(*map(operators, children(node)))
    match node:
        case Const() | Position() | Read():
            return below
        case Apply(op=op) | Reduce(op=op) | AlongIndex(op=op):
            own = op
        case Contract():
            own = "*"
        case Where():
            own = "where"
    return below if own in below else below | {own}


def draws(node: Expr) -> bool:
    """Whether an expression draws random numbers: it is then neither shared, nor moved, nor collected."""
    return not operators(node).isdisjoint(_RANDOM)


def exact(node: Expr) -> bool:
    """Whether a value is surely finite: an integer or a truth value. Then ``0 x = 0`` and ``x - x = 0`` hold."""
    return dtype(node) in ("int", "bool")
