"""``tensorlang latex``: the equations of a program for a paper."""

from __future__ import annotations

import argparse

from tensorlang.cli.flags import options_of, program_flags
from tensorlang.cli.programs import folder_of, read
from tensorlang.console.streams import FINE, Console

USAGE = "FILE [NAME] [--explicit]"
ABOUT = """
Prints an align* environment, which needs the package amsmath.

examples:
  tensorlang latex attention.tl                 the equations as they are written
  tensorlang latex attention.tl A --explicit    those of one tensor and what it is made of, every sum written out
"""


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("FILE", help="a program, or - for stdin")
    parser.add_argument("NAME", nargs="?", help="one tensor of the program")
    parser.add_argument("--explicit", action="store_true", help="write every sum out")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    program_flags(parser)


def act(given: argparse.Namespace, console: Console) -> int:
    from tensorlang.driver import check
    from tensorlang.stages import latex

    options = options_of(given, console)
    text = latex(check(read(given.FILE, options), options, folder_of(given.FILE)), given.NAME, given.explicit)
    console.document |= {"name": given.NAME, "text": text}
    console.say(text.removesuffix("\n"))
    return FINE
