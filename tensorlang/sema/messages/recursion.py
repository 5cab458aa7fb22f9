"""Prose for problems with tensors that need themselves: recurrences, fixed points, circles (E052x)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensorlang.diagnostics import Problems
from tensorlang.records import dataclass
from tensorlang.sema.messages.names import did_you_mean
from tensorlang.sema.scope import TensorInfo
from tensorlang.source import Span


def declared_of_unknown(problems: Problems, span: Span, keyword: str, name: str, known: Iterable[str]) -> None:
    help_ = did_you_mean(name, known)
    help_ = help_ or [f"a `{keyword}` names tensors that are defined by equations of the same block"]
    problems.error("E0201", f"`{name}` is neither defined nor declared", (span, "named here"), help=help_)


def unknown_setting(problems: Problems, code: str, span: Span, what: str, name: str, known: Sequence[str]) -> None:
    help_ = did_you_mean(name, known) or [f"the settings are {', '.join(known)}"]
    problems.error(code, f"{what} has no setting `{name}`", span, help=help_)


def setting_value(problems: Problems, code: str, span: Span, name: str, wanted: str) -> None:
    problems.error(code, f"`{name}` is {wanted}", (span, f"found `{span.text}`"))


def setting_word(problems: Problems, code: str, span: Span, name: str, written: str, known: Sequence[str]) -> None:
    help_ = did_you_mean(written, known) or [f"write {' or '.join(f'`{name} {word}`' for word in known)}"]
    problems.error(code, f"`{name}` is {' or '.join(known)}", (span, f"found `{span.text}`"), help=help_)


def setting_twice(problems: Problems, code: str, span: Span, name: str, first: Span) -> None:
    problems.error(code, f"`{name}` is set twice", (span, "again here"), (first, "first here"))


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


def fixpoint_not_real(problems: Problems, span: Span, name: str, element: str, asked: Span, improves: bool) -> None:
    """``improves``: it would be found exactly, were it not declared to settle."""
    what = "truth values" if element == "bool" else "whole numbers"
    problems.error(
        "E0521",
        f"`{name}` holds {what}, which do not settle little by little",
        (span, f"of type {element}"),
        (asked, "iterated here"),
        help=[
            "leave out `tol` and `method`: then it is computed until nothing changes"
            if improves
            else "join them by `min=`, `max=`, `or=` or `and=`, which end exactly",
            "or let the tensor hold real numbers",
        ],
    )


def counted_integers(problems: Problems, span: Span, name: str, element: str) -> None:
    problems.error(
        "E0522",
        f"`{name}` is declared as {element}, and its equations count on from an infinity, where nothing is found yet",
        (span, "an infinity is a real number"),
        help=["declare it as float, or leave the type out"],
    )


# --- circles without an order ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One read of a circle."""

    reader: str
    read: str
    span: Span


# A longer circle is told by its names alone.
_LABELS = 6


def _labelled(circle: Sequence[Step]) -> list[tuple[Span, str]]:
    return [(step.span, f"`{step.reader}` needs `{_text(step)}`") for step in circle[:_LABELS]]


def _text(step: Step) -> str:
    """A read as it is written, where it is; the bare name of a tensor that a module is applied to."""
    text = step.span.text
    return text if text.startswith(f"{step.read.rpartition('.')[2]}[") else step.read


def _around(circle: Sequence[Step]) -> list[str]:
    names = [*(step.reader for step in circle), circle[0].reader]
    return [f"the circle: {' <- '.join(names)}"] if len(set(names)) > 2 else []


def cycle(problems: Problems, circle: Sequence[Step], shifted: bool, mended: str | None) -> None:
    """Tensors that need each other at the same positions, or at positions that no axis brings into an order."""
    first = circle[0].reader
    meant = [f"did you mean `{mended} = ...`?"] if mended else []
    if shifted:
        message = (
            f"`{first}` needs other positions of itself, and no axis orders them: neither all earlier nor all later"
        )
        help_ = [
            *meant,
            "let every read of the circle stand a fixed number of positions back on one axis, `t-1`, `t-2`..., "
            "or every one ahead",
            f"equations that settle are declared: `fixpoint {first}`",
        ]
        problems.error("E0501", message, *_labelled(circle), notes=_around(circle), help=help_)
        return
    message = f"`{first}` is defined by itself" if len(circle) == 1 else f"`{first}` is defined by itself, in a circle"
    help_ = meant or ["read an earlier position of an axis, or give the new value another name"]
    settles = f"equations that settle are declared: `fixpoint {first}`"
    problems.error("E0409", message, *_labelled(circle), notes=_around(circle), help=[*help_, settles])


def circle_around(problems: Problems, circle: Sequence[Step], improving: str) -> None:
    first = circle[0].reader
    problems.error(
        "E0524",
        f"`{improving}` takes the best of a circle, but `{first}` needs itself without passing through it",
        *_labelled(circle),
        notes=_around(circle),
        help=[
            f"join `{first}` by `min=`, `max=`, `or=` or `and=` as well",
            f"or let it settle as a whole: `fixpoint {first}`",
        ],
    )


