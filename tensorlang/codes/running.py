"""Codes of the running stage."""

from __future__ import annotations

from tensorlang.codes import command_line, files, fixpoints, learning, rules
from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    *fixpoints.CODES,
    *rules.CODES,
    *files.CODES,
    *learning.CODES,
    *command_line.CODES,
)
