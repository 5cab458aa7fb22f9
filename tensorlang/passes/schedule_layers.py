"""Recurrent layers in a plan: one call of a kernel, and what it returns.

In: a ``Layer`` and the builder of the plan it stands in. Out: a step that holds the tensor of the layer, its axis of
time in front.
"""

from __future__ import annotations

from tensorlang.ir.code import Code, Items, Method, Number, Ref, call, extent, method
from tensorlang.ir.nodes import Index
from tensorlang.ir.recursion import Layer
from tensorlang.passes.schedule_loops import Logical, note_of
from tensorlang.passes.values import Builder, Held


def add_layer(builder: Builder, layer: Layer, logical: Logical) -> None:
    """The step that calls the kernel; the axes in front of time and units are one for it."""
    tensor = builder.program.tensors[layer.tensor]
    time = layer.scan.axis(layer.tensor)
    assert time is not None, f"{layer.tensor} is not of its own recurrence"
    batch = [at for at in range(len(tensor.axes)) if at not in (time, layer.unit)]
    x, *weights = (_joined([logical(builder.program.tensors[name]) for name in names]) for names in layer.operands)
    if len(batch) != 1:
        x = method(x, "flatten", 1, len(batch)) if batch else method(x, "unsqueeze", 1)
    first = Items((Number(0),))
    code: Code = call(f"{layer.kind}_layer", Method(x, "flip", (first,)) if layer.scan.reverse else x, *weights)
    code = Method(code, "flip", (first,)) if layer.scan.reverse else code
    if len(batch) != 1:
        sizes = Items(tuple(extent(tensor.shape[at]) for at in batch))
        code = Method(code, "unflatten", (Number(1), sizes)) if batch else method(code, "squeeze", 1)
    order = (time, *batch, layer.unit)
    axes = [Index(tensor.axes[at].label, tensor.axes[at].size) for at in order]
    builder.span, builder.note = layer.scan.definitions[0].pieces[0].span, note_of(layer.scan.definitions)
    name = builder.names.fresh(tensor.name)
    builder.step(name, code, tensor.name, axes, order, tensor.dtype)
    builder.held[tensor.name] = Held(Ref(name), order)


def _joined(parts: list[Code]) -> Code:
    """What a kernel takes, the gates in front."""
    return parts[0] if len(parts) == 1 else call("torch.stack", Items(tuple(parts)))
