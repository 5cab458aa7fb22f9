"""Calls that do not fit: each error in the words of the program, as snapshots."""

from __future__ import annotations

import numpy
import pytest
import torch

import tensorlang as tl

PROGRAM = """\
dim v = 10
dim d = 4
input X[b,d], Z[b]
input Tok[b] in v
input flag: bool
param W[o,d], E[v,d]
dim o = 3
Y[b,o] = W[o,d] X[b,d] + Z[b]
G[b,d] = E[Tok[b], d]
output Y
"""
X, Z, TOK = torch.ones(2, 4), torch.ones(2), torch.tensor([1, 2])
WRONG = {
    "unknown": {"X": X, "Z": Z, "Y1": X},
    "misspelt": {"x": X, "Z": Z},
    "computed": {"X": X, "Z": Z, "Y": X},
    "learned": {"X": X, "Z": Z, "W": X},
    "missing": {"X": X},
    "two-missing": {},
    "rank": {"X": X[0], "Z": Z},
    "rank-more": {"X": X[None], "Z": Z},
    "size-of-dim": {"X": torch.ones(2, 5), "Z": Z},
    "size-between-inputs": {"X": X, "Z": torch.ones(3)},
    "too-precise": {"X": X.double(), "Z": Z},
    "complex": {"X": X + 0j, "Z": Z},
    "text": {"X": "one", "Z": Z},
    "ragged": {"X": [[1, 2], [3]], "Z": Z},
    "objects": {"X": numpy.array([object()]), "Z": Z},
    "device": {"X": torch.empty(2, 4, device="meta"), "Z": Z},
}


@pytest.fixture(scope="module")
def program():
    return tl.compile(PROGRAM)


def message(program, names, **given):
    with pytest.raises(tl.RunError) as caught:
        program.evaluate(names, **given)
    return str(caught.value) + "\n"


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call(program, golden, case):
    golden(f"call-{case}.txt", message(program, "Y", **WRONG[case]))


def test_positions_out_of_range(program, golden):
    text = message(program, "G", Tok=torch.tensor([1, 10])) + message(program, "G", Tok=torch.tensor([-1, 0]))
    text += message(program, "G", Tok=torch.tensor([1.5, 0.0]))
    golden("call-positions.txt", text)


def test_positions_are_checked_at_every_call(program):
    assert program.evaluate("G", Tok=TOK)["G"].shape == (2, 4)
    with pytest.raises(tl.RunError, match="E0607"):
        program.evaluate("G", Tok=TOK + 8)
    assert program.evaluate("G", Tok=TOK[:0])["G"].shape == (0, 4)


def test_narrow_integers_are_positions(program):
    expected = program.evaluate("G", Tok=TOK)["G"]
    for given in (TOK.int(), TOK.to(torch.uint8), TOK.numpy(), [1, 2]):
        assert torch.equal(program.evaluate("G", Tok=given)["G"], expected)


def test_too_many_by_place(golden):
    program = tl.compile("input X[i], Z[i]\nY = X[i] Z[i]")
    ones = torch.ones(2)
    with pytest.raises(tl.RunError) as many:
        program(ones, ones, ones)
    with pytest.raises(tl.RunError) as twice:
        program(ones, X=ones)
    golden("call-places.txt", f"{many.value}\n{twice.value}\n")


def test_an_unknown_tensor(program, golden):
    golden("call-no-tensor.txt", message(program, "Yy") + message(program, "nothing"))


def test_parameters_keep_the_size_of_the_first_call(golden):
    program = tl.compile("dim o = 3\ninput X[b,i]\nparam W[o,i]\nY[b,o] = W[o,i] X[b,i]")
    program(X=torch.ones(2, 4))
    golden("call-sized-before.txt", message(program, "Y", X=torch.ones(2, 5)))


