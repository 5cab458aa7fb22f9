"""From stdlib/*.tl to docs/stdlib/: a page a file, with what each module says, its equations typeset, and its dataflow.

``python docs/generate_library.py`` writes the pages, ``--check`` only says (by the exit code) whether they are current.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tensorlang.diagnostics import Problems
from tensorlang.sema.world import ast_walk
from tensorlang.source import Source
from tensorlang.syntax import ast
from tensorlang.syntax.latex import equation
from tensorlang.syntax.parse import parse
from tensorlang.typeset import document

LIBRARY = Path(__file__).parent.parent / "stdlib"
TARGET = Path(__file__).parent / "stdlib"
NOTE = "<!-- Written by `make docs`. -->\nFrom [stdlib/{name}.tl](../../stdlib/{name}.tl)."
_AXES = r"\[[^\]\n]*,[^\]\n]*\]"
# ``X[..., t, m], W[o,i] -> Y[..., t, o]``: tensors of several axes, and arrows between them
SHAPES = re.compile(rf"\w+'?{_AXES}(?:(?:,\s|\s->\s)\w+'?{_AXES})*")


def tree(path: Path) -> ast.File:
    problems = Problems()
    file = parse(Source(path.name, path.read_text()), problems)
    problems.raise_errors()
    return file


def modules(file: ast.File) -> list[ast.Def]:
    return [statement for statement in file.statements if isinstance(statement, ast.Def)]


def paragraphs(text: str) -> Iterator[str]:
    """A comment as Markdown: what is indented is code, the rest flows."""
    for block in re.split(r"\n\s*\n", text):
        if all(line.startswith("    ") for line in block.splitlines()):
            yield "```tl\n" + "\n".join(line[4:] for line in block.splitlines()) + "\n```"
        else:
            yield prose(block[:1].upper() + block[1:])
        yield ""


def prose(text: str) -> str:
    """Words as Markdown: tensors with their axes as code, and nothing else taken for marks of Markdown."""
    parts, at = [], 0
    for code in re.finditer(rf"`[^`]*`|{SHAPES.pattern}", text):
        plain = text[at : code.start()]
        parts += [plain.replace("<", "&lt;").replace("*", "\\*"), f"`{code[0].strip('`')}`"]
        at = code.end()
    return "".join((*parts, text[at:].replace("<", "&lt;").replace("*", "\\*")))


def dataflow(module: ast.Def) -> list[str]:
    """Which tensor of a module is computed from which, as a diagram."""
    formals = [formal.name for formal in module.formals if formal.axes is not None]
    scalars = {formal.name for formal in module.formals if formal.axes is None}
    declared = [s for s in module.body if isinstance(s, ast.Declaration)]
    weights = [item.name for s in declared if s.kind in ("param", "buffer") for item in s.items]
    equations = [s for s in module.body if isinstance(s, ast.Equation)]
    computed = list(dict.fromkeys(s.name for s in equations))
    known = {name: f"n{at}" for at, name in enumerate(dict.fromkeys((*formals, *weights, *computed)))}
    lines = [f"  {known[name]}([{name}])" for name in formals]
    lines += [f"  {known[name]}[/{name}/]" for name in weights]
    lines += [f"  {known[name]}[{name}]" for name in computed]
    arrows: dict[str, None] = {}
    for s in equations:
        read = [part.name for part in ast_walk(s.value) if isinstance(part, ast.Name)]
        arrows.update({f"  {known[name]} --> {known[s.name]}": None for name in read if name in known.keys() - scalars})
    return ["```mermaid", "graph LR", *lines, *arrows, "```", ""]


def section(module: ast.Def) -> list[str]:
    """One module: its comment, its text, its equations as a paper prints them, its dataflow."""
    equations = [statement for statement in module.body if isinstance(statement, ast.Equation)]
    lines = [f"## {module.name}", "", *paragraphs(module.doc or "")]
    lines += ["```tl", module.span.text.rstrip(), "```", ""]
    if equations:
        rows = document([equation(each) for each in equations]).replace("align*", "aligned")
        lines += ["```math", rows.rstrip(), "```", "", *dataflow(module)]
    return lines


def page(path: Path) -> str:
    file = tree(path)
    lines = [f"# {path.stem}", "", NOTE.format(name=path.stem), ""]
    lines += list(paragraphs((file.doc or "").removeprefix(f"{path.stem}: ").lstrip()))
    for module in modules(file):
        lines += section(module)
    return "\n".join(lines).rstrip() + "\n"


def contents(paths: list[Path]) -> str:
    """The list of all pages."""
    lines = ["# The library", "", "Each page is written from a file of equations in [`stdlib/`](../../stdlib).", ""]
    for path in paths:
        file = tree(path)
        about = (file.doc or "").split("\n\n")[0].removeprefix(f"{path.stem}: ").replace("\n", " ")
        names = ", ".join(f"[{module.name}]({path.stem}.md#{module.name.lower()})" for module in modules(file))
        lines += [f"- **[{path.stem}]({path.stem}.md)**: {about} {names}."]
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    paths = sorted(LIBRARY.glob("*.tl"))
    return {TARGET / f"{path.stem}.md": page(path) for path in paths} | {TARGET / "README.md": contents(paths)}


def main() -> int:
    wanted = pages()
    found = {path: path.read_text() for path in TARGET.glob("*.md")}
    if "--check" in sys.argv[1:]:
        return 0 if found == wanted else 1
    TARGET.mkdir(exist_ok=True)
    for path in found.keys() - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
