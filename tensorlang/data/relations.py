"""Relations from files: rows of words and numbers, read in plain Python.

In: an ``Access``, a ``FileRef``, how many places the relation has and how they are called. Out: a ``Listing``: one
``Column`` a place, its distinct cells and for each row the number of its cell. Every column is numbered as it is read,
cell by cell inside the interpreter's own loops, so a million rows take about a second and neither numpy nor torch.

``.csv``, ``.tsv``, ``.txt`` (blanks between cells; ``load("a.txt", "words")`` reads a text: positions and words),
``.json`` (rows as lists or as objects), ``.npy``, ``.npz`` and ``.parquet``. A first line of names is told by its
cells: they are the places' names, or words over a column of numbers.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

from tensorlang.data.content import Opened, short
from tensorlang.data.files import Access, check_size, system_errors
from tensorlang.data.reading import extension, read
from tensorlang.diagnostics import RunError, run_error
from tensorlang.ir.listing import Cell, Column, Listing, chunks, listing, number, numbering
from tensorlang.ir.program import FileRef
from tensorlang.records import dataclass

Progress = Callable[[str, int, int], None]  # what is read, bytes so far, bytes in all

_LINES = 16  # lines that are looked at for the delimiter: a cell in quotes may go on over some
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_READERS = dict.fromkeys((".csv", ".tsv", ".txt", ".json", ".npy", ".npz", ".parquet"))


def read_relation(access: Access, file: FileRef, labels: Sequence[str], progress: Progress | None = None) -> Listing:
    """The rows of a relation's file; raises ``RunError`` with the line where one does not fit."""
    kind = extension(file.path, _READERS, "load", file.span)
    if kind in (".npy", ".npz"):
        return _from_array(access, file, len(labels))
    if kind == ".parquet":
        return _from_parquet(access, file, labels)
    with system_errors(file.path, file.span), access.open_read(file.path, file.span) as handle:
        size = os.fstat(handle.fileno()).st_size
        opened = Opened(handle, file.path, file.key, file.span, size, access.limits)
        if kind == ".json":
            return _from_json(opened, labels)
        if kind == ".txt" and file.key == "words":
            return _from_text(opened, len(labels))
        delimiter = {".tsv": "\t", ".txt": " "}.get(kind)
        found = _Table(access, opened, labels, delimiter, progress).read()
    return _sliced(found, file)


def _sliced(found: Listing, file: FileRef) -> Listing:
    """``load("edges.csv")[0:1000]``: some of the rows."""
    if file.rows is None:
        return found
    first, last = (file.rows[0] or 0), (found.count if file.rows[1] is None else file.rows[1])
    columns = [Column(column.values, column.codes[first:last]) for column in found.columns]
    return Listing(columns, lambda row: found.where(row + first))


