"""Exports that cannot be: what is in the way is told and left alone; weights that do not fit are refused."""

from __future__ import annotations

import json
import os
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch

import tensorlang as tl
from tensorlang.data.files import Access

LAYER = (
    "input X[b,i]\ndim i = 3, o = 2\nparam W[o,i] ~ glorot(), B[o] ~ normal()\nY[b,o] = relu(W[o,i] X[b,i] + B[o])\n"
)
COMPLEX = "input X[b,i]\ndim i = 3, o = 2\nparam complex W[o,i] ~ glorot()\nY[b,o] = W[o,i] X[b,i]\n"


def refused(program: tl.Module, path: Path, **more: Any) -> str:
    """The message of the error that an export raises."""
    with pytest.raises(tl.RunError) as raised:
        program.export(path, **more)
    problem = raised.value.diagnostics[0]
    return f"{problem.code} {problem.message}".replace(str(path.parent), "HERE")


# --- where it shall lie --------------------------------------------------------------------------------------------


def test_targets_that_cannot_be(tmp_path: Path) -> None:
    program = tl.compile(LAYER)
    (tmp_path / "folder.pt").mkdir()
    assert refused(program, tmp_path / "folder.pt") == "E0745 `HERE/folder.pt` is there already"
    assert refused(program, tmp_path / "folder.pt", force=True) == "E0706 `folder.pt` is a folder, not a plain file"
    assert refused(program, tmp_path / "none" / "x.pt") == "E0709 there is no folder `HERE`"
    assert refused(program, tmp_path / "new\nline.pt").startswith("E0702 ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    assert refused(tl.compile(LAYER), tmp_path / "x.pt") == "E0710 the system refused `x.pt`: permission denied"


def test_an_export_does_not_replace_what_it_is_made_of(tmp_path: Path) -> None:
    source = tmp_path / "layer.py"
    source.write_text(LAYER)
    program = tl.compile(source)
    assert refused(program, source, force=True) == "E0748 `HERE/layer.py` is what the export is made of"
    assert source.read_text() == LAYER
    linked = tmp_path / "linked.pt"
    linked.symlink_to(source)
    assert refused(program, linked, force=True).startswith("E0748 ")


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tl.compile(LAYER)
    whole = Access.open_write

    def failing(self: Access, path: str, span: Any) -> Any:
        if path.endswith(".safetensors"):
            raise KeyboardInterrupt
        return whole(self, path, span)

    monkeypatch.setattr(Access, "open_write", failing)
    with pytest.raises(KeyboardInterrupt):
        program.export(tmp_path / "layer.py")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ['odd name {x} """ \'q\'', "a.b", "import", "é"])
def test_odd_names_of_files(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.tl").write_text(LAYER)
    program = tl.compile(tmp_path / f"{name}.tl")
    target = tmp_path / f"{name}.py"
    program.export(target)
    x = torch.randn(4, 3)
    assert torch.equal(runpy.run_path(str(target))["load"]()(x), program(X=x)["Y"])


# --- weights that the Python file reads ----------------------------------------------------------------------------


def damages(good: bytes) -> dict[str, tuple[bytes, str]]:
    """Files of weights, and what is said of them."""
    length = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + length])

    def changed(**entries: Any) -> bytes:
        text = json.dumps({name: entry for name, entry in (header | entries).items() if entry is not None}).encode()
        return len(text).to_bytes(8, "little") + text + good[8 + length :]

    weights = header["W"]
    broken, other = "is damaged: ", "is of another model: "
    return {
        "empty": (b"", broken + "it is not a whole .safetensors file"),
        "cut in the header": (good[:20], broken + "it is not a whole .safetensors file"),
        "no header": (b"\xff" * 100, broken + "it is not a whole .safetensors file"),
        "no JSON": ((5).to_bytes(8, "little") + b"hello", broken + "it is not a whole .safetensors file"),
        "cut in the numbers": (good[:-1], broken + "it ends before the last number of W"),
        "places": (changed(W=weights | {"data_offsets": [3, 5]}), broken + "its header is wrong about W"),
        "no places": (changed(W=weights | {"data_offsets": None}), broken + "its header is wrong about W"),
        "more": (changed(Q=weights), other + "this one has no Q"),
        "less": (changed(B=None), other + "it holds no B"),
        "type": (changed(W=weights | {"dtype": "F64"}), other + "W is F64 [2, 3] there, and F32 [2, 3] here"),
        "shape": (changed(W=weights | {"shape": [3, 2]}), other + "W is F32 [3, 2] there, and F32 [2, 3] here"),
    }


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    tl.compile(LAYER).export(tmp_path / "layer.py")
    weights = tmp_path / "layer.safetensors"
    load = runpy.run_path(str(tmp_path / "layer.py"))["load"]
    for case, (content, said) in damages(weights.read_bytes()).items():
        weights.write_bytes(content)
        with pytest.raises(ValueError, match="safetensors") as raised:
            load()
        assert str(raised.value) == f"{weights} {said}", case


# --- element types and devices -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["pt", "py"])
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_other_floats(dtype: str, ending: str, tmp_path: Path) -> None:
    program = tl.compile(LAYER, dtype=dtype)
    program(X=torch.ones(1, 3, dtype=program.W.dtype))["Y"].sum().backward()
    with torch.no_grad():
        program.W -= 0.1 * program.W.grad
    assert program.export(tmp_path / f"one.{ending}", check=True).dtype == dtype
    moved = tl.compile(LAYER).to(program.W.dtype)
    assert moved.export(tmp_path / f"two.{ending}", check=True).dtype == dtype


@pytest.mark.parametrize("ending", ["pt", "py"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_complex_weights_keep_both_parts(dtype: str, ending: str, tmp_path: Path) -> None:
    program = tl.compile(COMPLEX, dtype=dtype)
    path = tmp_path / f"wave.{ending}"
    program.export(path, check=True)
    loaded = torch.jit.load(path) if ending == "pt" else runpy.run_path(str(path))["load"]()
    (weights,) = loaded.parameters()
    assert torch.equal(weights, program.W)
    assert bool((weights.imag != 0).all())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_moving_to_other_floats_keeps_complex_weights_complex(dtype: torch.dtype, tmp_path: Path) -> None:
    program = tl.compile(COMPLEX)
    before = program.W.detach().clone()
    program.to(dtype)
    assert program.W.dtype == (torch.complex128 if dtype == torch.float64 else torch.complex64)
    assert torch.equal(program.W.to(torch.complex64), before)


def test_weights_without_numbers_are_refused(tmp_path: Path) -> None:
    assert refused(tl.compile(LAYER).to("meta"), tmp_path / "x.pt").startswith("E0743 `W` has no numbers")
