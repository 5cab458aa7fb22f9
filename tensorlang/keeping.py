"""What a gradient keeps of a program's loops, and how they are cut into parts so that it stays within a budget.

In: a plan with its functions, the sizes of a call, the tensors that have a gradient. Out: ``Need``, in bytes: measured
on tensors without contents, through which one step of each loop is run, and all else at once; the parts of the loops.
A loop of T positions that keeps ``each`` bytes at a position and hands on ``state`` bytes keeps T * each bytes as a
whole, and T/k * state + k * each in parts of k: least where k is the root of T * state / each. Positions that others
read (``stored``) are kept in any case.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from tensorlang.budget import in_bytes, kept_at_most, kept_by_steps, training_too_large, widths
from tensorlang.diagnostics import diagnostic
from tensorlang.ir.domain import Symbol
from tensorlang.ir.plan import Argument, LoopPlan, Plan, StepPlan
from tensorlang.options import Options
from tensorlang.records import dataclass
from tensorlang.source import Span
from tensorlang.unsettled import Noted

_MEASURED = 2000  # positions of all loops up to which everything is run through once

Sizes = Mapping[Symbol, int]


class OverBudget(Noted):
    """A program that keeps more for its gradient than it was asked to."""


@dataclass(frozen=True, slots=True)
class LoopNeed:
    """What the gradient of one loop keeps, in bytes; ``every`` are the positions of its parts (0: it has none)."""

    function: str
    positions: int
    each: int
    state: int
    stored: int = 0
    every: int = 0

    @property
    def whole(self) -> int:
        return self.stored + self.positions * self.each

    @property
    def best(self) -> int:
        """The positions of parts with which it keeps least."""
        return min(self.positions, max(1, round(math.sqrt(self.positions * self.state / max(self.each, 1)))))

    def cut(self, every: int) -> int:
        """What it keeps in parts."""
        return self.stored + -(-self.positions // every) * self.state + min(every, self.positions) * self.each


@dataclass(frozen=True, slots=True)
class Need:
    """What the gradient of a program keeps: of each loop, and beside them."""

    loops: tuple[LoopNeed, ...]
    beside: int

    @property
    def total(self) -> int:
        return self.within({})

    def within(self, parts: Mapping[str, int]) -> int:
        """What is kept with some loops in parts."""
        loops = ((loop, parts.get(loop.function, loop.every)) for loop in self.loops)
        return self.beside + sum(loop.cut(every) if every else loop.whole for loop, every in loops)


def parts_within(need: Need, budget: int) -> dict[str, int]:
    """The loops to cut, those that gain most first, until the rest fits; with the positions of their parts."""
    total = need.total
    found: dict[str, int] = {}
    for loop in sorted(need.loops, key=lambda loop: loop.cut(loop.best) - loop.whole if loop.positions else 0):
        gain = loop.whole - loop.cut(loop.best) if loop.positions and not loop.every else 0
        if total <= budget or gain <= 0:
            break
        found[loop.function] = loop.best
        total -= gain
    return found


def over_budget(need: Need, parts: Mapping[str, int], budget: int) -> OverBudget | None:
    """What to say where even parts keep too much."""
    left = need.within(parts)
    if left <= budget:
        return None
    words = f"{in_bytes(left)}, more than the budget of {in_bytes(budget)}"
    loops = "its loops keep as little as they can" if need.loops else "only loops can keep less, and it has none"
    help = [loops, "smaller batches and fewer positions keep less"]
    message = f"the gradient of this program keeps about {words}"
    return OverBudget(diagnostic("W0903", message, help=help, severity="warning"))


def check_training(
    plan: Plan, compute: Callable[..., Any], sizes: Sizes, floating: torch.dtype, options: Options, span: Span
) -> None:
    """Raise ``RunError`` where a training needs more memory than its limit.

    Counted are what the gradient keeps, and for each parameter its gradient and two numbers of the optimiser. It is
    measured only where an estimate of all that is computed comes near the limit.
    """
    width = floating.itemsize
    params = [argument for argument in plan.arguments if argument.kind == "param"]
    learned = 3 * width * sum(math.prod(size.value(sizes) for size in argument.shape) for argument in params)
    limit = options.limits.memory
    if kept_at_most(plan, sizes, width) + learned <= limit:
        return
    need = need_of(plan, compute, frozenset(argument.tensor for argument in params), sizes, floating)
    parts = parts_within(need, options.memory_budget) if options.memory_budget else {}
    total = need.within(parts) + learned
    if total > limit:
        fits = need.within(parts_within(need, 0)) + learned <= limit
        advice = f"`--memory-budget {limit // 2 >> 10}K` lets its loops keep less" if fits and not parts else None
        raise training_too_large(total, limit, span, advice)


def _argument(argument: Argument, sizes: Sizes, floating: torch.dtype, flows: bool) -> Any:
    """An argument without contents; ``flows``: it has a gradient."""
    if argument.kind == "size":
        return {symbol.name: number for symbol, number in sizes.items()}[argument.tensor]
    return _empty([size.value(sizes) for size in argument.shape], _dtype(argument.dtype, floating), flows)


# --- measuring ---------------------------------------------------------------------------------------------------


def need_of(
    plan: Plan, compute: Callable[..., Any], learned: Collection[str], sizes: Sizes, floating: torch.dtype
) -> Need:
    """What the gradient of a call by the tensors ``learned`` keeps."""
    functions = compute.__globals__
    loops = []
    for loop in plan.loops:
        if isinstance(loop, LoopPlan):
            each = _step(loop.steps[-1], functions[loop.steps[-1].function], sizes, floating)
            scan = loop.loop.scan
            state, stored = _state(loop, sizes, floating), _stored(loop, sizes, floating)
            count = scan.steps.value(sizes)
            loops.append(LoopNeed(loop.function, count, each, state, stored * count, scan.manner.checkpoint))
    given = [_argument(each, sizes, floating, each.tensor in learned) for each in plan.arguments]
    beside = _beside(plan, compute, given, sizes, floating, loops)
    return Need(tuple(loops), beside)


def _state(loop: LoopPlan, sizes: Sizes, floating: torch.dtype) -> int:
    """The bytes that go from one position to the next."""
    lags: dict[str, int] = {}
    for feed in loop.steps[-1].feeds:
        if feed.kind == "lag":
            lags[feed.tensor] = max(lags.get(feed.tensor, 0), feed.offset.constant or 0)
    return sum(lag * _position(loop, name, sizes, floating) for name, lag in lags.items())


def _stored(loop: LoopPlan, sizes: Sizes, floating: torch.dtype) -> int:
    """The bytes of one position of the tensors that are read as a whole."""
    return sum(_position(loop, name, sizes, floating) for name in loop.loop.stored)


def _position(loop: LoopPlan, name: str, sizes: Sizes, floating: torch.dtype) -> int:
    tensor = loop.loop.body.tensors[name]
    return math.prod(size.value(sizes) for size in tensor.shape) * widths(floating.itemsize)[tensor.dtype]


def _step(step: StepPlan, function: Callable[..., Any], sizes: Sizes, floating: torch.dtype) -> int:
    """The bytes that the gradient of one step keeps beside its arguments."""
    arguments = [_argument(argument, sizes, floating, True) for argument in step.plan.arguments]
    return _kept(function, arguments) or kept_by_steps(step.plan, sizes, floating.itemsize)


def _beside(
    plan: Plan,
    compute: Callable[..., Any],
    given: Sequence[Any],
    sizes: Sizes,
    floating: torch.dtype,
    loops: Sequence[LoopNeed],
) -> int:
    """The bytes that are kept beside the loops: measured where that does not take long, else estimated."""
    if sum(loop.positions for loop in loops) <= _MEASURED:
        found = _kept(compute, given)
        if found is not None:
            return max(0, found - sum(loop.whole for loop in loops if not loop.every))
    return kept_by_steps(plan, sizes, floating.itemsize)


def _empty(shape: list[int], dtype: torch.dtype, gradient: bool = True) -> Tensor:
    flows = gradient and (dtype.is_floating_point or dtype.is_complex)
    return torch.empty(shape, dtype=dtype, device="meta", requires_grad=flows)


def _dtype(name: str, floating: torch.dtype) -> torch.dtype:
    other = {"bool": torch.bool, "int": torch.int64, "bf16": torch.bfloat16, "float64": torch.float64}
    if name == "complex":
        return torch.complex128 if floating == torch.float64 else torch.complex64
    return other.get(name, floating)


def _kept(function: Callable[..., Any], arguments: Sequence[Any]) -> int | None:
    """The bytes that are saved for the gradient, but for those of the arguments; None: contents are looked at."""
    own = {_storage(value) for value in arguments if isinstance(value, Tensor)}
    held: dict[int, Tensor] = {}

    def pack(value: Tensor) -> Tensor:
        if _storage(value) not in own:
            held[_storage(value)] = value
        return value

    try:
        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
            result = function(*arguments)
    except RuntimeError:
        return None
    del result
    return sum(value.untyped_storage().nbytes() for value in held.values())


def _storage(value: Tensor) -> int:
    return int(value.untyped_storage()._cdata)
