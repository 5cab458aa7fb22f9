"""Iterations in a plan: one step calls the function that iterates, and holds what it returns.

In: an ``Iteration`` and the builder of the plan it stands in. Out: steps that hold the tensors of its state, and what
is asked of how it went; and the ``IterationPlan`` that the backend prints as functions.
"""

from __future__ import annotations

from tensorlang.ir.code import (
    Call,
    Code,
    Device,
    ElementType,
    Extent,
    Items,
    Number,
    Ref,
    Subscript,
    call,
    extent,
    method,
)
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Index
from tensorlang.ir.plan import IterationPlan
from tensorlang.ir.program import Program, Tensor, definition_reads
from tensorlang.ir.recursion import Iteration
from tensorlang.passes.lower_reduce import fill_code
from tensorlang.passes.schedule_loops import Logical, Planned, note_of
from tensorlang.passes.values import Builder, Held


def add_iteration(
    builder: Builder, iteration: Iteration, logical: Logical, planned: Planned, inside: str
) -> IterationPlan:
    """Plan the body and the steps that call the iteration. ``logical`` is a tensor with its axes in their own order."""
    program = builder.program
    step = builder.names.fresh(f"{inside}one_step")
    body = planned(iteration.body, f"{step}_")
    builder.span, builder.note = iteration.fixpoint.span, note_of(iteration.fixpoint.definitions)
    whole = [feed for feed in iteration.feeds if feed.kind == "whole"]
    operands: list[Code] = [logical(program.tensors[feed.tensor]) for feed in whole]
    operands += [_start(program.tensors[name], start) for name, start in iteration.starts.items()]
    sizes = tuple(argument.tensor for argument in body.arguments if argument.kind == "size")
    operands += [Extent(Size.of(Symbol(name))) for name in sizes]
    function = builder.names.fresh(f"{inside}fixpoint")
    asked = _asked(program)
    reports = tuple(report for report in iteration.fixpoint.reports if report[0] in asked)
    residuals = {name for name, what in reports if what == "residual"}
    results = [program.tensors[name] for name in (*iteration.state, *(name for name, _ in reports))]
    called = Call(function, tuple(operands), ())
    if len(results) == 1:
        _hold(builder, results[0], called)
    else:
        together = builder.names.fresh(f"{function}_results")
        builder.step(together, called, None, (), (), "float")
        for at, tensor in enumerate(results):
            part: Code = Subscript(Ref(together), (Number(at),))
            if tensor.name in residuals:
                part = method(part, "to", ElementType("float"))
            _hold(builder, tensor, part)
    return IterationPlan(function, builder.names.fresh(f"{function}_step"), step, iteration, body, sizes, reports)


def _asked(program: Program) -> frozenset[str]:
    """What the program reads or returns."""
    reads = frozenset().union(*map(definition_reads, program.definitions), *(unit.reads for unit in program.recursions))
    return reads.union(program.outputs)


def _hold(builder: Builder, tensor: Tensor, code: Code) -> None:
    axes = [Index(axis.label, axis.size) for axis in tensor.axes]
    name = builder.names.fresh(tensor.name)
    order = tuple(range(len(axes)))
    builder.step(name, code, tensor.name, axes, order, tensor.dtype)
    builder.held[tensor.name] = Held(Ref(name), order)


def _start(tensor: Tensor, start: float) -> Code:
    """A tensor that holds one number."""
    sizes = Items(tuple(extent(size) for size in tensor.shape))
    if tensor.dtype == "complex":
        return call("as_complex", call("torch.zeros", sizes, dtype=ElementType("float"), device=Device()))
    if start == 0:
        return call("torch.zeros", sizes, dtype=ElementType(tensor.dtype), device=Device())
    number = Number(start > 0) if tensor.dtype == "bool" else fill_code(f'float("{start}")', tensor.dtype)
    return call("torch.full", sizes, number, dtype=ElementType(tensor.dtype), device=Device())
