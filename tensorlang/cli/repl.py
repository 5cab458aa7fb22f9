"""``tensorlang repl``: the prompt, on a terminal or from plain stdin."""

from __future__ import annotations

import argparse

from tensorlang.cli.flags import options_of, program_flags
from tensorlang.console.streams import Console

USAGE = "[FILE] [options]"
ABOUT = """
An equation shows its value at once, a name that is defined again is replaced, and :help lists the commands. Where stdin
is no terminal, statements are read from it without a prompt, and the exit code is 1 if one of them was wrong.

examples:
  tensorlang repl
  tensorlang repl model.tl              with everything of the program defined
  echo 'Y = 2 + 3' | tensorlang repl
"""


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("FILE", nargs="?", help="a program to begin with")
    parser.add_argument("--quiet", action="store_true", help="no greeting and no remarks")
    program_flags(parser)


def act(given: argparse.Namespace, console: Console) -> int:
    from tensorlang.repl import start

    return start(options_of(given, console, quiet=given.quiet), given.FILE, console)
