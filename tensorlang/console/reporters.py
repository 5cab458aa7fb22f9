"""What a running program says, as text with a progress bar, or gathered for the JSON document.

In: the calls of a ``Reporter``. Out: answers on stdout, everything else on stderr (see ``report.py`` for the protocol).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tensorlang.console.streams import Console, wants_colour
from tensorlang.display import as_data, json_number, show, show_answers
from tensorlang.numerals import scalar
from tensorlang.report import Answers, Failure, TestResult, Value

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINES = 10  # lines of progress of one training where there is no terminal
_RED, _GREEN, _BOLD, _OFF = "\033[1;31m", "\033[32m", "\033[1m", "\033[0m"


def reporter_for(console: Console, log: bool = True) -> Teller | Gatherer:
    """``log`` says whether training shows lines of progress where there is no terminal for a bar."""
    return Gatherer(console.document) if console.json else Teller(console, log)


class Teller:
    """Says everything as it happens."""

    def __init__(self, console: Console, log: bool = True) -> None:
        self.console = console
        self.log = log
        self.colour = wants_colour(console.err)
        self._training: _Bar | _Log | None = None
        self._table_before: bool | None = None

    def query(self, value: Value) -> None:
        self._say(show(value, self.console.width))

    def _say(self, text: str) -> None:
        """Answers with more than one line stand apart."""
        self._end_training()
        table = "\n" in text
        if self._table_before is not None and (table or self._table_before):
            self.console.say("")
        self._table_before = table
        self.console.say(text)

    def answers(self, answers: Answers) -> None:
        self._say(show_answers(answers, self.console.width))

    def proof(self, title: str, lines: tuple[str, ...]) -> None:
        self._say("\n".join((title, *(f"  {line}" for line in lines))))

    def note(self, text: str) -> None:
        self._end_training()
        self.console.remark(text)

    def progress(self, loss: str, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        if self.console.quiet or not (self.log or self.console.err.isatty()):
            return
        if self._training is None or self._training.loss != loss or step < self._training.step:
            self._end_training()
            self._training = _Bar(self.console, loss) if self.console.err.isatty() else _Log(self.console, loss)
        self._training.show(step, steps, numbers)
        if step >= steps:
            self._end_training()

    def failed(self, failure: Failure) -> None:
        self._end_training()
        self.console.out.flush()
        print(self._paint(_RED, "assertion failed") + f": {failure.title}", file=self.console.err)
        print("\n".join(f"  {line}" for line in reasons(failure)), file=self.console.err)

    def tested(self, result: TestResult) -> None:
        self._end_training()
        if result.passed:
            if not self.console.quiet:
                self.console.say(f"{self._paint(_GREEN, 'passed')}  {result.name}")
            return
        self.console.say(f"{self._paint(_RED, 'failed')}  {result.name}")
        for failure in result.failures:
            self.console.say("\n".join(f"        {line}" for line in (failure.title, *reasons(failure))))
        if result.error is not None:
            self.console.say("\n".join(f"        {line}" for line in result.error.splitlines()))

    def close(self) -> None:
        """Take the progress bar away, also after an error."""
        self._end_training()

    def _end_training(self) -> None:
        if self._training is not None:
            self._training.close()
            self._training = None

    def _paint(self, style: str, text: str) -> str:
        return f"{style}{text}{_OFF}" if self.colour else text


def reasons(failure: Failure) -> list[str]:
    """Where an assertion stands, how much of it fails, and the two sides at the worst element."""
    lines = [f"at {failure.place}"] if failure.place else []
    if failure.total > 1:
        lines.append(f"{failure.count} of {failure.total} elements fail")
    where = ", ".join(f"{name} = {position}" for name, position in failure.at)
    if len(failure.sides) == 2:
        left, right = (scalar(side.tolist() if hasattr(side, "tolist") else side, "float64") for side in failure.sides)
        lines.append(f"{f'the worst at {where}: ' if where else ''}the left side is {left}, the right side {right}")
    elif where:
        lines.append(f"the first at {where}")
    return lines


class _Bar:
    """A progress bar on a terminal."""

    def __init__(self, console: Console, loss: str) -> None:
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.loss, self.step = loss, 0
        self._numbers: Mapping[str, float] = {}
        self._steps = 0
        self._terminal = console.err
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
        screen = Terminal(file=console.err, no_color=not wants_colour(console.err))
        self._progress: Progress = Progress(*columns, TimeRemainingColumn(), console=screen, transient=True)
        self._task: TaskID = self._progress.add_task(loss, total=None, said="")
        self._progress.start()

    def show(self, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        self.step, self._steps, self._numbers = step, steps, numbers
        self._progress.update(self._task, completed=step, total=steps, said=_said(step, steps, numbers, self.loss))

    def close(self) -> None:
        self._progress.stop()
        print(f"{self.loss}  {_said(self.step, self._steps, self._numbers, self.loss)}", file=self._terminal)


class _Log:
    """A few lines where there is no terminal."""

    def __init__(self, console: Console, loss: str) -> None:
        self.loss, self.step = loss, 0
        self._console = console
        self._next = 0

    def show(self, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        self.step = step
        if step >= self._next or step >= steps:
            self._next = step + max(1, steps // LINES)
            self._console.remark(f"{self.loss}  {_said(step, steps, numbers, self.loss)}")

    def close(self) -> None:
        """Nothing to take away."""


def _said(step: int, steps: int, numbers: Mapping[str, float], loss: str) -> str:
    """``step 40/400  epoch 2  loss 0.1234  52 steps/s``."""
    words = [f"step {step}/{steps}"] if steps else [f"step {step}"]
    for name, value in numbers.items():
        if name == "rate":
            continue
        if name.endswith("/s"):
            words.append(f"{value:,.0f} {name}")
        else:
            words.append(f"{name} {int(value) if name == 'epoch' else f'{value:.4g}'}")
    if numbers.get("rate") and "rows/s" not in numbers:
        words.append(f"{numbers['rate']:.3g} steps/s")
    return "  ".join(words)


class Gatherer:
    """Keeps everything for the JSON document."""

    def __init__(self, document: dict[str, object]) -> None:
        self._answers: list[object] = []
        self._notes: list[str] = []
        self._training: dict[str, dict[str, object]] = {}
        self._failures: list[object] = []
        self._tests: list[object] = []
        document |= {
            "answers": self._answers,
            "notes": self._notes,
            "training": self._training,
            "failures": self._failures,
            "tests": self._tests,
        }

    def query(self, value: Value) -> None:
        self._answers.append(as_data(value))

    def answers(self, answers: Answers) -> None:
        rows = [list(row) for row in answers.rows]
        given = {"rows": rows} if answers.variables else {"holds": answers.count > 0}
        self._answers.append({"title": answers.title, "variables": list(answers.variables), **given})

    def proof(self, title: str, lines: tuple[str, ...]) -> None:
        self._answers.append({"title": title, "proof": list(lines)})

    def note(self, text: str) -> None:
        self._notes.append(text)

    def progress(self, loss: str, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        said = {name: json_number(value) for name, value in numbers.items()}
        self._training[loss] = {"step": step, "steps": steps, **said}

    def failed(self, failure: Failure) -> None:
        self._failures.append(_failure_data(failure))

    def tested(self, result: TestResult) -> None:
        self._tests.append(
            {
                "name": result.name,
                "place": result.place,
                "passed": result.passed,
                "failures": [_failure_data(failure) for failure in result.failures],
                "error": result.error,
            }
        )

    def close(self) -> None:
        """Nothing to take away."""


def _failure_data(failure: Failure) -> dict[str, Any]:
    sides = [json_number(side.tolist() if hasattr(side, "tolist") else side) for side in failure.sides]
    return {
        "title": failure.title,
        "place": failure.place,
        "count": failure.count,
        "total": failure.total,
        "at": dict(failure.at),
        "operator": failure.operator,
        "sides": sides,
    }
