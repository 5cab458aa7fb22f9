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
    cells_of,
    number_of,
    plain,
    positions_shown,
    shape_of,
    size_of,
    summary,
)
from tensorlang.numerals import scalar

SLICES = 4  # matrices shown of a tensor with more than two axes
WIDE = 16  # columns up to which a table is shown whole
TALL = 24  # rows up to which a table is shown whole

_CELL = "text-align:right;padding:.15em .6em;font-family:monospace;border:none"
_INDEX = f"{_CELL};font-weight:normal;opacity:.65"
_CORNER = f"{_INDEX};font-style:italic"


def value_html(title: str, axes: Sequence[str], dtype: str, data: Any) -> str:
    """A value by its title. ``data`` is a tensor or an array."""
    data = plain(data)
    shape = shape_of(data)
    if not shape:
        return f"<div>{_code(title)} = {_code(scalar(number_of(data), dtype))}</div>"
    words = [" × ".join(map(str, shape)), *([dtype] if dtype != "float" else [])]
    if size_of(data) > WHOLE:
        words += [line.strip() for line in summary(data, dtype)]
    parts = [f"<div>{_code(title)} <span style='opacity:.65'>{escape(', '.join(words))}</span></div>"]
    if size_of(data):
        parts += _tables(data, list(axes), dtype)
    return "".join(parts)


def waiting_html(title: str, missing: Sequence[str]) -> str:
    """A value that cannot be computed yet."""
    waits = f" waits for {', '.join(map(_code, missing))}" if missing else ""
    return f"<div>{_code(title)}{waits}</div>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _tables(data: Any, axes: list[str], dtype: str) -> list[str]:
    shape = shape_of(data)
    if len(shape) == 1:
        return [_table(data[None], ("", axes[0]), dtype)]
    outer = list(itertools.product(*(range(n) for n in shape[:-2])))
    parts = []
    for at in outer[:SLICES]:
        if at:
            where = ", ".join(f"{axis} = {k}" for axis, k in zip(axes, at, strict=False))
            parts.append(f"<div style='margin-top:.4em;opacity:.65'>{escape(where)}</div>")
        parts.append(_table(data[at] if at else data, (axes[-2], axes[-1]), dtype))
    if len(outer) > SLICES:
        parts.append(f"<div style='opacity:.65'>{GAP} and {len(outer) - SLICES} more of these</div>")
    return parts


def _table(data: Any, axes: tuple[str, str], dtype: str) -> str:
    """Two axes: positions of the first at the side, of the second at the top."""
    height, breadth = shape_of(data)
    rows = positions_shown(height, None if height <= TALL else EDGE)
    columns = positions_shown(breadth, None if breadth <= WIDE else EDGE)
    corner = f"{axes[0]}\\{axes[1]}" if axes[0] else axes[1]
    head = [_cell("th", corner, _CORNER), *(_cell("th", _position(column), _INDEX) for column in columns)]
    lines = ["".join(head)]
    for row, cells in zip(rows, cells_of(data, rows, columns, dtype), strict=True):
        label = _cell("th", _position(row) if axes[0] else "", _INDEX)
        lines.append(label + "".join(_cell("td", text, _CELL) for text in cells))
    body = "".join(f"<tr style='background:none'>{line}</tr>" for line in lines)
    return f"<table style='border-collapse:collapse;margin:.3em 0;color:inherit'>{body}</table>"


def _position(position: int | None) -> str:
    return GAP if position is None else str(position)


def _cell(kind: str, text: str, style: str) -> str:
    return f"<{kind} style='{style}'>{escape(text)}</{kind}>"
