"""How a fixed point went, read in equations, queries and modules: the number of steps, and the change in the last."""

from __future__ import annotations

import pytest
import torch

import tensorlang as tl
from tensorlang import driver
from tensorlang.diagnostics import CompileError
from tensorlang.options import Options
from tensorlang.source import Source


def outputs(text):
    results = driver.run(Source("p.tl", text), Options(dtype="float64"), None)
    return {name: value.item() for name, value in results.outputs.items()}


def test_plain_steps_are_counted():
    """From 0 to 2 by halves: the change in step k is 2^-(k-1), relative to values between 1 and 2."""
    found = outputs("fixpoint Z tol 1e-3 method plain\nZ = 0.5 Z + 1\nZ.steps?\nZ.residual?\n")
    assert found["Z.steps"] == 10
    assert found["Z.residual"] == pytest.approx(2**-9 / (2 - 2**-9))


def test_anderson_needs_three_evaluations_for_a_line():
    assert outputs("fixpoint Z tol 1e-9\nZ = 0.9 Z + 1\nZ.steps?\n")["Z.steps"] == 3


def test_steps_of_aggregates_are_the_longest_way_and_one():
    text = "W = [[inf, 1, inf, inf], [inf, inf, 1, inf], [inf, inf, inf, 1], [inf, inf, inf, inf]]\n"
    text += "D[z] min= D[y] + W[y,z]\nD[0] = 0\nMore = D.steps + 1\nMore?\nD.residual?\n"
    assert outputs(text) == {"More": 6, "D.residual": 0}


def test_each_of_several_members_has_them_and_others_are_not_computed():
    text = "input X[i]\nfixpoint Z, V tol 1e-9\nZ[i] = 0.3 V[i] + X[i]\nV[i] = 0.5 sin(Z[i])\noutput V\nN = V.steps\n"
    program = tl.compile(text)
    assert "steps, dtype" not in program.source
    found = program.evaluate(["N", "V"], X=torch.ones(3))
    assert found["N"].dtype == torch.int64
    assert 2 <= int(found["N"]) < 12


def test_a_layer_of_the_library_has_them_too():
    program = tl.compile("import implicit\ninput X[b,i]\nZ = implicit.DEQ(X, h=4)\nN = Z.steps\noutput N\n")
    assert 2 <= int(program(X=torch.ones(2, 3))["N"]) < 60


@pytest.mark.parametrize(
    "text",
    [
        "input X[i]\nZ[i] = 2 X[i]\nN = Z.steps\n",
        "input X[i]\nH[i] = 0.5 H[i-1] + X[i]\nN = H.residual\n",
        "input X[i]\nfixpoint Z\nZ[i] = 0.5 Z[i] + X[i] + A\nA = Z.steps\n",
        "input X[i]\nfixpoint Z\nZ[i] = 0.5 Z[i] + X[i] + Z.residual\n",
    ],
)
def test_elsewhere_they_are_an_error(text):
    with pytest.raises(CompileError, match="E0534"):
        tl.compile(text)
