"""Where an entry ends, transcripts, and lines from a pipe as they come."""

from __future__ import annotations

import io
import os
import threading
import time

import pytest

from tensorlang.repl.entry import split, unfinished
from tensorlang.repl.plain import entries


@pytest.mark.parametrize(
    "text",
    [
        "Y = (2",
        "Y[i] = A[i,",
        "Y = 2 +",
        "Y = 2 + # more",
        "Y =",
        "A[t,t'.] = S[t,t'] where",
        "X[i] <-",
        "f(x) -> ",
        "minimize Loss with",
        "param W[i] ~",
        "def F(X[i]) -> Y[i]:",
        "def F(X[i]) -> Y[i]:  # doc",
        "def F(X[i]) -> Y[i]:\n    Y[i] = X[i]",
        'test "a":\n    assert 1 == 1',
        "Y = (2\n",
    ][:-1],
)
def test_what_goes_on(text):
    assert unfinished(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Y = 2",
        "Y = (2)",
        "Y?",
        "Y[0:3, :]?",
        "# a comment (",
        'X = load("a(b.npy")',
        'X[n] = load("x # y.npy")',
        "Y = 2;",
        ":explain",
        ":load (x",
        'test "a: b": assert 1 == 1',
        "def F(X[i]) -> Y[i]:\n    Y[i] = X[i]\n",
        "def F(X[i]) -> Y[i]: Y[i] = X[i]",
        "Y = (2 +\n\n",
        "t' = t'",
    ],
)
def test_what_is_whole(text):
    assert not unfinished(text)


def test_a_transcript_is_stripped():
    pasted = "tl> Y = 2\nY = 2.0\ntl> Z = (3\n...> + 4)\nZ = 7\n\ntl> :type Z\nZ  int\ntl>\n"
    assert split(pasted) == ["Y = 2", "Z = (3\n+ 4)", ":type Z"]


def test_statements_and_commands_that_were_pasted():
    assert split("A = 1\nB = 2\n:type B\nC = 3\nD = 4\n") == ["A = 1\nB = 2", ":type B", "C = 3\nD = 4"]
    assert split("  ") == []
    assert split("\tY = 2") == ["    Y = 2"]


PROGRAM = """\
# layers
Y[i] = A[i,j] X[j]
   where i < j
Z = (2
 + 3)
W = 1
  + 2
:type Y
def F(X[i]) -> Y[i]:   # doc
    Y[i] = X[i]

    Q = 3
R = 4 +
 5 # x
def G(x) -> y:
    y = x

Q = 1
L = [1,
2]
last = 3"""

PARTS = [
    "# layers",
    "Y[i] = A[i,j] X[j]\n   where i < j",
    "Z = (2\n + 3)",
    "W = 1\n  + 2",
    ":type Y",
    "def F(X[i]) -> Y[i]:   # doc\n    Y[i] = X[i]\n\n    Q = 3",
    "R = 4 +\n 5 # x",
    "def G(x) -> y:\n    y = x\n",
    "Q = 1",
    "L = [1,\n2]",
    "last = 3",
]


def test_entries_of_a_text():
    assert list(entries(io.StringIO(PROGRAM))) == PARTS


def test_a_forgotten_bracket_takes_little_with_it():
    text = "Y = relu(X\nA[i] = B[i]\nC = (2\n:type Y\nD = [1,\nparam W[i]\nE = f(a,\nb=2)\n"
    assert list(entries(io.StringIO(text))) == [
        "Y = relu(X", "A[i] = B[i]", "C = (2", ":type Y", "D = [1,", "param W[i]", "E = f(a,\nb=2)",
    ]  # fmt: skip


def test_entries_of_a_pipe():
    read, write = os.pipe()
    with os.fdopen(write, "wb") as pipe:
        pipe.write(PROGRAM.encode())
    with os.fdopen(read) as stream:
        assert list(entries(stream)) == PARTS


def test_who_waits_for_an_answer_gets_it():
    """A statement that is whole is given out though its line may have a successor later."""
    read, write = os.pipe()
    got = []

    def listen():
        with os.fdopen(read) as stream:
            got.extend((entry, time.monotonic()) for entry in entries(stream))

    listener = threading.Thread(target=listen)
    listener.start()
    with os.fdopen(write, "wb") as pipe:
        pipe.write(b"A = 1\n")
        pipe.flush()
        deadline = time.monotonic() + 10
        while not got and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [entry for entry, _ in got] == ["A = 1"]
        pipe.write(b"B = (2 +\n")
        pipe.flush()
        time.sleep(0.2)
        pipe.write(b"3)\n")
    listener.join(10)
    assert [entry for entry, _ in got] == ["A = 1", "B = (2 +\n3)"]


def test_bytes_that_are_no_text():
    read, write = os.pipe()
    with os.fdopen(write, "wb") as pipe:
        pipe.write(b"Y = 2 # \xff\r\n")
    with os.fdopen(read) as stream:
        assert list(entries(stream)) == ["Y = 2 # \N{REPLACEMENT CHARACTER}"]
