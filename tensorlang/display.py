"""Values as text: what a query prints.

In: a ``Value`` (a tensor of any device, or an array, with the labels of its axes). Out: ``Accuracy = 0.972`` for a
scalar, an aligned table headed by index positions for vectors and matrices, slices for more axes, and for what is too
big a summary (least, mean, largest) with the corners. ``as_data`` gives the same as plain data for ``--json``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from tensorlang.extracts import (
    EDGE,
    GAP,
    WHOLE,
    cells_of,
    number_of,
    plain,
    position_names,
    positions_shown,
    shape_of,
    size_of,
    summary,
    titled,
)
from tensorlang.numerals import scalar
from tensorlang.report import Answers, Value

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
        words = value.words or (None,) * len(value.axes)
        lines += _body(data, [Axis(*axis) for axis in zip(value.axes, words, strict=True)], value.dtype, width)
    return "\n".join(lines)


def show_answers(answers: Answers, width: int = 100) -> str:
    """The bindings of a query as a table; ``true`` or ``false`` where it has no variables."""
    if not answers.variables:
        return f"{answers.title} = {'true' if answers.count else 'false'}"
    head = f"{answers.title}  {answers.count} answer{'' if answers.count == 1 else 's'}"
    if not answers.count:
        return head
    shown = answers.rows if answers.count <= ROWS else (*answers.rows[: ROWS // 2], *answers.rows[-EDGE:])
    table = [answers.variables, *(tuple(map(_entry, row)) for row in shown)]
    if len(shown) < answers.count:
        table.insert(ROWS // 2 + 1, (GAP,) * len(answers.variables))
    widths = [max(len(row[at]) for row in table) for at in range(len(answers.variables))]
    kinds = [isinstance(cell, str) for cell in answers.rows[0]]
    lines = [
        "  ".join(
            cell.ljust(wide) if word else cell.rjust(wide) for cell, wide, word in zip(row, widths, kinds, strict=True)
        )
        for row in table
    ]
    return "\n".join((head, *(f"  {line}".rstrip()[:width] for line in lines)))


def _entry(cell: str | int | float) -> str:
    return scalar(cell, "float") if isinstance(cell, float) else str(cell)


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


class Axis(NamedTuple):
    """The name of an axis, and its entities where it is over some."""

    label: str
    words: Sequence[str] | None


def _body(data: Any, axes: list[Axis], dtype: str, width: int) -> list[str]:
    shape = shape_of(data)
    if len(shape) == 1:
        return _vector(data, axes[0], dtype, width)
    if len(shape) == 2:
        return _matrix(data, axes, dtype, width, whole=size_of(data) <= WHOLE)
    outer = list(itertools.product(*(range(n) for n in shape[:-2])))
    shown = outer[:SLICES] if size_of(data) <= WHOLE else outer[:1]
    lines: list[str] = []
    for at in shown:
        places = zip(axes, at, strict=False)
        lines.append("  " + ", ".join(f"{axis.label} = {position_names([k], axis.words)[0]}" for axis, k in places))
        lines += _matrix(data[at], axes[-2:], dtype, width, whole=size_of(data) <= WHOLE)
    if len(shown) < len(outer):
        lines.append(f"  {GAP} and {len(outer) - len(shown)} more of these")
    return lines


def _matrix(data: Any, axes: Sequence[Axis], dtype: str, width: int, whole: bool) -> list[str]:
    """A table; as many columns as the width takes, from both ends."""
    height, breadth = shape_of(data)
    rows = positions_shown(height, None if whole and height <= ROWS else EDGE)
    labels = [f"{axes[0].label}\\{axes[1].label}", *position_names(rows, axes[0].words)]
    lines: list[str] = []
    for edge in (*([None] if breadth <= width // 3 else []), *range(EDGE, 0, -1)):
        columns = positions_shown(breadth, edge)
        head = position_names(columns, axes[1].words)
        lines = _align(labels, [head, *cells_of(data, rows, columns, dtype)])
        if max(map(len, lines)) <= width:
            break
    return lines


def _vector(data: Any, axis: Axis, dtype: str, width: int) -> list[str]:
    """A vector in rows, each under its positions."""
    count = shape_of(data)[0]
    positions = positions_shown(count, None if count <= WHOLE // 4 else EDGE)
    cells = cells_of(data[None], [0], positions, dtype)[0]
    names = position_names(positions, axis.words)
    each = 2 + max(len(text) for text in (*cells, *names))
    per_row = max(1, (width - 2 - len(axis.label)) // each)
    lines: list[str] = []
    for start in range(0, len(cells), per_row):
        part = slice(start, start + per_row)
        padded = [[text.rjust(each - 2) for text in row] for row in (names[part], cells[part])]
        lines += _align([axis.label, ""], padded)
    return lines


def _align(labels: Sequence[str], table: Sequence[Sequence[str]]) -> list[str]:
    """Rows behind their labels, columns right-aligned."""
    margin = max(map(len, labels))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(("  " + label.rjust(margin), *(cell.rjust(w) for cell, w in zip(row, widths, strict=True)))).rstrip()
        for label, row in zip(labels, table, strict=True)
    ]


__all__ = ["as_data", "heading", "json_number", "show", "show_answers"]
