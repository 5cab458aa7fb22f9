"""Terms and comparisons over columns. Whole numbers that outgrow 64 bits are noticed, never wrapped around.

A term may have no value (division of whole numbers by 0, a real result that is not a number); then its row does not
hold. Operands of two kinds are computed as reals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tensorlang.ir.rules import Arithmetic, Comparison, Constant, Term, Variable
from tensorlang.logic.layouts import Column

Mask = NDArray[np.bool_]
_LARGEST = (1 << 63) - 1


class Overflow(Exception):
    """A whole number outgrew 64 bits."""


def value(term: Term, columns: Mapping[str, Column], count: int) -> tuple[Column, Mask | None]:
    """A term's value on each of ``count`` rows, and where it has one (None: everywhere)."""
    match term:
        case Variable(name):
            return columns[name], None
        case Constant(number):
            return np.full(count, number, np.float64 if isinstance(number, float) else np.int64), None
        case Arithmetic(operator, terms):
            inner = [value(part, columns, count) for part in terms]
            arrays = [array for array, _ in inner]
            if any(array.dtype == np.float64 for array in arrays):
                result, there = _real(operator, [array.astype(np.float64, copy=False) for array in arrays])
            else:
                result, there = _whole(operator, arrays)
            for _, present in inner:
                there = _both(there, present)
            return result, there


def holds(comparison: Comparison, columns: Mapping[str, Column], count: int) -> Mask:
    """On which rows a comparison is true."""
    left, left_there = value(comparison.left, columns, count)
    right, right_there = value(comparison.right, columns, count)
    true: Mask = _COMPARISONS[comparison.operator](left, right)
    there = _both(left_there, right_there)
    return true if there is None else true & there


_COMPARISONS: dict[str, Callable[[Column, Column], Mask]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _both(first: Mask | None, second: Mask | None) -> Mask | None:
    if first is None or second is None:
        return second if first is None else first
    return first & second


def _real(operator: str, terms: list[Column]) -> tuple[Column, Mask | None]:
    with np.errstate(all="ignore"):
        if operator == "/":
            result = np.divide(*terms)
        elif operator == "%":
            result = np.mod(*terms)
        else:
            result = _PLAIN[operator](*terms)
    missing = np.isnan(result)
    return result, ~missing if missing.any() else None


def _whole(operator: str, terms: list[Column]) -> tuple[Column, Mask | None]:
    if operator in ("/", "%"):
        there = terms[1] != 0
        divisor = np.where(there, terms[1], 1)
        if operator == "/":
            _require_room(_extent(terms[0]) if (divisor == -1).any() else 0)
        with np.errstate(all="ignore"):
            result = (np.floor_divide if operator == "/" else np.mod)(terms[0], divisor)
        return result, None if there.all() else there
    if operator == "*":
        _check_product(terms[0], terms[1])
    elif operator in ("+", "-"):
        if sum(_extent(term) for term in terms) > _LARGEST:
            _check_sum(operator, terms[0], terms[1])
    elif operator in ("neg", "abs"):
        _require_room(_extent(terms[0]))
    return _PLAIN[operator](*terms), None


_PLAIN: dict[str, Callable[..., Column]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "min": np.minimum,
    "max": np.maximum,
    "neg": np.negative,
    "abs": np.absolute,
}


def _extent(values: Column) -> int:
    """The largest absolute value."""
    return max(abs(int(values.min())), abs(int(values.max()))) if len(values) else 0


def _require_room(extent: int) -> None:
    if extent > _LARGEST:
        raise Overflow


def _check_sum(operator: str, left: Column, right: Column) -> None:
    with np.errstate(all="ignore"):
        result = _PLAIN[operator](left, right)
    wrapped = (left ^ result) & ((right if operator == "+" else ~right) ^ result)
    if (wrapped < 0).any():
        raise Overflow


def _check_product(left: Column, right: Column) -> None:
    if _extent(left) * _extent(right) <= _LARGEST:
        return
    # where the real product is far from the border, its word is good; the few others are multiplied exactly
    near = np.abs(left.astype(np.float64) * right.astype(np.float64)) > 9.2e18
    for a, b in zip(left[near].tolist(), right[near].tolist(), strict=True):
        if not -_LARGEST - 1 <= a * b <= _LARGEST:
            raise Overflow
