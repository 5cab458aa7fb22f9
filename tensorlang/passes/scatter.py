"""Equations that write to computed positions: what falls on one element is joined by the aggregate.

In: equations with any integer expressions on the left. Out: the value over the tensor's axes, by one ``index_add`` or a
kernel of ``backends/kernels.py``. Axes that are written whole stay, the others are joined to one row number.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Code, Infix, Items, Method, Number, call, extent, method
from tensorlang.ir.domain import Size
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import Position, free_indices
from tensorlang.ir.program import Piece
from tensorlang.passes.masks import present
from tensorlang.passes.place import Target
from tensorlang.passes.ranges import inside
from tensorlang.passes.values import (
    Builder,
    Value,
    aligned,
    blank,
    cast,
    common_order,
    conjoined,
    expanded,
    grouped,
    literal,
    tensor_of,
    truth,
    ungrouped,
)
from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Rows:
    """Values to scatter: ``values`` [rows, whole axes...] go to ``positions`` [rows]; ``safe`` if all are inside."""

    values: Code
    positions: Code
    safe: bool


def scattered(pieces: Sequence[Piece], target: Target, builder: Builder, covered: bool = False) -> Value:
    """Equations written into a tensor of identities; ``covered`` writes True where they are present instead."""
    whole = _whole_axes(pieces, target) if len(pieces) == 1 else ()
    rows = [_rows(piece, target, whole, builder, covered) for piece in pieces]
    values, positions = rows[0].values, rows[0].positions
    if len(rows) > 1:
        values = call("torch.cat", Items(tuple(row.values for row in rows)))
        positions = call("torch.cat", Items(tuple(row.positions for row in rows)))
    hit = tuple(index for axis, index in enumerate(target.axes) if axis not in whole)
    kept = tuple(index for axis, index in enumerate(target.axes) if axis in whole)
    size = Size.of(1)
    for index in hit:
        size = size * index.size
    code: Code
    if target.aggregate == "sum" and all(row.safe for row in rows):
        shape = Items((extent(size), *(extent(index.size) for index in kept)))
        code = Method(blank(shape, target.dtype), "index_add", (Number(0), positions, values))
    else:
        code = call(f"scatter_{target.aggregate}", values, positions, extent(size))
    builder.known.setdefault(code, ((size, *(index.size for index in kept)), target.dtype))
    if not hit:
        code = method(code, "squeeze", 0)
    return builder.value(ungrouped(code, [hit, *((index,) for index in kept)]), (*hit, *kept), target.dtype)


def _whole_axes(pieces: Sequence[Piece], target: Target) -> tuple[int, ...]:
    """Axes that an equation writes at an index of their own, over their whole size."""
    (piece,) = pieces
    if target.aggregate == "mean" and presence(piece.value) is not None:
        return ()
    found = []
    for axis, (at, index) in enumerate(zip(piece.left, target.axes, strict=True)):
        others = [free_indices(other) for n, other in enumerate(piece.left) if n != axis]
        own = isinstance(at, Position) and at.index.size == index.size
        if own and isinstance(at, Position) and not any(at.index in used for used in others):
            found.append(axis)
    return tuple(found)


def _rows(piece: Piece, target: Target, whole: Sequence[int], builder: Builder, covered: bool) -> Rows:
    """The values of an equation in rows, and where each goes; an absent row goes to -1, which is outside."""
    across = [at.index for axis, at in enumerate(piece.left) if axis in whole and isinstance(at, Position)]
    along = [index for index in piece.indices if index not in across]
    mask, arg = present(piece.value, builder, piece.indices)
    value = literal(True) if covered else builder.lower(arg, builder, (*along, *across))
    value = truth(value) if target.dtype == "bool" else cast(value, target.dtype)
    position, safe = _position(piece, target, whole, builder)
    if mask is not None and not set(mask.axes) & set(across):
        position, safe = _dropped(position, [mask], builder), False
    elif mask is not None:
        order = common_order([tensor_of(value), mask], (*along, *across))
        code = call("torch.where", aligned(mask, order), aligned(tensor_of(value), order), target.identity)
        value = builder.value(code, order, target.dtype)
    value = expanded(builder, tensor_of(value), (*along, *across))
    position = expanded(builder, position, along)
    groups = [along, *((index,) for index in across)]
    values, places = grouped(value, groups), grouped(position, [along])
    if not along:
        values, places = method(values, "unsqueeze", 0), method(places, "unsqueeze", 0)
    return Rows(values, places, safe)


def _position(piece: Piece, target: Target, whole: Sequence[int], builder: Builder) -> tuple[Value, bool]:
    """The row number of each element of an equation (-1 where some axis is left), and whether all are proven inside."""
    total: Value | None = None
    checks: list[Value] = []
    written = [axis for axis in range(len(target.axes)) if axis not in whole]
    safe = True
    for axis in written:
        at, size = piece.left[axis], target.axes[axis].size
        place = cast(builder.lower(at, builder, piece.indices), "int")
        low, high = inside(at, size, builder.program.tensors)
        safe = safe and low and high
        if len(written) > 1:
            checks += _checks(place, size, low, high, builder)
        total = place if total is None else _next_axis(total, place, size, builder)
    joint = tensor_of(total or literal(0))
    return (_dropped(joint, checks, builder) if checks else joint), safe


def _checks(place: Value, size: Size, low: bool, high: bool, builder: Builder) -> list[Value]:
    if place.number:
        place = tensor_of(place)
    checks = [] if low else [builder.value(Infix(">=", place.code, Number(0)), place.axes, "bool")]
    return checks if high else [*checks, builder.value(Infix("<", place.code, extent(size)), place.axes, "bool")]


def _next_axis(total: Value, place: Value, size: Size, builder: Builder) -> Value:
    """Row numbers with one axis more."""
    scaled = Value(Infix("*", total.code, extent(size)), total.axes, "int", total.number)
    order = common_order([scaled, place])
    code = Infix("+", aligned(scaled, order), aligned(place, order))
    number = total.number and place.number
    return Value(code, (), "int", True) if number else builder.value(code, order, "int")


def _dropped(position: Value, masks: Sequence[Value], builder: Builder) -> Value:
    """Positions, -1 where a mask fails."""
    mask = conjoined(builder, masks, position.axes) if len(masks) > 1 else tensor_of(masks[0])
    order = common_order([position, mask], position.axes)
    code = call("torch.where", aligned(mask, order), aligned(position, order), Number(-1))
    return builder.value(code, order, "int")
