"""What is said about a statement that cannot be read."""

from __future__ import annotations

from tensorlang.diagnostics import Diagnostic, diagnostic
from tensorlang.source import Source
from tensorlang.syntax.layout import Statement
from tensorlang.syntax.lexemes import Lexeme


def certain(lexemes: list[Lexeme], source: Source) -> Diagnostic | None:
    """What is wrong wherever it stands: characters and operators that the language does not have."""
    for lexeme in lexemes:
        if lexeme.kind in ("WRONG", "UNCLOSED", "UNKNOWN"):
            return diagnostic("E0102", f"`{lexeme.text}` is no part of the language", lexeme.span(source))
    return None


def explain(statement: Statement, at: Lexeme, expected: set[str], source: Source) -> Diagnostic:
    """What is wrong with a statement that the grammar does not know."""
    return diagnostic("E0101", f"unexpected `{at.text}`", at.span(source))
