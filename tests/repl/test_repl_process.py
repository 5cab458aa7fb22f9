"""The prompt as a process, and on a terminal of our own making."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from tensorlang.console.streams import Console
from tensorlang.options import Options
from tensorlang.repl.shell import Shell


def repl(text: str, *words: str, cwd) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tensorlang", "repl", *words]
    return subprocess.run(command, input=text, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_statements_from_stdin(tmp_path):
    done = repl("A = [[1, 2],\n     [3, 4]]\nTrace = A[i,i]\n:quit\nnever = 1\n", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Trace = 5\n")


def test_a_mistake_is_the_exit_code(tmp_path):
    done = repl("a = 2\nb = nothing\nc = a + 1\n", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == "a = 2\nc = 3\n"
    assert done.stderr.startswith("error[E02")


def test_a_program_to_begin_with(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.csv").write_text("1,2\n3,4\n")
    (tmp_path / "sub" / "x.tl").write_text('data X[n,i] = load("x.csv")\nS = X[n,i]\n')
    done = repl("S + 1?\n", "sub/x.tl", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "S + 1 = 11"
    assert repl("", "missing.tl", cwd=tmp_path).returncode != 0


@pytest.fixture
def converse(tmp_path, monkeypatch):
    """Type keys into the prompt; returns what the shell said."""
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    from tensorlang.repl import terminal

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")

    def type_in(keys: str) -> str:
        console = Console(io.StringIO(), io.StringIO(), quiet=True)
        shell = Shell.of(Options(), console)
        with create_pipe_input() as pipe:
            pipe.send_text(keys)
            terminal.converse(shell, pipe, DummyOutput())
        return console.out.getvalue() + console.err.getvalue()

    return type_in


def test_enter_goes_on_until_the_statement_is_whole(converse):
    assert converse("a = (1 +\r2)\rb = a + 1\r:quit\r") == "a = 3\nb = 4\n"


def test_a_block_ends_at_a_blank_line(converse):
    assert converse("def Twice(x) -> y:\ry = 2 * x\r\rz = Twice(4)\r\x04").splitlines()[-1] == "z = 8"


def test_control_c_drops_the_line_and_control_d_leaves(converse):
    assert converse("a = (1 +\x03a = 7\r\x04") == "a = 7\n"


def test_tab_completes(tmp_path):
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from tensorlang.repl.terminal import Names

    shell = Shell.of(Options(), Console(io.StringIO(), io.StringIO()))
    found = list(Names(shell).get_completions(Document("Y = softm"), CompleteEvent()))
    assert [(completion.text, completion.start_position) for completion in found] == [("softmax", -5)]


def test_history_is_kept_for_its_owner(converse, tmp_path):
    converse("a = 7\r\x04")
    path = tmp_path / "state" / "tensorlang" / "history"
    assert "a = 7" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert converse("\x1b[A\r\x04") == "a = 7\n"


def test_history_that_cannot_be_written(converse, tmp_path, monkeypatch):
    (tmp_path / "state").write_text("a file in the way")
    assert converse("a = 7\r\x04") == "a = 7\n"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_on_a_real_terminal(tmp_path):
    """The whole process behind a pseudo-terminal: greeting, prompt, value, exit."""
    import pty
    import select
    import signal
    import time

    pid, handle = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ |= {"XDG_STATE_HOME": str(tmp_path), "TERM": "xterm", "NO_COLOR": "1"}
        os.execv(sys.executable, [sys.executable, "-m", "tensorlang", "repl"])
    seen, answers = b"", [(b"tl>", b"Y = 20 + 22\r"), (b"Y = 42", b"\x04")]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([handle], [], [], 0.5)[0]:
            if answers and answers[0][0] in seen:
                os.write(handle, answers.pop(0)[1])
            continue
        try:
            piece = os.read(handle, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
        if b"\x1b[6n" in piece:
            os.write(handle, b"\x1b[1;1R")
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(handle)
    assert b":help lists commands" in seen, seen
    assert b"Y = 42" in seen, seen
    assert os.waitstatus_to_exitcode(status) == 0, seen
