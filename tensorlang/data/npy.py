"""``.npy`` files and the ``.npz`` archives of them, judged by their headers before anything is read.

In: an open file. Out: a ``Content``. The header is parsed here and not by numpy, so that ``check`` needs no numpy,
and so that a shape that the file cannot hold is refused before memory is asked for. Pickled objects are never
loaded. Format: numpy.lib.format, versions 1 to 3; PKZIP for the archives.
"""

from __future__ import annotations

import ast
import contextlib
import io
import math
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from tensorlang.data.content import Content, Opened, check_held, plain, short
from tensorlang.data.files import in_bytes
from tensorlang.records import dataclass

if TYPE_CHECKING:
    from tensorlang.data.content import Array

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
_CHUNK = 1 << 20
_DIRECTORY = 2 << 20
# An archive this small once unpacked is let through whatever its ratio: a harmless array of zeros packs 1000 to 1.
_SMALL = 64 << 20

# All that the zip reader says of archives that are none.
_UNZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)

_KINDS = {"b": "bool", "i": "int", "u": "int", "f": "float", "c": "complex"}
_WIDTHS = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}
_NOT_NUMBERS = {"O": "Python objects", "S": "bytes", "U": "text", "M": "dates", "m": "spans of time", "V": "records"}


@dataclass(frozen=True, slots=True)
class Header:
    """What an npy header says; ``code`` is numpy's type string (``<f8``), ``start`` where the elements begin."""

    code: str
    shape: tuple[int, ...]
    fortran: bool
    start: int

    @property
    def width(self) -> int:
        return int(self.code[2:])

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.width

    @property
    def dtype(self) -> str:
        return _KINDS[self.code[1]]


def inspect_npy(opened: Opened) -> Content:
    opened.no_key()
    header = read_header(opened, opened.handle)
    _check_length(opened, header, opened.size)

    def array(start: int, stop: int) -> Array:
        opened.handle.seek(header.start)
        return _elements(opened, opened.handle, header, start, stop)

    return Content(header.shape, header.dtype, array)


def inspect_npz(opened: Opened) -> Content:
    with _archive(opened) as archive:
        member = _member(opened, archive)
        with _unpacked(opened, archive, member) as stream:
            header = read_header(opened, stream)
        _check_length(opened, header, member.file_size)

    def array(start: int, stop: int) -> Array:
        with _archive(opened) as archive, _unpacked(opened, archive, member) as stream:
            _skip(opened, stream, header.start)
            return _elements(opened, stream, header, start, stop)

    return Content(header.shape, header.dtype, array)


# --- the header ----------------------------------------------------------------------------------------------------


def read_header(opened: Opened, stream: IO[bytes]) -> Header:
    """Parse an npy header, believing nothing: every field has its own check."""
    head = stream.read(8)
    if len(head) < 8 or head[:6] != _MAGIC:
        raise opened.damaged("it does not begin as an npy file does")
    if head[6] not in (1, 2, 3):
        raise opened.damaged(f"it says npy version {head[6]}, and versions 1 to 3 are known")
    width = 2 if head[6] == 1 else 4
    stated = stream.read(width)
    if len(stated) < width:
        raise opened.damaged("it ends inside its header")
    (length,) = struct.unpack("<H" if width == 2 else "<I", stated)
    if length > _LONGEST_HEADER:
        raise opened.damaged(f"its header claims {length} bytes")
    text = stream.read(length)
    if len(text) < length:
        raise opened.damaged("it ends inside its header")
    return _parse_header(opened, text, 8 + width + length)


