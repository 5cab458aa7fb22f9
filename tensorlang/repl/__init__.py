"""The prompt: statements and commands one by one, each answered at once.

In: options, perhaps a program to begin with, and what is typed. Out: values, problems, an exit code (1 where stdin is
no terminal and something was wrong, else 0). On a terminal prompt_toolkit edits the line, keeps the history and
completes; elsewhere lines are read as they come, so that a prompt can be scripted.
"""

from __future__ import annotations

import sys

from tensorlang.console.streams import FINE, WRONG, Console
from tensorlang.options import Options
from tensorlang.repl.shell import Shell


def start(options: Options, file: str | None, console: Console) -> int:
    """Run the prompt until its input ends or it is told to quit."""
    shell = Shell.of(options, console)
    if file is not None:
        shell.load(file)
    if sys.stdin.isatty() and sys.stdout.isatty():
        from tensorlang.repl.terminal import converse

        converse(shell)
        return FINE
    from tensorlang.repl.plain import entries

    for entry in entries(sys.stdin):
        shell.feed(entry)
        console.out.flush()
        if shell.done:
            break
    return WRONG if shell.mistakes else FINE


__all__ = ["Shell", "start"]
