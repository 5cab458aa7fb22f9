"""Which values are surely 0 or more: in goes an expression, out comes whether no finite input makes it negative.

Rules such as ``sqrt(x)^2 = x`` and ``abs(x) = x`` hold for these only.
"""

from __future__ import annotations

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype
from tensorlang.ir.nodes import AlongIndex, Apply, Const, Contract, Expr, Position, Read, Reduce, Where, cached
from tensorlang.passes.constants import value_of
from tensorlang.passes.ranges import not_negative

_NEVER_NEGATIVE = frozenset(
    ("exp", "sqrt", "rsqrt", "abs", "sig", "softplus", "relu", "step", "cosh", "acos", "rand", "bernoulli")
)
_KEEPS_SIGN = frozenset((
    "add", "reciprocal", "tanh", "sinh", "expm1", "log1p", "sign", "floor", "ceil", "round", "atan", "asin", "erf",
    "leaky_relu", "elu", "selu", "gelu", "silu", "min", "max", "stop_gradient",
))  # fmt: skip


@cached
def nonnegative(node: Expr) -> bool:
    """Whether a real value is 0 or more, wherever it is a number."""
    if dtype(node) == "complex":
        return False
    match node:
        case Const(value=value):
            return not_negative(value) if isinstance(value, Size) else not isinstance(value, complex) and value >= 0
        case Position():
            return True
        case Read():
            return dtype(node) == "bool"
        case Contract(factors=factors):
            return all(map(nonnegative, factors))
        case Apply(op="pow", args=(base, exponent)):
            even = value_of(exponent)
            return nonnegative(base) or (isinstance(even, int | float) and even % 2 == 0)
        case Apply(op=op, args=args):
            return op in _NEVER_NEGATIVE or dtype(node) == "bool" or (op in _KEEPS_SIGN and all(map(nonnegative, args)))
        case Reduce(op=op, arg=arg):
            return op in ("norm", "std", "var", "count") or (op in ("mean", "sum", "prod") and nonnegative(arg))
        case AlongIndex(op=op, arg=arg):
            return op == "softmax" or (op in ("cumsum", "cumprod", "sort", "flip") and nonnegative(arg))
        case Where(arg=arg):
            return nonnegative(arg)
