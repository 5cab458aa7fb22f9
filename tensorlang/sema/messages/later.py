"""What the grammar accepts but no stage gives a meaning to yet (E05xx)."""

from __future__ import annotations

from tensorlang.diagnostics import Problems
from tensorlang.source import Span


def rules_later(problems: Problems, span: Span, body: bool) -> None:
    problems.error("E0502", f"{'rules' if body else 'facts'} are not supported yet", span)


def why_later(problems: Problems, span: Span) -> None:
    problems.error("E0503", "proofs (`why`) are not supported yet", span)


def derivatives_later(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0505", f"derivatives (`{name}`) are not supported yet", span)


def constants_later(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0506", f"the structured constant `{name}` is not supported yet", span)


def entities_later(problems: Problems, span: Span) -> None:
    problems.error("E0508", "entities (words in quotes) are not supported yet", span)
