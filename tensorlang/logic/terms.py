"""What stands in rules, looked at: variables, relations, substitution. Plain Python, no arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tensorlang.ir.rules import Arithmetic, Atom, Comparison, Condition, Constant, Negation, Rule, Term, Variable


def variables(term: Term) -> Iterator[str]:
    """The names of the variables of a term, from left to right, as often as they occur."""
    match term:
        case Variable(name):
            yield name
        case Arithmetic(_, terms):
            for part in terms:
                yield from variables(part)
        case Constant():
            pass


def atom_variables(atom: Atom) -> set[str]:
    return {name for term in atom.terms for name in variables(term)}


def condition_variables(condition: Condition) -> set[str]:
    match condition:
        case Atom():
            return atom_variables(condition)
        case Negation(atom):
            return atom_variables(atom)
        case Comparison(_, left, right):
            return {*variables(left), *variables(right)}


def head_variables(rule: Rule) -> set[str]:
    """The variables that the head needs, those of its aggregate too."""
    return {name for term in head_terms(rule) for name in variables(term)}


def head_terms(rule: Rule) -> tuple[Term, ...]:
    """The terms of the head; at the place of an aggregate, what it aggregates."""
    if rule.aggregate is None:
        return rule.head.terms
    terms = list(rule.head.terms)
    terms[rule.aggregate.place] = rule.aggregate.term
    return tuple(terms)


def anonymous(name: str) -> bool:
    """Whether a variable was written ``_``."""
    return name.startswith("_")


def positive_atoms(rule: Rule) -> Iterator[Atom]:
    for condition in rule.body:
        if isinstance(condition, Atom):
            yield condition


def negated_atoms(rule: Rule) -> Iterator[Atom]:
    for condition in rule.body:
        if isinstance(condition, Negation):
            yield condition.atom


def substituted(term: Term, value: Callable[[str], Term]) -> Term:
    """The term with every variable replaced by its ``value``."""
    match term:
        case Variable(name):
            return value(name)
        case Arithmetic(operator, terms):
            return Arithmetic(operator, tuple(substituted(part, value) for part in terms))
        case Constant():
            return term


def bound_by(comparison: Comparison, bound: set[str]) -> tuple[str, Term] | None:
    """The variable that ``==`` binds, given those already bound, and the term whose value it gets."""
    if comparison.operator != "==":
        return None
    for side, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        if isinstance(side, Variable) and side.name not in bound and set(variables(other)) <= bound:
            return side.name, other
    return None


def safe_variables(rule: Rule) -> set[str]:
    """The variables that positive atoms bind, or ``==`` from what is bound."""
    bound = {term.name for atom in positive_atoms(rule) for term in atom.terms if isinstance(term, Variable)}
    comparisons = [condition for condition in rule.body if isinstance(condition, Comparison)]
    found = True
    while found:
        found = False
        for comparison in comparisons:
            binding = bound_by(comparison, bound)
            if binding is not None:
                bound.add(binding[0])
                found = True
    return bound


def without_bindings(rule: Rule) -> Rule:
    """The rule with each variable that only ``==`` binds replaced by what it is bound to."""
    bound = {term.name for atom in positive_atoms(rule) for term in atom.terms if isinstance(term, Variable)}
    while True:
        for condition in rule.body:
            binding = bound_by(condition, bound) if isinstance(condition, Comparison) else None
            if binding is not None:
                rest = tuple(other for other in rule.body if other is not condition)
                rule = _replaced(replace(rule, body=rest), *binding)
                break
        else:
            return rule


def _replaced(rule: Rule, name: str, by: Term) -> Rule:
    def value(other: str) -> Term:
        return by if other == name else Variable(other)

    def in_atom(atom: Atom) -> Atom:
        if name not in atom_variables(atom):
            return atom
        return replace(atom, terms=tuple(substituted(term, value) for term in atom.terms))

    def inside(condition: Condition) -> Condition:
        match condition:
            case Atom():
                return in_atom(condition)
            case Negation(atom):
                return Negation(in_atom(atom))
            case Comparison(_, left, right):
                return replace(condition, left=substituted(left, value), right=substituted(right, value))

    aggregate = rule.aggregate
    if aggregate is not None:
        aggregate = replace(aggregate, term=substituted(aggregate.term, value))
    return Rule(in_atom(rule.head), tuple(inside(c) for c in rule.body), rule.span, aggregate)


def makes_values(rule: Rule) -> bool:
    """Whether the head may hold numbers that no relation of the body holds."""
    copied = {term.name for atom in positive_atoms(rule) for term in atom.terms if isinstance(term, Variable)}
    terms = head_terms(rule)
    return any(isinstance(t, Arithmetic) or (isinstance(t, Variable) and t.name not in copied) for t in terms)
