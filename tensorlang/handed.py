"""Relations from Python objects: rows, arrays, sparse tensors, graphs, data frames.

In: what the caller of the compiler gives for a declared relation. Out: a ``Giver``, which makes a ``Listing`` of it
once the names of the relation's places are known. No library is imported: objects are told by what they can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tensorlang.diagnostics import Problems
from tensorlang.ir.listing import Cell, Giver, Listing, listing
from tensorlang.source import Span

KINDS = "rows (tuples of words and numbers), an integer array [rows, places], a sparse tensor, a graph, or a data frame"


def givers(relations: Mapping[str, Any] | None) -> dict[str, Giver]:
    """What a caller gives, by relation."""
    return {name: _giver(name, value) for name, value in (relations or {}).items()}


def _giver(name: str, value: Any) -> Giver:
    def give(labels: Sequence[str], span: Span, problems: Problems) -> Listing | None:
        try:
            rows = list(_rows(value, labels))
        except _UnfitError as wrong:
            problems.error("E1121", f"what is given for `{name}` {wrong}", span, help=[f"it can be {KINDS}"])
            return None
        for at, row in enumerate(rows):
            wrong_cell = _wrong(row, len(labels))
            if wrong_cell:
                problems.error("E1121", f"row {at} of what is given for `{name}` {wrong_cell}", span)
                return None
        return listing(rows, len(labels), lambda row: f"row {row} of what is given for `{name}`")

    return give


class _UnfitError(Exception):
    """What is wrong with what was given, in words."""


def _wrong(row: Sequence[Any], places: int) -> str:
    if len(row) != places:
        return f"has {len(row)} cells, the relation has {places} place{'' if places == 1 else 's'}"
    for cell in row:
        if isinstance(cell, bool) or not isinstance(cell, str | int | float) or cell == "" or cell != cell:
            return f"holds {cell!r}, which is neither a word nor a number"
    return ""


def _rows(value: Any, labels: Sequence[str]) -> Iterable[Sequence[Cell]]:
    """The rows of any of the known kinds."""
    if hasattr(value, "columns") and hasattr(value, "__getitem__") and not isinstance(value, Mapping):
        return _of_frame(value, labels)
    if hasattr(value, "edges") and hasattr(value, "nodes"):
        return [tuple(edge)[: len(labels)] for edge in value.edges()]
    if getattr(value, "is_sparse", False) or "sparse_cs" in str(getattr(value, "layout", "")):
        coalesced = (value if value.is_sparse else value.to_sparse_coo()).coalesce()
        return [tuple(row) for row in coalesced.indices().t().tolist()]
    if hasattr(value, "tocoo"):
        found = value.tocoo()
        return list(zip(found.row.tolist(), found.col.tolist(), strict=True))
    if hasattr(value, "tolist") and hasattr(value, "shape"):
        return _of_array(value, labels)
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise _UnfitError(f"is a {type(value).__name__}")
    return [_row(row, labels) for row in value]


def _row(row: Any, labels: Sequence[str]) -> Sequence[Cell]:
    if isinstance(row, Mapping):
        missing = [label for label in labels if label not in row]
        if missing:
            raise _UnfitError(f"has a row without `{missing[0]}`")
        return [_plain(row[label]) for label in labels]
    if isinstance(row, str | int | float) or not isinstance(row, Iterable):
        return [_plain(row)]
    return [_plain(cell) for cell in row]


def _plain(cell: Any) -> Any:
    """A number of another library as Python's own."""
    return cell.item() if hasattr(cell, "item") and not isinstance(cell, str) else cell


def _of_frame(frame: Any, labels: Sequence[str]) -> Iterable[Sequence[Cell]]:
    """A data frame: columns by the places' names where it has them, else in their order."""
    names = [str(name) for name in frame.columns]
    chosen = list(labels) if len(set(labels)) == len(labels) and set(labels) <= set(names) else names
    if len(chosen) != len(labels):
        raise _UnfitError(f"has the columns {', '.join(names)}, the relation the places {', '.join(labels)}")
    order = [list(frame.columns)[names.index(name)] for name in chosen]
    columns = [frame[name] for name in order]
    return list(zip(*(c.to_list() if hasattr(c, "to_list") else c.tolist() for c in columns), strict=True))


def _of_array(array: Any, labels: Sequence[str]) -> Iterable[Sequence[Cell]]:
    """Rows of an array; one of truth values at all positions gives the positions where it is true."""
    shape = tuple(array.shape)
    if "bool" in str(array.dtype):
        if len(shape) != len(labels):
            raise _UnfitError(f"has {len(shape)} axes, the relation {len(labels)} places")
        found = array.nonzero()
        rows = found.tolist() if hasattr(found, "tolist") else list(zip(*(c.tolist() for c in found), strict=True))
        return [tuple(row) for row in rows]
    if len(shape) == 1 and len(labels) == 1:
        return [(cell,) for cell in array.tolist()]
    if len(shape) != 2 or shape[1] != len(labels):
        raise _UnfitError(f"is {' x '.join(map(str, shape))}, expected rows of {len(labels)}")
    return [tuple(row) for row in array.tolist()]
