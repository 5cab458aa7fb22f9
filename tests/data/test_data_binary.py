"""safetensors, png and parquet: what their libraries write is read; hostile files and missing libraries are told."""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from filing import asked, got, refusals
from PIL import Image
from safetensors.torch import save_file

from tensorlang.data import Access, probe
from tensorlang.diagnostics import RunError
from tensorlang.limits import Limits

Golden = Callable[[str, str], None]


# --- safetensors ---------------------------------------------------------------------------------------------------

KINDS = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64]


@pytest.mark.parametrize("kind", KINDS + FLOATS, ids=str)
def test_safetensors_of_every_kind(home: Path, access: Access, kind: torch.dtype) -> None:
    tensor = (torch.arange(24) % 5).reshape(4, 3, 2).to(kind)
    save_file({"T": tensor, "other": torch.zeros(5)}, home / "x.safetensors")
    expected = tensor.to(torch.complex128 if kind.is_complex else torch.float64).numpy()
    assert np.array_equal(got(access, "x.safetensors", "T"), expected)
    assert np.array_equal(got(access, "x.safetensors", "T", (1, 3)), expected[1:3])


def test_a_single_safetensor_needs_no_name(home: Path, access: Access) -> None:
    save_file({"T": torch.tensor(2.5)}, home / "x.safetensors", {"made": "by hand"})
    assert got(access, "x.safetensors") == 2.5


