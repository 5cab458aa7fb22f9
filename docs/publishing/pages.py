"""Which pages the site has: the repository's Markdown at its own places, and a page for each program that is linked.

In: the root of the repository. Out: a folder of Markdown for Sphinx, in which links lead from page to page. What the
repository calls README is the page of its folder.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

_FENCE = re.compile(r"^(```|~~~).*?^\1$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)]*)?\))")
_LANGUAGES = {".tl": "tl", ".py": "python"}
_MENU = {
    "Learn": ("docs/tour", "docs/language", "docs/python", "docs/cli", "docs/export", "docs/errors"),
    "Examples": (),
    "Library": (),
    "About": ("docs/architecture", "docs/benchmarks", "CHANGELOG", "SECURITY"),
}


def stage(root: Path, target: Path) -> None:
    """Write the pages below ``target``."""
    found = [root / f"{name}.md" for name in ("README", "CHANGELOG", "SECURITY")]
    found += sorted((root / "docs").glob("*.md")) + sorted((root / "docs" / "stdlib").glob("*.md"))
    programs = [*sorted((root / "examples").rglob("*.tl")), *sorted((root / "examples").glob("*.py"))]
    programs += sorted((root / "stdlib").glob("*.tl"))
    for page in found:
        _write(target / _place(page, root), _linked(page, root))
    for program in programs:
        _write(target / _place(program, root), _source_page(program))
    for folder in ("examples", "examples/paper", "stdlib"):
        inside = [p for p in programs if p.parent == root / folder]
        _write(target / folder / "index.md", _listing(folder, inside))
    for licence in [*(root / "examples" / "data").glob("*.txt"), root / "LICENSE"]:
        _write(target / _place(licence, root), f"# {licence.name}\n\n```text\n{licence.read_text().strip()}\n```\n")
    for picture in (root / "docs").glob("*.svg"):
        shutil.copy(picture, target / "docs" / picture.name)
    with (target / "index.md").open("a") as front:
        front.write(_menu(root, programs))


def _place(path: Path, root: Path) -> str:
    """Where the page of a file stands."""
    name = str(path.relative_to(root))
    if path.name == "README.md":
        return name.replace("README.md", "index.md")
    return name if path.suffix == ".md" else f"{name}.md"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _linked(page: Path, root: Path) -> str:
    """The text of a page, its links led to other pages; what stands in fences stays."""
    text = page.read_text()
    parts, at = [], 0
    for fence in _FENCE.finditer(text):
        parts += [_relinked(text[at : fence.start()], page, root), _fence(fence[0], page)]
        at = fence.end()
    return "".join((*parts, _relinked(text[at:], page, root)))


def _fence(fence: str, page: Path) -> str:
    """A fence whose first line names its language alone. On the page of errors those without a name are programs."""
    fence = re.sub(r"\A(```\w+)[^\n]*", r"\1", fence)
    return fence.replace("```", "```tl", 1) if page.name == "errors.md" and fence.startswith("```\n") else fence


def _relinked(text: str, page: Path, root: Path) -> str:
    return _LINK.sub(lambda link: link[1] + _target(link[2], page, root) + link[3], text)


def _target(link: str, page: Path, root: Path) -> str:
    path = Path(os.path.normpath(page.parent / link))
    if "://" in link or not path.is_relative_to(root) or path.suffix == ".svg":
        return link
    own = (root / _place(page, root)).parent
    led = f"{_place(path, root)}" if path.is_file() else f"{path.relative_to(root)}/index.md"
    return os.path.relpath(root / led, own)


def _source_page(program: Path) -> str:
    """A program as a page, with what it prints where that is recorded."""
    text = f"# {program.name}\n\n```{_LANGUAGES[program.suffix]}\n{program.read_text().rstrip()}\n```\n"
    printed = program.with_suffix(".out")
    if printed.exists():
        text += f"\nIt prints:\n\n```text\n{printed.read_text().rstrip()}\n```\n"
    return text


def _listing(folder: str, programs: list[Path]) -> str:
    lines = [f"# {folder}/", ""]
    for program in programs:
        first = program.read_text().splitlines()[0].lstrip('#" ').rstrip('"').removeprefix(f"{program.stem}: ")
        lines.append(f"- [{program.name}]({program.name}.md): {first}")
    return "\n".join(lines) + "\n"


def _menu(root: Path, programs: list[Path]) -> str:
    """The menu at the side of all pages."""
    library = [f"docs/stdlib/{page.stem}" for page in sorted((root / "docs" / "stdlib").glob("[!R]*.md"))]
    shown = [p for p in programs if p.parent == root / "examples"]
    own = {
        "Examples": [*(f"{p.name} <{p.relative_to(root)}>" for p in shown), "paper <examples/paper/index>"],
        "Library": ["all modules <docs/stdlib/index>", *library],
    }
    parts = []
    for caption, entries in _MENU.items():
        lines = "\n".join(own.get(caption, entries))
        parts.append(f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{lines}\n```\n")
    return "".join(parts)
