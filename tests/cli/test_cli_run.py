"""``run``, ``test``, ``explain`` and ``new``, from files to answers."""

from __future__ import annotations

import os

import numpy
import pytest

SCORE = "input X[b,i]\nconst scale = 2\nparam W[i] ~ ones()\nY[b] = scale W[i] X[b,i]\n"
FIT = """\
data X[n,i] = load("x.csv")
data T[n] = load("t.csv")
param W[i] ~ zeros()
Y[n] = W[i] X[n,i]
Loss = mean[n]((Y[n] - T[n])^2)
minimize Loss with adam(lr=0.1), epochs=300
Loss?
W?
save W to "w.npy"
assert Loss < 1e-3
"""
TESTS = """\
A = [[1, 2], [3, 4]]
Row[i] = A[i,j]
assert Row[i] > 0
test "rows": assert Row[0] == 3
test "columns":
    assert sum[i](A[i,0]) == 4
    assert sum[i](A[i,1]) == 6
"""


@pytest.fixture
def score(here):
    (here / "score.tl").write_text(SCORE)
    numpy.save(here / "x.npy", numpy.arange(6.0).reshape(2, 3))
    return here


@pytest.fixture
def fit(here):
    (here / "fit.tl").write_text(FIT)
    (here / "x.csv").write_text("1,0\n0,1\n1,1\n2,1\n")
    (here / "t.csv").write_text("2\n-1\n1\n3\n")
    return here


def test_outputs_of_a_program_without_queries(call, score):
    said = call("run", "score.tl", "--input", "X=x.npy")
    assert (said.code, said.err) == (0, "")
    assert said.out == "Y[b]  2\n  b     0     1\n      6.0  24.0\n"


def test_numbers_from_outside(call, score):
    said = call("run", "score.tl", "--input", "X=x.npy", "--set", "scale=10", "--dtype", "float64", "--quiet")
    assert said.out == "Y[b]  2\n  b      0      1\n      30.0  120.0\n"


def test_a_missing_input(call, score):
    said = call("run", "score.tl")
    assert (said.code, said.out) == (1, "")
    assert "error[E0602]" in said.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--input", "Z=x.npy"], "E0601"),
        (["--input", "X=y.npy"], "E0709"),
        (["--set", "nothing=2"], "E0616"),
        (["--dim", "nothing=2"], "E0310"),
        (["--device", "abacus"], "E0615"),
        (["--load", "none.safetensors"], "E0709"),
    ],
)
def test_what_does_not_fit(words, code, call, score):
    said = call("run", "score.tl", *words)
    assert said.code in (1, 2)
    assert f"error[{code}]" in said.err


def test_json(call, score):
    document = call("run", "score.tl", "--input", "X=x.npy", "--json").document
    assert document["ok"] is True
    answer = document["answers"][0]
    assert (answer["name"], answer["axes"], answer["shape"]) == ("Y", ["b"], [2])
    assert answer["data"] == [6.0, 24.0]


def test_training(call, fit):
    said = call("run", "fit.tl")
    assert said.code == 0, said.err
    assert said.out.startswith("Loss = ")
    assert "W[i]  2" in said.out
    assert "step 300/300" in said.err
    assert numpy.load(fit / "w.npy") == pytest.approx([2, -1], abs=0.05)


def test_fewer_epochs_and_a_failed_assertion(call, fit):
    said = call("run", "fit.tl", "--epochs", "1")
    assert said.code == 1
    assert "assertion failed: Loss < 1e-3" in said.err
    assert "step 1/1" in said.err
    document = call("run", "fit.tl", "--epochs", "1", "--json").document
    assert (document["ok"], document["exit_code"]) == (False, 1)
    assert document["failures"][0]["title"] == "Loss < 1e-3"
    assert document["training"]["Loss"]["step"] == 1


def test_quiet(call, fit):
    assert call("run", "fit.tl", "--quiet").err == ""


def test_going_on_from_a_checkpoint(call, fit):
    assert call("run", "fit.tl", "--epochs", "2", "--checkpoint", "state.safetensors").code == 1
    assert (fit / "state.safetensors").exists()
    said = call("run", "fit.tl", "--checkpoint", "state.safetensors", "--resume", "state.safetensors")
    assert said.code == 0, said.err
    assert call("run", "fit.tl", "--resume", "missing.safetensors").code in (1, 2)


def test_a_program_from_stdin(call, here):
    assert call("run", "-", stdin="Y = 2 + 3\n").out == "Y = 5\n"


