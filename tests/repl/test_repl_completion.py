"""What Tab offers."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from tensorlang.console.reporters import Teller
from tensorlang.console.streams import Console
from tensorlang.repl.completion import complete
from tensorlang.repl.shell import Shell


@pytest.fixture
def shell():
    console = Console(io.StringIO(), io.StringIO())
    session = SimpleNamespace(names=("Weights", "Window", "enc.W", "relevant"))
    return Shell(session, console, Teller(console))


def test_names_of_the_session_come_first(shell):
    assert complete(shell, "Y = W") == ("W", ["Weights", "Window"])
    assert complete(shell, "Y = enc.") == ("enc.", ["enc.W"])
    part, words = complete(shell, "Y = rel")
    assert part == "rel"
    assert words[:2] == ["relevant", "relu"]


def test_functions_and_keywords(shell):
    assert "softmax" in complete(shell, "A = sof")[1]
    assert "glorot" in complete(shell, "param W[i] ~ gl")[1]
    assert "minimize" in complete(shell, "mini")[1]
    assert "where" in complete(shell, "Y = X wh")[1]
    assert complete(shell, "Y = ") == ("", [])


def test_only_the_last_line_counts(shell):
    assert complete(shell, "Y = (2\n + Wei") == ("Wei", ["Weights"])


def test_commands(shell):
    assert complete(shell, ":") == ("", [
        "help", "type", "names", "explain", "source", "list", "load", "save", "set", "seed", "time", "reset", "quit",
    ])  # fmt: skip
    assert complete(shell, ":so") == ("so", ["source"])
    assert complete(shell, ":type We") == ("We", ["Weights"])


def test_files(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.tl", "b.npy", ".hidden.tl", "data/x.npy", "data/y.tl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert complete(shell, ":load ") == ("", ["a.tl", "data/"])
    assert complete(shell, ":load data/") == ("data/", ["data/y.tl"])
    assert complete(shell, ":load .h") == (".h", [".hidden.tl"])
    assert complete(shell, 'data X[n] = load("') == ("", ["a.tl", "b.npy", "data/"])
    assert complete(shell, 'import "a') == ("a", ["a.tl"])
    assert complete(shell, ":load nowhere/") == ("nowhere/", [])
