"""What of a tensor is shown: the positions at both ends of its axes, its elements as text, a line of summary.

In: a tensor of any device, or an array. Out: positions and texts, for the printers of ``display.py`` and
``hypertext.py``. A tensor is asked only for ``shape``, slices, ``tolist`` and a few reductions: neither torch nor numpy
is imported.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from tensorlang.numerals import choose_style, scalar

EDGE = 4  # rows and columns shown at each end of what is too long
WHOLE = 400  # elements up to which a tensor is shown whole
GAP = "..."
_NAME = re.compile(r"[\w.]+'*")


def titled(title: str, axes: Sequence[str]) -> str:
    """``Y[b,o]`` for a tensor by its name; another title, such as ``Y[0:3, :]``, is what was asked."""
    return f"{title}[{','.join(axes)}]" if axes and _NAME.fullmatch(title) else title


def plain(data: Any) -> Any:
    """Without its gradient, and where all of its numbers can be handled: an mps device has no 64-bit ones."""
    bare = data.detach() if hasattr(data, "detach") else data
    return bare.cpu() if str(getattr(bare, "device", "")).startswith("mps") else bare


def shape_of(data: Any) -> tuple[int, ...]:
    """The sizes of the axes; none of a plain number."""
    return tuple(int(n) for n in getattr(data, "shape", ()))


def size_of(data: Any) -> int:
    """How many elements there are."""
    return math.prod(shape_of(data))


def number_of(data: Any) -> Any:
    """A tensor without axes as Python's number."""
    return data.tolist() if hasattr(data, "tolist") else data


def summary(data: Any, dtype: str) -> list[str]:
    """One line on a tensor too big to be shown whole."""
    if dtype == "bool":
        return [f"  {number_of(data.sum())} of {size_of(data)} true"]
    if dtype == "complex":
        size = abs(data)
        return [f"  largest modulus {scalar(number_of(size.max()), 'float')}"]
    real = data.double() if hasattr(data, "double") else data.astype("float64")
    strange = [
        f"{count} {word}"
        for count, word in ((int((real != real).sum()), "nan"), (int((abs(real) == math.inf).sum()), "infinite"))
        if count
    ]
    known = real[real == real]
    folds = (("min", known.min), ("mean", known.mean), ("max", known.max)) if size_of(known) else ()
    numbers = ((word, number_of(fold())) for word, fold in folds)
    integer = {"min", "max"} if dtype == "int" else set()
    words = [f"{word} {scalar(int(n) if word in integer else n, 'float')}" for word, n in numbers]
    return ["  " + "  ".join((*words, *strange))]


def positions_shown(count: int, edge: int | None) -> list[int | None]:
    """The positions of an axis that are shown (all, where ``edge`` is None); None is the gap."""
    if edge is None or count <= 2 * edge + 1:
        return list(range(count))
    return [*range(edge), None, *range(count - edge, count)]


def position_names(positions: Sequence[int | None], words: Sequence[str] | None = None) -> list[str]:
    """What heads the shown positions: entities where the axis is over some, else numbers; nothing over the gap."""
    named = words or ()
    return ["" if at is None else named[at] if at < len(named) else str(at) for at in positions]


def cells_of(data: Any, rows: Sequence[int | None], columns: Sequence[int | None], dtype: str) -> list[list[str]]:
    """The texts of the shown elements, in one style."""
    kept_columns = [c for c in columns if c is not None]
    numbers: list[list[Any]] = []
    for row in rows:
        if row is not None:
            line = data[row]
            everything = line.tolist() if len(kept_columns) * 4 > shape_of(line)[0] else None
            numbers.append([everything[c] if everything else number_of(line[c]) for c in kept_columns])
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
