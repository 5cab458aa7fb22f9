"""What stops an evaluation, as errors that name the relation and the rule."""

from __future__ import annotations

from tensorlang.diagnostics import RunError, run_error
from tensorlang.ir.rules import Rule
from tensorlang.limits import Limits


def _name(relation: str) -> str:
    """How the program calls a relation (``demand.py`` makes names of its own after it)."""
    return relation.partition("^")[0]


def endless(relation: str, rule: Rule, limits: Limits) -> RunError:
    return run_error(
        "E0550",
        f"`{_name(relation)}` still grows after {limits.steps:,} steps",
        (rule.span, "this rule makes new numbers in every step"),
        help=("bound the numbers by a comparison (`n < 100`), or allow more steps with `--limit-steps`",),
    )


def too_large(relation: str, rule: Rule | None, needed: int, limits: Limits) -> RunError:
    return run_error(
        "E0551",
        f"the rows of `{_name(relation)}` need {needed:,} bytes, more than the {limits.memory:,} allowed",
        None if rule is None else (rule.span, "while this rule was applied"),
        help=("ask for fewer rows (a query with constants needs less), or allow more with `--limit-memory`",),
    )


def overflow(rule: Rule) -> RunError:
    return run_error(
        "E0552",
        f"a whole number of `{_name(rule.head.relation)}` does not fit into 64 bits",
        (rule.span, "computed by this rule"),
        help=("bound the numbers by a comparison, or use real numbers (`2.0`)",),
    )


def negative_factor(rule: Rule) -> RunError:
    operator = rule.aggregate.operator if rule.aggregate is not None else "min"
    return run_error(
        "E0553",
        f"a factor below 0 in the recursion of `{operator}`",
        (rule.span, "a better value would be made a worse one here"),
        help=("multiply by numbers that are at least 0",),
    )
