"""How far the reading of a large file has come: one line on the terminal, which goes when the file is read.

In: the path of a file, the bytes read so far and in all (``Options.progress``). Out: stderr. A file that is read
at once shows nothing.
"""

from __future__ import annotations

import time

from tensorlang.console.streams import Console

_PATIENCE = 0.5  # seconds after which something is shown
_PAUSE = 0.1  # seconds between changes of the line
_CLEAR = "\r\033[K"


def shows_reading(console: Console) -> bool:
    """Only a terminal shows progress, and only where results are not for programs."""
    return console.err.isatty() and not console.quiet and not console.json


class Reading:
    """The line of one file after the other."""

    def __init__(self, console: Console) -> None:
        self.err = console.err
        self._path = ""
        self._next = 0.0
        self._shown = False

    def __call__(self, path: str, done: int, total: int) -> None:
        now = time.monotonic()
        if path != self._path:
            self._path, self._next = path, now + _PATIENCE
        if done >= total:
            self._end()
        elif now >= self._next:
            self._next, self._shown = now + _PAUSE, True
            self.err.write(f"{_CLEAR}reading {path}  {done / total:.0%}")
            self.err.flush()

    def _end(self) -> None:
        self._path = ""
        if self._shown:
            self._shown = False
            self.err.write(_CLEAR)
            self.err.flush()
