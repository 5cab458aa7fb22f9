"""Rows of words and numbers as they come from files and callers: each column numbers its distinct cells.

A ``Listing`` is what a relation is told before it is known which domains its places are over.
"""

from __future__ import annotations

import itertools
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from tensorlang.diagnostics import Problems
from tensorlang.records import dataclass, field
from tensorlang.source import Span

Cell = str | int | float

# The caller's rows of a relation, once the names of its places are known.
Giver = Callable[[Sequence[str], Span, Problems], "Listing | None"]

_CHUNK = 1 << 14


@dataclass(slots=True)
class Column:
    """One place of all rows: row ``r`` holds ``values[codes[r]]``; the values are distinct."""

    values: list[Cell] = field(default_factory=list)
    codes: array[int] = field(default_factory=lambda: array("q"))

    def cell(self, row: int) -> Cell:
        return self.values[self.codes[row]]


@dataclass(slots=True)
class Listing:
    """The rows of a relation as they were given, duplicates and all. ``where(row)`` says where a row stands."""

    columns: list[Column]
    where: Callable[[int], str]

    @property
    def count(self) -> int:
        return len(self.columns[0].codes) if self.columns else 0


def numbering() -> defaultdict[Cell, int]:
    """A table that gives each new cell the next number."""
    return defaultdict(itertools.count().__next__)


def listing(rows: Iterable[Sequence[Cell]], places: int, where: Callable[[int], str]) -> Listing:
    """Rows that are at hand already; each has one cell a place (the caller has checked)."""
    counters = [numbering() for _ in range(places)]
    columns = [Column() for _ in range(places)]
    for chunk in chunks(iter(rows)):
        for column, counter, cells in zip(columns, counters, zip(*chunk, strict=True), strict=True):
            column.codes.extend(map(counter.__getitem__, cells))
    for column, counter in zip(columns, counters, strict=True):
        column.values = list(counter)
    return Listing(columns, where)


def chunks(rows: Iterator[Sequence[Cell]]) -> Iterator[list[Sequence[Cell]]]:
    """Rows in lists of some thousands."""
    while chunk := list(itertools.islice(rows, _CHUNK)):
        yield chunk


def number(cell: Cell) -> int | float | None:
    """The number that a cell is, or None."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if "_" in text or not text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None
