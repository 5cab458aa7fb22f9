"""Memory budgets: what a gradient keeps is told before it is kept, and loops are cut into parts so that it fits."""

from __future__ import annotations

import warnings

import numpy
import pytest
import torch

import tensorlang as tl
from benchmarks.allocation import held
from tensorlang.diagnostics import CompileError, RunError
from tensorlang.keeping import LoopNeed, Need, OverBudget, over_budget, parts_within
from tensorlang.limits import Limits
from tensorlang.options import Options

RNN = "input X[b,t,i]\nparam W[i,i'] ~ orthogonal()\ndim i = 64\noutput Y\n"
RNN += "H[b,t,i] = sig(W[i,i'] H[b,t-1,i'] + X[b,t,i])\nY = H[b,-1,i]^2\n"
STATE = 16 * 64 * 4  # the bytes of one position


def called(text, budget, **inputs):
    """What a call holds with a budget, its loss and the gradients of its parameters, and what was warned of."""
    program = tl.compile(text, memory_budget=budget, seed=1)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        program(**inputs)
    total = held(lambda: program(**inputs)["Y"])
    result = program(**inputs)["Y"]
    result.backward()
    told = [str(one.message) for one in heard if isinstance(one.message, OverBudget)]
    return total, result.detach(), [p.grad for p in program.parameters()], told


def test_a_loop_is_cut_where_it_keeps_more_than_the_budget():
    x = torch.randn(1, 400, 1).expand(16, 400, 64)
    whole, value, slope, told = called(RNN, 0, X=x)
    assert whole > 400 * STATE
    assert told == []
    cut, cut_value, cut_slope, told = called(RNN, 100 * STATE, X=x)
    assert cut < 100 * STATE
    assert told == []
    assert torch.equal(value, cut_value)
    torch.testing.assert_close(slope, cut_slope)


def test_a_loop_within_the_budget_is_left_alone():
    x = torch.randn(16, 20, 64)
    assert called(RNN, 40 * STATE, X=x)[0] >= 20 * STATE


def test_each_length_is_cut_by_itself():
    program = tl.compile(RNN, memory_budget=60 * STATE)
    for length, cut in ((20, False), (400, True), (30, False)):
        x = torch.randn(1, length, 1).expand(16, length, 64)
        program(X=x)
        total = held(lambda x=x: program(X=x)["Y"])
        assert (total < length * STATE) == cut


def test_what_cannot_be_kept_within_it_is_told_with_both_numbers():
    x = torch.randn(1, 400, 1).expand(16, 400, 64)
    total, _, _, (told,) = called(RNN, 10 * STATE, X=x)
    assert told == (
        "warning[W0903]: the gradient of this program keeps about 164 KiB, more than the budget of 40 KiB\n"
        "  = help: its loops keep as little as they can\n"
        "  = help: smaller batches and fewer positions keep less"
    )
    assert total < 60 * STATE


def test_without_loops_the_budget_only_tells():
    text = "input X[b,i]\nparam V[k,i] ~ glorot()\ndim i = 64, k = 64\nA[b,k] = tanh(V[k,i] X[b,i])\nY = A[b,k]^2\n"
    _, _, _, (told,) = called(text + "output Y\n", 1000, X=torch.randn(100, 64))
    assert "keeps about 25 KiB, more than the budget of 1000 bytes" in told
    assert "only loops can keep less, and it has none" in told


