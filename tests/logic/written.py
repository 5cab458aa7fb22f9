"""Rulebooks from text, for the tests of the engine: ``Path(x, z) <- Path(x, y), Edge(y, z), x != z``.

Relations are declared by their places: ``Dist: e i`` (``e`` an entity, ``i`` a whole number, ``f`` a real one).
Entities are written as ``'3``, numbers as ``3`` or ``3.0``; one rule a line; facts have no body.
"""

from __future__ import annotations

import itertools
import re

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
    Term,
    Variable,
)
from tensorlang.source import Source, Span

SORTS = {"e": Sort("int", "thing"), "i": Sort("int"), "f": Sort("float")}
WORD = re.compile(r"\s*('\d+|\d+\.\d+|\d+|[A-Za-z_]\w*|<-|==|!=|<=|>=|[-+*/%<>(),])")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
AGGREGATES = ("count", "sum", "min", "max", "mean")


def rulebook(text: str) -> Rulebook:
    """The rulebook of a text of declarations and rules."""
    source = Source("rules.tl", text)
    relations: dict[str, Relation] = {}
    rules = []
    start = 0
    for line in text.splitlines(keepends=True):
        span = Span(source, start, start + len(line.rstrip()))
        start += len(line)
        declared = re.fullmatch(r"\s*(\w+):((?:\s*[eif])*)\s*", line)
        if declared:
            name, places = declared[1], declared[2].split()
            relations[name] = Relation(name, tuple(SORTS[p] for p in places), tuple("" for _ in places), span)
        elif line.strip():
            rules.append(_Reader(line, span).rule())
    return Rulebook(relations, tuple(rules))


def goal(text: str) -> Atom:
    """One atom."""
    return _Reader(text, Span(Source("goal", text), 0, len(text))).atom()


class _Reader:
    def __init__(self, text: str, span: Span) -> None:
        self.words = WORD.findall(text)
        assert "".join(self.words) == "".join(text.split()), text
        self.at = 0
        self.span = span
        self.fresh = itertools.count()
        self.aggregate: Aggregate | None = None

    def next(self) -> str:
        self.at += 1
        return self.words[self.at - 1]

    def has(self, word: str) -> bool:
        if self.at < len(self.words) and self.words[self.at] == word:
            self.at += 1
            return True
        return False

    def rule(self) -> Rule:
        head = self.atom(head=True)
        body: list[Condition] = []
        if self.has("<-"):
            body.append(self.condition())
            while self.has(","):
                body.append(self.condition())
        assert self.at == len(self.words), self.words
        return Rule(head, tuple(body), self.span, self.aggregate)

    def condition(self) -> Condition:
        if self.has("not"):
            return Negation(self.atom())
        if self.words[self.at][0].isupper():
            return self.atom()
        left = self.sum()
        operator = self.next()
        assert operator in COMPARISONS
        return Comparison(operator, left, self.sum(), self.span)

    def atom(self, head: bool = False) -> Atom:
        name = self.next()
        terms: list[Term] = []
        if self.has("("):
            while not self.has(")"):
                word = self.words[self.at]
                aggregated = head and word in AGGREGATES and self.words[self.at + 1] == "(" and self._alone()
                if aggregated:
                    self.at += 2
                    self.aggregate = Aggregate(word, self.sum(), len(terms))
                    assert self.has(")")
                    terms.append(self.aggregate.term)
                else:
                    terms.append(self.sum())
                self.has(",")
        return Atom(name, tuple(terms), self.span)

    def _alone(self) -> bool:
        """Whether the function at hand has one argument."""
        depth, at = 0, self.at + 1
        while True:
            depth += {"(": 1, ")": -1}.get(self.words[at], 0)
            if depth == 0:
                return True
            if depth == 1 and self.words[at] == ",":
                return False
            at += 1

    def sum(self) -> Term:
        left = self.product()
        while self.at < len(self.words) and self.words[self.at] in "+-":
            left = Arithmetic(self.next(), (left, self.product()))
        return left

    def product(self) -> Term:
        left = self.piece()
        while self.at < len(self.words) and self.words[self.at] in "*/%":
            left = Arithmetic(self.next(), (left, self.piece()))
        return left

    def piece(self) -> Term:
        word = self.next()
        if word == "-":
            return Arithmetic("neg", (self.piece(),))
        if word == "(":
            inner = self.sum()
            assert self.has(")")
            return inner
        if word[0] == "'":
            return Constant(int(word[1:]), f"E{word[1:]}")
        if word[0].isdigit():
            return Constant(float(word) if "." in word else int(word), word)
        if word == "_":
            return Variable(f"_{next(self.fresh)}")
        if self.has("("):
            terms = [self.sum()]
            while self.has(","):
                terms.append(self.sum())
            assert self.has(")")
            return Arithmetic(word, tuple(terms))
        return Variable(word)
