"""A program that grows statement by statement: what the REPL and notebooks hold.

In: pieces of text. Out: the values of what they defined or asked. A name that is defined again is replaced, an error
leaves everything as it was, and parameters keep their trained values as long as their shape stays.
"""

from __future__ import annotations

from typing import Any

from tensorlang.options import Options
from tensorlang.report import Reporter, Value


class Session:
    """Statements entered so far, the inputs given, and the parameters.

    ``run`` raises ``CompileError``/``RunError`` and then has changed nothing.
    """

    def __init__(self, options: Options | None = None, folder: str | None = None) -> None:
        self.options = options or Options()
        self.folder = folder

    def run(self, text: str, reporter: Reporter | None = None) -> tuple[Value, ...]:
        """Add statements; returns the values of the tensors they define and of their queries, in order.

        A value that cannot be computed yet has ``data`` None and ``missing`` names what it waits for. ``reporter`` is told
        of notes, progress and failed assertions as they happen.
        """
        raise AssertionError(text)

    def load(self, path: str, reporter: Reporter | None = None) -> tuple[Value, ...]:
        """Add the statements of a file; its folder becomes the session's when none was given."""
        raise AssertionError(path)

    def set(self, name: str, value: Any) -> None:
        """Give an input its value (a tensor, an array or a number)."""
        raise AssertionError(name)

    def __getitem__(self, name: str) -> Any:
        """The value of a tensor."""
        raise AssertionError(name)

    def value(self, name: str) -> Value:
        """The value of a tensor with the labels of its axes."""
        raise AssertionError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that may be used: tensors, dims, consts and modules, in the order of the text."""
        raise AssertionError

    def type(self, name: str) -> str:
        """One line about a name: ``Q[b,t,d]  float  2 x 5 x 64  defined``."""
        raise AssertionError(name)

    def explain(self, name: str | None = None, stage: str = "program") -> str:
        """The program, or one tensor, after a stage."""
        raise AssertionError(name)

    @property
    def text(self) -> str:
        """All statements entered so far, as one program (``:save`` writes it)."""
        raise AssertionError

    def reset(self) -> None:
        """Forget everything."""
        raise AssertionError
