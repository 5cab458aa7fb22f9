"""Imports: where the modules that a program names are found, read and parsed.

In: the name or path of an ``import`` and the place where it stands. Out: the parsed file, or a reported problem.
Names are looked up in the language's own library (``stdlib/`` of a checkout, or inside the installed package), paths
below the program's folder, starting from the importing file. A file is parsed once a process, and again when it
changes.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from tensorlang.data.files import Access
from tensorlang.diagnostics import Problems, RunError, nearest
from tensorlang.limits import Limits
from tensorlang.records import dataclass, field
from tensorlang.source import Source, Span
from tensorlang.syntax import ast
from tensorlang.syntax.parse import parse

ENDING = ".tl"
Parsed = tuple[Source, ast.File, Problems]
_PARSED: dict[tuple[object, ...], Parsed] = {}


@lru_cache(maxsize=1)
def standard() -> Path | None:
    """The folder of the language's own modules: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent
    for place in (package / "stdlib", package.parent / "stdlib"):
        if place.is_dir() and any(place.glob("*" + ENDING)):
            return place
    return None


def module_names() -> tuple[str, ...]:
    """The names that ``import`` finds in the library."""
    folder = standard()
    return tuple(sorted(p.stem for p in folder.glob("*" + ENDING))) if folder else ()


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where an imported file lies: through which access it was opened, and under which path there."""

    access: Access
    path: str

    @property
    def identity(self) -> str:
        return os.path.realpath(os.path.join(self.access.folder or os.sep, self.path))


@dataclass(slots=True)
class Library:
    """The imports of one program, whose files ``access`` may open; those named in ``homes`` start elsewhere."""

    access: Access
    homes: Mapping[Source, Access] = field(default_factory=dict)
    _origins: dict[int, _Origin] = field(default_factory=dict)
    _importers: dict[str, dict[str, str]] = field(default_factory=dict)

    def load(self, name: str, is_path: bool, span: Span, problems: Problems) -> ast.File | None:
        """The parsed file that an import names; None when a problem was reported."""
        origin = self._by_path(name, span) if is_path else self._by_name(name, span, problems)
        if origin is None:
            return None
        try:
            source, file, found = _read(origin, span)
        except RunError as wrong:
            for problem in wrong.diagnostics:
                problems.report(problem)
            return None
        if not self._admit(origin, source, span, problems):
            return None
        for problem in found.found:
            problems.report(problem)
        self._origins[id(source)] = origin
        return None if found.errors else file

    def _by_name(self, name: str, span: Span, problems: Problems) -> _Origin | None:
        folder = standard()
        if folder is not None and (folder / f"{name}{ENDING}").is_file() and name.isidentifier():
            return _Origin(Access(str(folder), limits=self.access.limits), name + ENDING)
        near = nearest(name, module_names())
        own = self._beside(span)
        if own is not None and os.path.isfile(os.path.join(own, name + ENDING)):
            tip = f'a file of your own is imported by its path: `import "./{name}{ENDING}"`'
        elif near:
            tip = f"did you mean `{near}`?"
        else:
            tip = f"the library has {', '.join(f'`{known}`' for known in module_names()) or 'no modules'}"
        problems.error("E0280", f"there is no module `{name}`", span, help=[tip])
        return None

    def _beside(self, span: Span) -> str | None:
        """The folder of the file that a span stands in."""
        origin = self._origins.get(id(span.source))
        return self._home(span).folder if origin is None else os.path.dirname(origin.identity)

    def _home(self, span: Span) -> Access:
        return self.homes.get(span.source, self.access)

    def _by_path(self, path: str, span: Span) -> _Origin:
        importer = self._origins.get(id(span.source))
        if importer is None:
            return _Origin(self._home(span), posixpath.normpath(path) if path else path)
        return _Origin(importer.access, posixpath.normpath(posixpath.join(posixpath.dirname(importer.path), path)))

    def _admit(self, origin: _Origin, source: Source, span: Span, problems: Problems) -> bool:
        """Note who imports whom; False when that closes a circle or is one file too many."""
        above = self._origins.get(id(span.source))
        importer = "" if above is None else above.identity
        circle = self._circle(origin.identity, importer)
        if circle is not None:
            names = {origin.identity: source.name, importer: span.source.name}
            for below in self._importers.values():
                names |= below
            words = " imports ".join(f"`{names[identity]}`" for identity in circle)
            problems.error("E0282", f"imports go in a circle: {words}", span)
            return False
        self._importers.setdefault(origin.identity, {})[importer] = span.source.name
        if len(self._importers) > self.access.limits.imports:
            limit = self.access.limits.imports
            tip = f"`--limit-imports {2 * limit}` allows more"
            problems.error("E0911", f"more than {limit} files are imported", span, help=[tip])
            return False
        return True

    def _circle(self, target: str, importer: str) -> list[str] | None:
        """How ``target`` leads to ``importer`` by imports already seen, and back: what importing it would close."""
        paths = [[importer]]
        seen = {importer}
        while paths:
            path = paths.pop()
            if path[0] == target:
                return [*path, target]
            for above in self._importers.get(path[0], ()):
                if above not in seen:
                    seen.add(above)
                    paths.append([above, *path])
        return None


def _read(origin: _Origin, span: Span) -> Parsed:
    """Read and parse a file, unless the same bytes were parsed under the same limits before."""
    limits = origin.access.limits
    with origin.access.open_read(origin.path, span) as stream:
        facts = os.fstat(stream.fileno())
        shown = _shown(origin)
        key = (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size, shown, limits)
        if key not in _PARSED:
            source = decode(stream.read(limits.source + 1), shown, limits, span)
            problems = Problems()
            _PARSED[key] = (source, parse(source, problems, limits), problems)
        return _PARSED[key]


def decode(content: bytes, name: str, limits: Limits, span: Span | None = None) -> Source:
    """The bytes of a program file as a source; raises ``RunError`` when they are too many or no text."""
    from tensorlang.diagnostics import run_error

    if len(content) > limits.source:
        tip = f"`--limit-source {4 * limits.source}` allows more; is it a program?"
        raise run_error(
            "E0619", f"`{name}` is larger than the {limits.source:,} bytes allowed for a program", span, help=[tip]
        )
    try:
        return Source(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        tip = "save it as UTF-8; a program is a text file"
        raise run_error(
            "E0619", f"`{name}` is not text in UTF-8 (byte {problem.start + 1})", span, help=[tip]
        ) from None


def _shown(origin: _Origin) -> str:
    """How messages call a file: from the program's folder or the library's, never by an absolute path."""
    if origin.access.folder == str(standard()):
        return "stdlib/" + origin.path
    return origin.path if not os.path.isabs(origin.path) else os.path.basename(origin.path)