def test_tests_pass(call, here):
    (here / "x.tl").write_text(TESTS)
    said = call("test", ".")
    assert said.code == 0, said.err
    assert said.out.splitlines() == [
        "passed  Row[i] > 0",
        "passed  rows",
        "passed  columns",
        "3 passed in 1 program",
    ]
    assert call("test", "--quiet", "x.tl").out == "3 passed in 1 program\n"


def test_tests_fail(call, here, golden):
    (here / "x.tl").write_text(TESTS)
    (here / "y.tl").write_text('a = 2\ntest "wrong": assert a == 3\n')
    (here / "z.tl").write_text("a = (2\n")
    said = call("test", "x.tl", "y.tl", "z.tl")
    assert said.code == 1
    golden("test-failing.txt", said.out)
    assert "error[E01" in said.err
    document = call("test", "x.tl", "y.tl", "z.tl", "--json").document
    assert document["summary"] == {"passed": 3, "failed": 1, "files": 2, "broken": 1}
    assert [test["passed"] for test in document["tests"]] == [True, True, True, False]


def test_no_tests(call, here):
    (here / "x.tl").write_text("a = 2\n")
    said = call("test", "x.tl")
    assert said.code == 2
    assert "error[E1009]" in said.err


def test_explain(call, score, golden):
    said = call("explain", "score.tl")
    assert (said.code, said.err) == (0, "")
    golden("explain-score.txt", said.out)
    assert "Y" in call("explain", "score.tl", "Y").out
    document = call("explain", "score.tl", "--json").document
    assert document["text"].strip() == said.out.strip()


def test_explain_every_stage(call, score):
    from tensorlang.driver import stages

    for stage in stages():
        said = call("explain", "score.tl", "--stage", stage)
        assert (said.code, said.err) == (0, ""), stage
        assert said.out.strip()


def test_explain_what_is_not_there(call, score):
    said = call("explain", "score.tl", "--stage", "sauce")
    assert said.code == 2
    assert "error[E0618]" in said.err
    assert "source" in said.err
    assert "error[E0609]" in call("explain", "score.tl", "Yy").err


def test_a_new_project_is_right(call, here):
    said = call("new", "moons")
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "made moons with README.md, data/clouds.csv, data/points.csv, main.tl\nrun it: tensorlang run moons/main.tl\n"
    )
    assert call("check", "moons").code == 0
    assert call("fmt", "--check", "moons").code == 0
    ran = call("run", "moons/main.tl")
    assert ran.code == 0, ran.err
    accuracy = next(line for line in ran.out.splitlines() if line.startswith("Accuracy = "))
    assert float(accuracy.split()[-1]) > 0.95
    assert call("test", "moons").code == 0


def test_a_new_project_never_overwrites(call, here):
    (here / "there").mkdir()
    (here / "file").write_text("mine")
    (here / "loose").symlink_to("nowhere")
    for name in ("there", "file", "loose"):
        said = call("new", name)
        assert said.code == 2
        assert f"error[E1006]: `{name}` is there already" in said.err
    assert (here / "file").read_text() == "mine"
    assert not any((here / "there").iterdir())
    assert "error[E1007]" in call("new", "file/inside").err
    before = sorted(os.listdir())
    assert "error[E1004]" in call("new", "").err
    assert sorted(os.listdir()) == before


LONG = """\
dim t = 500, i = 8
param W[i,i'] ~ glorot()
H[t,i] = sig(W[i,i'] H[t-1,i'] + i)
Loss = H[-1,i]^2
minimize Loss with adam(lr=0.01), steps=2
Loss?
"""


def test_a_memory_budget_changes_no_answer(call, here):
    (here / "long.tl").write_text(LONG)
    plain = call("run", "long.tl", "--quiet")
    cut = call("run", "long.tl", "--quiet", "--memory-budget", "8K")
    assert (plain.code, plain.err) == (cut.code, cut.err) == (0, "")
    assert plain.out == cut.out


def test_a_memory_budget_that_is_too_small_is_noted(call, here):
    (here / "long.tl").write_text(LONG)
    said = call("run", "long.tl", "--memory-budget", "1K")
    assert said.code == 0
    assert said.err.count("warning[W0903]") == 1
    assert "more than the budget of 1 KiB" in said.err


def test_a_memory_budget_is_a_number_of_bytes(call, here):
    (here / "long.tl").write_text(LONG)
    said = call("run", "long.tl", "--memory-budget", "much")
    assert said.code == 2
    assert "must be a number of bytes" in said.err
