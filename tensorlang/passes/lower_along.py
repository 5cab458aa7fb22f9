"""Functions along an index (softmax, norms, cumulative sums, sorting): the index stays, absent elements take no part.

In: an AlongIndex node. Out: a value that is 0 at absent elements, with gradients free of NaN even where a whole row is
absent (the mask is applied before and after).
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Code, Number, Template, call
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import is_floating
from tensorlang.ir.nodes import AlongIndex, Index
from tensorlang.ops import ALONG, Along
from tensorlang.passes.lower_reduce import fill_code, filled, taken
from tensorlang.passes.masks import present
from tensorlang.passes.values import Builder, Value, aligned, conjoined, expanded, tensor_of

# Norms divide by a number of elements: over a mask they have kernels of their own.
_COUNTING = frozenset(("lnorm", "rmsnorm"))


def along(node: AlongIndex, builder: Builder, wanted: Sequence[Index]) -> Value:
    """A function along an index as the call of its record."""
    record = ALONG[node.op]
    inner = (*(index for index in wanted if index != node.index), node.index)
    mask, arg = present(node.arg, builder, wanted or inner)
    value = taken(record.takes, builder.lower(arg, builder, wanted or inner), dtype_of(node))
    if node.index not in value.axes:
        value = expanded(builder, tensor_of(value), (*value.axes, node.index))
    options = [builder.lower(option, builder, ()).code for option in node.options]
    options += [Number(default) for _, default in record.options[len(options) :]]
    if mask is None:
        return applied(record, value, node.index, options, dtype_of(node), builder)
    return _masked(node, record, value, mask, options, builder)


def applied(record: Along, value: Value, index: Index, options: Sequence[Code], dtype: str, builder: Builder) -> Value:
    """The record's template over all elements."""
    if record.torch.count("{0}") > 1:
        value = builder.name(value)
    at = value.axes.index(index)
    dim = Number(-1 if at == len(value.axes) - 1 else at)
    code = Template(record.torch, (value.code, *options), (("dim", dim),))
    return builder.value(code, value.axes, dtype)


def _masked(
    node: AlongIndex, record: Along, value: Value, mask: Value, options: Sequence[Code], builder: Builder
) -> Value:
    mask = builder.name(tensor_of(mask), f"{builder.wish}_present")
    dtype = dtype_of(node)
    if node.op in _COUNTING:
        order = (*(index for index in dict.fromkeys((*value.axes, *mask.axes)) if index != node.index), node.index)
        whole, there = expanded(builder, value, order), expanded(builder, mask, order)
        code = call(f"present_{node.op}", aligned(whole, order), aligned(there, order), *options)
        return builder.value(code, order, dtype)
    value = filled(builder, value, mask, fill_code(record.fill or "0", value.dtype))
    result = applied(record, value, node.index, options, dtype, builder)
    if dtype == "bool":
        return conjoined(builder, [result, mask], result.axes)
    zero = Number(0.0 if is_floating(dtype) else 0)
    return filled(builder, result, mask, zero)
