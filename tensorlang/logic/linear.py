"""Relations whose rules lead from asked values on along a chain, such as paths: what is asked for is followed, once.

With the places marked ``b`` bound, the rules of a chain T are, for tuples X, Y of the bound and Z, W of the free ones:

- an end:        T(X, Z) <- conditions without T
- a step:        T(X, Z) <- T(Y, Z), conditions without Z     ("right-linear")
- an addition:   T(X, Z) <- T(X, W), conditions without X     ("left-linear")
- both:          T(X, Z) <- T(X, W), T(Y, Z), conditions without X and Z

Let T~(S, Y) say that what holds of Y in T holds of S; then T(S, Z) follows from T~(S, Y) and an end at Y, and no row of
T is computed for any Y but those asked for (Naughton, Ramakrishnan, Sagiv, Ullman, "Efficient evaluation of right-,
left-, and multi-linear rules", SIGMOD 1989, here with the asked value S kept).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tensorlang.ir.rules import Atom, Condition, Rule, Term, Variable
from tensorlang.logic.terms import atom_variables, condition_variables, positive_atoms


@dataclass(frozen=True, slots=True)
class _Link:
    """A rule taken apart: ``onward`` is its T(Y, Z), ``inward`` its T(X, W), ``rest`` the other conditions."""

    rule: Rule
    onward: Atom | None
    inward: Atom | None
    rest: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    marks: str
    links: tuple[_Link, ...]

    def rules(self, name: str) -> Iterator[Rule]:
        """The rules of T so marked, ``name``; an atom of ``name``, ``name?`` or ``name~`` comes first in each body."""
        span = self.links[0].rule.span
        asked = tuple(Variable(f"asked{at}") for at in range(self.marks.count("b")))
        yield Rule(Atom(f"{name}~", asked * 2, span), (Atom(f"{name}?", asked, span),), span)
        for link in self.links:
            rule = link.rule
            here = self._bound(rule.head)
            free = self._free(rule.head)
            if link.inward is None:
                before = Atom(f"{name}~", (*asked, *here), span)
            else:
                before = Atom(name, self._placed(asked, self._free(link.inward)), span)
            if link.onward is None:
                head = Atom(name, self._placed(asked, free), span)
            else:
                head = Atom(f"{name}~", (*asked, *self._bound(link.onward)), span)
            yield replace(rule, head=head, body=(before, *link.rest))

    def _bound(self, atom: Atom) -> tuple[Term, ...]:
        return tuple(term for term, mark in zip(atom.terms, self.marks, strict=True) if mark == "b")

    def _free(self, atom: Atom) -> tuple[Term, ...]:
        return tuple(term for term, mark in zip(atom.terms, self.marks, strict=True) if mark == "f")

    def _placed(self, bound: Sequence[Term], free: Sequence[Term]) -> tuple[Term, ...]:
        sources = {"b": iter(bound), "f": iter(free)}
        return tuple(next(sources[mark]) for mark in self.marks)


def chain(relation: str, rules: Sequence[Rule], marks: str) -> Chain | None:
    """The chain that a relation's rules make with the marked places bound, where they do and some rule is recursive."""
    links = [_link(relation, rule, marks) for rule in rules]
    found = tuple(link for link in links if link is not None)
    if len(found) < len(rules) or not any(link.onward or link.inward for link in found):
        return None
    return Chain(marks, found)


def _link(relation: str, rule: Rule, marks: str) -> _Link | None:
    if rule.aggregate is not None:
        return None
    own = [atom for atom in positive_atoms(rule) if atom.relation == relation]
    if not own:
        return _Link(rule, None, None, rule.body)
    if len(own) > 2 or not all(isinstance(term, Variable) for atom in (rule.head, *own) for term in atom.terms):
        return None
    for onward, inward in ((own[0], None), (None, own[0])) if len(own) == 1 else ((own[0], own[1]), (own[1], own[0])):
        link = _Link(rule, onward, inward, tuple(c for c in rule.body if c is not onward and c is not inward))
        if _passes_free(link, marks) and _passes_bound(link, marks):
            return link
    return None


def _passes_free(link: _Link, marks: str) -> bool:
    """Whether the onward atom has the head's free variables, found nowhere else, and what leads to it is bound."""
    if link.onward is None:
        return True
    free, bound = _names(link.rule.head, marks, "f"), _names(link.rule.head, marks, "b")
    ahead = _names(link.onward, marks, "b")
    before = bound if link.inward is None else _names(link.inward, marks, "f")
    inward = () if link.inward is None else atom_variables(link.inward)
    reached = {*before, *(name for c in link.rest if isinstance(c, Atom) for name in condition_variables(c))}
    return _only_there(free, _names(link.onward, marks, "f"), {*bound, *ahead, *inward}, link.rest) and reached >= {
        *ahead
    }


def _passes_bound(link: _Link, marks: str) -> bool:
    """Whether the inward atom has the head's bound variables, which stand nowhere else."""
    if link.inward is None:
        return True
    free, bound = _names(link.rule.head, marks, "f"), _names(link.rule.head, marks, "b")
    onward = () if link.onward is None else atom_variables(link.onward)
    others = {*free, *_names(link.inward, marks, "f"), *onward}
    return _only_there(bound, _names(link.inward, marks, "b"), others, link.rest)


def _only_there(names: list[str], passed: list[str], others: set[str], rest: Sequence[Condition]) -> bool:
    if names != passed or len(set(names)) < len(names):
        return False
    return others.union(*map(condition_variables, rest)).isdisjoint(names)


def _names(atom: Atom, marks: str, mark: str) -> list[str]:
    return [term.name for term, m in zip(atom.terms, marks, strict=True) if m == mark and isinstance(term, Variable)]
