"""Fixed points that are not reached say so: at run time, in the program's words, with a code and what to try."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tensorlang as tl
from tensorlang import driver
from tensorlang.backends.torch_module import build
from tensorlang.codes.fixpoints import CODES
from tensorlang.diagnostics import RunError, render
from tensorlang.options import Options
from tensorlang.report import Silent
from tensorlang.source import Source
from tensorlang.stages import check, planned
from tensorlang.unsettled import Unsettled

SNAPSHOTS = Path(__file__).parent / "snapshots"


class Heard(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def told(text):
    """What a run says is wrong: errors and warnings, drawn."""
    heard = Heard()
    try:
        driver.run(Source("example.tl", text), Options(), None, None, heard)
    except RunError as problem:
        return [render(problem.diagnostics)]
    return heard.notes


def kept(name, text, request):
    path = SNAPSHOTS / f"{name}.txt"
    if request.config.getoption("--update"):
        path.write_text(text + "\n")
    assert text + "\n" == path.read_text()


@pytest.mark.parametrize("code", [code for code in CODES if code.example], ids=lambda code: code.code)
def test_example_meets_its_error_when_it_runs(code, request):
    (text,) = told(code.example)
    assert f"[{code.code}]" in text
    kept(code.code, text, request)


@pytest.mark.parametrize("code", [code for code in CODES if code.example], ids=lambda code: code.code)
def test_mended_example_runs(code):
    assert told(code.instead) == []


CASES = {
    "leads_away": "X = [1.0]\nfixpoint Z method plain max 30\nZ[i] = X[i] - 1.5 Z[i]\nZ?\n",
    "rises_for_ever": "W = [[0, 1], [1, 0]]\nD[i,k] max= W[i,k]\nfixpoint D max 50\nD[i,k] max= D[i,j] + W[j,k]\nD?\n",
    "infinities_meet": "W = [[inf, -inf], [1, 0]]\nD[i,k] min= W[i,k]\nD[i,k] min= D[i,j] + W[j,k]\nD?\n",
}


@pytest.mark.parametrize("name", CASES)
def test_other_ways_not_to_end(name, request):
    (text,) = told(CASES[name])
    kept(f"unsettled_{name}", text, request)


def test_divergence_is_told_at_once_not_after_all_steps():
    (text,) = told("X = [1.0]\nfixpoint Z max 10000000 method plain\nZ[i] = 10 Z[i] + X[i]\nZ?\n")
    assert "E0531" in text
    assert "40 steps" in text  # 10^39 is beyond float32


ROTATION = """
input X[i]
dim i = 2
fixpoint Z max 60 tol 1e-9 method {method} otherwise {otherwise}
Z[i] = R[i,j] Z[j] + X[i]
param R[i,j]
Loss = Z[i]^2
"""


def rotation(method, otherwise):
    """Equations whose step turns by a right angle: found by chance from the right start, but nothing dies out."""
    program = tl.compile(ROTATION.format(method=method, otherwise=otherwise), dtype="float64")
    with torch.no_grad():
        program(X=torch.zeros(2, dtype=torch.float64))
        program.R.copy_(torch.tensor([[0.0, -1.0], [1.0, 0.0]]))
    return program


def test_a_gradient_that_does_not_settle_is_an_error_of_its_own(request):
    text = (
        "X = [0.0, 0]\nparam R[i,j] ~ eye()\nfixpoint Z method plain\nZ[i] = -R[i,j] Z[j] + X[i]\nLoss = (Z[i] - 1)^2\n"
    )
    (found,) = told(text + "minimize Loss with sgd(lr=0.1), steps=1\n")
    kept("E0533", found, request)


def test_anderson_finds_what_plain_steps_circle_around():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    z = rotation("anderson", "error").evaluate("Z", X=x)["Z"]
    torch.testing.assert_close(z, torch.tensor([-0.5, 1.5], dtype=torch.float64))
    with pytest.raises(RunError, match="E0530"):
        rotation("plain", "error").evaluate("Z", X=x)


def test_callers_from_python_get_a_warning():
    with pytest.warns(Unsettled, match="W0530"):
        rotation("plain", "warn").evaluate("Z", X=torch.tensor([1.0, 2.0], dtype=torch.float64))


def test_scripts_raise_too():
    checked = check(Source("p.tl", ROTATION.format(method="plain", otherwise="error")), Options())
    made = build(planned(checked.correct(), ("Z",)))
    script = torch.jit.script(made.model({"R": torch.tensor([[0.0, -1.0], [1.0, 0.0]])}))
    with pytest.raises(torch.jit.Error, match="fixpoint did not settle: in step 60"):
        script(torch.tensor([1.0, 2.0]))
