"""Codes of the meaning stage."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = ()