def test_without_gradients_nothing_is_told_or_cut():
    program = tl.compile("input X[t]\nH[t] = tanh(H[t-1]) + X[t]\n", memory_budget=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program(X=torch.ones(50))
    assert "checkpoint" not in next(iter(program.state.mains[True].ready.values())).compute.__globals__


def test_the_estimate_is_what_is_held():
    for length, width in ((50, 8), (200, 32)):
        text = f"input X[b,t,i]\nparam W[i,i'] ~ glorot()\ndim i = {width}\noutput Y\n"
        text += (
            "Z[b,t,i] = sig(W[i,i'] H[b,t-1,i'])\nH[b,t,i] = tanh(Z[b,t,i] X[b,t,i]) + sin(Z[b,t,i])\nY = H[b,-1,i]^2\n"
        )
        x = torch.randn(4, length, width)
        total = called(text, 0, X=x)[0]
        assert called(text, int(total * 1.05), X=x)[0] == total
        assert called(text, int(total * 0.9), X=x)[0] < total / 2


def test_loops_that_gain_most_are_cut_first():
    long, short = LoopNeed("scan", 900, 100, 100), LoopNeed("scan_2", 100, 100, 100)
    need = Need((short, long), 5000)
    assert parts_within(need, 10**6) == {}
    assert parts_within(need, 30_000) == {"scan": 30}
    assert parts_within(need, 13_100) == {"scan": 30, "scan_2": 10}
    assert over_budget(need, {"scan": 30, "scan_2": 10}, 13_000) is None
    assert over_budget(need, {"scan": 30, "scan_2": 10}, 12_999) is not None


def test_the_parts_that_keep_least():
    for positions, each, state in ((1000, 100, 100), (1000, 800, 100), (7, 1, 1000), (1, 5, 5), (500, 3, 0)):
        loop = LoopNeed("scan", positions, each, state)
        least = min(loop.cut(every) for every in range(1, positions + 1))
        assert loop.cut(loop.best) <= 1.06 * least


@pytest.mark.parametrize("budget", [-1, 1.5, True, "2G"])
def test_a_budget_is_a_number_of_bytes(budget):
    with pytest.raises(CompileError) as failed:
        tl.compile("Y = 1", memory_budget=budget)
    assert [problem.code for problem in failed.value.diagnostics] == ["E0914"]


def test_training_keeps_to_it_and_learns_the_same():
    text = "X = [[1, 0, 2, 1, 3], [0, 1, 1, 2, 1]]\nparam W ~ const(0.3)\nparam V ~ const(0.1)\n"
    text += (
        "H[b,t] = tanh(W H[b,t-1] + V X[b,t])\nLoss = (H[b,-1] - 0.5)^2\nminimize Loss with adam(lr=0.1), steps=20\n"
    )
    found = [tl.run(f"{text}Loss?\n", Options(memory_budget=budget))["Loss"].item() for budget in (0, 100)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)


DEEP = """\
dim t = 400, i = 64, b = 16
param W[i,i'] ~ orthogonal()
H[b,t,i] = sig(W[i,i'] H[b,t-1,i'] + b + t)
Loss = H[b,-1,i]^2
minimize Loss with sgd(lr=0.01), steps=1
"""


def trained(text, limit, budget=0):
    """The problem of a training, or None."""
    try:
        tl.run(text, Options(limits=Limits(memory=limit), memory_budget=budget))
    except RunError as caught:
        (problem,) = caught.diagnostics
        return problem
    return None


def test_training_that_would_keep_too_much_is_refused_before_it_begins():
    assert trained(DEEP, 2 * 400 * STATE) is None
    problem = trained(DEEP, 200 * STATE)
    assert problem.code == "E0901"
    assert problem.message.startswith("this training needs about 1.6")
    assert any("--memory-budget" in tip for tip in problem.help)
    assert trained(DEEP, 200 * STATE, 100 * STATE) is None


def test_what_a_minibatch_keeps_is_that_of_its_rows(tmp_path):
    numpy.save(tmp_path / "x.npy", numpy.ones((10_000, 4), dtype=numpy.float32))
    text = 'data X[n,i] = load("x.npy")\nparam V[k,i] ~ glorot()\ndim k = 100\nB[n,k] = sin(V[k,i] X[n,i])\n'
    text += "A[n,k] = sin(cos(exp(sin(B[n,k]))))\n"
    text += "Loss = mean[n,k](A[n,k]^2)\nminimize Loss with sgd(lr=0.01), "
    (tmp_path / "all.tl").write_text(text + "steps=1\n")
    (tmp_path / "rows.tl").write_text(text + "batch=(n, 100), epochs=1\n")
    limit = 19_000_000  # a tensor takes 4 MB, and the gradient keeps five
    assert trained(tmp_path / "all.tl", limit).message.startswith("this training needs about 19.1 MiB")
    assert trained(tmp_path / "rows.tl", limit) is None


def test_a_training_within_its_limit_is_not_measured(monkeypatch):
    import tensorlang.keeping

    monkeypatch.setattr(tensorlang.keeping, "need_of", lambda *_: pytest.fail("measured"))
    assert trained(DEEP, 1 << 30) is None


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_recurrences_that_need_no_loop_become_loops_where_they_keep_too_much(name):
    text = f"import recurrent\ninput X[b,t,i]\noutput Y\nH = recurrent.{name}(X, h=32)\nY = H[b,-1,h]^2\n"
    x = torch.randn(8, 300, 32)
    whole, value, slopes, _ = called(text, 0, X=x)
    cut, cut_value, cut_slopes, _ = called(text, whole // 3, X=x)
    assert cut < whole / 2
    torch.testing.assert_close(value, cut_value, rtol=1e-5, atol=1e-5)
    for one, other in zip(slopes, cut_slopes, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
