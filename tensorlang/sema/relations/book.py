"""The rulebook of a program, the rows that it is given, and the entities of its domains.

In: the told relations of a ``World`` and its queries, once every module is expanded. Out: ``Book``; words became
positions in their domains, whose sizes are known from now on.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.listing import Column
from tensorlang.ir.rules import (
    Aggregate,
    Arithmetic,
    Atom,
    Comparison,
    Condition,
    Constant,
    Negation,
    Relation,
    Rule,
    Rulebook,
    Sort,
    Spread,
    Table,
    Variable,
)
from tensorlang.ir.rules import Term as RuleTerm
from tensorlang.records import dataclass, field, replace
from tensorlang.sema import messages
from tensorlang.sema.relations.collect import Told
from tensorlang.sema.relations.sorts import Sorts, find_sorts, root
from tensorlang.sema.relations.terms import AnyTerm, Draft, Literal, Name, Reader, Sum, Term, Unequal
from tensorlang.sema.scope import Scope
from tensorlang.sema.world import World
from tensorlang.source import Span
from tensorlang.syntax import ast


@dataclass(slots=True, eq=False)
class Domain:
    """The entities of a domain in the order in which they were named; ``closed`` where a ``dim`` lists them."""

    name: str
    places: dict[str, int] = field(default_factory=dict)
    closed: Span | None = None

    def words(self) -> tuple[str, ...]:
        return tuple(self.places)


@dataclass(slots=True, eq=False)
class Book:
    """``sizes`` are those of the places of told relations, as far as they are known before rules are evaluated."""

    rulebook: Rulebook
    given: dict[str, Table]
    domains: dict[str, Domain]
    sizes: dict[tuple[str, int], tuple[Size, str | None]]

    def entities(self) -> dict[str, tuple[str, ...]]:
        return {name: domain.words() for name, domain in self.domains.items()}


def make_book(world: World) -> Book:
    """What rules and facts say; queries (``world.goals``) become rules of relations of their own."""
    drafts: list[Draft] = []
    for told in world.told.values():
        drafts += [Reader(world, told.info.scope).rule(fact) for fact in told.facts]
        drafts += [Reader(world, scope).rule(rule) for rule, scope in told.rules]
    drafts += [goal.draft for goal in world.goals]
    drafts = [draft for draft in drafts if not draft.failed]
    sorts = find_sorts(world, drafts)
    maker = _Maker(world, sorts)
    relations = {name: maker.relation(told) for name, told in world.told.items()}
    for at, draft in enumerate(drafts):
        maker.name_words(at, draft)
    maker.name_columns()
    maker.close()
    rules = [rule for at, draft in enumerate(drafts) if (rule := maker.rule(at, draft)) is not None]
    for goal in world.goals:
        relations[goal.draft.literals[0].relation] = maker.asked(goal.draft.literals[0], drafts)
    given = {name: maker.table(told) for name, told in world.told.items()}
    return Book(Rulebook(relations, tuple(rules)), given, maker.domains, maker.sizes())


@dataclass(slots=True, eq=False)
class _Maker:
    world: World
    sorts: Sorts
    domains: dict[str, Domain] = field(default_factory=dict)
    facts: dict[str, list[tuple[tuple[int | float, ...], Span]]] = field(default_factory=dict)
    refused: set[tuple[str, str]] = field(default_factory=set)

    def relation(self, told: Told) -> Relation:
        info = told.info
        sorts = tuple(self.sorts.sort((info.name, at)) for at in range(told.places))
        return Relation(info.name, sorts, info.labels or (), info.span, told.weighted)

    def asked(self, head: Literal, drafts: list[Draft]) -> Relation:
        """The relation of a query, with the sorts of its variables."""
        at = next(at for at, draft in enumerate(drafts) if draft.literals[0] is head)
        labels = tuple(term.name for term in head.terms if isinstance(term, Name))
        return Relation(head.relation, tuple(self.sorts.sort((at, label)) for label in labels), labels, head.span)

    # --- entities ----------------------------------------------------------------------------------------------------

    def domain(self, name: str) -> Domain:
        if name not in self.domains:
            listed = self.world.listed.get(name)
            words = {} if listed is None else {word: at for at, word in enumerate(listed[0])}
            self.domains[name] = Domain(name, words, None if listed is None else listed[1])
        return self.domains[name]

    def name_words(self, at: int, draft: Draft) -> None:
        """Words of a fact are entities; those of rules and queries must be known from elsewhere."""
        if draft.body or draft.aggregate is not None:
            return
        head = draft.literals[0]
        for place, term in enumerate(head.terms):
            if isinstance(term, Term) and isinstance(term.value, str):
                sort = self.sorts.sort((head.relation, place))
                if sort.kind == "word" and sort.domain is not None:
                    self._enter(self.domain(sort.domain), term.value, term.span, "")

    def name_columns(self) -> None:
        """Words of files and of what the caller gave are entities too."""
        for told in self.world.told.values():
            for at, column in enumerate(told.listing.columns[: told.places] if told.listing is not None else ()):
                sort = self.sorts.sort((told.info.name, at))
                if sort.kind != "word" or sort.domain is None:
                    continue
                domain = self.domain(sort.domain)
                for code, value in enumerate(column.values):
                    if str(value) not in domain.places:
                        where = self._where(told, column, code) if domain.closed is not None else ""
                        if not self._enter(domain, str(value), told.info.span, where):
                            break

    def _where(self, told: Told, column: Column, code: int) -> str:
        assert told.listing is not None
        return told.listing.where(column.codes.index(code))

    def _enter(self, domain: Domain, word: str, span: Span, where: str) -> bool:
        if word in domain.places:
            return True
        if domain.closed is not None:
            messages.closed_domain(self.world.problems, span, word, domain.name, domain.closed, domain.places, where)
            self.refused.add((domain.name, word))
            return False
        domain.places[word] = len(domain.places)
        return True

    def close(self) -> None:
        """Every domain has its entities: sizes that a program declares for them must have room."""
        for name, domain in self.domains.items():
            declared = self.world.root.dims.get(name)
            size = None if declared is None else declared[0].constant
            if declared is not None and size is not None and len(domain.places) > size:
                messages.too_many_entities(self.world.problems, declared[1], name, size, len(domain.places))

    # --- sizes -------------------------------------------------------------------------------------------------------

    def sizes(self) -> dict[tuple[str, int], tuple[Size, str | None]]:
        """The size of each place of a told relation, and its domain of entities."""
        found: dict[tuple[str, int], tuple[Size, str | None]] = {}
        for told in self.world.told.values():
            for at in range(told.places):
                sort = self.sorts.sort((told.info.name, at))
                if sort.domain is None:
                    continue
                count = len(self.domain(sort.domain).places) if sort.kind == "word" else self._positions(told, at)
                found[told.info.name, at] = (self._size(sort.domain, count), self._entities(sort))
        return found

    def _entities(self, sort: Sort) -> str | None:
        return sort.domain if sort.kind == "word" else None

    def _positions(self, told: Told, at: int) -> int:
        return root(self.sorts.of((told.info.name, at))).largest + 1

    def _size(self, domain: str, count: int) -> Size:
        """A declared size, or the symbol of the domain, which has so many elements."""
        declared = self.world.root.dims.get(domain)
        size = Size.of(Symbol(domain)) if declared is None else declared[0]
        if size.symbol is not None:
            known = self.world.sizes.get(size.symbol, 0)
            self.world.sizes[size.symbol] = max(known, count)
        return size

    # --- rows --------------------------------------------------------------------------------------------------------

    def table(self, told: Told) -> Table:
        """The rows that facts, files and the caller give, as columns of positions and numbers."""
        sorts = [self.sorts.sort((told.info.name, at)) for at in range(told.places)]
        facts = self.facts.get(told.info.name, ())
        columns = [self._spread(told, at, sort, [row[at] for row, _ in facts]) for at, sort in enumerate(sorts)]
        count = len(facts) + (told.listing.count if told.listing is not None else 0)
        return Table(tuple(columns), count, self._weights(told, len(facts)) if told.weighted else None)

    def _weights(self, told: Told, facts: int) -> array[float]:
        """A number a row; 1 where a fact says none."""
        found = array("d", [*told.weights, *([1.0] * (facts - len(told.weights)))])
        if told.listing is not None:
            found.extend(self._spread(told, told.places, Sort("float"), []))
        return found

    def _spread(self, told: Told, at: int, sort: Sort, facts: list[int | float]) -> Spread:
        """What facts and the listing hold at a place."""
        held: list[int | float] = []
        codes = array("q")
        if told.listing is not None:
            held += self._cells(told, at, sort)
            codes = told.listing.columns[at].codes
        own = array("q", range(len(held), len(held) + len(facts)))
        held += facts
        cells = array("d", held) if sort.kind == "float" else array("q", map(int, held))
        return Spread(cells, own + codes if own else codes)

    def _cells(self, told: Told, at: int, sort: Sort) -> Iterable[int | float]:
        """The cells of a column as positions and numbers; the first that cannot be one is reported."""
        assert told.listing is not None
        column = told.listing.columns[at]
        if sort.kind == "word":
            places = self.domain(sort.domain or "").places
            return [places.get(str(value), 0) for value in column.values]
        values = column.numbers()
        code = self._misfit(values, sort)
        if code is None:
            return values  # type: ignore[return-value]  # each is a number
        self._wrong(told, column, code, values[code], sort)
        return [0] * len(values)

    def _misfit(self, values: list[int | float | None], sort: Sort) -> int | None:
        """The first of the values that a place cannot hold."""
        if sort.kind == "float":
            return next((code for code, value in enumerate(values) if value is None or value != value), None)
        limit = None if sort.domain is None else self._limit(sort.domain)
        low, high = (-(2**63) if sort.domain is None else 0), (2**63 if limit is None else limit)
        whole = [value for value in values if isinstance(value, int)]
        if len(whole) == len(values) and (not whole or (low <= min(whole) and max(whole) < high)):
            return None
        return next(code for code, value in enumerate(values) if not isinstance(value, int) or not low <= value < high)

    def _wrong(self, told: Told, column: Column, code: int, value: int | float | None, sort: Sort) -> None:
        """Report a cell that its place cannot hold."""
        problems, span, where = self.world.problems, told.info.span, self._where(told, column, code)
        shown = str(column.values[code])
        if value is None or (sort.kind == "int" and isinstance(value, float)):
            wanted = "whole numbers" if sort.kind == "int" else "numbers"
            messages.not_a_number_in(problems, span, shown, wanted, where)
        elif value != value:
            messages.undefined_number(problems, span, where)
        elif not -(2**63) <= value < 2**63 or sort.domain is None:
            messages.too_large_in(problems, span, shown, where)
        else:
            messages.position_outside(problems, span, value, sort.domain, self._limit(sort.domain), where)

    def _outside(self, value: int | float, domain: str | None) -> bool:
        limit = None if domain is None else self._limit(domain)
        return domain is not None and (value < 0 or (limit is not None and value >= limit))

    def _limit(self, domain: str) -> int | None:
        declared = self.world.root.dims.get(domain)
        return None if declared is None else declared[0].constant

    # --- rules -------------------------------------------------------------------------------------------------------

    def rule(self, at: int, draft: Draft) -> Rule | None:
        """A draft as a rule; a fact is kept as a row instead."""
        head = draft.literals[0]
        fact = not draft.body and all(not isinstance(term, Name) for term in head.terms)
        sorts = [self._sort_of(at, head, place) for place in range(len(head.terms))]
        terms = tuple(map(self.term, head.terms, sorts))
        if fact and all(isinstance(term, Constant) for term in terms):
            row = tuple(term.value for term in terms if isinstance(term, Constant))
            self._check_positions(head, row, sorts)
            self.facts.setdefault(head.relation, []).append((row, draft.span))
            return None
        body = [self._condition(at, part) for part in draft.body]
        body += self._inside(terms, sorts, head)
        aggregate = None
        if draft.aggregate is not None:
            operator, inner, place = draft.aggregate
            sort = self.sorts.sort((head.relation, place))
            if operator != "count" and isinstance(inner, Name) and self.sorts.of((at, inner.name)).kind == "word":
                messages.entities_in_an_aggregate(self.world.problems, inner.span, operator, inner.name)
            aggregate = Aggregate(operator, self.term(inner, None if operator == "count" else sort), place)
            body = [_counted(condition) for condition in body]
        return Rule(Atom(head.relation, terms, head.span), tuple(body), draft.span, aggregate)

    def _sort_of(self, at: int, head: Literal, place: int) -> Sort:
        term = head.terms[place]
        if head.relation.startswith("?") and isinstance(term, Name):
            return self.sorts.sort((at, term.name))
        return self.sorts.sort((head.relation, place))

    def _check_positions(self, head: Literal, row: tuple[int | float, ...], sorts: list[Sort]) -> None:
        for value, sort, term in zip(row, sorts, head.terms, strict=True):
            if sort.kind == "int" and sort.domain is not None and self._outside(value, sort.domain):
                limit = self._limit(sort.domain)
                messages.position_outside(self.world.problems, term.span, value, sort.domain, limit, "")

    def _inside(self, terms: tuple[RuleTerm, ...], sorts: list[Sort], head: Literal) -> Iterator[Comparison]:
        """What arithmetic puts outside of a domain of positions is no element of it."""
        for term, sort in zip(terms, sorts, strict=True):
            if isinstance(term, Arithmetic) and sort.kind == "int" and sort.domain is not None:
                size = self._size(sort.domain, 0)
                count = size.value(self.world.sizes) if size.symbols <= self.world.sizes.keys() else 0
                yield Comparison("<=", Constant(0), term, head.span)
                yield Comparison("<", term, Constant(count), head.span)

    def _condition(self, at: int, part: Literal | Unequal) -> Condition:
        if isinstance(part, Unequal):
            sort = self._compared(at, part)
            return Comparison(part.operator, self.term(part.left, sort), self.term(part.right, sort), part.span)
        sorts = [self.sorts.sort((part.relation, place)) for place in range(len(part.terms))]
        atom = Atom(part.relation, tuple(map(self.term, part.terms, sorts)), part.span)
        return Negation(atom) if part.negated else atom

    def _compared(self, at: int, test: Unequal) -> Sort | None:
        for side in (test.left, test.right):
            if isinstance(side, Name):
                sort = self.sorts.sort((at, side.name))
                if sort.kind == "word" and test.operator not in ("==", "!="):
                    messages.entities_have_no_order(self.world.problems, test.span, sort.domain or "")
                return sort
        return None

    def term(self, term: AnyTerm, sort: Sort | None = None) -> RuleTerm:
        """A term with its words as positions."""
        match term:
            case Name(name=name):
                return Variable(name)
            case Sum(operator=operator, terms=terms):
                return Arithmetic(operator, tuple(self.term(inner) for inner in terms))
            case Term(value=str() as word, span=span):
                return self._word(word, span, sort)
            case Term(value=value):
                assert not isinstance(value, str), "words were looked up"
                return Constant(float(value) if sort is not None and sort.kind == "float" else value, str(value))

    def _word(self, word: str, span: Span, sort: Sort | None) -> Constant:
        if sort is None:
            messages.no_entities_here(self.world.problems, span, word, "number")
        if sort is None or sort.kind != "word" or sort.domain is None:
            return Constant(0, word)  # a place of words and numbers was reported
        places = self.domain(sort.domain).places
        if word not in places and (sort.domain, word) not in self.refused:
            messages.unknown_entity(self.world.problems, span, word, sort.domain, places)
        return Constant(places.get(word, 0), word)


def _counted(condition: Condition) -> Condition:
    """A condition of an aggregate, in which each ``_`` is a variable like any other: two rows are two summands."""
    if not isinstance(condition, Atom):
        return condition
    named = (
        Variable(f"any {t.name}") if isinstance(t, Variable) and t.name.startswith("_") else t for t in condition.terms
    )
    return replace(condition, terms=tuple(named))


@dataclass(slots=True, eq=False)
class Goal:
    """A query over told relations: its draft is a rule for a relation of its own, whose places are its variables."""

    draft: Draft
    span: Span
    ground: bool


def goal_of(world: World, scope: Scope, value: ast.Expression) -> Goal:
    """The goal of ``Ancestor(Alice, x)?`` or ``Parent(x, y) and x != Bob?``."""
    reader = Reader(world, scope)
    name = f"?{len(world.goals) + 1}"
    draft = Draft([], [], [], value.span)
    draft.literals.append(Literal(name, (), False, value.span))
    reader.conditions(draft, (value,))
    found: dict[str, Name] = {}
    for part in draft.body:
        sides = part.terms if isinstance(part, Literal) else (part.left, part.right)
        for term in sides:
            for variable in _named(term):
                found.setdefault(variable.name, variable)
    draft.literals[0] = Literal(name, tuple(found.values()), False, value.span)
    goal = Goal(draft, value.span, not found)
    world.goals.append(goal)
    return goal


def _named(term: AnyTerm) -> Iterator[Name]:
    from tensorlang.sema.relations.terms import variables_of

    return (variable for variable in variables_of(term) if not variable.name.startswith("_"))
