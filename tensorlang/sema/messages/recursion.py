"""Prose for problems with tensors that need themselves: recurrences, fixed points, circles (E052x)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensorlang.diagnostics import Problems
from tensorlang.sema.messages.names import did_you_mean
from tensorlang.source import Span


def fixpoint_of_unknown(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    help_ = did_you_mean(name, known) or ["a `fixpoint` names tensors that are defined by equations of the same block"]
    problems.error("E0201", f"`{name}` is neither defined nor declared", (span, "named here"), help=help_)


def unknown_setting(problems: Problems, span: Span, name: str, known: Sequence[str]) -> None:
    help_ = did_you_mean(name, known) or [f"the settings are {', '.join(known)}"]
    problems.error("E0520", f"a fixed point has no setting `{name}`", span, help=help_)


def setting_value(problems: Problems, span: Span, name: str, wanted: str) -> None:
    problems.error("E0520", f"`{name}` is {wanted}", (span, f"found `{span.text}`"))


def setting_word(problems: Problems, span: Span, name: str, written: str, known: Sequence[str]) -> None:
    help_ = did_you_mean(written, known) or [f"write {' or '.join(f'`{name} {word}`' for word in known)}"]
    problems.error("E0520", f"`{name}` is {' or '.join(known)}", (span, f"found `{span.text}`"), help=help_)


def setting_twice(problems: Problems, span: Span, name: str, first: Span) -> None:
    problems.error("E0520", f"`{name}` is set twice", (span, "again here"), (first, "first here"))


def circle_asked_twice(problems: Problems, span: Span, first: Span) -> None:
    problems.error(
        "E0520",
        "two declarations are of one circle of equations",
        (span, "this one"),
        (first, "and this one"),
        help=["name the tensors in one of them"],
    )


def no_circle(problems: Problems, span: Span, names: Sequence[str]) -> None:
    verb = "needs itself" if len(names) == 1 else "need each other in a circle"
    problems.warning(
        "W0520",
        f"nothing here {verb}: {', '.join(f'`{name}`' for name in names)}",
        (span, "there is nothing to iterate"),
        help=["leave the declaration out, or let an equation read the tensor that it defines"],
    )


def fixpoint_not_real(problems: Problems, span: Span, name: str, element: str, asked: Span) -> None:
    what = "truth values" if element == "bool" else "whole numbers"
    problems.error(
        "E0521",
        f"`{name}` holds {what}, which do not settle little by little",
        (span, f"of type {element}"),
        (asked, "iterated here"),
        help=[
            "join them by `min=`, `max=`, `or=` or `and=`, which end exactly",
            "or let the tensor hold real numbers",
        ],
    )


def counted_integers(problems: Problems, span: Span, name: str, element: str) -> None:
    problems.error(
        "E0522",
        f"`{name}` is declared as {element}, and its circle counts on from the infinity that it starts at",
        (span, "an infinity is a real number"),
        help=["declare it as float, or leave the type out"],
    )