# --- tables --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Table:
    """A table as text, read in chunks of rows."""

    access: Access
    opened: Opened
    labels: Sequence[str]
    delimiter: str | None
    progress: Progress | None
    chosen: list[int] | None = None
    header: bool = False

    def read(self) -> Listing:
        try:
            return self._read()
        except UnicodeDecodeError:
            raise self.opened.fault(
                "E0721", f"`{self.opened.path}` is not UTF-8 text", "save it again as UTF-8"
            ) from None
        except csv.Error as problem:
            raise self.opened.damaged(f"its cells cannot be told apart ({problem})") from None

    def _read(self) -> Listing:
        reader = self._rows()
        ahead = list(itertools.islice(reader, 2))
        width = self._begin(ahead)
        rows = itertools.chain(ahead[1:] if self.header else ahead, reader)
        places = len(self.labels)
        numberings = [numbering() for _ in range(places)]
        codes: list[array[int]] = [array("q") for _ in range(places)]
        before = 0
        for chunk in chunks(rows):
            if set(map(len, chunk)) != {width}:
                raise self._ragged(chunk, before, width)
            columns = list(zip(*chunk, strict=True))
            for at, kept in enumerate(self.chosen or range(places)):
                codes[at].extend(map(numberings[at].__getitem__, columns[kept]))
            before += len(chunk)
            check_size(self.opened.path, before * 8 * places, self.opened.limits, self.opened.span, "unpacks to")
            if self.progress is not None:
                self.progress(self.opened.path, self.opened.handle.tell(), self.opened.size)
        found = [_cleaned(list(n), c) for n, c in zip(numberings, codes, strict=True)]
        result = Listing(found, lambda row: f"line {self._line(row)} of `{self.opened.path}`")
        self._check_cells(result)
        return result

    def _rows(self) -> Iterator[list[str]]:
        """The cells of every line that is not blank."""
        self.opened.handle.seek(0)
        text = io.TextIOWrapper(self.opened.handle, encoding="utf-8-sig", errors="strict", newline="")
        first = ""
        while not first.strip():
            first = text.readline()
            if not first:
                text.detach()
                return
        ahead = [first, *itertools.islice(text, _LINES)]
        lines = itertools.chain(ahead, text)
        if self.delimiter == " ":
            split = (line.split() for line in lines if not line.lstrip().startswith("#"))
            yield from (cells for cells in split if cells)
        else:
            mark = self.delimiter or _delimiter("".join(ahead))
            yield from filter(None, csv.reader(_written(lines), delimiter=mark, strict=True, skipinitialspace=True))
        text.detach()

    def _begin(self, ahead: list[list[str]]) -> int:
        """Tell a line of names, and which columns are meant; the number of cells a line has."""
        opened, places = self.opened, len(self.labels)
        if not ahead:
            raise opened.fault("E1108", f"`{opened.path}` is empty", "put one row of the relation on each line")
        first = [cell.strip() for cell in ahead[0]]
        named = [cell.lower() for cell in first]
        wanted = [label.rstrip("'").lower() for label in self.labels]
        self.header = named == wanted or set(wanted) <= set(named) or _names_over_numbers(ahead)
        if len(first) == places:
            return places
        distinct = len(set(wanted)) == places and len(set(named)) == len(named)
        if self.header and distinct and set(wanted) <= set(named):
            self.chosen = [named.index(label) for label in wanted]
            return len(first)
        raise opened.fault(
            "E1107",
            f"the lines of `{opened.path}` have {_cells(len(first))}, the relation has {_places(places)}",
            "give the relation as many places, or name its places like columns of the file's first line",
        )

    def _ragged(self, chunk: list[Sequence[Cell]], before: int, width: int) -> RunError:
        at = next(at for at, cells in enumerate(chunk) if len(cells) != width)
        line = self._line(before + at)
        message = f"line {line} of `{self.opened.path}` has {_cells(len(chunk[at]))}, the lines before have {width}"
        return self.opened.fault("E0719", message, "a cell that holds the delimiter itself needs quotes around it")

    def _check_cells(self, found: Listing) -> None:
        for column in found.columns:
            if "" in column.values:
                row = column.codes.index(column.values.index(""))
                raise self.opened.fault("E1109", f"{found.where(row)} has an empty cell", "every place needs a value")

    def _line(self, row: int) -> int:
        """The line on which a row (without the names) begins to be read; only asked for messages."""
        wanted, at = row + (1 if self.header else 0), 0
        with self.access.open_read(self.opened.path, self.opened.span) as handle:
            text = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="replace", newline="")
            mark = self.delimiter or _delimiter("".join(itertools.islice(text, _LINES)))
            text.seek(0)
            if mark == " ":
                for line, content in enumerate(text, 1):
                    if content.strip() and not content.lstrip().startswith("#"):
                        if at == wanted:
                            return line
                        at += 1
            reader = csv.reader(text, delimiter=mark, skipinitialspace=True)
            for cells in reader:
                if any(map(str.strip, cells)):
                    if at == wanted:
                        return reader.line_num
                    at += 1
        return wanted + 1


def _written(lines: Iterable[str]) -> Iterable[str]:
    """Lines that are not blank."""
    return filter(str.strip, lines)


def _cleaned(values: list[Cell], codes: array[int]) -> Column:
    """Cells without blanks around them; those that become equal are one."""
    stripped = [cell.strip() if isinstance(cell, str) else cell for cell in values]
    if stripped == values:
        return Column(values, codes)
    numbers = numbering()
    moved = [numbers[cell] for cell in stripped]
    return Column(list(numbers), array("q", map(moved.__getitem__, codes)))


def _delimiter(line: str) -> str:
    outside = "".join(line.split('"')[::2])
    return next((mark for mark in ("\t", ";", ",", "|") if mark in outside), " ")


def _names_over_numbers(ahead: list[list[str]]) -> bool:
    """Whether the first line names a column of numbers."""
    if len(ahead) < 2 or len(ahead[0]) != len(ahead[1]):
        return False
    return any(number(a) is None and number(b) is not None for a, b in zip(*ahead[:2], strict=True))


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"


# --- other kinds of files --------------------------------------------------------------------------------------------


