"""``tensorlang inspect``: what an exported file takes and gives, and where it is from; nothing of it is run."""

from __future__ import annotations

import argparse
import json

from tensorlang.console.streams import FINE, Console
from tensorlang.limits import Limits

USAGE = "OUT.pt|OUT.py"
ABOUT = """
Reads the signature that `tensorlang compile` puts into its files.

example:
  tensorlang inspect model.pt
"""


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("FILE", help="a file written by `tensorlang compile`")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def act(given: argparse.Namespace, console: Console) -> int:
    from tensorlang.data.files import chosen
    from tensorlang.signature import read_signature

    access, name = chosen(given.FILE, Limits())
    with access.open_read(name, None) as stream:
        found = read_signature(stream, given.FILE)
    console.document["signature"] = json.loads(found.json())
    console.say("\n".join(found.lines()))
    return FINE
