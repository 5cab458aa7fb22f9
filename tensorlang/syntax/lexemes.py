"""Text to lexemes: the smallest pieces of a program, with comments and line ends among them."""

from __future__ import annotations

from typing import NamedTuple

from tensorlang.source import Source, Span
from tensorlang.syntax import tables


class Lexeme(NamedTuple):
    """``kind`` is a terminal of the grammar, ``text`` what stands at ``start`` to ``end`` (or what it was put to)."""

    kind: str
    text: str
    start: int
    end: int

    def touches(self, following: Lexeme) -> bool:
        """Whether nothing stands between this one and the following."""
        return self.end == following.start

    def of(self, kind: str) -> Lexeme:
        """The same piece as another kind."""
        return Lexeme(kind, self.text, self.start, self.end)

    def span(self, source: Source) -> Span:
        return Span(source, self.start, self.end)


def scan(text: str) -> list[Lexeme]:
    """Cut a text; what is no part of the language comes out as UNKNOWN, character by character."""
    start = 1 if text.startswith("\ufeff") else 0
    return [
        Lexeme(match.lastgroup or "UNKNOWN", match.group(), match.start(), match.end())
        for match in tables.load().scanner.finditer(text, start)
        if match.lastgroup != "__IGNORE_0"
    ]
