"""Tables of numbers as text: ``.csv``, ``.tsv`` and ``.txt``, read in plain Python.

In: an open file. Out: a ``Content`` of two axes (rows, columns), or of one where there is only one column. Every
cell is a number or an error that names its line and column: nothing is skipped, filled in or guessed. The first
line is taken for names if none of its cells is a number. Delimiters are tab, semicolon, comma or blanks, the first
of these that the first line has; in a .txt file lines that begin with ``#`` are comments.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tensorlang.data.content import Content, Opened, plain, short
from tensorlang.data.files import check_size
from tensorlang.diagnostics import RunError
from tensorlang.records import dataclass, field

if TYPE_CHECKING:
    from tensorlang.data.content import Array

_MISSING = frozenset(("", "na", "n/a", "null", "none", "?", "-", "."))
_TRUTH = {"true": 1, "false": 0}
_LONGEST_CELL = 1 << 16

Row = tuple[int, list[str]]


@dataclass(slots=True)
class _Numbers:
    """Numbers as they come in: truth values until one is not, then whole numbers, then floats."""

    dtype: str = "bool"
    whole: array[int] = field(default_factory=lambda: array("q"))
    floats: array[float] = field(default_factory=lambda: array("d"))

    @property
    def values(self) -> array[int] | array[float]:
        return self.floats if self.dtype == "float" else self.whole

    def extend(self, cells: list[str]) -> None:
        """Add a row; ``ValueError`` if a cell is not a number."""
        if self.dtype == "bool" and not (self._truths(cells)):
            if self.whole:
                raise ValueError("numbers among truth values")
            self.dtype = "int"
        if self.dtype == "int":
            try:
                self.whole += array("q", map(int, cells))  # a row at a time: a bad one must add nothing
                return
            except (ValueError, OverflowError):
                self.dtype, self.floats = "float", array("d", self.whole)
        if self.dtype == "float":
            self.floats += array("d", map(float, cells))

    def _truths(self, cells: list[str]) -> bool:
        truths = [_TRUTH.get(cell.strip().lower()) for cell in cells]
        known = [truth for truth in truths if truth is not None]
        if len(known) == len(cells):
            self.whole.extend(known)
        return len(known) == len(cells)


def inspect_csv(opened: Opened) -> Content:
    return _inspect(opened, None, named=True)


def inspect_tsv(opened: Opened) -> Content:
    return _inspect(opened, "\t", named=True)


def inspect_txt(opened: Opened) -> Content:
    return _inspect(opened, " ", named=False)


def _inspect(opened: Opened, delimiter: str | None, named: bool) -> Content:
    opened.handle.seek(0)
    text = io.TextIOWrapper(opened.handle, encoding="utf-8-sig", errors="strict", newline="")
    try:
        return _table(opened, _rows(opened, text, delimiter), named)
    finally:
        text.detach()


def _table(opened: Opened, rows: Iterator[Row], named: bool) -> Content:
    first = next(rows, None)
    names = None
    if named and first is not None and _is_header(first[1]):
        names, first = first[1], next(rows, None)
    if first is None:
        raise opened.fault("E0720", f"`{opened.path}` holds no numbers", "the file is empty, or has only a header")
    numbers, width, count = _collect(opened, first, rows, _column(opened, names))
    values, dtype = numbers.values, numbers.dtype
    shape = (count,) if width == 1 else (count, width)

    def rows_of(start: int, stop: int) -> Array:
        import numpy

        cells = numpy.frombuffer(values, dtype=values.typecode).reshape(shape)[start:stop]
        return plain(opened, cells != 0 if dtype == "bool" else cells)

    return Content(shape, dtype, rows_of)


def _collect(opened: Opened, first: Row, rest: Iterator[Row], column: int | None) -> tuple[_Numbers, int, int]:
    """All rows as one run of numbers, the number of columns and of rows."""
    numbers, count, expected = _Numbers(), 0, len(first[1])
    for line, cells in _again(first, rest):
        if len(cells) != expected:
            raise opened.fault(
                "E0719",
                f"line {line} of `{opened.path}` has {_cells(len(cells))}, the lines before have {expected}",
                "make all lines equally long; a delimiter at the end of a line makes one more cell",
            )
        taken = cells if column is None else [cells[column]]
        try:
            if "_" in "".join(taken):  # Python reads 1_000, tables do not
                raise ValueError
            numbers.extend(taken)
        except ValueError:
            raise _not_a_number(opened, line, cells, column, numbers.dtype) from None
        count += 1
        if count % 1024 == 0:
            check_size(opened.path, len(numbers.values) * 8, opened.limits, opened.span, "unpacks to")
    return numbers, expected if column is None else 1, count


def _again(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _number(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _is_header(cells: list[str]) -> bool:
    """Names, if no cell is a number or a truth value and at least one is more than a mark for nothing."""
    words = [cell.strip().lower() for cell in cells]
    if any(word in _TRUTH or _number(word) is not None for word in words):
        return False
    return any(word not in _MISSING for word in words)


def _column(opened: Opened, names: list[str] | None) -> int | None:
    """The position of the column that the key names (None: all columns)."""
    if opened.key is None:
        return None
    if names is None:
        message = f"`{opened.path}` has no line of names, but column `{short(opened.key)}` is asked for"
        raise opened.fault("E0715", message, f'write `load("{opened.path}")`, or put names into its first line')
    stripped = [name.strip() for name in names]
    name = opened.choose(stripped, "column")
    if stripped.count(name) > 1:
        raise opened.fault("E0715", f"`{opened.path}` has two columns `{short(name)}`", "rename one of them")
    return stripped.index(name)


def _not_a_number(opened: Opened, line: int, cells: list[str], column: int | None, dtype: str) -> RunError:
    """Find the faulty cell of a row again, for the message."""
    places = range(len(cells)) if column is None else (column,)
    bad = [at for at in places if _number(cells[at]) is None and not (dtype == "bool" and cells[at].lower() in _TRUTH)]
    at = bad[0] if bad else places[0]
    cell = cells[at].strip()
    where = f"line {line}, column {at + 1} of `{opened.path}`"
    if cell.lower() in _MISSING:
        message = f"{where} holds {f'`{cell}`' if cell else 'nothing'} where a number is needed"
        return opened.fault("E0718", message, "write `nan` for a missing value")
    message = f"{where} is not a number: `{short(cell)}`"
    if cell.lower() in _TRUTH or _number(cell) is not None:
        message = f"{where} mixes truth values and numbers: `{short(cell)}`"
        return opened.fault("E0718", message, "write 1 and 0 throughout")
    if _number(cell.replace(",", ".")) is not None:
        return opened.fault("E0718", message, "write a decimal point instead of the comma")
    hints = ["columns of text are not supported yet; write a number for each word"]
    if opened.path.lower().endswith(".txt"):
        hints = ["a .txt file holds numbers with blanks between them; vocabularies of words are not supported yet"]
    elif column is None and len(cells) > 1:
        hints.append(f'with names in its first line, one column is read by `load("{opened.path}", "name")`')
    return opened.fault("E0718", message, *hints)


# --- lines and cells -----------------------------------------------------------------------------------------------


def _rows(opened: Opened, text: io.TextIOWrapper, delimiter: str | None) -> Iterator[Row]:
    """The cells of each line that is not blank, with its number."""
    try:
        yield from _split(opened, text, delimiter)
    except UnicodeDecodeError:
        raise opened.fault("E0721", f"`{opened.path}` is not UTF-8 text", "save it again as UTF-8") from None
    except csv.Error as problem:
        raise opened.damaged(f"its cells cannot be told apart ({problem})") from None


def _split(opened: Opened, text: io.TextIOWrapper, delimiter: str | None) -> Iterator[Row]:
    lines = _lines(opened, text, comments=delimiter == " ")
    first = next(lines, None)
    if first is None:
        return
    delimiter = delimiter or _delimiter(first[1])
    if delimiter == " ":
        for number, line in _again_line(first, lines):
            yield number, line.split()
        return
    at = first[0]

    def plain_lines() -> Iterator[str]:
        nonlocal at
        for number, line in _again_line(first, lines):
            at = number
            yield line

    for cells in csv.reader(plain_lines(), delimiter=delimiter, strict=True):
        if cells:
            yield at, cells


def _again_line(first: tuple[int, str], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def _lines(opened: Opened, text: io.TextIOWrapper, comments: bool) -> Iterator[tuple[int, str]]:
    """Lines that are not blank (nor comments), numbered from 1; ends of lines of any system."""
    number = 0
    while line := text.readline(_LONGEST_CELL * 64):
        number += 1
        if "\0" in line:
            raise opened.damaged(f"line {number} holds a zero byte")
        if len(line) >= _LONGEST_CELL * 64:
            raise opened.damaged(f"line {number} is longer than {_LONGEST_CELL * 64} characters")
        if line.strip() and not (comments and line.lstrip().startswith("#")):
            yield number, line


def _delimiter(line: str) -> str:
    outside = "".join(line.split('"')[::2])
    return next((mark for mark in ("\t", ";", ",") if mark in outside), " ")
