"""Where a command speaks: results to stdout, problems and remarks to stderr, or one JSON document.

In: texts, problems, results. Out: the two streams of the process. Colour is decided here, once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from tensorlang.console.usage import usage
from tensorlang.records import dataclass, field

if TYPE_CHECKING:
    from tensorlang.diagnostics import CompileError, Diagnostic

FINE, WRONG, MISUSED, BUG, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 70, 130, 141

# Codes that blame the command line, not the program: options, sizes and names given from outside, unreadable programs.
_MISUSE = ("E0310", "E0611", "E0615", "E0616", "E0618", "E0619", "E10")


def wrong_program(problem: CompileError) -> int:
    """1 where the program is at fault, 2 where the way it was called is."""
    return MISUSED if all(found.code.startswith(_MISUSE) for found in problem.diagnostics) else WRONG


def wants_colour(stream: TextIO) -> bool:
    """NO_COLOR, then FORCE_COLOR, then whether it is a terminal that knows colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


@dataclass(slots=True)
class Console:
    """The streams of one command. ``document`` is what ``--json`` prints in the end: results are put there."""

    out: TextIO
    err: TextIO
    json: bool = False
    debug: bool = False
    quiet: bool = False
    complained: bool = False
    document: dict[str, object] = field(default_factory=dict)
    problems: list[dict[str, object]] = field(default_factory=list)

    @staticmethod
    def of_process(arguments: Sequence[str]) -> Console:
        """The process's streams; flags are looked up in the raw arguments, since reading those may itself fail."""
        given = arguments[: arguments.index("--")] if "--" in arguments else arguments
        out, err = _usable(sys.stdout), _usable(sys.stderr)
        return Console(out, err, "--json" in given, "--debug" in given, "--quiet" in given)

    @property
    def width(self) -> int:
        """Columns of the output; 100 where it is no terminal."""
        if not self.out.isatty():
            return 100
        from shutil import get_terminal_size

        return max(40, get_terminal_size((100, 24)).columns)

    def say(self, text: str) -> None:
        """A result; dropped under ``--json``, where results go into the document."""
        if not self.json:
            self._write(text + "\n")

    def _write(self, text: str = "") -> None:
        """To stdout; a full disk is no fault of ours."""
        try:
            self.out.write(text)
            if not text:
                self.out.flush()
        except BrokenPipeError:
            raise
        except OSError as problem:
            self.out, self.json = _nowhere(), False
            silence_stdout()
            reason = (problem.strerror or str(problem)).lower()
            raise usage("E1007", f"the answers cannot be written to stdout: {reason}") from None

    def remark(self, text: str) -> None:
        """One line that is no result: what was written, what was left out."""
        if not self.json and not self.quiet:
            print(text, file=self.err)

    def complain(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Draw problems, or keep them for the document."""
        from tensorlang.diagnostics import render, to_json

        found = list(diagnostics)
        if self.json:
            self.problems += [to_json(problem) for problem in found]
        elif found:
            self.out.flush()
            blank = "\n" if self.complained else ""
            self.complained = True
            print(blank + render(found, wants_colour(self.err)), file=self.err, flush=True)

    def finish(self, code: int) -> int:
        """Print the document, if one was asked for, flush, and hand the code back."""
        if self.json:
            import json

            whole = {"ok": code == FINE, "exit_code": code, "problems": self.problems} | self.document
            self._write(json.dumps(whole, ensure_ascii=False, allow_nan=False) + "\n")
        self._write()
        return code


def _usable(stream: TextIO | None) -> TextIO:
    """A stream that can be written whatever the text; where the process has none, nowhere."""
    if stream is None:
        return _nowhere()
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def silence_stdout() -> None:
    """After a broken pipe: whatever the interpreter still flushes at its end goes nowhere, without a complaint."""
    if sys.stdout is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
