"""Aggregates by groups: one row for each group of rows that agree in all places but one.

Sums of real numbers run over their values in order, so they do not depend on how rows are ordered or entities numbered.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tensorlang.logic.computing import Overflow
from tensorlang.logic.layouts import Column, Keys, fitted
from tensorlang.logic.rows import Rows


def aggregated(operator: str, columns: Sequence[Column], place: int) -> Rows:
    """The rows of a head whose place ``place`` is an aggregate over the values that stand there.

    Equal rows count as often as they occur for ``sum`` and ``mean``, once for ``count``.
    """
    groups = [column for at, column in enumerate(columns) if at != place]
    layout, keys = fitted([*groups, columns[place]])
    keys = np.sort(keys)
    if operator == "count":
        keys = keys[np.append(True, keys[1:] != keys[:-1])]
    *groups, values = layout.decode(keys)
    starts = _starts(groups, len(keys))
    result = _reduced(operator, values, starts)
    kept = [group[starts] for group in groups]
    return Rows.of([*kept[:place], result, *kept[place:]])


def _starts(groups: Sequence[Column], count: int) -> Keys:
    first = np.zeros(count, dtype=bool)
    first[0] = True
    for group in groups:
        first[1:] |= group[1:] != group[:-1]
    return np.flatnonzero(first)


def _reduced(operator: str, values: Column, starts: Keys) -> Column:
    """Each group's aggregate; the values of a group are sorted."""
    ends: Keys = np.append(starts[1:], len(values))
    match operator:
        case "count":
            return ends - starts
        case "min":
            return values[starts]
        case "max":
            return values[ends - 1]
        case "sum":
            return _sums(values, starts)
        case "mean":
            means: Column = np.true_divide(_sums(values, starts), ends - starts)
            return means
    raise AssertionError(f"no aggregate {operator}")


def _sums(values: Column, starts: Keys) -> Column:
    if values.dtype != np.float64:
        largest = max(abs(int(values.min())), abs(int(values.max())))
        if largest * len(values) >= 1 << 63:
            return _exact_sums(values, starts)
    result: Column = np.add.reduceat(values, starts)
    return result


def _exact_sums(values: Column, starts: Keys) -> Column:
    sums = np.add.reduceat(values.astype(object), starts)
    if any(not -(1 << 63) <= total < 1 << 63 for total in sums):
        raise Overflow
    return sums.astype(np.int64)
