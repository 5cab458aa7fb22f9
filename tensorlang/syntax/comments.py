"""The comments of a file: those that stand on lines of their own, and the texts that document a file or a module.

In: the scanned lexemes. Out: runs of comment lines and the documentation strings that the tree carries.
"""

from __future__ import annotations

from tensorlang.records import dataclass
from tensorlang.syntax.layout import Statement
from tensorlang.syntax.lexemes import Lexeme


@dataclass(frozen=True, slots=True)
class Run:
    """Comment lines without a blank line between them; ``next`` is where the line directly below begins, or -1."""

    lines: tuple[Lexeme, ...]
    next: int

    @property
    def start(self) -> int:
        return self.lines[0].start

    @property
    def text(self) -> str:
        return "\n".join(line.text[1:].removeprefix(" ").rstrip() for line in self.lines)


def runs(lexemes: list[Lexeme]) -> list[Run]:
    """The runs of comments that stand alone on their lines."""
    found: list[Run] = []
    lines: list[Lexeme] = []
    fresh = True  # nothing but white space on this line so far
    for lexeme in lexemes:
        if lexeme.kind == "COMMENT" and fresh:
            lines.append(lexeme)
            fresh = False
            continue
        if lexeme.kind == "NEWLINE" and not (fresh and lines):
            fresh = True
            continue
        if lines:
            found.append(Run(tuple(lines), -1 if lexeme.kind == "NEWLINE" else lexeme.start))
            lines = []
        fresh = lexeme.kind == "NEWLINE"
    return [*found, Run(tuple(lines), -1)] if lines else found


def documentation(lexemes: list[Lexeme], found: list[Statement]) -> tuple[str | None, dict[int, str]]:
    """The text of the file (its first comments), and that of each module by where its ``def`` stands.

    A module's text is the comment directly above it, or the first one in its body.
    """
    blocks = runs(lexemes)
    head = blocks[0].text if blocks and not any(each.start < blocks[0].start for each in found[:1]) else None
    above = {block.next: block.text for block in blocks}
    texts: dict[int, str] = {}
    for at, statement in enumerate(found):
        if statement.lexemes[0].kind != "DEF":
            continue
        if statement.start in above:
            texts[statement.start] = above[statement.start]
            continue
        following = found[at + 1].start if at + 1 < len(found) else statement.end
        inside = next((block for block in blocks if statement.end <= block.start < following), None)
        if inside is not None:
            texts[statement.start] = inside.text
    return head, texts
