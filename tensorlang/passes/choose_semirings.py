"""Minima, maxima and logsumexps of what is joined out of two parts: kernels that never hold the joined tensor.

In: ``max[y](A[x,y] + B[y,z])`` and its kin, with any indices in the place of one, in both parts (a batch) or in one.
Out: a call of ``kernels_semiring.py``, over [batch, left, reduced] and [batch, reduced, right].
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tensorlang.ir.code import ALL, NEW_AXIS, Code, Infix, Subscript, call, method
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import Apply, Contract, Expr, Index, Reduce
from tensorlang.passes.values import (
    Builder,
    Value,
    aligned,
    cast,
    common_order,
    grouped,
    joint_axes,
    tensor_of,
    ungrouped,
)
from tensorlang.records import dataclass

_KERNELS = {
    ("max", "+"): "greatest_sums",
    ("min", "+"): "least_sums",
    ("max", "*"): "greatest_products",
    ("min", "*"): "least_products",
    ("logsumexp", "+"): "logsumexp_sums",
}
# As many joined elements stay in a cache: then the plain call is as good (logsumexp, whose kernel multiplies, is not).
_FEW = {"max": 1 << 18, "min": 1 << 18, "logsumexp": 1 << 12}


@dataclass(frozen=True, slots=True)
class Shape:
    """The indices of a product of two: in both, in the first, in the second, and reduced."""

    batch: tuple[Index, ...]
    left: tuple[Index, ...]
    right: tuple[Index, ...]
    over: tuple[Index, ...]

    @property
    def known(self) -> int | None:
        """How many elements are joined, where all sizes are numbers."""
        sizes = [index.size.constant for index in (*self.batch, *self.left, *self.right, *self.over)]
        return None if None in sizes else prod(size for size in sizes if size is not None)


def semiring_product(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """``min``, ``max`` or ``logsumexp`` of a sum, ``min`` or ``max`` of a product, of parts that differ in indices."""
    if not isinstance(node, Reduce) or node.op not in _FEW or presence(node.arg) is not None:
        return None
    found = parts_of(node.arg)
    if found is None or (node.op, found[0]) not in _KERNELS:
        return None
    symbol, terms = found
    kind = dtype_of(node)
    values = [builder.lower(term, builder, (*wanted, *node.indices)) for term in terms]
    if any(value.number for value in values):
        return None
    pair = _joined_to_two([cast(value, kind) for value in values], symbol, builder)
    if pair is None:
        return None
    first, second = pair
    if later(first, second, wanted):
        first, second = second, first
    shape = shape_of(first, second, node.indices)
    if shape is None or (shape.known is not None and shape.known <= _FEW[node.op]):
        return None
    code = call(_KERNELS[node.op, symbol], *operands(first, second, shape))
    result = builder.value(split(code, shape), (*shape.batch, *shape.left, *shape.right), kind)
    builder.work[result.code] = tuple(index.size for index in (*result.axes, *shape.over))
    return result


def parts_of(arg: Expr) -> tuple[str, tuple[Expr, ...]] | None:
    """The terms of a sum, or the factors of a product."""
    match arg:
        case Apply(op="add", args=args):
            return "+", args
        case Contract(summed=(), factors=factors, semiring="sum") if len(factors) > 1:
            return "*", factors
        case _:
            return None


def _joined_to_two(values: list[Value], symbol: str, builder: Builder) -> tuple[Value, Value] | None:
    """Two values of different indices: each further one is joined to one of the two that has all of its indices."""
    first, *rest = sorted(values, key=lambda value: -len(value.axes))
    own = set(first.axes)
    second = next((value for value in rest if not own.issuperset(value.axes)), None)
    if second is None:
        second = next((value for value in rest if set(value.axes) != own), None)
    if second is None:
        return None
    groups: tuple[list[Value], list[Value]] = ([first], [second])
    for value in rest:
        if value is second:
            continue
        at = next((at for at, group in enumerate(groups) if set(group[0].axes).issuperset(value.axes)), None)
        if at is None:
            return None
        groups[at].append(value)
    one, two = (_together(group, symbol, builder) for group in groups)
    return one, two


def _together(values: list[Value], symbol: str, builder: Builder) -> Value:
    result = values[0]
    for value in values[1:]:
        order = common_order([result, value])
        code = Infix(symbol, aligned(result, order), aligned(value, order))
        result = builder.value(code, joint_axes([result, value], order), result.dtype)
    return result


def later(first: Value, second: Value, wanted: Sequence[Index]) -> bool:
    """Whether the result is wanted with an index of the second before those of the first."""
    places = {index: at for at, index in enumerate(wanted)}
    ends = [
        min((places.get(index, len(places)) for index in one.axes if index not in other.axes), default=len(places))
        for one, other in ((first, second), (second, first))
    ]
    return ends[1] < ends[0]


def shape_of(first: Value, second: Value, over: tuple[Index, ...]) -> Shape | None:
    """The shape of a product, if both parts have all reduced indices and one has an index of its own."""
    if not all(index in first.axes and index in second.axes for index in over):
        return None
    batch = tuple(index for index in first.axes if index in second.axes and index not in over)
    left = tuple(index for index in first.axes if index not in second.axes)
    right = tuple(index for index in second.axes if index not in first.axes)
    return Shape(batch, left, right, over) if left or right else None


def operands(first: Value, second: Value, shape: Shape) -> tuple[Code, Code]:
    """Both parts with three axes."""
    return (
        _three(first, (shape.batch, shape.left, shape.over)),
        _three(second, (shape.batch, shape.over, shape.right)),
    )


def _three(value: Value, groups: Sequence[Sequence[Index]]) -> Code:
    """The value with one axis for each group, of one element where the group is empty."""
    code = grouped(tensor_of(value), groups)
    missing = [at for at, group in enumerate(groups) if not group]
    if len(missing) > 1:
        return Subscript(code, tuple(ALL if group else NEW_AXIS for group in groups))
    return method(code, "unsqueeze", missing[0] if missing[0] < len(groups) - 1 else -1) if missing else code


def split(code: Code, shape: Shape) -> Code:
    """The result with the axes that are there: an empty group leaves none."""
    groups = (shape.batch, shape.left, shape.right)
    for at in reversed(range(3)):
        if not groups[at]:
            code = method(code, "squeeze", -1 if at == 2 else at)
    return ungrouped(code, [group for group in groups if group])
