"""The text of the kernels that a plan's code calls.

In: codes. Out: functions and classes of the files ``kernels*.py`` as text, what they need first. The files are read,
not imported, so that printing needs no torch.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tensorlang.ir.code import Call, Code
from tensorlang.passes.naming import KERNELS


@cache
def kernel_texts() -> dict[str, str]:
    """Functions and classes of all files of kernels, by name, decorators included."""
    found: dict[str, str] = {}
    for file in sorted(Path(__file__).parent.glob("kernels*.py")):
        source = file.read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found[node.name] = _bare("\n".join(lines[first - 1 : node.end_lineno]))
    return found


def _bare(text: str) -> str:
    """A kernel's text without what it says to linters and type checkers."""
    return re.sub(r"  # (?:noqa|type: ignore).*", "", text)


@cache
def _mentioned(name: str) -> tuple[str, ...]:
    """The other kernels that one names."""
    texts = kernel_texts()
    names = {node.id for node in ast.walk(ast.parse(texts[name])) if isinstance(node, ast.Name)}
    return tuple(other for other in texts if other != name and other in names)


def used_kernels(codes: Iterable[Code]) -> dict[str, str]:
    """Kernels that are called, and those that they call, callees first where there is no circle; with their text."""
    order: dict[str, None] = {}
    entered: set[str] = set()

    def add(name: str) -> None:
        if name not in entered:
            entered.add(name)
            for other in _mentioned(name):
                add(other)
            order[name] = None

    for code in codes:
        if isinstance(code, Call) and code.function in KERNELS:
            add(code.function)
    return {name: kernel_texts()[name] for name in order}
