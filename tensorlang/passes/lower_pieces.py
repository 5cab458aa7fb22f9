"""Several or partial equations of one tensor, laid into it: joined end to end, padded, reshaped, or scattered.

In: a Definition that is not one equation over whole axes. Out: the value of the whole tensor. Elements that no equation
defines hold the aggregate's identity (0 for a plain sum); special equations are laid over the general ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Code, Infix, Items, Number, call, extent
from tensorlang.ir.domain import Size
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import Index, free_indices
from tensorlang.ir.program import Definition, Piece, Tensor
from tensorlang.passes.choose_pairs import over_pairs
from tensorlang.passes.lower_reduce import filled
from tensorlang.passes.masks import present
from tensorlang.passes.place import Target, laid_out, placeable
from tensorlang.passes.ranges import Linear, linear, not_negative
from tensorlang.passes.scatter import scattered
from tensorlang.passes.values import (
    Builder,
    Value,
    aligned,
    cast,
    common_order,
    expanded,
    joint_axes,
    reordered,
    tensor_of,
    truth,
)
from tensorlang.records import replace

# What aggregates of numbers are on truth values.
_OF_TRUTH = {"sum": "any", "max": "any", "min": "all", "prod": "all"}


def assembled(definition: Definition, tensor: Tensor, builder: Builder) -> tuple[Value, tuple[int, ...]]:
    """The value of a tensor that several equations define, or one in part, and which of its axes each axis is."""
    axes = tuple(Index(f"{at}", size) for at, size in enumerate(tensor.shape))
    aggregate = _OF_TRUTH.get(definition.aggregate, definition.aggregate)
    target = Target(axes, aggregate if tensor.dtype == "bool" else definition.aggregate, tensor.dtype)
    general = [piece for piece in definition.pieces if not piece.special]
    special = [piece for piece in definition.pieces if piece.special]
    if len(special) == len(definition.pieces):
        general, special = special, []
    value = _joined(general, target, builder)
    if special:
        value = _overlaid(value, special, target, builder)
    value = expanded(builder, tensor_of(value), axes)
    return value, tuple(axes.index(index) for index in value.axes)


def _joined(pieces: Sequence[Piece], target: Target, builder: Builder) -> Value:
    """Equations of equal rank together: end to end where they tile one axis, else joined by the aggregate."""
    tiled = _concatenated(pieces, target, builder)
    if tiled is not None:
        return tiled
    if target.aggregate == "mean" and len(pieces) > 1:
        return scattered(pieces, target, builder)
    values = [_whole(piece, target, builder) for piece in pieces]
    value = values[0]
    for other in values[1:]:
        value = _combined(value, other, target, builder)
    return value


def _whole(piece: Piece, target: Target, builder: Builder) -> Value:
    """One equation as a value over all axes of the tensor."""
    if placeable(piece, target) and not (target.aggregate == "mean" and presence(piece.value)):
        return laid_out(piece_value(piece, target, builder), piece, target, builder)
    on_pairs = over_pairs(piece, target, builder)
    return scattered([piece], target, builder) if on_pairs is None else on_pairs


def piece_value(piece: Piece, target: Target, builder: Builder) -> Value:
    """The value of an equation over its indices; where it is absent, the aggregate's identity."""
    mask, arg = present(piece.value, builder, piece.indices)
    value = converted(builder.lower(arg, builder, piece.indices), target.dtype)
    value = expanded(builder, tensor_of(value), piece.indices)
    if mask is None:
        return value
    return filled(builder, value, mask, target.identity)


def converted(value: Value, dtype: str) -> Value:
    return truth(value) if dtype == "bool" else cast(value, dtype)


_JOINERS = {"sum": "+", "prod": "*", "any": "|", "all": "&"}
_JOINING_CALLS = {"max": "torch.maximum", "min": "torch.minimum", "logsumexp": "torch.logaddexp"}


def _combined(one: Value, two: Value, target: Target, builder: Builder) -> Value:
    order = common_order([one, two], target.axes)
    left, right = aligned(one, order), aligned(two, order)
    axes = joint_axes([one, two], order)
    if target.aggregate in _JOINERS:
        return builder.value(Infix(_JOINERS[target.aggregate], left, right), axes, target.dtype)
    return builder.value(call(_JOINING_CALLS[target.aggregate], left, right), axes, target.dtype)


# --- end to end --------------------------------------------------------------------------------------------------


def _concatenated(pieces: Sequence[Piece], target: Target, builder: Builder) -> Value | None:
    """Equations that differ in the range of one axis only, and together fill that axis: ``cat``."""
    if len(pieces) < 2 or not all(placeable(piece, target) for piece in pieces):
        return None
    forms = [[linear(at) for at in piece.left] for piece in pieces]
    for axis, index in enumerate(target.axes):
        ranges = [_range(form[axis]) for form in forms]
        others = all(_fills(form, target, axis) for form in forms)
        if others and all(ranges) and (order := _tiling([r for r in ranges if r is not None], index.size)):
            return _cat([pieces[at] for at in order], axis, target, builder)
    return None


def _range(form: Linear | None) -> tuple[Size, Size] | None:
    """The first position and the length of what an equation fills of an axis, without gaps."""
    if form is None:
        return None
    span = form.span()
    count = Size.of(1)
    for index, _ in form.terms:
        count = count * index.size
    return (span[0], count) if span is not None and span[1] - span[0] + 1 == count else None


