"""A shell that speaks to two strings."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tensorlang.console.streams import Console
from tensorlang.options import Options
from tensorlang.repl.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A new conversation in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return Shell.of(Options(), Console(io.StringIO(), io.StringIO()))


@pytest.fixture
def say(shell: Shell) -> Callable[[str], str]:
    """``say("Y = 2")``: what comes back, from both streams."""

    def speak(text: str) -> str:
        shell.feed(text)
        both = shell.console.out.getvalue() + shell.console.err.getvalue()
        for stream in (shell.console.out, shell.console.err):
            stream.seek(0)
            stream.truncate()
        return both

    return speak
