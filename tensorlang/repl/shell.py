"""One conversation: a session, the console it speaks to, and what each entry does.

In: the text of one entry. Out: values on the console. A mistake, an interruption and even a fault of ours leave the
session as it was.
"""

from __future__ import annotations

import time

from tensorlang.console.reporters import Teller
from tensorlang.console.streams import Console
from tensorlang.diagnostics import CompileError, Problems
from tensorlang.display import show
from tensorlang.options import Options
from tensorlang.records import dataclass, field
from tensorlang.repl.entry import split
from tensorlang.report import Value
from tensorlang.session import Session
from tensorlang.source import Source
from tensorlang.syntax import ast

HABITS = {"exit": ":quit", "quit": ":quit", "help": ":help"}  # what people type elsewhere


@dataclass(slots=True)
class Shell:
    """``mistakes`` counts entries that failed, ``timed`` shows how long each took, ``own`` are files it may replace."""

    session: Session
    console: Console
    teller: Teller
    mistakes: int = 0
    timed: bool = False
    done: bool = False
    own: set[str] = field(default_factory=set)

    @staticmethod
    def of(options: Options, console: Console) -> Shell:
        import os

        return Shell(Session(options, os.getcwd()), console, Teller(console))

    def feed(self, text: str) -> None:
        """Do what was entered: statements, commands, or a pasted transcript of both."""
        for entry in split(text):
            if self.done:
                break
            self._guarded(entry)

    def _guarded(self, entry: str) -> None:
        started, timed = time.perf_counter(), self.timed
        self.console.complained = False
        try:
            self.act(entry)
        except CompileError as problem:
            self.mistakes += 1
            self.teller.close()
            self.console.complain(problem.diagnostics)
        except KeyboardInterrupt:
            self.mistakes += 1
            self.teller.close()
            self.console.remark("interrupted; everything is as it was")
        except BrokenPipeError:
            raise
        except Exception as fault:
            from tensorlang.console.faults import report

            self.mistakes += 1
            self.teller.close()
            report(fault, self.console)
        if timed and self.timed:
            self.console.remark(f"{time.perf_counter() - started:.3f} s")

    def act(self, entry: str) -> None:
        """One entry; raises what goes wrong."""
        bare = entry.strip()
        if bare.startswith(":") or (bare in HABITS and bare not in self.session.names):
            from tensorlang.repl.commands import obey

            obey(self, HABITS.get(bare, bare))
        else:
            values = self.session.run(as_statement(entry), self.teller)
            if not entry.rstrip().endswith(";"):
                self.show(values)

    def load(self, path: str) -> None:
        """The statements of a file; problems are told, not raised."""
        self._guarded(f":load {path}")

    def show(self, values: tuple[Value, ...]) -> None:
        for value in values:
            self.console.say(show(value, self.console.width))


def as_statement(entry: str) -> str:
    """A bare expression asks for its value: ``Y[0]`` is ``Y[0]?``, and so is ``relu(x)``, which is no fact."""
    tree = _parsed(entry)
    asks = _parsed(f"{entry}?") is not None if tree is None else _applies_function(tree)
    return f"{entry}?" if asks else entry


def _applies_function(tree: ast.File) -> bool:
    from tensorlang.ops import ALONG, POINTWISE, REDUCTIONS

    match tree.statements:
        case (ast.Rule(head=ast.Call(target=ast.Name(name=name)), body=()),):
            return name in POINTWISE or name in REDUCTIONS or name in ALONG
    return False


def _parsed(text: str) -> ast.File | None:
    from tensorlang.syntax.parse import parse

    problems = Problems()
    tree = parse(Source("<entry>", text), problems)
    return None if problems.errors else tree
