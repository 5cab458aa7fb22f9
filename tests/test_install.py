"""The package as it is installed: a wheel, in an environment of its own, away from the checkout, with its library."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAM = """
import nn

X = [[1, 2, 3], [3, 2, 1]]
Y = nn.LayerNorm(X)
Flat = sum[b](abs(sum[i](Y[b,i])))
assert Flat < 1e-4
Flat?
"""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def away(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment outside the checkout that holds the wheel and borrows its dependencies from this one."""
    folder = tmp_path_factory.mktemp("away")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    put = run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel, cwd=folder)
    assert put.returncode == 0, put.stdout + put.stderr
    # A folder named in a .pth file is searched, but the .pth files in it (an editable tensorlang, say) are not read.
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n" + sysconfig.get_path("platlib") + "\n")
    (folder / "program.tl").write_text(PROGRAM)
    return folder


def test_the_wheel_holds_the_library_and_the_grammar_and_nothing_of_the_checkout(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"tensorlang/stdlib/nn.tl", "tensorlang/syntax/grammar.lark", "tensorlang/py.typed"} <= names
    assert all(name.startswith(("tensorlang/", "tensorlang-")) for name in names)


def test_the_installed_package_is_the_wheel(away: Path) -> None:
    found = run(away / "venv" / "bin" / "python", "-c", "import tensorlang; print(tensorlang.__file__)", cwd=away)
    assert found.stdout.startswith(str(away)), found.stdout + found.stderr


@pytest.mark.parametrize("command", [["bin/tensorlang"], ["bin/python", "-m", "tensorlang"]], ids=" ".join)
def test_the_installed_command_runs_a_program_that_imports_the_library(away: Path, command: list[str]) -> None:
    ran = run(away / "venv" / command[0], *command[1:], "run", "program.tl", cwd=away)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("Flat = "), ran.stdout


def test_the_installed_package_compiles_from_python(away: Path) -> None:
    script = f"import tensorlang as tl; print(tuple(tl.compile({PROGRAM!r})()['Flat'].shape))"
    ran = run(away / "venv" / "bin" / "python", "-c", script, cwd=away)
    assert (ran.returncode, ran.stdout) == (0, "()\n"), ran.stderr


def test_the_checkout_finds_its_library_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "program.tl").write_text(PROGRAM)
    ran = run(sys.executable, "-m", "tensorlang", "run", "program.tl", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
