"""What can be said of rules before they are evaluated: order, stratification, safety, aggregates. Plain Python.

Relations that depend on one another form a *part* (a strongly connected component). A rulebook is stratified where no
negation and no aggregate stands inside a part, but for ``min`` and ``max`` whose recursion is monotone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tensorlang.ir.rules import Arithmetic, Atom, Comparison, Constant, Negation, Rule, Rulebook, Term, Variable
from tensorlang.logic.terms import (
    anonymous,
    atom_variables,
    condition_variables,
    head_terms,
    negated_atoms,
    positive_atoms,
    safe_variables,
    variables,
    without_bindings,
)

BEST = ("min", "max")


@dataclass(frozen=True, slots=True)
class Part:
    """Relations that depend on one another, and the rules that define them; parts come in the order of evaluation."""

    relations: tuple[str, ...]
    rules: tuple[Rule, ...]
    recursive: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """Rules that lead from a relation back to itself through ``broken_by``, the condition or aggregate of the first.

    Rule ``i`` defines the relation that rule ``i - 1`` reads (and the first rule's is read by the last). ``kind`` is
    ``negation``, ``aggregate`` (one that must be stratified) or ``direction`` (a ``min`` or ``max`` that a better value
    may make worse).
    """

    kind: str
    rules: tuple[Rule, ...]
    broken_by: Atom


def dependencies(rules: Iterable[Rule]) -> dict[str, set[str]]:
    """The relations that each defined relation reads."""
    reads: dict[str, set[str]] = {}
    for rule in rules:
        found = reads.setdefault(rule.head.relation, set())
        found.update(atom.relation for atom in positive_atoms(rule))
        found.update(atom.relation for atom in negated_atoms(rule))
    return reads


def relevant(rulebook: Rulebook, wanted: Collection[str]) -> tuple[Rule, ...]:
    """The rules that the wanted relations depend on, in the order in which they were written."""
    reads = dependencies(rulebook.rules)
    needed: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name not in needed:
            needed.add(name)
            todo.extend(reads.get(name, ()))
    return tuple(rule for rule in rulebook.rules if rule.head.relation in needed)


def parts(rules: Iterable[Rule]) -> list[Part]:
    """The parts of the rules, each after all that it reads."""
    rules = tuple(rules)
    reads = dependencies(rules)
    of: dict[str, list[Rule]] = {}
    for rule in rules:
        of.setdefault(rule.head.relation, []).append(rule)
    found = []
    for names in components({name: sorted(read & reads.keys()) for name, read in reads.items()}):
        inside = sorted(names)
        recursive = len(inside) > 1 or inside[0] in reads[inside[0]]
        found.append(Part(tuple(inside), tuple(rule for name in inside for rule in of[name]), recursive))
    return found


def components(reads: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The strongly connected components of a graph, each after what it reaches (Tarjan 1972, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[list[str]] = []
    for root in reads:
        if root in number:
            continue
        path = [(root, iter(reads[root]))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while path:
            node, rest = path[-1]
            onward = next(rest, None)
            if onward is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == number[node]:
                    cut = stack.index(node)
                    found.append(stack[cut:])
                    on_stack.difference_update(stack[cut:])
                    del stack[cut:]
            elif onward not in number:
                number[onward] = low[onward] = len(number)
                stack.append(onward)
                on_stack.add(onward)
                path.append((onward, iter(reads[onward])))
            elif onward in on_stack:
                low[node] = min(low[node], number[onward])
    return found


# --- what the front end draws as errors ---------------------------------------------------------------------------


def unstratified(rulebook: Rulebook) -> list[Cycle]:
    """One cycle for each condition that breaks the strata; empty where the rulebook can be evaluated."""
    found = []
    for part in parts(rulebook.rules):
        if not part.recursive:
            continue
        inside = set(part.relations)
        best = best_places(part.rules)
        for rule in part.rules:
            for kind, atom in _breaks(rule, inside, best):
                found.append(Cycle(kind, (rule, *_way(part, atom.relation, rule.head.relation)), atom))
    return found


def _breaks(rule: Rule, inside: set[str], best: Mapping[str, int]) -> list[tuple[str, Atom]]:
    broken = [("negation", atom) for atom in negated_atoms(rule) if atom.relation in inside]
    within = [atom for atom in positive_atoms(rule) if atom.relation in inside]
    if rule.aggregate is not None and rule.aggregate.operator not in BEST:
        broken += [("aggregate", atom) for atom in within]
    else:
        broken += [
            ("direction", atom) for atom in within if atom.relation in best and not _gets_better(rule, atom, best)
        ]
    return broken


def _way(part: Part, start: str, end: str) -> tuple[Rule, ...]:
    """The fewest rules that lead from ``start`` to one that reads ``end``; none where they are one relation."""
    if start == end:
        return ()
    before: dict[str, tuple[Rule, str]] = {}
    todo = [start]
    for name in todo:
        for rule in part.rules:
            if rule.head.relation != name:
                continue
            for atom in (*positive_atoms(rule), *negated_atoms(rule)):
                if atom.relation == end:
                    way = [rule]
                    while name != start:
                        earlier, name = before[name]
                        way.append(earlier)
                    return tuple(reversed(way))
                if atom.relation in part.relations and atom.relation not in before and atom.relation != start:
                    before[atom.relation] = (rule, name)
                    todo.append(atom.relation)
    return ()


def unsafe_variables(rule: Rule) -> list[str]:
    """The variables that nothing bounds, in the order in which they are read; empty for a safe rule."""
    bound = safe_variables(rule)
    needed: list[str] = [name for term in head_terms(rule) for name in variables(term)]
    for condition in rule.body:
        match condition:
            case Atom(_, terms):
                needed += [n for term in terms if not isinstance(term, Variable) for n in variables(term)]
            case Negation(atom):
                elsewhere = _outside(rule, condition)
                free = {n for n in atom_variables(atom) if anonymous(n) and n not in elsewhere}
                plain = {t.name for t in atom.terms if isinstance(t, Variable)}
                needed += [n for term in atom.terms for n in variables(term) if n not in free or n not in plain]
            case Comparison(_, left, right):
                needed += [*variables(left), *variables(right)]
    return [name for name in dict.fromkeys(needed) if name not in bound]


def _outside(rule: Rule, condition: Negation) -> set[str]:
    found = {name for term in head_terms(rule) for name in variables(term)}
    for other in rule.body:
        if other is not condition:
            found |= condition_variables(other)
    return found


def mixed_aggregates(rules: Iterable[Rule], given: Collection[str] = ()) -> list[tuple[Rule, Rule | None]]:
    """Pairs of rules whose heads cannot define one relation together.

    All rules of a relation with ``min`` or ``max`` hold one place and one operator (rules without an aggregate, and
    given rows, take part: the best of all counts). ``count``, ``sum`` and ``mean`` are the only rule of their relation,
    which has no given rows; where it has, the second of the pair is None.
    """
    by_relation: dict[str, list[Rule]] = {}
    for rule in rules:
        by_relation.setdefault(rule.head.relation, []).append(rule)
    found: list[tuple[Rule, Rule | None]] = []
    for name, own in by_relation.items():
        first = next((rule for rule in own if rule.aggregate is not None), None)
        if first is None or first.aggregate is None:
            continue
        exclusive = first.aggregate.operator not in BEST
        if exclusive and name in given:
            found.append((first, None))
        for rule in own:
            if rule is first or (rule.aggregate is None and not exclusive):
                continue
            same = rule.aggregate is not None and (
                (rule.aggregate.operator, rule.aggregate.place) == (first.aggregate.operator, first.aggregate.place)
            )
            if exclusive or not same:
                found.append((first, rule))
    return found


# --- min and max in their own recursion ----------------------------------------------------------------------------


def best_places(rules: Iterable[Rule]) -> dict[str, int]:
    """The place of the best value, for each relation with a rule of ``min`` (the place) or ``max`` (``~place``)."""
    found = {}
    for rule in rules:
        if rule.aggregate is not None and rule.aggregate.operator in BEST:
            place = rule.aggregate.place
            found[rule.head.relation] = place if rule.aggregate.operator == "min" else ~place
    return found


def best_place(mark: int) -> int:
    """The place that a mark of ``best_places`` stands for."""
    return mark if mark >= 0 else ~mark


def _gets_better(rule: Rule, atom: Atom, best: Mapping[str, int]) -> bool:
    """Whether a better value in ``atom`` can only make the head's row the same, better, or new."""
    sense = 1 if best[atom.relation] >= 0 else -1
    place = best_place(best[atom.relation])
    value = atom.terms[place]
    if not isinstance(value, Variable):
        return False
    name = value.name
    rule = without_bindings(rule)
    read_again = [
        condition
        for condition in rule.body
        if not isinstance(condition, Comparison) and condition is not atom and name in condition_variables(condition)
    ]
    if read_again or any(name in variables(other) for at, other in enumerate(atom.terms) if at != place):
        return False
    comparisons = [c for c in rule.body if isinstance(c, Comparison) and name in condition_variables(c)]
    return all(_stays_true(c, name, sense) for c in comparisons) and _head_gets_better(rule, name, sense, best)


def _head_gets_better(rule: Rule, name: str, sense: int, best: Mapping[str, int]) -> bool:
    mark = best.get(rule.head.relation)
    for at, term in enumerate(head_terms(rule)):
        if name in variables(term):
            aggregated = mark is not None and best_place(mark) == at and (1 if mark >= 0 else -1) == sense
            if not aggregated or slope(term, name) != 1:
                return False
    return True


def _stays_true(comparison: Comparison, name: str, sense: int) -> bool:
    """Whether a comparison that holds goes on to hold when the variable gets better."""
    left, right = slope(comparison.left, name), slope(comparison.right, name)
    if left is None or right is None or factors(comparison.left, {name}) or factors(comparison.right, {name}):
        return False
    if comparison.operator in ("<", "<="):
        return left * sense >= 0 and right * sense <= 0
    if comparison.operator in (">", ">="):
        return left * sense <= 0 and right * sense >= 0
    return False


def slope(term: Term, name: str) -> int | None:
    """How a term moves with a variable: 1 with it, -1 against it, 0 not at all, None where that is not known.

    A product with another variable counts as 1: the engine sees to it that the factor is never below 0.
    """
    match term:
        case Variable(other):
            return 1 if other == name else 0
        case Constant():
            return 0
        case Arithmetic(operator, terms):
            inner = [slope(part, name) for part in terms]
            known = [direction for direction in inner if direction is not None]
            if len(known) < len(inner):
                return None
            if not any(known):
                return 0
            return _slope_of(operator, terms, known)


def _slope_of(operator: str, terms: tuple[Term, ...], inner: list[int]) -> int | None:
    first, last = inner[0], inner[-1]
    if operator in ("+", "min", "max"):
        return (first or last) if first * last >= 0 else None
    if operator == "-":
        return (first or -last) if first * last <= 0 else None
    if operator == "neg":
        return -first
    if operator == "*" and not (first and last):
        return first * _sign(terms[1]) if first else last * _sign(terms[0])
    if operator == "/" and not last:
        return first * _sign(terms[1])
    return None


def _sign(factor: Term) -> int:
    return -1 if isinstance(factor, Constant) and factor.value < 0 else 1


def growing_factors(rule: Rule, best: Mapping[str, int]) -> list[Term]:
    """What the best values that a rule reads are multiplied by on the way to its head."""
    if rule.aggregate is None or rule.head.relation not in best:
        return []
    read = [atom.terms[best_place(best[atom.relation])] for atom in positive_atoms(rule) if atom.relation in best]
    names = {term.name for term in read if isinstance(term, Variable)}
    aggregate = without_bindings(rule).aggregate
    return [] if aggregate is None else factors(aggregate.term, names)


def factors(term: Term, names: Collection[str]) -> list[Term]:
    """The factors and divisors that must not be below 0 for the term to move with the named variables."""
    if not isinstance(term, Arithmetic):
        return []
    found = [factor for part in term.terms for factor in factors(part, names)]
    if term.operator in "*/":
        moving = [any(name in names for name in variables(part)) for part in term.terms]
        found += [p for p, moves in zip(term.terms, moving, strict=True) if any(moving) and not moves]
    return [factor for factor in found if not isinstance(factor, Constant)]
