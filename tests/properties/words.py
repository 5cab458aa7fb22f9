"""Pieces of program text that a generator puts together, each in two forms.

``text`` leaves sums to the projection rule, ``meant`` writes every sum out. Both must mean the same, which tests it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LOOSE, COMPARED, SUMMED, MULTIPLIED, RAISED, TIGHT = range(6)


@dataclass(frozen=True, slots=True)
class Phrase:
    """An expression with how tightly it binds."""

    text: str
    meant: str
    level: int = TIGHT

    def inside(self, level: int) -> Phrase:
        """The expression, in brackets where it binds more loosely than its place asks for."""
        return self if self.level >= level else Phrase(f"({self.text})", f"({self.meant})")


def word(text: str, level: int = TIGHT) -> Phrase:
    return Phrase(text, text, level)


def fill(template: str, *phrases: Phrase, level: int = TIGHT) -> Phrase:
    """Both forms of a template."""
    return Phrase(template.format(*(p.text for p in phrases)), template.format(*(p.meant for p in phrases)), level)


def summed_by_rule(indices: Iterable[str], phrase: Phrase) -> Phrase:
    """Written without the sum, meant with it."""
    names = ",".join(indices)
    return Phrase(phrase.text, f"sum[{names}]({phrase.meant})", phrase.level) if names else phrase


def term_sum(terms: list[tuple[str, Phrase]]) -> Phrase:
    """``a + b - c`` of signed terms."""
    if len(terms) == 1 and terms[0][0] == "+":
        return terms[0][1]
    text = meant = ""
    for sign, term in terms:
        part = term.inside(MULTIPLIED)
        before = f" {sign} " if text else ("-" if sign == "-" else "")
        text, meant = text + before + part.text, meant + before + part.meant
    return Phrase(text, meant, SUMMED)


def product_of(factors: list[Phrase], close: bool) -> Phrase:
    """Factors side by side, or with ``*`` between them."""
    if len(factors) == 1:
        return factors[0]
    between = " " if close else " * "
    parts = [factor.inside(RAISED) for factor in factors]
    return Phrase(between.join(p.text for p in parts), between.join(p.meant for p in parts), MULTIPLIED)
