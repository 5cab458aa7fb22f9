"""What a running program says: text on two streams, or one document."""

from __future__ import annotations

import io

import numpy
import pytest

from tensorlang import report
from tensorlang.console.reporters import Gatherer, Teller, reasons
from tensorlang.console.streams import Console, wants_colour
from tensorlang.report import Failure, Value

SCALAR = Value("Loss", "Loss", (), (), "float", numpy.array(0.25))
VECTOR = Value("Y", "Y", ("i",), (2,), "float", numpy.array([1.5, 2.0]))
FAILURE = Failure("A[i] < B[i]", "x.tl:3:8", 2, 5, (("i", 4),), (0.5, 0.25), "<")
ONE = Failure("Accuracy > 0.9", "x.tl:4:8", 1, 1, (), (numpy.array(0.5), 0.9), ">")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def console(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Console(io.StringIO(), io.StringIO())


def test_answers_go_to_stdout(console):
    teller = Teller(console)
    for value in (SCALAR, SCALAR, VECTOR, VECTOR, SCALAR):
        teller.query(value)
    table = "Y[i]  2\n  i    0    1\n     1.5  2.0\n"
    assert console.out.getvalue() == f"Loss = 0.25\nLoss = 0.25\n\n{table}\n{table}\nLoss = 0.25\n"
    assert console.err.getvalue() == ""


def test_notes_and_failures_go_to_stderr(console):
    teller = Teller(console)
    teller.note("wrote y.npy")
    teller.failed(FAILURE)
    teller.failed(ONE)
    assert console.out.getvalue() == ""
    assert console.err.getvalue() == (
        "wrote y.npy\n"
        "assertion failed: A[i] < B[i]\n"
        "  at x.tl:3:8\n"
        "  2 of 5 elements fail\n"
        "  the worst at i = 4: the left side is 0.5, the right side 0.25\n"
        "assertion failed: Accuracy > 0.9\n"
        "  at x.tl:4:8\n"
        "  the left side is 0.5, the right side 0.9\n"
    )


def test_reasons_without_sides():
    assert reasons(Failure("Ok[i]", "x.tl:1:1", 1, 3, (("i", 2),), ())) == [
        "at x.tl:1:1",
        "1 of 3 elements fail",
        "the first at i = 2",
    ]


def test_quiet_says_answers_and_failures_only(console):
    console.quiet = True
    teller = Teller(console)
    teller.note("wrote y.npy")
    teller.progress("Loss", 1, 2, {"loss": 0.5})
    teller.tested(report.TestResult("rows", "x.tl:1:1", ()))
    teller.query(SCALAR)
    teller.failed(ONE)
    assert console.out.getvalue() == "Loss = 0.25\n"
    assert console.err.getvalue().startswith("assertion failed")


def test_progress_without_a_terminal_is_ten_lines(console):
    teller = Teller(console)
    for step in range(1, 401):
        teller.progress("Loss", step, 400, {"epoch": step // 40, "loss": 1 / step, "rate": 52.25})
    lines = console.err.getvalue().splitlines()
    assert 10 <= len(lines) <= 12
    assert lines[0] == "Loss  step 1/400  epoch 0  loss 1  52.2 steps/s"
    assert lines[-1] == "Loss  step 400/400  epoch 10  loss 0.0025  52.2 steps/s"


def test_progress_on_a_terminal_ends_with_its_last_line(console):
    console.err = Terminal()
    teller = Teller(console)
    for step in range(1, 4):
        teller.progress("Loss", step, 4, {"epoch": 1, "loss": 0.5, "rate": 10.0})
    teller.close()
    assert console.err.getvalue().endswith("Loss  step 3/4  epoch 1  loss 0.5  10 steps/s\n")
    assert "\033[?25l" in console.err.getvalue()
    assert "\033[?25h" in console.err.getvalue(), "the cursor is shown again"


def test_two_trainings_are_two_bars(console):
    teller = Teller(console)
    for loss in ("Loss", "Other"):
        teller.progress(loss, 1, 1, {"loss": 0.5})
    assert console.err.getvalue().splitlines() == ["Loss  step 1/1  loss 0.5", "Other  step 1/1  loss 0.5"]


def test_tests_are_results(console):
    teller = Teller(console)
    teller.tested(report.TestResult("rows add up", "x.tl:1:1", ()))
    teller.tested(report.TestResult("columns too", "x.tl:2:1", (ONE,)))
    teller.tested(report.TestResult("files", "x.tl:3:1", (), "error[E0709]: no file\n  --> x.tl:3:4"))
    assert console.out.getvalue() == (
        "passed  rows add up\n"
        "failed  columns too\n"
        "        Accuracy > 0.9\n"
        "        at x.tl:4:8\n"
        "        the left side is 0.5, the right side 0.9\n"
        "failed  files\n"
        "        error[E0709]: no file\n"
        "          --> x.tl:3:4\n"
    )


def test_everything_gathered_for_the_document():
    document: dict[str, object] = {}
    gatherer = Gatherer(document)
    gatherer.query(Value("z", "z", (), (), "complex", numpy.array(1 + 2j)))
    gatherer.query(Value("W", "W", ("i",), ("n",), "float", None, ("X",)))
    gatherer.note("wrote y.npy")
    gatherer.progress("Loss", 3, 4, {"loss": float("nan")})
    gatherer.failed(FAILURE)
    gatherer.tested(report.TestResult("t", "x.tl:1:1", (ONE,)))
    assert document["answers"] == [
        {"name": "z", "title": "z", "axes": [], "shape": [], "dtype": "complex", "data": [1.0, 2.0]},
        {"name": "W", "title": "W", "axes": ["i"], "shape": ["n"], "dtype": "float", "waits_for": ["X"]},
    ]
    assert document["notes"] == ["wrote y.npy"]
    assert document["training"] == {"Loss": {"step": 3, "steps": 4, "loss": "NaN"}}
    assert document["failures"][0]["at"] == {"i": 4}
    assert document["tests"][0]["passed"] is False
    assert document["tests"][0]["failures"][0]["sides"] == [0.5, 0.9]


@pytest.mark.parametrize(
    ("stream", "wishes", "colour"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "0"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour(stream, wishes, colour, console, monkeypatch):
    for name, value in wishes.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(stream) is colour
