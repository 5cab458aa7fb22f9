"""Values as text: what a query prints.

In: a ``Value`` (a tensor of any device, or an array, with the labels of its axes). Out: ``Accuracy = 0.972`` for a
scalar, an aligned table headed by index positions for vectors and matrices, slices for more axes, and for what is too
big a summary (least, mean, largest) with the corners. ``as_data`` gives the same as plain data for ``--json``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from tensorlang.extracts import (
    EDGE,
    GAP,
    WHOLE,
    cells_of,
    number_of,
    plain,
    positions_shown,
    shape_of,
    size_of,
    summary,
    titled,
)
from tensorlang.numerals import scalar
from tensorlang.report import Value

SLICES = 12  # matrices shown of a tensor with more than two axes
ROWS = 40  # rows of a matrix shown whole


def show(value: Value, width: int = 100) -> str:
    """The text of a value; several lines where it has axes."""
    head = heading(value)
    if value.data is None:
        waits = ", ".join(f"`{name}`" for name in value.missing)
        return f"{head}  waits for {waits}" if waits else head
    data = plain(value.data)
    if not shape_of(data):
        return f"{value.title} = {scalar(number_of(data), value.dtype)}"
    lines = [head, *summary(data, value.dtype)] if size_of(data) > WHOLE else [head]
    if size_of(data):
        lines += _body(data, list(value.axes), value.dtype, width)
    return "\n".join(lines)


def heading(value: Value) -> str:
    """``Y[i,j]  2 x 3``, with the element type where it is not the usual one."""
    title = titled(value.title, value.axes)
    several = len(value.sizes) > 1
    sizes = " x ".join(f"({size})" if several and " " in str(size) else str(size) for size in value.sizes)
    return "  ".join(part for part in (title, sizes, value.dtype if value.dtype != "float" else "") if part)


def as_data(value: Value) -> dict[str, object]:
    """A value as plain data; numbers that JSON lacks are the words ``NaN``, ``Infinity``, ``-Infinity``."""
    given: dict[str, object] = {
        "name": value.name,
        "title": value.title,
        "axes": list(value.axes),
        "shape": list(value.sizes),
        "dtype": value.dtype,
    }
    if value.data is None:
        return given | {"waits_for": list(value.missing)}
    data = plain(value.data)
    return given | {"data": json_number(data.tolist() if hasattr(data, "tolist") else data)}


def json_number(item: Any) -> object:
    """Numbers and nested lists of them, as JSON has them; a complex number is a pair."""
    if isinstance(item, list):
        return [json_number(part) for part in item]
    if isinstance(item, complex):
        return [json_number(item.real), json_number(item.imag)]
    if isinstance(item, float) and not math.isfinite(item):
        return "NaN" if math.isnan(item) else "Infinity" if item > 0 else "-Infinity"
    return item


# --- tables ------------------------------------------------------------------------------------------------------


def _body(data: Any, axes: list[str], dtype: str, width: int) -> list[str]:
    shape = shape_of(data)
    if len(shape) == 1:
        return _vector(data, axes[0], dtype, width)
    if len(shape) == 2:
        return _matrix(data, axes, dtype, width, whole=size_of(data) <= WHOLE)
    outer = list(itertools.product(*(range(n) for n in shape[:-2])))
    shown = outer[:SLICES] if size_of(data) <= WHOLE else outer[:1]
    lines: list[str] = []
    for at in shown:
        lines.append("  " + ", ".join(f"{axis} = {k}" for axis, k in zip(axes, at, strict=False)))
        lines += _matrix(data[at], axes[-2:], dtype, width, whole=size_of(data) <= WHOLE)
    if len(shown) < len(outer):
        lines.append(f"  {GAP} and {len(outer) - len(shown)} more of these")
    return lines


def _matrix(data: Any, axes: Sequence[str], dtype: str, width: int, whole: bool) -> list[str]:
    """A table; as many columns as the width takes, from both ends."""
    height, breadth = shape_of(data)
    rows = positions_shown(height, None if whole and height <= ROWS else EDGE)
    labels = [f"{axes[0]}\\{axes[1]}", *("" if row is None else str(row) for row in rows)]
    lines: list[str] = []
    for edge in (*([None] if breadth <= width // 3 else []), *range(EDGE, 0, -1)):
        columns = positions_shown(breadth, edge)
        head = ["" if column is None else str(column) for column in columns]
        lines = _align(labels, [head, *cells_of(data, rows, columns, dtype)])
        if max(map(len, lines)) <= width:
            break
    return lines


def _vector(data: Any, axis: str, dtype: str, width: int) -> list[str]:
    """A vector in rows, each under its positions."""
    count = shape_of(data)[0]
    positions = positions_shown(count, None if count <= WHOLE // 4 else EDGE)
    cells = cells_of(data[None], [0], positions, dtype)[0]
    names = ["" if p is None else str(p) for p in positions]
    each = 2 + max(len(text) for text in (*cells, *names))
    per_row = max(1, (width - 2 - len(axis)) // each)
    lines: list[str] = []
    for start in range(0, len(cells), per_row):
        part = slice(start, start + per_row)
        padded = [[text.rjust(each - 2) for text in row] for row in (names[part], cells[part])]
        lines += _align([axis, ""], padded)
    return lines


def _align(labels: Sequence[str], table: Sequence[Sequence[str]]) -> list[str]:
    """Rows behind their labels, columns right-aligned."""
    margin = max(map(len, labels))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(("  " + label.rjust(margin), *(cell.rjust(w) for cell, w in zip(row, widths, strict=True)))).rstrip()
        for label, row in zip(labels, table, strict=True)
    ]


__all__ = ["as_data", "heading", "json_number", "show"]
