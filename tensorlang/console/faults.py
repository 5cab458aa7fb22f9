"""An internal fault: said plainly, with the stage where it happened, and the traceback on demand."""

from __future__ import annotations

import os
import traceback

from tensorlang.console.streams import BUG, WRONG, Console

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def report(fault: Exception, console: Console) -> int:
    """Tell of an exception that should not have left the library; returns the exit code."""
    if isinstance(fault, MemoryError):
        console.document["fault"] = {"error": "out of memory"}
        console.remark("error: the machine has no more memory; smaller sizes or batches need less of it")
        return WRONG
    stage = stage_of(fault)
    said = traceback.format_exception_only(fault)[-1].strip()
    console.document["fault"] = {"stage": stage, "error": said}
    if console.json:
        return BUG
    if console.debug:
        traceback.print_exception(fault, file=console.err)
    print(f"this is a bug in tensorlang, in {stage}: {said}", file=console.err)
    print("please report it with the program that shows it", end="", file=console.err)
    print("" if console.debug else "; --debug behind the command prints the traceback", file=console.err, flush=True)
    return BUG


def stage_of(fault: BaseException) -> str:
    """The innermost file of this package on the traceback: ``passes/simplify.py, line 12``."""
    stage = "an unknown place"
    for frame in traceback.extract_tb(fault.__traceback__):
        path = os.path.abspath(frame.filename)
        if path.startswith(_PACKAGE + os.sep):
            stage = f"{os.path.relpath(path, _PACKAGE).replace(os.sep, '/')}, line {frame.lineno}"
    return stage
