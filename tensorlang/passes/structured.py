"""Built-in constant tensors (``delta``, ``epsilon``, ``dft``, ``idft``) by their formulas, where no pass removed them.

In: a Read of one. Out: its elements as a value, computed from the positions.
"""

from __future__ import annotations

import math

from tensorlang.ir.code import Call, Code, Infix, Number, Template, call, extent
from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import Read
from tensorlang.passes.ranges import inside
from tensorlang.passes.values import (
    Builder,
    Value,
    aligned,
    cast,
    common_order,
    conjoined,
    joint_axes,
)


def structured(node: Read, builder: Builder) -> Value:
    """The elements of a structured constant at index expressions; 0 outside its axes."""
    at = [cast(builder.lower(expr, builder, ()), "int") for expr in node.at]
    match node.tensor:
        case "delta":
            value = _delta(at, builder)
        case "epsilon":
            value = _levi_civita(at, builder)
        case "dft":
            value = _fourier(at, node.shape[1], -1.0, builder)
        case "idft":
            size = node.shape[0]
            wave = _fourier(at, size, 1.0, builder)
            value = builder.value(Infix("/", wave.code, extent(size)), wave.axes, "complex")
        case _:
            raise AssertionError(f"lowering: tensor {node.tensor} is neither held nor built in")
    return _masked(value, at, node, builder)


def _delta(at: list[Value], builder: Builder) -> Value:
    order = common_order(at)
    return builder.value(Infix("==", aligned(at[0], order), aligned(at[1], order)), joint_axes(at, order), "bool")


def _levi_civita(at: list[Value], builder: Builder) -> Value:
    """The sign of a permutation: the product of the signs of all differences of a later and an earlier position."""
    order = common_order(at)
    code: Code | None = None
    for later in range(1, len(at)):
        for earlier in range(later):
            gap = Infix("-", aligned(at[later], order), aligned(at[earlier], order))
            sign = Template("torch.sign({0})", (gap,), ())
            code = sign if code is None else Infix("*", code, sign)
    assert code is not None, "epsilon has two indices or more"
    return builder.value(code, joint_axes(at, order), "int")


def _fourier(at: list[Value], size: Size, sign: float, builder: Builder) -> Value:
    """exp(sign 2 pi im k x / N); k x is reduced modulo N first, so that large products keep their precision."""
    order = common_order(at)
    turns = Infix("%", Infix("*", aligned(at[0], order), aligned(at[1], order)), extent(size))
    phase = cast(Value(turns, joint_axes(at, order), "int"), "float")
    angle = Infix("*", phase.code, Infix("/", Number(sign * 2 * math.pi), extent(size)))
    return builder.value(Call("unit_circle", (angle,), ()), phase.axes, "complex")


def _masked(value: Value, at: list[Value], node: Read, builder: Builder) -> Value:
    """Positions that are not proven to be inside are checked."""
    checks = []
    for place, expr, size in zip(at, node.at, node.shape, strict=True):
        low, high = inside(expr, size, builder.program.tensors)
        if not low:
            checks.append(builder.value(Infix(">=", place.code, Number(0)), place.axes, "bool"))
        if not high:
            checks.append(builder.value(Infix("<", place.code, extent(size)), place.axes, "bool"))
    if not checks:
        return value
    if value.dtype == "bool":
        return conjoined(builder, [value, *checks], value.axes)
    mask = conjoined(builder, checks, value.axes)
    order = common_order([value, mask], value.axes)
    code = call("torch.where", aligned(mask, order), aligned(value, order), Number(0))
    return builder.value(code, joint_axes([value, mask], order), value.dtype)
