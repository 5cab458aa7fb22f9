"""What the tests of files share: a request as a program would make it, and the message that it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tensorlang.data import Access, probe, read
from tensorlang.diagnostics import RunError
from tensorlang.ir.program import FileRef
from tensorlang.source import Source, Span

Rows = tuple[int | None, int | None]


def asked(path: str, key: str | None = None, rows: Rows | None = None) -> FileRef:
    """``load(...)`` as it would stand in a program."""
    named = f'"{path}"' + (f', "{key}"' if key is not None else "")
    part = "" if rows is None else "[" + ":".join("" if at is None else str(at) for at in rows) + "]"
    written = f"load({named}){part}"
    text = f"data X[n,i] = {written}".replace("\0", "?").replace("\n", " ")
    return FileRef(path, key, rows, Span(Source("program.tl", text), 14, 14 + len(written)))


def place(text: str) -> Span:
    """The whole of a line of a program."""
    return Span(Source("program.tl", text), 0, len(text))


def message(action: Callable[[], object]) -> str:
    """The drawn error of something that must fail."""
    try:
        found = action()
    except RunError as problem:
        return str(problem)
    raise AssertionError(f"no error, but {found!r}")


def refusals(access: Access, requests: Iterable[FileRef]) -> str:
    """The messages of requests that must fail, one under the other; ``probe`` and ``read`` must say the same."""
    drawn = []
    for request in requests:
        text = message(lambda request=request: read(access, request))  # type: ignore[misc]
        if "E0712" not in text:
            assert text == message(lambda request=request: probe(access, request))  # type: ignore[misc]
        drawn.append(text)
    return "\n\n".join(drawn) + "\n"


def got(access: Access, path: str, key: str | None = None, rows: Rows | None = None) -> Any:
    """The array of a file, after ``probe`` has told its shape and kind."""
    request = asked(path, key, rows)
    looked = probe(access, request)
    array = read(access, request)
    kinds = {"b": "bool", "i": "int", "f": "float", "c": "complex"}
    assert (array.shape, kinds[array.dtype.kind]) == (looked.shape, looked.dtype)
    assert str(array.dtype) in ("bool", "int64", "float64", "complex128")
    assert array.dtype.isnative
    return array
