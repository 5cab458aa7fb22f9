"""``tensorlang check``: the mistakes of programs, without running them and without torch."""

from __future__ import annotations

import argparse

from tensorlang.cli.flags import check_flags, options_of, size
from tensorlang.cli.programs import folder_of, program_files, read
from tensorlang.console.streams import FINE, WRONG, Console, wrong_program
from tensorlang.diagnostics import CompileError, to_json
from tensorlang.options import Options

USAGE = "FILES [options]"
ABOUT = """
examples:
  tensorlang check model.tl
  tensorlang check examples/            every .tl file below the folder
  cat model.tl | tensorlang check -     a program from stdin
"""


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("FILES", nargs="+", help="programs, folders of programs, or - for stdin")
    parser.add_argument("--dim", action="append", default=[], type=size, metavar="d=64", help="the size of a `dim`")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--quiet", action="store_true", help="say nothing of programs without a mistake")
    check_flags(parser)


def act(given: argparse.Namespace, console: Console) -> int:
    options = options_of(given, console)
    worst, reports, mistakes = FINE, [], 0
    files = program_files(given.FILES)
    for path in files:
        code, found = _check(path, options, console)
        worst = max(worst, code)
        mistakes += sum(problem["severity"] == "error" for problem in found)
        reports.append({"file": path, "ok": code == FINE, "problems": found})
    console.document["files"] = reports
    said = f"{len(files)} {'program' if len(files) == 1 else 'programs'}"
    if worst == FINE and not console.quiet:
        console.say(f"{said}, no mistakes")
    elif worst != FINE and len(files) > 1:
        console.say(f"{said}, {mistakes} {'mistake' if mistakes == 1 else 'mistakes'}")
    return worst


def _check(path: str, options: Options, console: Console) -> tuple[int, list[dict[str, object]]]:
    """The exit code for one program, and its problems as plain data."""
    from tensorlang.driver import check

    try:
        checked = check(read(path, options), options, folder_of(path))
    except CompileError as problem:
        console.complain(problem.diagnostics)
        return wrong_program(problem), [to_json(found) for found in problem.diagnostics]
    console.complain(checked.problems.found)
    code = WRONG if checked.problems.errors else FINE
    return code, [to_json(found) for found in checked.problems.found]
