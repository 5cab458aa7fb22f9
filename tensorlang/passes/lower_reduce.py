"""Reductions over the present elements of an argument.

In: a Reduce node. Out: a value. Absent elements are replaced by the operator's neutral ``fill``; the mean and its kin,
which have none, count what is present.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Code, Infix, Items, Number, Template, call, method
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import is_floating
from tensorlang.ir.nodes import Index, Reduce
from tensorlang.ops import REDUCTIONS, Reduction
from tensorlang.passes.masks import present
from tensorlang.passes.values import (
    Builder,
    Value,
    aligned,
    cast,
    common_order,
    expanded,
    joint_axes,
    permuted,
    tensor_of,
    truth,
)

# The least and the greatest integer stand for the infinities.
_LEAST = Infix("-", Number(-(2**63) + 1), Number(1))
_GREATEST = Number(2**63 - 1)


def reduce(node: Reduce, builder: Builder, wanted: Sequence[Index]) -> Value:
    """A reduction as the call of its record, over a mask where elements may be absent."""
    record = REDUCTIONS[node.op]
    inner = (*(index for index in wanted if index not in node.indices), *node.indices)
    mask, arg = present(node.arg, builder, inner)
    value = taken(record.takes, builder.lower(arg, builder, inner), dtype_of(node))
    return reduced(record, value, mask, node.indices, dtype_of(node), builder)


def taken(takes: str, value: Value, dtype: str) -> Value:
    """The argument converted to what the record's template takes."""
    match takes:
        case "result":
            return cast(value, dtype)
        case "float":
            return value if is_floating(value.dtype) else cast(value, "float")
        case "number":
            return cast(value, "int") if value.dtype == "bool" else value
        case "bool":
            return truth(value)
        case _:
            return value


def reduced(
    record: Reduction, value: Value, mask: Value | None, indices: Sequence[Index], dtype: str, builder: Builder
) -> Value:
    """A value reduced over indices, elements where the mask is false left out."""
    if any(index.size.constant == 0 for index in indices):
        kept = [index for index in value.axes if index not in indices]
        nothing = Value(_identity(record, dtype), (), dtype, True)
        return expanded(builder, nothing, kept) if kept else nothing
    if mask is not None and record.fill is None:
        return _counted(record, value, mask, indices, dtype, builder)
    if mask is not None:
        value = filled(builder, value, mask, fill_code(record.fill or "0", value.dtype))
    missing = [index for index in indices if index not in value.axes]
    if missing:
        value = expanded(builder, tensor_of(value), (*value.axes, *missing))
    kept = [index for index in value.axes if index not in indices]
    if record.torch is None:
        return _flattened(record, value, kept, indices, dtype, builder)
    names = (("dims", dims_of(value, indices)),)
    return builder.value(Template(record.torch, (value.code,), names), kept, dtype)


def _identity(record: Reduction, dtype: str) -> Code:
    """The value over nothing."""
    number = record.identity
    if isinstance(number, float) and number in (float("inf"), float("-inf")):
        return fill_code(f'float("{number}")', dtype)
    return Number(bool(number) if dtype == "bool" else int(number) if dtype == "int" else float(number))


def dims_of(value: Value, indices: Sequence[Index]) -> Code:
    """The axes of indices: one number, or a list; the last axis alone is -1."""
    dims = [at for at, index in enumerate(value.axes) if index in indices]
    if len(dims) == 1:
        return Number(-1 if dims[0] == len(value.axes) - 1 else dims[0])
    return Items(tuple(Number(dim) for dim in dims))


def _flattened(
    record: Reduction, value: Value, kept: Sequence[Index], indices: Sequence[Index], dtype: str, builder: Builder
) -> Value:
    """A reduction that takes one axis only: several are made one, in the order of the node's indices."""
    assert record.torch_one is not None, f"{record.name} has no template"
    code = value.code
    if len(indices) > 1 or not value.axes:
        code = permuted(code, value.axes, [*kept, *indices])
        code = method(code, "flatten", len(kept), -1) if len(indices) > 1 else code
        dim = -1
    else:
        dim = value.axes.index(indices[0])
    template = Template(record.torch_one, (code,), (("dim", Number(dim)),))
    return builder.value(template, kept, dtype)


def fill_code(fill: str, dtype: str) -> Code:
    """The literal of a record's fill, for an element type: integers have no infinities."""
    known = {"0": 0, "1": 1, "False": False, "True": True, 'float("-inf")': float("-inf"), 'float("inf")': float("inf")}
    number = known[fill]
    if dtype == "int" and isinstance(number, float):
        return _LEAST if number < 0 else _GREATEST
    if dtype == "bool":
        return Number(number > 0)
    return Number(float(number) if is_floating(dtype) else number)


def filled(builder: Builder, value: Value, mask: Value, fill: Code) -> Value:
    """The value where the mask holds, a number elsewhere."""
    value, mask = tensor_of(value), tensor_of(mask)
    order = common_order([value, mask], value.axes)
    code = call("torch.where", aligned(mask, order), aligned(value, order), fill)
    return builder.value(code, joint_axes([value, mask], order), value.dtype)


def _counted(
    record: Reduction, value: Value, mask: Value, indices: Sequence[Index], dtype: str, builder: Builder
) -> Value:
    """mean, std and var of what is present, by kernels that divide by its number (0 over nothing)."""
    union = dict.fromkeys((*value.axes, *mask.axes, *indices))
    order = (*(index for index in union if index not in indices), *indices)
    value, mask = expanded(builder, tensor_of(value), order), expanded(builder, tensor_of(mask), order)
    dims = Items(tuple(Number(at - len(order)) for at in range(len(order) - len(indices), len(order))))
    code = call(f"present_{record.name}", aligned(value, order), aligned(mask, order), dims)
    return builder.value(code, [index for index in order if index not in indices], dtype)
