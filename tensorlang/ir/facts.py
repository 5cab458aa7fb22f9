"""Facts of nodes that need the operators' records: element type and presence. Cached functions, never fields."""

from __future__ import annotations

from collections.abc import Iterable

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
    conjunction,
)
from tensorlang.ops import ALONG, POINTWISE, REDUCTIONS

_ORDER = {"bool": 0, "int": 1, "bf16": 2, "float": 3, "float64": 4, "complex": 5}


def join(dtypes: Iterable[str]) -> str:
    """The element type that holds values of all the given ones; bool where there are none."""
    return max(dtypes, key=_ORDER.__getitem__, default="bool")


def is_floating(dtype: str) -> bool:
    return _ORDER[dtype] >= 2


def _result(rule: str, dtypes: Iterable[str]) -> str:
    joined = join(dtypes)
    match rule:
        case "same":
            return joined
        case "number":
            return "int" if joined == "bool" else joined
        case "float":
            return joined if is_floating(joined) else "float"
        case "real":
            return _result("number", ("float" if joined == "complex" else joined,))
        case "modulus":
            return _result("float", ("float" if joined == "complex" else joined,))
    assert rule in _ORDER, f"unknown result rule {rule}"
    return rule


@cached
def dtype(node: Expr) -> str:
    """The element type of an expression."""
    match node:
        case Const(dtype=own) | Read(dtype=own):
            return own
        case Position():
            return "int"
        case Apply(op="select", args=args):
            return join(dtype(arg) for arg in args[1:])
        case Apply(op=op, args=args):
            return _result(POINTWISE[op].result, (dtype(arg) for arg in args))
        case Contract(factors=factors):
            return _result("number", (dtype(factor) for factor in factors))
        case Reduce(op=op, arg=arg):
            return _result(REDUCTIONS[op].result, (dtype(arg),))
        case AlongIndex(op=op, arg=arg):
            return _result(ALONG[op].result, (dtype(arg),))
        case Where(arg=arg):
            return dtype(arg)


def keeps_zero(node: Apply) -> bool:
    """Whether a function of several numbers is 0 where its first argument is: a power is for a positive exponent."""
    match node:
        case Apply(op="pow", args=(_, Const(value=int() | float() as exponent))):
            return exponent > 0
        case Apply(op=op):
            return POINTWISE[op].zero


@cached
def presence(node: Expr) -> Expr | None:
    """The condition under which an expression is present; None where it always is (language, section 6)."""
    match node:
        case Const() | Read() | Position():
            return None
        case Where(condition=condition, arg=arg):
            inner = presence(arg)
            return condition if inner is None else conjunction((condition, inner))
        case Contract(summed=summed, factors=factors):
            if summed:
                return None
            return conjunction(tuple(p for p in map(presence, factors) if p is not None))
        case Apply(op="add", args=args):
            return _either(tuple(map(presence, args)))
        case Apply(op="neg", args=(arg,)):
            return presence(arg)
        case Apply(args=args):
            return presence(args[0]) if args and keeps_zero(node) else None
        case Reduce():
            return None
        case AlongIndex(arg=arg):
            return presence(arg)


def _either(parts: tuple[Expr | None, ...]) -> Expr | None:
    if any(part is None for part in parts):
        return None
    unique = tuple(dict.fromkeys(part for part in parts if part is not None))
    return unique[0] if len(unique) == 1 else Apply("or", unique)
