"""Values as HTML: what a notebook shows of a result.

In: a tensor with its title and the names of its axes. Out: a fragment of HTML, all text in it escaped: a number for a
scalar, a table headed by index positions for vectors and matrices, slices for more axes; what is big is elided as
``display.py`` elides it. Colours and fonts are the notebook's, so it looks right in light and dark ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from html import escape
from typing import Any

from tensorlang.extracts import (
    EDGE,
    GAP,
    WHOLE,
    answer_cell,
    cells_of,
    number_of,
    plain,
    position_names,
    positions_shown,
    shape_of,
    size_of,
    summary,
)
from tensorlang.numerals import scalar

SLICES = 4  # matrices shown of a tensor with more than two axes
WIDE = 16  # columns up to which a table is shown whole
TALL = 24  # rows up to which a table is shown whole

Words = Sequence[Sequence[str] | None]
Axis = tuple[str, Sequence[str] | None]

_CELL = "text-align:right;padding:.15em .6em;font-family:monospace;border:none"
_INDEX = f"{_CELL};font-weight:normal;opacity:.65"
_CORNER = f"{_INDEX};font-style:italic"


def value_html(title: str, axes: Sequence[str], dtype: str, data: Any, words: Words = ()) -> str:
    """A value by its title. ``data`` is a tensor or an array; ``words`` are the entities of axes that are over some."""
    data = plain(data)
    shape = shape_of(data)
    if not shape:
        return f"<div>{_code(title)} = {_code(scalar(number_of(data), dtype))}</div>"
    about = [" × ".join(map(str, shape)), *([dtype] if dtype != "float" else [])]
    if size_of(data) > WHOLE:
        about += [line.strip() for line in summary(data, dtype)]
    parts = [f"<div>{_code(title)} <span style='opacity:.65'>{escape(', '.join(about))}</span></div>"]
    if size_of(data):
        parts += _tables(data, list(zip(axes, words or (None,) * len(axes), strict=True)), dtype)
    return "".join(parts)


def answers_html(title: str, variables: Sequence[str], rows: Sequence[Sequence[str | int | float]], count: int) -> str:
    """The bindings of a query, or whether it holds."""
    if not variables:
        return f"<div>{_code(title)} = {_code('true' if count else 'false')}</div>"
    about = f"{count} answer{'' if count == 1 else 's'}"
    head = f"<div>{_code(title)} <span style='opacity:.65'>{about}</span></div>"
    if not rows:
        return head
    lines = ["".join(_cell("th", variable, _INDEX) for variable in variables)]
    for at in positions_shown(len(rows), None if len(rows) <= TALL else TALL // 2):
        cells = [GAP] * len(variables) if at is None else map(answer_cell, rows[at])
        lines.append("".join(_cell("td", cell, _CELL) for cell in cells))
    return head + _lines(lines)


def waiting_html(title: str, missing: Sequence[str]) -> str:
    """A value that cannot be computed yet."""
    waits = f" waits for {', '.join(map(_code, missing))}" if missing else ""
    return f"<div>{_code(title)}{waits}</div>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _tables(data: Any, axes: list[Axis], dtype: str) -> list[str]:
    shape = shape_of(data)
    if len(shape) == 1:
        return [_table(data[None], (("", None), axes[0]), dtype)]
    outer = list(itertools.product(*(range(n) for n in shape[:-2])))
    parts = []
    for at in outer[:SLICES]:
        if at:
            where = ", ".join(
                f"{axis} = {position_names([k], own)[0]}" for (axis, own), k in zip(axes, at, strict=False)
            )
            parts.append(f"<div style='margin-top:.4em;opacity:.65'>{escape(where)}</div>")
        parts.append(_table(data[at] if at else data, (axes[-2], axes[-1]), dtype))
    if len(outer) > SLICES:
        parts.append(f"<div style='opacity:.65'>{GAP} and {len(outer) - SLICES} more of these</div>")
    return parts


def _table(data: Any, axes: tuple[Axis, Axis], dtype: str) -> str:
    """Two axes: positions of the first at the side, of the second at the top."""
    height, breadth = shape_of(data)
    rows = positions_shown(height, None if height <= TALL else EDGE)
    columns = positions_shown(breadth, None if breadth <= WIDE else EDGE)
    (side, side_words), (top, top_words) = axes
    corner = f"{side}\\{top}" if side else top
    head = [_cell("th", corner, _CORNER), *(_cell("th", _position(column, top_words), _INDEX) for column in columns)]
    lines = ["".join(head)]
    for row, cells in zip(rows, cells_of(data, rows, columns, dtype), strict=True):
        label = _cell("th", _position(row, side_words) if side else "", _INDEX)
        lines.append(label + "".join(_cell("td", text, _CELL) for text in cells))
    return _lines(lines)


def _lines(lines: Sequence[str]) -> str:
    body = "".join(f"<tr style='background:none'>{line}</tr>" for line in lines)
    return f"<table style='border-collapse:collapse;margin:.3em 0;color:inherit'>{body}</table>"


def _position(position: int | None, words: Sequence[str] | None) -> str:
    return GAP if position is None else position_names([position], words)[0]


def _cell(kind: str, text: str, style: str) -> str:
    return f"<{kind} style='{style}'>{escape(text)}</{kind}>"
