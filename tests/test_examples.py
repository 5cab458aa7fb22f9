"""Every example is run as a user runs it, and prints what was recorded beside it (``examples/digits.out``).

``pytest tests/test_examples.py --update`` writes the recordings anew; look at them before committing.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from fetched import FETCHED, missing
from recorded import difference

EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAMS = sorted([*EXAMPLES.rglob("*.tl"), *EXAMPLES.glob("*.py")])
# What training reaches differs a little between machines.
TOLERANCE = {
    "digits.tl": 0.02,
    "recurrent.tl": 0.02,
    "forecast.tl": 0.03,
    "sequences.tl": 0.02,
    "spiking.tl": 0.05,
    "ode.tl": 0.02,
    "gpt.tl": 0.03,
    "cnn.tl": 0.02,
    "kernel_machine.tl": 0.03,
    "fourier.tl": 0.02,
    "mps.tl": 0.03,
    "rules_and_learning.tl": 0.05,
    "movies.tl": 0.02,
    "loss.tl": 0.05,
    "connectome.tl": 0.03,
    "kinships.tl": 0.03,
}


def name_of(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def tensorlang(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tensorlang", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=EXAMPLES.parent)


@pytest.mark.parametrize("path", PROGRAMS, ids=name_of)
def test_an_example_prints_what_was_recorded(path: Path, request: pytest.FixtureRequest) -> None:
    if missing(path) is not None:
        pytest.skip(missing(path))
    started = time.monotonic()
    if path.suffix == ".tl":
        ran = tensorlang("run", "--quiet", str(path))
    else:
        ran = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert time.monotonic() - started < 60
    recording = path.with_suffix(".out")
    if request.config.getoption("--update"):
        recording.write_text(ran.stdout)
    wrong = difference(ran.stdout, recording.read_text(), TOLERANCE.get(path.name, 1e-3))
    assert wrong is None, wrong


def test_data_that_are_missing_are_an_error_that_says_what_to_run(tmp_path: Path) -> None:
    for name in FETCHED:
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
        ran = tensorlang("run", str(tmp_path / name))
        assert ran.returncode == 1
        assert "error[E0709]" in ran.stderr
        assert f"python examples/data/make_{name.removesuffix('.tl')}.py" in ran.stderr


def test_every_recording_belongs_to_an_example() -> None:
    assert {path.with_suffix("") for path in EXAMPLES.rglob("*.out")} <= {path.with_suffix("") for path in PROGRAMS}


def test_examples_and_the_library_check_without_a_word() -> None:
    programs = [str(path) for path in PROGRAMS if path.suffix == ".tl" and missing(path) is None]
    library = [str(path) for path in sorted((EXAMPLES.parent / "stdlib").glob("*.tl"))]
    ran = tensorlang("check", *programs, *library)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    assert "warning" not in ran.stdout


def test_examples_and_the_library_are_formatted() -> None:
    programs = [str(path) for path in PROGRAMS if path.suffix == ".tl"]
    library = [str(path) for path in sorted((EXAMPLES.parent / "stdlib").glob("*.tl"))]
    ran = tensorlang("fmt", "--check", *programs, *library)
    assert ran.returncode == 0, ran.stdout + ran.stderr
