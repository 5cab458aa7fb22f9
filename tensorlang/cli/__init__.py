"""The command line: ``tensorlang COMMAND ...``, one file of this folder a command.

In: the arguments. Out: an exit code: 0 fine, 1 the program is wrong or an assertion failed, 2 wrong use, 70 a bug in
tensorlang, 130 interrupted, 141 nobody reads what is printed. Results go to stdout, problems to stderr; with ``--json``
one document goes to stdout, also for errors. A command's file is imported only when it is called, and torch only by
those that compute.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from tensorlang.cli.page import COMMANDS, page
from tensorlang.cli.usage import unknown_command, unknown_option
from tensorlang.console.streams import BROKEN_PIPE, FINE, INTERRUPTED, Console, silence_stdout, wrong_program


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; nothing but the code leaves, whatever happens."""
    # Before torch loads: threads that spin while they wait make small steps several times slower on busy processors.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = Console.of_process(arguments)
    try:
        code = _guarded(lambda: _dispatch(arguments, console), console)
        return _guarded(lambda: console.finish(code), console)
    except BrokenPipeError:
        silence_stdout()
        return BROKEN_PIPE


def _guarded(act: Callable[[], int], console: Console) -> int:
    """What an act returns, or the exit code for what went wrong in it, which is told."""
    from tensorlang.diagnostics import CompileError

    try:
        return act()
    except CompileError as problem:
        console.complain(problem.diagnostics)
        return wrong_program(problem)
    except KeyboardInterrupt:
        console.remark("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as fault:
        from tensorlang.console.faults import report

        return report(fault, console)


def _dispatch(arguments: list[str], console: Console) -> int:
    if arguments and arguments[0] == "--debug":
        arguments = [*arguments[1:], "--debug"] if len(arguments) > 1 else []
    if not arguments or arguments[0] in ("--help", "-h") or arguments == ["help"]:
        console.say(page())
        return FINE
    if arguments[0] in ("--version", "-V"):
        from tensorlang import __version__

        console.say(f"tensorlang {__version__}")
        return FINE
    if arguments[0] == "help":
        arguments = [*arguments[1:], "--help"]
    name, rest = arguments[0], arguments[1:]
    if name.startswith("-"):
        raise unknown_option(name, ("--help", "--version", "--debug"), "tensorlang")
    if name not in COMMANDS:
        raise unknown_command(name)
    return _command(name, rest, console)


def _command(name: str, rest: list[str], console: Console) -> int:
    from tensorlang.cli.parser import HelpWanted, Parser

    module = import_module(f"tensorlang.cli.{name}")
    parser = Parser(name, module.USAGE, COMMANDS[name], module.ABOUT)
    module.declare(parser)
    try:
        given = parser.read(rest)
    except HelpWanted:
        console.say(parser.format_help().rstrip())
        return FINE
    code: int = module.act(given, console)
    return code


__all__ = ["main"]
