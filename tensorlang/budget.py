"""The limits on memory and work, checked on the plan before anything runs.

In: a plan, the sizes of a call, the limits. Out: nothing, or a ``RunError`` that names the largest tensor, its shape
and bytes, the limit and the flag that raises it.
"""

from __future__ import annotations

import math

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def in_bytes(number: int) -> str:
    """``1.5 GiB``, in the units that ``--limit-memory`` takes."""
    power = 0 if number < 1024 else min(len(_UNITS) - 1, int(math.log2(number) // 10))
    return f"{number / 1024**power:.3g} {_UNITS[power]}" if power else f"{number} bytes"
