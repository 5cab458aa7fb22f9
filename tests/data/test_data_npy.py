"""npy and npz: what numpy writes of numbers is read, and what lies is refused before it costs anything."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filing import asked, got, refusals

from tensorlang.data import Access, probe
from tensorlang.diagnostics import RunError
from tensorlang.limits import Limits

Golden = Callable[[str, str], None]


def packed(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def headed(said: str, body: bytes = b"", version: int = 1) -> bytes:
    """An npy file with a header of our choice."""
    text = said.encode("latin-1") + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + length + text + body


def said(descr: str = "'<f8'", shape: str = "(2,)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


@pytest.mark.parametrize("kind", ["?", "i1", "u1", "<i2", ">i4", "<u8", "<f2", ">f4", "<f8", ">f8", "<c8", ">c16"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_kind_of_number_in_every_order(home: Path, access: Access, kind: str, order: str) -> None:
    array = np.asarray(np.arange(24).reshape(2, 3, 4) % 2 if kind == "?" else np.arange(24).reshape(2, 3, 4))
    array = np.array(array.astype(kind), order=order)  # type: ignore[call-overload]
    np.save(home / "x.npy", array)
    np.savez_compressed(home / "x.npz", X=array, Y=array[0])
    for path, key in (("x.npy", None), ("x.npz", "X")):
        assert np.array_equal(got(access, path, key), array)
        assert np.array_equal(got(access, path, key, (1, None)), array[1:])
        assert np.array_equal(got(access, path, key, (0, -1)), array[:-1])
    assert np.array_equal(got(access, "x.npz", "Y"), array[0])


def test_single_numbers_and_empty_axes(home: Path, access: Access) -> None:
    np.save(home / "one.npy", np.float32(2.5))
    np.save(home / "none.npy", np.zeros((0, 3)))
    np.savez(home / "one.npz", np.int8(-3))
    assert got(access, "one.npy") == 2.5
    assert got(access, "one.npz") == -3
    assert got(access, "none.npy").shape == (0, 3)
    assert got(access, "none.npy", rows=(0, 0)).shape == (0, 3)


def test_versions_two_and_three_of_the_header(home: Path, access: Access) -> None:
    body = np.array([1.0, 2.0]).tobytes()
    for version in (1, 2, 3):
        (home / "x.npy").write_bytes(headed(said(), body, version))
        assert got(access, "x.npy").tolist() == [1, 2]


def test_truth_values_are_true_or_false_whatever_their_bytes(home: Path, access: Access) -> None:
    (home / "x.npy").write_bytes(headed(said("'|b1'", "(3,)"), b"\x00\x02\xff"))
    assert got(access, "x.npy").tolist() == [False, True, True]


def test_elements_that_are_not_numbers(home: Path, access: Access, golden: Golden) -> None:
    arrays = {
        "objects": np.array([{}, None], dtype=object),
        "text": np.array(["a", "bc"]),
        "bytes": np.array([b"a", b"bc"]),
        "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
        "spans": np.array([1, 2], dtype="timedelta64[s]"),
        "records": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "wide": np.array([1, 2], dtype=np.longdouble),
    }
    for name, array in arrays.items():
        np.save(home / f"{name}.npy", array, allow_pickle=True)
    golden("not_numbers.txt", refusals(access, [asked(f"{name}.npy") for name in arrays]))
    np.save(home / "large.npy", np.array([2**63], dtype=np.uint64))
    with pytest.raises(RunError, match=r"E0717.*above 2\^63"):
        got(access, "large.npy")


BROKEN = {
    "empty": b"",
    "magic_only": b"\x93NUMPY",
    "text": b"1,2,3\n4,5,6\n",
    "version": b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16,
    "no_length": b"\x93NUMPY\x01\x00\x10",
    "long_header": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b" " * 64,
    "short_header": b"\x93NUMPY\x01\x00\xff\x00{",
    "not_a_header": headed("[1, 2"),
    "call": headed("__import__('os').system('true')"),
    "deep": headed("(" * 4000 + ")" * 4000),
    "signs": headed("-" * 9000 + "1"),
    "other_fields": headed("{'descr': '<f8', 'shape': (2,)}"),
    "order": headed(said(order="1"), bytes(16)),
    "negative": headed(said(shape="(-2,)"), bytes(16)),
    "not_whole": headed(said(shape="(2.0,)"), bytes(16)),
    "truth": headed(said(shape="(True, 2)"), bytes(16)),
    "many_axes": headed(said(shape=str((1,) * 65)), bytes(8)),
    "overflow": headed(said(shape="(4294967296, 4294967296)"), bytes(16)),
    "overflow_to_nothing": headed(said(shape=f"({2**62}, {2**62}, 0)")),
    "huge_number": headed(said(shape=f"({10**4000},)"), bytes(16)),
    "lying": headed(said(shape="(1000000000, 4)"), bytes(16)),
    "no_type": headed(said("5"), bytes(16)),
    "empty_type": headed(said("''"), bytes(16)),
    "cut": packed(np.arange(1000.0))[:-8],
    "longer": packed(np.arange(3.0)) + b"\0",
}


def test_broken_files(home: Path, access: Access, golden: Golden) -> None:
    for name, content in BROKEN.items():
        (home / f"{name}.npy").write_bytes(content)
    golden("broken_npy.txt", refusals(access, [asked(f"{name}.npy") for name in BROKEN]))


def archive(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method) as target:
        for name, content in members.items():
            target.writestr(name, content)


def bomb() -> bytes:
    """A well-formed npy file of 80 MB that packs a thousand to one."""
    return packed(np.zeros(10**7))


def test_broken_archives(home: Path, access: Access, golden: Golden) -> None:
    good = packed(np.arange(3.0))
    archive(home / "good.npz", {"X.npy": good, "Y.npy": good})
    whole = (home / "good.npz").read_bytes()
    (home / "not_zip.npz").write_bytes(b"not an archive")
    (home / "cut.npz").write_bytes(whole[:-10])
    flipped = bytearray(whole)
    flipped[60] ^= 0xFF
    (home / "flipped.npz").write_bytes(flipped)
    archive(home / "none.npz", {})
    archive(home / "inner.npz", {"X.npy": good[:20]})
    archive(home / "lying.npz", {"X.npy": headed(said(shape="(1000000000, 8)"), bytes(64))})
    archive(home / "objects.npz", {"X.npy": packed(np.array([{}], dtype=object))})
    archive(home / "other.npz", {"X.npy": good}, zipfile.ZIP_LZMA)
    archive(home / "bomb.npz", {"X.npy": bomb()})
    archive(home / "twice.npz", {"X.npy": good, "Y.npy": packed(np.arange(4.0))})
    (home / "twice.npz").write_bytes((home / "twice.npz").read_bytes().replace(b"Y.npy", b"X.npy"))
    requests = [asked("good.npz"), asked("good.npz", "Z"), asked("good.npz", "x"), asked("good.npz", "../X")]
    names = ("not_zip", "cut", "flipped", "none", "inner", "lying", "objects", "other", "bomb", "twice")
    golden("broken_npz.txt", refusals(access, requests + [asked(f"{name}.npz", "X") for name in names]))


def test_an_encrypted_archive(home: Path, access: Access) -> None:
    archive(home / "x.npz", {"X.npy": packed(np.arange(3.0))})
    raw = bytearray((home / "x.npz").read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + at] |= 1
    (home / "x.npz").write_bytes(raw)
    with pytest.raises(RunError, match=r"E0713.*encrypted"):
        got(access, "x.npz")


def test_an_archive_is_believed_when_the_caller_says_so(home: Path) -> None:
    archive(home / "bomb.npz", {"X.npy": bomb()})
    trusting = Access(str(home), limits=Limits(expansion=2000))
    assert probe(trusting, asked("bomb.npz")).shape == (10**7,)
    small = Access(str(home), limits=Limits(expansion=2000, file=10**6))
    with pytest.raises(RunError, match=r"E0708"):
        got(small, "bomb.npz")


def test_a_bomb_costs_nothing(home: Path, access: Access) -> None:
    archive(home / "bomb.npz", {"X.npy": bomb()})
    tracemalloc.start()
    with pytest.raises(RunError, match=r"E0714"):
        got(access, "bomb.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_an_archive_with_an_endless_directory(home: Path, access: Access) -> None:
    """Its directory is longer than any archive of arrays needs, and is not read into memory."""
    with zipfile.ZipFile(home / "x.npz", "w") as target:
        for number in range(20_000):
            target.writestr(f"{number:0100d}.npy", b"")
    with pytest.raises(RunError, match=r"E0713.*not an archive of npy files"):
        got(access, "x.npz", "X")


def test_a_small_archive_of_zeros_is_harmless(home: Path, access: Access) -> None:
    np.savez_compressed(home / "zeros.npz", X=np.zeros((1000, 1000)))
    assert got(access, "zeros.npz").sum() == 0


def test_rows_must_be_there(home: Path, access: Access, golden: Golden) -> None:
    np.save(home / "x.npy", np.arange(12.0).reshape(4, 3))
    np.save(home / "one.npy", np.float32(1))
    ranges = [(0, 5), (3, 2), (-5, None), (7, None), (None, -5)]
    requests = [asked("x.npy", None, rows) for rows in ranges]
    golden("rows.txt", refusals(access, [*requests, asked("one.npy", None, (0, 1)), asked("x.npy", "X")]))
    assert got(access, "x.npy", rows=(1, 3)).tolist() == [[3, 4, 5], [6, 7, 8]]
    assert got(access, "x.npy", rows=(-1, None)).tolist() == [[9, 10, 11]]
    assert got(access, "x.npy", rows=(2, 2)).shape == (0, 3)


def test_rows_of_a_large_file_do_not_read_it_all(home: Path, access: Access) -> None:
    np.save(home / "x.npy", np.zeros((1000, 10_000)))
    tracemalloc.start()
    assert got(access, "x.npy", rows=(500, 510)).shape == (10, 10_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
