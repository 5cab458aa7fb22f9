"""Goldens of the passes: ``tests/stages/PASS/*.txt`` hold a program, a line of dashes, and what the pipeline up to the
pass makes of it (``pytest --update`` writes that anew). No pass may change a value, and a second run of a pass nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorlang.ir.show import show
from tensorlang.ir.verify import verify
from tensorlang.passes import PIPELINE, optimise
from tests.passes.meaning import assert_same, data_for, load, values_of

STAGES = Path(__file__).parent.parent / "stages"
NAMES = [name for name, _ in PIPELINE]
FILES = sorted(path for name in NAMES for path in (STAGES / name).glob("*.txt"))
LINE = "-" * 30


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def source(path: Path) -> str:
    return path.read_text(encoding="utf-8").split(f"\n{LINE}\n")[0].rstrip("\n") + "\n"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_stage_shows_what_it_made(path: Path, request: pytest.FixtureRequest) -> None:
    text = source(path)
    stage = path.parent.name
    recorded = f"{text}{LINE}\n{show(optimise(load(text), until=stage))}"
    if request.config.getoption("--update"):
        path.write_text(recorded, encoding="utf-8")
    assert recorded == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_pass_changes_a_value(path: Path) -> None:
    program = load(source(path))
    data = data_for(program)
    meant = values_of(program, data, program.outputs)
    for name, run in PIPELINE:
        program = run(program)
        verify(program, name)
        assert_same(meant, values_of(program, data, program.outputs), f"{name_of(path)} after {name}")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_second_run_changes_nothing(path: Path) -> None:
    program = load(source(path))
    for name, run in PIPELINE:
        program = run(program)
        assert show(run(program)) == show(program), f"{name} is not settled"


def test_every_pass_has_a_golden() -> None:
    assert {path.parent.name for path in FILES} == set(NAMES)


def test_an_unknown_stage_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        optimise(load("input X[i]\nY[i] = X[i]\n"), until="nothing")
