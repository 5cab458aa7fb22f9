"""Arithmetic on indices as linear forms with bounds: how far an entry reaches, and where an access stays inside.

In: entries of tensors (``t-1``, ``2*x+dx``, ``x/2``) and the sizes of indices known so far. Out: bounds as sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tensorlang.ir.domain import Size
from tensorlang.records import dataclass
from tensorlang.sema.resolved import (
    Access,
    Addition,
    Along,
    Entity,
    Extent,
    Flat,
    FromEnd,
    Function,
    Multiplication,
    Place,
    Poison,
    Raise,
    Reduction,
    Resolved,
    Value,
)

SizeOf = Callable[[str], Size | None]


@dataclass(frozen=True, slots=True)
class Linear:
    """``sum(coefficients * index) + offset``; ``low`` and ``high`` bound it over the whole ranges of its indices."""

    coefficients: dict[str, int]
    offset: Size
    low: Size
    high: Size


def linear(node: Resolved, size_of: SizeOf, unknown: str | None = None) -> Linear | None:
    """The linear form of an entry; None where it is none or a size is missing. ``unknown`` counts as 0 in bounds."""
    match node:
        case Value(value=value):
            return _constant(Size.of(value)) if isinstance(value, int | Size) else None
        case Extent(index=index):
            size = size_of(index)
            return None if size is None else _constant(size)
        case Place(index=index):
            return _place(index, size_of, unknown)
        case Flat(indices=indices):
            return _flat(indices, size_of)
        case Addition(terms=terms):
            total = _constant(Size.of(0))
            for sign, term in terms:
                part = linear(term, size_of, unknown)
                if part is None:
                    return None
                total = _add(total, _scale(part, sign))
            return total
        case Multiplication(factors=factors):
            return _multiply([linear(factor, size_of, unknown) for factor in factors])
        case Raise() | Function() | Access() | Reduction() | Along() | FromEnd() | Poison() | Entity():
            return None


def _constant(size: Size) -> Linear:
    return Linear({}, size, size, size)


def _place(index: str, size_of: SizeOf, unknown: str | None) -> Linear | None:
    zero = Size.of(0)
    if index == unknown:
        return Linear({index: 1}, zero, zero, zero)
    size = size_of(index)
    return None if size is None else Linear({index: 1}, zero, zero, size - 1)


def _flat(indices: tuple[str, ...], size_of: SizeOf) -> Linear | None:
    total = Size.of(1)
    for index in indices:
        size = size_of(index)
        if size is None:
            return None
        total = total * size
    return Linear({}, Size.of(0), Size.of(0), total - 1)


def _add(a: Linear, b: Linear) -> Linear:
    coefficients = dict(a.coefficients)
    for index, coefficient in b.coefficients.items():
        coefficients[index] = coefficients.get(index, 0) + coefficient
    return Linear(coefficients, a.offset + b.offset, a.low + b.low, a.high + b.high)


def _scale(a: Linear, scale: int) -> Linear:
    low, high = a.low * scale, a.high * scale
    if scale < 0:
        low, high = high, low
    return Linear({index: c * scale for index, c in a.coefficients.items()}, a.offset * scale, low, high)


def _multiply(parts: list[Linear | None]) -> Linear | None:
    result = _constant(Size.of(1))
    for part in parts:
        if part is None:
            return None
        if not part.coefficients and part.offset.constant is not None and part.low == part.high:
            result = _scale(result, part.offset.constant)
        elif not result.coefficients and result.offset.constant is not None and result.low == result.high:
            result = _scale(part, result.offset.constant)
        elif not part.coefficients and not result.coefficients and part.low == part.high and result.low == result.high:
            result = _constant(result.offset * part.offset)
        else:
            return None
    return result


def valid_range(
    entry: Resolved, name: str, size: Size, size_of: SizeOf
) -> tuple[Size, Size] | Literal["unknown"] | None:
    """The lowest and highest value of ``name`` for which an access at ``entry`` of an axis of ``size`` is inside.

    "unknown" while another index has no size yet; None where the entry does not bound the index (``t % 4``, a gather).
    """
    if isinstance(entry, Function) and entry.op == "floordiv" and isinstance(entry.args[1], Value):
        divisor = entry.args[1].value
        if isinstance(divisor, int) and divisor > 0:
            return valid_range(entry.args[0], name, size * divisor, size_of)
        if isinstance(divisor, Size):
            return valid_range(entry.args[0], name, size * divisor, size_of)
        return None
    if isinstance(entry, Function | Access):
        return None
    form = linear(entry, size_of, unknown=name)
    if form is None:
        return "unknown"
    scale = form.coefficients.get(name, 0)
    if scale == 0:
        return None
    room_below, room_above = -form.low, size - 1 - form.high
    if scale < 0:
        room_below, room_above = -room_above, -room_below
    step = abs(scale)
    return -((-room_below) // step), room_above // step
