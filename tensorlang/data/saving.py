"""``save``: tensors to a file, of the kind that its extension says.

In: an ``Access``, a path, named tensors (numpy or torch). Out: a file that ``load`` reads back with the same shapes
and values, or an error and no file. Numbers in text are the shortest that give the same value again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import IO, TYPE_CHECKING

from tensorlang.data.files import Access, check_size
from tensorlang.data.reading import extension
from tensorlang.diagnostics import RunError, run_error
from tensorlang.records import dataclass
from tensorlang.source import Span

if TYPE_CHECKING:
    from torch import Tensor

    from tensorlang.data.content import Array


@dataclass(frozen=True, slots=True)
class Wanted:
    """Named arrays and the words of the ``save`` that asks for them."""

    arrays: Mapping[str, Array]
    path: str
    span: Span | None

    def refused(self, message: str, hint: str) -> RunError:
        return run_error("E0722", message, self.span, help=(hint,))

    def single(self) -> tuple[str, Array]:
        """The only tensor; several are refused."""
        if len(self.arrays) > 1:
            message = f"`{self.path}` can hold one tensor, not {len(self.arrays)}"
            raise self.refused(message, "save them to one `.npz` or `.safetensors`, or each to a file of its own")
        return next(iter(self.arrays.items()))


def save(access: Access, path: str, tensors: Mapping[str, Array | Tensor], span: Span | None) -> None:
    """Write tensors to a file, whole or not at all; raises ``RunError``."""
    write = WRITERS[extension(path, WRITERS, "save", span)]
    arrays = {name: as_array(tensor) for name, tensor in tensors.items()}
    check_size(path, sum(array.nbytes for array in arrays.values()), access.limits, span, "would hold")
    # What a kind of file cannot hold is refused before a file is begun.
    finish = write(Wanted(arrays, path, span))
    with access.open_write(path, span) as handle:
        finish(handle)


def as_array(tensor: Array | Tensor) -> Array:
    """A numpy array of a tensor on any device; bfloat16, which numpy lacks, becomes float32."""
    import numpy

    if isinstance(tensor, numpy.ndarray):
        return tensor
    import torch

    dense = tensor.detach().resolve_conj().resolve_neg().cpu()
    dense = dense if dense.layout == torch.strided else dense.to_dense()
    return (dense.float() if dense.dtype == torch.bfloat16 else dense).numpy()


# --- arrays as they are --------------------------------------------------------------------------------------------


def _npy(wanted: Wanted) -> Callable[[IO[bytes]], None]:
    _, array = wanted.single()

    def finish(handle: IO[bytes]) -> None:
        from numpy.lib import format

        format.write_array(handle, array, allow_pickle=False)

    return finish


def _npz(wanted: Wanted) -> Callable[[IO[bytes]], None]:
    def finish(handle: IO[bytes]) -> None:
        import zipfile

        from numpy.lib import format

        # Not numpy.savez: it takes names as keywords, and a tensor may be called `file`.
        with zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED) as archive:
            for name, array in wanted.arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
                with archive.open(member, "w", force_zip64=True) as stream:
                    format.write_array(stream, array, allow_pickle=False)

    return finish


def _safetensors(wanted: Wanted) -> Callable[[IO[bytes]], None]:
    for name, array in wanted.arrays.items():
        if array.dtype.itemsize == 16:
            message = f"`{name}` holds complex numbers of 128 bits, and a .safetensors file those of 64"
            raise wanted.refused(message, "save it as `.npz`")

    def finish(handle: IO[bytes]) -> None:
        import numpy
        from safetensors.numpy import save as pack

        rows = {name: numpy.ascontiguousarray(array).reshape(array.shape) for name, array in wanted.arrays.items()}
        handle.write(pack(rows))

    return finish


# --- arrays as text ------------------------------------------------------------------------------------------------


def _shortest(array: Array) -> Array:
    """Floats of 64 bits whose decimal form is the shortest that names the value in its own width."""
    return array.astype(str).astype("float64") if array.dtype.kind == "f" and array.dtype.itemsize < 8 else array


def _words(values: list[object]) -> Iterator[str]:
    return (str(value).lower() if isinstance(value, bool) else repr(value) for value in values)


def _table(wanted: Wanted, delimiter: str) -> Callable[[IO[bytes]], None]:
    name, array = wanted.single()
    if array.ndim > 2:
        message = f"`{name}` has {array.ndim} axes, and a table has two"
        raise wanted.refused(message, "save it as `.npy`, or a part of it: `T[k,:,:]`")
    if array.dtype.kind == "c":
        raise wanted.refused(f"`{name}` is complex, and tables hold real numbers", "save it as `.npy`")
    if not array.size:
        raise wanted.refused(f"`{name}` has no elements, and an empty table has no shape", "save it as `.npy`")
    rows = _shortest(array).reshape(-1, 1) if array.ndim < 2 else _shortest(array)

    def finish(handle: IO[bytes]) -> None:
        for row in rows:
            handle.write((delimiter.join(_words(row.tolist())) + "\n").encode("ascii"))

    return finish


def _csv(wanted: Wanted) -> Callable[[IO[bytes]], None]:
    return _table(wanted, ",")


def _tsv(wanted: Wanted) -> Callable[[IO[bytes]], None]:
    return _table(wanted, "\t")


def _txt(wanted: Wanted) -> Callable[[IO[bytes]], None]:
    return _table(wanted, " ")


def _json(wanted: Wanted) -> Callable[[IO[bytes]], None]:
    import numpy

    for name, array in wanted.arrays.items():
        if array.dtype.kind == "c":
            raise wanted.refused(f"`{name}` is complex, and JSON holds real numbers", "save it as `.npy`")
        if not numpy.isfinite(array).all():
            raise wanted.refused(f"`{name}` holds nan or infinity, which JSON has no word for", "save it as `.npy`")
    lists = {name: _shortest(array).tolist() for name, array in wanted.arrays.items()}
    value = next(iter(lists.values())) if len(lists) == 1 else lists

    def finish(handle: IO[bytes]) -> None:
        handle.write((json.dumps(value, allow_nan=False) + "\n").encode("ascii"))

    return finish


WRITERS: Mapping[str, Callable[[Wanted], Callable[[IO[bytes]], None]]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".csv": _csv,
    ".tsv": _tsv,
    ".txt": _txt,
    ".json": _json,
    ".safetensors": _safetensors,
}
