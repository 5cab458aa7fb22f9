"""The same rules evaluated by clingo: the oracle of the engine's tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import clingo

from tensorlang.ir.rules import (
    Arithmetic,
    Atom,
    Comparison,
    Condition,
    Constant,
    Negation,
    Rule,
    Rulebook,
    Term,
    Variable,
)
from tensorlang.logic.rows import Rows
from tensorlang.logic.terms import condition_variables, head_variables, substituted, variables

Found = dict[str, set[tuple[int, ...]]]
OPERATORS = {"==": "=", "%": "\\"}


def evaluated(rulebook: Rulebook, given: Mapping[str, Rows]) -> Found:
    """All rows of all relations. Only whole numbers; quotients must not be below 0."""
    lines = [f"{_name(name)}({','.join(map(str, row))})." for name, rows in given.items() for row in rows.tuples()]
    lines += [_rule(rule) for rule in rulebook.rules]
    control = clingo.Control(["--warn=none"])
    control.add("base", [], "\n".join(lines).replace("()", ""))
    control.ground([("base", [])])
    found: Found = {name: set() for name in rulebook.relations}
    names = {_name(name): name for name in rulebook.relations}
    with control.solve(yield_=True) as handle:
        for model in handle:
            for symbol in model.symbols(atoms=True):
                found[names[symbol.name]].add(tuple(argument.number for argument in symbol.arguments))
            break
    return found


def _name(relation: str) -> str:
    return relation[0].lower() + relation[1:]


def _rule(rule: Rule) -> str:
    body = [_condition(condition) for condition in rule.body]
    if rule.aggregate is None:
        return f"{_atom(rule.head)}{' :- ' if body else ''}{', '.join(body)}."
    aggregate, head = rule.aggregate, rule.head
    groups = [term for at, term in enumerate(head.terms) if at != aggregate.place]
    terms = [_term(aggregate.term)]
    if aggregate.operator in ("sum", "mean"):
        terms += sorted(_variable(n) for n in _bound(rule) if not n.startswith("_"))
    result = list(map(_term, head.terms))
    result[aggregate.place] = "V_"
    over = f"V_ = #{aggregate.operator} {{ {','.join(terms)} : {', '.join(body)} }}"
    kept = {n for term in groups for n in variables(term)}
    return f"{_name(head.relation)}({','.join(result)}) :- {', '.join([*_apart(rule, kept), over])}."


def _apart(rule: Rule, kept: set[str]) -> list[str]:
    """The body once more, to bind the groups: other variables are named apart from those inside the aggregate."""

    def value(name: str) -> Term:
        return Variable(name if name in kept or name.startswith("_") else f"{name}_apart")

    def apart(condition: Condition) -> Condition:
        match condition:
            case Atom(_, terms):
                return replace(condition, terms=tuple(substituted(term, value) for term in terms))
            case Negation(atom):
                return Negation(replace(atom, terms=tuple(substituted(term, value) for term in atom.terms)))
            case Comparison(_, left, right):
                return replace(condition, left=substituted(left, value), right=substituted(right, value))

    return [_condition(apart(condition)) for condition in rule.body]


def _bound(rule: Rule) -> set[str]:
    return head_variables(rule) | {n for c in rule.body if not isinstance(c, Negation) for n in condition_variables(c)}


def _condition(condition: Condition) -> str:
    match condition:
        case Atom():
            return _atom(condition)
        case Negation(atom):
            return f"not {_atom(atom)}"
        case Comparison(operator, left, right):
            return f"{_term(left)} {OPERATORS.get(operator, operator)} {_term(right)}"


def _atom(atom: Atom) -> str:
    return f"{_name(atom.relation)}({','.join(map(_term, atom.terms))})"


def _variable(name: str) -> str:
    return f"X{name}"


def _term(term: Term) -> str:
    match term:
        case Constant(value):
            return str(value)
        case Arithmetic(operator, terms):
            inner = [_term(part) for part in terms]
            if operator in ("min", "max"):
                worse = "-" if operator == "min" else "+"
                return f"(({inner[0]}+{inner[1]}{worse}|{inner[0]}-{inner[1]}|)/2)"
            if operator == "neg":
                return f"(-{inner[0]})"
            if operator == "abs":
                return f"|{inner[0]}|"
            return f"({inner[0]}{OPERATORS.get(operator, operator)}{inner[1]})"
        case _:
            return "_" if term.name.startswith("_") else _variable(term.name)
