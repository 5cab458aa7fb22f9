"""What a program stands in: its sizes given from outside, how it imports, and how it looks at its data files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tensorlang.diagnostics import Problems
from tensorlang.ir.listing import Giver, Listing
from tensorlang.ir.program import FileRef
from tensorlang.limits import Limits
from tensorlang.records import dataclass, field
from tensorlang.source import Span
from tensorlang.syntax import ast


def _no_imports(name: str, path: bool, span: Span, problems: Problems) -> ast.File | None:
    problems.error("E0210", f"nothing can be imported here: `{name}`", span)
    return None


def _no_files(file: FileRef, problems: Problems) -> tuple[tuple[int, ...], str] | None:
    problems.error("E0211", f"no file can be read here: {file.path!r}", file.span)
    return None


def _no_rows(file: FileRef, labels: Sequence[str], problems: Problems) -> Listing | None:
    problems.error("E0211", f"no file can be read here: {file.path!r}", file.span)
    return None


@dataclass(frozen=True, slots=True)
class Setting:
    """``dims`` overrides or gives sizes; ``values`` overrides constants; the callables do what needs the file system.

    ``load_module(name, is_path, span, problems)`` gives a parsed file or reports why not; ``probe(file, problems)``
    gives the shape and element type of a data file without reading it whole; ``rows(file, labels, problems)`` reads the
    rows of a relation. ``relations`` are those that the caller gives, by name. ``weighted`` are relations that are
    given with weights: their elements are floats, 0 where they do not hold.
    """

    dims: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    load_module: Callable[[str, bool, Span, Problems], ast.File | None] = _no_imports
    probe: Callable[[FileRef, Problems], tuple[tuple[int, ...], str] | None] = _no_files
    rows: Callable[[FileRef, Sequence[str], Problems], Listing | None] = _no_rows
    relations: Mapping[str, Giver] = field(default_factory=dict)
    weighted: frozenset[str] = frozenset()
