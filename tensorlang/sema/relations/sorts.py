"""What stands at each place of each relation: entities of which domain, positions, whole numbers, numbers.

Places that one variable of a rule joins are of one sort, and so are places that declarations call by one name. In go
the told relations and the drafts of rules; out comes a ``Sort`` for each place and variable.
"""

from __future__ import annotations

from collections.abc import Hashable

from tensorlang.ir.listing import Column
from tensorlang.ir.rules import Sort
from tensorlang.records import dataclass, field
from tensorlang.sema import messages
from tensorlang.sema.relations.collect import KINDS, Told, domain_of
from tensorlang.sema.relations.terms import Draft, Literal, Name, Sum, Term, Unequal, terms_of
from tensorlang.sema.world import World
from tensorlang.source import Span

ANY = "entity"  # the domain of all words at places that no declaration names


@dataclass(slots=True, eq=False)
class Kind:
    """One class of places and variables. ``seen`` says, for messages, where words or numbers of it stand."""

    parent: Kind | None = None
    kind: str | None = None
    seen: dict[str, Span] = field(default_factory=dict)
    label: str | None = None
    plain: bool = False
    largest: int = -1


def root(kind: Kind) -> Kind:
    while kind.parent is not None:
        if kind.parent.parent is not None:
            kind.parent = kind.parent.parent
        kind = kind.parent
    return kind


@dataclass(slots=True, eq=False)
class Sorts:
    world: World
    kinds: dict[Hashable, Kind] = field(default_factory=dict)

    def of(self, key: Hashable) -> Kind:
        return root(self.kinds.setdefault(key, Kind()))

    def join(self, a: Kind, b: Kind, span: Span) -> None:
        a, b = root(a), root(b)
        if a is b:
            return
        for kind, place in b.seen.items():
            self.see(a, kind, place)
        a = root(a)
        if a.label is not None and b.label is not None and a.label != b.label:
            messages.two_domains(self.world.problems, span, a.label, b.label)
        b.parent = a
        a.label, a.plain = a.label or b.label, a.plain or b.plain
        a.largest = max(a.largest, b.largest)

    def see(self, kind: Kind, found: str, span: Span) -> None:
        """Note that a word, a whole number or a number stands somewhere."""
        kind = root(kind)
        kind.seen.setdefault(found, span)
        words, numbers = kind.seen.get("word"), kind.seen.get("int") or kind.seen.get("float")
        if words is not None and numbers is not None:
            if kind.kind != "clash":
                messages.words_and_numbers(self.world.problems, words, numbers)
            kind.kind = "clash"
        elif kind.kind != "clash":
            kind.kind = "word" if words is not None else "float" if "float" in kind.seen else "int"

    def sort(self, key: Hashable) -> Sort:
        kind = self.of(key)
        if kind.kind == "word" or kind.kind is None:
            return Sort("word", kind.label or ANY)
        if kind.kind == "int" and kind.label is not None and not kind.plain:
            return Sort("int", kind.label)
        return Sort("float" if kind.kind == "float" else "int")


def find_sorts(world: World, drafts: list[Draft]) -> Sorts:
    """Sorts of all places and of the variables of all rules; what clashes is reported."""
    sorts = Sorts(world)
    for told in world.told.values():
        _declared(sorts, told)
        _rows(sorts, told)
    for at, draft in enumerate(drafts):
        for literal in draft.literals:
            _literal(sorts, at, literal, _aggregated(draft, literal))
        for test in draft.tests:
            _test(sorts, at, test)
    for _ in range(3):  # a sum of whole numbers may turn out to be of numbers, once for each step of a chain
        for at, draft in enumerate(drafts):
            _reckoned(sorts, at, draft)
    for told in world.told.values():
        _whole(sorts, told)
    return sorts


def _whole(sorts: Sorts, told: Told) -> None:
    """What is declared to hold whole numbers meets no others."""
    for at, (label, kind) in enumerate(zip(told.info.labels or (), told.kinds, strict=True)):
        own = sorts.of((told.info.name, at))
        if kind == "int" and own.kind == "float":
            messages.not_whole(sorts.world.problems, own.seen["float"], told.info, label)


