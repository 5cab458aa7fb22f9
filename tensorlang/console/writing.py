"""Files that the command line itself writes: whole or not at all."""

from __future__ import annotations

import os
import tempfile

from tensorlang.console.usage import usage
from tensorlang.diagnostics import CompileError


def replace_text(path: str, text: str) -> None:
    """Write a text file whole: beside its place, then moved there; a link keeps pointing, permissions stay."""
    real = os.path.realpath(path)
    try:
        handle, beside = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=os.path.dirname(real))
    except OSError as problem:
        raise unwritable(path, problem) from None
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        os.chmod(beside, os.stat(real).st_mode & 0o7777 if os.path.exists(real) else 0o644)
        os.replace(beside, real)
    except BaseException as problem:
        os.unlink(beside)
        if isinstance(problem, OSError):
            raise unwritable(path, problem) from None
        raise


def unwritable(path: str, problem: OSError) -> CompileError:
    return usage("E1007", f"`{path}` cannot be written: {(problem.strerror or str(problem)).lower()}")
