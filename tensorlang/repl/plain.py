"""Entries from stdin where it is no terminal: files, pipes, scripts that talk to the prompt.

In: a stream. Out: one entry after another. A line that starts with an operator or ``where`` belongs to the statement
before it, so a finished statement waits for the next line, but only where that line is there already: a script that
reads each answer before it writes on gets it.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from typing import TextIO

from tensorlang.repl.entry import begins_anew, continues, goes_on, in_block

PATIENCE = 0.05  # seconds until a statement counts as finished where nothing follows


class Lines:
    """The lines of a stream, with a look at the next one where it has arrived."""

    def __init__(self, stream: TextIO) -> None:
        try:
            self._handle: int | None = stream.fileno()
        except (OSError, ValueError):
            self._handle = None
        self._bytes = b"" if self._handle is not None else stream.read().encode()
        self._ended = self._handle is None

    def next(self) -> str | None:
        """The next line without its end; None after the last."""
        while b"\n" not in self._bytes and not self._ended:
            self._more()
        if not self._bytes:
            return None
        line, _, self._bytes = self._bytes.partition(b"\n")
        return _text(line)

    def look(self) -> str | None:
        """The next line if it is there, without taking it."""
        while b"\n" not in self._bytes and not self._ended and self._waiting():
            self._more()
        if b"\n" in self._bytes or (self._ended and self._bytes):
            return _text(self._bytes.partition(b"\n")[0])
        return None

    def _waiting(self) -> bool:
        assert self._handle is not None
        return bool(select.select([self._handle], [], [], PATIENCE)[0])

    def _more(self) -> None:
        assert self._handle is not None
        piece = os.read(self._handle, 1 << 16)
        self._bytes += piece
        self._ended = not piece


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").rstrip("\r")


def entries(stream: TextIO) -> Iterator[str]:
    """Each entry as soon as it is known to be whole."""
    lines = Lines(stream)
    while (entry := lines.next()) is not None:
        while not entry.lstrip().startswith(":") and _wants_more(entry, lines):
            more = lines.next()
            if more is None:
                break
            entry += "\n" + more
            if not more.strip() and not _follows_indented(lines):
                break
        if entry.strip():
            yield entry


def _wants_more(entry: str, lines: Lines) -> bool:
    following = lines.look()
    if continues(entry):
        return following is None or not begins_anew(following)
    if in_block(entry):
        return following is None or not following.strip() or following[0].isspace()
    return following is not None and goes_on(entry, following)


def _follows_indented(lines: Lines) -> bool:
    """Whether a block goes on behind a blank line."""
    following = lines.look()
    return following is not None and bool(following.strip()) and following[0].isspace()
