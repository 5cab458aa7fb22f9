"""Fixed points that are not reached, in the program's words.

In: a plan, and what its generated code raises or warns of: plain text that begins with the name of a function. Out: a
``RunError``, or an ``Unsettled`` warning, with a code, the place of the fixed point, and what to try.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tensorlang.diagnostics import Diagnostic, RunError, diagnostic, render
from tensorlang.ir.plan import IterationPlan, Plan, steps_of
from tensorlang.ir.program import Program
from tensorlang.ir.recursion import Fixpoint, Scan

_TEXT = re.compile(
    r"^(?P<name>\w+)(?P<gradient> gradient)? (?P<what>diverged|did not settle|did not end|has no numbers): "
    r"\D*(?P<steps>\d+)\D*(?P<number>[\d.e+-]+|inf|nan)?(?P<grows> and grows)?"
)


class Noted(UserWarning):
    """A warning of a run that has a code; commands print it as a note."""

    def __init__(self, problem: Diagnostic) -> None:
        super().__init__(render([problem]))
        self.problem = problem


class Unsettled(Noted):
    """A fixed point that was asked to go on with what it reached."""


def iterations(plan: Plan) -> dict[str, Fixpoint | Scan]:
    """The fixed points of a plan and recurrences solved like one, inside others too, by the function that iterates."""
    found: dict[str, Fixpoint | Scan] = {}
    for loop in plan.loops:
        for _, step in steps_of(loop):
            found |= iterations(step)
        if isinstance(loop, IterationPlan):
            found[loop.function] = loop.iteration.fixpoint
        elif loop.whole is not None:
            found[loop.function] = loop.loop.scan
    return found


def told(compute: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    """``compute`` with its failures in words."""
    if not iterations(plan):
        return compute

    def computed(*arguments: Any) -> Any:
        with in_words(plan):
            return compute(*arguments)

    return computed


@contextlib.contextmanager
def in_words(plan: Plan) -> Iterator[None]:
    """What generated code raises and warns of inside, in words; for a plan without fixed points nothing changes."""
    known = iterations(plan)
    lenient = any(isinstance(unit, Scan) or unit.lenient for unit in known.values())
    try:
        if lenient:
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                yield
            _pass_on(heard, known)
        else:
            yield
    except RuntimeError as problem:
        found = diagnosed(str(problem), known)
        if found is None:
            raise
        raise RunError([found]) from None


@contextlib.contextmanager
def noting(program: Program, note: Callable[[str], None], budget: int = 0) -> Iterator[None]:
    """Every ``Noted`` of a program inside is noted, each once, and not warned of; ``budget`` is that of its memory."""
    parallel = any(scan.manner.method == "parallel" for scan in program.scans)
    if not budget and not parallel and not any(fixpoint.lenient for fixpoint in program.fixpoints):
        yield
        return
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(one.message) for one in heard if isinstance(one.message, Noted)):
        note(text)
    _pass_on([one for one in heard if not isinstance(one.message, Noted)], {})


def _pass_on(heard: list[warnings.WarningMessage], known: Mapping[str, Fixpoint | Scan]) -> None:
    """Warn again, in words where it is of a fixed point."""
    for one in heard:
        found = diagnosed(str(one.message), known, "warning")
        if found is not None:
            warnings.warn(Unsettled(found), stacklevel=4)
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def diagnosed(text: str, known: Mapping[str, Fixpoint | Scan], severity: str = "error") -> Diagnostic | None:
    """The problem that a text of generated code means, or None where it means something else."""
    found = _TEXT.match(text)
    fixpoint = known.get(found["name"]) if found is not None else None
    if found is None or fixpoint is None:
        return None
    if isinstance(fixpoint, Scan):
        return _unsolved(fixpoint, found["steps"], found["number"])
    names = " and ".join(f"`{definition.tensor}`" for definition in fixpoint.definitions[:2])
    names += " and others" if len(fixpoint.definitions) > 2 else ""
    steps = f"{int(found['steps'])} step{'' if found['steps'] == '1' else 's'}"
    places = [fixpoint.span, *(d.pieces[0].span for d in fixpoint.definitions if d.pieces[0].span != fixpoint.span)]
    match found["what"]:
        case "diverged":
            code, message, help = "E0531", *_diverged(names, steps, bool(found["gradient"]))
        case "did not settle" if found["gradient"]:
            code, message, help = "E0533", *_no_gradient(names, steps)
        case "did not settle":
            code, message, help = "E0530", *_restless(names, steps, fixpoint, found["number"], bool(found["grows"]))
        case "did not end":
            code, message, help = "E0532", *_endless(names, steps, fixpoint, found["number"])
        case _:
            code, message, help = "E0532", *_numberless(names, steps)
    if code in ("E0530", "E0531") and any(d.aggregate in ("min", "max") for d in fixpoint.definitions):
        help = [
            *help,
            "leave out `tol` and `method`: where `min=` or `max=` improve from an infinity, they end exactly",
        ]
    if severity == "warning":
        code = "W0530"
    return diagnostic(code, message, *places[:2], help=help, severity=severity)


def _unsolved(scan: Scan, rounds: str, change: str | None) -> Diagnostic:
    """Newton's method did not find all positions at once."""
    definition = scan.definitions[-1]
    piece = next((piece for piece in definition.pieces if not piece.special), definition.pieces[0])
    name, of = f"`{definition.tensor}`", "round" if rounds == "1" else "rounds"
    message = f"{name} did not settle in {rounds} {of} of Newton's method"
    message += f", the last changed it by {float(change):.2g}" if change else ", its guesses grew beyond all numbers"
    more = f"more rounds may do (`max {4 * scan.manner.most}`), where one position does not depend too much on the last"
    return diagnostic(
        "W0540", f"{message}: it was computed position by position", piece.span,
        help=[more, f"`scan {definition.tensor} method loop` does so at once"], severity="warning",
    )  # fmt: skip


