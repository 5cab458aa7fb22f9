"""``check``: mistakes of several files, stdin, folders, JSON, and the few modules that it takes."""

from __future__ import annotations

import pytest
from test_cli_process import HEAVY, imported

GOOD = "input X[b,i]\nparam W[o,i] ~ glorot()\ndim o = 3\nY[b,o] = W[o,i] X[b,i]\n"
WRONG = "input X[b,i]\nY[b] = X[b,i] Z[i]\nQ[b,k] = X[b,i]\n"


@pytest.fixture
def programs(here):
    (here / "good.tl").write_text(GOOD)
    (here / "sub").mkdir()
    (here / "sub" / "wrong.tl").write_text(WRONG)
    (here / ".hidden").mkdir()
    (here / ".hidden" / "wrong.tl").write_text(WRONG)
    return here


def test_a_good_program(call, programs):
    said = call("check", "good.tl")
    assert (said.code, said.out, said.err) == (0, "1 program, no mistakes\n", "")
    assert call("check", "--quiet", "good.tl").out == ""


def test_a_wrong_program(call, programs, golden):
    said = call("check", "sub/wrong.tl")
    assert (said.code, said.out) == (1, "")
    golden("check-wrong.txt", said.err)


def test_a_folder(call, programs):
    said = call("check", ".")
    assert said.code == 1
    assert said.out.startswith("2 programs, ")
    assert "./sub/wrong.tl:" in said.err
    assert "good.tl" not in said.err


def test_a_missing_file_among_others(call, programs):
    said = call("check", "good.tl", "gode.tl", "sub/wrong.tl")
    assert said.code == 2
    assert "error[E0619]" in said.err
    assert "did you mean `good.tl`?" in said.err
    assert "sub/wrong.tl:" in said.err


def test_stdin(call, here):
    assert call("check", "-", stdin=GOOD).code == 0
    said = call("check", "-", stdin=WRONG)
    assert said.code == 1
    assert "--> <stdin>:" in said.err


def test_json(call, programs):
    document = call("check", "--json", ".").document
    assert (document["ok"], document["exit_code"]) == (False, 1)
    good, wrong = document["files"]
    assert good == {"file": "./good.tl", "ok": True, "problems": []}
    assert wrong["file"] == "./sub/wrong.tl"
    assert document["problems"] == wrong["problems"]
    first = wrong["problems"][0]
    assert set(first) == {"code", "severity", "message", "labels", "notes", "help"}
    assert first["labels"][0]["file"] == "./sub/wrong.tl"
    assert call("check", "--json", "good.tl").document["ok"] is True


def test_colour(call, programs, monkeypatch):
    assert "\033" not in call("check", "sub/wrong.tl").err
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\033[1;31merror[E" in call("check", "sub/wrong.tl").err


def test_a_limit(call, programs):
    said = call("check", "good.tl", "--limit-source", "10")
    assert said.code == 2
    assert "--limit-source" in said.err


@pytest.mark.parametrize("command", ["check", "fmt"])
def test_fifty_lines_take_no_heavy_module(command, here):
    lines = ["dim i = 4, o = 4", "input X[b,i]", "H0[b,o] = X[b,o]"]
    lines += [f"param W{n}[o,i] ~ glorot()" for n in range(24)]
    lines += [f"H{n + 1}[b,o] = relu(W{n}[o,i] H{n}[b,i])   where b >= 0" for n in range(24)]
    (here / "fifty.tl").write_text("\n".join(lines) + "\n")
    loaded = imported([command, "fifty.tl"], here)
    assert "tensorlang.syntax.parse" in loaded
    assert not loaded & set(HEAVY)


def test_a_wrong_program_takes_no_heavy_module_even_to_run(here):
    (here / "wrong.tl").write_text(WRONG)
    assert not imported(["run", "wrong.tl"], here) & {"torch", "sympy", "quimb"}