def _parse_header(opened: Opened, text: bytes, start: int) -> Header:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of odd escapes in what is only read as data
            fields = ast.literal_eval(text.decode("latin-1").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise opened.damaged("its header cannot be read") from None
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise opened.damaged("its header does not say shape, order and element type")
    shape, fortran = fields["shape"], fields["fortran_order"]
    if not isinstance(fortran, bool):
        raise opened.damaged("its header does not say the order of its elements")
    if not isinstance(shape, tuple) or len(shape) > 64 or not all(type(n) is int and n >= 0 for n in shape):
        raise opened.damaged("its header gives no usable shape")
    if math.prod(n for n in shape if n) >= 2**60:
        raise opened.damaged("its header gives a shape that no machine can hold")
    return Header(_element_code(opened, fields["descr"]), shape, fortran, start)


def _element_code(opened: Opened, descr: object) -> str:
    if isinstance(descr, list):
        raise _wrong_elements(opened, "records")
    found = re.fullmatch(r"[<>=|]?([A-Za-z?])(\d{0,4})(\[\w+\])?", descr) if isinstance(descr, str) else None
    if found is None or not isinstance(descr, str):
        raise opened.damaged("its header names no element type")
    kind = "b" if found[1] == "?" else found[1]
    width = int(found[2] or 1)
    if kind in _NOT_NUMBERS:
        raise _wrong_elements(opened, _NOT_NUMBERS[kind])
    if width not in _WIDTHS.get(kind, ()):
        raise _wrong_elements(opened, f"elements of type `{short(descr)}`")
    return f"{'>' if descr[0] == '>' else '<'}{kind}{width}"


def _wrong_elements(opened: Opened, what: str) -> Exception:
    hint = "save numbers: `numpy.save(path, array.astype(float))`"
    return opened.fault("E0717", f"`{opened.path}` holds {what}, not numbers", hint)


def _check_length(opened: Opened, header: Header, size: int) -> None:
    """The file must be just as long as its header says: a shorter one was cut, a longer one is something else."""
    there = size - header.start
    if there != header.bytes:
        shape = f"a shape of {' x '.join(map(str, header.shape[:8]))}" if header.shape else "a single number"
        raise opened.damaged(f"its header says {shape}, {header.bytes} bytes, but {max(there, 0)} bytes follow")


# --- the elements --------------------------------------------------------------------------------------------------


def _elements(opened: Opened, stream: IO[bytes], header: Header, start: int, stop: int) -> Array:
    """Rows ``start`` to ``stop`` from a stream that stands at the first element."""
    import numpy

    # A truth value may be any byte in a hostile file; as a byte it is compared with 0.
    dtype = numpy.dtype("u1" if header.code[1] == "b" else header.code)
    shape = header.shape
    if shape and not header.fortran:
        _skip(opened, stream, start * math.prod(shape[1:]) * header.width)
        shape = (stop - start, *shape[1:])
    check_held(opened, shape, header.dtype)
    flat = numpy.empty(math.prod(shape), dtype)
    _fill(opened, stream, flat.view(numpy.uint8).data if flat.size else memoryview(b""))
    array = flat.reshape(shape, order="F" if header.fortran else "C")
    if header.shape and header.fortran:
        array = array[start:stop]
    return plain(opened, array != 0 if header.code[1] == "b" else array)


def _fill(opened: Opened, stream: IO[bytes], room: memoryview) -> None:
    done = 0
    with _as_damage(opened):
        while done < len(room):
            piece = stream.read(min(_CHUNK, len(room) - done))
            if not piece:
                raise opened.damaged("it ends before its last element")
            room[done : done + len(piece)] = piece
            done += len(piece)


def _skip(opened: Opened, stream: IO[bytes], count: int) -> None:
    if stream is opened.handle:
        stream.seek(count, io.SEEK_CUR)
        return
    with _as_damage(opened):
        while count > 0:
            piece = stream.read(min(_CHUNK, count))
            if not piece:
                raise opened.damaged("it ends before its last element")
            count -= len(piece)


# --- the archive ---------------------------------------------------------------------------------------------------


class _Careful(io.RawIOBase):
    """A file that refuses to be read in huge gulps: the zip reader takes an archive's whole directory at once."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._handle.seek(offset, whence)

    def tell(self) -> int:
        return self._handle.tell()

    def read(self, size: int = -1) -> bytes:
        if size > _DIRECTORY:
            raise zipfile.BadZipFile("directory too large")
        return self._handle.read(min(size, _DIRECTORY) if size >= 0 else _DIRECTORY)


@contextlib.contextmanager
def _as_damage(opened: Opened) -> Iterator[None]:
    try:
        yield
    except _UNZIP_ERRORS:
        raise opened.damaged("it cannot be unpacked") from None


@contextlib.contextmanager
def _archive(opened: Opened) -> Iterator[zipfile.ZipFile]:
    opened.handle.seek(0)
    try:
        archive = zipfile.ZipFile(_Careful(opened.handle))
    except _UNZIP_ERRORS:
        raise opened.damaged("it is not an archive of npy files") from None
    with archive:
        yield archive


def _member(opened: Opened, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The member that the key names, if unpacking it is in proportion."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in members:
            raise opened.damaged(f"it holds two arrays named `{short(name)}`")
        members[name] = info
    info = members[opened.choose(members)]
    if info.flag_bits & 0x1:
        raise opened.damaged("it is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise opened.damaged("it is packed in a way that numpy does not use")
    if info.file_size > max(_SMALL, opened.limits.expansion * info.compress_size):
        packed, unpacked = in_bytes(info.compress_size), in_bytes(info.file_size)
        raise opened.fault(
            "E0714",
            f"`{opened.path}` would unpack {packed} to {unpacked}, more than {opened.limits.expansion} times as much",
            "if you trust the file, raise the ratio with `--limit-expansion`",
        )
    return info


@contextlib.contextmanager
def _unpacked(opened: Opened, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    with _as_damage(opened), archive.open(member) as stream:
        yield stream
