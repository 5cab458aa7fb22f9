"""A Plan: a Program after ordering, as a list of steps over slots. Schedulers write it, backends print or run it.

In: the scheduler's decisions (axis order of each slot, kernels, when a slot dies). Out: what backends
print, and a table for readers (``show_plan``).
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.code import Code, is_view
from tensorlang.ir.code_text import Writer
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.pairs import Pairs, Recipe, Stored
from tensorlang.ir.recursion import Feed, Iteration, Loop
from tensorlang.records import dataclass, field
from tensorlang.source import Span

__all__ = ["Argument", "Binding", "Plan", "Slot", "Step", "empty_domain", "is_view", "show_plan"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that has a name. ``order[p]`` is the axis of the tensor that physical axis ``p`` holds.

    ``tensor`` is the tensor of the program, or None for an intermediate one. ``dies`` is the last step that reads it
    (the number of steps for results).
    """

    name: str
    tensor: str | None
    labels: tuple[str, ...]
    order: tuple[int, ...]
    shape: tuple[Size, ...]
    dtype: str
    dies: int


@dataclass(frozen=True, slots=True)
class Step:
    """``target = code``. ``scratch`` are shapes and types of what is computed on the way; ``work`` the sizes whose
    products are its multiplications; ``note`` is the equation as it was written."""

    target: str
    code: Code
    note: str
    span: Span | None
    scratch: tuple[tuple[tuple[Size, ...], str], ...] = ()
    work: tuple[tuple[Size, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of ``compute``. ``kind`` is the tensor's, or ``size``: an integer that no tensor tells (``tensor`` is
    the symbol's name then)."""

    name: str
    tensor: str
    kind: str
    shape: tuple[Size, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Binding:
    """``symbol`` is called ``name``: ``(argument.size(axis) - rest) // factor``, a number, or an argument itself."""

    symbol: Symbol
    name: str
    argument: str | None
    axis: int
    rest: Size
    factor: int
    number: int | None = None


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step of a recurrence as a function: its plan, and its arguments: ``feeds``, then ``sizes`` (symbols)."""

    function: str
    plan: Plan
    feeds: tuple[Feed, ...]
    sizes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WholePlan:
    """All positions at once: ``function`` calls ``step``, which computes all from a guess, until the guess is right.

    ``loop`` and ``given`` are how many tensors and numbers the loop and the step take beside the guess, as types.
    """

    function: str
    step: str
    plan: Plan
    loop: tuple[str, ...]
    given: tuple[str, ...]
    place: int


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """A recurrence: ``function`` runs over the positions and calls ``steps``, the last of them from ``start`` on.

    The others are its openings, one a position. ``sizes`` are the symbols that any of them needs.
    """

    function: str
    loop: Loop
    steps: tuple[StepPlan, ...]
    whole: WholePlan | None = None

    @property
    def step(self) -> str:
        return self.steps[-1].function

    @property
    def body(self) -> Plan:
        return self.steps[-1].plan

    @property
    def sizes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(size for step in self.steps for size in step.sizes))


@dataclass(frozen=True, slots=True)
class IterationPlan:
    """A fixed point: ``function`` goes over and over; ``around`` is one step on lists of tensors, and calls ``step``,
    which is the plan ``body``. The function returns the tensors of the state, then ``reports``.
    """

    function: str
    around: str
    step: str
    iteration: Iteration
    body: Plan
    sizes: tuple[str, ...]
    reports: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """``results`` pair a tensor's name with the code that returns it.

    ``domains`` are the sizes of indices that are not known; a plan is made for sizes of 1 and more. ``pairs``,
    ``stored`` and ``recipes`` are the program's: what is on pairs, and how arguments of the kind ``pairs`` are made.
    """

    source: str
    arguments: tuple[Argument, ...]
    slots: tuple[Slot, ...]
    steps: tuple[Step, ...]
    results: tuple[tuple[str, Code], ...]
    sizes: tuple[Binding, ...]
    loops: tuple[LoopPlan | IterationPlan, ...] = ()
    domains: tuple[Size, ...] = ()
    pairs: Mapping[str, Pairs] = field(default_factory=dict)
    stored: Mapping[str, Stored] = field(default_factory=dict)
    recipes: Mapping[str, Recipe] = field(default_factory=dict)


def steps_of(loop: LoopPlan | IterationPlan) -> tuple[tuple[str, Plan], ...]:
    """The functions that a recursion calls, with their plans."""
    match loop:
        case LoopPlan(steps=steps, whole=whole):
            every = () if whole is None else ((whole.step, whole.plan),)
            return (*((step.function, step.plan) for step in steps), *every)
        case IterationPlan(step=step, body=body):
            return ((step, body),)


def every_plan(plan: Plan) -> tuple[Plan, ...]:
    """A plan behind those of the steps of its recursions, inner ones first."""
    return (*(part for loop in plan.loops for _, step in steps_of(loop) for part in every_plan(step)), plan)


def empty_domain(plan: Plan, sizes: Mapping[Symbol, int]) -> Size | None:
    """The size of an index that would have no values: what is computed then may be an error of torch, or misshapen."""
    return next((size for size in plan.domains if size.value(sizes) < 1), None)


def show_plan(plan: Plan) -> str:
    """A plan as a table: each step's slot with its axes and type, where it dies, what it costs, and its code."""
    writer = Writer({binding.symbol: binding.name for binding in plan.sizes}, "float", "device")
    slots = {slot.name: slot for slot in plan.slots}
    rows = [("step", "slot", "type", "dies", "products", "code")]
    for at, step in enumerate(plan.steps):
        slot = slots[step.target]
        work = " + ".join(" ".join(f"({size})" if len(size.terms) > 1 else f"{size}" for size in w) for w in step.work)
        dies = "end" if slot.dies == len(plan.steps) else str(slot.dies)
        rows.append((str(at), f"{slot.name}[{_axes(slot)}]", slot.dtype, dies, work, writer.text(step.code)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    given = ", ".join(f"{argument.name} ({argument.kind})" for argument in plan.arguments)
    returned = ", ".join(f"{name} = {writer.text(code)}" for name, code in plan.results)
    wide = [[text.ljust(width) for text, width in zip(row, widths, strict=False)] for row in rows]
    lines = ["  ".join((*cells, row[5])) for cells, row in zip(wide, rows, strict=True)]
    own = "\n".join((f"given: {given}", *(line.rstrip() for line in lines), f"returned: {returned}"))
    steps = ((loop, at, step) for loop in plan.loops for at, (_, step) in enumerate(steps_of(loop)))
    return "\n\n".join((own, *(f"{_heading(loop, at)}\n{show_plan(step)}" for loop, at, step in steps)))


def _heading(loop: LoopPlan | IterationPlan, at: int) -> str:
    """What the plan of a step is for: ``one_step, at each position of scan, from position 1:``."""
    if isinstance(loop, IterationPlan):
        end = "nothing changes" if loop.iteration.fixpoint.monotone else "it has settled"
        return f"{loop.step}, in each step of {loop.function}, until {end}:"
    if loop.whole is not None and at == len(loop.steps):
        return f"{loop.whole.step}, of all positions from a guess, in each round of {loop.whole.function}:"
    if at < len(loop.steps) - 1:
        end = " from the end" if loop.loop.scan.reverse else ""
        return f"{loop.steps[at].function}, at position {at}{end} of {loop.function}:"
    start = f", from position {loop.loop.start}" if loop.loop.start else ""
    order = ", from the last to the first" if loop.loop.scan.reverse else start
    return f"{loop.step}, at each position of {loop.function}{order}:"


def _axes(slot: Slot) -> str:
    pairs = zip(slot.labels, slot.shape, strict=True)
    return ",".join(f"{label}:{size}" if label else f"{size}" for label, size in pairs)
