"""Problems are facts first (collected), pictures second (drawn): nothing here knows a stage.

In: codes, spans, words. Out: ``Problems`` that a stage reports to, the two exceptions that may leave the library,
and the drawing of a problem as text (with a caret under the very piece) or as plain data for ``--json``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from tensorlang.codes import CODES
from tensorlang.records import dataclass
from tensorlang.source import Source, Span


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what there is to say about it (may be empty: a bare caret)."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: ``labels[0]`` is the primary place, the others are what it clashes with."""

    code: str
    message: str
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    severity: str = "error"

    @property
    def span(self) -> Span | None:
        return self.labels[0].span if self.labels else None


class Problems:
    """Collects what stages report; the same code at the same place is kept once."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self._seen: set[tuple[object, ...]] = set()

    def report(self, problem: Diagnostic) -> None:
        assert problem.code in CODES, f"unlisted code {problem.code}"
        span = problem.span
        key = (problem.code, problem.message) if span is None else (problem.code, id(span.source), span.start, span.end)
        if key not in self._seen:
            self._seen.add(key)
            self.found.append(problem)

    def error(
        self,
        code: str,
        message: str,
        *places: Span | Label | tuple[Span, str] | None,
        notes: Iterable[str] = (),
        help: Iterable[str] = (),
    ) -> None:
        """Report an error; the first place is the primary one."""
        self.report(diagnostic(code, message, *places, notes=notes, help=help))

    def warning(
        self,
        code: str,
        message: str,
        *places: Span | Label | tuple[Span, str] | None,
        notes: Iterable[str] = (),
        help: Iterable[str] = (),
    ) -> None:
        self.report(diagnostic(code, message, *places, notes=notes, help=help, severity="warning"))

    @property
    def errors(self) -> list[Diagnostic]:
        return [problem for problem in self.found if problem.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        return [problem for problem in self.found if problem.severity == "warning"]

    def raise_errors(self) -> None:
        """Raise ``CompileError`` with everything found, if any of it is an error."""
        if self.errors:
            raise CompileError(self.errors)


def diagnostic(
    code: str,
    message: str,
    *places: Span | Label | tuple[Span, str] | None,
    notes: Iterable[str] = (),
    help: Iterable[str] = (),
    severity: str = "error",
) -> Diagnostic:
    """Build a ``Diagnostic``; places may be spans, ``(span, text)`` pairs or labels, and ``None`` is dropped."""
    labels = []
    for place in places:
        if isinstance(place, Span):
            labels.append(Label(place))
        elif isinstance(place, tuple):
            labels.append(Label(*place))
        elif place is not None:
            labels.append(place)
    return Diagnostic(code, message, tuple(labels), tuple(notes), tuple(help), severity)


class CompileError(Exception):
    """A program (or what was given to it) is wrong; ``diagnostics`` says how. Its text is the drawn problems."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(tuple(diagnostics))
        self.diagnostics = tuple(diagnostics)

    def __str__(self) -> str:
        return render(self.diagnostics)


class RunError(CompileError):
    """A well-formed program was given something that does not fit, or failed while it ran."""


def run_error(code: str, message: str, *places: Span | tuple[Span, str] | None, help: Iterable[str] = ()) -> RunError:
    """A ``RunError`` of one problem."""
    assert code in CODES, f"unlisted code {code}"
    return RunError([diagnostic(code, message, *places, help=help)])


# --- drawing -----------------------------------------------------------------------------------------------------

_COLOURS = {"error": "\033[1;31m", "warning": "\033[1;33m", "frame": "\033[1;34m", "bold": "\033[1m", "off": "\033[0m"}


def render(problems: Iterable[Diagnostic], colour: bool = False) -> str:
    """Draw problems as text, a blank line between two."""
    return "\n\n".join(_draw(problem, colour) for problem in problems)


def _paint(text: str, style: str, colour: bool) -> str:
    return f"{_COLOURS[style]}{text}{_COLOURS['off']}" if colour else text


def _draw(problem: Diagnostic, colour: bool) -> str:
    head = _paint(f"{problem.severity}[{problem.code}]", problem.severity, colour)
    lines = [f"{head}: {_paint(problem.message, 'bold', colour)}"]
    gutter = max((len(str(label.span.line)) for label in problem.labels), default=1)
    bar = _paint(f"{' ' * gutter} |", "frame", colour)
    for at, (source, labels) in enumerate(_by_source(problem.labels)):
        arrow = _paint(f"{' ' * gutter}{'-->' if at == 0 else ':::'}", "frame", colour)
        lines += [f"{arrow} {labels[0].span.place}", bar]
        for number, on_line in _by_line(labels):
            shown = source.line(number).replace("\t", " ")
            lines.append(f"{_paint(f'{number:>{gutter}} |', 'frame', colour)} {shown}".rstrip())
            lines += [f"{bar} {mark}" for mark in _carets(on_line, shown)]
    for word, texts in (("note", problem.notes), ("help", problem.help)):
        for text in texts:
            margin = " " * (gutter + 3 + len(word) + 2)
            equals = _paint(f"{' ' * gutter} =", "frame", colour)
            lines.append(f"{equals} {word}: " + text.replace("\n", "\n" + margin))
    return "\n".join(lines)


def _by_source(labels: Sequence[Label]) -> Iterator[tuple[Source, list[Label]]]:
    groups: dict[int, tuple[Source, list[Label]]] = {}
    for label in labels:
        groups.setdefault(id(label.span.source), (label.span.source, []))[1].append(label)
    yield from groups.values()


def _by_line(labels: Sequence[Label]) -> Iterator[tuple[int, list[Label]]]:
    lines: dict[int, list[Label]] = {}
    for label in labels:
        lines.setdefault(label.span.line, []).append(label)
    yield from sorted(lines.items())


def _width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _carets(labels: Sequence[Label], shown: str) -> list[str]:
    """The lines under a source line: carets, then each label's words, the rightmost first."""
    ordered = sorted(labels, key=lambda label: label.span.start)
    starts = [_width(shown[: label.span.column - 1]) for label in ordered]
    ends = []
    for label, start in zip(ordered, starts, strict=True):
        inside = shown[label.span.column - 1 :][: max(1, label.span.end - label.span.start)]
        ends.append(start + max(1, _width(inside)))
    row = [" "] * max(ends)
    for start, end in zip(starts, ends, strict=True):
        row[start:end] = "^" * (end - start)
    carets = "".join(row)
    if len(ordered) == 1:
        return [f"{carets} {ordered[0].text}".rstrip()]
    rows = [carets]
    for at in range(len(ordered) - 1, -1, -1):
        if ordered[at].text:
            stems = [" "] * starts[at]
            for start in starts[:at]:
                if start < starts[at]:
                    stems[start] = "|"
            rows.append("".join(stems) + ordered[at].text)
    return rows


def to_json(problem: Diagnostic) -> dict[str, object]:
    """A problem as plain data, the form of ``--json``."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "labels": [
            {
                "file": label.span.source.name,
                "line": label.span.line,
                "column": label.span.column,
                "length": label.span.end - label.span.start,
                "text": label.text,
            }
            for label in problem.labels
        ],
        "notes": list(problem.notes),
        "help": list(problem.help),
    }


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known spelling nearest to a misspelt word, if one is near enough to suggest."""
    import difflib

    candidates = sorted(set(known))
    for candidate in candidates:
        if candidate.lower() == word.lower():
            return candidate
    found = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    return found[0] if found else None
