"""The pages that explain the command line, word for word."""

from __future__ import annotations

import pytest

import tensorlang
from tensorlang.cli.page import COMMANDS


def test_the_page(call, golden):
    said = call("--help")
    assert (said.code, said.err) == (0, "")
    golden("help.txt", said.out)
    assert call("-h").out == call("help").out == call().out == said.out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_of_a_command(command, call, golden):
    said = call(command, "--help")
    assert (said.code, said.err) == (0, "")
    golden(f"help-{command}.txt", said.out)
    assert call("help", command).out == said.out


def test_lines_are_not_longer_than_a_terminal(call):
    pages = [call("--help").out, *(call(command, "--help").out for command in COMMANDS)]
    assert max(len(line) for page in pages for line in page.splitlines()) <= 120


def test_version(call):
    assert call("--version").out == f"tensorlang {tensorlang.__version__}\n"
    assert call("-V").code == 0


def test_help_beats_a_missing_argument(call):
    assert call("run", "--help", "--epochs", "nonsense").code == 0


def test_every_limit_has_its_flag(call):
    from dataclasses import fields

    page = call("run", "--help").out
    for limit in fields(tensorlang.Limits):
        assert f"--limit-{limit.name}" in page
        assert limit.metadata["doc"] in page
