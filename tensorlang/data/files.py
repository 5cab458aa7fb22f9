"""Which files a program may open: below its own folder, or below what the caller allows; plain files only.

In: a path as the program wrote it. Out: an open file, or an error that names the flag that would allow it. A path is
judged by its words first, then by where it really leads, and then opened folder by folder without following links, so
that a link that is put there in between leads nowhere. Files are written beside their place and moved into it: whoever
looks sees the old file or the whole new one.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from tensorlang.diagnostics import RunError, nearest, run_error
from tensorlang.limits import Limits
from tensorlang.records import dataclass, field
from tensorlang.source import Span

_BELOW = "a program reaches files in its own folder and below"
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BASE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | _NO_FOLLOW
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BASE
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BASE
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _BASE
_BY_FOLDER = os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd


@dataclass(frozen=True, slots=True)
class Access:
    """What a program may touch: ``folder`` and below (None: nothing), and the roots that the caller adds."""

    folder: str | None
    read_roots: tuple[str, ...] = ()
    write_roots: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def open_read(self, path: str, span: Span | None) -> io.BufferedReader:
        """An existing plain file, open for reading in binary, not larger than ``limits.file``."""
        with system_errors(path, span), self._place(path, span, "--allow-read", self.read_roots) as place:
            _check_there(path, place, span)
            _check_plain(path, place.status(), span)
            handle = os.fdopen(place.open(_READ), "rb")
            try:
                now = os.fstat(handle.fileno())
                _check_plain(path, now, span)
                check_size(path, now.st_size, self.limits, span)
            except BaseException:
                handle.close()
                raise
            return handle

    @contextlib.contextmanager
    def open_write(self, path: str, span: Span | None) -> Iterator[BinaryIO]:
        """A new file in place of ``path``, once the block is over; if it fails, all is as it was."""
        with system_errors(path, span), self._place(path, span, "--allow-write", self.write_roots) as place:
            with contextlib.suppress(FileNotFoundError):
                _check_replaceable(path, place.status(), span)
            beside = _Place(place.folder, f".{os.urandom(8).hex()}.part", place.descriptor)
            handle = os.fdopen(beside.open(_CREATE), "wb")
            try:
                with handle:
                    yield handle
                    handle.flush()
                    os.fsync(handle.fileno())
                beside.replace(place)
            except BaseException:
                with contextlib.suppress(OSError):
                    beside.remove()
                raise

    @contextlib.contextmanager
    def _place(self, path: str, span: Span | None, flag: str, roots: Sequence[str]) -> Iterator[_Place]:
        home, inner = self._judge(path, span, flag, roots)
        *folders, name = inner.split(os.sep)
        if not _BY_FOLDER:
            yield _Place(os.path.join(home, *folders), name, None)
            return
        descriptor = _open_folder(home, folders)
        try:
            yield _Place(os.path.join(home, *folders), name, descriptor)
        finally:
            os.close(descriptor)

    def _judge(self, path: str, span: Span | None, flag: str, roots: Sequence[str]) -> tuple[str, str]:
        """The allowed folder that the path really lies in, and the rest of the path, free of links."""
        if self.folder is None and not roots:
            raise run_error(
                "E0701",
                f"`{_shown(path)}` is out of reach: this program may touch no files",
                span,
                help=(f"run it as a `.tl` file of its own, or allow a folder with `{flag} DIR`",),
            )
        _check_words(path, span)
        absolute = path.startswith("/")
        climbing = ".." in path.split("/")
        here = os.sep if self.folder is None else self.folder
        real = os.path.realpath(path if absolute else os.path.join(here, *path.split("/")))
        own = () if self.folder is None or absolute or climbing else (self.folder,)
        for root in (*own, *roots):
            home = os.path.realpath(root)
            if real == home:
                raise _not_plain(path, "a folder", span)
            if real.startswith(home.rstrip(os.sep) + os.sep):
                return home, os.path.relpath(real, home)
        raise _outside(path, span, flag, absolute, climbing)


@dataclass(frozen=True, slots=True)
class _Place:
    """A name in an open folder (``descriptor``), or, where the system has no such thing, in a folder by path."""

    folder: str
    name: str
    descriptor: int | None

    @property
    def _path(self) -> str:
        return self.name if self.descriptor is not None else os.path.join(self.folder, self.name)

    def status(self) -> os.stat_result:
        return os.stat(self._path, dir_fd=self.descriptor, follow_symlinks=False)

    def neighbours(self) -> list[str]:
        return os.listdir(self.folder if self.descriptor is None else self.descriptor)

    def open(self, flags: int) -> int:
        return os.open(self._path, flags, 0o666, dir_fd=self.descriptor)

    def replace(self, other: _Place) -> None:
        os.replace(self._path, other._path, src_dir_fd=self.descriptor, dst_dir_fd=other.descriptor)
        if self.descriptor is not None:
            with contextlib.suppress(OSError):  # some file systems cannot sync a folder; the file itself is safe
                os.fsync(self.descriptor)

    def remove(self) -> None:
        os.unlink(self._path, dir_fd=self.descriptor)


def chosen(path: str, limits: Limits) -> tuple[Access, str]:
    """Access to the folder of a file that the caller named on the command line, and the file's name there."""
    folder, name = os.path.split(os.path.realpath(path))
    return Access(folder, limits=limits), name


