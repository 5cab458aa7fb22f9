"""``tensorlang compile``: a program as a file that runs without tensorlang."""

from __future__ import annotations

import argparse
from typing import Any

from tensorlang.cli.flags import options_of, program_flags
from tensorlang.cli.programs import folder_of, read
from tensorlang.console.streams import FINE, Console

USAGE = "FILE -o OUT.pt|OUT.py [options]"
ABOUT = """
A file that ends in .pt is TorchScript: it loads with torch.jit.load, and from C++. One that ends in .py is plain Python
that needs torch alone, with its weights beside it as .safetensors. Sizes that the program leaves open stay open.
The program's own training, queries and files are not run: give the weights with --load.

examples:
  tensorlang compile model.tl -o model.pt --load weights.safetensors --check
  tensorlang compile layer.tl -o layer.py --dim d=64
  tensorlang compile digits.tl -o digits.pt --output Guess --given TestImage     a function of images
  tensorlang inspect model.pt
"""


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("FILE", help="a program, or - for stdin")
    parser.add_argument("-o", dest="out", required=True, metavar="OUT", help="the file to write: OUT.pt or OUT.py")
    parser.add_argument("--output", dest="outputs", action="append", default=[], metavar="Y", help="return this tensor")
    parser.add_argument(
        "--given", action="append", default=[], metavar="X", help="data of the program that callers give instead"
    )
    parser.add_argument("--check", action="store_true", help="compare both on random inputs of several sizes")
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    program_flags(parser)


def act(given: argparse.Namespace, console: Console) -> int:
    from tensorlang.driver import compile_file

    options = options_of(given)
    source = read(given.FILE, options)
    outputs, data = tuple(given.outputs), tuple(given.given)
    made = compile_file(
        source, options, folder_of(given.FILE), given.out, outputs, data, tried=given.check, force=given.force
    )
    document: dict[str, Any] = {"files": list(made.files)}
    if made.trial is not None:
        sizes = [dict(sizes) for sizes in made.trial.sizes]
        document["check"] = {"difference": made.trial.difference, "sizes": sizes}
        tried = "; ".join(", ".join(f"{name}={size}" for name, size in chosen.items()) for chosen in sizes if chosen)
        console.say(f"largest difference {made.trial.difference:.2g}" + (f" at {tried}" if tried else ""))
    if made.strange:
        document["not_finite"] = list(made.strange)
        console.say(f"note: nan or infinite numbers in {', '.join(f'`{name}`' for name in made.strange)}")
    console.document |= document
    console.say(f"wrote {' and '.join(made.files)}")
    return FINE
