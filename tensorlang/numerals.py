"""Numbers as text: one number with all the digits that count, or a table of them in one style.

In: Python numbers (``tolist`` of a tensor). Out: text. A number that is not 0 is never printed as 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

Style = Callable[[Any], str]

DIGITS = {"float64": 10, "bf16": 3}  # significant digits of a scalar; 6 for all others
IN_TABLE = 4  # significant digits of the largest number of a table


def scalar(number: Any, dtype: str) -> str:
    """One number: ``0.972``, ``3.0``, ``true``, ``1.5 + 2.0im``."""
    if isinstance(number, bool):
        return "true" if number else "false"
    if isinstance(number, complex):
        sign = "-" if math.copysign(1, number.imag) < 0 else "+"
        return f"{scalar(number.real, 'float')} {sign} {scalar(abs(number.imag), 'float')}im"
    if isinstance(number, int):
        return str(number)
    return _general(number, DIGITS.get(dtype, 6))


def _general(number: float, digits: int) -> str:
    text = f"{number:.{digits}g}"
    if not math.isfinite(number) or "." in text or "e" in text:
        return text
    return text + ".0"


def choose_style(numbers: Sequence[Any], dtype: str) -> Style:
    """How to write the numbers of one table, so that their points stand below each other."""
    if dtype == "bool":
        return lambda number: "T" if number else "."
    if any(isinstance(number, complex) for number in numbers):
        parts = choose_style([part for z in numbers for part in (z.real, z.imag)], "float")
        return lambda z: f"{parts(z.real)}{'-' if math.copysign(1, z.imag) < 0 else '+'}{parts(abs(z.imag))}im"
    if all(isinstance(number, int) for number in numbers):
        return str
    return _real_style([float(number) for number in numbers])


def _real_style(numbers: Sequence[float]) -> Style:
    sizes = [abs(number) for number in numbers if math.isfinite(number) and number != 0]
    if not sizes:
        return lambda number: _general(number, 1)
    largest, least = max(sizes), min(sizes)
    if largest >= 1e6 or largest < 1e-3:
        return lambda number: "0.0" if number == 0 else f"{number:.{IN_TABLE - 1}e}"
    decimals = max(1, IN_TABLE - 1 - math.floor(math.log10(largest)))
    if least < 0.5 * 10**-decimals:
        return lambda number: _general(number, IN_TABLE)
    while decimals > 1 and all(f"{size:.{decimals}f}".endswith("0") for size in sizes):
        decimals -= 1
    return lambda number: f"{number:.{decimals}f}"


__all__ = ["Style", "choose_style", "scalar"]