def moves_back(problems: Problems, span: Span, name: str, read: str, way: int, other: int) -> None:
    problems.error(
        "E0524",
        f"`{name}` only {_moves(way)} from step to step, but this read would move it back",
        (span, f"`{read}` only {_moves(other)}, and so `{name}` would {'fall' if way > 0 else 'rise'}"),
        help=["such a circle may turn for ever: compute what is read here outside of it, or turn the sign"],
    )


def _moves(way: int) -> str:
    return "rises" if way > 0 else "falls"


def not_in_a_circle(problems: Problems, span: Span, name: str, read: str) -> None:
    itself = name == read
    problems.error(
        "E0523",
        f"`not` stands in a circle: `{name}` holds where {'it' if itself else f'`{read}`'} does not, "
        f"and needs {'itself' if itself else 'it'} to be known",
        (span, "this has no meaning before the circle is through"),
        help=["let an earlier position decide (`not W[t-1]`), or compute what is denied outside of the circle"],
    )


def lies_outside(problems: Problems, span: Span, name: str, label: str, size: object) -> None:
    problems.warning(
        "W0521",
        f"every one of these reads of `{name}` lies outside its axis `{label}` of {size}",
        (span, "0 throughout"),
        help=["read a position that is not as far away, or make the axis longer"],
    )


# --- how a recurrence is run -------------------------------------------------------------------------------------


def setting_of_parallel(problems: Problems, span: Span, name: str) -> None:
    problems.error(
        "E0540",
        f"`{name}` is a setting of `method parallel`",
        (span, "a loop is exact, and takes one step for each position"),
        help=["write `method parallel` beside it, or leave it out"],
    )


def checkpoint_of_loops(problems: Problems, span: Span) -> None:
    problems.error(
        "E0540",
        "`checkpoint` is a setting of loops",
        (span, "`method parallel` computes all positions at once"),
        help=["leave out one of the two"],
    )


def no_recurrence(problems: Problems, span: Span, name: str, circle: bool) -> None:
    help_ = ["a fixed point has a declaration of its own: `fixpoint Z tol 1e-6 max 100`"]
    if not circle:
        help_ = ["a recurrence reads its own earlier positions: `H[t+1] = 0.5 H[t] + X[t]`"]
    reason = "it is iterated until it settles" if circle else "no position of it needs another one"
    problems.error("E0541", f"`{name}` is no recurrence", (span, reason), help=help_)


def recurrence_asked_twice(problems: Problems, span: Span, first: Span) -> None:
    problems.error(
        "E0540",
        "two declarations are of one recurrence",
        (span, "this one"),
        (first, "and this one"),
        help=["name the tensors in one of them"],
    )


# --- virtual indices ---------------------------------------------------------------------------------------------


def star_outside(problems: Problems, span: Span, name: str) -> None:
    help_ = [f"as a value, an index stands without a star: `{name}`"]
    problems.error("E0543", f"`*{name}` stands outside index brackets", (span, "a star marks an axis"), help=help_)


def star_nowhere(problems: Problems, span: Span, tensor: str, name: str) -> None:
    problems.error(
        "E0543",
        f"`{tensor}` has no virtual index here",
        (span, f"no equation for `{tensor}` has `*{name}` on its left side"),
        help=[f"write `{name}` without the star", "a star on the left side says that only the last position is kept"],
    )


def position_not_kept(problems: Problems, span: Span, info: TensorInfo, at: int, label: str, star: bool) -> None:
    left = info.statements[0].span if info.statements else info.span
    last = ["..." if at else "", "-1", "..." if at < len(info.labels or ()) - 1 else ""]
    written = ", ".join(part for part in last if part)
    reason = "this equation goes through its positions" if star else "this reads other positions"
    problems.error(
        "E0542",
        f"of `{info.name}`, only the last position along `*{label}` is kept",
        (span, reason),
        (left, "the star is here"),
        help=[f"for the last position write `{info.name}[{written}]`", "to read all of them, leave out the star"],
    )


# --- reports on fixed points -------------------------------------------------------------------------------------


def report_on_no_fixpoint(problems: Problems, span: Span, name: str, of: str) -> None:
    problems.error(
        "E0534",
        f"`{name}` tells how a fixed point went, and `{of}` is none",
        (span, f"`{of}` is computed once, in order"),
        help=["leave it out; only tensors that read each other in a circle are computed over and over"],
    )


def report_inside(problems: Problems, span: Span, name: str, member: str) -> None:
    problems.error(
        "E0534",
        f"`{name}` is known when the fixed point is found, and `{member}` is needed to find it",
        (span, "read while it is found"),
        help=["take it out of the equations of the circle"],
    )
