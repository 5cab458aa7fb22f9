"""``faults_of``: a proof held against the rules and the given rows, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tensorlang.ir.rules import Atom, Comparison, Constant, Negation, Rulebook
from tensorlang.limits import Limits
from tensorlang.logic.computing import holds
from tensorlang.logic.evaluating import evaluate
from tensorlang.logic.planning import pattern_of
from tensorlang.logic.proofs import Absent, Compared, Counted, Derived, Given, Node, Number, Proof, Support, Values
from tensorlang.logic.proving import term_value
from tensorlang.logic.rows import Rows
from tensorlang.logic.terms import head_terms, variables


def check_proof(proof: Proof, rulebook: Rulebook, given: Mapping[str, Rows], limits: Limits) -> list[str]:
    """What is wrong with a proof, empty where nothing is.

    A derived row must be what its rule makes of its support; absent, counted and best rows are looked up in an
    evaluation of their own.
    """
    checker = _Checker(rulebook, given, limits)
    found = [fault for node in proof.nodes() for fault in checker.faults(node)]
    root = proof.root
    if not checker.has(root.relation, root.values):
        found.append(f"{root.relation}{root.values} does not follow")
    return found


@dataclass(slots=True)
class _Checker:
    rulebook: Rulebook
    given: Mapping[str, Rows]
    limits: Limits
    _known: dict[str, set[Values]] = field(default_factory=dict)

    def has(self, relation: str, values: Values) -> bool:
        if relation not in self._known:
            rows = evaluate(self.rulebook, self.given, [relation], self.limits)[relation]
            self._known[relation] = set(rows.tuples())
        return values in self._known[relation]

    def faults(self, node: Node) -> Iterator[str]:
        match node:
            case Given(relation, values):
                rows = self.given.get(relation)
                if rows is None or values not in set(rows.tuples()):
                    yield f"{relation}{values} is not given"
            case Counted():
                if not self.has(node.relation, node.values):
                    yield f"{node.relation}{node.values} is not what is counted"
                yield from self._not_counted(node)
            case Derived():
                yield from self._misapplied(node)

    def _not_counted(self, node: Counted) -> Iterator[str]:
        for rows in node.shown:
            for relation, values in rows:
                if not self.has(relation, values):
                    yield f"{relation}{values} is counted, but does not follow"

    def _misapplied(self, node: Derived) -> Iterator[str]:
        if not any(rule is node.rule for rule in self.rulebook.rules) or node.rule.head.relation != node.relation:
            yield f"{node.relation}{node.values} is derived by another rule"
            return
        made = tuple(term_value(term, node.binding) for term in head_terms(node.rule))
        if made != node.values:
            yield f"the rule makes {made}, not {node.values}"
        if len(node.support) != len(node.rule.body):
            yield "a condition without support"
        for condition, support in zip(node.rule.body, node.support, strict=False):
            if not self._supports(condition, support, node.binding):
                yield f"a condition of {node.relation}{node.values} is not met"

    def _supports(
        self, condition: Atom | Negation | Comparison, support: Support, binding: Mapping[str, Number]
    ) -> bool:
        match condition, support:
            case Atom(relation, terms), Given() | Derived() | Counted():
                values = tuple(term_value(term, binding) for term in terms)
                return (relation, values) == (support.relation, support.values)
            case Comparison(), Compared(comparison):
                columns = {name: np.array([number]) for name, number in binding.items()}
                return comparison == condition and bool(holds(condition, columns, 1)[0])
            case Negation(atom), Absent(negation):
                return negation == condition and not self._fits(atom, binding)
        return False

    def _fits(self, atom: Atom, binding: Mapping[str, Number]) -> bool:
        """Whether some row fits an atom; variables without a value fit any."""
        terms = tuple(
            Constant(term_value(term, binding)) if set(variables(term)) <= binding.keys() else term
            for term in atom.terms
        )
        self.has(atom.relation, ())
        pattern, _ = pattern_of(replace(atom, terms=terms))
        return any(
            all(
                row[place] == (number if kind == "=" else row[int(number)])
                for place, (kind, number) in enumerate(pattern)
            )
            for row in self._known[atom.relation]
        )