def test_a_size_that_has_no_solution(golden):
    program = tl.compile("dim n\ndim m = 2*|n| + 1\ninput X[m]\nA[n] = n\nS = X[m]\noutput S")
    assert program(X=torch.ones(7))["S"].item() == 7
    golden("call-no-solution.txt", message(program, "S", X=torch.ones(6)))


def test_a_convolution_longer_than_its_input(golden):
    program = tl.compile("input X[i], F[dx]\nY[x] = F[dx] X[x+dx]")
    assert program(X=torch.ones(5), F=torch.ones(3))["Y"].tolist() == [3, 3, 3]
    golden("call-negative.txt", message(program, "Y", X=torch.ones(3), F=torch.ones(5)))


def test_a_size_that_nothing_tells(golden):
    program = tl.compile("dim t\nP[t] = t\nS = P[t]\noutput S")
    golden("call-unknown-size.txt", message(program, "S"))


def test_options_that_do_not_exist(golden):
    texts = []
    for options in ({"dtype": "float31"}, {"device": "quantum"}, {"dims": {"i": 0}}, {"values": {"k": 1}}):
        with pytest.raises(tl.CompileError) as caught:
            tl.compile("input X[i]\nY = X[i]", **options)
        texts.append(str(caught.value))
    golden("options.txt", "\n".join(texts) + "\n")


def test_a_program_that_cannot_be_read(tmp_path, golden, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.tl").write_bytes(b"# \xe9\n")
    (tmp_path / "long.tl").write_text("# " + "x" * 100)
    (tmp_path / "folder.tl").mkdir()
    texts = []
    for name in ("missing.tl", "lattin.tl", "latin.tl", "folder.tl", "long.tl"):
        with pytest.raises(tl.CompileError) as caught:
            tl.compile(name, limits=tl.Limits(source=50))
        texts.append(str(caught.value))
    golden("unreadable.txt", "\n".join(texts) + "\n")


def test_more_memory_than_allowed(golden):
    text = "input A[a], B[b], C[c]\nY[a,b,c] = exp(A[a] + B[b] + C[c])\nS = max[a,b,c](Y[a,b,c])\noutput Y, S"
    program = tl.compile(text, limits=tl.Limits(memory=1 << 20))
    small = torch.ones(10)
    assert program(A=small, B=small, C=small)["S"].item() == pytest.approx(20.0855, rel=1e-4)
    big = torch.ones(10_000)
    with pytest.raises(tl.RunError) as caught:
        program(A=big, B=big, C=big)
    golden("limit-memory.txt", f"{caught.value}\n")


def test_parameters_larger_than_memory(golden):
    limits = tl.Limits(memory=1 << 30)
    with pytest.raises(tl.RunError) as known:
        tl.compile("dim d = 1000000000\nparam W[d,d']\nY = W[d,d']", limits=limits)
    program = tl.compile("input X[i]\nparam W[i,j]\nY[j] = W[i,j] X[i]\ndim j = 10000", limits=limits)
    with pytest.raises(tl.RunError) as bound:
        program(X=torch.empty(100_000))
    assert program(X=torch.empty(2))["Y"].shape == (10_000,)
    golden("limit-parameters.txt", f"{known.value}\n{bound.value}\n")


def test_more_work_than_allowed(golden):
    program = tl.compile("input A[i,j], B[j,k]\nY[i,k] = A[i,j] B[j,k]", limits=tl.Limits(operations=1000))
    assert program(A=torch.ones(2, 3), B=torch.ones(3, 2))["Y"].shape == (2, 2)
    with pytest.raises(tl.RunError) as caught:
        program(A=torch.ones(50, 60), B=torch.ones(60, 70))
    golden("limit-operations.txt", f"{caught.value}\n")


def test_calls_leave_no_trace_of_the_slow_path():
    """The traceback of an error shows the error alone, not how it was looked for."""
    program = tl.compile("input X[i]\nY = X[i]")
    with pytest.raises(tl.RunError) as caught:
        program(X=torch.ones(2, 2))
    assert caught.value.__context__ is None
