"""Prose for problems with sizes, domains and positions (E03xx)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensorlang.diagnostics import Problems
from tensorlang.ir.domain import Size
from tensorlang.sema.messages.names import did_you_mean, form
from tensorlang.sema.scope import TensorInfo
from tensorlang.source import Span

Side = tuple[Size, Span | None, tuple[str, Span] | None]


def two_sizes(problems: Problems, name: str, one: Side, other: Side) -> None:
    """Both places, both sizes, and where each was first bound."""
    labels: list[tuple[Span, str]] = []
    notes: list[str] = []
    for size, span, origin in (one, other):
        words = f"{size}"
        if origin is not None:
            words += f", from {origin[0]}, line {origin[1].line}"
        at = span or (origin[1] if origin is not None else None)
        if at is not None and all(at != known for known, _ in labels):
            labels.append((at, words))
        else:
            notes.append(words)
    labels.reverse()
    noun = name if " " in name else f"index `{name}`" if not name.startswith("(") else f"`{name}`"
    help_ = "rename one of the indices if they are over different domains, or make the two sizes agree"
    if one[0].constant is not None and other[0].constant is not None and one[0].constant == other[0].constant:
        help_ = "make the two agree"
    problems.error("E0301", f"{noun} has two sizes", *labels, notes=notes, help=[help_])


def param_axis_unknown(problems: Problems, info: TensorInfo, at: int, label: str) -> None:
    problems.error(
        "E0302",
        f"axis {at + 1} (`{label}`) of `{info.kind} {form(info.name, info.labels or ())}` has no size",
        (info.span, f"`{label}` meets no axis whose size is known"),
        help=[f"say it with `dim {label} = 64`"],
    )


def unsafe_index(problems: Problems, span: Span, name: str, tensor: str) -> None:
    where = f" of `{tensor}`" if not tensor.startswith("?") else ""
    problems.error(
        "E0303",
        f"unsafe index: nothing says what `{name}` ranges over",
        (span, f"no axis, `dim` or right side{where} bounds it"),
        help=[f"say it with `dim {name} = ...`, or read a tensor at `{name}`"],
    )


def constant_outside(problems: Problems, span: Span, value: int, size: Size) -> None:
    problems.error(
        "E0304",
        f"position {value} is outside an axis of {size}",
        (span, f"positions are 0 to {size - 1}" if value >= 0 else f"positions from the end are -1 to -{size}"),
    )


def range_outside(problems: Problems, span: Span, last: Size, size: Size) -> None:
    message = f"the range `{span.text}` reaches position {last}, outside an axis of {size}"
    problems.error("E0304", message, (span, f"positions are 0 to {size - 1}"))


def empty_range(problems: Problems, span: Span, name: str) -> None:
    problems.error(
        "E0305",
        f"no value of `{name}` keeps this access inside its axis",
        span,
        help=[f"give `{name}` a domain of its own (`dim {name} = ...`): outside its axis a tensor is 0"],
    )


def size_not_positive(problems: Problems, span: Span, name: str, size: int) -> None:
    problems.error("E0306", f"the size of `{name}` is {size}, but a domain has at least one element", span)


def flatten_remainder(problems: Problems, span: Span, name: str, total: Size, known: Size) -> None:
    problems.error("E0307", f"an axis of {total} cannot be laid out as `{name}`: it is not a multiple of {known}", span)


def axis_unknown(problems: Problems, info: TensorInfo, at: int, label: str) -> None:
    problems.error(
        "E0308",
        f"axis {at + 1} of `{form(info.name, info.labels or ())}` has no size",
        (info.span, "the equations do not say how far it reaches"),
        help=[f"declare it: `float {form(info.name, info.labels or ())}` with a `dim` for `{label}`, "
              "or say what the gathered integers are positions of (`input T[n] in v`)"],
    )  # fmt: skip


def unknown_size(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    problems.error("E0309", f"`{name}` is not a domain or an index here", span, help=did_you_mean(name, known))


def unknown_positions(problems: Problems, span: Span, name: str, known: Iterable[str]) -> None:
    help_ = did_you_mean(name, known) or [f"declare it: `dim {name}`, with a size or bound by data"]
    problems.error("E0309", f"`{name}` is no domain that positions could be in", span, help=help_)


def unknown_dim_option(problems: Problems, name: str, known: Iterable[str]) -> None:
    known = list(known)
    help_ = did_you_mean(name, known) or [f"the sizes are {', '.join(known) or 'none'}"]
    problems.error("E0310", f"there is no size `{name}` to set", help=help_)


def range_without_positions(problems: Problems, span: Span) -> None:
    problems.error("E0311", f"the range `{span.text}` holds no position", (span, "its end is not above its start"))


def bad_slice(problems: Problems, span: Span) -> None:
    problems.error("E0311", "the end of a range is not a position known beforehand (0 or more)", span)


def open_slice(problems: Problems, span: Span) -> None:
    problems.error("E0311", "a range that starts behind 0 needs its end: `a:b`", span)


def structured_places(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0312", f"nothing says how large `{name}` is here", span, help=["let one place be a plain index"])


def wrong_places(problems: Problems, span: Span, name: str, expected: int, got: int) -> None:
    problems.error("E0207", f"`{name}` has {expected} places, found {got}", span)


def batch_index_unknown(problems: Problems, span: Span, name: str, known: Sequence[str]) -> None:
    help_ = did_you_mean(name, known) or [f"the axes of inputs and data are {', '.join(known)}"]
    problems.error("E0313", f"no axis of an input or of data is labelled `{name}`", span, help=help_)


def batch_index_fixed(problems: Problems, span: Span, name: str, size: Size) -> None:
    problems.error("E0313", f"the batch's index `{name}` is not an axis of its own (its size is {size})", span)
