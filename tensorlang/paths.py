"""Which files a program may touch: those below its folder, and below the folders that the caller allows.

In: a path as the program wrote it. Out: an open file that is known to be an ordinary one inside those folders, or a
``Refused`` that says why not, in words that fit any message. Links are followed only as long as they stay inside; the
check is made again on the file that was really opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass


class Refused(Exception):
    """``reason`` completes "cannot use the file: ..."; ``help`` says what to do instead, or is empty."""

    def __init__(self, reason: str, help: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help


@dataclass(frozen=True, slots=True)
class Roots:
    """``folder`` is the program's own (None: it has none and may touch nothing but ``allowed``)."""

    folder: str | None
    allowed: tuple[str, ...] = ()
    flag: str = "--allow-read"


def resolve(path: str, roots: Roots) -> str:
    """The real path of a file that a program names, which need not exist yet."""
    if not path or "\0" in path:
        raise Refused("the path is empty" if not path else "the path holds a zero character")
    if roots.folder is None and not roots.allowed:
        raise Refused(
            "a program given as text has no folder to look in",
            f'give it one (`folder="."` in Python) or allow a folder ({roots.flag} DIR)',
        )
    base = roots.folder if roots.folder is not None else roots.allowed[0]
    real = os.path.realpath(os.path.join(base, path))
    if any(_inside(real, os.path.realpath(root)) for root in roots.allowed):
        return real
    if os.path.isabs(path) or path[1:2] == ":" or path.startswith("\\"):
        raise Refused("absolute paths are not allowed", f"write it relative to the program's folder, or pass {roots.flag} DIR")
    if ".." in path.replace("\\", "/").split("/"):
        raise Refused("`..` is not allowed in a path", f"keep the file in the program's folder, or pass {roots.flag} DIR")
    if roots.folder is None or not _inside(real, os.path.realpath(roots.folder)):
        raise Refused("it leads out of the program's folder by a link", f"pass {roots.flag} DIR to allow its folder")
    return real


def _inside(real: str, root: str) -> bool:
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def open_file(real: str, limit: int | None = None, links: bool = False) -> int:
    """A descriptor of an ordinary file, open for reading; the caller closes it.

    ``real`` comes from ``resolve``. Raises ``Refused`` for folders, pipes, devices, links and what is over ``limit`` bytes.
    ``links`` allows second names (installers make them of package files).
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(real, flags)
    except FileNotFoundError:
        raise Refused("there is no such file") from None
    except IsADirectoryError:
        raise Refused("it is a folder") from None
    except OSError as problem:
        raise Refused(f"it cannot be opened ({problem.strerror or problem})".lower()) from None
    try:
        _ordinary(os.fstat(handle), limit, links)
    except Refused:
        os.close(handle)
        raise
    return handle


def _ordinary(facts: os.stat_result, limit: int | None, links: bool) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise Refused("it is a folder")
    if not stat.S_ISREG(facts.st_mode):
        raise Refused("it is not an ordinary file")
    if facts.st_nlink > 1 and not links:
        raise Refused("it has a second name elsewhere (a hard link)", "copy it into the program's folder")
    if limit is not None and facts.st_size > limit:
        raise Refused(f"it has {facts.st_size:,} bytes, more than the limit of {limit:,}")


def similar(path: str, roots: Roots, endings: Sequence[str] = ()) -> str | None:
    """A file of the program's folder whose name is nearest to a path that was not found."""
    from tensorlang.diagnostics import nearest

    if roots.folder is None:
        return None
    head, tail = os.path.split(path)
    try:
        entries = [e for e in os.listdir(resolve(head or ".", roots)) if not endings or e.endswith(tuple(endings))]
    except (OSError, Refused):
        return None
    found = nearest(tail, entries[:1000])
    return os.path.join(head, found) if found else None
