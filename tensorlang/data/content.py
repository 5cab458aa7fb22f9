"""What every format is handed and what it gives back: an open file, and the array that was found in it.

A format looks first (shape and element type, checked against the limits) and reads only when asked, so that
``probe`` and ``read`` can never disagree. Nothing here imports numpy before an array is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from tensorlang.data.files import check_size
from tensorlang.diagnostics import RunError, nearest, run_error
from tensorlang.limits import Limits
from tensorlang.records import dataclass
from tensorlang.source import Span

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[Any]]

# Bytes of one element as it is held after reading.
HELD = {"bool": 1, "int": 8, "float": 8, "complex": 16}


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file: ``path`` and ``span`` as in the program, ``size`` in bytes, ``key`` the array's name."""

    handle: BufferedReader
    path: str
    key: str | None
    span: Span | None
    size: int
    limits: Limits

    def fault(self, code: str, message: str, *help: str) -> RunError:
        return run_error(code, message, self.span, help=help)

    def damaged(self, reason: str) -> RunError:
        return self.fault("E0713", f"`{self.path}` is damaged: {reason}", "make the file again, or name another one")

    def no_key(self) -> None:
        """Refuse a key where the file holds just one array."""
        if self.key is not None:
            raise self.fault(
                "E0715",
                f"`{self.path}` holds one array without a name, but `{self.key}` is asked for",
                f'write `load("{self.path}")`',
            )

    def choose(self, names: Iterable[str], what: str = "array") -> str:
        """The name that the key stands for, or the only one there is."""
        known = sorted(names)
        if self.key in known:
            return self.key
        if self.key is None and len(known) == 1:
            return known[0]
        listed = ", ".join(f"`{short(name)}`" for name in known[:8]) + (", ..." if len(known) > 8 else "")
        if not known:
            raise self.damaged(f"it holds no {what}")
        if self.key is None:
            message = f"`{self.path}` holds {len(known)} {what}s ({listed}), and none is named"
            raise self.fault("E0715", message, f'name one: `load("{self.path}", "{short(known[0])}")`')
        near = nearest(self.key, known)
        hint = f"did you mean `{near}`?" if near else f"it holds {listed}"
        raise self.fault("E0715", f"`{self.path}` holds no {what} `{short(self.key)}`", hint)


@dataclass(frozen=True, slots=True)
class Content:
    """One array of a file. ``array(start, stop)`` reads these rows (all of it where there are no axes).

    ``dtype`` is bool, int, float or complex; what ``array`` gives is of bool, int64, float64 or complex128.
    """

    shape: tuple[int, ...]
    dtype: str
    array: Callable[[int, int], Array]


def check_held(opened: Opened, shape: tuple[int, ...], dtype: str) -> None:
    """Refuse an array that would take more than ``limits.file`` once it is read."""
    check_size(opened.path, math.prod(shape) * HELD[dtype], opened.limits, opened.span, "unpacks to")


def plain(opened: Opened, array: Array) -> Array:
    """An array in the four element types that the language knows, in native byte order."""
    import numpy

    if array.dtype.kind == "u" and array.size and int(array.max()) > 2**63 - 1:
        raise opened.fault("E0717", f"`{opened.path}` holds whole numbers above 2^63 - 1", "save it as floats")
    target = {"b": numpy.bool_, "i": numpy.int64, "u": numpy.int64, "f": numpy.float64, "c": numpy.complex128}
    return numpy.ascontiguousarray(array, dtype=target[array.dtype.kind]).reshape(array.shape)


def short(text: str, width: int = 24) -> str:
    """A few characters of what a file holds, fit to stand in a message."""
    clean = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return clean if len(clean) <= width else clean[: width - 3] + "..."
