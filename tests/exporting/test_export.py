"""Exports compute what the program computes, at sizes of their own, without tensorlang; bad wishes are told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from fetched import missing

import tensorlang as tl
from tensorlang.signature import Signature, read_signature

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = sorted((ROOT / "examples").rglob("*.tl"))
LAYER = (
    "input X[b,i]\ndim i = 3, o = 2\nparam W[o,i] ~ glorot(), B[o] ~ normal()\nY[b,o] = relu(W[o,i] X[b,i] + B[o])\n"
)


def signed(path: Path) -> Signature:
    with path.open("rb") as stream:
        return read_signature(stream, path.name)


@pytest.mark.parametrize("ending", ["pt", "py"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_every_example_exports(path: Path, ending: str, tmp_path: Path) -> None:
    if missing(path) is not None:
        pytest.skip(missing(path))
    program = tl.compile(path)
    if not program.outputs:
        pytest.skip("no outputs")
    written = program.export(tmp_path / f"model.{ending}", check=True)
    assert signed(tmp_path / f"model.{ending}") == written
    assert [tensor.name for tensor in written.outputs] == list(program.outputs)


def test_torchscript_runs_at_any_size(tmp_path: Path) -> None:
    program = tl.compile(LAYER)
    program.export(tmp_path / "layer.pt")
    loaded = torch.jit.load(tmp_path / "layer.pt")
    for rows in (1, 2, 17):
        x = torch.randn(rows, 3)
        assert torch.equal(loaded(x), program(X=x)["Y"])


def test_a_python_file_needs_torch_alone(tmp_path: Path) -> None:
    program = tl.compile("import recurrent\ninput X[b,t,i]\ndim i = 4\nH = recurrent.GRU(X, h=5)\n")
    program.export(tmp_path / "layer.py")
    x = torch.randn(2, 7, 4)
    torch.save({"x": x}, tmp_path / "x.pt")
    script = (
        "import sys, torch\nsys.modules['tensorlang'] = None\nsys.modules['numpy'] = None\n"
        "from layer import load\nmodel = load()\nx = torch.load('x.pt')['x']\n"
        "print(model(x).double().abs().sum().item(), len(list(model.parameters())))"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    total, parameters = ran.stdout.split()
    assert float(total) == pytest.approx(program(X=x)["H"].double().abs().sum().item(), rel=1e-6)
    assert int(parameters) == 4


def test_a_python_file_keeps_the_equations(tmp_path: Path) -> None:
    tl.compile(LAYER).export(tmp_path / "layer.py")
    text = (tmp_path / "layer.py").read_text()
    assert "Y[b,o] = relu(W[o,i] X[b,i] + B[o])" in text
    compile(text, "layer.py", "exec")


def test_data_may_be_given_instead(tmp_path: Path) -> None:
    path = ROOT / "examples" / "digits.tl"
    program = tl.compile(path)
    written = program.export(tmp_path / "digits.pt", ["Guess"], ["TestImage"], check=True)
    assert [str(tensor) for tensor in written.inputs] == ["TestImage[m,p]  m x 64  int"]
    images = torch.randint(0, 17, (5, 64))
    guess = torch.jit.load(tmp_path / "digits.pt")(images)
    assert guess.shape == (5,)
    table = program.table(("Guess",), frozenset(program.program.sizes))
    assert torch.equal(guess, program.call(table, {"TestImage": images})["Guess"])


def test_sizes_that_no_tensor_tells_are_arguments(tmp_path: Path) -> None:
    program = tl.compile("dim n, i = 2\nY[i,n] = n + i\n")
    written = program.export(tmp_path / "count.pt")
    assert written.numbers == ("n",)
    assert torch.jit.load(tmp_path / "count.pt")(4).tolist() == [[0, 1, 2, 3], [1, 2, 3, 4]]


def test_a_relation_without_facts_is_an_input(tmp_path: Path) -> None:
    program = tl.compile("relation Edge(n,n)\ninput X[n]\nY[n] = sum[n'](X[n'] where Edge(n,n'))\n")
    written = program.export(tmp_path / "graph.pt", check=True)
    assert {tensor.name for tensor in written.inputs} == {"Edge", "X"}


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        (LAYER, "layer.onnx", "E0741"),
        (LAYER, "layer", "E0741"),
        ("param W[i]\ndim i = 3\n", "none.pt", "E0742"),
        ("input X[b,i]\nparam W[o,i]\ndim o = 2\nY[b,o] = W[o,i] X[b,i]\n", "late.pt", "E0743"),
    ],
)
def test_what_cannot_be_exported_is_told(text: str, path: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(tl.RunError) as raised:
        tl.compile(text).export(tmp_path / path)
    assert raised.value.diagnostics[0].code == code
    assert not list(tmp_path.iterdir())


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    program = tl.compile(LAYER)
    (tmp_path / "layer.safetensors").write_text("mine")
    with pytest.raises(tl.RunError) as raised:
        program.export(tmp_path / "layer.py")
    assert raised.value.diagnostics[0].code == "E0745"
    assert (tmp_path / "layer.safetensors").read_text() == "mine"
    assert not (tmp_path / "layer.py").exists()
    program.export(tmp_path / "layer.py", force=True)
    assert (tmp_path / "layer.py").exists()


def test_only_data_can_be_given(tmp_path: Path) -> None:
    with pytest.raises(tl.RunError) as raised:
        tl.compile(LAYER).export(tmp_path / "layer.pt", given=["W"])
    assert raised.value.diagnostics[0].code == "E0747"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x03\x04" + b"\0" * 100, b"\xff\xfe", b"# signature: {}"])
def test_other_files_are_not_inspected(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(tl.RunError) as raised:
        signed(tmp_path / "x.pt")
    assert raised.value.diagnostics[0].code == "E0740"


def test_a_truncated_archive_is_not_inspected(tmp_path: Path) -> None:
    tl.compile(LAYER).export(tmp_path / "layer.pt")
    content = (tmp_path / "layer.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(tl.RunError):
        signed(tmp_path / "cut.pt")


def test_a_signature_survives_json() -> None:
    program = tl.compile("dim v = 10, b\ninput Tok[b] in v\nparam E[v]\nY[b] = E[Tok[b]]\n")
    module = program
    tensors = module.inputs["Tok"]
    assert str(tensors) == "Tok[b]  b  int in 0 .. 10-1"
    assert json.loads(json.dumps(tensors.sizes)) == ["b"]
