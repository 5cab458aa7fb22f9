"""Smaller programs that fail in the same way: lines left out first, then parts of an expression in place of the whole.

In: a generated program and a test that says how one fails (None: it does not). Out: a smaller one of the same failure.
Candidates are cut out of the text by the spans of its tree, so that brackets stay in pairs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from tensorlang.diagnostics import Problems
from tensorlang.source import Source
from tensorlang.syntax import ast
from tensorlang.syntax.parse import parse

from .generate import Generated

Fault = Callable[[Generated], str | None]


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
    equations = [at for at, line in enumerate(text[:-1]) if re.match(r"[A-Z]", line)]
    for at in equations[:-1]:
        yield _until(generated, text, meant, at)
    for at in reversed(range(len(text) - 1)):
        yield _without(generated, text, meant, at)
    for other in _simpler(generated.text):
        yield replace(generated, text=other, meant=other)


def _until(generated: Generated, text: list[str], meant: list[str], at: int) -> Generated:
    """The program up to a line, with its tensor as the only output."""
    name = re.split(r"\W", text[at], maxsplit=1)[0]
    both = ["\n".join([*lines[: at + 1], f"output {name}"]) for lines in (text, meant)]
    return replace(generated, text=both[0], meant=both[1], outputs=(name,))


def _without(generated: Generated, text: list[str], meant: list[str], at: int) -> Generated:
    """The program without a line, and without its tensor among the outputs where no other line defines it."""
    name = re.split(r"\W", text[at], maxsplit=1)[0]
    defined = {re.split(r"\W", line, maxsplit=1)[0] for k, line in enumerate(text) if k != at}
    outputs = tuple(output for output in generated.outputs if output != name or output in defined)
    last = f"output {', '.join(outputs)}"
    both = ["\n".join([*(line for k, line in enumerate(lines[:-1]) if k != at), last]) for lines in (text, meant)]
    return replace(generated, text=both[0], meant=both[1], outputs=outputs)


def _simpler(text: str) -> Iterator[str]:
    """The text with a part of an expression for the whole of it, largest first, or 1 for it, or without a guard."""
    problems = Problems()
    file = parse(Source("<shrunk>", text), problems)
    if problems.errors:
        return
    for statement in file.statements:
        if not isinstance(statement, ast.Equation):
            continue
        if statement.where is not None:
            yield text[: statement.value.span.end] + text[statement.where.span.end :]
        for node in _nodes(statement.value):
            before, after = text[: node.span.start], text[node.span.end :]
            inner = [part for part in _parts(node) if not isinstance(part, ast.Name | ast.Number)]
            yield from (f"{before}({part.span.text}){after}" for part in inner)
            if not isinstance(node, ast.Name | ast.Number):
                yield f"{before}1{after}"
            if isinstance(node, ast.Sum | ast.Product) and len(inner) > 2:
                between = " + " if isinstance(node, ast.Sum) else " * "
                for left_out in inner:
                    kept = between.join(f"({part.span.text})" for part in inner if part is not left_out)
                    yield f"{before}({kept}){after}"


def _nodes(root: ast.Node) -> Iterator[ast.Node]:
    """The expressions in an expression, outermost first."""
    level = [root]
    while level:
        yield from level
        level = [part for node in level for part in _parts(node)]


def _parts(node: ast.Node) -> list[ast.Node]:
    """The expressions right inside one; terms, factors and arguments count as what they hold."""
    found: list[ast.Node] = []
    for entry in fields(node):
        value = getattr(node, entry.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, ast.Term | ast.Factor | ast.Argument):
                found.append(item.value)
            elif isinstance(item, ast.Node) and not isinstance(node, ast.Subscript):
                found.append(item)
    return found
