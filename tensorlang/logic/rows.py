"""The rows of one relation: sorted columns, and the arrangements of them that joins look rows up in.

A column is int64 (entities by position, whole numbers) or float64. Rows are sorted lexicographically and each stands
once, so equal relations have equal columns, whatever order their rows came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tensorlang.logic.layouts import Column, Keys, Layout, distinct, fitted

# what an arranged place holds: the column of a variable (by place of the relation), or a constant to be equal to
Pattern = tuple[tuple[str, int | float], ...]


class Rows:
    """The rows of a relation; ``columns`` is one array a place, ``count`` their length (0 or 1 without places)."""

    __slots__ = ("_arranged", "_distinct", "_index", "columns", "count")

    def __init__(self, columns: tuple[Column, ...], count: int) -> None:
        self.columns = columns
        self.count = count
        self._arranged: dict[object, Rows] = {}
        self._index: dict[int, Index] = {}
        self._distinct: dict[int, int] = {}

    @staticmethod
    def of(columns: Sequence[object], count: int | None = None) -> Rows:
        """Rows from any columns of numbers: sorted, each once. ``count`` says how many where there are no columns."""
        arrays = tuple(_column(column) for column in columns)
        if not arrays:
            return Rows((), min(1, count or 0))
        assert all(array.shape == arrays[0].shape and array.ndim == 1 for array in arrays), "columns of unequal length"
        layout, keys = fitted(arrays)
        return from_keys(layout, distinct(keys, layout.span))

    @staticmethod
    def none(kinds: Iterable[str]) -> Rows:
        """No rows of a relation with places of these kinds."""
        return Rows(tuple(np.empty(0, np.float64 if kind == "float" else np.int64) for kind in kinds), 0)

    def __len__(self) -> int:
        return self.count

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows):
            return NotImplemented
        same = self.count == other.count and len(self.columns) == len(other.columns)
        pairs = zip(self.columns, other.columns, strict=False)
        return same and all(a.dtype == b.dtype and bool(np.array_equal(a, b)) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Rows({self.count} x {len(self.columns)})"

    @property
    def bytes(self) -> int:
        return sum(column.nbytes for column in self.columns)

    def tuples(self) -> list[tuple[int | float, ...]]:
        """The rows as tuples of Python numbers."""
        if not self.columns:
            return [()] * self.count
        return list(zip(*(column.tolist() for column in self.columns), strict=True))

    def taken(self, chosen: NDArray[np.bool_]) -> Rows:
        """The rows where ``chosen`` holds; they stay sorted."""
        return Rows(tuple(column[chosen] for column in self.columns), int(np.count_nonzero(chosen)))

    def arranged(self, pattern: Pattern, order: tuple[int, ...]) -> Rows:
        """The rows that fit a pattern, as distinct rows of the places in ``order``.

        ``pattern`` says for each place ``("=", number)`` for a constant or ``("v", first)`` for a variable, ``first``
        being the first place where it stands.
        """
        key = (pattern, order)
        if key not in self._arranged:
            self._arranged[key] = self._arrange(pattern, order)
        return self._arranged[key]

    def _arrange(self, pattern: Pattern, order: tuple[int, ...]) -> Rows:
        chosen: NDArray[np.bool_] | None = None
        for place, (kind, value) in enumerate(pattern):
            if kind == "v" and value == place:
                continue
            fits = self.columns[place] == (value if kind == "=" else self.columns[int(value)])
            chosen = fits if chosen is None else chosen & fits
        rows = self if chosen is None or chosen.all() else self.taken(chosen)
        if order == tuple(range(len(self.columns))):
            return rows
        return Rows.of([rows.columns[place] for place in order], rows.count)

    def index(self, places: int) -> Index:
        """A way to look up rows by the values of their first ``places`` columns."""
        if places not in self._index:
            self._index[places] = Index(self, places)
        return self._index[places]

    def distinct(self, place: int) -> int:
        """How many values stand at a place."""
        if place not in self._distinct:
            values = self.columns[place]
            if place == 0:
                number = int(np.count_nonzero(values[1:] != values[:-1])) + min(1, self.count)
            else:
                layout, keys = fitted([values])
                number = len(distinct(keys, layout.span))
            self._distinct[place] = number
        return self._distinct[place]


class Index:
    """Where the rows with given values in the first places start, and how many they are.

    Where the keys are dense, by a table over all of them; otherwise by binary search among those that occur.
    """

    __slots__ = ("_keys", "_layout", "_starts", "most")

    def __init__(self, rows: Rows, places: int) -> None:
        self._layout, keys = fitted(rows.columns[:places])
        self._keys: Keys | None = None
        if self._layout.span <= 4 * rows.count + 1024:
            numbers = np.bincount(keys, minlength=self._layout.span)
            self._starts = np.zeros(self._layout.span + 1, np.int64)
            np.cumsum(numbers, out=self._starts[1:])
        else:
            first = np.ones(len(keys), dtype=bool)
            np.not_equal(keys[1:], keys[:-1], out=first[1:])
            self._keys = keys[first]
            self._starts = np.append(np.flatnonzero(first), rows.count)
        self.most = int(np.diff(self._starts).max()) if rows.count else 0

    def lookup(self, columns: Sequence[Column]) -> tuple[Keys, Keys]:
        """For each row of ``columns`` the first row that matches, and the number of those that do."""
        keys = self._layout.encode(columns)
        absent = keys < 0
        if self._keys is None:
            at = np.where(absent, 0, keys) if absent.any() else keys
        else:
            at = np.searchsorted(self._keys, keys)
            at[at == len(self._keys)] = 0
            absent = self._keys[at] != keys
        starts = self._starts[at]
        numbers = self._starts[at + 1] - starts
        numbers[absent] = 0
        return starts, numbers


def from_keys(layout: Layout, keys: Keys) -> Rows:
    """The rows of sorted, distinct keys."""
    return Rows(layout.decode(keys), len(keys))


def _column(values: object) -> Column:
    array = np.asarray(values)
    if array.dtype == np.float64 or array.dtype == np.int64:
        return array
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
