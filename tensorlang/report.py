"""What a running program has to say, and to whom: the ``Reporter`` that the command line, the REPL and tests implement.

In: values, notes, training progress, failed assertions, as they happen. The command line's two reporters, text with a
progress bar and one JSON document, stand in ``console/reporters.py``; what a value looks like in ``display.py``.
Values arrive as tensors on any device; this file imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from tensorlang.diagnostics import Diagnostic, diagnostic
from tensorlang.extracts import titled
from tensorlang.hypertext import value_html, waiting_html
from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor by name, with the labels and sizes of its axes. ``data`` is None where something it needs is not given.

    ``title`` is what was asked (``Y[0:3, :]``), or the name. ``sizes`` are numbers where known, else words (``n - 2``).
    ``words`` are the entities of the axes that are over some (empty: of none).
    """

    name: str
    title: str
    axes: tuple[str, ...]
    sizes: tuple[int | str, ...]
    dtype: str
    data: Any = None
    missing: tuple[str, ...] = ()
    words: tuple[Sequence[str] | None, ...] = ()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        title = titled(self.title, self.axes)
        if self.data is None:
            return waiting_html(title, self.missing)
        return value_html(title, self.axes, self.dtype, self.data)


class Values(tuple[Value, ...]):
    """Values in the order of what defined or asked for them."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return "".join(value._repr_html_() for value in self)


@dataclass(frozen=True, slots=True)
class Answers:
    """The bindings for which a query over relations holds: ``rows`` has ``count`` of them, or the first ones.

    A query without variables holds (``count`` 1) or does not (0).
    """

    title: str
    variables: tuple[str, ...]
    rows: tuple[tuple[str | int | float, ...], ...]
    count: int

    def __iter__(self) -> Iterator[tuple[str | int | float, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return self.count

    def __bool__(self) -> bool:
        return self.count > 0

    def dicts(self) -> list[dict[str, str | int | float]]:
        """The rows as dictionaries, as data frames take them."""
        return [dict(zip(self.variables, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Failure:
    """An assertion that does not hold: the title, and the sides (where it compares two) at the worst element.

    ``at`` are the positions of that element by index name, ``count`` of ``total`` elements fail.
    """

    title: str
    place: str
    count: int
    total: int
    at: tuple[tuple[str, int], ...]
    sides: tuple[Any, ...]
    operator: str | None = None


@dataclass(frozen=True, slots=True)
class TestResult:
    name: str
    place: str
    failures: tuple[Failure, ...]
    error: str | None = None

    @property
    def passed(self) -> bool:
        return not self.failures and self.error is None


def as_problem(failure: Failure) -> Diagnostic:
    """A failed assertion as an error, for those who wanted it to hold."""
    notes = [f"at {failure.place}"]
    if failure.total > 1:
        notes.append(f"{failure.count} of {failure.total} elements fail")
    where = ", ".join(f"{name} = {position}" for name, position in failure.at)
    if len(failure.sides) == 2:
        left, right = failure.sides
        notes.append(f"{f'the worst at {where}: ' if where else ''}the left side is {left}, the right side {right}")
    elif where:
        notes.append(f"the first at {where}")
    return diagnostic("E0617", f"assertion failed: {failure.title}", notes=notes)


class Reporter(Protocol):
    """Receives what a program says, in the order in which it happens."""

    def query(self, value: Value) -> None:
        """A query's answer, or an output of a program without actions."""

    def answers(self, answers: Answers) -> None:
        """The bindings of a query over relations."""

    def proof(self, title: str, lines: tuple[str, ...]) -> None:
        """A proof, as an indented tree; one line where there is none."""

    def note(self, text: str) -> None:
        """One line about what was done: a file written, parameters loaded, training stopped early."""

    def progress(self, loss: str, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        """Training: ``numbers`` has ``epoch``, ``loss``, ``rate`` (steps a second) and what the method adds."""

    def failed(self, failure: Failure) -> None:
        """An assertion outside a test does not hold."""

    def tested(self, result: TestResult) -> None:
        """A ``test`` block has run."""


class Silent:
    """A reporter for those who only want the results."""

    def query(self, value: Value) -> None:
        """Nothing."""

    def answers(self, answers: Answers) -> None:
        """Nothing."""

    def proof(self, title: str, lines: tuple[str, ...]) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def progress(self, loss: str, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        """Nothing."""

    def failed(self, failure: Failure) -> None:
        """Nothing."""

    def tested(self, result: TestResult) -> None:
        """Nothing."""
