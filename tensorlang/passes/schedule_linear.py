"""Linear scans in a plan: one call computes all positions.

In: a ``LinearScan`` whose coefficients and terms are held, and the builder of the plan. Out: a step that calls the
kernel with both laid out as it takes them: the position first, rows and columns of matrices last.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import ALL, NEW_AXIS, Call, Code, Method, Number, Ref, Subscript, call, method
from tensorlang.ir.nodes import Index
from tensorlang.ir.recursion import LinearScan
from tensorlang.passes.schedule_loops import note_of
from tensorlang.passes.values import Builder, Held, Value, grouped, permuted, ungrouped

_KERNELS = {"sum": "linear_scan", "max": "max_scan", "min": "min_scan", "logsumexp": "logsumexp_scan"}


def add_linear(builder: Builder, unit: LinearScan) -> None:
    """Plan the step of a linear scan."""
    tensor = builder.program.tensors[unit.tensor]
    builder.span = unit.scan.definitions[0].pieces[0].span
    builder.note = note_of(unit.scan.definitions)
    places = [Index(str(at), axis.size) for at, axis in enumerate(tensor.axes)]
    term = _held(builder, unit.term, places)
    if unit.coefficient is None:
        code, order = _running(unit, term), builder.held[unit.term].order
    elif unit.rows:
        code, order = _matrices(builder, unit, places, term)
    else:
        order = (unit.axis, *(at for at in range(len(places)) if at != unit.axis))
        wanted = [places[at] for at in order]
        coefficient = _broadcast(_coefficient(builder, unit, places), wanted)
        code = _called(unit, coefficient, permuted(term.code, term.axes, wanted))
    name = builder.names.fresh(tensor.name)
    axes = [Index(tensor.axes[at].label, tensor.axes[at].size) for at in order]
    builder.step(name, code, tensor.name, axes, order, tensor.dtype)
    builder.held[tensor.name] = Held(Ref(name), order)


def _held(builder: Builder, name: str, axes: Sequence[Index]) -> Value:
    """A tensor with what its axes are, in the order in which it is held."""
    held = builder.held[name]
    return Value(held.code, tuple(axes[at] for at in held.order), builder.program.tensors[name].dtype)


def _coefficient(builder: Builder, unit: LinearScan, places: Sequence[Index]) -> Value:
    layout = [places[at] if at >= 0 else _column(places[~at]) for at in unit.layout]
    return _held(builder, unit.coefficient or "", layout)


def _column(row: Index) -> Index:
    return Index(f"{row.name}'", row.size)


def _called(unit: LinearScan, coefficient: Code, term: Code) -> Call:
    """The kernel's call; settings that are the usual ones are left out."""
    settings = {"matrix": bool(unit.rows), "reverse": unit.scan.reverse, "fresh": unit.fresh}
    said = {key: Number(value) for key, value in settings.items() if value}
    said |= {"lag": Number(unit.lag)} if unit.lag > 1 else {}
    return call(_KERNELS[unit.kind], coefficient, term, **said)


def _running(unit: LinearScan, term: Value) -> Code:
    """A running sum, from the last position on where the recurrence goes backwards."""
    at = Number([index.name for index in term.axes].index(str(unit.axis)))
    turned = Method(term.code, "flip", (at,)) if unit.scan.reverse else term.code
    total = call("torch.cumsum", turned, at)
    return Method(total, "flip", (at,)) if unit.scan.reverse else total


def _broadcast(value: Value, target: Sequence[Index]) -> Code:
    """The value with an axis for each of the target, of size 1 where it has none."""
    code = permuted(value.code, value.axes, [index for index in target if index in value.axes])
    if len(value.axes) == len(target):
        return code
    parts = [ALL if index in value.axes else NEW_AXIS for index in target]
    last = max(at for at, part in enumerate(parts) if part is NEW_AXIS)
    return Subscript(code, tuple(parts[: last + 1]))


def _matrices(builder: Builder, unit: LinearScan, places: Sequence[Index], term: Value) -> tuple[Code, tuple[int, ...]]:
    """The call for matrices, and the axes of its result: position, those that matrices differ along, rows, others."""
    steady = unit.axis not in unit.layout
    batch = [at for at in range(len(places)) if at in unit.layout and at not in (*unit.rows, unit.axis)]
    rest = [at for at in range(len(places)) if at not in (*batch, *unit.rows, unit.axis)]
    rows, others = [places[at] for at in unit.rows], [places[at] for at in rest]
    apart = [[places[at]] for at in batch]
    matrices = [*([] if steady else [[places[unit.axis]]]), *apart, rows, [_column(row) for row in rows]]
    coefficient = grouped(_coefficient(builder, unit, places), matrices)
    groups = [[places[unit.axis]], *apart, rows, others]
    terms = grouped(term, groups)
    code: Code = _called(
        unit,
        method(coefficient, "unsqueeze", 0) if steady else coefficient,
        terms if others else method(terms, "unsqueeze", -1),
    )
    code = ungrouped(code if others else method(code, "squeeze", -1), groups)
    return code, (unit.axis, *batch, *unit.rows, *rest)
