"""Wrong use of the command line, as problems with codes and the nearest right spelling."""

from __future__ import annotations

from collections.abc import Iterable

from tensorlang.cli.page import COMMANDS
from tensorlang.diagnostics import CompileError, diagnostic, nearest


class Usage(CompileError):
    """The command line cannot be understood; exit code 2."""


def usage(code: str, message: str, *help: str) -> Usage:
    """A ``Usage`` of one problem."""
    return Usage([diagnostic(code, message, help=help)])


def suggestion(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """``did you mean `--epochs`?``, where a known word is near."""
    found = nearest(word, known)
    return (f"did you mean `{found}`?",) if found else ()


def unknown_command(word: str) -> Usage:
    help = suggestion(word, COMMANDS)
    if word.endswith(".tl"):
        help = (f"`tensorlang run {word}` runs a program, `tensorlang check {word}` looks for mistakes",)
    commands = ", ".join(f"`{name}`" for name in COMMANDS)
    return usage("E1001", f"there is no command `{word}`", *help, f"the commands are {commands}")


def unknown_option(word: str, known: Iterable[str], command: str) -> Usage:
    name = word.split("=")[0]
    help = suggestion(name, known)
    return usage("E1002", f"`{command}` has no option `{name}`", *help, f"`{command} --help` lists them")
