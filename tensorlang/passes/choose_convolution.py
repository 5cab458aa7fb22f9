"""Convolutions: a kernel times a read of sliding windows, summed over the window.

In: ``Contract((dx, c), (F[o,dx,c], X[b,x+dx,c]))`` with axes in any order, strides, dilations, shifts, groups. Out:
``conv1d``, ``conv2d`` or ``conv3d``; where windows leave the axis (a *same* convolution) it is padded by zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensorlang.ir.code import Call, Code, Items, Method, Number, extent, method
from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.nodes import Contract, Expr, Index, Position, Read, free_indices
from tensorlang.passes.lower_read import split
from tensorlang.passes.ranges import Linear, linear
from tensorlang.passes.values import Builder, Value, cast, expanded, permuted
from tensorlang.passes.windows import Window, ranged
from tensorlang.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Layout:
    """The roles of indices: of the batch, of groups, of channels in and out; one window for each axis of space."""

    batch: tuple[Index, ...]
    groups: tuple[Index, ...]
    inputs: tuple[Index, ...]
    outputs: tuple[Index, ...]
    windows: tuple[Window, ...]


def convolution(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """The rule of ``choose_kernels.py``."""
    if not isinstance(node, Contract) or len(node.factors) != 2 or dtype_of(node) not in ("float", "float64", "bf16"):
        return None
    for signal, kernel in (node.factors, node.factors[::-1]):
        if isinstance(signal, Read) and signal.tensor in builder.held:
            layout = _layout(signal, kernel, node.summed, wanted)
            if layout is not None:
                return _call(signal, kernel, layout, dtype_of(node), builder)
    return None


def _layout(signal: Read, kernel: Expr, summed: Sequence[Index], wanted: Sequence[Index]) -> Layout | None:
    windows = windows_of(signal, summed)
    if windows is None or not 1 <= len(windows) <= 3:
        return None
    moved = {window.outer for window in windows}
    inside = {window.inner for window in windows}
    of_kernel, plain = free_indices(kernel), _plain_indices(signal)
    if moved & of_kernel or not inside <= of_kernel or set(summed) - inside - (of_kernel & plain):
        return None
    inputs = tuple(index for index in summed if index not in inside)
    groups = (of_kernel & plain) - set(inputs)
    outputs = of_kernel - inside - plain
    batch = plain - of_kernel
    if batch & set(summed):
        return None

    def ordered(indices: frozenset[Index] | set[Index]) -> tuple[Index, ...]:
        known = [index for index in wanted if index in indices]
        return (*known, *sorted((i for i in indices if i not in known), key=lambda index: index.name))

    return Layout(ordered(batch), ordered(groups), inputs, ordered(outputs), windows)


def _plain_indices(signal: Read) -> frozenset[Index]:
    return frozenset(at.index for at in signal.at if isinstance(at, Position))


def windows_of(signal: Read, summed: Sequence[Index], blocks: bool = False) -> tuple[Window, ...] | None:
    """The axes of a read that slide over a summed index; None where another axis is not read plainly.

    Windows that touch without overlap (``blocks``) are no windows to a convolution: a split axis does as well.
    """
    windows: list[Window] = []
    used: list[Index] = []
    for axis, at in enumerate(signal.at):
        form = linear(at)
        if form is None or not form.terms:
            return None
        used += [index for index, _ in form.terms]
        if isinstance(at, Position) and at.index.size == signal.shape[axis]:
            continue
        window = _window(axis, form, summed, blocks)
        if window is None:
            return None
        windows.append(window)
    return tuple(windows) if len(set(used)) == len(used) else None


def _window(axis: int, form: Linear, summed: Sequence[Index], blocks: bool) -> Window | None:
    if len(form.terms) != 2 or (split(form) is not None and not blocks):
        return None
    (one, a), (two, b) = form.terms
    if one in summed:
        (one, a), (two, b) = (two, b), (one, a)
    if one in summed or two not in summed or a.constant is None or b.constant is None or a.constant <= 0:
        return None
    return Window(axis, one, two, a.constant, b.constant, form.offset)


# --- the call ----------------------------------------------------------------------------------------------------


def _call(signal: Read, kernel: Expr, layout: Layout, dtype: str, builder: Builder) -> Value:
    windows = tuple(replace(w, dilation=-w.dilation, offset=w.least) if w.dilation < 0 else w for w in layout.windows)
    value, padding = ranged(signal, windows, builder)
    space = tuple(window.outer for window in windows)
    source = _channels(cast(value, dtype), layout.batch, (*layout.groups, *layout.inputs), space)
    weight = builder.lower(kernel, builder, (*layout.groups, *layout.outputs, *layout.inputs))
    weights = _weights(cast(weight, dtype), layout, builder)
    keywords: dict[str, Code] = {}
    if any(window.stride != 1 for window in windows):
        keywords["stride"] = _each(window.stride for window in windows)
    if any(padding):
        keywords["padding"] = _each(padding)
    if any(window.dilation != 1 for window in windows):
        keywords["dilation"] = _each(window.dilation for window in windows)
    if layout.groups:
        keywords["groups"] = extent(_product(layout.groups))
    code: Code = Call(f"F.conv{len(windows)}d", (source, weights), tuple(keywords.items()))
    channels = (*layout.groups, *layout.outputs)
    result = builder.value(_split(code, layout.batch, channels), (*layout.batch, *channels, *space), dtype)
    inner = (*layout.inputs, *(window.inner for window in windows))
    builder.work[result.code] = tuple(index.size for index in (*result.axes, *inner))
    return result


def _each(numbers: Iterable[int]) -> Code:
    """One number for each axis of space; a single one where they agree."""
    found = list(numbers)
    return Number(found[0]) if len(set(found)) == 1 else Items(tuple(Number(number) for number in found))


def _product(indices: Sequence[Index]) -> Size:
    total = Size.of(1)
    for index in indices:
        total = total * index.size
    return total


def _flat(code: Code, axes: Sequence[Index], groups: Sequence[Sequence[Index]]) -> Code:
    """Axes put into groups; each group becomes one axis, an empty one an axis of size 1."""
    code = permuted(code, axes, [index for group in groups for index in group])
    for at, group in enumerate(groups):
        if not group:
            code = method(code, "unsqueeze", at)
        elif len(group) > 1:
            code = method(code, "flatten", at, at + len(group) - 1)
    return code


def _channels(value: Value, batch: Sequence[Index], channels: Sequence[Index], space: Sequence[Index]) -> Code:
    """[batch, channels, space...]; without a batch the call takes none."""
    groups: list[Sequence[Index]] = [channels, *((index,) for index in space)]
    return _flat(value.code, value.axes, [batch, *groups] if batch else groups)


def _weights(value: Value, layout: Layout, builder: Builder) -> Code:
    """[groups and channels out, channels in, window...], reversed where the window runs backwards.

    A kernel that is found to be 0 (it is read outside its axes) is a number, which has no axes yet.
    """
    inner = [window.inner for window in layout.windows]
    groups = [(*layout.groups, *layout.outputs), layout.inputs, *((index,) for index in inner)]
    full = expanded(builder, value, [index for group in groups for index in group])
    code = _flat(full.code, full.axes, groups)
    backwards = [at + 2 for at, window in enumerate(layout.windows) if window.dilation < 0]
    return Method(code, "flip", (Items(tuple(Number(dim) for dim in backwards)),)) if backwards else code


def _split(code: Code, batch: Sequence[Index], channels: Sequence[Index]) -> Code:
    """The result's axes apart again."""
    place = 1 if batch else 0
    if not channels:
        code = method(code, "squeeze", place)
    elif len(channels) > 1:
        code = Method(code, "unflatten", (Number(place), Items(tuple(extent(index.size) for index in channels))))
    if len(batch) > 1:
        code = Method(code, "unflatten", (Number(0), Items(tuple(extent(index.size) for index in batch))))
    return code
