"""Recursive parts for which there is a better way than rounds, recognised by the form of their rules.

- Chains of pairs (``linear.py``): T(x,z) <- A(x,y), T(y,z), or T(x,y), C(y,z), or both, or T(x,y), T(y,z): their rows
  are the ends, led to along A and led on along C.
- Reachability: T(y) <- T(x), A(x,y).

The rows are those that rounds would give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tensorlang.ir.rules import Atom, Condition, Rule, Term, Variable
from tensorlang.logic.layouts import Keys
from tensorlang.logic.linear import chain
from tensorlang.logic.rows import Rows
from tensorlang.logic.strata import Part
from tensorlang.logic.terms import atom_variables, condition_variables, positive_atoms, safe_variables

Pairs = tuple[Keys, Keys]
# the rows of a rule that does not read the part's relation
Apply = Callable[[Rule], Rows]


def shortcut(part: Part, kinds: Sequence[str], given: Rows, apply: Apply, allow: Callable[[int], None]) -> Rows | None:
    """The rows of a part's only relation where the form of its rules is known; ``allow`` may stop large results."""
    if len(part.relations) != 1 or any(kind != "int" for kind in kinds):
        return None
    (name,) = part.relations
    if len(kinds) == 2:
        return _pairs(name, part.rules, given, apply, allow)
    if len(kinds) == 1:
        return _reachable(name, part.rules, given, apply)
    return None


def _pairs(name: str, rules: Sequence[Rule], given: Rows, apply: Apply, allow: Callable[[int], None]) -> Rows | None:
    found = chain(name, rules, "bf")
    if found is None:
        return None
    ends = [link.rule for link in found.links if not (link.onward or link.inward)]
    steps, additions, doubling = [], [], False
    for link in found.links:
        if link.onward and link.inward:
            if link.rest or link.inward.terms[1] != link.onward.terms[0]:
                return None
            doubling = True
        elif link.onward:
            steps.append(_edge_rule(link.rule, link.rule.head.terms[0], link.onward.terms[0], link.rest))
        elif link.inward:
            additions.append(_edge_rule(link.rule, link.inward.terms[1], link.rule.head.terms[1], link.rest))
    if None in steps or None in additions or (doubling and (steps or additions)):
        return None
    base = _united([given, *map(apply, ends)])
    onward = _united([apply(rule) for rule in additions if rule]) if additions else base
    if doubling or (additions and not steps and _same(base, onward)):
        return _rows(base, base, allow)  # steps may as well be taken at the front
    if steps:
        base = _columns(_rows(_united([apply(rule) for rule in steps if rule]), base, allow))
    if additions:
        backward = _rows((onward[1], onward[0]), (base[1], base[0]), allow)
        return Rows.of(backward.columns[::-1])
    return Rows(base, len(base[0]))


def _reachable(name: str, rules: Sequence[Rule], given: Rows, apply: Apply) -> Rows | None:
    edges, ends = [], []
    for rule in rules:
        own = [atom for atom in positive_atoms(rule) if atom.relation == name]
        if not own:
            ends.append(rule)
            continue
        rest = tuple(condition for condition in rule.body if condition is not own[0])
        edge = _edge_rule(rule, own[0].terms[0], rule.head.terms[0], rest)
        if len(own) > 1 or edge is None:
            return None
        edges.append(edge)
    start = np.concatenate([rows.columns[0] for rows in (given, *map(apply, ends))])
    from tensorlang.logic.closure import reached  # scipy is not loaded before it is needed

    nodes = reached(_united(list(map(apply, edges))), start)
    return Rows((nodes,), len(nodes))


def _edge_rule(rule: Rule, source: Term, target: Term, rest: tuple[Condition, ...]) -> Rule | None:
    """The rule of the edges (source, target), where one atom of the rest holds both (else they might be too many)."""
    if rule.aggregate is not None or not isinstance(source, Variable) or not isinstance(target, Variable):
        return None
    names = {source.name, target.name}
    edges = replace(rule, head=replace(rule.head, terms=(source, target)), body=rest)
    needed = names.union(*map(condition_variables, rest))
    atoms = [condition for condition in rest if isinstance(condition, Atom)]
    together = any(names <= atom_variables(atom) for atom in atoms)
    return edges if together and {n for n in needed if not n.startswith("_")} <= safe_variables(edges) else None


def _same(first: Pairs, second: Pairs) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def _columns(rows: Rows) -> Pairs:
    return rows.columns[0], rows.columns[1]


def _united(pieces: Sequence[Rows]) -> Pairs:
    pieces = [piece for piece in pieces if piece] or pieces[:1]
    if len(pieces) == 1:
        return _columns(pieces[0])
    return _columns(Rows.of([np.concatenate([piece.columns[at] for piece in pieces]) for at in (0, 1)]))


def _rows(edges: Pairs, base: Pairs, allow: Callable[[int], None]) -> Rows:
    from tensorlang.logic.closure import led

    result = led(edges, base)
    total = next(result)
    assert isinstance(total, int)
    allow(total)
    pairs = next(result)
    assert isinstance(pairs, tuple)
    return Rows(pairs, total)
