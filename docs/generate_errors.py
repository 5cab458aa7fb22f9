"""From the table of codes to docs/errors.md: one heading a code, so that each can be linked to.

``python docs/generate_errors.py`` writes the page, ``--check`` only says (by the exit code) whether it is current.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from tensorlang.codes import CODES, Code

TARGET = Path(__file__).parent / "errors.md"
HEAD = """# Errors

Every error and warning has a code. `tensorlang explain E0301` prints what stands here. This page is written by
`python docs/generate_errors.py` from `tensorlang/codes/`, so change it there.

A message shows the code, the place with a caret under the very piece, what was found and what was expected in the
words of the program, and a suggestion where there is one. All errors of a file are reported at once, as far as they
are independent. Codes that start with W are warnings: the program runs.
"""
PARTS = {
    "01": "Reading the text",
    "02": "Names and modules",
    "03": "Index domains and sizes",
    "04": "Sums and element types",
    "05": "Recursion, and what is not supported yet",
    "06": "Calls and inputs",
    "07": "Files and data",
    "08": "Learning",
    "09": "Limits",
    "10": "The command line and the prompt",
    "11": "Relations, rules and entities",
}


def part(code: Code) -> str:
    return code.code[1:3]


def paragraphs(code: Code) -> list[str]:
    """One code as Markdown."""
    lines = [f"### {code.code}: {code.title}", "", code.explanation.strip(), ""]
    for words, text in (("", code.example), ("Instead:\n\n", code.instead)):
        if text:
            # No language behind the fence: these are pieces, not programs that run as they stand.
            lines += [f"{words}```\n{text.strip()}\n```", ""]
    return lines


def page() -> str:
    """The whole page: parts in order, in each the errors and then the warnings."""
    ordered = sorted(CODES.values(), key=lambda code: (part(code), code.code))
    lines = [HEAD]
    for number, codes in groupby(ordered, part):
        lines += [f"## {PARTS[number]}", ""]
        for code in codes:
            lines += paragraphs(code)
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.exists() and TARGET.read_text() == page() else 1
    TARGET.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
