"""Pointwise operators: arithmetic, comparison, logic, and the functions of one or a few numbers.

``POINTWISE`` lists them by name; an alias (``sigmoid``) is another key of the same record. A product is no operator
here: it is always a ``Contract``.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from tensorlang.ops.record import MANY, Pointwise

_POSITIVE = ((0.7,), (1.9,), (3.2,))
_SMALL = ((0.3,), (-0.6,), (0.85,))
_PAIRS = ((0.7, 2.3), (-1.3, 0.4), (2.1, -1.7))
_LOGIC = ((1.0, 0.0), (0.0, 0.0), (1.0, 1.0))
_F = "torch.nn.functional."
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _sig(np: Any, x: Any, temperature: Any = 1.0) -> Any:
    """1 / (1 + exp(-x/T)), written over tanh, which does not overflow; the step where T = 0."""
    safe = np.where(np.equal(temperature, 0), 1.0, temperature)
    return np.where(np.equal(temperature, 0), 1.0 * np.greater(x, 0), 0.5 * (1 + np.tanh(0.5 * x / safe)))


def _pow(np: Any, x: Any, y: Any) -> Any:
    """Integers to a negative integer have no integer power: they are raised as floats."""
    integers = np.asarray(x).dtype.kind in "bi" and np.asarray(y).dtype.kind in "bi"
    return np.power(np.asarray(x, float), y) if integers and np.any(np.less(y, 0)) else np.power(1 * np.asarray(x), y)


def _lgamma(x: float) -> float:
    return math.inf if x == math.inf or (x <= 0 and x == math.floor(x)) else math.lgamma(x)


def _leaky_relu(np: Any, x: Any, slope: Any = 0.01) -> Any:
    return np.where(np.greater(x, 0), x, np.multiply(slope, x))


def _elu(np: Any, x: Any, alpha: Any = 1.0) -> Any:
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0)))


_ARITHMETIC = (
    Pointwise(
        "add", (2, MANY), "the sum", "({0} + {1})", lambda np, *x: sum(x[1:], 1 * x[0]), "Add",
        result="number", commutative=True, unit=0.0, samples=_PAIRS, tensors=(),
    ),
    Pointwise(
        "neg", (1, 1), "the negative", "(-{0})", lambda np, x: np.negative(1 * x),
        result="number", zero=True, inverse="neg", tensors=(),
    ),
    Pointwise(
        "reciprocal", (1, 1), "1 / x", "torch.reciprocal({0})", lambda np, x: np.divide(1.0, x), result="float",
    ),
    Pointwise(
        "pow", (2, 2), "x to the power y; integers to a negative power need a float base", "torch.pow({0}, {1})",
        _pow, "Pow", result="number", samples=((0.7, 2.0), (1.9, -1.3), (2.1, 3.0)),
    ),
    Pointwise(
        "mod", (2, 2), "the remainder, with the sign of the divisor", "torch.remainder({0}, {1})",
        lambda np, x, y: np.mod(1 * x, y), "Mod", result="number", zero=True, samples=_PAIRS, complex=False,
    ),
    Pointwise(
        "floordiv", (2, 2), "x / y rounded down", "torch.floor_divide({0}, {1})",
        lambda np, x, y: np.floor_divide(1 * x, y), result="number", zero=True, differentiable=False, samples=_PAIRS,
        complex=False,
    ),
)  # fmt: skip


def _comparison(name: str, sign: str, doc: str, sympy: str, function: str, ordered: bool = True) -> Pointwise:
    return Pointwise(
        name, (2, 2), doc, f"({{0}} {sign} {{1}})", lambda np, x, y: getattr(np, function)(x, y), sympy,
        result="bool", commutative=not ordered, differentiable=False, samples=(*_PAIRS, (0.7, 0.7)), takes=("any",),
        complex=not ordered,
    )  # fmt: skip


_COMPARISONS = (
    _comparison("eq", "==", "whether x = y", "Eq", "equal", ordered=False),
    _comparison("ne", "!=", "whether x and y differ", "Ne", "not_equal", ordered=False),
    _comparison("lt", "<", "whether x < y", "Lt", "less"),
    _comparison("le", "<=", "whether x <= y", "Le", "less_equal"),
    _comparison("gt", ">", "whether x > y", "Gt", "greater"),
    _comparison("ge", ">=", "whether x >= y", "Ge", "greater_equal"),
)

_LOGICAL = (
    Pointwise(
        "and", (2, MANY), "whether all are true", "torch.logical_and({0}, {1})",
        lambda np, *x: reduce(np.logical_and, x), "And", result="bool", commutative=True, unit=1.0,
        differentiable=False, samples=_LOGIC, takes=("bool",), tensors=(0, 1),
    ),
    Pointwise(
        "or", (2, MANY), "whether any is true", "torch.logical_or({0}, {1})",
        lambda np, *x: reduce(np.logical_or, x), "Or", result="bool", commutative=True, unit=0.0,
        differentiable=False, samples=_LOGIC, takes=("bool",), tensors=(0, 1),
    ),
    Pointwise(
        "not", (1, 1), "whether it is false", "torch.logical_not({0})", lambda np, x: np.logical_not(x), "Not",
        result="bool", differentiable=False, samples=((0.0,), (1.0,)), takes=("bool",),
    ),
    Pointwise(
        "select", (3, 3), "the second where the first is true, else the third", "torch.where({0}, {1}, {2})",
        lambda np, c, a, b: np.where(c, a, b), samples=((1.0, 2.3, -0.4), (0.0, 2.3, -0.4)), takes=("bool", "result"),
        tensors=(0, 1),
    ),
)  # fmt: skip

_EXPONENTIAL = (
    Pointwise("exp", (1, 1), "e to the power x", "torch.exp({0})", lambda np, x: np.exp(x), "exp",
              result="float", monotone=True, inverse="log"),
    Pointwise("log", (1, 1), "the natural logarithm", "torch.log({0})", lambda np, x: np.log(x), "log",
              result="float", monotone=True, samples=_POSITIVE),
    Pointwise("log1p", (1, 1), "log(1 + x), exact near 0", "torch.log1p({0})", lambda np, x: np.log1p(x),
              result="float", zero=True, monotone=True, samples=_SMALL),
    Pointwise("expm1", (1, 1), "exp(x) - 1, exact near 0", "torch.expm1({0})", lambda np, x: np.expm1(x),
              result="float", zero=True, monotone=True, inverse="log1p"),
    Pointwise("sqrt", (1, 1), "the square root", "torch.sqrt({0})", lambda np, x: np.sqrt(x), "sqrt",
              result="float", zero=True, monotone=True, samples=_POSITIVE),
    Pointwise("rsqrt", (1, 1), "1 / sqrt(x)", "torch.rsqrt({0})", lambda np, x: np.divide(1.0, np.sqrt(x)),
              result="float", samples=_POSITIVE),
    Pointwise("erf", (1, 1), "the error function", "torch.erf({0})",
              lambda np, x: np.vectorize(math.erf, otypes=[float])(x), "erf",
              result="float", zero=True, monotone=True, complex=False),
    Pointwise("lgamma", (1, 1), "log(abs(gamma(x)))", "torch.lgamma({0})",
              lambda np, x: np.vectorize(_lgamma, otypes=[float])(x), "loggamma",
              result="float", samples=_POSITIVE, complex=False),
)  # fmt: skip

_TRIGONOMETRIC = (
    Pointwise("sin", (1, 1), "the sine, of radians", "torch.sin({0})", lambda np, x: np.sin(x), "sin",
              "float", True),
    Pointwise("cos", (1, 1), "the cosine, of radians", "torch.cos({0})", lambda np, x: np.cos(x), "cos", "float"),
    Pointwise("tan", (1, 1), "the tangent, of radians", "torch.tan({0})", lambda np, x: np.tan(x), "tan",
              "float", True),
    Pointwise("asin", (1, 1), "the angle in -pi/2 .. pi/2 of a sine", "torch.asin({0})", lambda np, x: np.arcsin(x),
              "asin", "float", True, monotone=True, samples=_SMALL),
    Pointwise("acos", (1, 1), "the angle in 0 .. pi of a cosine", "torch.acos({0})", lambda np, x: np.arccos(x), "acos",
              "float", samples=_SMALL),
    Pointwise("atan", (1, 1), "the angle in -pi/2 .. pi/2 of a tangent", "torch.atan({0})", lambda np, x: np.arctan(x),
              "atan", "float", True, monotone=True, inverse="tan"),
    Pointwise("atan2", (2, 2), "the angle in -pi .. pi of the point (second, first)", "torch.atan2({0}, {1})",
              lambda np, y, x: np.arctan2(y, x), "atan2", "float", samples=_PAIRS, tensors=(0, 1), complex=False),
    Pointwise("sinh", (1, 1), "the hyperbolic sine", "torch.sinh({0})", lambda np, x: np.sinh(x), "sinh",
              "float", True, monotone=True),
    Pointwise("cosh", (1, 1), "the hyperbolic cosine", "torch.cosh({0})", lambda np, x: np.cosh(x), "cosh", "float"),
    Pointwise("tanh", (1, 1), "the hyperbolic tangent", "torch.tanh({0})", lambda np, x: np.tanh(x), "tanh",
              "float", True, monotone=True),
)  # fmt: skip

_ACTIVATIONS = (
    Pointwise(
        "sig", (1, 2), "1 / (1 + exp(-x/T)), T = 1 where left out; the step where T = 0", "torch.sigmoid({0})",
        _sig, result="float", monotone=True, default=(1.0,), aliases=("sigmoid",),
        torch_more="torch.where({1} == 0, torch.clamp(torch.sign({0}), min=0), "
        "torch.sigmoid({0} / ({1} + ({1} == 0))))",
        samples=((0.7,), (-1.3, 0.5), (2.1, 0.0)),
        tensors=(0, 1), complex=False,
    ),
    Pointwise(
        "softplus", (1, 1), "log(1 + exp(x))", f"{_F}softplus({{0}})", lambda np, x: np.logaddexp(0, x),
        result="float", monotone=True, complex=False,
    ),
    Pointwise(
        "relu", (1, 1), "x where it is positive, else 0", "torch.relu({0})", lambda np, x: np.maximum(1 * x, 0),
        result="number", zero=True, monotone=True, idempotent=True, complex=False,
    ),
    Pointwise(
        "leaky_relu", (1, 2), "x where it is positive, else 0.01 x (or the second argument times x)",
        f"{_F}leaky_relu({{0}})", _leaky_relu, result="float", zero=True, monotone=True, default=(0.01,),
        samples=((0.7,), (-1.3,), (-2.1, 0.2)), complex=False,
        torch_more="(torch.relu({0}) - {1} * torch.relu(-{0}))", torch_numbers=f"{_F}leaky_relu({{0}}, {{1}})",
    ),
    Pointwise(
        "elu", (1, 2), "x where it is positive, else a (exp(x) - 1), a = 1 where left out",
        f"{_F}elu({{0}})", _elu, result="float", zero=True, monotone=True, default=(1.0,),
        samples=((0.7,), (-1.3,), (-2.1, 0.2)), complex=False,
        torch_more="(torch.relu({0}) + {1} * torch.expm1(torch.clamp({0}, max=0)))",
        torch_numbers=f"{_F}elu({{0}}, {{1}})",
    ),
    Pointwise(
        "selu", (1, 1), "the self-normalising elu (Klambauer et al., 2017)", f"{_F}selu({{0}})",
        lambda np, x: _SELU_SCALE * _elu(np, x, _SELU_ALPHA), result="float", zero=True, monotone=True, complex=False,
    ),
    Pointwise(
        "gelu", (1, 1), "x times the normal distribution function at x (by erf)", f"{_F}gelu({{0}})",
        lambda np, x: 0.5 * x * (1 + np.vectorize(math.erf, otypes=[float])(np.divide(x, math.sqrt(2)))),
        result="float", zero=True, complex=False,
    ),
    Pointwise(
        "silu", (1, 1), "x sig(x)", f"{_F}silu({{0}})", lambda np, x: x * _sig(np, x),
        result="float", zero=True, complex=False,
    ),
    Pointwise(
        "step", (1, 1), "1 where x > 0, else 0", "torch.clamp(torch.sign({0}), min=0)",
        lambda np, x: np.heaviside(x, 0), result="number",
        zero=True, monotone=True, idempotent=True, differentiable=False, complex=False,
    ),
)  # fmt: skip


def _rounding(name: str, doc: str, sympy: str | None, function: str) -> Pointwise:
    return Pointwise(
        name, (1, 1), doc, f"torch.{name}({{0}})", lambda np, x: getattr(np, function)(1 * np.asarray(x)), sympy,
        result="number", zero=True, monotone=True, idempotent=True, differentiable=False, complex=False,
    )  # fmt: skip


_PARTS = (
    Pointwise("abs", (1, 1), "the absolute value, or the modulus of a complex number", "torch.abs({0})",
              lambda np, x: np.abs(1 * x), "Abs", "real", True, idempotent=True, takes=("number",)),
    _rounding("sign", "-1, 0 or 1", "sign", "sign"),
    _rounding("floor", "rounded down", "floor", "floor"),
    _rounding("ceil", "rounded up", "ceiling", "ceil"),
    _rounding("round", "rounded to the nearest integer, halves to the even one", None, "round"),
    Pointwise("clip", (3, 3), "x kept between the second and the third argument",
              "torch.minimum(torch.maximum({0}, {1}), {2})",
              lambda np, x, lo, hi: np.minimum(np.maximum(1 * x, lo), hi), result="number",
              samples=((0.7, -1.0, 1.0), (-1.3, -1.0, 1.0), (2.1, -1.0, 1.0)),
              tensors=(0, 1, 2), complex=False, torch_numbers="torch.clamp({0}, {1}, {2})"),
    Pointwise("min", (2, MANY), "the smallest argument", "torch.minimum({0}, {1})",
              lambda np, *x: reduce(np.minimum, x), "Min", result="same", commutative=True,
              unit=float("inf"), samples=_PAIRS, tensors=(0, 1), complex=False,
              torch_numbers="torch.clamp({0}, max={1})"),
    Pointwise("max", (2, MANY), "the largest argument", "torch.maximum({0}, {1})",
              lambda np, *x: reduce(np.maximum, x), "Max", result="same", commutative=True,
              unit=float("-inf"), samples=_PAIRS, tensors=(0, 1), complex=False,
              torch_numbers="torch.clamp({0}, min={1})"),
    Pointwise("real", (1, 1), "the real part", "torch.real({0})", lambda np, x: np.real(1 * x), "re", "real", True,
              idempotent=True, takes=("number",)),
    Pointwise("imag", (1, 1), "the imaginary part", "torch.imag({0})", lambda np, x: np.imag(1 * x),
              "im", "modulus", True, takes=("complex",)),
    Pointwise("conj", (1, 1), "the complex conjugate", "torch.conj_physical({0})", lambda np, x: np.conj(1 * x),
              "conjugate", "number", True, inverse="conj"),
    # It has no name in sympy, so no law of algebra reaches through it: x - stop_gradient(x) is 0 but has a gradient.
    Pointwise("stop_gradient", (1, 1), "x itself, a constant to every gradient", "{0}.detach()", lambda np, x: 1 * x,
              result="number", zero=True, monotone=True, idempotent=True, differentiable=False),
)  # fmt: skip

# An argument of rand and normal is not read: it gives the draws its indices, and tells one draw from another.
_RANDOM = (
    Pointwise("rand", (0, 1), "a uniform draw from 0 .. 1", "torch.rand(())",
              lambda np, *x: np.random.random(np.shape(x[0]) if x else None), result="float",
              differentiable=False, samples=(), random=True, torch_more="torch.rand_like({0})", complex=False),
    Pointwise("normal", (0, 1), "a draw from the standard normal distribution", "torch.randn(())",
              lambda np, *x: np.random.normal(size=np.shape(x[0]) if x else None), result="float",
              differentiable=False, samples=(), random=True, torch_more="torch.randn_like({0})", complex=False),
    Pointwise("bernoulli", (1, 1), "1 with probability p, else 0", "torch.bernoulli({0})",
              lambda np, p: 1.0 * (np.random.random(np.shape(p) or None) < p), result="float", zero=True,
              differentiable=False, samples=((0.0,), (1.0,)), random=True, complex=False),
)  # fmt: skip

_RECORDS = (*_ARITHMETIC, *_COMPARISONS, *_LOGICAL, *_EXPONENTIAL, *_TRIGONOMETRIC, *_ACTIVATIONS, *_PARTS, *_RANDOM)

POINTWISE: dict[str, Pointwise] = {name: record for record in _RECORDS for name in (record.name, *record.aliases)}
