"""Products with elements that nothing has reached: in a circle of ``max=`` or ``min=`` these are infinite, and stay so.

In: the definitions of such a circle. Out: the same ones, where a product with a tensor of the circle that still is at
its start (-inf for ``max=``, inf for ``min=``) is at that start too: arithmetic would say that -inf times -inf is inf,
and that -inf times 0 is no number. So probabilities of ways can be multiplied.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isinf

from tensorlang.ir.facts import dtype, is_floating
from tensorlang.ir.nodes import Apply, Const, Contract, Expr, Read, children, with_children
from tensorlang.ir.program import Definition
from tensorlang.ops import REDUCTIONS
from tensorlang.records import replace


def with_unreached(definitions: tuple[Definition, ...]) -> tuple[Definition, ...]:
    """The definitions of a circle with products that are right for elements at their start."""
    starts = {d.tensor: float(REDUCTIONS[d.aggregate].identity) for d in definitions if d.aggregate in ("min", "max")}
    memo: dict[Expr, Expr] = {}
    return tuple(
        replace(d, pieces=tuple(replace(piece, value=_guarded(piece.value, starts, memo)) for piece in d.pieces))
        for d in definitions
    )


def _guarded(node: Expr, starts: Mapping[str, float], memo: dict[Expr, Expr]) -> Expr:
    if node not in memo:
        made = with_children(node, tuple(_guarded(child, starts, memo) for child in children(node)))
        memo[node] = _product(made, starts) if isinstance(made, Contract) and not made.summed else made
    return memo[node]


def _product(node: Contract, starts: Mapping[str, float]) -> Expr:
    """A product at its start where one of the circle's tensors in it is; not where it only scales by a number."""
    reads = [f for f in node.factors if isinstance(f, Read) and f.tensor in starts and is_floating(dtype(f))]
    others = [f for f in node.factors if f not in reads]
    if not reads or (len(reads) == 1 and all(isinstance(f, Const) and _positive(f) for f in others)):
        return node
    start = Const(starts[reads[0].tensor], "float")
    at_start = {read: Apply("eq", (read, Const(starts[read.tensor], "float"))) for read in reads}
    safe = {read: Apply("select", (at_start[read], Const(0.0, "float"), read)) for read in reads}
    factors = tuple(safe[f] if isinstance(f, Read) and f in safe else f for f in node.factors)
    conditions = tuple(dict.fromkeys(at_start.values()))
    unreached = conditions[0] if len(conditions) == 1 else Apply("or", conditions)
    return Apply("select", (unreached, start, Contract((), factors, node.semiring)))


def _positive(node: Const) -> bool:
    return isinstance(node.value, int | float) and node.value > 0 and not isinf(node.value)
