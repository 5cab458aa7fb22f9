"""``compile``, ``inspect`` and ``latex`` as a user calls them."""

from __future__ import annotations

import pytest
from test_cli_process import HEAVY, imported

LAYER = "input X[b,i]\ndim i = 3, o = 2\nparam W[o,i] ~ glorot()\nY[b,o] = relu(W[o,i] X[b,i])\n"


@pytest.fixture
def layer(here):
    (here / "layer.tl").write_text(LAYER)
    return here


def test_compile_and_inspect(call, layer):
    said = call("compile", "layer.tl", "-o", "layer.pt", "--check")
    assert (said.code, said.err) == (0, "")
    assert said.out == "largest difference 0 at b=2; b=3; b=5\nwrote layer.pt\n"
    said = call("inspect", "layer.pt")
    assert said.code == 0
    assert "  X[b,i]  b x 3  float\noutputs\n  Y[b,o]  b x 2  float\n" in said.out
    document = call("inspect", "--json", "layer.pt").document
    assert document["signature"]["parameters"] == 6


def test_compile_to_python(call, layer):
    assert call("compile", "layer.tl", "-o", "layer.py").out == "wrote layer.py and layer.safetensors\n"
    assert call("inspect", "layer.py").out.startswith("from layer.tl, by tensorlang ")


def test_weights_of_another_program_are_refused(call, layer):
    (layer / "other.tl").write_text(LAYER.replace("o = 2", "o = 4") + 'save params to "other.safetensors"\n')
    (layer / "run.tl").write_text((layer / "other.tl").read_text() + "output W\n")
    assert call("run", "run.tl").code == 0
    said = call("compile", "layer.tl", "-o", "layer.pt", "--load", "other.safetensors")
    assert said.code == 1
    assert "error[E0723]" in said.err
    assert not (layer / "layer.pt").exists()


def test_damaged_weights_and_wrong_targets_leave_nothing(call, layer):
    (layer / "learn.tl").write_text(
        LAYER.replace("input X[b,i]\n", "").split("Y[")[0] + 'save params to "own.safetensors"\n'
    )
    assert call("run", "learn.tl").code == 0
    whole = (layer / "own.safetensors").read_bytes()
    for length in (0, 5, 20, len(whole) - 1):
        (layer / "cut.safetensors").write_bytes(whole[:length])
        assert "error[E0713]" in call("compile", "layer.tl", "-o", "x.pt", "--load", "cut.safetensors").err
    assert "error[E0709]" in call("compile", "layer.tl", "-o", "none/x.pt").err
    assert "error[E0741]" in call("compile", "layer.tl", "-o", "layer.tl", "--force").err
    said = call("compile", "layer.tl", "-o", "own.py", "--load", "own.safetensors", "--force")
    assert said.err == (
        "error[E0748]: `own.safetensors` is what the export is made of\n  = help: write it under another name\n"
    )
    assert (layer / "own.safetensors").read_bytes() == whole
    assert {path.suffix for path in layer.iterdir()} == {".tl", ".safetensors"}


def test_wrong_wishes(call, layer):
    assert "error[E1004]" in call("compile", "layer.tl").err
    assert "error[E0609]" in call("compile", "layer.tl", "-o", "x.pt", "--output", "Z").err
    assert "error[E0740]" in call("inspect", "layer.tl").err
    assert "error[E0709]" in call("inspect", "none.pt").err


def test_latex_as_written_and_explicit(call, layer):
    written = call("latex", "layer.tl").out
    assert written == (
        "\\begin{align*}\n  Y_{b,o} &= \\operatorname{relu}\\left(W_{o,i} \\, X_{b,i}\\right)\n\\end{align*}\n"
    )
    explicit = call("latex", "layer.tl", "Y", "--explicit").out
    assert "\\operatorname{relu}\\left(\\sum_{i} W_{o,i} \\, X_{b,i}\\right)" in explicit
    assert "error[E0609]" in call("latex", "layer.tl", "Q").err
    for words in (("X",), ("W",)):
        assert f"error[E0749]: no equation computes `{words[0]}`" in call("latex", "layer.tl", *words).err
    (layer / "none.tl").write_text("dim i = 3\n")
    assert "error[E0749]: the program has no equations to print" in call("latex", "none.tl").err
    assert "error[E0749]" in call("latex", "none.tl", "--explicit").err


def test_weights_that_are_not_finite_are_told(call, layer):
    (layer / "odd.tl").write_text(LAYER.replace("glorot()", "const(inf)"))
    said = call("compile", "odd.tl", "-o", "odd.pt")
    assert (said.code, said.out) == (0, "note: nan or infinite numbers in `W`\nwrote odd.pt\n")
    assert call("compile", "odd.tl", "-o", "odd.pt", "--force", "--json").document["not_finite"] == ["W"]


def test_files_that_are_no_whole_exports_are_told_apart(call, layer):
    call("compile", "layer.tl", "-o", "layer.pt")
    (layer / "cut.pt").write_bytes((layer / "layer.pt").read_bytes()[:800])
    assert "it is an archive that is damaged" in call("inspect", "cut.pt").err
    (layer / "cut.py").write_text("# signature: [1,\n")
    assert "its signature cannot be read" in call("inspect", "cut.py").err


def test_inspect_and_latex_are_light(call, layer):
    assert call("compile", "layer.tl", "-o", "layer.pt").code == 0
    assert not imported(["inspect", "layer.pt"], layer) & set(HEAVY)
    assert not imported(["latex", "layer.tl", "--explicit"], layer) & {"torch", "sympy", "quimb", "opt_einsum"}
