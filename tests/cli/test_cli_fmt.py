"""``fmt``: rewritten whole or not at all, checked, shown as a difference, through stdin."""

from __future__ import annotations

import os
import stat

import pytest

UGLY = "Y[i]   =  A[ i,j ]*  X[j]   # kept\n"
NEAT = "Y[i] = A[i,j] * X[j]  # kept\n"


@pytest.fixture
def ugly(here):
    path = here / "x.tl"
    path.write_text(UGLY)
    return path


@pytest.fixture
def neat(call, ugly):
    """What the layout is."""
    assert call("fmt", "x.tl").code == 0
    text = ugly.read_text()
    ugly.write_text(UGLY)
    return text


def test_a_file_is_rewritten(call, ugly):
    said = call("fmt", "x.tl")
    assert (said.code, said.out, said.err) == (0, "", "changed x.tl\n")
    once = ugly.read_text()
    assert once != UGLY
    assert "# kept" in once
    said = call("fmt", "x.tl")
    assert (said.code, said.out, said.err) == (0, "", "")
    assert ugly.read_text() == once


def test_check_writes_nothing(call, ugly):
    said = call("fmt", "--check", "x.tl")
    assert (said.code, said.out) == (1, "would change x.tl\n")
    assert ugly.read_text() == UGLY


def test_check_of_a_neat_file(call, ugly):
    call("fmt", "x.tl")
    assert call("fmt", "--check", "x.tl").code == 0


def test_diff(call, ugly, neat):
    said = call("fmt", "--diff", "x.tl")
    assert said.code == 1
    assert said.out == f"--- x.tl\n+++ x.tl (formatted)\n@@ -1 +1 @@\n-{UGLY}+{neat}"
    assert ugly.read_text() == UGLY


def test_diff_in_colour(call, ugly, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\033[31m-Y[i]" in call("fmt", "--diff", "x.tl").out


def test_stdin_to_stdout(call, neat):
    said = call("fmt", "-", stdin=UGLY)
    assert (said.code, said.out) == (0, neat)
    assert call("fmt", "-", "--check", stdin=UGLY).code == 1


def test_a_wrong_program_is_left_alone(call, here):
    (here / "good.tl").write_text(UGLY)
    (here / "wrong.tl").write_text("Y[i = 2\n")
    said = call("fmt", ".")
    assert said.code == 1
    assert "error[E01" in said.err
    assert (here / "wrong.tl").read_text() == "Y[i = 2\n"
    assert (here / "good.tl").read_text() != UGLY


def test_as_json(call, ugly):
    document = call("fmt", "--check", "--json", "x.tl").document
    assert document == {"ok": False, "exit_code": 1, "problems": [], "files": 1, "changed": ["x.tl"]}


def test_permissions_and_links_stay(call, ugly, here):
    ugly.chmod(0o640)
    (here / "link.tl").symlink_to("x.tl")
    assert call("fmt", "link.tl").code == 0
    assert (here / "link.tl").is_symlink()
    assert ugly.read_text() != UGLY
    assert stat.S_IMODE(os.stat(ugly).st_mode) == 0o640


def test_nothing_half_written(call, ugly, monkeypatch, here):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    said = call("fmt", "x.tl")
    assert said.code == 2
    assert "error[E1007]: `x.tl` cannot be written: no space left on device" in said.err
    assert ugly.read_text() == UGLY
    assert os.listdir(here) == ["x.tl"]


def test_windows_line_ends(call, ugly):
    ugly.write_bytes(b"Y = 2\r\n")
    assert call("fmt", "x.tl").code == 0
    assert b"\r" not in ugly.read_bytes()
