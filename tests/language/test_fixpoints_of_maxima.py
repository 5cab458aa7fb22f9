"""Fixed points that are declared to settle although ``max=`` or ``min=`` joins them: value iteration, from 0."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tensorlang as tl
from tensorlang import driver
from tensorlang.backends.reference import evaluate
from tensorlang.diagnostics import RunError
from tensorlang.driver import check
from tensorlang.ir.program import Program
from tensorlang.options import Options
from tensorlang.report import Silent
from tensorlang.source import Source

VALUES = "input R[s,a], P[s,a,s']\nfixpoint V {}\nV[s] {}= R[s,a] + 0.9 sum[s'](P[s,a,s'] V[s'])\noutput V\n"


def decision(seed):
    """Rewards below 0, and where each action leads."""
    draw = np.random.default_rng(seed)
    leads = draw.random((4, 3, 4))
    return -draw.random((4, 3)) - 0.5, leads / leads.sum(-1, keepdims=True)


def iterated(rewards, leads, best):
    values = np.zeros(len(rewards))
    for _ in range(500):
        values = best(rewards + 0.9 * leads @ values, axis=1)
    return values


def analysed(text) -> Program:
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    return checked.program


@pytest.mark.parametrize("settings", ["tol 1e-9 max 1000", "method plain tol 1e-10 max 1000"])
@pytest.mark.parametrize(("operator", "best"), [("max", np.max), ("min", np.min)])
def test_value_iteration_settles_from_zero(settings, operator, best):
    rewards, leads = decision(3)
    wanted = iterated(rewards, leads, best)
    text = VALUES.format(settings, operator)
    program = tl.compile(text, dtype="float64")
    given = {"R": torch.tensor(rewards, requires_grad=True), "P": torch.tensor(leads)}
    found = program(**given)["V"]
    np.testing.assert_allclose(found.detach(), wanted, rtol=1e-7)
    (slope,) = torch.autograd.grad(found.sum(), given["R"])
    chosen = leads[np.arange(4), (rewards + 0.9 * leads @ wanted).argmax(1)] if operator == "max" else None
    if chosen is not None:
        visits = np.linalg.solve(np.eye(4) - 0.9 * chosen.T, np.ones(4))
        np.testing.assert_allclose(slope.sum(1), visits, rtol=1e-5)
    plain = analysed(text)
    sizes = {plain.tensors["P"].shape[0].symbol: 4, plain.tensors["P"].shape[1].symbol: 3}
    np.testing.assert_allclose(evaluate(plain, {"R": rewards, "P": leads}, sizes)["V"], wanted, rtol=1e-7)


def test_what_moves_back_may_settle():
    program = tl.compile("input X[i]\nfixpoint D tol 1e-9\nD[i] min= X[i] - 0.5 D[i]\noutput D\n", dtype="float64")
    found = program(X=torch.tensor([3.0, -6], dtype=torch.float64))["D"]
    torch.testing.assert_close(found, torch.tensor([2.0, -4], dtype=torch.float64))


def test_at_each_position_of_a_recurrence():
    text = (
        "input X[t,i]\nfixpoint Z tol 1e-10 max 500\nZ[t,i] max= X[t,i] - 0.5 Z[t,i] + 0.1 H[t-1,i]\nH[t,i] = Z[t,i]\n"
    )
    given = torch.tensor([[-1.0, 2], [3, -4]], dtype=torch.float64)
    found = tl.compile(f"{text}output H\n", dtype="float64")(X=given)["H"]
    first = given[0] / 1.5
    torch.testing.assert_close(found, torch.stack([first, (given[1] + 0.1 * first) / 1.5]))


@pytest.mark.parametrize("settings", ["", "max 12", "otherwise warn", "max 12 otherwise error"])
def test_other_settings_leave_a_circle_that_improves(settings):
    text = f"input W[x,x']\nfixpoint D {settings}\nD[x,z] min= W[x,z]\nD[x,z] min= D[x,y] + W[y,z]\n"
    (fixpoint,) = analysed(text).fixpoints
    assert fixpoint.monotone


def test_truth_values_do_not_settle():
    text = "input W[x,x']\nfixpoint D tol 1e-3\nD(x,z) or= W[x,z] > 0\nD(x,z) or= D(x,y) D(y,z)\n"
    (problem,) = check(Source("test.tl", text), Options()).problems.found
    assert problem.code == "E0521"
    assert "leave out `tol` and `method`" in problem.help[0]


def test_ways_that_lengthen_are_told_to_end_without_a_tolerance():
    text = "W = [[1.0, inf], [inf, 2]]\nfixpoint D tol 1e-3\nD[x,z] min= W[x,z]\nD[x,z] min= D[x,y] + W[y,z]\nD?\n"
    with pytest.raises(RunError) as refused:
        driver.run(Source("test.tl", text), Options(), None, None, Silent())
    (problem,) = refused.value.diagnostics
    assert problem.code == "E0530"
    assert any("leave out `tol` and `method`" in line for line in problem.help)
