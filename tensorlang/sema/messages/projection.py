"""Prose for problems with sums, functions, guards and element types (E04xx)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorlang.diagnostics import Problems
from tensorlang.sema.messages.names import did_you_mean
from tensorlang.source import Span

if TYPE_CHECKING:
    from tensorlang.sema.quotients import Quotient


def lone_index(problems: Problems, span: Span, function: Span, name: str) -> None:
    """Both readings, written out and ready to paste."""
    whole, inner = function.text, span.text
    inside = whole.replace(inner, f"sum[{name}]({inner})", 1) if inner in whole else f"f(sum[{name}]({inner}))"
    outside = f"sum[{name}]({whole})"
    if function == span or whole == inner:
        inside, outside = f"1/sum[{name}]({inner})", f"sum[{name}](1/{inner})"
    size = [f"or `|{name}|` if the size of the domain is meant"] if inner == name else []
    problems.error(
        "E0401",
        f"index `{name}` stands alone under a function, and is not on the left: two readings",
        (span, f"is `{name}` summed before or after?"),
        help=[f"write `{inside}` to sum before", f"or `{outside}` to sum after", *size],
    )


def summed_and_left(problems: Problems, name: str, summed: Span, left: Span) -> None:
    problems.error(
        "E0402",
        f"index `{name}` is summed inside one term and left over in another of the same product: two readings",
        (left, f"`{name}` is left over here"),
        (summed, f"`{name}` is summed by itself here"),
        help=[
            f"write `sum[{name}]({summed.text})` where that sum is meant",
            f"or put `{name}` on the left of an equation of its own, and sum its result",
        ],
    )


def summed_above_and_below(problems: Problems, name: str, whole: Span, quotient: Quotient) -> None:
    """Both readings, written out and ready to paste."""
    problems.error(
        "E0423",
        f"index `{name}` is summed both above and below the line, and is not on the left: two readings",
        (quotient.split[0].span, "summed here by itself, or together with what is above?"),
        help=[
            f"write `{quotient.of_sums(name)}` for the quotient of the sums",
            f"or `sum[{name}]({whole.text})` for the sum of the quotients",
        ],
    )


def guard_out_of_place(problems: Problems, span: Span) -> None:
    problems.error(
        "E0403",
        "this condition relates indices that no sum of the equation has together",
        span,
        help=["split the equation, so that the condition stands where its indices meet"],
    )


def several_aggregates(problems: Problems, tensor: str, found: Sequence[tuple[str, Span]]) -> None:
    places = [(span, name) for name, span in found]
    problems.error("E0404", f"`{tensor}` is aggregated in two ways; one tensor has one aggregate", *places)


def shared_average(problems: Problems, tensor: str, spans: Sequence[Span]) -> None:
    problems.error("E0405", f"`avg=` of `{tensor}` is shared by several equations", *[(s, "") for s in spans])


def which_index(problems: Problems, span: Span, name: str, candidates: Sequence[str]) -> None:
    if not candidates:
        problems.error(
            "E0406", f"`{name}` runs along an index, and none is named", span, help=[f"write `{name}[i](...)`"]
        )
        return
    dotted = ", ".join(f"`{c}.`" for c in candidates)
    problems.error(
        "E0406",
        f"`{name}` runs along one index, and the left side has several",
        span,
        help=[f"mark one with a dot on the left ({dotted}), or write `{name}[{candidates[-1]}](...)`"],
    )


def wrong_arity(problems: Problems, span: Span, name: str, arity: tuple[int, int], got: int, doc: str) -> None:
    least, most = arity
    count = str(least) if least == most else f"{least} or more" if most > 99 else f"{least} to {most}"
    notes = [f"{name}: {doc}"] if doc else []
    word = "argument" if count == "1" else "arguments"
    problems.error("E0407", f"`{name}` takes {count} {word}, found {got}", span, notes=notes)


def plain_arguments(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0407", f"`{name}` takes plain arguments, without names or `where`", span)


def unknown_option(problems: Problems, span: Span, name: str, key: str, known: Sequence[str]) -> None:
    help_ = did_you_mean(key, known) or [f"the options are {', '.join(known) or 'none'}"]
    problems.error(
        "E0407", f"`{name}` has no option `{key}`" if key else f"`{name}` has no further arguments", span, help=help_
    )


def reduction_without_index(problems: Problems, span: Span, name: str) -> None:
    text = span.text
    help_ = [f"write `{name}[i]{text[len(name) :]}` with the indices to reduce"] if text.startswith(name) else []
    problems.error("E0408", f"`{name}` does not say over which indices", span, help=help_)


def index_name_needed(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0408", f"`{name}` is followed by index names in square brackets", (span, "not an index name"))


def one_index_needed(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0408", f"`{name}` takes exactly one index", span)


def pointwise_with_index(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0408", f"`{name}` is pointwise and takes no index", span, help=[f"write `{name}(...)`"])


def index_not_inside(problems: Problems, span: Span, op: str, name: str) -> None:
    problems.error("E0413", f"`{op}` runs over `{name}`, which its argument does not have", span)


def dot_on_the_right(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0411", f"`{name}.` with a dot stands on the left side only", span)


def several_dots(problems: Problems, span: Span, names: Sequence[str]) -> None:
    problems.error("E0411", f"one index may carry the dot, found {', '.join(names)}", span)


def concat_inside(problems: Problems, span: Span) -> None:
    problems.error(
        "E0412", "`concat` is the whole right side of an equation", span, help=["give it an equation of its own"]
    )


def concat_index(problems: Problems, span: Span) -> None:
    problems.error(
        "E0412",
        "`concat` needs one index on the left that its arguments do not have",
        span,
        help=["write `Z[b,k] = concat[k](A[b,i], B[b,j])`"],
    )


def integer_too_large(problems: Problems, span: Span) -> None:
    help_ = ["write it as a float: `1e20`, or a power of one, as `2.0^64`"]
    problems.error("E0422", f"`{span.text}` is too large for an integer of 64 bits", span, help=help_)


def unpaired_colon(problems: Problems, span: Span, name: str) -> None:
    problems.error(
        "E0421",
        "a `:` on the right has no partner on the left",
        (span, "the left side has fewer `:`"),
        help=[f"give each one on the left (`{name}[:] = ...`), or write an index instead, which is summed"],
    )


def not_an_integer(problems: Problems, span: Span) -> None:
    problems.error(
        "E0414",
        "an entry of a tensor is an integer: an index, arithmetic on indices, or an integer tensor",
        (span, "not an integer"),
        help=["declare the tensor as integers (`int` or `in v`)"],
    )


def not_a_condition(problems: Problems, span: Span | None, dtype: str) -> None:
    problems.error("E0415", f"expected a condition, found a value of type {dtype}", span, help=["compare it: `x > 0`"])


def too_narrow(problems: Problems, span: Span, name: str, declared: str, found: str) -> None:
    problems.error("E0416", f"`{name}` is declared as {declared}, but its equations give {found}", span)


def no_order_for_complex(problems: Problems, span: Span | None, op: str) -> None:
    written = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "mod": "%"}.get(op, op)
    message = f"`{written}` needs an order, which complex numbers do not have"
    problems.error("E0417", message, span, help=["take abs or real"])


def loss_not_scalar(problems: Problems, span: Span, labels: Sequence[str]) -> None:
    problems.error(
        "E0418",
        f"a loss is one number, and this has axes ({', '.join(labels)})",
        span,
        help=["an equation whose left side has no indices sums over all: `Loss = ...`"],
    )


def division_by_zero(problems: Problems, span: Span) -> None:
    problems.error("E0419", "division of an index by zero", span)


def option_number(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0420", f"the option `{name}` needs a number", span)


def bad_batch(problems: Problems, span: Span) -> None:
    problems.error("E0420", "a batch is an index and a number of rows: `batch=(n, 64)`", span)


def batch_needs_index(problems: Problems, span: Span) -> None:
    problems.error("E0420", "the batch does not say over which index", span, help=["write `batch=(n, 64)`"])


def both_cover(problems: Problems, tensor: str, first: Span, second: Span) -> None:
    problems.warning(
        "W0401",
        f"two equations cover all of `{tensor}`; they add up",
        (second, "added"),
        (first, "to this"),
        help=["write `+=` if that is meant"],
    )


def too_many_indices(problems: Problems, span: Span, count: int, limit: int) -> None:
    problems.error(
        "E0903",
        f"an equation has {count} indices, more than {limit}",
        span,
        help=["raise the limit with --limit-indices"],
    )
