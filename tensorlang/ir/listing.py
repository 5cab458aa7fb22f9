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

# Told while a file of rows is read: its path, the bytes so far, the bytes in all.
Progress = Callable[[str, int, int], None]

_CHUNK = 1 << 14


@dataclass(slots=True)
class Column:
    """One place of all rows: row ``r`` holds ``values[codes[r]]``; the values are distinct."""

    values: list[Cell] = field(default_factory=list)
    codes: array[int] = field(default_factory=lambda: array("q"))
    _numbers: list[int | float | None] | None = None

    def cell(self, row: int) -> Cell:
        return self.values[self.codes[row]]

    def numbers(self) -> list[int | float | None]:
        """The number that each value is, or None."""
        if self._numbers is None:
            self._numbers = _numbers(self.values)
        return self._numbers


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


def _numbers(values: list[Cell]) -> list[int | float | None]:
    if set(map(type, values)) <= {str} and "_" not in "".join(values):  # type: ignore[arg-type]
        try:
            return list(map(int, values))
        except ValueError:
            pass
    return list(map(number, values))


def number(cell: Cell) -> int | float | None:
    """The number that a cell is, or None."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if not text or "_" in text or (text[0].isalpha() and text[0] not in "iInN"):
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None
