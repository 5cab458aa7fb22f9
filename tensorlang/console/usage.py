"""Wrong use of the command line or the prompt, as a problem with a code and the nearest right spelling."""

from __future__ import annotations

from collections.abc import Iterable

from tensorlang.diagnostics import CompileError, diagnostic, nearest


class Usage(CompileError):
    """What was asked for cannot be understood; exit code 2."""


def usage(code: str, message: str, *help: str) -> Usage:
    """A ``Usage`` of one problem."""
    return Usage([diagnostic(code, message, help=help)])


def suggestion(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """``did you mean `--epochs`?``, where a known word is near."""
    found = nearest(word, known)
    return (f"did you mean `{found}`?",) if found else ()
