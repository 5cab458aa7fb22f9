"""Proofs of rows: trees whose leaves are given rows, comparisons, rows that are absent, and counted rows. Plain Python.

A node holds its row; a row that is used twice is one node, so a proof is as large as the number of rows it needs. Nodes
are built from their support up, so no row supports itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tensorlang.ir.rules import Arithmetic, Atom, Comparison, Constant, Negation, Relation, Rule, Sort, Term, Variable
from tensorlang.logic.terms import substituted
from tensorlang.source import Span

Number = int | float
Values = tuple[Number, ...]
Names = Callable[[Sort, int], str]


@dataclass(frozen=True, slots=True)
class Given:
    """A row that is a fact or was loaded."""

    relation: str
    values: Values


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """A row that a rule gives: ``support`` holds one entry for each condition of its body, in order.

    ``binding`` are the values of the rule's variables.
    """

    relation: str
    values: Values
    rule: Rule
    binding: Mapping[str, Number]
    support: tuple[Support, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """A row of an aggregate: ``number`` bindings of the body make it, of which ``shown`` are the rows of some."""

    relation: str
    values: Values
    rule: Rule
    number: int
    shown: tuple[tuple[tuple[str, Values], ...], ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison that holds for the binding of the node above."""

    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Absent:
    """No row fits the negated atom for the binding of the node above."""

    negation: Negation


Node = Given | Derived | Counted
Support = Node | Compared | Absent


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof of ``root``; ``relations`` say what stands at the places of its rows."""

    root: Node
    relations: Mapping[str, Relation]

    def nodes(self) -> Iterator[Node]:
        """Every row of the proof once, the root first."""
        seen: set[int] = set()
        todo: list[Node] = [self.root]
        while todo:
            node = todo.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            if isinstance(node, Derived):
                todo += [part for part in reversed(node.support) if isinstance(part, Given | Derived | Counted)]

    def lines(self, names: Names | None = None) -> list[str]:
        """The proof as a tree, a line each; ``names`` gives an entity's word for its position."""
        words = _Words(self.relations, names or (lambda sort, position: f"{sort}:{position}"))
        lines: list[str] = []
        drawn: set[int] = set()
        todo: list[tuple[Support | str, str, str, Derived | None]] = [(self.root, "", "", None)]
        while todo:
            part, lead, onward, above = todo.pop()
            again = id(part) in drawn and isinstance(part, Derived | Counted)
            lines.append(lead + (part if isinstance(part, str) else words.of(part, above, again)))
            if again or isinstance(part, str):
                continue
            drawn.add(id(part))
            below: list[Support | str] = []
            if isinstance(part, Derived):
                below += part.support
            elif isinstance(part, Counted):
                below += words.counted(part)
            for at, child in reversed(list(enumerate(below))):
                last = at == len(below) - 1
                leads = (onward + ("└─ " if last else "├─ "), onward + ("   " if last else "│  "))
                todo.append((child, *leads, part if isinstance(part, Derived) else None))
        return lines


def _place(span: Span) -> str:
    """``line 3``; what was entered piece by piece has a source for each piece."""
    name = span.source.name
    return f"line {span.line} of {name}" if name.startswith("<") and name[1:-1].isdigit() else f"line {span.line}"


@dataclass(frozen=True, slots=True)
class _Words:
    relations: Mapping[str, Relation]
    names: Names

    def of(self, part: Support, above: Derived | None, again: bool) -> str:
        match part:
            case Given(relation, values):
                return f"{self.row(relation, values)}   given"
            case Derived(relation, values, rule, _, _):
                source = "by" if rule.body else "fact,"
                known = "shown above" if again else f"{source} {_place(rule.span)}"
                return f"{self.row(relation, values)}   {known}"
            case Counted(relation, values, rule, number, _):
                rows = "row" if number == 1 else "rows"
                operator = "" if rule.aggregate is None else rule.aggregate.operator
                known = "shown above" if again else f"{operator} over {number:,} {rows}, by {_place(rule.span)}"
                return f"{self.row(relation, values)}   {known}"
            case Compared(comparison):
                assert above is not None
                left, right = self.term(comparison.left, above), self.term(comparison.right, above)
                return f"{left} {comparison.operator} {right}"
            case Absent(negation):
                assert above is not None
                return f"no row {self.atom(negation.atom, above)}"

    def row(self, relation: str, values: Values) -> str:
        sorts = self.relations[relation].sorts
        words = [self.value(sort, value) for sort, value in zip(sorts, values, strict=True)]
        return f"{relation}({', '.join(words)})" if words else relation

    def value(self, sort: Sort, value: Number) -> str:
        if sort.domain is not None:
            return self.names(sort, int(value))
        return repr(value)

    def counted(self, node: Counted) -> list[Support | str]:
        lines: list[Support | str] = [", ".join(self.row(*row) for row in rows) for rows in node.shown]
        if node.number > len(node.shown):
            lines.append(f"... and {node.number - len(node.shown):,} more")
        return lines

    def atom(self, atom: Atom, above: Derived) -> str:
        sorts = self.relations[atom.relation].sorts
        words = [self.term(term, above, sort) for sort, term in zip(sorts, atom.terms, strict=True)]
        return f"{atom.relation}({', '.join(words)})" if words else atom.relation

    def term(self, term: Term, above: Derived, sort: Sort | None = None) -> str:
        match term:
            case Constant(value, shown):
                return shown or (repr(value) if sort is None else self.value(sort, value))
            case Variable(name):
                if name not in above.binding:
                    return "_"
                known = sort or self._sort(above.rule, name)
                value = above.binding[name]
                return repr(value) if known is None else self.value(known, value)
            case Arithmetic():
                return written(substituted(term, lambda name: Constant(above.binding[name])))

    def _sort(self, rule: Rule, name: str) -> Sort | None:
        """What a variable ranges over, by an atom that it stands in."""
        for condition in rule.body:
            if isinstance(condition, Atom):
                for sort, term in zip(self.relations[condition.relation].sorts, condition.terms, strict=True):
                    if term == Variable(name):
                        return sort
        return None


def written(term: Term, inside: bool = False) -> str:
    """A term as one writes it."""
    match term:
        case Variable(name):
            return "_" if name.startswith("_") else name
        case Constant(value, shown):
            return shown or repr(value)
        case Arithmetic("neg", (inner,)):
            return f"-{written(inner, True)}"
        case Arithmetic(operator, (left, right)) if operator in ("+", "-", "*", "/", "%"):
            text = f"{written(left, True)} {operator} {written(right, True)}"
            return f"({text})" if inside else text
        case Arithmetic(operator, terms):
            return f"{operator}({', '.join(map(written, terms))})"