def _fills(form: Sequence[Linear | None], target: Target, axis: int) -> bool:
    return all(
        _range(other) == (Size.of(0), index.size)
        for at, (other, index) in enumerate(zip(form, target.axes, strict=True))
        if at != axis
    )


def _tiling(ranges: list[tuple[Size, Size]], size: Size) -> list[int] | None:
    """The order in which ranges fill an axis end to end, if they do."""
    order: list[int] = []
    at = Size.of(0)
    while len(order) < len(ranges):
        following = [n for n, (start, _) in enumerate(ranges) if start == at and n not in order]
        if not following:
            return None
        order.append(following[0])
        at = at + ranges[following[0]][1]
    return order if at == size else None


def _cat(pieces: Sequence[Piece], axis: int, target: Target, builder: Builder) -> Value:
    axes = target.axes
    parts: list[Code] = []
    for piece in pieces:
        form = linear(piece.left[axis])
        found = _range(form)
        assert found is not None, "a tile has a range"
        own = Index(f"{axis}", found[1])
        shifted = replace(target, axes=(*axes[:axis], own, *axes[axis + 1 :]), offset=(axis, found[0]))
        value = laid_out(piece_value(piece, target, builder), piece, shifted, builder)
        parts.append(reordered(value, shifted.axes).code)
    return builder.value(call("torch.cat", Items(tuple(parts)), Number(axis)), axes, target.dtype)


# --- special equations -------------------------------------------------------------------------------------------


def _overlaid(base: Value, pieces: Sequence[Piece], target: Target, builder: Builder) -> Value:
    """Special equations laid over a value: by ``select_scatter`` where they name one position, else by a mask."""
    apart = all(_one_position(piece, target) for piece in pieces) and _distinct(pieces)
    if apart:
        for piece in pieces:
            base = _selected(base, piece, target, builder)
        return base
    overlay = _joined(pieces, target, builder)
    mask = scattered(pieces, replace(target, aggregate="any", dtype="bool"), builder, covered=True)
    base = expanded(builder, tensor_of(base), target.axes)
    order = common_order([base, overlay, mask], target.axes)
    code = call("torch.where", aligned(mask, order), aligned(overlay, order), aligned(base, order))
    return builder.value(code, order, target.dtype)


def _one_position(piece: Piece, target: Target) -> int | None:
    """The axis of a piece that is a number inside it, when all others are whole axes; 1 more, so that it is true."""
    if presence(piece.value) is not None:
        return None
    fixed = [axis for axis, at in enumerate(piece.left) if not free_indices(at)]
    if len(fixed) != 1:
        return None
    axis = fixed[0]
    form = linear(piece.left[axis])
    rest = [linear(at) for n, at in enumerate(piece.left) if n != axis]
    sizes = [index.size for n, index in enumerate(target.axes) if n != axis]
    whole = all(f is not None and f.terms == ((f.terms[0][0], Size.of(1)),) for f in rest if f is None or f.terms)
    if form is None or not whole or any(f is None or not f.terms for f in rest):
        return None
    known = [f for f in rest if f is not None]
    plain = all(f.offset == Size.of(0) and f.terms[0][0].size == s for f, s in zip(known, sizes, strict=True))
    distinct = len({f.terms[0][0] for f in known}) == len(rest)
    within = not_negative(form.offset) and not_negative(target.axes[axis].size - 1 - form.offset)
    return axis + 1 if plain and distinct and within else None


def _distinct(pieces: Sequence[Piece]) -> bool:
    """Whether no two special equations name the same position."""
    places = [tuple(linear(at) for at in piece.left if not free_indices(at)) for piece in pieces]
    axes = [[n for n, at in enumerate(piece.left) if not free_indices(at)] for piece in pieces]
    return all(
        axes[a] == axes[b] and places[a] != places[b] and _differ(places[a], places[b])
        for a in range(len(pieces))
        for b in range(a)
    )


def _differ(one: tuple[Linear | None, ...], two: tuple[Linear | None, ...]) -> bool:
    """Whether two positions are proven to be different."""
    for a, b in zip(one, two, strict=True):
        if a is not None and b is not None:
            gap = a.offset - b.offset
            if not_negative(gap - 1) or not_negative(-gap - 1):
                return True
    return False


def _selected(base: Value, piece: Piece, target: Target, builder: Builder) -> Value:
    found = _one_position(piece, target)
    assert found is not None, "a selected position is one position"
    axis = found - 1
    form = linear(piece.left[axis])
    assert form is not None, "a selected position is a number"
    names = {f.terms[0][0]: index for f, index in _named(piece, target, axis)}
    value = piece_value(piece, target, builder)
    value = Value(value.code, tuple(names[index] for index in value.axes), value.dtype)
    base = expanded(builder, tensor_of(base), target.axes)
    kept = [index for index in base.axes if index != target.axes[axis]]
    code = call(
        "torch.select_scatter", base.code, reordered(value, kept).code,
        Number(base.axes.index(target.axes[axis])), extent(form.offset),
    )  # fmt: skip
    return builder.value(code, base.axes, target.dtype)


def _named(piece: Piece, target: Target, axis: int) -> list[tuple[Linear, Index]]:
    pairs = []
    for n, (at, index) in enumerate(zip(piece.left, target.axes, strict=True)):
        form = linear(at)
        if n != axis and form is not None:
            pairs.append((form, index))
    return pairs