def tensors(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(shape: object = (2,), offsets: object = (0, 8), dtype: object = "F32") -> dict[str, object]:
    return {"T": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


BROKEN = {
    "empty": b"",
    "short": b"\x01\x00",
    "huge_header": tensors({}, length=2**63),
    "long_header": tensors({}, length=3000),
    "not_json": tensors(b"{nothing"),
    "not_utf8": tensors(b'{"\xff": 1}'),
    "deep": tensors(b"[" * 100_000),
    "list": tensors([1, 2]),
    "nothing": tensors({}),
    "twice": tensors(b'{"T": {}, "T": {}}'),
    "no_fields": tensors({"T": {}}),
    "text_shape": tensors(entry("2")),
    "negative": tensors(entry([-2], [0, 8]), bytes(8)),
    "not_whole": tensors(entry([2.0]), bytes(8)),
    "truth": tensors(entry([True, 2]), bytes(8)),
    "overflow": tensors(entry([2**40, 2**40], [0, 8]), bytes(8)),
    "claims_more": tensors(entry([4], [0, 8]), bytes(8)),
    "backwards": tensors(entry([2], [8, 0]), bytes(8)),
    "beyond": tensors(entry([2], [8, 16]), bytes(8)),
    "cut": tensors(entry([2**30], [0, 2**32]), bytes(8)),
    "small_floats": tensors(entry([2], [0, 2], "F8_E4M3"), bytes(2)),
    "odd_kind": tensors(entry([2], [0, 8], ["F32"]), bytes(8)),
}


def test_broken_safetensors(home: Path, access: Access, golden: Golden) -> None:
    for name, content in BROKEN.items():
        (home / f"{name}.safetensors").write_bytes(content)
    golden("broken_safetensors.txt", refusals(access, [asked(f"{name}.safetensors") for name in BROKEN]))


# --- pictures ------------------------------------------------------------------------------------------------------

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
MODES = {"L": PIXELS[:, :, 0], "LA": PIXELS[:, :, :2], "RGB": PIXELS[:, :, :3], "RGBA": PIXELS}


@pytest.mark.parametrize("mode", MODES)
def test_pictures(home: Path, access: Access, mode: str) -> None:
    Image.fromarray(MODES[mode]).save(home / "x.png")
    assert np.allclose(got(access, "x.png"), MODES[mode] / 255.0, atol=0)
    assert np.allclose(got(access, "x.png", rows=(1, 3)), MODES[mode][1:3] / 255.0, atol=0)


def test_pictures_of_fewer_or_more_shades(home: Path, access: Access) -> None:
    Image.fromarray(PIXELS[:, :, 0] > 99).save(home / "two.png")
    assert np.array_equal(got(access, "two.png"), PIXELS[:, :, 0] > 99)
    deep = PIXELS[:, :, 0].astype(np.uint16) * 256 + 3
    Image.fromarray(deep).save(home / "deep.png")
    assert np.allclose(got(access, "deep.png"), deep / 65535.0, atol=0)
    Image.fromarray(PIXELS[:, :, :3]).quantize(8).save(home / "palette.png")
    expected = np.asarray(Image.open(home / "palette.png").convert("RGB")) / 255.0
    assert np.array_equal(got(access, "palette.png"), expected)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def picture(width: int, height: int, pixels: bytes, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_broken_pictures(home: Path, access: Access, golden: Golden) -> None:
    Image.fromarray(PIXELS).save(home / "good.png")
    whole = (home / "good.png").read_bytes()
    broken = {
        "empty": b"",
        "jpeg": b"\xff\xd8\xff\xe0" + bytes(60),
        "no_size": picture(0, 4, b""),
        "colours": picture(2, 2, b"", colour=9),
    }
    for name, content in broken.items():
        (home / f"{name}.png").write_bytes(content)
    golden("broken_png.txt", refusals(access, [asked(f"{name}.png") for name in broken] + [asked("good.png", "X")]))
    for name, content in {"cut": whole[:60], "no_pixels": picture(4, 4, b""), "noise": picture(4, 4, b"abc")}.items():
        (home / f"{name}.png").write_bytes(content)
        with pytest.raises(RunError, match=r"E0713.*pixels cannot be unpacked"):
            got(access, f"{name}.png")


def test_a_picture_of_a_claimed_size_is_not_unpacked(home: Path, access: Access) -> None:
    (home / "bomb.png").write_bytes(picture(2**30, 2**30, zlib.compress(bytes(10**6))))
    assert probe(access, asked("bomb.png")).shape == (2**30, 2**30)
    with pytest.raises(RunError, match=r"E0708.*unpacks to 9\.22 EB"):
        got(access, "bomb.png")


# --- parquet -------------------------------------------------------------------------------------------------------


def test_parquet(home: Path, access: Access) -> None:
    table = pa.table({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "kind": ["x", "y", "z"], "ok": [True, False, True]})
    pq.write_table(table.select(["a", "b"]), home / "numbers.parquet")
    pq.write_table(table, home / "mixed.parquet")
    assert got(access, "numbers.parquet").tolist() == [[1, 0.5], [2, 1.5], [3, 2.5]]
    assert got(access, "mixed.parquet", "a", (1, None)).tolist() == [2, 3]
    assert got(access, "mixed.parquet", "ok").tolist() == [True, False, True]


def test_broken_parquet(home: Path, access: Access, golden: Golden) -> None:
    pq.write_table(pa.table({"a": [1, 2, 3], "kind": ["x", "y", "z"]}), home / "text.parquet")
    pq.write_table(pa.table({"a": [1, 2], "ok": [True, False]}), home / "truth.parquet")
    pq.write_table(pa.table({}), home / "none.parquet")
    (home / "not.parquet").write_bytes(b"PAR1 and then nothing PAR1")
    names = ("text", "truth", "none", "not")
    requests = [asked(f"{name}.parquet") for name in names] + [asked("text.parquet", "b")]
    golden("broken_parquet.txt", refusals(access, requests))
    pq.write_table(pa.table({"a": [1, None]}), home / "holes.parquet")
    with pytest.raises(RunError, match=r"E0718.*column `a` of `holes.parquet` lacks 1 of its values"):
        got(access, "holes.parquet")
    pq.write_table(pa.table({"a": np.zeros(100_000)}), home / "zeros.parquet")
    with pytest.raises(RunError, match=r"E0708"):
        got(Access(str(home), limits=Limits(file=100_000)), "zeros.parquet")


def test_missing_libraries_are_named(
    home: Path, access: Access, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    Image.fromarray(PIXELS).save(home / "x.png")
    pq.write_table(pa.table({"a": [1]}), home / "x.parquet")
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    golden("missing_libraries.txt", refusals(access, [asked("x.png"), asked("x.parquet")]))


def test_unknown_kinds_of_files(access: Access, golden: Golden) -> None:
    names = ("x.pkl", "x.pt", "x.xlsx", "x.cvs", "x", "x.NPY.exe")
    golden("unknown_kinds.txt", refusals(access, [asked(name) for name in names]))
