"""Files that are nearly right: whatever bytes a file holds, it is read or refused, and nothing else happens."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from filing import asked
from PIL import Image
from safetensors.torch import save as pack

from tensorlang.data import Access, load_params, probe, read
from tensorlang.diagnostics import RunError
from tensorlang.limits import Limits


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.arange(6.0).reshape(2, 3))
    return stream.getvalue()


def _npz(save: Callable[..., None]) -> bytes:
    stream = io.BytesIO()
    save(stream, X=np.arange(6.0).reshape(2, 3), Y=np.arange(3))
    return stream.getvalue()


def _png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(stream, "png")
    return stream.getvalue()


def _parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"X": [1.0, 2.0], "Y": [3, 4]}), stream)
    return stream.getvalue()


FILES: dict[str, tuple[str, bytes, str | None]] = {
    "npy": ("x.npy", _npy(), None),
    "npz": ("x.npz", _npz(np.savez), "X"),
    "packed npz": ("x.npz", _npz(np.savez_compressed), "X"),
    "safetensors": ("x.safetensors", pack({"X": torch.ones(2, 3), "Y": torch.ones(3)}, {"made": "here"}), "X"),
    "csv": ("x.csv", b'X,Y\r\n1,2.5\r\n3,"4"\r\n', "X"),
    "txt": ("x.txt", b"# numbers\n1 2.5\n3 4\n", None),
    "json": ("x.json", b'{"X": [[1, 2.5], [3, 4]], "Y": true}', "X"),
    "png": ("x.png", _png(), None),
    "parquet": ("x.parquet", _parquet(), "X"),
}


def noisy(content: bytes, chance: random.Random) -> bytes:
    """A file with some of its bytes changed, lost, doubled or cut off."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(6):
            case 0:
                made[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                made[at : at + 1] = bytes([chance.choice(b"\x00\xff\x7f\x80 -9,[{(\"'")])
            case 2:
                del made[at : at + chance.randrange(1, 9)]
            case 3:
                made[at:at] = made[at : at + chance.randrange(1, 40)]
            case 4:
                made = made[:at]
            case _:
                made[at : at + 8] = chance.choice((b"\xff" * 8, b"\x00" * 8, b"\xff" * 4 + b"\x7f" * 4))
        made = made or bytearray(b" ")
    return bytes(made)


@pytest.mark.parametrize("name", FILES)
def test_noise_is_read_or_refused(home: Path, name: str) -> None:
    path, content, key = FILES[name]
    access = Access(str(home), limits=Limits(file=10**7))
    chance = random.Random(name)
    for turn in range(400):
        (home / path).write_bytes(content if turn == 0 else noisy(content, chance))
        try:
            looked = probe(access, asked(path, key))
            array = read(access, asked(path, key))
        except RunError:
            assert turn, "the file as it was made is refused"
        else:
            assert array.shape == looked.shape


def test_noise_as_parameters(home: Path, access: Access) -> None:
    params = {"X": torch.zeros(2, 3), "Y": torch.zeros(3)}
    chance = random.Random("parameters")
    for _ in range(300):
        (home / "x.safetensors").write_bytes(noisy(FILES["safetensors"][1], chance))
        before = {name: tensor.numpy().tobytes() for name, tensor in params.items()}
        try:
            load_params(access, "x.safetensors", params, None)
        except RunError:
            assert all(params[name].numpy().tobytes() == before[name] for name in params)


def test_an_archive_within_an_archive_is_no_array(home: Path, access: Access) -> None:
    with zipfile.ZipFile(home / "x.npz", "w") as target:
        target.writestr("X.npy", FILES["npz"][1])
    with pytest.raises(RunError, match=r"E0713"):
        read(access, asked("x.npz"))
