"""Guards: absent elements read as 0, and the masks by which reductions pass them over.

In: guarded expressions. Out: values with 0 at absent elements, or a mask and the value without its guards. Operators
that are infinite at 0 are given a safe argument on absent elements: a masked infinity would make gradients NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Number, call
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import is_floating, keeps_zero, presence
from tensorlang.ir.nodes import AlongIndex, Apply, Const, Contract, Expr, Index, Position, Read, Reduce, Where, cached
from tensorlang.passes.values import (
    Builder,
    Value,
    aligned,
    common_order,
    conjoined,
    joint_axes,
    tensor_of,
    truth,
)


def where(condition: Expr, arg: Expr, builder: Builder, wanted: Sequence[Index]) -> Value:
    """A guarded expression as a value: 0 where it is absent."""
    mask = truth(builder.lower(condition, builder, wanted))
    value = builder.lower(protected(arg, condition), builder, wanted)
    if value.dtype == "bool":
        return conjoined(builder, [mask, value], wanted)
    if value.number and value.code in (Number(1), Number(1.0)) and not mask.number:
        return mask
    order = common_order([mask, value], wanted)
    zero = Number(0.0 if is_floating(value.dtype) else 0)
    mask, value = tensor_of(mask), tensor_of(value)
    code = call("torch.where", aligned(mask, order), aligned(value, order), zero)
    return builder.value(code, joint_axes([mask, value], order), value.dtype)


# --- where an operator would give infinities on elements that are masked away --------------------------------------

_DEEPEST = 40  # levels below a guard that are looked through

# Arguments at which these operators and their derivatives are finite: their gradient at a masked 0 would be NaN.
_SAFE = {
    "log": 1.0, "log1p": 1.0, "sqrt": 1.0, "rsqrt": 1.0, "reciprocal": 1.0, "pow": 1.0, "lgamma": 1.0, "atan2": 1.0,
    "acos": 0.5, "asin": 0.5, "tan": 0.5, "mod": 1.0, "floordiv": 1.0,
}  # fmt: skip


def protected(node: Expr, condition: Expr, depth: int = 0) -> Expr:
    """The node with singular operators inside given a safe argument where the condition fails."""
    if not _singular(node) or depth > _DEEPEST:
        return node
    match node:
        case Apply(op=op, args=args):
            new = tuple(protected(arg, condition, depth + 1) for arg in args)
            if op == "pow":
                new = (_safe(new[0], condition, _SAFE[op]), new[1])
            elif op in _SAFE:
                new = tuple(_safe(arg, condition, _SAFE[op]) for arg in new)
            return Apply(op, new)
        case Contract(summed=(), factors=factors, semiring=semiring):
            return Contract((), tuple(protected(factor, condition, depth + 1) for factor in factors), semiring)
        case Where(condition=inner, arg=arg):
            return Where(inner, protected(arg, condition, depth + 1))
        case Const() | Read() | Position() | Contract() | Reduce() | AlongIndex():
            return node


def _safe(arg: Expr, condition: Expr, value: float) -> Expr:
    if isinstance(arg, Const):
        return arg
    floating = is_floating(dtype_of(arg))
    return Apply("select", (condition, arg, Const(value, "float") if floating else Const(1, "int")))


@cached
def _singular(node: Expr) -> bool:
    """Whether a singular operator is applied, under pointwise operators only, to what may be 0.

    Not inside a condition: no gradient flows through one, and guarding it by itself would never end.
    """
    match node:
        case Apply() if dtype_of(node) == "bool":
            return False
        case Apply(op=op, args=args):
            own = op in _SAFE and not all(isinstance(arg, Const) for arg in args)
            return own or any(_singular(arg) for arg in args)
        case Contract(summed=(), factors=factors):
            return any(_singular(factor) for factor in factors)
        case Where(arg=arg):
            return _singular(arg)
        case Const() | Read() | Position() | Contract() | Reduce() | AlongIndex():
            return False


# --- presence ----------------------------------------------------------------------------------------------------


def present(node: Expr, builder: Builder, wanted: Sequence[Index]) -> tuple[Value | None, Expr]:
    """The mask of a node's present elements (None: all), and the node without the guards that the mask repeats."""
    condition = presence(node)
    if condition is None:
        return None, node
    return truth(builder.lower(condition, builder, wanted)), protected(_unguarded(node, condition), condition)


def unguarded(node: Contract) -> tuple[Expr, Expr]:
    """The condition under which a product with guarded factors is present, and the product without its guards."""
    condition = presence(node)
    assert condition is not None, "a guarded product has a condition"
    factors = tuple(_unguarded(factor, condition) for factor in node.factors)
    if all(presence(factor) is None for factor in factors):
        return condition, Contract((), factors, node.semiring)
    # What is left guards itself deeper inside: its absent elements are read as 0 there.
    return condition, Contract((), tuple(_as_value(factor) for factor in factors), node.semiring)


def _as_value(node: Expr) -> Expr:
    """The node with its absent elements as 0: a sum with 0 is always present."""
    return node if presence(node) is None else Apply("add", (node, Const(0, "int")))


def _unguarded(node: Expr, condition: Expr, depth: int = 0) -> Expr:
    if depth > _DEEPEST:
        return node
    match node:
        case Where(condition=own, arg=arg):
            return _unguarded(arg, condition, depth + 1) if _implied(own, condition) else node
        case Contract(summed=(), factors=factors, semiring=semiring):
            return Contract((), tuple(_unguarded(factor, condition, depth + 1) for factor in factors), semiring)
        case Apply(op="add", args=args) if all(presence(arg) is condition for arg in args):
            return Apply("add", tuple(_unguarded(arg, condition, depth + 1) for arg in args))
        case Apply(op=op, args=args) if op != "add" and (op == "neg" or keeps_zero(node)):
            return Apply(op, (_unguarded(args[0], condition, depth + 1), *args[1:]))
        case Const() | Read() | Position() | Apply() | Contract() | Reduce() | AlongIndex():
            return node


def _implied(own: Expr, condition: Expr) -> bool:
    """Whether ``own`` is one of the conditions that ``condition`` joins."""
    if own is condition:
        return True
    if isinstance(condition, Apply) and condition.op == "and":
        return any(_implied(own, part) for part in condition.args)
    return False
