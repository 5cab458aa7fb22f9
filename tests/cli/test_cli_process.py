"""The command line as a process: what it imports, broken pipes, interruption, internal faults, odd files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "numpy", "sympy", "rich", "quimb", "opt_einsum", "prompt_toolkit")


def tensorlang(*words: str, cwd: Path, **more) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "tensorlang", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=60, check=False, **more)


def imported(words: list[str], cwd: Path) -> set[str]:
    """The modules in ``sys.modules`` after a command."""
    probe = f"import sys; from tensorlang.cli import main; main({words!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", probe], cwd=cwd, capture_output=True, timeout=60, check=True)
    return set(done.stderr.decode().splitlines()[-1].split())


QUICK = [["--help"], ["run", "--help"], ["--version"], ["explain", "E1001"], ["rnu"]]


@pytest.mark.parametrize("words", QUICK, ids=" ".join)
def test_help_and_errors_import_little(words, tmp_path):
    loaded = imported(words, tmp_path)
    assert not loaded & {*HEAVY, "lark"}


def test_the_page_needs_not_even_argparse(tmp_path):
    assert not imported(["--help"], tmp_path) & {"argparse", "json", "tensorlang.driver", "tensorlang.syntax"}


def test_exit_codes(tmp_path):
    assert tensorlang("--help", cwd=tmp_path).returncode == 0
    done = tensorlang("run", "nowhere.tl", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"nowhere.tl" in done.stderr
    assert b"Traceback" not in done.stderr


def test_nobody_reads(tmp_path):
    """A closed pipe ends the command quietly."""
    read, write = os.pipe()
    os.close(read)
    try:
        command = [sys.executable, "-m", "tensorlang", "--help"]
        done = subprocess.run(command, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_interrupted(tmp_path):
    """Ctrl-C is no traceback."""
    code = (
        "import os, signal, sys, tensorlang.cli as cli\n"
        "cli._dispatch = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(cli.main(['check', 'x.tl']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, b"interrupted\n")


def test_words_that_the_output_cannot_write(tmp_path):
    done = tensorlang("λ", cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 2
    assert b"there is no command `\\u03bb`" in done.stderr


@pytest.mark.parametrize("command", ["check", "fmt", "run", "explain", "test"])
@pytest.mark.parametrize("kind", ["missing", "latin1", "zeros", "unreadable"])
def test_files_that_cannot_be_read(command, kind, tmp_path):
    path = tmp_path / "x.tl"
    if kind != "missing":
        path.write_bytes({"latin1": b"Y = 2 # \xe9\n", "zeros": b"\xff\xfe\0\0", "unreadable": b"Y = 2\n"}[kind])
    if kind == "unreadable":
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
    done = tensorlang(command, "x.tl", cwd=tmp_path)
    assert done.returncode == 2, done.stderr.decode()
    assert b"error[E0619]" in done.stderr
    assert b"x.tl" in done.stderr
    assert b"Traceback" not in done.stderr
    if kind != "missing":
        path.chmod(0o644)


@pytest.mark.parametrize("command", ["run", "explain"])
def test_a_folder_is_no_program(command, tmp_path):
    (tmp_path / "folder").mkdir()
    done = tensorlang(command, "folder", cwd=tmp_path)
    assert done.returncode == 2
    assert b"error[E0619]" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
@pytest.mark.parametrize("words", [["--help"], ["explain", "E1001", "--json"]], ids=" ".join)
def test_a_full_disk(words, tmp_path):
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "tensorlang", *words]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == b"error[E1007]: the answers cannot be written to stdout: no space left on device\n"


def test_no_stdout_at_all(tmp_path):
    command = f"{sys.executable} -m tensorlang --help >&-"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
