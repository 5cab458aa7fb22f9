"""``.parquet``: the columns of a table as numbers, read by pyarrow, which the extra ``parquet`` brings.

In: an open file. Out: a ``Content`` of rows and columns, or of one axis where one column is there or named.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tensorlang.data.content import Content, Opened, check_held, plain, short
from tensorlang.diagnostics import RunError

if TYPE_CHECKING:
    from pyarrow import DataType
    from pyarrow.parquet import ParquetFile

    from tensorlang.data.content import Array


def inspect_parquet(opened: Opened) -> Content:
    table = _open(opened)
    with _as_damage(opened):
        schema = table.schema_arrow
    names = list(schema.names) if opened.key is None else [opened.choose(schema.names, "column")]
    kinds = {_kind(opened, name, schema.field(name).type) for name in names if _single(opened, names, name)}
    if not kinds:
        raise opened.fault("E0720", f"`{opened.path}` holds no numbers", "the table has no columns")
    if "bool" in kinds and len(kinds) > 1:
        raise opened.fault("E0718", f"`{opened.path}` mixes truth values and numbers", "read one column at a time")
    dtype = "float" if "float" in kinds else kinds.pop()
    count = int(table.metadata.num_rows)
    shape = (count,) if len(names) == 1 else (count, len(names))

    def array(start: int, stop: int) -> Array:
        check_held(opened, shape, dtype)
        return _cells(opened, table, names, shape)[start:stop]

    return Content(shape, dtype, array)


def _open(opened: Opened) -> ParquetFile:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise opened.fault(
            "E0712",
            f"`{opened.path}` needs pyarrow, which is not installed",
            'pip install "tensorlang[parquet]"',
        ) from None
    opened.handle.seek(0)
    with _as_damage(opened):
        return ParquetFile(opened.handle)


@contextlib.contextmanager
def _as_damage(opened: Opened) -> Iterator[None]:
    """All that pyarrow says of files that are no tables."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError, ValueError, TypeError, LookupError, OverflowError, RuntimeError):
        raise opened.damaged("it does not read as a parquet table") from None


def _single(opened: Opened, names: list[str], name: str) -> bool:
    if names.count(name) > 1:
        raise opened.fault("E0715", f"`{opened.path}` has two columns `{short(name)}`", "rename one of them")
    return True


def _kind(opened: Opened, name: str, kind: DataType) -> str:
    from pyarrow import types

    if types.is_boolean(kind):
        return "bool"
    if types.is_integer(kind):
        return "int"
    if types.is_floating(kind):
        return "float"
    message = f"column `{short(name)}` of `{opened.path}` holds {short(str(kind))}, not numbers"
    raise opened.fault("E0717", message, f'read another column: `load("{opened.path}", "name")`')


def _cells(opened: Opened, table: ParquetFile, names: list[str], shape: tuple[int, ...]) -> Array:
    import numpy

    with _as_damage(opened):
        found = table.read(columns=names, use_threads=False)
    if found.num_rows != shape[0] or found.num_columns != len(names):
        raise opened.damaged("its columns are not as long as its header says")
    for name in names:
        if found.column(name).null_count:
            raise _missing(opened, name, found.column(name).null_count)
    columns = [plain(opened, found.column(name).to_numpy()) for name in names]
    return columns[0] if len(shape) == 1 else plain(opened, numpy.stack(columns, axis=1))


def _missing(opened: Opened, name: str, count: int) -> RunError:
    message = f"column `{short(name)}` of `{opened.path}` lacks {count} of its values"
    return opened.fault("E0718", message, "fill them in, or write nan")
