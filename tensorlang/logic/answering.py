"""``answer``: the bindings of a goal's variables, from what of the rules the goal needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tensorlang.ir.rules import Atom, Rulebook
from tensorlang.limits import Limits
from tensorlang.logic.demand import demanded
from tensorlang.logic.evaluating import evaluate
from tensorlang.logic.planning import pattern_of
from tensorlang.logic.rows import Rows
from tensorlang.logic.terms import anonymous


@dataclass(frozen=True, slots=True)
class Answers:
    """The goal's variables in the order in which they stand (not those of ``_``), and a row for each answer.

    A goal without variables has one row without columns where it is true, and none where it is not.
    """

    variables: tuple[str, ...]
    rows: Rows


def answer(rulebook: Rulebook, given: Mapping[str, Rows], goal: Atom, limits: Limits) -> Answers:
    """The answers of a goal whose terms are variables and constants."""
    demand = demanded(rulebook, given, goal)
    found = evaluate(demand.rulebook, demand.given, [demand.goal], limits)[demand.goal]
    return chosen(goal, found)


def chosen(goal: Atom, rows: Rows) -> Answers:
    """The answers of a goal among the rows of its relation."""
    pattern, places = pattern_of(goal)
    named = {place: variable for place, variable in places.items() if not anonymous(variable)}
    return Answers(tuple(named.values()), rows.arranged(pattern, tuple(named)))
