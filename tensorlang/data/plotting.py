"""``plot``: a tensor of one or two axes, or a training curve, as a picture.

In: an array with its title and the names of its axes. Out: a PNG file. Drawn by matplotlib, which the extra
``plot`` brings, on a canvas of its own: no window, no global state.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorlang.data.files import Access
from tensorlang.data.reading import extension
from tensorlang.data.saving import as_array
from tensorlang.diagnostics import run_error
from tensorlang.source import Span

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from torch import Tensor

    from tensorlang.data.content import Array

# More points or pixels than a picture can show are gathered first: what is drawn stays small for any tensor.
_POINTS = 4000
_PIXELS = 2000


def plot(
    access: Access,
    path: str,
    title: str,
    array: Array | Tensor,
    labels: Sequence[str],
    curve: bool,
    span: Span | None = None,
) -> None:
    """Draw a line (one axis), a map in colours (two axes) or, with ``curve``, the loss over the course of training."""
    import numpy

    extension(path, {".png": None}, "draw", span)
    values = as_array(array)
    _check(title, values, span)
    try:
        from matplotlib.figure import Figure
    except ImportError:
        message = "a plot needs matplotlib, which is not installed"
        raise run_error("E0712", message, span, help=('pip install "tensorlang[plot]"',)) from None
    figure = Figure(figsize=(6.4, 4.8), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, parse_math=False)
    with numpy.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that the font lacks, and of axes without a finite value
        if values.ndim == 1:
            _line(axes, values.astype(numpy.float64), labels, curve)
        else:
            _map(axes, values.astype(numpy.float64), labels)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    with access.open_write(path, span) as handle:
        handle.write(picture.getbuffer())


def _check(title: str, values: Array, span: Span | None) -> None:
    if values.dtype.kind == "c":
        hint = "plot `abs(...)`, `real(...)` or `imag(...)` of it"
        raise run_error("E0724", f"`{title}` is complex and cannot be drawn", span, help=(hint,))
    if values.ndim not in (1, 2):
        found = "a single number" if values.ndim == 0 else f"a tensor of {values.ndim} axes"
        hint = "plot a part with one or two axes, such as `T[0,:,:]`"
        raise run_error("E0724", f"`{title}` is {found} and cannot be drawn", span, help=(hint,))
    if not values.size:
        raise run_error("E0724", f"`{title}` has no elements to draw", span)


def _line(axes: Axes, values: Array, labels: Sequence[str], curve: bool) -> None:
    import numpy

    places, heights = _envelope(values)
    axes.plot(places + curve, heights, marker="o" if values.size < 30 else "")
    _name(axes, labels[:1], labels[1:2])
    _whole_positions(axes.xaxis)
    axes.grid(alpha=0.3)
    finite = values[numpy.isfinite(values)]
    if curve and finite.size and finite.min() > 0 and finite.max() > 100 * finite.min():
        axes.set_yscale("log")


def _envelope(values: Array) -> tuple[Array, Array]:
    """A long line thinned to the lowest and the highest point of each stretch, so that no peak is lost."""
    import numpy

    if values.size <= 2 * _POINTS:
        return numpy.arange(values.size), values
    starts = numpy.linspace(0, values.size, _POINTS, endpoint=False).astype(int)
    low, high = numpy.minimum.reduceat(values, starts), numpy.maximum.reduceat(values, starts)
    return numpy.repeat(starts, 2), numpy.stack((low, high), axis=1).ravel()


def _name(axes: Axes, below: Sequence[str], beside: Sequence[str]) -> None:
    axes.set_xlabel("".join(below), parse_math=False)
    axes.set_ylabel("".join(beside), parse_math=False)


def _whole_positions(axis: Axis) -> None:
    """Marks at positions of the index, which are whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def _map(axes: Axes, values: Array, labels: Sequence[str]) -> None:
    height, width = values.shape
    image = axes.imshow(
        values[:: -(-height // _PIXELS), :: -(-width // _PIXELS)],
        aspect="auto" if max(values.shape) > 4 * min(values.shape) else "equal",
        interpolation="nearest",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
    axes.figure.colorbar(image, ax=axes)
    _whole_positions(axes.xaxis)
    _whole_positions(axes.yaxis)
    _name(axes, labels[1:2], labels[:1])