def check_size(path: str, size: int, limits: Limits, span: Span | None, what: str = "holds") -> None:
    """Refuse a size (bytes) above ``limits.file``."""
    if size > limits.file:
        raise run_error(
            "E0708",
            f"`{_shown(path)}` {what} {in_bytes(size)}, more than the {in_bytes(limits.file)} allowed for one file",
            span,
            help=("raise the limit with `--limit-file BYTES`",),
        )


def in_bytes(size: int) -> str:
    """A number of bytes as people say it: ``1.5 GB``."""
    if size >= 10**21:
        return "over 10^21 bytes"
    value, names = float(size), ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
    for name in names:
        if value < 1000 or name == names[-1]:
            return f"{size} bytes" if name == "bytes" else f"{value:.3g} {name}"
        value /= 1000
    raise AssertionError(size)


def _open_folder(home: str, folders: Sequence[str]) -> int:
    """Descend from an allowed folder, one name at a time, following no link."""
    descriptor = os.open(home, _FOLDER & ~_NO_FOLLOW)
    for name in folders:
        try:
            below = os.open(name, _FOLDER, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _shown(path: str) -> str:
    """A path as it was written, with what a terminal would act on spelled out."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in path)


def _check_words(path: str, span: Span | None) -> None:
    """Only names with ``/`` between them: what one system takes for a name may be a device or a folder on another."""
    found = None
    if not path.strip():
        found = "an empty path"
    elif any(ord(char) < 32 or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in path):
        found = "a control character"
    elif "\\" in path:
        found = "a backslash"
    elif re.match(r"[A-Za-z]:", path):
        found = "a drive letter"
    if found:
        message = f"`{_shown(path)}` is not a path that a program may use: found {found}"
        raise run_error("E0702", message, span, help=("write names with `/` between them, such as `data/x.npy`",))


def _outside(path: str, span: Span | None, flag: str, absolute: bool, climbing: bool) -> RunError:
    shown = _shown(path)
    hint = (f"{_BELOW}; allow another folder with `{flag} DIR`",)
    if absolute:
        return run_error("E0703", f"`{shown}` is an absolute path outside the allowed folders", span, help=hint)
    if climbing:
        return run_error("E0704", f"`{shown}` climbs out of the program's folder with `..`", span, help=hint)
    return run_error("E0705", f"`{shown}` is a link that leads out of the program's folder", span, help=hint)


def _not_plain(path: str, kind: str, span: Span | None) -> RunError:
    return run_error("E0706", f"`{_shown(path)}` is {kind}, not a plain file", span, help=("name a file",))


def _check_there(path: str, place: _Place, span: Span | None) -> None:
    try:
        place.status()
    except FileNotFoundError:
        near = nearest(place.name, place.neighbours())
        hint = f"did you mean `{'/'.join((*path.split('/')[:-1], near))}`?" if near else _BELOW
        raise run_error("E0709", f"there is no file `{_shown(path)}`", span, help=(_shown(hint),)) from None


def _check_plain(path: str, status: os.stat_result, span: Span | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}
        raise _not_plain(path, kinds.get(stat.S_IFMT(status.st_mode), "a device"), span)


def _check_replaceable(path: str, status: os.stat_result, span: Span | None) -> None:
    _check_plain(path, status, span)
    if status.st_nlink > 1:
        raise run_error(
            "E0707",
            f"`{_shown(path)}` has {status.st_nlink} names (hard links), and not all of them need lie in this folder",
            span,
            help=("delete this name first, or save under another",),
        )


@contextlib.contextmanager
def system_errors(path: str, span: Span | None) -> Iterator[None]:
    """Turn what the system says about a file into our errors, without the absolute paths that it says it with."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        folder = path.rpartition("/")[0] or "."
        raise run_error("E0709", f"there is no folder `{_shown(folder)}`", span, help=(_BELOW,)) from None
    except OSError as problem:
        reason = (problem.strerror or "unknown reason").lower()
        raise run_error("E0710", f"the system refused `{_shown(path)}`: {reason}", span) from None
