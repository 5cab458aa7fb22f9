"""Random programs of rules: recursion, negation, aggregates, comparisons, arithmetic, constants, repeated variables.

Relations come in layers, so that negation and aggregates look down only; a relation's rules may read its own layer.
Whole numbers are bounded by comparisons. Entities are positions 0 to 5.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
from written import rulebook

from tensorlang.ir.rules import Atom, Constant, Relation, Rulebook, Term, Variable
from tensorlang.logic.rows import Rows

ENTITIES = 6
NUMBERS = 8
SHAPES = ("e", "e e", "e e", "e i", "e e i", "i", "")


@dataclass(slots=True)
class Generated:
    """A program's text, its rulebook and given rows; ``best`` programs hold ``min`` and ``max`` in recursion."""

    text: str
    rulebook: Rulebook
    given: dict[str, Rows]


@dataclass(slots=True)
class _Maker:
    random: random.Random
    shapes: dict[str, list[str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def term(self, kind: str, bound: dict[str, list[str]], fresh: float) -> str:
        draw = self.random.random()
        if draw < 0.08:
            return f"'{self.random.randrange(ENTITIES)}" if kind == "e" else str(self.random.randrange(NUMBERS))
        if draw < 0.14:
            return "_"
        if bound[kind] and self.random.random() > fresh:
            return self.random.choice(bound[kind])
        name = f"{'x' if kind == 'e' else 'n'}{len(bound[kind])}"
        bound[kind].append(name)
        return name

    def atom(self, name: str, bound: dict[str, list[str]], fresh: float = 0.5) -> str:
        return f"{name}({', '.join(self.term(kind, bound, fresh) for kind in self.shapes[name])})"

    def head_term(self, kind: str, bound: dict[str, list[str]], recursive: bool, extra: list[str]) -> str:
        if kind == "e":
            return self.random.choice(bound["e"]) if bound["e"] else f"'{self.random.randrange(ENTITIES)}"
        if not bound["i"]:
            return str(self.random.randrange(NUMBERS))
        name = self.random.choice(bound["i"])
        draw = self.random.random()
        if draw < 0.5:
            return name
        step = self.random.choice(
            [f"{name}+1", f"{name}*2", f"{name}%3", f"{name}/2", f"min({name}, 4)", f"max({name}, 1)"]
        )
        if self.random.random() < 0.4:
            extra += [f"v == {step}", f"v <= {NUMBERS}"]
            return "v"
        if recursive:
            extra.append(f"{name} <= {NUMBERS}")
        return step

    def rule(self, name: str, below: list[str], layer: list[str]) -> None:
        bound: dict[str, list[str]] = {"e": [], "i": []}
        chosen = [self.random.choice(below)]
        recursive = self.random.random() < 0.6
        for _ in range(self.random.choice([0, 1, 1, 2])):
            chosen.append(self.random.choice(layer if recursive and self.random.random() < 0.7 else below))
        self.random.shuffle(chosen)
        body = [self.atom(each, bound, 0.55) for each in chosen]
        if self.random.random() < 0.35:
            body.append(self.negated(self.random.choice(below), bound))
        if len(bound["e"]) > 1 and self.random.random() < 0.3:
            body.append(f"{bound['e'][0]} {self.random.choice(['!=', '=='])} {bound['e'][1]}")
        if len(bound["i"]) > 1 and self.random.random() < 0.4:
            body.append(f"{bound['i'][0]} {self.random.choice(['<', '<=', '!=', '>'])} {bound['i'][1]} + 1")
        extra: list[str] = []
        head = [self.head_term(kind, bound, recursive, extra) for kind in self.shapes[name]]
        self.lines.append(f"{name}({', '.join(head)}) <- {', '.join([*body, *extra])}")

    def negated(self, name: str, bound: dict[str, list[str]]) -> str:
        terms = []
        for kind in self.shapes[name]:
            known = bound[kind]
            constant = f"'{self.random.randrange(ENTITIES)}" if kind == "e" else str(self.random.randrange(NUMBERS))
            terms.append("_" if self.random.random() < 0.2 else self.random.choice(known) if known else constant)
        return f"not {name}({', '.join(terms)})"

    def aggregate(self, name: str, below: list[str]) -> None:
        """A relation with one rule: an aggregate over what is below."""
        bound: dict[str, list[str]] = {"e": [], "i": []}
        body = [self.atom(self.random.choice(below), bound, 0.6) for _ in range(self.random.choice([1, 2]))]
        operator = self.random.choice(["count", "sum", "min", "max"])
        if operator != "count" and not bound["i"]:
            operator = "count"
        places: list[str] = []
        kinds: list[str] = []
        if bound["e"] and self.random.random() < 0.8:
            places.append(self.random.choice(bound["e"]))
            kinds.append("e")
        over = self.random.choice(bound["i"] if operator != "count" else bound["e"] + bound["i"] or ["1"])
        places.append(f"{operator}({over})")
        self.shapes[name] = [*kinds, "i"]
        self.lines.append(f"{name}({', '.join(places)}) <- {', '.join(body)}")


def generated(seed: int) -> Generated:
    """The program of a seed."""
    maker = _Maker(random.Random(seed))
    pick = maker.random
    below = [f"G{at}" for at in range(pick.choice([2, 3]))]
    for name in below:
        maker.shapes[name] = pick.choice(SHAPES[:5]).split()
    given = {name: _rows(maker.shapes[name], pick) for name in below}
    for number in range(pick.choice([1, 2, 3])):
        layer = [f"R{number}{at}" for at in "AB"[: pick.choice([1, 2])]]
        for name in layer:
            maker.shapes[name] = pick.choice(SHAPES).split()
        for name in layer:
            for _ in range(pick.choice([1, 2, 2, 3])):
                maker.rule(name, below, layer)
        below = below + layer
        if pick.random() < 0.4:
            maker.aggregate(f"A{number}", below)
            below.append(f"A{number}")
    declared = [f"{name}: {' '.join(kinds)}" for name, kinds in maker.shapes.items()]
    text = "\n".join([*declared, *maker.lines]) + "\n"
    return Generated(text, rulebook(text), given)


def random_goal(relation: Relation, pick: random.Random) -> Atom:
    """A goal with some constants, some repeated variables and some ``_``."""
    terms: list[Term] = []
    for at, sort in enumerate(relation.sorts):
        draw = pick.random()
        if draw < 0.5:
            terms.append(Constant(pick.randrange(NUMBERS if sort.domain is None else ENTITIES)))
        else:
            same = [t for t, s in zip(terms, relation.sorts, strict=False) if s == sort and isinstance(t, Variable)]
            terms.append(same[0] if same and draw < 0.65 else Variable(f"_{at}" if draw > 0.9 else f"g{at}"))
    return Atom(relation.name, tuple(terms), relation.span)


def _rows(kinds: list[str], pick: random.Random) -> Rows:
    count = pick.choice([0, 3, 6, 10])
    columns = [[pick.randrange(ENTITIES if kind == "e" else NUMBERS) for _ in range(count)] for kind in kinds]
    return Rows.of([np.array(column, np.int64) for column in columns], count)
