"""Runs from top to bottom: queries, assertions, tests, files, time."""

from __future__ import annotations

import time

import numpy
import pytest
import torch

from tensorlang import driver
from tensorlang.diagnostics import CompileError, RunError
from tensorlang.limits import Limits
from tensorlang.options import Options
from tensorlang.report import Silent
from tensorlang.source import Source


class Heard(Silent):
    """A reporter that writes down what it hears."""

    def __init__(self):
        self.said = []

    def query(self, value):
        self.said.append((value.title, value.data.tolist()))

    def note(self, text):
        self.said.append(text)

    def failed(self, failure):
        self.said.append(("failed", failure.title))

    def tested(self, result):
        self.said.append((result.name, result.passed))


def run(text, folder=None, inputs=None, **options):
    heard = Heard()
    source = Source("p.tl", text)
    results = driver.run(source, Options(**options), folder and str(folder), inputs, heard)
    return results, heard.said


def test_outputs_where_there_are_no_actions():
    results, said = run("A = [1, 2]\nB[i] = 2 A[i]\nS = B[i]\nM = max[i](A[i])")
    assert said == [("S", 6), ("M", 2)]
    assert {name: value.item() for name, value in results.outputs.items()} == {"S": 6, "M": 2}
    assert results.exit_code == 0


def test_actions_act_where_they_stand():
    text = """
param w ~ const(1)
w?
Loss = (w - 3)^2
minimize Loss with sgd(lr=0.5), steps=1
w?
test "done": assert abs(w - 3) < 1e-6
Loss < 1?
"""
    assert run(text)[1] == [("w", 1.0), ("w", 3.0), ("done", True), ("Loss < 1", True)]


def test_inputs_from_the_caller_and_from_files(tmp_path):
    numpy.save(tmp_path / "x.npy", numpy.arange(3.0))
    text = "input X[i], a\nS = a X[i]"
    assert run(text, inputs={"X": [1, 2], "a": 2})[1] == [("S", 6.0)]
    files = {"X": str(tmp_path / "x.npy")}
    heard = Heard()
    driver.run(Source("p.tl", text), Options(inputs=files, values={"a": 3}), None, None, heard)
    assert heard.said == [("S", 9.0)]
    with pytest.raises(RunError, match="E0601"):
        driver.run(Source("p.tl", text), Options(inputs={"Y": files["X"]}), None)
    with pytest.raises(RunError, match="E0602"):
        run(text, inputs={"a": 2})
    with pytest.raises(RunError, match="E0709"):
        driver.run(Source("p.tl", text), Options(inputs={"X": str(tmp_path / "y.npy")}), None)


@pytest.mark.parametrize(
    ("text", "at", "sides", "count"),
    [
        ("assert A[i,j] <= B[i,j]", (("i", 1), ("j", 0)), (3, 0), 2),
        ("assert A[i,j] <= B[j,i]", (("i", 0), ("j", 1)), (2, 0), 3),
        ("assert A[i,j] < 4", (("i", 1), ("j", 1)), (4, 4), 1),
        ("assert max[i,j](A[i,j]) == 5", (), (4, 5), 1),
        ("assert 2.5 > A[i,0]", (("i", 1),), (2.5, 3), 1),
        ("assert A[i,j] == A[j,i] and A[i,j] > 0", (("i", 0), ("j", 1)), (), 2),
    ],
)
def test_a_failed_assertion_shows_the_worst_element(text, at, sides, count):
    results, said = run(f"A = [[1, 2], [3, 4]]\nB = [[1, 2], [0, 3]]\n{text}")
    assert results.exit_code == 1
    (failure,) = results.failures
    assert said == [("failed", text.removeprefix("assert "))]
    assert (failure.at, failure.sides, failure.count) == (at, sides, count)


def test_nan_is_the_worst():
    (failure,) = run("A = [1.0, -1.0, 100.0]\nassert log(A[i]) < 4")[0].failures
    assert failure.at == (("i", 1),)
    assert failure.count == 2


def test_the_operator_of_an_assertion():
    text = "A = [1, 2]\nassert sum[i](A[i] where A[i] > 0) >= 4\nassert not (A[0] == 1)"
    assert [failure.operator for failure in run(text)[0].failures] == [">=", None]


def test_a_test_leaves_parameters_as_they_were():
    text = """
param w ~ const(1)
Loss = (w - 3)^2
test "learns":
    minimize Loss with sgd(lr=0.5), steps=1
    assert Loss < 0.1
w?
"""
    assert run(text)[1] == [("learns", True), ("w", 1.0)]


