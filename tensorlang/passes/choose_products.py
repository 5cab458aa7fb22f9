"""Reductions that are products in disguise: sums, means and matches of what is multiplied.

In: Reduce nodes. Out: the matrix product that gives the same (``sum``, ``mean`` of products, ``any`` of ``and``).
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Infix, Number
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import is_floating, presence
from tensorlang.ir.nodes import Apply, Contract, Expr, Index, Reduce, free_indices, size_value
from tensorlang.passes.lower_contract import Factor, contract
from tensorlang.passes.masks import present
from tensorlang.passes.values import Builder, Value, cast, truth


def sums(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """A sum, or a mean of a product without absent elements, as a Contract."""
    if not isinstance(node, Reduce) or node.op not in ("sum", "mean"):
        return None
    if node.op == "sum":
        return cast(builder.lower(_product(node), builder, wanted), dtype_of(node))
    if presence(node.arg) is not None or not _shares(node) or not is_floating(dtype_of(node.arg)):
        return None
    counts = tuple(Apply("reciprocal", (size_value(index.size),)) for index in node.indices)
    whole = _product(node)
    return builder.lower(Contract(whole.summed, (*whole.factors, *counts), "sum"), builder, wanted)


def _product(node: Reduce) -> Contract:
    arg = node.arg
    factors = arg.factors if isinstance(arg, Contract) and not arg.summed else (arg,)
    return Contract(node.indices, factors, "sum")


def _shares(node: Reduce) -> bool:
    """Whether two factors have a reduced index in common, so that a matrix product saves their product."""
    if not isinstance(node.arg, Contract) or node.arg.summed:
        return False
    return any(sum(index in free_indices(factor) for factor in node.arg.factors) > 1 for index in node.indices)


def matches(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """``any`` of an ``and`` that shares an index: more than no match, counted by a product of floats."""
    if not isinstance(node, Reduce) or node.op != "any":
        return None
    mask, arg = present(node.arg, builder, (*wanted, *node.indices))
    if not isinstance(arg, Apply) or arg.op != "and":
        return None
    parts = [truth(builder.lower(part, builder, (*wanted, *node.indices))) for part in arg.args]
    parts += [] if mask is None else [mask]
    if any(part.number for part in parts) or not _worth_a_product(parts, node.indices):
        return None
    factors = [Factor(cast(part, "float")) for part in parts]
    counted = contract(builder, factors, node.indices, wanted, "float")
    return builder.value(Infix(">", counted.code, Number(0)), counted.axes, "bool")


def _worth_a_product(parts: Sequence[Value], reduced: Sequence[Index]) -> bool:
    """Whether some reduced index is shared while each of two parts keeps an index that the other has not."""
    for at, one in enumerate(parts):
        for two in parts[:at]:
            shared = any(index in one.axes and index in two.axes for index in reduced)
            if shared and set(one.axes) - set(two.axes) and set(two.axes) - set(one.axes):
                return True
    return False
