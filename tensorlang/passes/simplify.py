"""Simpler and more exact forms of scalar functions: exp(log(x)), log(softmax(x)), sin(x)^2 + cos(x)^2.

In goes a Program, out comes one in which the laws of ``stable.py`` have been applied, through names too, and
trigonometric polynomials have been given to sympy. That is imported only where an expression has the same angle under
two such functions in one power or product, which no ordinary network has. What sympy gives back is taken if it is
shorter and agrees with what was written at sample points, at which both must be defined or undefined alike: so
``x/x`` is not 1 and ``sqrt(x^2)`` is not x.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice, product
from typing import Any

from tensorlang.ir.facts import dtype, is_floating
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
    number,
    with_children,
)
from tensorlang.ir.program import Program
from tensorlang.ir.rewrite import rewrite
from tensorlang.ops import POINTWISE
from tensorlang.passes.constants import value_of
from tensorlang.passes.definitions import meaning
from tensorlang.passes.fold import FOLD
from tensorlang.passes.inline import weight
from tensorlang.passes.scopes import rewrite_pieces
from tensorlang.passes.signs import nonnegative
from tensorlang.passes.sound import draws, of_operations
from tensorlang.passes.stable import LAWS, Names
from tensorlang.records import dataclass, field

_CIRCULAR = frozenset(("sin", "cos", "tan", "sinh", "cosh", "tanh"))
# The operators of which there must be one for any law to hold.
_CONCERNED = _CIRCULAR | {
    "exp", "log", "log1p", "expm1", "pow", "sqrt", "sig", "abs", "atan", "reciprocal",
    "softmax", "log_softmax", "logsumexp",
}  # fmt: skip
_LONGEST = 60
# Writing a product of so many of them as a sum takes sympy a moment; each further one doubles the time.
_DEGREE = 6
_SAMPLES = (-20.0, -2.3, -1.0, -0.4, 0.0, 0.3, 1.0, 1.7, 20.0)
_LARGE = 5.0
_POINTS = 200


# --- which expressions sympy is asked about ----------------------------------------------------------------------


def _in_region(node: Expr) -> bool:
    """Whether a node belongs to a scalar expression: a pointwise function or a product, real and floating."""
    pointwise = isinstance(node, Apply) or (isinstance(node, Contract) and not node.summed and node.semiring == "sum")
    return pointwise and is_floating(dtype(node)) and dtype(node) != "complex"


@cached
def angles(node: Expr) -> frozenset[Expr]:
    """The angles of which a scalar expression has a product or power of circular or hyperbolic functions."""
    if not _in_region(node):
        return frozenset()
    found = frozenset[Expr]().union(*map(angles, children(node)))
    if isinstance(node, Contract):
        turned = [angle for factor in node.factors if (angle := _angle(factor)) is not None]
        return found.union(angle for angle in turned if turned.count(angle) > 1)
    base = _angle(node.args[0]) if isinstance(node, Apply) and node.op == "pow" else None
    return found if base is None else found | {base}


def _angle(node: Expr) -> Expr | None:
    """The argument of a circular or hyperbolic function, or of a power of one."""
    if isinstance(node, Apply) and node.op == "pow":
        return _angle(node.args[0])
    return node.args[0] if isinstance(node, Apply) and node.op in _CIRCULAR else None


def candidate(node: Expr) -> bool:
    """Whether a whole sum or product is worth sympy's time."""
    if not isinstance(node, Contract) and not (isinstance(node, Apply) and node.op == "add"):
        return False
    return bool(angles(node)) and weight(node) <= _LONGEST and degree(node) <= _DEGREE and not draws(node)


@cached
def degree(node: Expr) -> int:
    """How many circular and hyperbolic functions an expression has when its powers are written out."""
    if isinstance(node, Apply) and node.op in _CIRCULAR:
        return 1 + degree(node.args[0])
    inside = sum(map(degree, children(node)))
    if inside and isinstance(node, Apply) and node.op == "pow":
        exponent = value_of(node.args[1])
        return inside * exponent if isinstance(exponent, int) and 0 < exponent <= _DEGREE else _DEGREE + 1
    return min(inside, _DEGREE + 1)


