"""Expressions to values: what torch calls compute a node, with which axes.

In: nodes of a Program (at most a few factors in a Contract). Out: values. Kernel rules (``choose_kernels.py``) come
first; what none of them knows is lowered here, pointwise chains as one printed expression.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Device, call, extent
from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Reduce,
    Where,
    cached,
    children,
)
from tensorlang.passes.lower_along import along
from tensorlang.passes.lower_apply import apply
from tensorlang.passes.lower_contract import Factor, contract
from tensorlang.passes.lower_read import read
from tensorlang.passes.lower_reduce import reduce
from tensorlang.passes.masks import unguarded, where
from tensorlang.passes.values import Builder, Value, literal, size_number

DEEPEST = 24  # expressions deeper than this are cut into named pieces


def lower(node: Expr, builder: Builder, wanted: Sequence[Index] = ()) -> Value:
    """The value of a node; ``wanted`` is the axis order that would suit best."""
    if node in builder.named:
        return builder.named[node]
    for rule in builder.rules:
        found = rule(node, builder, wanted)
        if found is not None:
            return found
    match node:
        case Const(value=value):
            return size_number(value) if isinstance(value, Size) else literal(value)
        case Position(index=index):
            code = call("torch.arange", extent(index.size), device=Device())
            return builder.value(code, (index,), "int")
        case Read():
            return read(node, builder)
        case Apply():
            return apply(node, builder, wanted)
        case Contract():
            return product(node, builder, wanted)
        case Reduce():
            return reduce(node, builder, wanted)
        case AlongIndex():
            return along(node, builder, wanted)
        case Where(condition=condition, arg=arg):
            return where(condition, arg, builder, wanted)


def product(node: Contract, builder: Builder, wanted: Sequence[Index]) -> Value:
    """A Contract; factors that are reciprocals divide."""
    assert node.semiring == "sum", f"lowering: unknown semiring {node.semiring}"
    if presence(node) is not None:
        # The guard goes around the product: 0 for an absent factor would be NaN beside an infinite one.
        condition, bare = unguarded(node)
        return where(condition, bare, builder, wanted)
    inner = (*(index for index in wanted if index not in node.summed), *node.summed)
    factors = []
    for factor in node.factors:
        match factor:
            case Apply(op="reciprocal", args=(arg,)):
                factors.append(Factor(lower(arg, builder, inner), inverse=True))
            case _:
                factors.append(Factor(lower(factor, builder, inner)))
    return contract(builder, factors, node.summed, wanted, dtype_of(node))


# --- depth -------------------------------------------------------------------------------------------------------


@cached
def height(node: Expr) -> int:
    return 1 + max((height(child) for child in children(node)), default=0)


def cut(node: Expr, builder: Builder) -> None:
    """Name the values at every ``DEEPEST`` levels of a deep expression, from the bottom up, so that none nests deep."""
    if height(node) <= 2 * DEEPEST:
        return
    for part in _postorder(node):
        if height(part) % DEEPEST == 0 and not isinstance(part, Const | Position | Where):
            builder.named[part] = builder.name(lower(part, builder))


def _postorder(node: Expr) -> list[Expr]:
    order: dict[Expr, None] = {}
    stack = [(node, False)]
    while stack:
        top, ready = stack.pop()
        if top in order:
            continue
        if ready:
            order[top] = None
        else:
            stack.append((top, True))
            inside = () if isinstance(top, Read) else children(top)
            stack.extend((child, False) for child in inside)
    return list(order)
