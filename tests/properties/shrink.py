"""Smaller programs that fail in the same way: lines left out first, then brackets and terms put in place of more.

In: a generated program and a test that says how one fails (None: it does not). Out: a smaller one of the same failure.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from .generate import Generated

Fault = Callable[[Generated], str | None]
_OPEN = re.compile(r"[A-Za-z_]*(\[[^\]]*\])?\(")


def shrunk(generated: Generated, fault: Fault, seconds: float = 20.0) -> Generated:
    """``fault`` gives a short name of the failure; candidates that fail otherwise, or not at all, are passed over."""
    end = time.perf_counter() + seconds
    kind = fault(generated)
    assert kind is not None
    found = True
    while found:
        found = False
        for smaller in _smaller(generated):
            if time.perf_counter() > end:
                return generated
            if fault(smaller) == kind:
                generated, found = smaller, True
                break
    return generated


def _smaller(generated: Generated) -> Iterator[Generated]:
    text, meant = generated.text.splitlines(), generated.meant.splitlines()
    for at in reversed(range(len(text) - 1)):
        yield _without(generated, text, meant, at)
    for at, line in enumerate(text[:-1]):
        if " = " not in line or line.startswith("dim"):
            continue
        for other in _simpler(line):
            lines = [*text[:at], other, *text[at + 1 :]]
            yield replace(generated, text="\n".join(lines), meant="\n".join(lines))


def _without(generated: Generated, text: list[str], meant: list[str], at: int) -> Generated:
    """The program without a line, and without its tensor among the outputs where no other line defines it."""
    name = re.split(r"\W", text[at], maxsplit=1)[0]
    left = [line for k, line in enumerate(text) if k != at]
    defined = {re.split(r"\W", line, maxsplit=1)[0] for line in left}
    outputs = tuple(output for output in generated.outputs if output != name or output in defined)
    last = f"output {', '.join(outputs)}"
    both = ["\n".join([*(line for k, line in enumerate(lines[:-1]) if k != at), last]) for lines in (text, meant)]
    return replace(generated, text=both[0], meant=both[1], outputs=outputs)


def _simpler(line: str) -> Iterator[str]:
    """The line with a bracket's content for the whole, 1 for a bracket, a term left out, or without its guard."""
    start = line.index("=") + 1
    if " where " in line:
        yield line[: line.rindex(" where ")]
    for match in _OPEN.finditer(line, start):
        end = _closing(line, match.end() - 1)
        if end is None:
            continue
        before, inner, after = line[: match.start()], line[match.end() : end], line[end + 1 :]
        yield f"{before}{inner}{after}"
        yield f"{before}({inner}){after}"
        yield f"{before}1{after}"
        yield f"{before}({inner.split(', ')[0]}){after}"
    for match in re.finditer(r" [-+*/] | (?=[A-Z(0-9])| and | or ", line[start + 1 :]):
        cut = start + 1 + match.start()
        yield line[:cut]
        yield line[:start] + " " + line[start + 1 + match.end() :]


def _closing(line: str, opening: int) -> int | None:
    depth = 0
    for at in range(opening, len(line)):
        depth += {"(": 1, ")": -1}.get(line[at], 0)
        if depth == 0:
            return at
    return None
