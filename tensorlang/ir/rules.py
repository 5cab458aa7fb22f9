"""Rules over relations: what Datalog evaluates, before anything is decided about how.

A relation is a set of rows; each place of it is of one ``Sort``: entities of a named domain (held as positions), whole
numbers, or numbers. A relation has one defining set: its facts and files (rows that are given), and the rules whose
head it is. The least fixed point of all rules is its meaning; negation and aggregates must be stratified (aggregates
that only get better, ``min`` and ``max``, may stand in their own recursion).

Terms are evaluated on rows of bindings. Every variable of a head, of a negated atom and of a comparison is bound by a
positive atom, or by ``variable = arithmetic over bound variables`` (``logic/strata.py`` finds those that are not). A
term without a value (a whole number divided by 0, a real result that is no number) makes its row not hold.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from tensorlang.records import dataclass, field
from tensorlang.source import Span


@dataclass(frozen=True, slots=True)
class Sort:
    """What stands at a place: ``domain`` names the entities' domain; None for numbers of ``kind`` int or float.

    Entities are of kind word; whole numbers with a ``domain`` are its positions, from 0 on.
    """

    kind: str
    domain: str | None = None

    def __str__(self) -> str:
        return self.domain or self.kind


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, or the position of an entity in its domain (``shown`` is how it was written)."""

    value: int | float
    shown: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``operator`` is one of ``+ - * / % min max neg abs`` (``/`` divides whole numbers down, numbers exactly).

    Whole numbers have 64 bits, and outgrowing them is an error; a whole and a real operand are computed as reals.
    """

    operator: str
    terms: tuple[Term, ...]


Term = Variable | Constant | Arithmetic


@dataclass(frozen=True, slots=True)
class Atom:
    """``Parent(x, y)``; a fresh variable (its name starts with ``_``) stands where ``_`` was written."""

    relation: str
    terms: tuple[Term, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negation:
    """``not Parent(x, y)``; variables that start with ``_`` and occur here only mean "for any"."""

    atom: Atom


@dataclass(frozen=True, slots=True)
class Comparison:
    """``operator`` is one of ``== != < <= > >=``. ``==`` with an unbound variable on one side binds it."""

    operator: str
    left: Term
    right: Term
    span: Span = field(compare=False, repr=False)


Condition = Atom | Negation | Comparison


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The last word on one place of a head: ``count sum min max mean`` of ``term``, one group for the other places.

    ``count`` counts the distinct values of its term. The others look at the distinct bindings of all variables that the
    body names, so two edges of one weight are two summands (``sema`` names what stands for ``_`` here). A group without
    bindings has no row.

    A relation with a rule of ``min`` or ``max`` holds the best row of each group, whichever of its rules or given rows
    it comes from; one with ``count``, ``sum`` or ``mean`` has that rule alone.
    """

    operator: str
    term: Term
    place: int


@dataclass(frozen=True, slots=True)
class Rule:
    """``head <- body``. Where there is an ``aggregate``, the head's term at its place is the aggregate's."""

    head: Atom
    body: tuple[Condition, ...]
    span: Span = field(compare=False, repr=False)
    aggregate: Aggregate | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """``sorts`` says what stands at each place; ``labels`` how a declaration named the places.

    ``weighted`` relations carry a number on each row (loaded from a file or given from Python), which rules do not see.
    """

    name: str
    sorts: tuple[Sort, ...]
    labels: tuple[str, ...]
    span: Span = field(compare=False, repr=False)
    weighted: bool = False

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.sorts))})"


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """One place of all rows: row ``r`` holds ``cells[codes[r]]``; ``cells`` are of type ``q`` or ``d``."""

    cells: array[int] | array[float]
    codes: array[int]

    def __iter__(self) -> Iterator[int | float]:
        return map(self.cells.__getitem__, self.codes)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows that are given, as they were told, duplicates and all.

    ``weights`` holds the numbers of a relation of numbers; those of rows that are told twice add up.
    """

    columns: tuple[Spread, ...]
    count: int
    weights: array[float] | None = None


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All relations and rules of a program."""

    relations: dict[str, Relation]
    rules: tuple[Rule, ...]
