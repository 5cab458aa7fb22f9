"""Folding: constants computed, neutral elements dropped, sums and products in normal form, trivial choices taken.

In goes a Program, out comes one of the same meaning in which every sum is flat with its equal terms collected, every
product is flat with one number in front, and no operator stands over constants alone. ``FOLD`` is these laws as a rule;
later passes append it to their own, since their rewritings leave such small change behind.
"""

from __future__ import annotations

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype
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
    children,
    number,
    size_value,
)
from tensorlang.ir.program import Program
from tensorlang.ir.rewrite import rewrite
from tensorlang.ops import POINTWISE
from tensorlang.passes.constants import fold_constants, value_of, zero
from tensorlang.passes.products import multiply, power, reciprocal
from tensorlang.passes.scopes import change_pieces
from tensorlang.passes.sound import Rule, conjuncts, exact, sound
from tensorlang.passes.sums import collect, negated, scaled, split

# Reductions that are associative with their identity: a reduction of a reduction is one.
_NESTING = frozenset(("max", "min", "prod", "any", "all", "logsumexp"))
_EXTREMES = frozenset(("max", "min"))


def sizes(node: Expr) -> Expr | None:
    """A size that is a number is that number."""
    known = isinstance(node, Const) and isinstance(node.value, Size) and node.value.constant is not None
    return size_value(node.value) if known and isinstance(node, Const) and isinstance(node.value, Size) else None


def sign(node: Expr) -> Expr | None:
    """-(-x) = x;  -(2 x) = (-2) x."""
    if not isinstance(node, Apply) or node.op != "neg":
        return None
    inner = node.args[0]
    if isinstance(inner, Apply) and inner.op == "neg":
        return negated(inner)
    term = split(inner)
    return scaled(-term.coefficient, term.core) if term.core is not inner else None


def logic(node: Expr) -> Expr | None:
    """``and`` and ``or`` flat, without repetition and without what decides nothing; not not x = x."""
    if not isinstance(node, Apply) or node.op not in ("and", "or", "not"):
        return None
    if node.op == "not":
        inner = node.args[0]
        return inner.args[0] if isinstance(inner, Apply) and inner.op == "not" else None
    decided = node.op == "or"
    parts: list[Expr] = []
    for arg in node.args:
        parts.extend(arg.args if isinstance(arg, Apply) and arg.op == node.op else (arg,))
    values = [value_of(part) for part in parts]
    if any(value is not None and bool(value) is decided for value in values):
        return number(decided)
    kept = tuple(dict.fromkeys(part for part, value in zip(parts, values, strict=True) if value is None))
    if not kept:
        return number(not decided)
    if kept == node.args:
        return None
    return kept[0] if len(kept) == 1 else Apply(node.op, kept)


def choice(node: Expr) -> Expr | None:
    """a if true else b = a;  a if c else a = a."""
    if not isinstance(node, Apply) or node.op != "select":
        return None
    condition, left, right = node.args
    value = value_of(condition)
    if value is not None:
        return left if value else right
    return left if left is right else None


def comparison(node: Expr) -> Expr | None:
    """x == x is true for integers (a float may be no number); b > 0 and b == 1 are b for a truth value."""
    if not isinstance(node, Apply) or node.op not in ("eq", "ne", "lt", "le", "gt", "ge"):
        return None
    left, right = node.args
    if left is right and exact(left):
        return number(node.op in ("eq", "le", "ge"))
    if dtype(left) == "bool" and (node.op, value_of(right)) in (("gt", 0), ("ne", 0), ("ge", 1), ("eq", 1)):
        return left
    return None


def guard(node: Expr) -> Expr | None:
    """(e where true) = e;  ((e where a) where b) = (e where b and a)."""
    if not isinstance(node, Where):
        return None
    if value_of(node.condition):
        return node.arg
    if isinstance(node.arg, Where):
        both = tuple(dict.fromkeys((*conjuncts(node.condition), *conjuncts(node.arg.condition))))
        return Where(both[0] if len(both) == 1 else Apply("and", both), node.arg.arg)
    return None


def reduction(node: Expr) -> Expr | None:
    """sum[i](e) is a contraction of one factor;  max[i](max[j](e)) = max[i,j](e)."""
    if not isinstance(node, Reduce):
        return None
    inner = node.arg
    if node.op == "sum" and node.indices:
        return Contract(node.indices, (inner,), "sum")
    if isinstance(inner, Reduce) and inner.op == node.op and node.op in _NESTING:
        return Reduce(node.op, (*node.indices, *inner.indices), inner.arg)
    return None


def idempotent(node: Expr) -> Expr | None:
    """f(f(x)) = f(x), for the functions whose record says so."""
    if not isinstance(node, Apply) or len(node.args) != 1 or not POINTWISE[node.op].idempotent:
        return None
    inner = node.args[0]
    return inner if isinstance(inner, Apply) and inner.op == node.op and len(inner.args) == 1 else None


def extremes(node: Expr) -> Expr | None:
    """max(a, max(b, a)) = max(a, b)."""
    if not isinstance(node, Apply) or node.op not in _EXTREMES:
        return None
    parts: list[Expr] = []
    for arg in node.args:
        parts.extend(arg.args if isinstance(arg, Apply) and arg.op == node.op else (arg,))
    kept = tuple(dict.fromkeys(parts))
    if kept == node.args:
        return None
    return kept[0] if len(kept) == 1 else Apply(node.op, kept)


def division(node: Expr) -> Expr | None:
    """x // 1 = x and x % 1 = 0, for integers."""
    if not isinstance(node, Apply) or node.op not in ("floordiv", "mod") or not exact(node):
        return None
    left, right = node.args
    if value_of(right) != 1 or dtype(left) != "int":
        return None
    return left if node.op == "floordiv" else zero("int")


# The laws by what they apply to: an operator, or a kind of node.
_BY_OPERATOR: dict[str, Rule] = {
    "add": collect, "neg": sign, "reciprocal": reciprocal, "pow": power, "select": choice,
    "and": logic, "or": logic, "not": logic, "min": extremes, "max": extremes, "floordiv": division, "mod": division,
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), comparison),
}  # fmt: skip
_NORMAL = "_folded"


def _law(node: Expr) -> Expr | None:
    match node:
        case Const():
            return sizes(node)
        case Position() | Read() | AlongIndex():
            return None
        case Apply(op=op):
            return fold_constants(node) or _BY_OPERATOR.get(op, idempotent)(node)
        case Contract():
            return multiply(node)
        case Reduce():
            return reduction(node)
        case Where():
            return guard(node)


_sound_law = sound(_law)


def law(node: Expr) -> Expr | None:
    """One step towards normal form. A node that is in it remembers so: passes ask again and again."""
    if _NORMAL in node.__dict__:
        return None
    new = _sound_law(node)
    if new is None:
        node.__dict__[_NORMAL] = True
    return new


FOLD: tuple[Rule, ...] = (law,)


def normal(value: Expr) -> Expr:
    """An expression in normal form; parts that are in it already are not looked at again."""
    memo: dict[Expr, Expr] = {}
    stack = [value]
    while stack:
        node = stack.pop()
        if _NORMAL in node.__dict__:
            memo[node] = node
        else:
            stack.extend(children(node))
    return memo.get(value) or rewrite(value, FOLD, memo)


def fold(program: Program) -> Program:
    """The program with every value in normal form."""
    return change_pieces(program, lambda piece, _: normal(piece.value))
