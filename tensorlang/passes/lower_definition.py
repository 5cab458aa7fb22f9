"""Definitions to steps: one equation over whole axes is its value; several, or partial ones, are laid into one tensor.

In: a Definition. Out: a step (or a few) whose slot holds the tensor, physical axes in the order that the value came in.
"""

from __future__ import annotations

from tensorlang.ir.code import Ref
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import Index, Position
from tensorlang.ir.program import Definition, Piece, Tensor
from tensorlang.ops import REDUCTIONS
from tensorlang.passes.lower import cut
from tensorlang.passes.lower_pieces import assembled
from tensorlang.passes.lower_reduce import fill_code, filled
from tensorlang.passes.masks import present
from tensorlang.passes.values import Builder, Held, Value, cast, expanded, tensor_of, truth


def define(definition: Definition, name: str, builder: Builder) -> None:
    """Plan the steps of a definition and remember where its tensor is held."""
    tensor = builder.program.tensors[definition.tensor]
    for piece in definition.pieces:
        cut(piece.value, builder)
    if _whole(definition, tensor):
        piece = definition.pieces[0]
        axes = tuple(e.index for e in piece.left if isinstance(e, Position))
        value = _value(piece, definition.aggregate, tensor.dtype, builder)
        value = expanded(builder, tensor_of(value), axes)
        _hold(value, axes, name, tensor, builder)
    else:
        value, order = assembled(definition, tensor, builder)
        builder.step(name, value.code, tensor.name, value.axes, order, tensor.dtype)
        builder.held[tensor.name] = Held(Ref(name), order)


def _value(piece: Piece, aggregate: str, dtype: str, builder: Builder) -> Value:
    """The value of an equation; where it is absent it defines nothing, and the aggregate's identity is left."""
    record = REDUCTIONS[aggregate]
    if presence(piece.value) is None or record.fill in (None, "0", "False"):
        value = builder.lower(piece.value, builder, piece.indices)
        return truth(value) if dtype == "bool" else cast(value, dtype)
    mask, arg = present(piece.value, builder, piece.indices)
    value = cast(builder.lower(arg, builder, piece.indices), dtype)
    return value if mask is None else filled(builder, value, mask, fill_code(record.fill or "0", dtype))


def _whole(definition: Definition, tensor: Tensor) -> bool:
    """One equation whose left side is distinct indices over the whole axes."""
    if not definition.direct:
        return False
    piece: Piece = definition.pieces[0]
    return all(
        isinstance(at, Position) and at.index.size == size for at, size in zip(piece.left, tensor.shape, strict=True)
    )


def _hold(value: Value, axes: tuple[Index, ...], name: str, tensor: Tensor, builder: Builder) -> None:
    order = tuple(axes.index(index) for index in value.axes)
    builder.step(name, value.code, tensor.name, value.axes, order, tensor.dtype)
    builder.held[tensor.name] = Held(Ref(name), order)
