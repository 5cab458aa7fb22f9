"""Where an entry ends, and what was pasted: the text of the prompt, before it has a meaning.

In: lines as they were typed or pasted. Out: whether more belongs to them, and the entries that a pasted text holds.
"""

from __future__ import annotations

import re

PROMPT, MORE = "tl> ", "...> "

_WORD = re.compile(r'"(?:\\.|[^"\\\n])*"?|[^\W\d]\w*\'*|<-|->|\S')
_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|#[^\n]*')
_JOINS = {*"+-*/%^=,<>~", "<-", "->", "and", "or", "not", "if", "else", "where", "with", "over", "to", "from", "import"}
_GOES_ON = re.compile(r"\s*(?:[-+*/%^=,<>~)\]]|(?:and|or|else|where)\b)")

_ANEW = re.compile(
    r"""[^\W\d]\w*'*(?:\[[^\]]*\]|\([^)]*\))\s*(?:\w*=(?!=)|<-|\+=)|:[a-z]+\b
    |(?:dim|const|input|param|data|output|def|import|minimize|assert|test)\s+["\w]""",
    re.VERBOSE,
)


def unfinished(text: str) -> bool:
    """Whether a statement needs more: a bracket is open, it ends in an operator, or a block stands open.

    A blank line ends everything, so that a forgotten bracket is no trap.
    """
    return not _ends_blank(text) and (continues(text) or in_block(text))


def continues(text: str) -> bool:
    """Whether a bracket is open or the last word wants another behind it."""
    words = _WORD.findall(_bare(text))
    if not words or words[0] == ":":
        return False
    return sum((word in "([") - (word in ")]") for word in words) > 0 or words[-1] in _JOINS


def in_block(text: str) -> bool:
    """Whether the last line at the margin opens the block of a ``def`` or ``test``, which a blank line closes."""
    heads = [line for line in _bare(text).split("\n") if line.strip() and not line[0].isspace()]
    return bool(heads) and heads[-1].rstrip().endswith(":") and not _ends_blank(text)


def goes_on(text: str, line: str) -> bool:
    """Whether a line that has arrived already belongs to the statement before it."""
    return bool(_GOES_ON.match(line)) or bool(line[:1].isspace() and line.strip() and _bare(text).strip())


def begins_anew(line: str) -> bool:
    """Whether a line can only be a new statement or a command, which no open bracket could contain."""
    return bool(_ANEW.match(line))


def _ends_blank(text: str) -> bool:
    return "\n" in text and not text.rsplit("\n", 1)[1].strip()


def _bare(text: str) -> str:
    """The text without comments."""
    return _COMMENT.sub(lambda found: found[1] or "", text)


def split(text: str) -> list[str]:
    """The entries of a text: prompts of a pasted transcript are taken off and its answers left out."""
    lines = text.expandtabs(4).split("\n")
    prompted = any(line.startswith(PROMPT) or line == PROMPT.rstrip() for line in lines)
    entries: list[list[str]] = []
    for line in lines:
        begins = line.startswith((PROMPT, ":")) or line == PROMPT.rstrip()
        if prompted and not (begins or line.startswith((MORE, MORE.rstrip()))):
            continue
        bare = line.removeprefix(PROMPT).removeprefix(MORE) if prompted else line
        bare = "" if prompted and line in (PROMPT.rstrip(), MORE.rstrip()) else bare
        if begins or not entries or (entries[-1][0].startswith(":") and bare.strip()):
            entries.append([bare])
        else:
            entries[-1].append(bare)
    return [entry for entry in ("\n".join(lines).strip("\n") for lines in entries) if entry.strip()]
