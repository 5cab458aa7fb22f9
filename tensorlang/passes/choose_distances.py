"""Squared distances of all pairs: a kernel that never holds their differences.

In: ``sum[i]((X[n,i] - Z[m,i])^2)``, with any indices in the place of one, in both parts (a batch) or in one. Out: a
call of ``kernels_distance.py``, over [batch, left, summed] and [batch, summed, right]. The square is not expanded: that
is a matrix product, but loses its digits where points are closer to each other than to 0, and may be negative.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import call
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import Apply, Const, Contract, Expr, Index
from tensorlang.passes.choose_semirings import later, operands, shape_of, split
from tensorlang.passes.values import Builder, Value, cast

# As many differences stay in a cache: then the plain call is as good.
_FEW = 1 << 18


def squared_distances(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """The rule of ``choose_kernels.py``."""
    if not isinstance(node, Contract) or not node.summed or dtype_of(node) not in ("float", "float64"):
        return None
    found = difference(node)
    if found is None or any(presence(side) is not None for side in found):
        return None
    first, second = (
        cast(builder.lower(side, builder, (*wanted, *node.summed)), dtype_of(node)) for side in found
    )  # fmt: skip
    if first.number or second.number:
        return None
    if later(first, second, wanted):
        first, second = second, first
    shape = shape_of(first, second, node.summed)
    if shape is None or not shape.left or not shape.right or (shape.known is not None and shape.known <= _FEW):
        return None
    code = call("squared_distances", *operands(first, second, shape))
    result = builder.value(split(code, shape), (*shape.batch, *shape.left, *shape.right), dtype_of(node))
    builder.work[result.code] = tuple(index.size for index in (*result.axes, *shape.over))
    return result


def difference(node: Contract) -> tuple[Expr, Expr] | None:
    """The two sides of a squared difference that is summed."""
    match node.factors:
        case (Apply(op="pow", args=(Apply(op="add", args=(one, two)), Const(value=2))),):
            match one, two:
                case Apply(op="neg", args=(taken,)), given:
                    return given, taken
                case given, Apply(op="neg", args=(taken,)):
                    return given, taken
    return None
