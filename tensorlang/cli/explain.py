"""``tensorlang explain``: what a program means at any stage, or the long form of an error code."""

from __future__ import annotations

import argparse
import os
import re

from tensorlang.cli.flags import options_of, program_flags
from tensorlang.cli.programs import folder_of, read
from tensorlang.codes import CODES
from tensorlang.console.codes import long_form
from tensorlang.console.streams import FINE, Console, wants_colour
from tensorlang.console.usage import suggestion, usage

USAGE = "FILE [NAME] [--stage STAGE], or: tensorlang explain CODE"
ABOUT = """
examples:
  tensorlang explain model.tl                   every equation, each sum, size and element type written out
  tensorlang explain model.tl Loss              one tensor and what it is made of
  tensorlang explain model.tl --stage source    the PyTorch that it becomes
  tensorlang explain E0301                      what the code of an error means
"""


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("FILE", help="a program, - for stdin, or a code such as E0301")
    parser.add_argument("NAME", nargs="?", help="one tensor of the program")
    parser.add_argument("--stage", default="program", help="tree, program, a pass, plan or source (program)")
    parser.add_argument(
        "--pairs", action="append", default=[], metavar="R", help="as for a relation that is given on pairs"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    program_flags(parser)


def act(given: argparse.Namespace, console: Console) -> int:
    word = given.FILE.strip("[]")
    if re.fullmatch(r"[EeWw]\d{1,4}", word) and not os.path.exists(given.FILE):
        return _explain_code(word.upper(), console)
    from tensorlang.driver import explain

    options = options_of(given, console)
    source, pairs = read(given.FILE, options), tuple(given.pairs)
    text = explain(source, options, folder_of(given.FILE), given.NAME, given.stage, pairs)
    console.document |= {"stage": given.stage, "name": given.NAME, "text": text}
    console.say(text.removesuffix("\n"))
    return FINE


def _explain_code(word: str, console: Console) -> int:
    known = CODES.get(word)
    if known is None:
        near = [code for code in CODES if code.startswith(word[:3])]
        help = (f"codes of this kind: {', '.join(near[:12])}",) if near else suggestion(word, CODES)
        raise usage("E1008", f"there is no code `{word}`", *help)
    console.document["code"] = {
        "code": known.code,
        "title": known.title,
        "explanation": known.explanation,
        "example": known.example,
        "instead": known.instead,
    }
    console.say(long_form(known, wants_colour(console.out), min(console.width, 100)))
    return FINE
