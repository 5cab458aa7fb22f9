"""``probe`` and ``read``: the shape of a data file, and its array.

In: an ``Access`` and a ``FileRef`` (path, name of the array, range of rows). Out: ``Probe`` (no numpy is imported
for it), or a numpy array of bool, int64, float64 or complex128. Adding a format is one function ``Opened ->
Content`` and one line here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from tensorlang.data.columns import inspect_parquet
from tensorlang.data.content import Content, Opened
from tensorlang.data.documents import inspect_json
from tensorlang.data.files import Access, system_errors
from tensorlang.data.npy import inspect_npy, inspect_npz
from tensorlang.data.pictures import inspect_png
from tensorlang.data.safetensor import inspect_safetensors
from tensorlang.data.tables import inspect_csv, inspect_tsv, inspect_txt
from tensorlang.diagnostics import nearest, run_error
from tensorlang.ir.program import FileRef
from tensorlang.records import dataclass
from tensorlang.source import Span

if TYPE_CHECKING:
    from tensorlang.data.content import Array

READERS: Mapping[str, Callable[[Opened], Content]] = {
    ".npy": inspect_npy,
    ".npz": inspect_npz,
    ".csv": inspect_csv,
    ".tsv": inspect_tsv,
    ".txt": inspect_txt,
    ".json": inspect_json,
    ".safetensors": inspect_safetensors,
    ".png": inspect_png,
    ".parquet": inspect_parquet,
}


@dataclass(frozen=True, slots=True)
class Probe:
    """The shape of an array in a file, and its element type: bool, int, float or complex."""

    shape: tuple[int, ...]
    dtype: str


def probe(access: Access, file: FileRef) -> Probe:
    """Look at a file without reading its array; raises ``RunError``."""
    with _content(access, file) as (content, (start, stop)):
        return Probe((stop - start, *content.shape[1:]) if content.shape else (), content.dtype)


def read(access: Access, file: FileRef) -> Array:
    """The array of a file, as ``probe`` describes it; raises ``RunError``."""
    with _content(access, file) as (content, (start, stop)):
        return content.array(start, stop)


def extension(path: str, known: Mapping[str, object], verb: str, span: Span | None) -> str:
    """The extension of a path, if it is a known one."""
    found = os.path.splitext(path)[1].lower()
    if found in known:
        return found
    near = nearest(found, known) if found else None
    listed = ", ".join(known)
    raise run_error(
        "E0711",
        f"`{found or path}` is not a kind of file to {verb}",
        span,
        help=(f"did you mean `{near}`? Known are {listed}" if near else f"known are {listed}",),
    )


@contextlib.contextmanager
def _content(access: Access, file: FileRef) -> Iterator[tuple[Content, tuple[int, int]]]:
    inspect = READERS[extension(file.path, READERS, "load", file.span)]
    with system_errors(file.path, file.span), access.open_read(file.path, file.span) as handle:
        size = os.fstat(handle.fileno()).st_size
        content = inspect(Opened(handle, file.path, file.key, file.span, size, access.limits))
        yield content, _rows(content, file)


def _rows(content: Content, file: FileRef) -> tuple[int, int]:
    """The first and one past the last row that are asked for."""
    if not content.shape:
        if file.rows is not None:
            raise run_error("E0716", f"`{file.path}` holds a single number, which has no rows", file.span)
        return 0, 0
    count = content.shape[0]
    first, last = file.rows or (None, None)
    start = 0 if first is None else first + count if first < 0 else first
    stop = count if last is None else last + count if last < 0 else last
    if not 0 <= start <= stop <= count:
        asked = f"{'' if first is None else first}:{'' if last is None else last}"
        message = f"rows {asked} are asked for, and `{file.path}` has {count}"
        raise run_error("E0716", message, file.span, help=(f"ask for rows within 0:{count}",))
    return start, stop
