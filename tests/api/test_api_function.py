"""``function`` and ``run``: programs as functions, and programs that act."""

from __future__ import annotations

import subprocess
import sys

import numpy
import pytest
import torch

import tensorlang as tl


def test_one_output_comes_bare():
    f = tl.function("input A[i,j]\ninput x[j]\noutput y\ny[i] = A[i,j] x[j]")
    a, x = torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([1.0, -1])
    assert f(a, x).tolist() == [-1, -1]
    assert f(x=x, A=a.numpy()).tolist() == [-1, -1]
    assert f(a, x=numpy.array([1, -1])).tolist() == [-1, -1]
    assert repr(f) == "<tensorlang function (A, x) -> y>"


def test_several_outputs_come_as_a_dict():
    f = tl.function("input x[i]\nS = x[i]\nM = max[i](x[i])")
    assert {name: value.item() for name, value in f(torch.tensor([1.0, 5.0])).items()} == {"S": 6, "M": 5}


def test_a_function_may_have_parameters():
    f = tl.function("dim i = 2\ninput x[i]\nparam W[i] ~ ones()\ny = W[i] x[i]", dtype="float64")
    assert f([1, 2]).item() == 3
    assert [name for name, _ in f.module.named_parameters()] == ["W"]


def test_run_gives_what_was_asked(tmp_path):
    (tmp_path / "p.tl").write_text("input X[i]\nS = X[i]\nT = 2 S\nS?\nT + 1?\n")
    assert {name: v.item() for name, v in tl.run(tmp_path / "p.tl", X=torch.ones(3)).items()} == {"S": 3, "T + 1": 7}
    assert tl.run("A = [1, 2]\nS = A[i]")["S"].item() == 3


def test_run_raises_where_an_assertion_fails(golden):
    with pytest.raises(tl.RunError) as caught:
        tl.run('A = [1, 5, 3]\nassert A[i] < 4\ntest "small": assert A[0] == 2\ntest "stops": save A to "a.npy"\n')
    golden("run-assertions.txt", f"{caught.value}\n")


def test_importing_is_light():
    names = "import tensorlang as tl; tl.compile; tl.function; tl.run; tl.Session; tl.CompileError"
    script = f"import sys; {names}; print(sorted({{'torch', 'numpy', 'sympy'}} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_unknown_public_name():
    with pytest.raises(AttributeError, match="no attribute 'compyle'"):
        tl.compyle  # noqa: B018
