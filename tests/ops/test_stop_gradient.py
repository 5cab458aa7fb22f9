"""``stop_gradient``: the value of its argument, a constant to the gradient; no pass reaches through it."""

from __future__ import annotations

import pytest
import torch

import tensorlang as tl
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

# An equation for Y[i] of X[i], and its value and derivative.
CASES = {
    "itself": ("stop_gradient(X[i])", lambda x: x, lambda x: 0 * x),
    "as a factor": ("stop_gradient(X[i]) X[i]", lambda x: x**2, lambda x: x),
    "a difference that is 0": ("X[i] - stop_gradient(X[i])", lambda x: 0 * x, torch.ones_like),
    "a quotient that is 1": ("X[i] / stop_gradient(X[i])", torch.ones_like, lambda x: 1 / x),
    "twice": ("X[i] + stop_gradient(2 stop_gradient(X[i]))", lambda x: 3 * x, torch.ones_like),
    "circular functions": (
        "sin(X[i])^2 + stop_gradient(cos(X[i]))^2", torch.ones_like, lambda x: 2 * torch.sin(x) * torch.cos(x),
    ),
    "exponent and logarithm": ("exp(stop_gradient(log(exp(X[i]))))", torch.exp, lambda x: 0 * x),
    "under another name": ("2 S[i] X[i]\nS[i] = stop_gradient(X[i] + 1)", lambda x: 2 * x * (x + 1),
                           lambda x: 2 * (x + 1)),
    "straight through": (
        "sig(X[i]) + stop_gradient(step(X[i]) - sig(X[i]))", lambda x: (x > 0).float(),
        lambda x: torch.sigmoid(x) * torch.sigmoid(-x),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scripted", [False, True], ids=["eager", "script"])
def test_value_and_gradient(case: str, scripted: bool) -> None:
    equation, value, slope = CASES[case]
    checked = check(Source("test.tl", f"input X[i]\nY[i] = {equation}\noutput Y\n"), Options())
    checked.problems.raise_errors()
    model = build(planned(checked.program, ("Y",))).model({})
    x = torch.tensor([-1.3, -0.2, 0.7, 2.1], requires_grad=True)
    y = (torch.jit.script(model) if scripted else model)(x)
    torch.testing.assert_close(y, value(x.detach()), rtol=0, atol=1e-6)
    (gradient,) = torch.autograd.grad(y.sum() + 0 * x.sum(), x)
    torch.testing.assert_close(gradient, slope(x.detach()), rtol=0, atol=1e-6)


def test_a_recurrence_cut_by_it_has_the_gradient_of_one_step() -> None:
    x, a = torch.tensor([1.0, 2.0, 3.0]), torch.tensor(0.5, requires_grad=True)
    through = tl.function("input A, X[t]\nH[t] = A stop_gradient(H[t-1]) + X[t]\nY = H[-1]\noutput Y")
    (gradient,) = torch.autograd.grad(through(a, x), a)
    assert gradient.item() == 2.5  # H[1] = 0.5 * 1 + 2, taken as a constant


def test_whole_and_complex_numbers_pass_unchanged() -> None:
    assert tl.function("input int K[i]\nY[i] = stop_gradient(K[i])")(torch.tensor([3, -4])).tolist() == [3, -4]
    z = torch.tensor([1 + 2j, -3j], dtype=torch.complex64)
    assert tl.function("input complex K[i]\nY[i] = stop_gradient(K[i])")(z).tolist() == z.tolist()
