"""Rules of the tree as drafts: atoms, comparisons and terms, with words still as words and names resolved.

In: a rule or a query and its scope. Out: a ``Draft``; what cannot stand in a rule is reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from tensorlang.ir.domain import Size
from tensorlang.records import dataclass, field
from tensorlang.sema import messages
from tensorlang.sema.relations.aggregates import aggregate_of
from tensorlang.sema.resolved import Value
from tensorlang.sema.scope import Scalar, Scope, View
from tensorlang.sema.world import World, strip
from tensorlang.source import Span
from tensorlang.syntax import ast

_OPERATORS = {"": "*", "*": "*", "/": "/", "%": "%"}
_FUNCTIONS = {"min": 2, "max": 2, "abs": 1}


@dataclass(frozen=True, slots=True)
class Name:
    """A variable; those of ``_`` begin with ``_``."""

    name: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Term:
    """A constant: a word, or a number."""

    value: str | int | float
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sum:
    """Arithmetic over terms."""

    operator: str
    terms: tuple[AnyTerm, ...]
    span: Span = field(compare=False, repr=False)


AnyTerm = Name | Term | Sum


@dataclass(frozen=True, slots=True)
class Literal:
    """``Parent(x, y)``, or ``not Parent(x, y)``."""

    relation: str
    terms: tuple[AnyTerm, ...]
    negated: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unequal:
    """A comparison of any kind."""

    operator: str
    left: AnyTerm
    right: AnyTerm
    span: Span = field(compare=False, repr=False)


@dataclass(slots=True, eq=False)
class Draft:
    """A rule: ``literals[0]`` is the head. ``body`` keeps the order of the conditions."""

    literals: list[Literal]
    tests: list[Unequal]
    body: list[Literal | Unequal]
    span: Span
    aggregate: tuple[str, AnyTerm, int] | None = None
    failed: bool = False


def terms_of(term: AnyTerm) -> Iterator[Name | Term]:
    """The variables and constants of a term."""
    stack = [term]
    while stack:
        top = stack.pop()
        if isinstance(top, Sum):
            stack.extend(reversed(top.terms))
        else:
            yield top


def variables_of(term: AnyTerm) -> Iterator[Name]:
    """The variables of a term."""
    return (part for part in terms_of(term) if isinstance(part, Name))


@dataclass(slots=True, eq=False)
class Reader:
    """Reads one rule; ``count`` numbers what stands for ``_``."""

    world: World
    scope: Scope
    count: int = 0
    failed: bool = False

    def rule(self, rule: ast.Rule) -> Draft:
        """A rule, or a fact: one without a body."""
        assert isinstance(rule.head.target, ast.Name)
        places: list[AnyTerm] = []
        aggregate: tuple[str, AnyTerm, int] | None = None
        for at, argument in enumerate(rule.head.arguments):
            found = aggregate_of(argument.value)
            if found is None:
                places.append(self.term(argument.value, rule.body == ()))
                continue
            if aggregate is not None or not rule.body:
                messages.one_aggregate(self.world.problems, argument.span, bool(rule.body))
                self.failed = True
            inner = self.term(found[1])
            aggregate = (found[0], inner, at)
            places.append(inner)
        view = self.scope.find(rule.head.target.name)
        assert isinstance(view, View)
        head = Literal(view.tensor.name, tuple(places), False, rule.head.span)
        draft = Draft([head], [], [], rule.span, aggregate)
        self.conditions(draft, rule.body)
        return draft

    def conditions(self, draft: Draft, body: tuple[ast.Expression, ...]) -> None:
        """Add the conditions of a body."""
        for condition in body:
            self._condition(draft, strip(condition), False)
        draft.failed = self.failed

    def _condition(self, draft: Draft, node: ast.Expression, negated: bool) -> None:
        match node:
            case ast.Call(target=ast.Name(name=name)) if isinstance(self.scope.find(name), View):
                literal = self._literal(node, name, negated)
                if literal is not None:
                    draft.literals.append(literal)
                    draft.body.append(literal)
            case ast.Not(value=value) if not negated:
                self._condition(draft, strip(value), True)
            case ast.Logic(operator="and", values=values) if not negated:
                for value in values:
                    self._condition(draft, strip(value), False)
            case ast.Comparison(operators=operators, values=values):
                self._compare(draft, operators, values, negated, node.span)
            case _:
                self._wrong(node)

    def _wrong(self, node: ast.Expression) -> None:
        self.failed = True
        if isinstance(node, ast.Call) and isinstance(node.target, ast.Name):
            known = [told.info.name for told in self.world.told.values()]
            messages.unknown_relation(self.world.problems, node.target.span, node.target.name, known)
        elif isinstance(node, ast.Logic):
            messages.or_in_a_rule(self.world.problems, node.span)
        else:
            messages.not_a_rule_condition(self.world.problems, node.span)

    def _literal(self, node: ast.Call, name: str, negated: bool) -> Literal | None:
        view = self.scope.find(name)
        assert isinstance(view, View)
        told = self.world.told.get(view.tensor.name)
        if told is None:
            messages.not_a_relation(self.world.problems, node.span, view.tensor)
            self.failed = True
            return None
        if len(node.arguments) != told.places:
            messages.wrong_places_of(self.world.problems, node.span, told.info, told.places, len(node.arguments))
            self.failed = True
            return None
        terms = tuple(self.term(argument.value) for argument in node.arguments)
        return Literal(told.info.name, terms, negated, node.span)

    def _compare(
        self, draft: Draft, operators: tuple[str, ...], values: tuple[ast.Expression, ...], negated: bool, span: Span
    ) -> None:
        opposite = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
        if negated and len(operators) > 1:
            self._wrong(values[0])
            return
        sides = [self.term(value) for value in values]
        for at, operator in enumerate(operators):
            test = Unequal(opposite[operator] if negated else operator, sides[at], sides[at + 1], span)
            draft.tests.append(test)
            draft.body.append(test)

    # --- terms -------------------------------------------------------------------------------------------------------

    def term(self, node: ast.Expression, fact: bool = False) -> AnyTerm:
        """What stands at a place or beside a comparison."""
        node = strip(node)
        match node:
            case ast.Number(value=value, span=span):
                return Term(value, span)
            case ast.String(value=value, span=span):
                return Term(value, span)
            case ast.Size(name=name, span=span):
                return self._size(name, span)
            case ast.Name(name=name, span=span):
                return self._name(name, span, fact)
            case ast.Sum(terms=terms, span=span):
                signed = [self._signed(term, fact) for term in terms]
                return signed[0] if len(signed) == 1 else Sum("+", tuple(signed), span)
            case ast.Product():
                return self._product(node, fact)
            case ast.Call(target=ast.Name(name=name), arguments=arguments, span=span) if name in _FUNCTIONS:
                if len(arguments) == _FUNCTIONS[name]:
                    return Sum(name, tuple(self.term(argument.value, fact) for argument in arguments), span)
            case _:
                pass
        messages.not_a_term(self.world.problems, node.span)
        self.failed = True
        return Term(0, node.span)

    def _signed(self, term: ast.Term, fact: bool) -> AnyTerm:
        inner = self.term(term.value, fact)
        if term.sign > 0:
            return inner
        if isinstance(inner, Term) and not isinstance(inner.value, str):
            return Term(-inner.value, inner.span)
        return Sum("neg", (inner,), term.span)

    def _product(self, node: ast.Product, fact: bool) -> AnyTerm:
        result = self.term(node.factors[0].value, fact)
        for factor in node.factors[1:]:
            result = Sum(_OPERATORS[factor.operator], (result, self.term(factor.value, fact)), node.span)
        return result

    def _size(self, name: str, span: Span) -> AnyTerm:
        known = self.scope.dim(name)
        value = None if known is None else self.size(known[0])
        if value is None:
            messages.unknown_size(self.world.problems, span, name, set())
            self.failed = True
        return Term(value or 0, span)

    def size(self, size: Size) -> int | None:
        """The number that a size is, where it is known by now."""
        known = self.world.sizes
        return size.value(known) if size.symbols <= known.keys() else None

    def _name(self, name: str, span: Span, fact: bool) -> AnyTerm:
        if name == "_":
            self.count += 1
            if fact:
                messages.variable_in_a_fact(self.world.problems, span, name)
                self.failed = True
            return Name(f"_{self.count}", span)
        found = self.scope.find(name)
        if isinstance(found, Scalar) and isinstance(found.value, Value):
            held = found.value.value
            number = self.size(held) if isinstance(held, Size) else held
            if isinstance(number, int | float):
                return Term(number, span)
        if name[0].isupper():
            return Term(name, span)
        if fact:
            messages.variable_in_a_fact(self.world.problems, span, name)
            self.failed = True
        return Name(name, span)
