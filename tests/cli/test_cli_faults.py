"""Our own faults: said plainly, with the stage, and a traceback only where it is asked for."""

from __future__ import annotations

import pytest

import tensorlang.cli.check

FAULTS = [RuntimeError("boom"), RecursionError("too deep"), KeyError("x")]


@pytest.fixture(params=FAULTS, ids=lambda fault: type(fault).__name__)
def broken(request, monkeypatch):
    def act(given, console):
        from tensorlang.diagnostics import nearest

        def pieces():
            yield "a"
            raise request.param

        nearest("x", pieces())

    monkeypatch.setattr(tensorlang.cli.check, "act", act)
    return request.param


def test_a_fault_names_its_stage(broken, call):
    said = call("check", "x.tl")
    assert (said.code, said.out) == (70, "")
    assert said.err.startswith("this is a bug in tensorlang, in diagnostics.py, line ")
    assert type(broken).__name__ in said.err
    assert "--debug" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("words", [["check", "x.tl", "--debug"], ["--debug", "check", "x.tl"]], ids=" ".join)
def test_the_traceback_on_demand(words, broken, call):
    said = call(*words)
    assert said.code == 70
    assert "Traceback (most recent call last)" in said.err
    assert "this is a bug in tensorlang" in said.err


def test_a_fault_as_json(broken, call):
    said = call("check", "x.tl", "--json")
    assert (said.code, said.err) == (70, "")
    assert said.document["fault"]["stage"].startswith("diagnostics.py, line ")
    assert type(broken).__name__ in said.document["fault"]["error"]


def test_no_more_memory_is_no_bug(call, monkeypatch):
    def act(given, console):
        raise MemoryError

    monkeypatch.setattr(tensorlang.cli.check, "act", act)
    said = call("check", "x.tl")
    assert said.code == 1
    assert "no more memory" in said.err
