"""``check`` and ``explain``: stages as text, without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tensorlang import driver
from tensorlang.diagnostics import CompileError, RunError
from tensorlang.limits import Limits
from tensorlang.options import Options
from tensorlang.source import Source

PROGRAM = Source("p.tl", "dim o = 3\ninput X[b,i]\nparam W[o,i]\nY[b,o] = relu(W[o,i] X[b,i])\nS = Y[b,o]\n")


def explain(name=None, stage="program"):
    return driver.explain(PROGRAM, Options(), None, name, stage)


def test_stages_come_in_order():
    names = driver.stages()
    assert names[:2] == ("tree", "program")
    assert names[-2:] == ("plan", "source")
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("stage", driver.stages())
def test_every_stage_prints(stage):
    assert "W" in explain(stage=stage)
    assert explain("Y", stage)


def test_a_name_narrows():
    assert "S =" in explain("S")
    assert "S =" not in explain("Y")
    assert "Equation name=Y" in explain("Y", "tree")
    assert "Equation name=S" not in explain("Y", "tree")


def test_unknown_names_and_stages(golden):
    texts = []
    for name, stage in (("Q", "program"), (None, "sauce"), (None, "nothing at all")):
        with pytest.raises(RunError) as caught:
            explain(name, stage)
        texts.append(str(caught.value).split("  = help: the stages are")[0].rstrip())
    golden("explain.txt", "\n".join(texts) + "\n")


def test_a_wrong_program_is_an_error():
    with pytest.raises(CompileError, match="E0201"):
        driver.explain(Source("p.tl", "Y = Q[i]"), Options())


def test_a_tree_as_deep_as_allowed():
    deep = Source("p.tl", "Y = " + "(" * 900 + "1" + ")" * 900)
    assert "Number" in driver.explain(deep, Options(limits=Limits(nesting=1000)), None, None, "tree")


@pytest.mark.parametrize("stage", ["program", "source"])
def test_explaining_needs_no_torch(tmp_path, stage):
    (tmp_path / "p.tl").write_text(PROGRAM.text)
    script = f"""
import sys
from tensorlang.driver import explain, read_source
from tensorlang.options import Options
assert explain(read_source("p.tl", Options()), Options(), ".", None, {stage!r})
print(sorted({{"torch", "numpy"}} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.strip() == "[]"


def test_check_reports_and_does_not_raise():
    checked = driver.check(Source("p.tl", "Y = Q[i]\nZ = R[i]"), Options())
    assert checked.program is None
    assert [problem.code for problem in checked.problems.errors] == ["E0201", "E0201"]
    broken = driver.check(Source("p.tl", "Y = (1"), Options())
    assert broken.program is None
    assert broken.problems.errors
