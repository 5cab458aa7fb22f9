"""Rows as single whole numbers: several columns packed into one int64 key that sorts as the rows do.

A column's values count from its lowest, or, where the numbers would not fit into 62 bits, by their rank among those
that occur. Real numbers are ranked by their bits, which sort as they do; -0.0 is 0.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]
Keys = NDArray[np.int64]
SPAN = 1 << 62
_LOW_BITS = np.int64(0x7FFF_FFFF_FFFF_FFFF)


def ordered(column: Column) -> Keys:
    """Whole numbers that sort as the column's values do."""
    if column.dtype != np.float64:
        return column
    bits = (column + 0.0).view(np.int64)
    return bits ^ ((bits >> np.int64(63)) & _LOW_BITS)


def restored(keys: Keys, real: bool) -> Column:
    """The values that ``ordered`` made whole numbers of."""
    if not real:
        return keys
    return (keys ^ ((keys >> np.int64(63)) & _LOW_BITS)).view(np.float64)


def distinct(keys: Keys, span: int | None = None) -> Keys:
    """The keys, sorted, each once; ``span`` bounds those that count from 0."""
    if len(keys) < 2:
        return keys
    if span is not None and span <= 4 * len(keys):
        seen = np.zeros(span, dtype=bool)
        seen[keys] = True
        return np.flatnonzero(seen)
    keys = np.sort(keys)
    first = np.empty(len(keys), dtype=bool)
    first[0] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys if first.all() else keys[first]


@dataclass(frozen=True, slots=True)
class Digit:
    """One column of a key: ``size`` values from ``low`` on, or the sorted ``values``.

    ``before`` are the sorted keys of the columns so far where they had to be ranked to leave room for this one.
    """

    low: int
    size: int
    real: bool
    values: Keys | None = None
    before: Keys | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How columns become keys; ``span`` bounds the keys, which count from 0."""

    digits: tuple[Digit, ...]
    span: int

    def encode(self, columns: Sequence[Column]) -> Keys:
        """The keys of any rows; -1 for those that hold a value that the layout has no room for."""
        keys: Keys | None = None
        absent: NDArray[np.bool_] | None = None
        for digit, column in zip(self.digits, columns, strict=True):
            values, whole = _of_kind(column, digit.real)
            code, known = _code(digit, values)
            known = whole if known is None else known if whole is None else known & whole
            if keys is not None:
                if digit.before is not None:
                    keys, held = _rank(digit.before, keys)
                    known = held if known is None else known & held
                code = keys * digit.size + code
            keys = code
            if known is not None:
                absent = ~known if absent is None else absent | ~known
        assert keys is not None
        if absent is not None:
            keys = np.where(absent, np.int64(-1), keys)
        return keys

    def decode(self, keys: Keys) -> tuple[Column, ...]:
        columns = []
        for digit in reversed(self.digits[1:]):
            keys, code = np.divmod(keys, digit.size)
            columns.append(_value(digit, code))
            if digit.before is not None:
                keys = digit.before[keys]
        columns.append(_value(self.digits[0], keys))
        return tuple(reversed(columns))


def _of_kind(column: Column, real: bool) -> tuple[Keys, NDArray[np.bool_] | None]:
    """A column to be compared with one of real or of whole numbers, and which of its values can be equal to some."""
    if real or column.dtype != np.float64:
        return ordered(column.astype(np.float64, copy=False) if real else column), None
    whole = (np.floor(column) == column) & (np.abs(column) < 2.0**62)
    return np.where(whole, column, 0).astype(np.int64), whole


def _code(digit: Digit, values: Keys) -> tuple[Keys, NDArray[np.bool_] | None]:
    if digit.values is not None:
        return _rank(digit.values, values)
    if not len(values):
        return values, None
    low, high = int(values.min()), int(values.max())
    code = values - digit.low if digit.low else values
    if digit.low <= low and high < digit.low + digit.size:
        return code, None
    return code, (values >= digit.low) & (values < digit.low + digit.size)


def _rank(among: Keys, values: Keys) -> tuple[Keys, NDArray[np.bool_]]:
    """The positions of the values in a sorted array, and which of them are in it."""
    at = np.searchsorted(among, values)
    at[at == len(among)] = 0
    return at, (among[at] == values) if len(among) else np.zeros(len(values), dtype=bool)


def _value(digit: Digit, code: Keys) -> Column:
    if digit.values is not None:
        return restored(digit.values[code], digit.real)
    return restored(code + digit.low if digit.low else code, digit.real)


def fitted(columns: Sequence[Column], slack: bool = False) -> tuple[Layout, Keys]:
    """A layout that holds the rows, and their keys. ``slack`` leaves room for values beyond those that occur."""
    digits: list[Digit] = []
    keys: Keys | None = None
    span = 1
    for column in columns:
        values = ordered(column)
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
        low, high = _widened(low, high, slack and column.dtype != np.float64)
        real = column.dtype == np.float64
        digit, before = Digit(low, high - low + 1, real), None
        if digit.size >= SPAN:
            digit = _ranked(values, real)
        if keys is not None and span * digit.size >= SPAN:
            before = distinct(keys)
            keys, span = _rank(before, keys)[0], max(len(before), 1)
            if span * digit.size >= SPAN:
                digit = _ranked(values, real)
        if before is not None:
            digit = Digit(digit.low, digit.size, real, digit.values, before)
        code = _code(digit, values)[0]
        keys = code if keys is None else keys * digit.size + code
        span *= digit.size
        digits.append(digit)
    assert keys is not None
    return Layout(tuple(digits), span), keys


def _ranked(values: Keys, real: bool) -> Digit:
    known = distinct(values)
    return Digit(0, max(len(known), 1), real, known)


def _widened(low: int, high: int, slack: bool) -> tuple[int, int]:
    if 0 <= low <= high - low:  # nothing to subtract
        low = 0
    if slack:
        room = max(high - low, 15)
        low, high = (low if low >= 0 else low - room), high + room
    return low, high
