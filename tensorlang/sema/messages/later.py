"""What the grammar accepts but no stage gives a meaning to yet (E05xx)."""

from __future__ import annotations

from tensorlang.diagnostics import Problems
from tensorlang.source import Span


def derivatives_later(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0505", f"derivatives (`{name}`) are not supported yet", span)


def constants_later(problems: Problems, span: Span, name: str) -> None:
    problems.error("E0506", f"the structured constant `{name}` is not supported yet", span)
