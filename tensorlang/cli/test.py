"""``tensorlang test``: the ``test`` blocks and assertions of programs, with a line for each and a summary."""

from __future__ import annotations

import argparse

from tensorlang.cli.flags import options_of, program_flags
from tensorlang.cli.programs import folder_of, program_files, read
from tensorlang.console.reporters import Gatherer, Teller, reporter_for
from tensorlang.console.streams import FINE, WRONG, Console, wrong_program
from tensorlang.console.usage import usage
from tensorlang.diagnostics import CompileError
from tensorlang.driver import Results
from tensorlang.options import Options

USAGE = "PATHS [options]"
ABOUT = """
Training outside of tests is left out, unless a test or an assertion depends on it. The exit code is 1 where
anything fails.

examples:
  tensorlang test layers.tl
  tensorlang test .                     every .tl file below the folder
"""


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("PATHS", nargs="+", help="programs, or folders of programs")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--quiet", action="store_true", help="say only what fails")
    program_flags(parser)


def act(given: argparse.Namespace, console: Console) -> int:
    options = options_of(given, console, quiet=given.quiet)
    reporter = reporter_for(console, log=False)
    files = program_files(given.PATHS)
    passed = failed = broken = tested = 0
    worst = FINE
    for path in files:
        try:
            results = _test(path, options, reporter)
        except CompileError as problem:
            console.complain(problem.diagnostics)
            worst = max(worst, wrong_program(problem))
            broken += 1
            continue
        good = sum(result.passed for result in results.tests)
        passed += good
        failed += len(results.tests) - good + len(results.failures)
        tested += bool(results.tests or results.failures)
    if not (passed or failed or broken):
        raise usage("E1009", f"there are no tests in {', '.join(f'`{path}`' for path in given.PATHS)}")
    console.document["summary"] = {"passed": passed, "failed": failed, "files": tested, "broken": broken}
    console.say(_summary(passed, failed, broken, tested + broken))
    return max(worst, WRONG if failed else FINE)


def _test(path: str, options: Options, reporter: Teller | Gatherer) -> Results:
    from tensorlang.driver import test

    try:
        return test(read(path, options), options, folder_of(path), reporter=reporter)
    finally:
        reporter.close()


def _summary(passed: int, failed: int, broken: int, files: int) -> str:
    """``4 passed, 1 failed in 2 programs``."""
    words = [f"{passed} passed"] if passed or not failed else []
    words += [f"{failed} failed"] if failed else []
    words += [f"{broken} {'program is' if broken == 1 else 'programs are'} wrong"] if broken else []
    return f"{', '.join(words)} in {files} {'program' if files == 1 else 'programs'}"
