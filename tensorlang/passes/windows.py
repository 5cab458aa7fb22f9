"""Reads of sliding windows, cut or padded so that library kernels (convolution, pooling) slide just over them.

In: a Read and the windows on its axes. Out: the tensor with each such axis holding exactly what windows reach, under
the name of the index that moves the window; and how much of a symmetric pad the kernel can do itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import Index, Position, Read
from tensorlang.passes.lower_read import View, reached
from tensorlang.passes.values import Builder, Value
from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Axis ``axis`` is read at ``stride * outer + dilation * inner + offset``."""

    axis: int
    outer: Index
    inner: Index
    stride: int
    dilation: int
    offset: Size

    @property
    def least(self) -> Size:
        """The first position that is read."""
        return self.offset + (self.inner.size - 1) * self.dilation if self.dilation < 0 else self.offset

    @property
    def most(self) -> Size:
        """The last position that is read."""
        reach = (self.inner.size - 1) * abs(self.dilation)
        return self.least + (self.outer.size - 1) * self.stride + reach


def ranged(signal: Read, windows: Sequence[Window], builder: Builder) -> tuple[Value, list[int]]:
    """The tensor with its windowed axes in range, and the padding that is left to the kernel for each window."""
    held = builder.held[signal.tensor]
    paddings = [_padding(window, signal.shape[window.axis]) for window in windows]
    view = View(held.code, held.order)
    if None in paddings:
        paddings = []
        view = reached(view, {window.axis: (window.least, window.most) for window in windows}, signal.shape)
    names = {window.axis: window.outer for window in windows}
    for axis, at in enumerate(signal.at):
        index = names[axis] if axis in names else at.index if isinstance(at, Position) else None
        assert index is not None, "an axis beside the windows is read plainly"
        view = view.with_axis(view.code, axis, index)
    axes = tuple(index for index in view.axes if isinstance(index, Index))
    known = [padding for padding in paddings if padding is not None]
    return Value(view.code, axes, signal.dtype), known or [0] * len(windows)


def _padding(window: Window, size: Size) -> int | None:
    """The same pad on both sides by which the kernel gets the windows it should, if a number is one."""
    before = (-window.least).constant
    after = (window.most - size + 1 + window.least).constant
    if before is None or after is None or before < 0:
        return None
    # The kernel may see up to stride-1 elements more than the last window needs.
    return before if -window.stride < after <= 0 else None
