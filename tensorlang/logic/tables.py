"""Relations while they grow: sets of rows as packed keys, and best values by group.

A ``Table`` holds its rows in runs, none in two of them; small runs are merged into ones of about their size, so that a
row is moved a logarithmic number of times. Whether a row is new is asked of a table of flags for all possible rows
where that is small, and of the sorted runs otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tensorlang.logic.layouts import Column, Keys, Layout, distinct, fitted
from tensorlang.logic.rows import Rows, from_keys

_TABLE = 1 << 27  # the most rows that are told apart by a table of flags


@dataclass(slots=True)
class Table:
    """The rows of a relation without best values."""

    kinds: tuple[str, ...]
    _layout: Layout | None = None
    _flags: NDArray[np.bool_] | None = None
    _runs: list[Keys] = field(default_factory=list)
    _rows: list[Rows] = field(default_factory=list)
    count: int = 0

    def add(self, columns: Sequence[Column], count: int) -> Rows:
        """Add rows (any order, any number of times); what comes back are those that are new."""
        if not count:
            return Rows.none(self.kinds)
        if not columns:
            fresh = Rows((), 1 - self.count)
            self.count = 1
            return fresh
        keys = self._encoded(columns)
        assert self._layout is not None
        if self._runs and self._flags is None and self._layout.span <= _TABLE:
            self._flag()
        if self._flags is not None:
            keys = distinct(keys[~self._flags[keys]], self._layout.span)
            self._flags[keys] = True
        else:
            keys = distinct(keys, self._layout.span)
            for run in self._runs:
                keys = keys[~_among(run, keys)]
        self.count += len(keys)
        if len(keys):
            self._runs.append(keys)
        return from_keys(self._layout, keys)

    @property
    def bytes(self) -> int:
        return 8 * self.count * (1 + len(self.kinds)) + (0 if self._flags is None else self._flags.nbytes // 8)

    def runs(self) -> list[Rows]:
        """All rows, in disjoint runs."""
        if not self.kinds:
            return [Rows((), self.count)]
        assert self._layout is not None or not self._runs
        self._merge()
        for keys in self._runs[len(self._rows) :]:
            assert self._layout is not None
            self._rows.append(from_keys(self._layout, keys))
        return list(self._rows)

    def all(self) -> Rows:
        """All rows."""
        if not self.kinds:
            return Rows((), self.count)
        if self._layout is None or not self._runs:
            return Rows.none(self.kinds)
        if len(self._runs) == 1:
            return from_keys(self._layout, self._runs[0])
        if self._flags is not None and self._layout.span < 64 * self.count:
            return from_keys(self._layout, np.flatnonzero(self._flags))
        return from_keys(self._layout, np.sort(np.concatenate(self._runs), kind="stable"))

    def _merge(self) -> None:
        """Merge runs from the small end until each is more than twice the next."""
        runs = self._runs
        while len(runs) > 1 and len(runs[-2]) <= 2 * len(runs[-1]):
            last = runs.pop()
            runs[-1] = np.sort(np.concatenate([runs[-1], last]), kind="stable")
            del self._rows[len(runs) - 1 :]

    def _encoded(self, columns: Sequence[Column]) -> Keys:
        if self._layout is not None:
            keys = self._layout.encode(columns)
            if not (keys < 0).any():
                if self._flags is None:
                    self._merge()
                return keys
        return self._refitted(columns)

    def _refitted(self, columns: Sequence[Column]) -> Keys:
        """A layout with room for old and new rows."""
        old = self.all()
        together = [np.concatenate(pair) for pair in zip(old.columns, columns, strict=True)]
        self._layout, keys = fitted(together, slack=self._layout is not None)
        self._runs = [keys[: old.count]] if old.count else []
        self._rows = []
        self._flags = None
        return keys[old.count :]

    def _flag(self) -> None:
        """Begin the table of flags: not before there are rows to tell others from, since its pages cost their time."""
        assert self._layout is not None
        self._flags = np.zeros(self._layout.span, dtype=bool)
        for keys in self._runs:
            self._flags[keys] = True


def _among(run: Keys, keys: Keys) -> NDArray[np.bool_]:
    """Which of the sorted keys are in a sorted run."""
    at = np.searchsorted(run, keys)
    at[at == len(run)] = 0
    held: NDArray[np.bool_] = run[at] == keys
    return held


@dataclass(slots=True)
class Best:
    """The rows of a relation that holds the best value of each group: the smallest, or the largest, at ``place``."""

    kinds: tuple[str, ...]
    place: int
    largest: bool
    _layout: Layout | None = None
    _keys: Keys | None = None
    _values: Column | None = None
    _present: NDArray[np.bool_] | None = None

    def add(self, columns: Sequence[Column], count: int) -> Rows:
        """Add rows; what comes back are the best of those that are better than what was known of their group."""
        if not count:
            return Rows.none(self.kinds)
        values = columns[self.place]
        values = values.astype(np.float64 if self.kinds[self.place] == "float" else np.int64, copy=False)
        groups = [column for at, column in enumerate(columns) if at != self.place]
        keys = self._encoded(groups, len(values))
        assert self._values is not None
        assert self._present is not None
        at = keys if self._keys is None else np.searchsorted(self._keys, keys)
        better = values > self._values[at] if self.largest else values < self._values[at]
        better |= ~self._present[at]
        at, values = at[better], values[better]
        changed = distinct(at, len(self._values))
        unknown = changed[~self._present[changed]]
        self._values[unknown] = self._worst()
        self._present[unknown] = True
        (np.maximum if self.largest else np.minimum).at(self._values, at, values)
        return self._rows(changed)

    @property
    def bytes(self) -> int:
        return 0 if self._values is None else 17 * len(self._values)

    @property
    def count(self) -> int:
        return 0 if self._present is None else int(np.count_nonzero(self._present))

    def runs(self) -> list[Rows]:
        return [self.all()]

    def all(self) -> Rows:
        """All groups with their best values."""
        if self._present is None:
            return Rows.none(self.kinds)
        return self._rows(np.flatnonzero(self._present))

    def _rows(self, at: Keys) -> Rows:
        assert self._values is not None
        values = self._values[at]
        if self._layout is None:
            return Rows((values,), len(at))
        groups = self._layout.decode(at if self._keys is None else self._keys[at])
        columns = (*groups[: self.place], values, *groups[self.place :])
        return Rows(columns, len(at))

    def _worst(self) -> int | float:
        if self._values is not None and self._values.dtype == np.float64:
            return -np.inf if self.largest else np.inf
        limits = np.iinfo(np.int64)
        return limits.min if self.largest else limits.max

    def _encoded(self, groups: Sequence[Column], count: int) -> Keys:
        """Where the groups stand, after room was made for those that are new."""
        if not groups:
            if self._values is None:
                self._allocate(1)
            return np.zeros(count, np.int64)
        keys = None if self._layout is None else self._layout.encode(groups)
        if keys is None or (keys < 0).any():
            keys = self._refitted(groups)
        if self._keys is not None:
            self._insert(distinct(keys))
        return keys

    def _refitted(self, groups: Sequence[Column]) -> Keys:
        old = self.all()
        known = [column for at, column in enumerate(old.columns) if at != self.place]
        together = [np.concatenate(pair) for pair in zip(known, groups, strict=True)]
        self._layout, keys = fitted(together, slack=self._layout is not None)
        mine, keys = keys[: old.count], keys[old.count :]
        if self._layout.span <= 1 << 23:
            self._keys = None
            self._allocate(self._layout.span)
            at = mine
        else:
            self._keys = np.sort(mine)
            self._allocate(len(mine))
            at = np.searchsorted(self._keys, mine)
        assert self._values is not None
        assert self._present is not None
        self._values[at] = old.columns[self.place]
        self._present[at] = True
        return keys

    def _allocate(self, size: int) -> None:
        self._values = np.zeros(size, np.float64 if self.kinds[self.place] == "float" else np.int64)
        self._present = np.zeros(size, dtype=bool)

    def _insert(self, keys: Keys) -> None:
        """Room for groups that are not held yet."""
        assert self._keys is not None
        assert self._values is not None
        assert self._present is not None
        if len(self._keys):
            keys = keys[~_among(self._keys, keys)]
        at = np.searchsorted(self._keys, keys)
        self._keys = np.insert(self._keys, at, keys)
        self._values = np.insert(self._values, at, 0)
        self._present = np.insert(self._present, at, False)
