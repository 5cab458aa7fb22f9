"""Reading a command's arguments: argparse, with errors in our words and codes.

In: the words behind a command. Out: argparse's ``Namespace``, or ``Usage``, or ``HelpWanted``.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from tensorlang.cli.usage import unknown_option
from tensorlang.console.usage import usage


class HelpWanted(Exception):
    """``--help`` stands among the arguments."""


class Parser(argparse.ArgumentParser):
    """The parser of one command. ``usage`` is the line behind ``usage: tensorlang``."""

    def __init__(self, command: str, usage: str, title: str, about: str) -> None:
        super().__init__(
            prog=f"tensorlang {command}",
            usage=f"tensorlang {command} {usage}",
            description=title,
            epilog=about.strip(),
            formatter_class=_Layout,
            allow_abbrev=False,
            add_help=False,
        )
        self.command = command
        self.add_argument("--help", "-h", action=_Help, nargs=0, help=argparse.SUPPRESS)
        self.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments, every word of which must be understood."""
        given, left = self.parse_known_intermixed_args(_without_separator(list(words)))
        wrong = [word for word in left if word.startswith("-") and word != "-"]
        if wrong:
            known = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
            raise unknown_option(wrong[0], known, self.prog)
        if left:
            raise usage("E1004", f"`{self.prog}` does not know what to do with `{left[0]}`", f"usage: {self.usage}")
        return given

    def error(self, message: str) -> NoReturn:
        """argparse's complaint, said in our words."""
        missing = re.match(r"the following arguments are required: (.*)", message)
        if missing:
            raise usage("E1004", f"`{self.prog}` needs {missing[1]}", f"usage: {self.usage}")
        about = re.match(r"argument (--[\w-]+)(?:/\S+)?: (.*)", message, re.DOTALL)
        if about is None:
            raise usage("E1004", message, f"usage: {self.usage}")
        if about[2].startswith("expected"):
            raise usage("E1004", f"`{about[1]}` needs a value behind it", f"usage: {self.usage}")
        if about[2].startswith("ignored explicit argument"):
            raise usage("E1003", f"`{about[1]}` takes no value")
        raise usage("E1003", f"`{about[1]}`: {about[2]}")


def _without_separator(words: list[str]) -> list[str]:
    """Behind ``--`` everything is a file, whatever it starts with (argparse forgets ``--`` where words are mixed)."""
    if "--" not in words:
        return words
    at = words.index("--")
    return [*words[:at], *(f"./{word}" if word.startswith("-") else word for word in words[at + 1 :])]


class _Layout(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width, so that it reads the same everywhere."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


class _Help(argparse.Action):
    def __call__(self, *_: object) -> None:
        raise HelpWanted