# --- to sympy and back -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Translation:
    """One expression in sympy's terms; what is no scalar function of the region is a symbol."""

    sympy: Any
    symbols: dict[Expr, Any] = field(default_factory=dict)

    def there(self, node: Expr) -> Any:
        value = value_of(node)
        if isinstance(value, int) and not isinstance(value, bool):
            return self.sympy.Integer(value)
        if isinstance(value, float) and math.isfinite(value):
            return self.sympy.Float(value, 17)
        if isinstance(node, Contract) and _in_region(node):
            return self.sympy.Mul(*map(self.there, node.factors))
        if isinstance(node, Apply) and _in_region(node):
            name = POINTWISE[node.op].sympy
            if node.op in _CIRCULAR and name is not None:
                return getattr(self.sympy, name)(self.symbol(node.args[0]))  # an angle is not taken apart
            parts = [self.there(arg) for arg in node.args]
            if node.op == "neg":
                return -parts[0]
            if node.op == "reciprocal":
                return 1 / parts[0]
            if name is not None and hasattr(self.sympy, name):
                return getattr(self.sympy, name)(*parts)
        return self.symbol(node)

    def symbol(self, node: Expr) -> Any:
        if node not in self.symbols:
            known = {"nonnegative": True} if nonnegative(node) else {"real": True}
            self.symbols[node] = self.sympy.Symbol(f"x{len(self.symbols)}", **known)
        return self.symbols[node]

    def back(self, expression: Any) -> Expr | None:
        for node, symbol in self.symbols.items():
            if symbol == expression:
                return node
        if expression.is_Integer:
            return number(int(expression))
        if expression.is_number:
            return number(float(expression)) if expression.is_real else None
        parts = [self.back(part) for part in expression.args]
        known = tuple(part for part in parts if part is not None)
        if len(known) < len(parts):
            return None
        if expression.is_Mul:
            return Contract((), known, "sum")
        names = {record.sympy: record.name for record in POINTWISE.values() if record.sympy is not None}
        name = names.get(type(expression).__name__)
        return None if name is None else Apply(name, known)


def by_sympy(node: Expr) -> Expr | None:
    """sin(x)^2 + cos(x)^2 = 1;  2 sin(x) cos(x) = sin(2 x);  cosh(x)^2 - sinh(x)^2 = 1."""
    if not candidate(node):
        return None
    import sympy

    translation = Translation(sympy)
    written = translation.there(node)
    if len(translation.symbols) > 4:
        return None
    simpler = sympy.trigsimp(written)
    if sympy.count_ops(simpler) >= sympy.count_ops(written):
        return None
    found = translation.back(simpler)
    new = None if found is None else _typed(rewrite(found, FOLD), dtype(node))
    return new if new is not None and agree(node, new, list(translation.symbols)) else None


def _typed(node: Expr, of: str) -> Expr | None:
    """The same value in the element type that was asked for; numbers are cast."""
    value = value_of(node)
    if isinstance(value, int) and of == "float":
        return number(float(value))
    return node if dtype(node) == of else None


# --- the check ---------------------------------------------------------------------------------------------------


def agree(old: Expr, new: Expr, atoms: list[Expr]) -> bool:
    """Whether two expressions have the same values at sample points, and are defined at the same ones.

    Values are compared at small arguments only: at large ones, large terms that cancel have lost their digits.
    """
    for point in _points(atoms):
        before, after = (value_of(rewrite(_at(node, point), FOLD)) for node in (old, new))
        if before is None or after is None:
            if before is not after:
                return False
        elif abs(before - after) > 1e-9 * max(1.0, abs(before)) and all(abs(v) < _LARGE for v in point.values()):
            return False
    return True


def _points(atoms: list[Expr]) -> Iterator[dict[Expr, float]]:
    each = [[v for v in _SAMPLES if v >= 0 or not nonnegative(atom)] for atom in atoms]
    step = 1 + math.prod(map(len, each)) // _POINTS
    # A step that shares no factor with the number of samples meets all values of each atom.
    while any(math.gcd(step, len(values)) > 1 for values in each):
        step += 1
    for values in islice(product(*each), 0, None, step):
        yield dict(zip(atoms, values, strict=True))


def _at(node: Expr, point: dict[Expr, float]) -> Expr:
    if node in point:
        return number(point[node])
    match node:
        case Apply() | Contract():
            return with_children(node, tuple(_at(child, point) for child in children(node)))
        case Const() | Read() | Position() | Reduce() | AlongIndex() | Where():
            return node


# --- the pass ----------------------------------------------------------------------------------------------------


def simplify(program: Program) -> Program:
    """The program in simpler and more exact terms."""
    known = {d.tensor: meaning(d, program.tensors[d.tensor]) for d in program.definitions}
    names = Names(program.tensors, {name: found for name, found in known.items() if found is not None})
    laws = (*LAWS, names.logarithm, names.written_softmax, by_sympy)
    return rewrite_pieces(program, (*FOLD, of_operations(*laws)), _CONCERNED)
