"""What an exported program says about itself: inputs and outputs with the names of their axes, and where it is from.

In: a Program, or the bytes of a ``.pt`` or ``.py`` file that carries one. Out: a ``Signature``, as JSON or as lines for
a reader. Reading one runs nothing of the file and imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO

from tensorlang.diagnostics import RunError, run_error
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.program import Program, Tensor
from tensorlang.records import dataclass
from tensorlang.source import Source

ENTRY = "tensorlang.json"  # the extra file of a TorchScript archive
MARK = "# signature: "  # the line of a Python file
_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class Description:
    """What a program says about a tensor: the names and sizes of its axes, its element type, and for positions the
    size that they lie below."""

    name: str
    axes: tuple[str, ...]
    sizes: tuple[int | str, ...]
    dtype: str
    positions: int | str | None = None

    def __str__(self) -> str:
        title = f"{self.name}[{','.join(self.axes)}]" if self.axes else self.name
        below = "" if self.positions is None else f" in 0 .. {self.positions}-1"
        return "  ".join(part for part in (title, " x ".join(map(str, self.sizes)), self.dtype + below) if part)


@dataclass(frozen=True, slots=True)
class Signature:
    """``inputs`` in the order of the call; ``numbers`` are sizes that no tensor tells, given behind the inputs.

    ``source`` is the program's file name and ``digest`` the SHA-256 of its text; ``version`` is tensorlang's.
    """

    source: str
    digest: str
    version: str
    dtype: str
    inputs: tuple[Description, ...]
    numbers: tuple[str, ...]
    outputs: tuple[Description, ...]
    parameters: int

    def json(self) -> str:
        return json.dumps({"tensorlang export": 1, **asdict(self)}, sort_keys=True)

    def lines(self) -> list[str]:
        """For a reader: what goes in, what comes out, and where it is from."""
        given = [f"  {tensor}" for tensor in self.inputs] + [f"  {name}  int (a size)" for name in self.numbers]
        return [
            f"from {self.source}, by tensorlang {self.version}, float is {self.dtype}",
            f"{self.parameters} parameters",
            "inputs" if given else "no inputs",
            *given,
            "outputs",
            *(f"  {tensor}" for tensor in self.outputs),
            f"sha256 of the program {self.digest}",
        ]


def signature(
    program: Program, source: Source, inputs: tuple[str, ...], numbers: tuple[str, ...], dtype: str, parameters: int
) -> Signature:
    """The signature of a program's outputs; ``inputs`` and ``numbers`` as the exported call takes them."""
    from tensorlang import __version__

    return Signature(
        source.name.rsplit("/", 1)[-1],
        hashlib.sha256(source.text.encode()).hexdigest(),
        __version__,
        dtype,
        tuple(described(program.tensors[name], program.sizes) for name in inputs),
        numbers,
        tuple(described(program.tensors[name], program.sizes) for name in program.outputs),
        parameters,
    )


def described(tensor: Tensor, known: Mapping[Symbol, int]) -> Description:
    """A tensor with its sizes as far as they are known."""
    below = None if tensor.positions is None else shown_size(tensor.positions, known)
    labels = tuple(axis.label for axis in tensor.axes)
    return Description(
        tensor.name, labels, tuple(shown_size(axis.size, known) for axis in tensor.axes), tensor.dtype, below
    )


def shown_size(size: Size, known: Mapping[Symbol, int]) -> int | str:
    """A size as a number where it is known, else in words."""
    return size.value(known) if size.symbols <= known.keys() else str(size)


# --- reading -----------------------------------------------------------------------------------------------------


def read_signature(stream: BinaryIO, path: str) -> Signature:
    """The signature in an exported file; raises ``RunError`` (E0740) where the file holds none."""
    start = stream.read(4)
    stream.seek(0)
    try:
        text = _from_archive(stream) if start == b"PK\x03\x04" else _from_python(stream)
        return _parsed(json.loads(text))
    except json.JSONDecodeError:
        raise _unsigned(path, "its signature cannot be read") from None
    except zipfile.BadZipFile:
        raise _unsigned(path, "it is an archive that is damaged") from None
    except (ValueError, KeyError, TypeError, RecursionError, OSError, EOFError) as problem:
        raise _unsigned(path, str(problem) if isinstance(problem, ValueError) else "") from None


def _from_archive(stream: BinaryIO) -> str:
    with zipfile.ZipFile(stream) as archive:
        names = [entry for entry in archive.infolist() if entry.filename.endswith(f"/extra/{ENTRY}")]
        if len(names) != 1:
            raise ValueError("it is an archive without a signature")
        if names[0].file_size > _MOST:
            raise ValueError("its signature is too long")
        with archive.open(names[0]) as entry:
            return entry.read(_MOST).decode("utf-8")


def _from_python(stream: BinaryIO) -> str:
    for line in stream.read(_MOST).decode("utf-8", errors="replace").splitlines():
        if line.startswith(MARK):
            return line.removeprefix(MARK)
    raise ValueError("it holds no signature")


def _parsed(found: Any) -> Signature:
    if not isinstance(found, dict) or found.pop("tensorlang export", None) != 1:
        raise ValueError("its signature is of another kind")
    inputs, outputs = (tuple(_tensor(entry) for entry in found[key]) for key in ("inputs", "outputs"))
    source, digest, version, dtype = (str(found[key]) for key in ("source", "digest", "version", "dtype"))
    numbers = tuple(str(name) for name in found["numbers"])
    return Signature(source, digest, version, dtype, inputs, numbers, outputs, int(found["parameters"]))


def _tensor(entry: Any) -> Description:
    sizes = tuple(size if isinstance(size, int) else str(size) for size in entry["sizes"])
    return Description(
        str(entry["name"]), tuple(map(str, entry["axes"])), sizes, str(entry["dtype"]), entry.get("positions")
    )


def _unsigned(path: str, why: str) -> RunError:
    hint = "`tensorlang compile FILE -o OUT.pt` or `-o OUT.py` writes files that can be inspected"
    return run_error(
        "E0740", f"`{path}` was not written by `tensorlang compile`{': ' + why if why else ''}", help=[hint]
    )
