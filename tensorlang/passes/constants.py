"""Numbers known at compile time: in go an operator and constants, out comes their constant.

The meaning of an operator is its record's; it is handed Python's ``math`` in the place of numpy, which a compilation
need not import. What does not come out as a proper number (overflow, a domain error, an infinity out of finite numbers)
is left to run time, where it becomes what the element type makes of it.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from types import SimpleNamespace

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype
from tensorlang.ir.nodes import Apply, Const, Expr, number, size_value
from tensorlang.ops import POINTWISE

Number = bool | int | float | complex

_INT = 2**63
_KINDS: dict[str, type] = {"bool": bool, "int": int, "float": float, "complex": complex}

_PYTHON = SimpleNamespace(
    negative=lambda x: -x, divide=lambda x, y: x / y, multiply=lambda x, y: x * y, abs=abs, pi=math.pi,
    mod=lambda x, y: x % y, floor_divide=lambda x, y: x // y,
    equal=lambda x, y: x == y, not_equal=lambda x, y: x != y, less=lambda x, y: x < y, less_equal=lambda x, y: x <= y,
    greater=lambda x, y: x > y, greater_equal=lambda x, y: x >= y, logical_not=lambda x: not x,
    broadcast_arrays=lambda *x: x, all=lambda x, axis: all(x), any=lambda x, axis: any(x),
    min=lambda x, axis: min(x), max=lambda x, axis: max(x), minimum=min, maximum=max,
    where=lambda c, a, b: a if c else b, asarray=lambda x: x, vectorize=lambda function, otypes: function,
    exp=math.exp, log=math.log, log1p=math.log1p, expm1=math.expm1, sqrt=math.sqrt,
    sin=math.sin, cos=math.cos, tan=math.tan, arcsin=math.asin, arccos=math.acos, arctan=math.atan,
    arctan2=math.atan2, sinh=math.sinh, cosh=math.cosh, tanh=math.tanh,
    floor=math.floor, ceil=math.ceil, round=round, sign=lambda x: (x > 0) - (x < 0),
    heaviside=lambda x, at: 1 if x > 0 else 0, logaddexp=lambda x, y: max(x, y) + math.log1p(math.exp(-abs(x - y))),
    real=lambda x: x.real, imag=lambda x: x.imag, conj=lambda x: x.conjugate(),
)  # fmt: skip


def endless(node: Expr) -> bool:
    """Whether a node is an infinite constant, or none at all: no number to be moved into a sum or out of one.

    ``sum[i](inf X[i])`` over no ``i`` is 0, and ``inf sum[i](X[i])`` is no number there.
    """
    return not_finite(value_of(node))


def not_finite(value: Number | None) -> bool:
    return isinstance(value, float | complex) and not cmath.isfinite(value)


def value_of(node: Expr) -> Number | None:
    """The number that an expression is, if it is one (sizes that are known at run time only are none)."""
    if isinstance(node, Const) and not isinstance(node.value, Size):
        return node.value
    return None


def size_of(node: Expr) -> Size | None:
    """An integer constant, known now or at run time, as a size."""
    if not isinstance(node, Const) or node.dtype != "int":
        return None
    return Size.of(node.value) if isinstance(node.value, int | Size) else None


def zero(of: str) -> Const:
    """0 in an element type; the least one that holds it where constants have no such type."""
    return number(_KINDS.get(of, int)(0))


def constant(value: Number, of: str) -> Const | None:
    """A number as a constant of an element type; None where it does not fit."""
    kind = _KINDS.get(of)
    if kind is None or (isinstance(value, complex) and kind is not complex):
        return None
    if kind is int and (isinstance(value, float) and not math.isfinite(value)):
        return None
    result: Number = kind(value)
    return None if kind is int and abs(result) >= _INT else number(result)


def fold_constants(node: Expr) -> Expr | None:
    """f(2, 3), for every operator that is not drawn at random."""
    if not isinstance(node, Apply) or POINTWISE[node.op].random:
        return None
    values = [value_of(arg) for arg in node.args]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return _fold_sizes(node)
    try:
        result = _power(*known) if node.op == "pow" else POINTWISE[node.op].numpy(_PYTHON, *known)
        return None if result is None or not _proper(result, known) else constant(result, dtype(node))
    except (ArithmeticError, ValueError, TypeError, AttributeError):
        return None


def _power(base: Number, exponent: Number) -> Number | None:
    """An integer power that is small; a float power that is real."""
    if isinstance(base, int) and isinstance(exponent, int):
        small = 0 <= exponent < 64 or abs(base) <= 1
        return base**exponent if small and exponent >= 0 else None
    result: Number = base**exponent
    return result if isinstance(result, complex) <= isinstance(base, complex) else None


def _proper(result: Number, arguments: Sequence[Number]) -> bool:
    """Finite, or an infinity that was there before."""
    if isinstance(result, complex):
        return math.isfinite(result.real) and math.isfinite(result.imag)
    if math.isfinite(result):
        return True
    return not math.isnan(result) and any(isinstance(a, float) and math.isinf(a) for a in arguments)


def _fold_sizes(node: Apply) -> Expr | None:
    """Integer arithmetic on sizes stays a size."""
    sizes = [size for size in map(size_of, node.args) if size is not None]
    if len(sizes) < len(node.args):
        return None
    match node.op, sizes:
        case "add", _:
            return size_value(sum(sizes, Size.of(0)))
        case "neg", [size]:
            return size_value(-size)
        case "floordiv", [size, divisor] if (divisor.constant or 0) > 0:
            return size_value(size // int(divisor.constant or 1))
    return None
