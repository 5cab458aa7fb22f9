"""Loops in a plan: one step calls the function that runs over the positions, and holds what it returns.

In: a ``Loop`` and the builder of the plan it stands in. Out: steps that hold the tensors of the recurrence, and the
``LoopPlan`` that the backend prints as two functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tensorlang.ir.code import Call, Code, Extent, Items, Number, Ref, Subscript, extent
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Index
from tensorlang.ir.plan import LoopPlan, Plan, StepPlan, WholePlan
from tensorlang.ir.program import Definition, Program, Tensor
from tensorlang.ir.recursion import Feed, Loop, Whole
from tensorlang.passes.values import Builder, Held, blank
from tensorlang.records import replace

Logical = Callable[[Tensor], Code]
Planned = Callable[[Program, str], Plan]


def add_loop(builder: Builder, loop: Loop, logical: Logical, planned: Planned, inside: str) -> LoopPlan:
    """Plan the body and the steps that call the loop. ``logical`` is a tensor with its axes in their own order."""
    tensors = builder.program.tensors
    steps = [_step(builder, body, feeds, planned, inside) for body, feeds in loop.bodies]
    function = builder.names.fresh(f"{inside}scan")
    plan = LoopPlan(function, loop, tuple(steps))
    span = loop.scan.definitions[0].pieces[0].span
    builder.span, builder.note = span, note_of(loop.scan.definitions)
    operands: list[Code] = [extent(loop.scan.steps)]
    operands += [logical(tensors[name]) for name in (*loop.fed, *(name for _, _, name in loop.first))]
    axes = dict(loop.scan.axes)
    before = dict(loop.scan.before)
    for name in loop.computed:
        operands.append(logical(tensors[before[name]]) if name in before else _zero(tensors[name], axes[name]))
    operands += [Extent(Size.of(Symbol(name))) for name in plan.sizes]
    operands += [extent(loop.lengths[name]) for name in loop.unequal]
    operands += [extent(single.position) for single in loop.singles]
    operands += [extent(count) for count in loop.windows.values()]
    called = Call(function, tuple(operands), ())
    if loop.whole is not None:
        plan, called = _with_whole(builder, plan, loop.whole, operands, logical, planned, inside)
    results = [(tensors[name], loop.scan.axis(name)) for name in loop.stored]
    results += [(tensors[single.name], None) for single in loop.singles]
    if len(results) == 1:
        _hold(builder, *results[0], called)
    else:
        together = builder.names.fresh(f"{function}_results")
        builder.step(together, called, None, (), (), "float")
        for at, (tensor, axis) in enumerate(results):
            _hold(builder, tensor, axis, Subscript(Ref(together), (Number(at),)))
    return plan


def _with_whole(
    builder: Builder,
    plan: LoopPlan,
    whole: Whole,
    operands: list[Code],
    logical: Logical,
    planned: Planned,
    inside: str,
) -> tuple[LoopPlan, Call]:
    """The plan with that of all positions at once, and its call: what the loop takes, what the other does, a guess."""
    tensors = builder.program.tensors
    step = builder.names.fresh(f"{inside}all_positions")
    body = planned(whole.body, f"{step}_")
    function = builder.names.fresh(f"{plan.function}_at_once")
    place = next((at for at, a in enumerate(body.arguments) if a.tensor == whole.guess), 0)
    others = [argument for at, argument in enumerate(body.arguments) if at != place]
    given = [Extent(Size.of(Symbol(a.tensor))) if a.kind == "size" else logical(tensors[a.tensor]) for a in others]
    guess = tensors[whole.tensor]
    start = blank(Items(tuple(extent(size) for size in guess.shape)), guess.dtype)
    count = len(plan.loop.fed) + len(plan.loop.first) + len(plan.loop.computed)
    taken = ("int", *("Tensor" for _ in range(count)), *("int" for _ in operands[1 + count :]))
    kinds = tuple("int" if argument.kind == "size" else "Tensor" for argument in others)
    made = WholePlan(function, step, body, taken, kinds, place)
    return replace(plan, whole=made), Call(function, (*operands, *given, start), ())


def _step(builder: Builder, body: Program, feeds: tuple[Feed, ...], planned: Planned, inside: str) -> StepPlan:
    """The plan of one body, as a function of its own."""
    name = builder.names.fresh(f"{inside}one_step")
    plan = planned(body, f"{name}_")
    sizes = tuple(argument.tensor for argument in plan.arguments if argument.kind == "size")
    return StepPlan(name, plan, feeds, sizes)


def _hold(builder: Builder, tensor: Tensor, axis: int | None, code: Code) -> None:
    """A slot for a tensor of the recurrence: the axis of the recurrence, where it has one, stands first."""
    rest = tuple(at for at in range(len(tensor.axes)) if at != axis)
    order = rest if axis is None else (axis, *rest)
    axes = [Index(tensor.axes[at].label, tensor.axes[at].size) for at in order]
    name = builder.names.fresh(tensor.name)
    builder.step(name, code, tensor.name, axes, order, tensor.dtype)
    builder.held[tensor.name] = Held(Ref(name), order)


def _zero(tensor: Tensor, axis: int) -> Code:
    sizes = Items(tuple(extent(size) for at, size in enumerate(tensor.shape) if at != axis))
    return blank(sizes, tensor.dtype)


def note_of(definitions: Sequence[Definition]) -> str:
    """Where the first of the equations that go round stands, and how it was written."""
    piece = next((p for d in definitions for p in d.pieces if not p.special), definitions[0].pieces[0])
    place = f"{piece.span.source.name.rsplit('/', 1)[-1]}:{piece.span.line}"
    return f"{place}  {' '.join(piece.span.text.split())}".rstrip()
