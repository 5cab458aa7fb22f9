"""Rules that compute only what a goal needs: constants of the goal are handed down from rule to rule ("magic sets").

A relation asked for with some places bound becomes a relation of its own, ``Path^bf`` (``b`` a bound place, ``f`` a
free one), whose rules read ``Path^bf?``, the values that are asked for; these are defined by rules too, one for each
place where the relation is read. Bound places of chains (``linear.py``) are handled better still.

Only values that stand in rows or in the program are handed down, never computed ones, so what ended before still ends.
Where handing down would break the strata, aggregates are evaluated whole, and if that is not enough, everything is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tensorlang.ir.rules import (
    Arithmetic,
    Atom,
    Comparison,
    Condition,
    Constant,
    Negation,
    Relation,
    Rule,
    Rulebook,
    Variable,
)
from tensorlang.logic.linear import Chain, chain
from tensorlang.logic.rows import Rows
from tensorlang.logic.strata import parts, relevant, unstratified
from tensorlang.logic.terms import condition_variables, variables


@dataclass(frozen=True, slots=True)
class Demand:
    """Rules and given rows that suffice for a goal; ``origin`` says which relation a new one holds rows of."""

    rulebook: Rulebook
    given: Mapping[str, Rows]
    goal: str
    origin: Mapping[str, str]


def demanded(rulebook: Rulebook, given: Mapping[str, Rows], goal: Atom, chains: bool = True) -> Demand:
    """What is needed for a goal; its rows are those of the goal's relation that fit its constants, and maybe others.

    Without ``chains``, each row follows by a rule of the program from rows that are computed too.
    """
    for aggregates in (True, False):
        rewriting = _Rewriting(rulebook, given, aggregates, chains)
        name = rewriting.start(goal)
        found = rewriting.result()
        if not unstratified(found):
            return Demand(found, rewriting.rows, name, rewriting.origin)
    return Demand(rulebook, given, goal.relation, {})


@dataclass(slots=True)
class _Rewriting:
    rulebook: Rulebook
    given: Mapping[str, Rows]
    aggregates: bool
    chains: bool
    rows: dict[str, Rows] = field(init=False)
    origin: dict[str, str] = field(default_factory=dict)
    relations: dict[str, Relation] = field(init=False)
    rules: list[Rule] = field(default_factory=list)
    _of: dict[str, list[Rule]] = field(default_factory=dict)
    _part: dict[str, int] = field(default_factory=dict)
    _todo: list[tuple[str, str]] = field(default_factory=list)
    _whole: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rows = dict(self.given)
        self.relations = dict(self.rulebook.relations)
        for rule in self.rulebook.rules:
            self._of.setdefault(rule.head.relation, []).append(rule)
        for number, part in enumerate(parts(self.rulebook.rules)):
            self._part.update(dict.fromkeys(part.relations, number))

    def start(self, goal: Atom) -> str:
        if goal.relation not in self._of:
            return goal.relation
        marks = self._marks(goal, set(), goal.relation)
        name = self._asked(goal.relation, marks)
        if name != goal.relation and "b" in marks:
            self.rules.append(Rule(_need(replace(goal, relation=name), marks), (), goal.span))
        while self._todo:
            self._define(*self._todo.pop())
        return name

    def result(self) -> Rulebook:
        whole = relevant(self.rulebook, self._whole) if self._whole else ()
        return Rulebook(self.relations, (*self.rules, *whole))

    def _marks(self, atom: Atom, bound: Collection[str], relation: str) -> str:
        """Which places of an atom are bound; none of an aggregate."""
        marks = ""
        open_places = {rule.aggregate.place for rule in self._of[relation] if rule.aggregate is not None}
        for place, term in enumerate(atom.terms):
            known = isinstance(term, Constant) or (isinstance(term, Variable) and term.name in bound)
            marks += "b" if known and place not in open_places else "f"
        return self._chainable(relation, marks)

    def _chainable(self, relation: str, marks: str) -> str:
        """The marks, or some with one place less that make the relation a chain where these do not."""
        if marks.count("b") > 1 and self._chain(relation, marks) is None:
            for place, mark in enumerate(marks):
                fewer = marks[:place] + "f" + marks[place + 1 :]
                if mark == "b" and self._chain(relation, fewer) is not None:
                    return fewer
        return marks

    def _chain(self, relation: str, marks: str) -> Chain | None:
        return chain(relation, self._of[relation], marks) if self.chains else None

    def _asked(self, relation: str, marks: str) -> str:
        """The name of a relation asked for in a way; its rules are written when its turn comes."""
        aggregated = any(rule.aggregate is not None for rule in self._of[relation])
        if ("b" not in marks and not self._read_with_constants(relation)) or (aggregated and not self.aggregates):
            self._whole.add(relation)
            return relation
        name = f"{relation}^{marks}"
        if name not in self.relations:
            declared = self.rulebook.relations[relation]
            self.relations[name] = replace(declared, name=name)
            places = [place for place, mark in enumerate(marks) if mark == "b"]
            sorts, labels = tuple(declared.sorts[p] for p in places), tuple(declared.labels[p] for p in places)
            self.relations[f"{name}?"] = replace(declared, name=f"{name}?", sorts=sorts, labels=labels)
            self.origin[name] = relation
            self._todo.append((relation, marks))
        return name

    def _read_with_constants(self, relation: str) -> bool:
        """Whether some rule of a relation, not recursive, reads a defined relation with a constant."""
        if any(self._part[relation] == self._part.get(atom.relation) for atom in self._atoms(relation)):
            return False
        return any(
            atom.relation in self._of and any(isinstance(term, Constant) for term in atom.terms)
            for atom in self._atoms(relation)
        )

    def _atoms(self, relation: str) -> Iterable[Atom]:
        return (c for rule in self._of[relation] for c in rule.body if isinstance(c, Atom))

    def _define(self, relation: str, marks: str) -> None:
        name = f"{relation}^{marks}"
        rules = list(self._of[relation])
        if self.given.get(relation):
            rules.append(self._given_rule(relation))
        found = chain(relation, rules, marks) if self.chains and "b" in marks else None
        if found is not None:
            self._define_chain(name, found, marks)
            return
        for rule in rules:
            head = replace(rule.head, relation=name)
            body = self._handed_down(rule.body, rule, _need(head, marks) if "b" in marks else None)
            self.rules.append(replace(rule, head=head, body=body))

    def _given_rule(self, relation: str) -> Rule:
        """Given rows of a relation that has rules too, as a rule."""
        declared, name = self.rulebook.relations[relation], f"{relation}^"
        self.relations[name] = replace(declared, name=name)
        self.rows[name] = self.given[relation]
        terms = tuple(Variable(f"x{place}") for place in range(len(declared.sorts)))
        return Rule(Atom(relation, terms, declared.span), (Atom(name, terms, declared.span),), declared.span)

    def _define_chain(self, name: str, found: Chain, marks: str) -> None:
        """A chain reads where each asked value leads: ``Path^bf~`` holds pairs of these."""
        need = self.relations[f"{name}?"]
        self.relations[f"{name}~"] = replace(
            need, name=f"{name}~", sorts=need.sorts * 2, labels=tuple(f"{label}" for label in need.labels * 2)
        )
        for rule in found.rules(name):
            first, *rest = rule.body
            assert isinstance(first, Atom)
            self.rules.append(replace(rule, body=self._handed_down(rest, rule, first)))

    def _handed_down(self, body: Sequence[Condition], rule: Rule, need: Atom | None) -> tuple[Condition, ...]:
        """The body with each defined relation asked for by what is bound before it; ``need`` comes first."""
        before: list[Condition] = [] if need is None else [need]
        bound = set() if need is None else _plain(need)
        left = list(body)
        while left:
            condition = self._next(left, bound)
            left.remove(condition)
            match condition:
                case Atom():
                    known = bound if need is not None else set()
                    before.append(self._asked_in(condition, rule, known, before))
                    bound |= _plain(condition)
                case Negation(atom):
                    self._whole.add(atom.relation)
                    before.append(condition)
                case Comparison():
                    before.append(condition)
                    bound |= _made_equal(condition, bound)
        return tuple(before)

    def _asked_in(self, atom: Atom, rule: Rule, bound: set[str], before: Sequence[Condition]) -> Atom:
        if atom.relation not in self._of:
            return atom
        marks = self._marks(atom, bound, atom.relation)
        name = self._asked(atom.relation, marks)
        asked = replace(atom, relation=name)
        if "b" in marks and name != atom.relation:
            need = _need(asked, marks)
            body = _useful(before, need)
            if need not in body:
                self.rules.append(Rule(need, body, rule.span))
        return asked

    def _next(self, left: Sequence[Condition], bound: Collection[str]) -> Condition:
        """Equalities first, then atoms with the most bound places (given ones before others), then the rest."""
        atoms = [condition for condition in left if isinstance(condition, Atom)]
        equal = [c for c in left if isinstance(c, Comparison) and _made_equal(c, bound)]
        if equal:
            return equal[0]
        if not atoms:
            return left[0]

        def worth(atom: Atom) -> tuple[bool, int, bool]:
            known = sum(isinstance(t, Constant) or (isinstance(t, Variable) and t.name in bound) for t in atom.terms)
            return known > 0, known - len(atom.terms), atom.relation not in self._of

        return max(atoms, key=lambda atom: (worth(atom), -left.index(atom)))


def _need(atom: Atom, marks: str) -> Atom:
    """The values that an atom asks for."""
    terms = [term for term, mark in zip(atom.terms, marks, strict=True) if mark == "b"]
    return Atom(f"{atom.relation}?", tuple(terms), atom.span)


def _plain(atom: Atom) -> set[str]:
    """The variables that an atom binds."""
    return {term.name for term in atom.terms if isinstance(term, Variable)}


def _uncomputed(atom: Atom) -> Atom:
    """The atom with ``_`` for terms that are computed."""
    terms = (t if not isinstance(t, Arithmetic) else Variable(f"_{at}") for at, t in enumerate(atom.terms))
    return replace(atom, terms=tuple(terms))


def _made_equal(condition: Comparison, bound: Collection[str]) -> set[str]:
    """The variable that a comparison makes equal to a constant or to a bound variable."""
    if condition.operator != "==":
        return set()
    for side, other in ((condition.left, condition.right), (condition.right, condition.left)):
        plain = isinstance(other, Constant) or (isinstance(other, Variable) and other.name in bound)
        if isinstance(side, Variable) and side.name not in bound and plain:
            return {side.name}
    return set()


def _useful(before: Sequence[Condition], need: Atom) -> tuple[Condition, ...]:
    """Of what comes before an atom, the conditions that bear on the values asked for."""
    wanted = {name for term in need.terms for name in variables(term)}
    kept: list[Condition] = [_uncomputed(c) for c in before[:1] if isinstance(c, Atom) and "^" in c.relation]
    for condition in kept:
        wanted |= condition_variables(condition)
    rest = [c for c in before[len(kept) :] if not isinstance(c, Negation)]
    tied: list[Condition] = []
    grown = True
    while grown:
        grown = False
        for condition in rest:
            names = condition_variables(condition)
            ties = isinstance(condition, Atom) or (isinstance(condition, Comparison) and condition.operator == "==")
            if condition not in tied and ties and names & wanted:
                tied.append(condition)
                wanted |= names
                grown = True
    kept += [condition for condition in tied if isinstance(condition, Atom)]
    known = {name for condition in kept if isinstance(condition, Atom) for name in _plain(condition)}
    for condition in rest:
        if isinstance(condition, Comparison):
            made = _made_equal(condition, known)
            if made or condition_variables(condition) <= known:
                kept.append(condition)
                known |= made
    return tuple(kept)
