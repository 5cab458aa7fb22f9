"""`scan H method parallel`: Newton's method over all positions gives what the loop gives, and its gradient."""

from __future__ import annotations

import warnings

import pytest
import torch

import tensorlang as tl
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned
from tensorlang.unsettled import Unsettled

PROGRAMS = {
    "place by place": ("input X[t,i], A[i]\nH[t,i] = tanh(A[i] H[t-1,i] + X[t,i])", {"X": (50, 3), "A": (3,)}),
    "a network": (
        "input X[b,t,i], W[h,h'], V[h,i]\ndim h = 4\nH[b,t,h] = tanh(W[h,h'] H[b,t-1,h'] + V[h,i] X[b,t,i])",
        {"X": (2, 40, 3), "W": (4, 4), "V": (4, 3)},
    ),
    "backwards": (
        "input X[i,t], W[i,j]\ndim i = 2\nH[i,t] = sin(W[i,i'] H[i',t+1]) + X[i,t]",
        {"X": (2, 30), "W": (2, 2)},
    ),
    "two back": ("input X[t]\nH[t] = sig(H[t-2]) X[t] + X[t-1]", {"X": (31,)}),
    "a start": ("input X[t], S\nH[0] = S\nH[t+1] = H[t] - 0.1 H[t]^3 + X[t] / 9", {"X": (40,), "S": ()}),
    "guarded": ("input X[t]\nH[t] = tanh(H[t-1]) + X[t] where t % 3 != 1", {"X": (30,)}),
    "through another": ("input X[t]\nC[t] = exp(-H[t-1]^2)\nH[t] = 0.5 C[t] + 0.2 X[t] H[t-1]", {"X": (30,)}),
    "two axes mix": (
        "input X[t,i,j], W[i,j]\ndim i = 2, j = 2\nH[t,i,j] = tanh(W[i,i'] H[t-1,i',j'] W[j',j] + X[t,i,j])",
        {"X": (25, 2, 2), "W": (2, 2)},
    ),
    "a layer": (
        "import recurrent\ninput X[b,t,i]\ndim i = 3\nH = recurrent.RNN(X, h=4)",
        {"X": (2, 30, 3)},
    ),
    "one position": ("input X[t]\nH[t] = tanh(H[t-1]) + X[t]", {"X": (1,)}),
}


def run(text, method, values):
    program = tl.compile(f"{text}\nscan H method {method}\noutput H\n", dtype="float64", seed=0)
    leaves = {name: value.clone().requires_grad_() for name, value in values.items()}
    states = program(**leaves)["H"]
    loss = (states * torch.linspace(-1, 1, states.numel(), dtype=torch.float64).reshape(states.shape)).sum()
    every = [*leaves.values(), *program.parameters()]
    return program.source, states, torch.autograd.grad(loss, every, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_the_loop(name):
    text, shapes = PROGRAMS[name]
    torch.manual_seed(1)
    values = {key: torch.randn(shape, dtype=torch.float64) for key, shape in shapes.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source, states, slopes = run(text, "parallel", values)
    assert "newton(" in source
    loop, wanted, others = run(text, "loop", values)
    assert "newton(" not in loop
    torch.testing.assert_close(states, wanted, rtol=1e-6, atol=1e-7)
    for slope, other in zip(slopes, others, strict=True):
        torch.testing.assert_close(slope, other, rtol=1e-5, atol=1e-6)


def test_the_tolerance_is_reached():
    text = "input X[t]\nH[t] = tanh(H[t-1]) + X[t]"
    values = {"X": torch.randn(200, dtype=torch.float64)}
    wanted = run(text, "loop", values)[1]
    assert (run(text, "parallel tol 1e-12", values)[1] - wanted).abs().max() < 1e-12


def test_what_does_not_settle_is_run_as_a_loop():
    text = "dim t = 300\nH[0] = 0.3\nH[t+1] = 3.9 H[t] (1 - H[t])"
    program = tl.compile(f"{text}\nscan H method parallel max 5\n", dtype="float64")
    with pytest.warns(Unsettled, match="W0540"):
        states = program()["H"]
    state = 0.3
    for found in states[:50]:
        assert abs(found - state) < 1e-6
        state = 3.9 * state * (1 - state)


def test_guesses_that_run_away_are_no_solution():
    text = "dim t = 200\nH[0] = 0.3\nH[t+1] = 3.9 H[t] (1 - H[t])\nscan H method parallel\n"
    with pytest.warns(Unsettled, match="W0540"):
        states = tl.compile(text)()["H"]
    assert 0 < states.min() < states.max() < 1


def test_a_script_runs_the_loop():
    text = "input X[t]\nH[t] = tanh(H[t-1]) + X[t]\nscan H method parallel\n"
    program = check(Source("test.tl", text), Options()).correct()
    generated = build(planned(program, ("H",)), dtype="float64")
    x = torch.randn(40, dtype=torch.float64)
    torch.testing.assert_close(torch.jit.script(generated.compute)(x), generated.compute(x), rtol=1e-6, atol=1e-7)


def test_second_derivatives_are_refused():
    program = tl.compile("input X[t]\nH[t] = tanh(H[t-1]) + X[t]\nscan H method parallel\n", dtype="float64")
    x = torch.randn(40, dtype=torch.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(program(X=x)["H"].sum(), x, create_graph=True)


def test_no_positions():
    program = tl.compile("input X[t]\nH[t] = tanh(H[t-1]) + X[t]\nscan H method parallel\n")
    assert program(X=torch.zeros(0))["H"].shape == (0,)


@pytest.mark.parametrize(
    "equation",
    ["H[t] = tanh(H[t-1]) + sin(H[t-2]) + X[t]", "C[t] = H[t-1] + X[t]\nH[t] = tanh(H[t-1] C[t-1]) + X[t]"],
)
def test_other_forms_stay_loops(equation):
    source = tl.compile(f"input X[t]\n{equation}\nscan H method parallel\noutput H\n").source
    assert "newton(" not in source
    assert "one_step" in source