def _declared(sorts: Sorts, told: Told) -> None:
    info = told.info
    for at, (label, kind) in enumerate(zip(info.labels or (), told.kinds, strict=True)):
        own = sorts.of((info.name, at))
        if kind in KINDS:
            sorts.see(own, kind, info.span)
            own.plain = own.plain or kind != "word"
        base = domain_of(label, kind)
        if told.named and base is not None:
            own.label = own.label or base
            sorts.join(sorts.of(("label", base)), own, info.span)


def _rows(sorts: Sorts, told: Told) -> None:
    """The kinds of what facts and files hold."""
    info = told.info
    if told.listing is not None:
        for at, column in enumerate(told.listing.columns[: told.places]):
            kind = told.kinds[at]
            found = kind if kind in KINDS else _kind_of(column)  # cells of another kind are reported with their lines
            if found is not None:
                sorts.see(sorts.of((info.name, at)), found, info.span)
            if found == "int":
                own = sorts.of((info.name, at))
                own.largest = max(own.largest, max((v for v in column.numbers() if isinstance(v, int)), default=-1))


def _kind_of(column: Column) -> str | None:
    """What a column of a file holds; numbers where every cell is one."""
    kinds = set(map(type, column.numbers()))
    if not kinds:
        return None
    return "word" if type(None) in kinds else "float" if float in kinds else "int"


def _aggregated(draft: Draft, literal: Literal) -> int | None:
    """The place of a head that an aggregate fills: it need not be of its term's sort."""
    return draft.aggregate[2] if draft.aggregate is not None and literal is draft.literals[0] else None


def _literal(sorts: Sorts, at: int, literal: Literal, skipped: int | None) -> None:
    for place, term in enumerate(literal.terms):
        if place == skipped:
            continue
        own = sorts.of((literal.relation, place))
        match term:
            case Name(name=name, span=span):
                sorts.join(own, sorts.of((at, name)), span)
            case Term(value=str(), span=span):
                sorts.see(own, "word", span)
            case Term(value=value, span=span):
                sorts.see(own, "float" if isinstance(value, float) else "int", span)
                if isinstance(value, int):
                    root(own).largest = max(root(own).largest, value)
            case Sum():
                pass


def _test(sorts: Sorts, at: int, test: Unequal) -> None:
    """``x != y`` compares two of one sort; ``x < 3`` makes a number of an unknown one."""
    left, right = test.left, test.right
    for one, other in ((left, right), (right, left)):
        if not isinstance(one, Name):
            continue
        own = sorts.of((at, one.name))
        match other:
            case Name(name=name, span=span):
                if own.kind is None or sorts.of((at, name)).kind is None or "word" in (own.kind,):
                    sorts.join(own, sorts.of((at, name)), span)
            case Term(value=str(), span=span):
                sorts.see(own, "word", span)
            case Term(value=value, span=span) if own.kind in (None, "word"):
                sorts.see(own, "float" if isinstance(value, float) else "int", span)
            case _:
                pass


def _reckoned(sorts: Sorts, at: int, draft: Draft) -> None:
    """Places and variables that arithmetic fills are whole numbers, or numbers where one of its terms is."""
    for literal in draft.literals:
        for place, term in enumerate(literal.terms):
            if isinstance(term, Sum) and place != _aggregated(draft, literal):
                sorts.see(sorts.of((literal.relation, place)), _kind(sorts, at, term), term.span)
    for test in draft.tests:
        for one, other in ((test.left, test.right), (test.right, test.left)):
            if test.operator == "==" and isinstance(one, Name) and isinstance(other, Sum):
                sorts.see(sorts.of((at, one.name)), _kind(sorts, at, other), other.span)
    if draft.aggregate is not None:
        operator, term, place = draft.aggregate
        target = sorts.of((draft.literals[0].relation, place))
        kind = {"count": "int", "mean": "float"}.get(operator) or _kind(sorts, at, term)
        sorts.see(target, kind, draft.literals[0].span)
        root(target).plain = True


def _kind(sorts: Sorts, at: int, term: Name | Term | Sum) -> str:
    """``int``, or ``float`` where one of the terms is; variables of arithmetic are numbers."""
    found = "int"
    for part in terms_of(term):
        if isinstance(part, Name):
            own = sorts.of((at, part.name))
            if isinstance(term, Sum) and own.kind in (None, "word"):
                sorts.see(own, "int", part.span)
            found = "float" if own.kind == "float" else found
        elif isinstance(part.value, str):
            messages.word_in_arithmetic(sorts.world.problems, part.span, part.value)
        elif isinstance(part.value, float):
            found = "float"
    return found
