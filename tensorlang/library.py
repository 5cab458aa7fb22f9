"""Imports: where the modules that a program names are found, read and parsed.

In: the name or path of an ``import`` and the place where it stands. Out: the parsed file, or a reported problem. Names
are looked up in the language's own library (``stdlib/`` of a checkout, or inside the installed package), paths below the
program's folder. Files of the library are parsed once a process, others again when they change.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tensorlang.diagnostics import Problems, nearest
from tensorlang.limits import Limits
from tensorlang.paths import Refused, Roots, open_file, resolve, similar
from tensorlang.source import Source, Span
from tensorlang.syntax import ast
from tensorlang.syntax.parse import parse

ENDING = ".tl"


@lru_cache(maxsize=1)
def standard() -> Path | None:
    """The folder of the language's own modules: beside the package in a checkout, inside it when installed."""
    import importlib.resources

    inside = importlib.resources.files("tensorlang")
    for place in (Path(str(inside)).parent / "stdlib", Path(str(inside)) / "stdlib"):
        if place.is_dir() and any(place.glob("*" + ENDING)):
            return place
    return None


def module_names() -> tuple[str, ...]:
    """The names that ``import`` finds in the library."""
    folder = standard()
    return tuple(sorted(p.stem for p in folder.glob("*" + ENDING))) if folder else ()


@dataclass(slots=True)
class Library:
    """The imports of one program. ``folder`` is the program's own, ``allowed`` what the caller adds."""

    folder: str | None
    limits: Limits
    allowed: tuple[str, ...] = ()
    _folders: dict[int, str | None] = field(default_factory=dict)
    _paths: dict[int, str] = field(default_factory=dict)
    _importers: dict[str, set[str]] = field(default_factory=dict)

    def load(self, name: str, is_path: bool, span: Span, problems: Problems) -> ast.File | None:
        """The parsed file that an import names; None when a problem was reported."""
        real = self._find_path(name, span, problems) if is_path else self._find_name(name, span, problems)
        if real is None or not self._admit(real, name, span, problems):
            return None
        try:
            source, file, found = _read(real, _facts(real), self.limits, _shown(real, self.folder))
        except Refused as refused:
            problems.error("E0281", f"cannot import {name!r}: {refused.reason}", span, help=_some(refused.help))
            return None
        for problem in found.found:
            problems.report(problem)
        self._paths[id(source)] = real
        self._folders[id(source)] = os.path.dirname(real)
        return None if found.errors else file

    def _find_name(self, name: str, span: Span, problems: Problems) -> str | None:
        folder = standard()
        parts = name.split(".")
        if folder is not None and all(part.isidentifier() for part in parts):
            path = folder.joinpath(*parts).with_suffix(ENDING)
            if path.is_file():
                return str(path)
        near = nearest(name, module_names())
        tips = [f"did you mean `{near}`?"] if near else []
        own = self._folders.get(id(span.source), self.folder)
        if own is not None and os.path.isfile(os.path.join(own, name + ENDING)):
            tips.insert(0, f'a file of your own is imported by its path: `import "./{name}{ENDING}"`')
        elif not near:
            tips.append(f"the library has {', '.join(f'`{known}`' for known in module_names()) or 'no modules'}")
        problems.error("E0280", f"there is no module `{name}`", span, help=tips)
        return None

    def _find_path(self, path: str, span: Span, problems: Problems) -> str | None:
        if id(span.source) not in self._folders:
            roots = Roots(self.folder, self.allowed)
        else:
            # A file of the library or of a subfolder starts from where it lies, inside the roots of the program.
            home = self._folders[id(span.source)]
            roots = Roots(home, tuple(r for r in (self.folder, *self.allowed) if r is not None))
        try:
            real = resolve(path, roots)
            if not os.path.exists(real):
                near = similar(path, roots, (ENDING,))
                raise Refused("there is no such file", f"did you mean {near!r}?" if near else "")
        except Refused as refused:
            problems.error("E0281", f"cannot import {path!r}: {refused.reason}", span, help=_some(refused.help))
            return None
        return real

    def _admit(self, real: str, name: str, span: Span, problems: Problems) -> bool:
        """Note who imports whom; False when that closes a circle or is one file too many."""
        importer = self._paths.get(id(span.source), "")
        chain = self._chain(real, importer)
        if chain is not None:
            words = " imports ".join(f"`{_shown(path, self.folder) if path else span.source.name}`" for path in chain)
            problems.error("E0282", f"imports go in a circle: {words}", span)
            return False
        self._importers.setdefault(real, set()).add(importer)
        if len(self._importers) > self.limits.imports:
            problems.error(
                "E0911",
                f"more than {self.limits.imports} files are imported",
                span,
                help=[f"`--limit-imports {2 * self.limits.imports}` allows more"],
            )
            return False
        return True

    def _chain(self, real: str, importer: str) -> list[str] | None:
        """How ``real`` leads to ``importer`` by imports already seen: the circle that importing it would close."""
        paths = [[importer]]
        seen = {importer}
        while paths:
            path = paths.pop()
            if path[0] == real:
                return [*path, real]
            for above in self._importers.get(path[0], ()):
                if above not in seen:
                    seen.add(above)
                    paths.append([above, *path])
        return None


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _shown(real: str, folder: str | None) -> str:
    """How messages call a file: from the program's folder or the library's, never by an absolute path."""
    home = standard()
    if home is not None and real.startswith(str(home) + os.sep):
        return "stdlib/" + os.path.relpath(real, home)
    if folder is not None and real.startswith(os.path.realpath(folder) + os.sep):
        return os.path.relpath(real, os.path.realpath(folder))
    return os.path.basename(real)


def _facts(real: str) -> tuple[int, int]:
    try:
        facts = os.stat(real)
    except OSError:
        return (0, 0)
    return (facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=256)
def _read(real: str, facts: tuple[int, int], limits: Limits, shown: str) -> tuple[Source, ast.File, Problems]:
    """Read and parse a file; ``facts`` (time and size) are part of the key, so that a changed file is read again."""
    handle = open_file(real, limits.source, links=_is_standard(real))
    with os.fdopen(handle, "rb") as stream:
        content = stream.read(limits.source + 1)
    try:
        source = Source(shown, content.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        raise Refused(f"it is not text in UTF-8 (byte {problem.start + 1})") from None
    problems = Problems()
    return source, parse(source, problems, limits), problems


def _is_standard(real: str) -> bool:
    home = standard()
    return home is not None and real.startswith(str(home) + os.sep)
