"""The long form of a diagnostic code: what ``tensorlang explain E0301`` and ``:help E0301`` print."""

from __future__ import annotations

import textwrap

from tensorlang.codes.record import Code


def long_form(code: Code, colour: bool = False, width: int = 100) -> str:
    """Title, explanation, example and its mended form."""
    bold, off = ("\033[1m", "\033[0m") if colour else ("", "")
    parts = [f"{bold}{code.code}: {code.title}{off}"]
    parts += [textwrap.fill(paragraph, width) for paragraph in code.explanation.split("\n\n")]
    for word, text in (("For example:", code.example), ("Instead:", code.instead)):
        if text:
            parts.append(f"{bold}{word}{off}\n\n{textwrap.indent(text.rstrip(), '    ')}")
    return "\n\n".join(parts)
