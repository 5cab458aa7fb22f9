"""Values as text: what a query prints.

In: a ``Value`` (a tensor of any device, or an array, with the labels of its axes). Out: ``Accuracy = 0.972`` for a
scalar, an aligned table headed by index positions for vectors and matrices, slices for more axes, and for what is too
big a summary (least, mean, largest) with the corners. ``as_data`` gives the same as plain data for ``--json``.

A tensor is asked only for ``shape``, slices, ``tolist`` and a few reductions: neither torch nor numpy is imported.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any

from tensorlang.numerals import choose_style, scalar
from tensorlang.report import Answers, Value

EDGE = 4  # rows and columns shown at each end of what is too long
WHOLE = 400  # elements up to which a tensor is shown whole
SLICES = 12  # matrices shown of a tensor with more than two axes
ROWS = 40  # rows of a matrix shown whole
GAP = "..."
_NAME = re.compile(r"[\w.]+'*")


def show(value: Value, width: int = 100) -> str:
    """The text of a value; several lines where it has axes."""
    head = heading(value)
    if value.data is None:
        waits = ", ".join(f"`{name}`" for name in value.missing)
        return f"{head}  waits for {waits}" if waits else head
    data = _plain(value.data)
    if not _shape(data):
        return f"{value.title} = {scalar(_number(data), value.dtype)}"
    lines = [head, *_summary(data, value.dtype)] if _size(data) > WHOLE else [head]
    if _size(data):
        lines += _body(data, list(value.axes), value.dtype, width)
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
    title = value.title
    if value.axes and _NAME.fullmatch(title):
        title = f"{title}[{','.join(value.axes)}]"
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
    data = _plain(value.data)
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


# --- tensors, asked for little -----------------------------------------------------------------------------------


def _plain(data: Any) -> Any:
    """Without its gradient, and where all of its numbers can be handled: an mps device has no 64-bit ones."""
    bare = data.detach() if hasattr(data, "detach") else data
    return bare.cpu() if str(getattr(bare, "device", "")).startswith("mps") else bare


def _shape(data: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in getattr(data, "shape", ()))


def _size(data: Any) -> int:
    return math.prod(_shape(data))


def _number(data: Any) -> Any:
    return data.tolist() if hasattr(data, "tolist") else data


def _summary(data: Any, dtype: str) -> list[str]:
    """One line on a tensor too big to be shown whole."""
    if dtype == "bool":
        return [f"  {_number(data.sum())} of {_size(data)} true"]
    if dtype == "complex":
        size = abs(data)
        return [f"  largest modulus {scalar(_number(size.max()), 'float')}"]
    real = data.double() if hasattr(data, "double") else data.astype("float64")
    strange = [
        f"{count} {word}"
        for count, word in ((int((real != real).sum()), "nan"), (int((abs(real) == math.inf).sum()), "infinite"))
        if count
    ]
    known = real[real == real]
    folds = (("min", known.min), ("mean", known.mean), ("max", known.max)) if _size(known) else ()
    numbers = ((word, _number(fold())) for word, fold in folds)
    integer = {"min", "max"} if dtype == "int" else set()
    words = [f"{word} {scalar(int(n) if word in integer else n, 'float')}" for word, n in numbers]
    return ["  " + "  ".join((*words, *strange))]


# --- tables ------------------------------------------------------------------------------------------------------


def _body(data: Any, axes: list[str], dtype: str, width: int) -> list[str]:
    shape = _shape(data)
    if len(shape) == 1:
        return _vector(data, axes[0], dtype, width)
    if len(shape) == 2:
        return _matrix(data, axes, dtype, width, whole=_size(data) <= WHOLE)
    outer = list(itertools.product(*(range(n) for n in shape[:-2])))
    shown = outer[:SLICES] if _size(data) <= WHOLE else outer[:1]
    lines: list[str] = []
    for at in shown:
        lines.append("  " + ", ".join(f"{axis} = {k}" for axis, k in zip(axes, at, strict=False)))
        lines += _matrix(data[at], axes[-2:], dtype, width, whole=_size(data) <= WHOLE)
    if len(shown) < len(outer):
        lines.append(f"  {GAP} and {len(outer) - len(shown)} more of these")
    return lines


def _positions(count: int, edge: int | None) -> list[int | None]:
    """The positions of an axis that are shown (all, where ``edge`` is None); None is the gap."""
    if edge is None or count <= 2 * edge + 1:
        return list(range(count))
    return [*range(edge), None, *range(count - edge, count)]


def _cells(data: Any, rows: Sequence[int | None], columns: Sequence[int | None], dtype: str) -> list[list[str]]:
    """The texts of the shown elements, in one style."""
    kept_columns = [c for c in columns if c is not None]
    numbers: list[list[Any]] = []
    for row in rows:
        if row is not None:
            line = data[row]
            everything = line.tolist() if len(kept_columns) * 4 > _shape(line)[0] else None
            numbers.append([everything[c] if everything else _number(line[c]) for c in kept_columns])
    style = choose_style([n for line in numbers for n in line], dtype)
    texts = iter([[style(n) for n in line] for line in numbers])
    table = []
    for row in rows:
        if row is None:
            table.append([GAP] * len(columns))
        else:
            cells = iter(next(texts))
            table.append([GAP if c is None else next(cells) for c in columns])
    return table


def _matrix(data: Any, axes: Sequence[str], dtype: str, width: int, whole: bool) -> list[str]:
    """A table; as many columns as the width takes, from both ends."""
    height, breadth = _shape(data)
    rows = _positions(height, None if whole and height <= ROWS else EDGE)
    labels = [f"{axes[0]}\\{axes[1]}", *("" if row is None else str(row) for row in rows)]
    lines: list[str] = []
    for edge in (*([None] if breadth <= width // 3 else []), *range(EDGE, 0, -1)):
        columns = _positions(breadth, edge)
        head = ["" if column is None else str(column) for column in columns]
        lines = _align(labels, [head, *_cells(data, rows, columns, dtype)])
        if max(map(len, lines)) <= width:
            break
    return lines


def _vector(data: Any, axis: str, dtype: str, width: int) -> list[str]:
    """A vector in rows, each under its positions."""
    count = _shape(data)[0]
    positions = _positions(count, None if count <= WHOLE // 4 else EDGE)
    cells = _cells(data[None], [0], positions, dtype)[0]
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


__all__ = ["as_data", "heading", "json_number", "show", "show_answers"]
