"""The order in which a rule's conditions are met, and which variables are kept between them.

In: a rule, and the size and spread of the relations that it reads. Out: a list of steps. Joins are ordered greedily:
first the rows that are new (or the smallest relation), then whatever is expected to leave the fewest rows. Comparisons
and negations come as soon as their variables are bound; a variable that nothing reads any more is dropped at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tensorlang.ir.rules import Arithmetic, Atom, Comparison, Condition, Constant, Negation, Rule, Term, Variable
from tensorlang.logic.rows import Pattern
from tensorlang.logic.terms import anonymous, bound_by, condition_variables, head_terms, variables


@dataclass(frozen=True, slots=True)
class Lookup:
    """A join: of each row of bindings with the rows of atom ``source`` of the body.

    The atom's rows are arranged by ``pattern`` to the places in ``order``: first those of ``keys``, which are bound,
    then those of ``fresh``. ``keep`` are the variables read later; ``shrink`` asks for distinct rows of these.
    """

    source: int
    pattern: Pattern
    order: tuple[int, ...]
    keys: tuple[str, ...]
    fresh: tuple[str, ...]
    keep: tuple[str, ...]
    shrink: bool = False


@dataclass(frozen=True, slots=True)
class Without:
    """A negation: rows whose ``terms`` are the places ``order`` of a row that fits the pattern are dropped."""

    source: int
    pattern: Pattern
    order: tuple[int, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Bind:
    variable: str
    term: Term


Step = Lookup | Without | Filter | Bind


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a rule; ``distinct`` says whether the bindings they leave are distinct."""

    steps: tuple[Step, ...]
    kept: tuple[str, ...]
    distinct: bool


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows an atom has, and how many values stand at a place."""

    rows: int
    distinct: Callable[[int], int]


def flat(rule: Rule) -> Rule:
    """The rule with arithmetic in positive atoms replaced by variables of their own, compared with it."""
    body: list[Condition] = []
    extra: list[Condition] = []
    for condition in rule.body:
        if isinstance(condition, Atom) and any(isinstance(term, Arithmetic) for term in condition.terms):
            terms = list(condition.terms)
            for place, term in enumerate(terms):
                if isinstance(term, Arithmetic):
                    terms[place] = Variable(f"_={len(body)}.{place}")
                    extra.append(Comparison("==", terms[place], term, condition.span))
            condition = replace(condition, terms=tuple(terms))
        body.append(condition)
    return replace(rule, body=(*body, *extra)) if extra else rule


def needed_at_end(rule: Rule) -> set[str]:
    """The variables that the head is made of; for sums and means all that are named, since each binding counts."""
    needed = {name for term in head_terms(rule) for name in variables(term)}
    if rule.aggregate is not None and rule.aggregate.operator in ("sum", "mean"):
        for condition in rule.body:
            if not isinstance(condition, Negation):
                needed |= {name for name in condition_variables(condition) if not anonymous(name)}
    return needed


def plan(
    rule: Rule,
    sizes: Sequence[Size | None],
    first: int | None = None,
    start: Sequence[str] = (),
    keep_all: bool = False,
) -> Plan:
    """A plan for a flat rule; ``sizes`` holds one entry a condition, ``first`` is the atom to start from.

    ``start`` are variables that are bound beforehand; ``keep_all`` keeps every variable to the end.
    """
    return _Planner(rule, sizes, start, keep_all).run(first)


class _Planner:
    def __init__(self, rule: Rule, sizes: Sequence[Size | None], start: Sequence[str], keep_all: bool) -> None:
        self.rule = rule
        self.sizes = sizes
        self.left = list(range(len(rule.body)))
        self.bound: set[str] = set(start)
        self.end = needed_at_end(rule)
        if keep_all:
            self.end = {n for c in rule.body if not isinstance(c, Negation) for n in condition_variables(c)} | self.end
        self.held: tuple[str, ...] = tuple(start)
        self.rows = 1.0
        self.steps: list[Step] = []
        self.distinct = True

    def run(self, first: int | None) -> Plan:
        self._what_is_bound()
        while True:
            atoms = [at for at in self.left if isinstance(self.rule.body[at], Atom)]
            if not atoms:
                break
            if first is None:
                chosen = min(atoms, key=lambda at: (*self._expected(at), at))
            else:
                chosen, first = first, None
            self._join(chosen)
            self._what_is_bound()
        assert not self.left, "a variable that nothing binds"
        return Plan(tuple(self.steps), self.held, self.distinct)

    def _what_is_bound(self) -> None:
        """Comparisons and negations whose variables are bound, and what ``==`` binds now."""
        found = True
        while found:
            found = False
            for at in list(self.left):
                step = self._ready(self.rule.body[at], at)
                if step is not None:
                    self.left.remove(at)
                    self.steps.append(step)
                    found = True
                    if isinstance(step, Bind):
                        self.bound.add(step.variable)
                        self.held += (step.variable,)

    def _ready(self, condition: Condition, at: int) -> Step | None:
        if isinstance(condition, Comparison):
            if condition_variables(condition) <= self.bound:
                return Filter(condition)
            binding = bound_by(condition, self.bound)
            return None if binding is None else Bind(*binding)
        if isinstance(condition, Negation):
            return self._without(condition.atom, at)
        return None

    def _without(self, atom: Atom, at: int) -> Without | None:
        elsewhere = set(self.end)
        for other, condition in enumerate(self.rule.body):
            if other != at:
                elsewhere |= condition_variables(condition)
        free = {
            term.name
            for term in atom.terms
            if isinstance(term, Variable) and anonymous(term.name) and term.name not in elsewhere
        }
        if any(name not in self.bound and name not in free for term in atom.terms for name in variables(term)):
            return None
        pattern, places = pattern_of(atom, lambda name: name in free)
        order = tuple(place for place, name in places.items() if name not in free)
        return Without(at, pattern, order, tuple(atom.terms[place] for place in order))

    def _expected(self, at: int) -> tuple[float, int]:
        """The rows expected after a join with an atom, and whether it has nothing in common with what is bound."""
        atom, size = self.rule.body[at], self.sizes[at]
        assert isinstance(atom, Atom)
        assert size is not None
        rows, tied = float(size.rows), False
        for place, term in enumerate(atom.terms):
            if isinstance(term, Constant) or (isinstance(term, Variable) and term.name in self.bound):
                rows /= max(1, size.distinct(place))
                tied = True
        return self.rows * rows, 0 if tied else 1

    def _join(self, at: int) -> None:
        atom = self.rule.body[at]
        assert isinstance(atom, Atom)
        self.rows = max(1.0, self._expected(at)[0])
        self.left.remove(at)
        pattern, names = pattern_of(atom)
        keys = tuple(place for place in names if names[place] in self.bound)
        later = self._read_later()
        fresh = tuple(place for place in names if names[place] not in self.bound and names[place] in later)
        key_names, fresh_names = tuple(names[p] for p in keys), tuple(names[p] for p in fresh)
        keep = tuple(name for name in (*self.held, *fresh_names) if name in later)
        dropped = any(name not in later for name in self.held)
        grows = any(self._adds(other, set(keep)) for other in self.left)
        shrink = dropped and bool(fresh) and grows
        self.distinct = self.distinct and (not dropped or shrink)
        self.steps.append(Lookup(at, pattern, (*keys, *fresh), key_names, fresh_names, keep, shrink))
        self.bound = set(keep) if dropped else self.bound | set(fresh_names)
        self.held = keep

    def _adds(self, at: int, bound: set[str]) -> bool:
        condition = self.rule.body[at]
        return isinstance(condition, Atom) and not condition_variables(condition) <= bound

    def _read_later(self) -> set[str]:
        later = set(self.end)
        for at in self.left:
            later |= condition_variables(self.rule.body[at])
        return later


def pattern_of(atom: Atom, free: Callable[[str], bool] = lambda name: True) -> tuple[Pattern, dict[int, str]]:
    """The pattern of an atom, and the places that are left to compare, with the variables that stand there.

    A variable that stands at several places is compared with itself, unless it is not ``free``. Computed terms stand
    for themselves, under the name of none.
    """
    pattern: list[tuple[str, int | float]] = []
    places: dict[int, str] = {}
    firsts: dict[str, int] = {}
    for place, term in enumerate(atom.terms):
        if isinstance(term, Constant):
            pattern.append(("=", term.value))
        elif isinstance(term, Variable) and free(term.name) and term.name in firsts:
            pattern.append(("v", firsts[term.name]))
        else:
            name = term.name if isinstance(term, Variable) else ""
            firsts.setdefault(name, place)
            pattern.append(("v", place))
            places[place] = name
    return tuple(pattern), places