def test_a_failing_test_and_one_that_stops(tmp_path):
    text = 'A = [1, 2]\ntest "no": assert A[i] > 1\ntest "stops": save A to "/a.npy"\nA?'
    results, said = run(text, tmp_path)
    assert said == [("no", False), ("stops", False), ("A", [1, 2])]
    assert results.exit_code == 1
    assert "E0703" in results.tests[1].error


def test_only_tests_and_what_they_need():
    text = """
param w ~ const(1), v ~ const(1)
Loss = (w - 3)^2
Other = (v - 3)^2
minimize Loss with sgd(lr=0.5), steps=1
minimize Other with sgd(lr=0.5), steps=1
w?
assert Loss < 0.1
test "trained": assert Loss < 0.1
test "pure": assert v == 1
minimize Loss with sgd(lr=0.5), steps=1
"""
    heard = Heard()
    results = driver.test(Source("p.tl", text.replace("v == 1", "2 == 2")), Options(), None, None, heard)
    assert heard.said == [("Loss < 0.1", True), ("trained", True), ("pure", True)]
    assert results.exit_code == 0
    assert driver.test(Source("p.tl", "A = 3\nassert A == 4"), Options(), None).exit_code == 1


def test_saving_and_loading_below_the_folder(tmp_path):
    text = """
dim i = 2
param W[i] ~ ones()
Loss = (W[i] - 3)^2
minimize Loss with sgd(lr=0.5), steps=1
save W to "w.npy"
save params to "w.safetensors"
"""
    _, said = run(text, tmp_path)
    assert said == ["saved w.npy", "saved w.safetensors"]
    assert numpy.load(tmp_path / "w.npy").tolist() == [3, 3]
    again = 'dim i = 2\nparam W[i] ~ ones()\nload params from "w.safetensors"\nW?'
    assert run(again, tmp_path)[1] == ["loaded w.safetensors", ("W", [3, 3])]
    heard = Heard()
    free = Source("p.tl", "input X[i]\nparam W[i] ~ ones()\nS = W[i] X[i]")
    driver.run(free, Options(load=str(tmp_path / "w.safetensors")), None, {"X": [1, 2]}, heard)
    assert heard.said == [("S", 9.0)]


def test_parameters_without_a_size_cannot_be_saved(tmp_path):
    text = 'input X[i]\nparam W[i]\nS = W[i] X[i]\nsave params to "w.safetensors"'
    with pytest.raises(RunError, match="E0610"):
        run(text, tmp_path)


def test_weights_of_another_size(tmp_path):
    run('dim i = 2\nparam W[i] ~ ones()\nS = W[i]\nsave params to "w.safetensors"', tmp_path)
    with pytest.raises(RunError, match="E0723"):
        run('dim i = 3\nparam W[i] ~ ones()\nS = W[i]\nload params from "w.safetensors"', tmp_path)


def test_plots(tmp_path):
    pytest.importorskip("matplotlib")
    text = "A = [1, 4, 9]\nparam w\nLoss = (w - 1)^2\nminimize Loss with sgd(), steps=3\nplot A\nplot Loss"
    _, said = run(text, tmp_path)
    assert len(said) == 2
    assert all(line.startswith("drew ") for line in said)
    for line in said:
        assert (tmp_path / line.removeprefix("drew ")).read_bytes().startswith(b"\x89PNG")


def test_a_run_over_time_stops(golden):
    text = "dim n = 300\nparam W[n,n']\nLoss = (W[n,n'] W[n',n''])^2\nminimize Loss with sgd(lr=1e-9), epochs=1000000"
    began = time.monotonic()
    with pytest.raises(RunError) as caught:
        run(text, limits=Limits(time=0.5))
    assert time.monotonic() - began < 20
    golden("limit-time.txt", f"{caught.value}\n")


def test_warnings_are_notes():
    _, said = run("A = [1, 2]\nY[i] = A[i]\nY[i] = 2 A[i]")
    assert said[0].startswith("warning[W")


def test_wrong_programs_and_inputs():
    with pytest.raises(CompileError, match="E0201"):
        run("Y = Q[i]")
    with pytest.raises(RunError, match="E0601"):
        run("A = [1]\nS = A[i]", inputs={"X": torch.ones(2)})


@pytest.mark.parametrize(
    "problem", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 1 bytes")]
)
def test_an_allocation_that_fails_is_told(problem):
    with pytest.raises(RunError, match="the machine has no more memory to give"), driver.limited(0):
        raise problem


def test_a_fault_of_ours_stays_one():
    with pytest.raises(RuntimeError, match="the sizes"), driver.limited(0):
        raise RuntimeError("the sizes of tensors do not match")
