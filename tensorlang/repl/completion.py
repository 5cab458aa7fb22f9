"""What may stand where the cursor is: names, functions, keywords, commands, files.

In: the text before the cursor and the shell. Out: the beginning that is there already, and the whole words that fit it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from tensorlang.repl.shell import Shell

_PART = re.compile(r"[^\W\d][\w.]*'*$")
_FILE = re.compile(r"(?::(?:load|save)\s+|(?:load\(|\bto\s+|\bfrom\s+|\bimport\s+|=\s*)\")([^\"\n]*)$")
_PROGRAM = re.compile(r"^:(?:load|save)\s")


def complete(shell: Shell, before: str) -> tuple[str, list[str]]:
    """The part to be completed and its completions, best first."""
    line = before.rsplit("\n", 1)[-1]
    path = _FILE.search(line)
    if path is not None:
        return path[1], _files(path[1], programs=bool(_PROGRAM.match(line)))
    command = re.fullmatch(r"\s*:(\w*)", line)
    if command is not None:
        return command[1], [name for name in _commands() if name.startswith(command[1])]
    part = _PART.search(line)
    if part is None:
        return "", []
    words = [*shell.session.names, *_language()]
    return part[0], list(dict.fromkeys(word for word in words if word.startswith(part[0]) and word != part[0]))


def _commands() -> list[str]:
    from tensorlang.repl.commands import COMMANDS

    return [command.name for command in COMMANDS]


def _language() -> Iterable[str]:
    """The words of the language, functions first."""
    from tensorlang.ops import ALONG, INITIALIZERS, POINTWISE, REDUCTIONS, STRUCTURED
    from tensorlang.syntax.words import ELEMENTS, KINDS, STARTERS

    functions = sorted({*POINTWISE, *REDUCTIONS, *ALONG, *INITIALIZERS, *STRUCTURED})
    return [*functions, *sorted({*STARTERS, *KINDS, *ELEMENTS, "where", "with", "over", "epochs", "batch"})]


def _files(part: str, programs: bool) -> list[str]:
    folder, beginning = os.path.split(part)
    try:
        entries = sorted(os.scandir(os.path.expanduser(folder) or "."), key=lambda entry: entry.name)
    except OSError:
        return []
    found = []
    for entry in entries:
        if not entry.name.startswith(beginning) or (entry.name.startswith(".") and not beginning):
            continue
        if entry.is_dir():
            found.append(os.path.join(folder, entry.name) + "/")
        elif not programs or entry.name.endswith(".tl"):
            found.append(os.path.join(folder, entry.name))
    return found
