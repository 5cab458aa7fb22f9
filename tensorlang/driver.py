"""The stages in order: text to tree to Program to Plan to source, and a program's actions from top to bottom.

In: a source, the caller's options and the program's folder. Out: what was found (``check``), a stage as text
(``explain``), or the results of a run. Importing this file and ``check``/``explain`` import no torch: only ``run`` and
``test`` do. Errors leave as ``CompileError`` or ``RunError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tensorlang.diagnostics import Problems
from tensorlang.options import Options
from tensorlang.report import Failure, Reporter, TestResult
from tensorlang.source import Source

if TYPE_CHECKING:
    from tensorlang.ir.program import Program
    from tensorlang.syntax import ast

__all__ = ["Checked", "Options", "Results", "check", "explain", "read_source", "run", "stages", "test"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A source after its check. ``program`` is None when ``problems`` holds errors."""

    source: Source
    file: ast.File
    program: Program | None
    problems: Problems


@dataclass(frozen=True, slots=True)
class Results:
    """A finished run. ``outputs`` holds what queries and outputs gave; ``exit_code`` is 1 when an assertion failed."""

    outputs: Mapping[str, Any] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    tests: tuple[TestResult, ...] = ()

    @property
    def exit_code(self) -> int:
        return 1 if self.failures or any(not test.passed for test in self.tests) else 0


def read_source(path: str, options: Options) -> Source:
    """The text of a program file (``CompileError`` when it cannot be read, is not UTF-8 or is over the limit)."""
    raise AssertionError(path)


def check(source: Source, options: Options, folder: str | None) -> Checked:
    """Parse and analyse; never raises on a wrong program: see ``problems``. ``folder`` is where its files may lie."""
    raise AssertionError(source)


def stages() -> tuple[str, ...]:
    """The names that ``explain`` accepts as a stage, in the order in which they run."""
    raise AssertionError


def explain(source: Source, options: Options, folder: str | None, name: str | None = None, stage: str = "program") -> str:
    """The program after a stage, as text; ``name`` narrows it to one tensor and what it is made of.

    Raises ``CompileError`` when the program is wrong or the name or stage is unknown.
    """
    raise AssertionError(source)


def run(
    source: Source,
    options: Options,
    folder: str | None,
    inputs: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> Results:
    """Compile and act from top to bottom; a program without actions shows its outputs.

    ``inputs`` are tensors, arrays or numbers by name (``options.inputs`` adds files). ``reporter`` is told everything as
    it happens (None: nothing is printed). Raises ``CompileError`` or ``RunError``.
    """
    raise AssertionError(source)


def test(
    source: Source,
    options: Options,
    folder: str | None,
    inputs: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> Results:
    """Run only the ``test`` blocks. Data and initial parameters are there; training outside of tests is not done."""
    raise AssertionError(source)
