"""``tensorlang fmt``: programs in the one layout. A file is replaced at once and whole, or not at all."""

from __future__ import annotations

import argparse
import difflib

from tensorlang.cli.programs import STDIN, program_files, read
from tensorlang.console.streams import FINE, WRONG, Console, wants_colour, wrong_program
from tensorlang.console.writing import replace_text
from tensorlang.diagnostics import CompileError
from tensorlang.options import Options

USAGE = "FILES [--check] [--diff]"
ABOUT = """
There is one layout and no option of it. Comments stay where they are; the meaning of a program never changes.
With --check or --diff nothing is written, and the exit code is 1 where a file would change.

examples:
  tensorlang fmt model.tl
  tensorlang fmt --check .              every .tl file below the folder, for continuous integration
  tensorlang fmt - < model.tl           from stdin to stdout
"""
_DIFF = {"+": "\033[32m", "-": "\033[31m", "@": "\033[36m"}


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("FILES", nargs="+", help="programs, folders of programs, or - for stdin")
    parser.add_argument("--check", action="store_true", help="only say which files would change")
    parser.add_argument("--diff", action="store_true", help="only show what would change")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--quiet", action="store_true", help="do not say which files changed")


def act(given: argparse.Namespace, console: Console) -> int:
    files = program_files(given.FILES)
    worst, changed = FINE, []
    only_look = given.check or given.diff
    for path in files:
        try:
            before, after = _formatted(path)
        except CompileError as problem:
            console.complain(problem.diagnostics)
            worst = max(worst, wrong_program(problem))
            continue
        if path == STDIN and not only_look:
            console.document["text"] = after
            console.say(after.removesuffix("\n"))
        elif before != after:
            changed.append(path)
            _tell(path, before, after, given, console)
    console.document |= {"files": len(files), "changed": changed}
    if only_look and changed:
        worst = max(worst, WRONG)
    _summary(len(files), len(changed), only_look, worst, console)
    return worst


def _formatted(path: str) -> tuple[str, str]:
    from tensorlang.syntax.format import format_text

    source = read(path, Options())
    return source.text, format_text(source)


def _tell(path: str, before: str, after: str, given: argparse.Namespace, console: Console) -> None:
    """Show or write the new text of one file."""
    if given.diff:
        console.say(_difference(path, before, after, wants_colour(console.out)))
    elif given.check:
        console.say(f"would change {path}")
    else:
        replace_text(path, after)
        console.remark(f"changed {path}")


def _summary(files: int, changed: int, only_look: bool, worst: int, console: Console) -> None:
    if only_look and worst == FINE:
        console.remark(f"{files} {'file has' if files == 1 else 'files have'} the layout already")
    elif only_look and changed and files > 1:
        console.remark(f"{changed} of {files} files would change")


def _difference(path: str, before: str, after: str, colour: bool) -> str:
    lines = list(
        difflib.unified_diff(before.splitlines(), after.splitlines(), path, f"{path} (formatted)", lineterm="")
    )
    if before.splitlines() == after.splitlines():
        lines = [f"--- {path}", f"+++ {path} (formatted)", "only the ends of lines differ"]
    if colour:
        lines = [f"{_DIFF[line[0]]}{line}\033[0m" if line[:1] in _DIFF else line for line in lines]
    return "\n".join(lines)
