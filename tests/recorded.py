"""Recorded output: how the tests of examples and documents compare what is printed with what was written down.

Words and layout must agree up to spaces; numbers must agree up to a tolerance, so that another processor's rounding or
another machine's training run is no difference.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d,]*\.?\d*(?:[eE][-+]?\d+)?|inf|nan)(?![\w])")


def _split(line: str) -> tuple[str, list[str]]:
    """The words of a line with a mark for each number, and the numbers."""
    return " ".join(_NUMBER.sub("\N{NUMBER SIGN}", line).split()), _NUMBER.findall(line)


def difference(found: str, expected: str, tolerance: float = 1e-3) -> str | None:
    """What is wrong with a printed text, or None. A number may be off by ``tolerance``, absolute and relative."""
    have, want = found.rstrip().splitlines(), expected.rstrip().splitlines()
    for at, (line, recorded) in enumerate(zip(have, want, strict=False), 1):
        words, numbers = _split(line)
        recorded_words, recorded_numbers = _split(recorded)
        same_count = len(numbers) == len(recorded_numbers)
        near = same_count and all(_near(a, b, tolerance) for a, b in zip(numbers, recorded_numbers, strict=True))
        if words != recorded_words or not near:
            return f"line {at} is\n  {line}\nand was recorded as\n  {recorded}"
    if len(have) != len(want):
        return f"{len(have)} lines are printed, {len(want)} were recorded; the text is\n{found}"
    return None


def _near(one: str, other: str, tolerance: float) -> bool:
    a, b = (float(text.replace(",", "")) for text in (one, other))
    return one == other or abs(a - b) <= tolerance * max(1.0, abs(b))
