"""Pointwise operators: sums, powers, comparisons and selections as operators of Python, functions by their records.

In: an Apply node. Out: one value whose code nests what is pointwise inside it. A bias that is added to a matrix product
goes into the product's own call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tensorlang.ir.code import Call, Code, Infix, Method, Number, Prefix, Template, call
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import is_floating
from tensorlang.ir.nodes import Apply, Const, Contract, Expr, Index
from tensorlang.ops import POINTWISE, Pointwise
from tensorlang.passes.lower_contract import Factor, multiplied
from tensorlang.passes.masks import protected
from tensorlang.passes.values import (
    LONGEST_CHAIN,
    Builder,
    Value,
    aligned,
    cast,
    chained,
    common_order,
    conjoined,
    is_positive,
    joint_axes,
    literal,
    negative,
    promoted,
    tensor_of,
    truth,
)

_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def apply(node: Apply, builder: Builder, wanted: Sequence[Index]) -> Value:
    """The value of a pointwise operator."""
    op, args = node.op, node.args
    if op == "add":
        return _add(node, builder, wanted)
    if op == "select":
        return _select(node, builder, wanted)
    values = [builder.lower(arg, builder, wanted) for arg in args]
    if op == "neg":
        return negative(values[0])
    if op == "reciprocal":
        return multiplied(builder, [Factor(values[0], inverse=True)], wanted, dtype_of(node))
    if op in _COMPARISONS:
        return _compare(_COMPARISONS[op], values[0], values[1], builder, wanted)
    if op in ("and", "or"):
        return conjoined(builder, [truth(value) for value in values], wanted, "&" if op == "and" else "|")
    if op == "not":
        return _not(truth(values[0]), builder)
    if op == "pow":
        return _power(values[0], values[1], dtype_of(node), builder, wanted)
    return _function(op, values, dtype_of(node), builder, wanted)


# --- sums --------------------------------------------------------------------------------------------------------


def _add(node: Apply, builder: Builder, wanted: Sequence[Index]) -> Value:
    terms: list[tuple[Value, bool]] = []
    number: Value | None = None
    for arg in node.args:
        minus, inner = _signed(arg)
        value = builder.lower(inner, builder, wanted)
        if value.number:
            value = negative(value) if minus else value
            number = value if number is None else _number_sum(number, value)
        else:
            terms.append((value, minus))
    if not terms:
        return cast(number or literal(0), dtype_of(node))
    if number is not None and number.code in (Number(0), Number(0.0)):
        number = None
    if len(terms) > 1:
        terms = _with_bias(terms, builder)
    return _chain(terms, number, dtype_of(node), builder, wanted)


def _signed(arg: Expr) -> tuple[bool, Expr]:
    """Whether a term is subtracted, and what of it is left then."""
    match arg:
        case Apply(op="neg", args=(inner,)):
            return True, inner
        case Contract(summed=summed, factors=(Const(value=-1), *rest), semiring=semiring):
            return True, rest[0] if len(rest) == 1 and not summed else Contract(summed, tuple(rest), semiring)
        case _:
            return False, arg


def _number_sum(left: Value, right: Value) -> Value:
    if isinstance(left.code, Number) and isinstance(right.code, Number):
        assert left.code.value is not None
        assert right.code.value is not None
        return literal(left.code.value + right.code.value)
    dtype = "float" if "float" in (left.dtype, right.dtype) else left.dtype
    if isinstance(right.code, Prefix):
        return Value(Infix("-", left.code, right.code.arg), (), dtype, True)
    if isinstance(right.code, Number) and isinstance(right.code.value, int | float) and right.code.value < 0:
        return Value(Infix("-", left.code, Number(-right.code.value)), (), dtype, True)
    return Value(Infix("+", left.code, right.code), (), dtype, True)


def _chain(
    terms: list[tuple[Value, bool]], number: Value | None, dtype: str, builder: Builder, wanted: Sequence[Index]
) -> Value:
    """``a + b - c + 1.0``; the first term is one that is added, and has the type of the sum where one has."""
    # torch subtracts no truth values
    terms = [(cast(value, dtype) if minus and value.dtype == "bool" else value, minus) for value, minus in terms]
    everything = [value for value, _ in terms]
    if any(value.dtype != dtype for value in (*everything, *(() if number is None else (number,)))):
        terms = [(value, terms[at][1]) for at, value in promoted(everything, dtype)]
    elif terms[0][1]:
        terms = sorted(terms, key=lambda term: term[1])
    order = common_order(everything, wanted)
    (first, minus), *rest = terms
    if minus:
        code = Prefix("-", first.code) if number is None else Infix("-", number.code, first.code)
        first, number = builder.value(code, first.axes, first.dtype), None
    total = chained(builder, first, [("-" if subtracted else "+", value) for value, subtracted in rest], order, dtype)
    if number is None:
        return total
    return builder.value(_plus_number(total.code, number), total.axes, dtype)


def _plus_number(code: Code, number: Value) -> Code:
    known = number.code
    if isinstance(known, Number) and isinstance(known.value, int | float) and known.value < 0:
        return Infix("-", code, Number(-known.value))
    if isinstance(known, Prefix):
        return Infix("-", code, known.arg)
    return Infix("+", code, known)


# --- bias --------------------------------------------------------------------------------------------------------

# Calls that add a bias themselves: the axis of the result that the bias lies along, counted from the end.
_BIASED = {"F.linear": -1, "F.conv1d": -2, "F.conv2d": -3, "F.conv3d": -4}


def _with_bias(terms: list[tuple[Value, bool]], builder: Builder) -> list[tuple[Value, bool]]:
    """The terms with one bias, at most, moved into the call of a product."""
    for at, (product, minus) in enumerate(terms):
        if minus:
            continue
        for other, (bias, subtracted) in enumerate(terms):
            folded = None if other == at or subtracted else _folded(product, bias)
            if folded is not None:
                work = builder.work.pop(product.code, None)
                value = builder.value(folded, product.axes, product.dtype)
                if work is not None:
                    builder.work[folded] = work
                return [(value, False) if p == at else term for p, term in enumerate(terms) if p != other]
    return terms


def _folded(product: Value, bias: Value) -> Code | None:
    """The call of a product with the bias as an argument, where the library has such a call."""
    if product.dtype != bias.dtype or not bias.axes or not is_floating(bias.dtype):
        return None
    match product.code:
        case Call(function=function, args=(left, right), keywords=keywords) if function in _BIASED:
            if bias.axes == (product.axes[_BIASED[function]],):
                return Call(function, (left, right, bias.code), keywords)
        case Method(receiver=Call(function="F.linear", args=(left, right)), name="unflatten", args=shape):
            group = product.axes[len(product.axes) - len(bias.axes) :]
            if bias.axes == group and len(product.axes) - len(group) == _axis_of(shape[0]):
                whole = Method(bias.code, "flatten", ())
                return Method(Call("F.linear", (left, right, whole), ()), "unflatten", shape)
        case Call(function="F.layer_norm", args=(arg, size, *scale), keywords=keywords) if len(scale) < 2:
            if bias.axes == product.axes[-1:]:
                return Call("F.layer_norm", (arg, size, *(scale or (Number(None),)), bias.code), keywords)
        case Call(function="torch.mm", args=(left, right)) if bias.axes in (product.axes[1:], product.axes):
            return call("torch.addmm", bias.code, left, right)
        case Call(function="torch.mv", args=(left, right)) if bias.axes == product.axes:
            return call("torch.addmv", bias.code, left, right)
    return None


def _axis_of(code: Code) -> int:
    return code.value if isinstance(code, Number) and isinstance(code.value, int) else -1


# --- comparisons, conditions, powers -----------------------------------------------------------------------------


def _compare(symbol: str, left: Value, right: Value, builder: Builder, wanted: Sequence[Index]) -> Value:
    if left.number and right.number:
        return Value(Infix(symbol, left.code, right.code), (), "bool", True)
    order = common_order([left, right], wanted)
    code = Infix(symbol, aligned(left, order), aligned(right, order))
    return builder.value(code, joint_axes([left, right], order), "bool")


def _not(value: Value, builder: Builder) -> Value:
    if value.number:
        return Value(Prefix("not ", value.code), (), "bool", True)
    return builder.value(Prefix("~", value.code), value.axes, "bool")


def _select(node: Apply, builder: Builder, wanted: Sequence[Index]) -> Value:
    condition, first, second = node.args
    mask = truth(builder.lower(condition, builder, wanted))
    dtype = dtype_of(node)
    yes = cast(builder.lower(protected(first, condition), builder, wanted), dtype)
    no = cast(builder.lower(protected(second, Apply("not", (condition,))), builder, wanted), dtype)
    if yes.number and no.number:
        if (yes.code, no.code) in ((Number(1), Number(0)), (Number(1.0), Number(0.0)), (Number(True), Number(False))):
            return cast(mask, dtype) if mask.number else mask
        yes = tensor_of(yes)
    mask = tensor_of(mask)
    order = common_order([mask, yes, no], wanted)
    code = call("torch.where", aligned(mask, order), aligned(yes, order), aligned(no, order))
    return builder.value(code, joint_axes([mask, yes, no], order), dtype)


def _power(base: Value, exponent: Value, dtype: str, builder: Builder, wanted: Sequence[Index]) -> Value:
    known = exponent.code.value if isinstance(exponent.code, Number) else None
    if isinstance(known, float) and known.is_integer() and abs(known) < 2**31 and is_floating(base.dtype):
        exponent = literal(int(known))
    if base.number and exponent.number:
        if is_positive(base) and is_floating(dtype):
            return Value(Infix("**", base.code, exponent.code), (), dtype, True)
        base = tensor_of(cast(base, dtype))
    if not base.number:
        negative_power = isinstance(known, int | float) and known < 0
        dtype = "float" if negative_power and not is_floating(dtype) else dtype
        base = cast(base, dtype)
    if not exponent.number and (base.number or exponent.dtype != dtype):
        exponent = cast(exponent, dtype)
    order = common_order([base, exponent], wanted)
    code = Infix("**", aligned(base, order), aligned(exponent, order))
    return builder.value(code, joint_axes([base, exponent], order), dtype)


# --- functions ---------------------------------------------------------------------------------------------------

_MATH: dict[str, Callable[[float], float]] = {
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "tanh": math.tanh, "atan": math.atan, "log1p": math.log1p, "expm1": math.expm1, "lgamma": math.lgamma,
}  # fmt: skip


def _function(op: str, values: Sequence[Value], dtype: str, builder: Builder, wanted: Sequence[Index]) -> Value:
    if len(values) == 1 and values[0].number:
        number = _number_function(op, values[0])
        if number is not None:
            return number
    record = POINTWISE[op]
    if record.arity[1] > 3 and len(values) > 2:
        value = values[0]
        for count, other in enumerate(values[1:], 1):
            value = _function(op, [value, other], dtype, builder, wanted)
            value = builder.name(value) if count % LONGEST_CHAIN == 0 else value
        return value
    if record.commutative and len(values) == 2 and values[0].number:
        values = values[::-1]  # the template with a number takes it second
    values = [_taken(record, at, value, dtype) for at, value in enumerate(values)]
    text = _template(record, values)
    if text is not record.torch_numbers:
        values = [tensor_of(v) if at in record.tensors and v.number else v for at, v in enumerate(values)]
    values = [builder.name(v) if text.count(f"{{{at}}}") > 1 else v for at, v in enumerate(values)]
    order = common_order(values, wanted) if values else ()
    code = Template(text, tuple(aligned(value, order) for value in values), ())
    return builder.value(code, joint_axes(values, order), dtype)


def _taken(record: Pointwise, at: int, value: Value, dtype: str) -> Value:
    """An argument converted to what the record's template takes."""
    match record.takes[min(at, len(record.takes) - 1)]:
        case "result":
            return cast(value, dtype)
        case "number":
            return cast(value, "int") if value.dtype == "bool" else value
        case "bool":
            return truth(value)
        case "complex":
            return cast(value, "complex")
        case _:
            return value


def _template(record: Pointwise, values: Sequence[Value]) -> str:
    """The template that fits the arguments: all numbers but the first, optional ones given, or the plain one."""
    plain_numbers = len(values) > 1 and not values[0].number and all(value.number for value in values[1:])
    if record.torch_numbers is not None and plain_numbers:
        return record.torch_numbers
    if record.torch_more is not None and len(values) > record.arity[0]:
        return record.torch_more
    return record.torch


def _number_function(op: str, value: Value) -> Value | None:
    """A function of a Python number, where it is safe to leave it to Python."""
    if op in ("sqrt", "log") and is_positive(value) and not isinstance(value.code, Number):
        return Value(call(f"math.{op}", value.code), (), "float", True)
    if op in _MATH and isinstance(value.code, Number) and isinstance(value.code.value, int | float):
        try:
            return literal(float(_MATH[op](value.code.value)))
        except (ValueError, OverflowError):
            return None
    return None