Words = tuple[str, list[str]]


def _restless(names: str, steps: str, fixpoint: Fixpoint, change: str, grows: bool) -> Words:
    message = f"{names} did not settle in {steps}: the last one changed it by {float(change):.2g}"
    message += f", more than the tolerance of {fixpoint.tolerance:g}"
    if grows:
        return message, [
            f"the steps lead away from a fixed point: make what multiplies {names} smaller, or mix the new value with "
            "the old one, `Z = 0.5 Z + 0.5 (...)`"
        ]
    more = f"allow more steps (`max {10 * fixpoint.most}`) or a larger change (`tol {100 * fixpoint.tolerance:g}`)"
    return message, [more, *(() if fixpoint.lenient else ("`otherwise warn` goes on with what was reached",))]


def _diverged(names: str, steps: str, gradient: bool) -> Words:
    of = f"the gradient of {names}" if gradient else names
    return f"{of} has grown beyond all numbers in {steps}", [
        f"each step must bring two guesses of {names} closer together: scale what multiplies it down, or bound it by "
        "`tanh` or `sig`"
    ]


def _no_gradient(names: str, steps: str) -> Words:
    return f"the gradient of {names} did not settle in {steps}", [
        f"the fixed point was found, but a small change of it hardly dies out: make what multiplies {names} smaller, "
        "or allow more steps (`max`)"
    ]


def _endless(names: str, steps: str, fixpoint: Fixpoint, count: str) -> Words:
    aggregates = {definition.aggregate for definition in fixpoint.definitions}
    message = f"{names} still improves after {steps}, at {count} element{'' if count == '1' else 's'}"
    help = []
    if "min" in aggregates:
        help.append("`min=` falls for ever along a circle whose weights sum to less than 0: every way round is shorter")
    if "max" in aggregates:
        help.append("`max=` rises for ever along a circle whose weights sum to more than 0: every way round is longer")
    if not aggregates & {"min", "max"}:
        help.append("a truth value that depends on its own opposite changes in every step")
    if int(steps.split()[0]) < fixpoint.most:
        return message, help
    return message, [
        *help,
        f"if it only needs more steps: `fixpoint {fixpoint.definitions[0].tensor} max {10 * fixpoint.most}`",
    ]


def _numberless(names: str, steps: str) -> Words:
    return f"{names} is not a number after {steps}: infinities of both signs, or one times 0", [
        "elements that nothing reaches are infinite: add weights to them, and keep infinite weights to one sign"
    ]
