"""``tensorlang run``: a program from top to bottom, with its training, queries and files."""

from __future__ import annotations

import argparse

from tensorlang.cli.flags import count, memory, options_of, program_flags
from tensorlang.cli.programs import folder_of, read
from tensorlang.console.reporters import reporter_for
from tensorlang.console.streams import FINE, WRONG, Console

USAGE = "FILE [options]"
ABOUT = """
A program without a query prints its outputs. Paths behind options count from where you stand, those in a program from
its own folder.

examples:
  tensorlang run digits.tl
  tensorlang run digits.tl --epochs 5 --seed 1 --set rate=0.01
  tensorlang run attention.tl --input X=x.npy --dim d=64 --json
  tensorlang run long.tl --checkpoint state.safetensors       and, after an interruption,
  tensorlang run long.tl --checkpoint state.safetensors --resume state.safetensors
"""


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("FILE", help="a program, or - for stdin")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--quiet", action="store_true", help="answers and problems only")
    program_flags(parser)
    training = parser.add_argument_group("training")
    training.add_argument("--epochs", type=count, help="instead of the number in every `minimize`")
    training.add_argument("--checkpoint", metavar="FILE", help="keep the state of the training in this file")
    training.add_argument(
        "--memory-budget", default=0, type=memory, metavar="SIZE", help="bytes that a gradient may keep: 512M, 2G"
    )
    training.add_argument("--resume", metavar="FILE", help="go on from such a file")


def act(given: argparse.Namespace, console: Console) -> int:
    from tensorlang.driver import run

    options = options_of(given, console, quiet=given.quiet)
    source = read(given.FILE, options)
    reporter = reporter_for(console)
    try:
        results = run(source, options, folder_of(given.FILE), reporter=reporter)
    finally:
        reporter.close()
    return WRONG if results.exit_code else FINE
