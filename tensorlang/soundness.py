"""What is wrong with rules before any is evaluated: unbound variables, negation and aggregates in circles.

In: the rulebook of a program. Out: problems with the rules drawn as they were written.
"""

from __future__ import annotations

from collections.abc import Iterator

from tensorlang.diagnostics import Problems
from tensorlang.ir.program import Facts
from tensorlang.ir.rules import Rule, Rulebook
from tensorlang.source import Span


def check_rules(facts: Facts, problems: Problems) -> None:
    """Report every rule that has no meaning."""
    from tensorlang.logic.strata import mixed_aggregates, unsafe_variables, unstratified

    book = facts.rulebook
    for rule in book.rules:
        for name in unsafe_variables(rule):
            _unsafe(problems, rule, name)
    if problems.errors:
        return
    given = {name for name, table in facts.given.items() if table.count}
    for first, second in mixed_aggregates(book.rules, given):
        _mixed(problems, book, first, second)
    for cycle in unstratified(book):
        _circle(problems, cycle.kind, cycle.rules, cycle.broken_by.span)


def _unsafe(problems: Problems, rule: Rule, name: str) -> None:
    shown = "_" if name.startswith("_") else name
    help = f"add a condition that says what `{shown}` can be, such as a relation that holds all of them"
    query = rule.head.relation.startswith("?")
    where = "the query" if query else f"the rule for `{rule.head.relation}`"
    problems.error("E1101", f"nothing in {where} says what `{shown}` is", (rule.span, "in here"), help=[help])


def _mixed(problems: Problems, book: Rulebook, first: Rule, second: Rule | None) -> None:
    assert first.aggregate is not None, "the first of a pair aggregates"
    name = first.head.relation
    other = (second.span, "and it has this rule") if second is not None else (book.relations[name].span, "and facts")
    problems.error(
        "E1124",
        f"`{name}` is a `{first.aggregate.operator}`, and something else too",
        (first.head.span, "an aggregate here"),
        other,
        help=["an aggregate says all of its relation: give the other a name of its own"],
    )


_WORDS = {
    "negation": ("E1102", "needs to be complete before it can be negated, but depends on it"),
    "aggregate": ("E1123", "needs to be complete before it can be aggregated, but depends on it"),
    "direction": ("E1123", "may get worse where a better value is found, so its circle has no meaning"),
}
_HELP = {
    "negation": "compute what is negated in rules of its own, which do not read the result",
    "aggregate": "of the aggregates only min and max may stand in a circle of rules",
    "direction": "in a circle, a min may only add to what it reads and not compare it from below; a max likewise",
}


def _circle(problems: Problems, kind: str, rules: tuple[Rule, ...], span: Span) -> None:
    code, words = _WORDS[kind]
    name = rules[0].head.relation
    labels = [(span, "read here"), *_places(rules)]
    ring = " <- ".join([name, *(rule.head.relation for rule in rules[1:]), name])
    problems.error(code, f"`{name}` {words}", *labels, notes=[f"the circle: {ring}"], help=[_HELP[kind]])


def _places(rules: tuple[Rule, ...]) -> Iterator[tuple[Span, str]]:
    for rule in rules[1:4]:
        yield rule.span, f"by this rule of `{rule.head.relation}`"
