"""Virtual indices: the last position as the tensor itself, in the memory of a few positions, with the same values."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
import torch
from properties.recurrences import recurrence

import tensorlang as tl
from benchmarks.allocation import peak
from tensorlang.backends.reference import evaluate
from tensorlang.diagnostics import CompileError
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

STREAM = "input X[t,i], W[i,j]\nH[i,*t+1] = tanh(W[i,j] H[j,*t] + X[t,i])\n"
X, W = torch.linspace(-1, 1, 15, dtype=torch.float64).reshape(5, 3), torch.eye(3, dtype=torch.float64) + 0.25


def returned(text, **inputs):
    return tl.compile(text, dtype="float64")(**inputs)


def whole():
    return returned(STREAM.replace("*", ""), X=X, W=W)["H"]


def codes(text):
    with pytest.raises(CompileError) as failed:
        tl.compile(text)
    return [problem.code for problem in failed.value.diagnostics]


def test_what_is_returned_is_the_last_position():
    torch.testing.assert_close(returned(STREAM, X=X, W=W)["H"], whole()[:, -1])


READERS = {
    "as a position": "Y[i] = 2 H[i,-1]",
    "by its star": "Y[i] = 2 H[i,*t]",
    "with an index of that name for another axis": "Y[t] = 2 H[t,-1]",
}


@pytest.mark.parametrize("name", READERS)
def test_others_read_the_last_position(name):
    torch.testing.assert_close(returned(f"{STREAM}{READERS[name]}\n", X=X, W=W)["Y"], 2 * whole()[:, -1])


def test_it_is_described_without_the_axis():
    program = tl.compile(STREAM)
    assert program.outputs["H"].axes == ("i",)
    assert program.describe("H").axes == ("i",)


def test_queries_print_the_last_position(tmp_path):
    text = 'X = [1, 2, 4]\nH[*t] = 0.5 H[*t-1] + X[t]\nG[i,*t] = (i + 1) H[*t]\ndim i = 2\nsave G to "g.npy"\n'
    session = tl.Session(folder=str(tmp_path))
    shown = {value.title: value.data.tolist() for value in session.run(f"{text}H?\nH[-1]?\nG?\nG[1,*t]?\n")}
    assert shown["H[-1]"] == 5.25
    assert shown["G[1,*t]"] == 10.5
    assert (session["H"].tolist(), session["G"].tolist()) == (5.25, [5.25, 10.5])
    assert np.load(tmp_path / "g.npy").tolist() == [5.25, 10.5]


@pytest.mark.parametrize("read", ["H[0,*t]", "H[0,t]"])
def test_a_stream_may_go_along_another(read):
    text = f"{STREAM}S[*t] = 0.5 S[*t-1] + {read}\nT[*t] = S[*t]^2\noutput T\n"
    wanted = 0.0
    for value in whole()[0]:
        wanted = 0.5 * wanted + value.item()
    assert returned(text, X=X, W=W)["T"].item() == pytest.approx(wanted**2)


def test_a_module_may_keep_one_position():
    text = "def Last(X[t,i]) -> Y[i]:\n    H[*t,i] = tanh(H[*t-1,i] + X[t,i])\n    Y[i] = H[*t,i]\n"
    text += "input X[t,i]\nZ = Last(X)\n"
    state = torch.zeros(3, dtype=torch.float64)
    for row in X:
        state = torch.tanh(state + row)
    torch.testing.assert_close(returned(text, X=X)["Z"], state)


def test_without_a_recurrence_it_is_the_last_position_too():
    torch.testing.assert_close(returned("input X[t,i]\nY[*t,i] = 2 X[t,i]\n", X=X)["Y"], 2 * X[-1])


def test_two_axes_may_be_virtual():
    text = "input X[t,u]\nH[*t,*u] = t + 10 u + X[t,u]\n"
    assert returned(text, X=torch.zeros(3, 2))["H"].item() == 12


def test_backwards_the_last_position_is_where_it_starts():
    text = "input X[t]\nH[*t] = 0.5 H[*t+1] + X[t]\n"
    assert returned(text, X=torch.tensor([1.0, 2, 4]))["H"].item() == 4


def test_gradients_flow_through_all_positions():
    program = tl.compile(STREAM, dtype="float64")
    assert torch.autograd.gradcheck(
        lambda x, w: program(X=x, W=w)["H"], [X.clone().requires_grad_(), W.requires_grad_()]
    )


def test_no_other_position_is_stored():
    program = check(Source("test.tl", STREAM + "Y[i] = 2 H[i,*t]\n"), Options()).program
    for wanted in (("H",), ("Y",), ("H", "Y")):
        (plan,) = planned(program, wanted).loops
        assert plan.loop.stored == ()


def test_memory_does_not_grow_with_the_length():
    program = tl.compile("input W[i,j], Z[t]\nH[i,*t+1] = tanh(W[i,j] H[j,*t] + Z[t])\n")
    w = torch.randn(128, 128) / 16
    with torch.no_grad():
        program(W=w, Z=torch.zeros(4))
        found = [peak(lambda n=n: program(W=w, Z=torch.zeros(n))) - 4 * n for n in (40, 400)]
    assert found[0] == found[1]
    assert found[0] < 16 * 4 * 128


@pytest.mark.parametrize("seed", range(40))
def test_stars_change_no_value(seed):
    source = random.Random(seed)
    generated = recurrence(source)
    lines = [line for line in generated.text.splitlines() if not line.startswith(("Y[", "output"))]
    names = sorted({line[0] for line in lines if line[0] in "ABC"})
    plain = "\n".join([*lines, f"output {', '.join(names)}", ""])
    starred = [_starred(line, names, source) for line in lines]
    given = "\n".join([*starred, f"output {', '.join(names)}", ""])
    wanted, found = (_evaluated(text, generated.arrays) for text in (plain, given))
    run = returned(given, **{name: torch.tensor(array) for name, array in generated.arrays.items()})
    for name in names:
        turned = any(line.startswith((f"{name}[i,t]", f"{name}[i,0]", f"{name}[i,-1]")) for line in lines)
        last = wanted[name][:, -1] if turned else wanted[name][-1]
        np.testing.assert_array_equal(found[name], last, err_msg=given)
        np.testing.assert_allclose(run[name].numpy(), last, rtol=1e-9, atol=1e-12, err_msg=given)


def _starred(line, names, source):
    """Stars on the left sides that go through all positions, and on some of the reads."""
    left, equals, right = line.partition("=")
    left = re.sub(r"^([ABC]\[(?:i,)?)t\b", r"\1*t", left)
    pieces = re.split(r"((?<![A-Z])[ABC]\[[^\]]*\])", right)
    right = "".join(
        re.sub(r"\bt\b", "*t", p, count=1) if p[:1] in names and source.random() < 0.5 else p for p in pieces
    )
    return left + equals + right


def _evaluated(text, arrays):
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    program = checked.program
    pairs = [(s, n) for name, a in arrays.items() for s, n in zip(program.tensors[name].shape, a.shape, strict=True)]
    return evaluate(program, arrays, {size.symbol: number for size, number in pairs if size.symbol is not None})


FAULTY = {
    "all positions": ("Y[i,t] = 2 H[i,t]", ["E0542"]),
    "a sum over them": ("Y[i] = H[i,t]", ["E0542"]),
    "another position": ("Y[i] = H[i,-2]", ["E0542"]),
    "the first": ("Y[i] = H[i,0]", ["E0542"]),
    "before the last": ("Y[i] = H[i,*t-1]", ["E0542"]),
    "along an index without a star": ("Y[i,t] = H[i,*t]", ["E0542"]),
    "with that index elsewhere": ("Y[i] = H[i,*t] X[t,i]", ["E0542"]),
    "as a whole": ("Y = H", ["E0542"]),
    "in a guard": ("Y[i,t] = 1 where H[i,t] > 0", ["E0542"]),
    "in a query": ("H[0,t]?", ["E0542"]),
    "of an input": ("Y[t] = X[*t,0]", ["E0543"]),
    "of another axis": ("Y[i] = H[*i,-1]", ["E0543"]),
    "as a value": ("Y[t] = (*t) X[t,0]", ["E0543"]),
}


@pytest.mark.parametrize("name", FAULTY)
def test_reads_of_what_is_not_there(name):
    text, wanted = FAULTY[name]
    assert codes(f"{STREAM}{text}\n") == wanted
