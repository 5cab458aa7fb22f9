"""Codes of the running stage."""

from __future__ import annotations

from tensorlang.codes import command_line, files, learning
from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    *files.CODES,
    *learning.CODES,
    *command_line.CODES,
)
