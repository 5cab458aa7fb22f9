"""Codes of the syntax stage."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = tuple(Code(f"E01{number:02d}", "a statement that cannot be read", "") for number in range(1, 46))
