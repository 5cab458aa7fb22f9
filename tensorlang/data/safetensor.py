"""``.safetensors`` files as data: one array of many, found by the header and read alone.

In: an open file. Out: a ``Content``. The library reads such files whole; here the header is read first (its length,
shapes and places are all checked against the file), so that ``check`` needs no numpy and one array of a large file
is cheap. Parameters, which are read whole, go through the library: see params.py. Format: huggingface/safetensors,
README.
"""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING

from tensorlang.data.content import Content, Opened, check_held, plain, short
from tensorlang.records import dataclass

if TYPE_CHECKING:
    from tensorlang.data.content import Array

_LONGEST_HEADER = 25_000_000

# Element type: numpy's type string, ours. BF16 is the upper half of a float32.
_TYPES = {
    "BOOL": ("u1", "bool"), "U8": ("u1", "int"), "I8": ("i1", "int"), "U16": ("<u2", "int"), "I16": ("<i2", "int"),
    "U32": ("<u4", "int"), "I32": ("<i4", "int"), "U64": ("<u8", "int"), "I64": ("<i8", "int"), "F16": ("<f2", "float"),
    "BF16": ("<u2", "float"), "F32": ("<f4", "float"), "F64": ("<f8", "float"), "C64": ("<c8", "complex"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One array: where its bytes begin in the file, and what they are."""

    kind: str
    shape: tuple[int, ...]
    start: int

    @property
    def width(self) -> int:
        return int(_TYPES[self.kind][0][-1])


def inspect_safetensors(opened: Opened) -> Content:
    header, base = read_header(opened)
    name = opened.choose(key for key in header if key != "__metadata__")
    entry = _entry(opened, name, header[name], base)
    dtype = _TYPES[entry.kind][1]

    def array(start: int, stop: int) -> Array:
        return _elements(opened, entry, dtype, start, stop)

    return Content(entry.shape, dtype, array)


def read_header(opened: Opened) -> tuple[dict[str, object], int]:
    opened.handle.seek(0)
    stated = opened.handle.read(8)
    if len(stated) < 8:
        raise opened.damaged("it ends before its header")
    (length,) = struct.unpack("<Q", stated)
    if length > min(_LONGEST_HEADER, opened.size - 8):
        raise opened.damaged("it claims a header longer than itself")
    try:
        header = json.loads(opened.handle.read(length).decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise opened.damaged("its header cannot be read") from None
    if not isinstance(header, dict):
        raise opened.damaged("its header cannot be read")
    return header, 8 + length


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _entry(opened: Opened, name: str, said: object, base: int) -> Entry:
    """Check what the header says of an array against the file."""
    broken = opened.damaged(f"its header is wrong about `{short(name)}`")
    if not isinstance(said, dict) or set(said) != {"dtype", "shape", "data_offsets"}:
        raise broken
    kind, shape, places = said["dtype"], said["shape"], said["data_offsets"]
    if not (isinstance(shape, list) and isinstance(places, list) and len(shape) <= 64 and len(places) == 2):
        raise broken
    if not all(type(n) is int and n >= 0 for n in (*shape, *places)):
        raise broken
    if not isinstance(kind, str) or kind not in _TYPES:
        message = f"`{short(name)}` in `{opened.path}` has elements of type `{short(str(kind))}`"
        raise opened.fault("E0717", message, "save it as F32")
    entry = Entry(kind, tuple(shape), base + places[0])
    if math.prod(n for n in shape if n) >= 2**60 or places[1] - places[0] != math.prod(shape) * entry.width:
        raise broken
    if base + places[1] > opened.size:
        raise opened.damaged(f"it ends before the last element of `{short(name)}`")
    return entry


def _elements(opened: Opened, entry: Entry, dtype: str, start: int, stop: int) -> Array:
    import numpy

    shape, place = entry.shape, entry.start
    if shape:
        place += start * math.prod(shape[1:]) * entry.width
        shape = (stop - start, *shape[1:])
    check_held(opened, shape, dtype)
    flat = numpy.empty(math.prod(shape), _TYPES[entry.kind][0])
    opened.handle.seek(place)
    if flat.size and opened.handle.readinto(flat.view(numpy.uint8).data) != flat.nbytes:
        raise opened.damaged("it ends before its last element")
    array = flat.reshape(shape)
    if entry.kind == "BOOL":
        return plain(opened, array != 0)
    if entry.kind == "BF16":
        return plain(opened, (array.astype("<u4") << 16).view("<f4"))
    return plain(opened, array)
