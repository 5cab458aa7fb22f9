"""Loops of a plan that store one position in so many for the gradient, beyond those that a declaration asks for.

In: a plan, and for the function of a loop the number of positions of its parts. Out: the plan with such loops.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.plan import IterationPlan, LoopPlan, Plan
from tensorlang.records import replace


def in_parts(plan: Plan, every: Mapping[str, int]) -> Plan:
    """The plan with its loops in parts; those of steps are left alone."""
    return replace(plan, loops=tuple(_cut(loop, every.get(loop.function, 0)) for loop in plan.loops))


def _cut(loop: LoopPlan | IterationPlan, every: int) -> LoopPlan | IterationPlan:
    if isinstance(loop, IterationPlan) or every == 0:
        return loop
    scan = loop.loop.scan
    manner = replace(scan.manner, checkpoint=every)
    return replace(loop, loop=replace(loop.loop, scan=replace(scan, manner=manner)))
