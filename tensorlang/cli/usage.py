"""Commands and options that do not exist, with those that do."""

from __future__ import annotations

from collections.abc import Iterable

from tensorlang.cli.page import COMMANDS
from tensorlang.console.usage import Usage, suggestion, usage


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