def _from_text(opened: Opened, places: int) -> Listing:
    """A text as the paper reads it: the word at each position."""
    if places != 2:
        raise opened.fault("E1107", f"a text has positions and words, the relation has {_places(places)}")
    try:
        text = opened.handle.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise opened.fault("E0721", f"`{opened.path}` is not UTF-8 text", "save it again as UTF-8") from None
    words = _WORD.findall(text)
    if not words:
        raise opened.fault("E1108", f"`{opened.path}` holds no words")
    return listing(enumerate(words), 2, lambda row: f"word {row + 1} of `{opened.path}`")


def _from_array(access: Access, file: FileRef, places: int) -> Listing:
    """Positions: an integer array of rows and places, or of one axis for a relation of one place."""
    found = read(access, file)
    if found.ndim == 1 and places == 1:
        found = found[:, None]
    if found.ndim != 2 or found.shape[1] != places or found.dtype.kind not in "ib":
        shape = " x ".join(map(str, found.shape))
        message = f"`{file.path}` holds {shape} {found.dtype.name}, the relation has {_places(places)}"
        raise run_error("E1107", message, file.span, help=("save whole numbers, a row for each row of the relation",))
    columns = [[int(v) for v in found[:, at]] for at in range(places)]
    return listing(zip(*columns, strict=True), places, lambda row: f"row {row} of `{file.path}`")


def _from_json(opened: Opened, labels: Sequence[str]) -> Listing:
    """A list of rows, each a list of cells or an object with the places' names."""
    try:
        value = json.loads(opened.handle.read().decode("utf-8-sig") or "null")
    except UnicodeDecodeError:
        raise opened.fault("E0721", f"`{opened.path}` is not UTF-8 text", "save it again as UTF-8") from None
    except json.JSONDecodeError as problem:
        raise opened.damaged(f"line {problem.lineno}, column {problem.colno}: {problem.msg.lower()}") from None
    except RecursionError:
        raise opened.damaged("it holds lists inside lists without end") from None
    if isinstance(value, dict):
        value = value[opened.choose(value, "list")]
    if not isinstance(value, list) or not value:
        raise opened.fault("E1108", f"`{opened.path}` holds no rows", "write a list of rows: [[...], [...]]")
    rows = [_json_row(opened, labels, row, at) for at, row in enumerate(value)]
    return listing(rows, len(labels), lambda row: f"row {row + 1} of `{opened.path}`")


def _json_row(opened: Opened, labels: Sequence[str], row: object, at: int) -> list[Cell]:
    if isinstance(row, dict):
        missing = [label for label in labels if label not in row]
        if missing:
            raise opened.fault("E0719", f"row {at + 1} of `{opened.path}` has no `{short(missing[0])}`")
        row = [row[label] for label in labels]
    if not isinstance(row, list) and len(labels) == 1:
        row = [row]
    if not isinstance(row, list) or len(row) != len(labels):
        found = _cells(len(row)) if isinstance(row, list) else "no list"
        message = f"row {at + 1} of `{opened.path}` has {found}, the relation has {_places(len(labels))}"
        raise opened.fault("E0719", message)
    for cell in row:
        if isinstance(cell, bool) or not isinstance(cell, str | int | float) or cell == "":
            raise opened.fault("E1109", f"row {at + 1} of `{opened.path}` holds {short(json.dumps(cell))}")
    return row


def _from_parquet(access: Access, file: FileRef, labels: Sequence[str]) -> Listing:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table
    except ImportError:
        hint = 'pip install "tensorlang[parquet]"'
        message = f"`{file.path}` needs pyarrow, which is not installed"
        raise run_error("E0712", message, file.span, help=(hint,)) from None
    with system_errors(file.path, file.span), access.open_read(file.path, file.span) as handle:
        try:
            table = read_table(handle)
        except (ArrowException, ValueError, TypeError):
            message = f"`{file.path}` is damaged: it does not read as a parquet table"
            raise run_error("E0713", message, file.span) from None
    names = list(table.column_names)
    chosen = list(labels) if set(labels) <= set(names) else names
    if len(chosen) != len(labels):
        message = f"`{file.path}` has {len(names)} columns, the relation has {_places(len(labels))}"
        raise run_error("E1107", message, file.span)
    columns = [table.column(name).to_pylist() for name in chosen]
    for name, cells in zip(chosen, columns, strict=True):
        bad = next((at for at, cell in enumerate(cells) if not isinstance(cell, str | int | float) or cell == ""), None)
        if bad is not None:
            message = f"row {bad + 1} of column `{short(name)}` of `{file.path}` holds {short(str(cells[bad]))}"
            raise run_error("E1109", message, file.span, help=("cells are words or numbers",))
    return listing(zip(*columns, strict=True), len(labels), lambda row: f"row {row + 1} of `{file.path}`")
