"""Whole programs of facts, rules and queries at random: as a user writes them, and the same for clingo.

A program has relations over two domains of entities, one of positions, and whole numbers. Rules read relations of
their own layer (recursion) or of a lower one (which may be negated and aggregated).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import clingo

WORDS = {"person": ("Ann", "Bob", "Cid", "New York", "éva"), "city": ("Ulm", "Bonn", "42", "Köln am Rhein")}
POSITIONS = 5
KINDS = ("person", "city", "n", "int")
COMPARED = ("==", "!=", "<", "<=", ">", ">=")
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True)
class Term:
    """``text`` is how the program writes it, ``asp`` how clingo does."""

    text: str
    asp: str


ANY = Term("_", "_")


@dataclass(frozen=True)
class Atom:
    relation: str
    terms: tuple[Term, ...]

    def text(self) -> str:
        return f"{self.relation}({', '.join(term.text for term in self.terms)})"

    def asp(self) -> str:
        return f"r{self.relation}({','.join(term.asp for term in self.terms)})"


@dataclass(frozen=True)
class Rule:
    head: Atom
    body: tuple[str, ...]
    asp: str

    def text(self) -> str:
        return f"{self.head.text()} <- {', '.join(self.body)}"


@dataclass
class Written:
    """A program: ``relations`` gives the kinds of the places of each relation."""

    relations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    facts: list[Atom] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    def text(self) -> str:
        """The program as a user writes it."""
        lines = [f"dim n = {POSITIONS}", *self.declared]
        lines += [atom.text() for atom in self.facts] + [rule.text() for rule in self.rules]
        return "\n".join(lines) + "\n"

    def meaning(self) -> dict[str, set[tuple[object, ...]]]:
        """All rows of all relations, by clingo."""
        lines = [f"{atom.asp()}." for atom in self.facts] + [rule.asp for rule in self.rules]
        control = clingo.Control(["--warn=none"])
        control.add("base", [], "\n".join(lines))
        control.ground([("base", [])])
        found: dict[str, set[tuple[object, ...]]] = {name: set() for name in self.relations}
        with control.solve(yield_=True) as handle:
            model = next(iter(handle))
            for symbol in model.symbols(atoms=True):
                found[symbol.name[1:]].add(tuple(_cell(argument) for argument in symbol.arguments))
        return found


def _cell(symbol: clingo.Symbol) -> object:
    return symbol.string if symbol.type == clingo.SymbolType.String else symbol.number


def written(seed: int) -> Written:
    """One program."""
    return _Writer(random.Random(seed)).program()


def _word(word: str, quoted: bool) -> Term:
    plain = word.isalpha() and word[0].isupper()
    return Term(word if plain and not quoted else f'"{word}"', f'"{word}"')


@dataclass
class _Writer:
    chance: random.Random
    program_: Written = field(default_factory=Written)
    layers: list[list[str]] = field(default_factory=list)

    def program(self) -> Written:
        chance, made = self.chance, self.program_
        base = [self._relation(f"B{at}", chance.randint(1, 3)) for at in range(chance.randint(2, 4))]
        self.layers.append(base)
        for name in base:
            made.facts += [self._fact(name) for _ in range(chance.randint(3, 10))]
        for word in WORDS["person"]:
            made.facts.append(Atom("AllP", (_word(word, chance.random() < 0.2),)))
        for word in WORDS["city"]:
            made.facts.append(Atom("AllC", (_word(word, False),)))
        made.relations |= {"AllP": ("person",), "AllC": ("city",)}
        made.declared += ["relation AllP(person)", "relation AllC(city)"]
        base += ["AllP", "AllC"]
        for layer in range(chance.randint(1, 3)):
            names = [self._relation(f"L{layer}{'abc'[at]}", chance.randint(1, 3)) for at in range(chance.randint(1, 3))]
            for name in names:
                self._rules(name, names)
            self.layers.append(names)
        return made

    def _relation(self, name: str, places: int) -> str:
        kinds = tuple(self.chance.choice(KINDS) for _ in range(places))
        self.program_.relations[name] = kinds
        count: dict[str, int] = {}
        labels = []
        for at, kind in enumerate(kinds):
            if kind == "int":
                labels.append(f"k{at}: int")
                continue
            labels.append(kind + "'" * count.get(kind, 0))
            count[kind] = count.get(kind, 0) + 1
        self.program_.declared.append(f"relation {name}({', '.join(labels)})")
        return name

    def _constant(self, kind: str) -> Term:
        if kind in WORDS:
            return _word(self.chance.choice(WORDS[kind]), self.chance.random() < 0.2)
        number = str(self.chance.randrange(POSITIONS) if kind == "n" else self.chance.randint(-3, 9))
        return Term(number, number)

    def _fact(self, name: str) -> Atom:
        return Atom(name, tuple(map(self._constant, self.program_.relations[name])))

    # --- rules -------------------------------------------------------------------------------------------------------

    def _rules(self, name: str, own: list[str]) -> None:
        lower = [known for layer in self.layers for known in layer]
        numbers = [at for at, kind in enumerate(self.program_.relations[name]) if kind == "int"]
        if numbers and self.chance.random() < 0.5:
            rule = self._aggregate(name, self.chance.choice(numbers), lower)
            if rule is not None:
                self.program_.rules.append(rule)
                return
        for _ in range(self.chance.randint(1, 3)):
            self.program_.rules.append(self._plain(name, lower, own))

    def _body(self, names: list[str], lower: list[str]) -> tuple[list[str], list[str], dict[str, list[Term]]]:
        """Conditions in both languages, and the variables of each kind."""
        bound: dict[str, list[Term]] = {kind: [] for kind in KINDS}
        text, asp = [], []
        for name in self.chance.choices(names, k=self.chance.randint(1, 3)):
            atom = Atom(name, tuple(self._place(kind, bound) for kind in self.program_.relations[name]))
            text.append(atom.text())
            asp.append(atom.asp())
        for test in self._tests(bound, lower):
            text.append(test[0])
            asp.append(test[1])
        order = list(range(len(text)))
        self.chance.shuffle(order)
        return [text[at] for at in order], [asp[at] for at in order], bound

    def _place(self, kind: str, bound: dict[str, list[Term]]) -> Term:
        draw = self.chance.random()
        if draw < 0.12:
            return self._constant(kind)
        if draw < 0.22:
            return ANY
        if draw < 0.65 and bound[kind]:
            return self.chance.choice(bound[kind])
        number = len(bound[kind])
        fresh = Term(f"{kind[0]}{number}", f"V{kind}{number}")
        bound[kind].append(fresh)
        return fresh

    def _tests(self, bound: dict[str, list[Term]], lower: list[str]) -> Iterator[tuple[str, str]]:
        for kind, known in bound.items():
            if not known or self.chance.random() < 0.75:
                continue
            operator = self.chance.choice(COMPARED[:2] if kind in WORDS else COMPARED)
            left = self.chance.choice(known)
            others = [term for term in known if term != left]
            right = self.chance.choice(others) if others and self.chance.random() < 0.5 else self._constant(kind)
            negated = self.chance.random() < 0.2
            shown = f"{left.text} {operator} {right.text}"
            meant = OPPOSITE[operator] if negated else operator
            yield (f"not {shown}" if negated else shown), f"{left.asp} {meant.replace('==', '=')} {right.asp}"
        if self.chance.random() < 0.4:
            name = self.chance.choice(lower)
            terms = []
            for kind in self.program_.relations[name]:
                draw = self.chance.random()
                usable = bound[kind] and draw < 0.7
                terms.append(
                    self.chance.choice(bound[kind]) if usable else ANY if draw < 0.85 else self._constant(kind)
                )
            atom = Atom(name, tuple(terms))
            yield f"not {atom.text()}", f"not {atom.asp()}"

    def _plain(self, name: str, lower: list[str], own: list[str]) -> Rule:
        recursive = self.chance.random() < 0.5
        text, asp, bound = self._body(lower + own * 2 if recursive else lower, lower)
        terms = []
        for kind in self.program_.relations[name]:
            term = self.chance.choice(bound[kind]) if bound[kind] else self._constant(kind)
            if kind in ("n", "int") and self.chance.random() < 0.4:
                term = self._sum(bound["n"] + bound["int"], kind, text, asp)
            terms.append(term)
        head = Atom(name, tuple(terms))
        return Rule(head, tuple(text), f"{head.asp()} :- {', '.join(asp)}.")

    def _sum(self, known: list[Term], kind: str, text: list[str], asp: list[str]) -> Term:
        """Arithmetic, kept from growing without end: positions end with their domain, numbers at a bound."""
        if not known:
            return self._constant(kind)
        one = self.chance.choice(known)
        other = self.chance.choice(known) if self.chance.random() < 0.3 else self._constant("int")
        operator = self.chance.choice(("+", "-", "*", "%", "min", "max", "abs"))
        if operator in ("min", "max"):
            worse = "-" if operator == "min" else "+"
            term = Term(
                f"{operator}({one.text}, {other.text})",
                f"(({one.asp}+{other.asp}{worse}|{one.asp}-({other.asp})|)/2)",
            )
        elif operator == "abs":
            term = Term(f"abs({one.text} - {other.text})", f"|{one.asp}-({other.asp})|")
        elif operator == "%":
            divisor = str(self.chance.randint(2, 4))
            term = Term(f"{one.text} % {divisor}", f"((({one.asp}\\{divisor})+{divisor})\\{divisor})")
        else:
            shown = f"({other.text})" if other.text.startswith("-") else other.text
            term = Term(f"{one.text} {operator} {shown}", f"({one.asp}{operator}({other.asp}))")
        low, high = (0, POSITIONS) if kind == "n" else (-20, 20)
        asp += [f"{low} <= {term.asp}", f"{term.asp} < {high}"]
        if kind == "int":
            text.append(f"{low} <= {term.text} < {high}")
        return term

    def _aggregate(self, name: str, place: int, lower: list[str]) -> Rule | None:
        text, asp, bound = self._body(lower, lower)
        numbers = bound["int"] + bound["n"]
        anything = [term for terms in bound.values() for term in terms]
        operator = self.chance.choice(("count", "sum", "min", "max"))
        if not (anything if operator == "count" else numbers):
            return None
        inner = self.chance.choice(anything if operator == "count" else numbers)
        kinds = self.program_.relations[name]
        terms = [self.chance.choice(bound[kind]) if bound[kind] else self._constant(kind) for kind in kinds]
        kept = {term.asp for at, term in enumerate(terms) if at != place and term.asp.startswith("V")}
        over = [inner.asp] + (sorted(term.asp for term in anything) if operator == "sum" else [])
        apart = [_apart(condition, {t.asp for t in anything} - kept) for condition in asp]
        groups = list(terms)
        terms[place] = Term(f"{operator}({inner.text})", "")
        groups[place] = Term("", "Result")
        head = Atom(name, tuple(groups))
        result = f"Result = #{operator} {{ {','.join(over)} : {', '.join(asp)} }}"
        return Rule(Atom(name, tuple(terms)), tuple(text), f"{head.asp()} :- {', '.join([*apart, result])}.")


def _apart(condition: str, names: set[str]) -> str:
    """A condition with some variables named apart, to bind the groups outside of the aggregate."""
    for name in sorted(names, key=len, reverse=True):
        condition = condition.replace(name, f"{name}_apart")
    return condition
