"""The program files that a command line names: files, folders (all ``.tl`` below), or ``-`` for stdin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from tensorlang.console.usage import usage
from tensorlang.options import Options
from tensorlang.source import Source

STDIN = "-"


def program_files(paths: Sequence[str]) -> list[str]:
    """The files behind ``paths``, in the order given, each once; those of a folder by name."""
    found: dict[str, None] = {}
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            inside = list(_below(path))
            if not inside:
                raise usage("E1005", f"`{path}` and the folders below it hold no `.tl` file")
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    return list(found)


def _below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(place, name) for name in sorted(files) if name.endswith(".tl"))


def read(path: str, options: Options) -> Source:
    """The text of a program; ``CompileError`` (E0619) where it cannot be read."""
    from tensorlang.driver import read_source

    return _from_stdin() if path == STDIN else read_source(path, options)


def _from_stdin() -> Source:
    """Like a file: bytes that must be UTF-8."""
    if not hasattr(sys.stdin, "buffer"):
        return Source("<stdin>", sys.stdin.read())
    try:
        return Source("<stdin>", sys.stdin.buffer.read().decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        raise usage("E0619", f"what came from stdin is not UTF-8 text (byte {problem.start})") from None


def folder_of(path: str) -> str:
    """Where the program's own files lie."""
    return os.getcwd() if path == STDIN else os.path.dirname(os.path.abspath(path))
