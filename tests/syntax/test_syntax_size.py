"""Large and deep programs: read and printed in time, and never beyond the limits."""

from __future__ import annotations

import time

import pytest
from reading import codes, formatted, good, read, same

from tensorlang.limits import Limits

LARGE = {
    "sum": "Y = " + " + ".join(f"A{i}[i]" for i in range(10_000)),
    "product": "Y = " + " ".join(f"A{i}[i]" for i in range(10_000)),
    "brackets": "Y = " + "(" * 1000 + "x" + ")" * 1000,
    "applications": "Y = " + "relu(1 + 2 " * 1000 + "x" + ")" * 1000,
    "subscripts": "Y = " + "A[" * 1000 + "x" + "]" * 1000,
    "lists": "W = " + "[" * 1000 + "]" * 1000,
    "powers": "Y = " + "2^" * 1000 + "x",
    "negations": "Y = " + "not " * 1000 + "x",
    "signs": "Y = " + "- " * 10_000 + "x",
    "conditions": "Y = " + "x if y else " * 1000 + "x",
    "statements": "\n".join(f"Y{i}[b] = X[b]" for i in range(2000)),
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_large_and_deep(text):
    start = time.process_time()
    tree = good(text)
    assert time.process_time() - start < 2
    again = formatted(text)
    assert same(good(again), tree)
    assert formatted(again) == again


def test_limit_of_nesting():
    limits = Limits(nesting=50)
    for deep in (
        "(" * 51 + "x" + ")" * 51,
        "2^" * 51 + "x",
        "not " * 51 + "x",
        "f" + "(x)" * 51,
        "x if y else " * 51 + "x",
    ):
        problems = read(f"A = 1\nY = {deep}", limits)[1]
        assert [problem.code for problem in problems.found] == ["E0922"]
        assert not read("Y = " + deep.replace("(" * 51, "(" * 50).replace(")" * 51, ")" * 50), Limits())[1].found
    assert not read("Y = " + "(" * 50 + "x" + ")" * 50, limits)[1].found
    assert not read("Y = " + " + ".join(["x^2"] * 500), limits)[1].found


def test_limit_of_length():
    assert [p.code for p in read("Y = 1 # " + "x" * 100, Limits(source=50))[1].found] == ["E0921"]


def test_hostile_texts_are_quick():
    for text in ("Y = " + "(" * 100_000, "Y = " + ")" * 100_000, "Y = " + "([" * 900, '"' * 10_001, "|" * 10_000):
        start = time.process_time()
        assert codes(text)
        assert time.process_time() - start < 2
