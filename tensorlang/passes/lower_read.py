"""Reads of tensors at index expressions: views where the access is regular, else padding or gathering.

In: a Read node. Out: a value. Order of preference: the axis as it is; a slice, a split axis, a window (all views);
a pad and then those; ``index_select``, ``embedding``, ``gather``; last, advanced indexing with a mask for what may lie
outside. Elements outside an axis are 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from tensorlang.ir.code import (
    ALL,
    Code,
    Infix,
    Items,
    Method,
    Number,
    Slice,
    Subscript,
    call,
    extent,
    method,
)
from tensorlang.ir.domain import Size
from tensorlang.ir.facts import is_floating
from tensorlang.ir.nodes import Apply, Const, Expr, Index, Position, Read, free_indices
from tensorlang.passes.ranges import Linear, inside, linear, not_negative, outside
from tensorlang.passes.structured import structured
from tensorlang.passes.values import (
    Builder,
    Value,
    aligned,
    blank,
    cast,
    common_order,
    conjoined,
    permuted,
    tensor_of,
)
from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """A tensor on its way: each axis is an index already, or the number of an axis of the tensor still to be read."""

    code: Code
    axes: tuple[Index | int, ...]

    def at(self, axis: int) -> int:
        return self.axes.index(axis)

    def with_axis(self, code: Code, axis: int, *new: Index | int) -> View:
        """The axis replaced by others in its place."""
        place = self.at(axis)
        return View(code, (*self.axes[:place], *new, *self.axes[place + 1 :]))


def read(node: Read, builder: Builder) -> Value:
    """The tensor at its index expressions."""
    tensors = builder.program.tensors
    held = builder.held.get(node.tensor)
    if held is None:
        return structured(node, builder)
    whole = [at.index for at, size in zip(node.at, node.shape, strict=True) if _plain(at, size)]
    if len(whole) == len(node.at) == len(set(whole)):
        return Value(held.code, tuple(whole[axis] for axis in held.order), node.dtype)
    if any(outside(at, size, tensors) for at, size in zip(node.at, node.shape, strict=True)):
        return Value(Number(0.0 if is_floating(node.dtype) else 0), (), node.dtype, True)
    view = View(held.code, held.order)
    node, repeated = _blocks(node)
    gathered = _gathered(node, builder)
    regular = {axis: form for axis in range(len(node.at)) if axis not in gathered and (form := linear(node.at[axis]))}
    view = _selected(view, regular)
    view = _padded(view, {axis: _reach(form) for axis, form in regular.items() if form.terms}, node.shape)
    for axis, form in regular.items():
        if axis in view.axes:
            view = _viewed(view, axis, form, node.shape[axis])
    view = _diagonals(_repeated(view, repeated))
    if gathered:
        return _gather(view, gathered, node, builder)
    axes = tuple(index for index in view.axes if isinstance(index, Index))
    return Value(view.code, axes, node.dtype)


# --- blocks --------------------------------------------------------------------------------------------------------


def _blocks(node: Read) -> tuple[Read, dict[Index, tuple[Index, int]]]:
    """The node with each ``x/c`` (x standing nowhere else) as an index of blocks; with x and c for each of them."""
    found: dict[Index, tuple[Index, int]] = {}
    places = list(node.at)
    for axis, at in enumerate(node.at):
        match at:
            case Apply(op="floordiv", args=(Position(index=index), Const(value=int(count)))) if count > 1:
                if not any(index in free_indices(other) for n, other in enumerate(node.at) if n != axis):
                    block = Index(f"{index.name} in blocks", (index.size + count - 1) // count)
                    found[block] = (index, count)
                    places[axis] = Position(block)
    return (Read(node.tensor, tuple(places), node.shape, node.dtype), found) if found else (node, found)


def _repeated(view: View, blocks: Mapping[Index, tuple[Index, int]]) -> View:
    """Each element of an axis of blocks ``c`` times, as the axis of x."""
    for block, (index, count) in blocks.items():
        place = view.axes.index(block)
        code: Code = method(view.code, "repeat_interleave", count, place)
        if block.size * count != index.size:
            code = sliced(code, place, Slice(None, extent(index.size), 1))
        view = View(code, (*view.axes[:place], index, *view.axes[place + 1 :]))
    return view


# --- regular accesses --------------------------------------------------------------------------------------------


def is_regular(form: Linear | None, size: Size) -> bool:
    """Whether an access is a view of the padded axis: a number, or indices with usable coefficients."""
    if form is None:
        return False
    if not form.terms:
        return not_negative(form.offset) and not_negative(size - 1 - form.offset)
    if split(form) is not None:
        return True
    strides = [coefficient.constant for _, coefficient in form.terms]
    if len(strides) == 1:
        return strides[0] is not None
    return all(stride is not None and stride > 0 for stride in strides)


def split(form: Linear) -> tuple[Index, ...] | None:
    """The indices of a mixed-radix access ``(h d)``: each coefficient is the product of the sizes of those after it."""
    if len(form.terms) < 2:
        return None
    left = dict(form.terms)
    found: list[Index] = []
    stride = Size.of(1)
    while left:
        index = next((index for index, coefficient in left.items() if coefficient == stride), None)
        if index is None:
            return None
        found.insert(0, index)
        stride = stride * index.size
        del left[index]
    return tuple(found)


def _selected(view: View, regular: dict[int, Linear]) -> View:
    """Axes that are read at a number are dropped."""
    for axis, form in regular.items():
        if not form.terms:
            place = view.at(axis)
            if place == 0:
                code: Code = Subscript(view.code, (extent(form.offset),))
            else:
                code = method(view.code, "select", place, extent(form.offset))
            view = view.with_axis(code, axis)
    return view


def _reach(form: Linear) -> tuple[Size, Size]:
    span = form.span()
    assert span is not None, "a regular access has a known span"
    return span


def _padded(view: View, spans: Mapping[int, tuple[Size, Size]], shape: Sequence[Size]) -> View:
    """One pad for all axes that are read outside."""
    needed: dict[int, tuple[Code, Code]] = {}
    for axis, (low, high) in spans.items():
        before, after = _at_least_zero(-low), _at_least_zero(high - shape[axis] + 1)
        if (before, after) != (Number(0), Number(0)):
            needed[view.at(axis)] = (before, after)
    if not needed:
        return view
    amounts: list[Code] = []
    for place in range(len(view.axes) - 1, min(needed) - 1, -1):
        amounts.extend(needed.get(place, (Number(0), Number(0))))
    return View(call("F.pad", view.code, Items(tuple(amounts))), view.axes)


def reached(view: View, spans: Mapping[int, tuple[Size, Size]], shape: Sequence[Size]) -> View:
    """Axes padded and cut to just the positions from the first to the last that are read."""
    view = _padded(view, spans, shape)
    for axis, span in spans.items():
        view = View(_cut(view, axis, span, shape[axis], 1), view.axes)
    return view


def _pad(size: Size) -> Size | None:
    """How much to pad: nothing where the size is proven not to be positive; None where its sign is unknown."""
    if not_negative(-size):
        return Size.of(0)
    return size if not_negative(size) else None


def _at_least_zero(size: Size) -> Code:
    known = _pad(size)
    return call("max", Number(0), extent(size)) if known is None else extent(known)


def _cut(view: View, axis: int, span: tuple[Size, Size], size: Size, step: int) -> Code:
    """The positions of an axis, padded already, that are read: every ``step``-th of those in the span."""
    low, high = span
    before, after, start = _pad(-low), _pad(high - size + 1), _pad(low)
    count = high - low + 1
    # With a pad before it, the first element that is read comes to stand at 0.
    whole = before is not None and after is not None and start == Size.of(0) and count == before + size + after
    if whole and step == 1:
        return view.code
    return _slice(view, axis, _at_least_zero(low), start, count, step)


def _viewed(view: View, axis: int, form: Linear, size: Size) -> View:
    """An axis, padded already, as the axes of its indices."""
    span = _reach(form)
    indices = split(form)
    if indices is not None:
        code = _cut(view, axis, span, size, 1)
        sizes = Items(tuple(extent(index.size) for index in indices))
        return view.with_axis(Method(code, "unflatten", (Number(view.at(axis)), sizes)), axis, *indices)
    if len(form.terms) == 1:
        index, coefficient = form.terms[0]
        stride = coefficient.constant or 1
        code = _cut(view, axis, span, size, abs(stride))
        if stride < 0:
            code = Method(code, "flip", (Items((Number(view.at(axis)),)),))
        return view.with_axis(code, axis, index)
    return _windows(View(_cut(view, axis, span, size, 1), view.axes), axis, form)


def _slice(view: View, axis: int, first: Code, start: Size | None, count: Size, step: int) -> Code:
    """``count`` elements from ``first`` on, every ``step``-th."""
    stop = extent(start + count) if start is not None else Infix("+", first, extent(count))
    begin = None if first == Number(0) else first
    return sliced(view.code, view.at(axis), Slice(begin, stop, step))


def sliced(code: Code, place: int, part: Slice) -> Code:
    """A slice of one axis; slices of several axes share one subscript."""
    if isinstance(code, Subscript) and len(code.parts) <= place and all(isinstance(p, Slice) for p in code.parts):
        return Subscript(code.receiver, (*code.parts, *(ALL,) * (place - len(code.parts)), part))
    return Subscript(code, (*(ALL,) * place, part))


def _windows(view: View, axis: int, form: Linear) -> View:
    """Sliding windows: the first index moves the window, the others move inside it."""
    (index, coefficient), *others = sorted(form.terms, key=lambda term: -term[0].size.estimate({}))
    reach = Size.of(0)
    for other, step in others:
        reach = reach + step * (other.size - 1)
    place = view.at(axis)
    code = method(view.code, "unfold", place, extent(reach + 1), extent(coefficient))
    # The window is the last axis now; it is read by the other indices.
    inner = View(code, (*view.with_axis(code, axis, index).axes, axis))
    rest = Linear(tuple(others), Size.of(0))
    return _viewed(inner, axis, rest, reach + 1)


def _diagonals(view: View) -> View:
    """An index that stands for two axes takes their diagonal, which becomes the last axis."""
    axes = list(view.axes)
    code = view.code
    for index in dict.fromkeys(view.axes):
        while axes.count(index) > 1:
            first = axes.index(index)
            second = axes.index(index, first + 1)
            code = method(code, "diagonal", 0, first, second)
            axes = [axis for at, axis in enumerate(axes) if at not in (first, second)] + [index]
    return View(code, tuple(axes))


# --- gathers -----------------------------------------------------------------------------------------------------


def _gathered(node: Read, builder: Builder) -> tuple[int, ...]:
    """The axes that need index tensors, and those that share an index with one."""
    forms = [linear(at) for at in node.at]
    chosen = [axis for axis, form in enumerate(forms) if not is_regular(form, node.shape[axis])]
    used = {index for axis in chosen for index in free_indices(node.at[axis])}
    while True:
        more = [a for a in range(len(forms)) if a not in chosen and free_indices(node.at[a]) & used]
        if not more:
            return tuple(sorted(chosen))
        chosen += more
        used |= {index for axis in more for index in free_indices(node.at[axis])}


def _gather(view: View, gathered: Sequence[int], node: Read, builder: Builder) -> Value:
    """Advanced indexing on the axes ``gathered``; where an index may lie outside, it is clamped and masked."""
    places: dict[int, Value] = {}
    masks: list[Value] = []
    fast = _along_one_axis(view, gathered, node, builder)
    if fast is not None:
        return fast
    for axis in gathered:
        place, checks = position(node.at[axis], node.shape[axis], builder)
        places[axis] = place
        masks += checks
    value = _indexed(view, gathered, places, node, builder)
    if not masks:
        return value
    mask = conjoined(builder, masks, value.axes) if len(masks) > 1 else masks[0]
    order = common_order([value, mask], value.axes)
    zero = Number(0.0 if is_floating(node.dtype) else 0)
    if node.dtype == "bool":
        return conjoined(builder, [value, mask], value.axes)
    code = call("torch.where", aligned(mask, order), aligned(value, order), zero)
    return builder.value(code, order, node.dtype)


def position(at: Expr, size: Size, builder: Builder) -> tuple[Value, list[Value]]:
    """An index expression as an integer tensor inside its axis, and the conditions under which it was inside."""
    place = cast(builder.lower(at, builder, ()), "int")
    if place.number:
        place = tensor_of(place)
    low_known, high_known = inside(at, size, builder.program.tensors)
    if low_known and high_known:
        return place, []
    place = builder.name(place, f"{builder.wish}_at")
    checks = []
    if not low_known:
        checks.append(builder.value(Infix(">=", place.code, Number(0)), place.axes, "bool"))
    if not high_known:
        checks.append(builder.value(Infix("<", place.code, extent(size)), place.axes, "bool"))
    clamped = method(place.code, "clamp", 0, extent(size - 1))
    return builder.value(clamped, place.axes, "int"), checks


def _indexed(view: View, gathered: Sequence[int], places: dict[int, Value], node: Read, builder: Builder) -> Value:
    axes = view.axes
    code = view.code
    dims = sorted(view.at(axis) for axis in gathered)
    order = common_order([places[axis] for axis in gathered])
    if len(gathered) == 1:
        place, dim = places[gathered[0]], dims[0]
        new = (*axes[:dim], *place.axes, *axes[dim + 1 :])
        if dim == 0 and len(axes) == 2 and is_floating(node.dtype) and node.dtype != "complex" and place.axes:
            code = call("F.embedding", place.code, code)
        elif len(place.axes) == 1:
            code = method(code, "index_select", dim, place.code)
        else:
            code = Subscript(code, (*(ALL,) * dim, place.code))
        return builder.value(code, _indices(new), node.dtype)
    if dims != list(range(dims[0], dims[-1] + 1)):
        front = [axis for axis in axes if axis in gathered]
        back = [axis for axis in axes if axis not in gathered]
        code = method(code, "permute", *(axes.index(axis) for axis in (*front, *back)))
        axes, dims = (*front, *back), list(range(len(front)))
    indices = tuple(aligned(places[axis], order) for axis in axes if isinstance(axis, int) and axis in places)
    code = Subscript(code, (*(ALL,) * dims[0], *indices))
    return builder.value(code, _indices((*axes[: dims[0]], *order, *axes[dims[-1] + 1 :])), node.dtype)


def _indices(axes: Sequence[Index | int]) -> tuple[Index, ...]:
    return tuple(axis for axis in axes if isinstance(axis, Index))


def _along_one_axis(view: View, gathered: Sequence[int], node: Read, builder: Builder) -> Value | None:
    """``P[n, T[n]]``: all axes but one are read at their own indices, which the index tensor has too: ``gather``."""
    if len(gathered) < 2 or len(view.axes) != len(gathered):
        return None
    others = [axis for axis in gathered if _plain(node.at[axis], node.shape[axis])]
    rest = [axis for axis in gathered if axis not in others]
    if len(rest) != 1:
        return None
    at = rest[0]
    indices = [index for axis in others for index in free_indices(node.at[axis])]
    if free_indices(node.at[at]) != set(indices) or len(set(indices)) != len(indices):
        return None
    place, checks = position(node.at[at], node.shape[at], builder)
    if checks:
        return None
    named = {axis: index for axis in others for index in free_indices(node.at[axis])}
    axes = [named.get(axis, axis) for axis in view.axes if isinstance(axis, int)]
    dim = axes.index(at)
    order = [axis for axis in axes if isinstance(axis, Index)]
    index = method(permuted(place.code, place.axes, order), "unsqueeze", dim)
    code = method(Method(view.code, "gather", (Number(dim), index)), "squeeze", dim)
    return builder.value(code, order, node.dtype)


def _plain(at: Expr, size: Size) -> TypeGuard[Position]:
    return isinstance(at, Position) and at.index.size == size


def zeros(builder: Builder, axes: Sequence[Index], dtype: str) -> Value:
    """A tensor of zeros."""
    sizes = Items(tuple(extent(index.size) for index in axes))
    return builder.value(blank(sizes, dtype), axes, dtype)
