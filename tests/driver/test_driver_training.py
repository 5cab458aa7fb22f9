"""``minimize`` through the driver: batches, what they cut, updates, checkpoints, blame."""

from __future__ import annotations

import pytest
import torch

from tensorlang import driver
from tensorlang.diagnostics import RunError
from tensorlang.options import Options
from tensorlang.report import Silent
from tensorlang.source import Source


class Heard(Silent):
    def __init__(self):
        self.steps = []

    def progress(self, loss, step, steps, numbers):
        self.steps.append((loss, step, steps, dict(numbers)))


def run(text, inputs=None, reporter=None, **options):
    return driver.run(Source("p.tl", text), Options(**options), None, inputs, reporter).outputs


LINE = """
input X[n,i], T[n]
dim i = 3
param W[i] ~ zeros(), B ~ zeros()
Y[n] = W[i] X[n,i] + B
Loss = mean[n]((Y[n] - T[n])^2)
minimize Loss with adam(lr=0.05), epochs=60, batch=(n, 16)
Loss?
W?
B?
"""


@pytest.fixture
def line():
    x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    return {"X": x, "T": x @ torch.tensor([1.0, -2.0, 0.5]) + 3}


def test_minibatches_of_inputs(line):
    heard = Heard()
    found = run(LINE, line, heard)
    assert found["Loss"].item() < 1e-3
    torch.testing.assert_close(found["W"], torch.tensor([1.0, -2.0, 0.5]), atol=0.05, rtol=0)
    assert heard.steps[-1][:3] == ("Loss", 60 * 7, 60 * 7)


def test_the_seed_decides_the_order_of_batches(line):
    one, two, other = (run(LINE.replace("60", "2"), line, seed=seed)["W"] for seed in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_epochs_from_outside(line):
    heard = Heard()
    run(LINE, line, heard, epochs=1)
    assert heard.steps[-1][1:3] == (7, 7)


def test_quiet_training_says_nothing(line):
    heard = Heard()
    run(LINE, line, heard, quiet=True)
    assert heard.steps == []


def test_a_batch_cuts_every_tensor_that_has_its_rows():
    """Rows of data, of an input, and of a parameter that has one vector for each row."""
    text = """
input A[n,i], T[n]
param E[n,i] ~ zeros()
D[n] = A[n,i] E[n,i]
Loss = mean[n]((D[n] - T[n])^2)
minimize Loss with adam(lr=0.01), epochs=300, batch=(n, 2)
Loss?
"""
    given = {"A": [[1.0, 2], [3, 4], [5, 6], [7, 8]], "T": [1.0, 2.0, 3.0, 4.0]}
    assert run(text, given)["Loss"].item() < 1e-3


def test_a_size_in_the_loss_is_that_of_the_batch():
    """The mean over a batch of two, not a quarter of its sum."""
    text = """
input A[n]
param w ~ zeros()
Loss = sum[n]((w - A[n])^2) / |n|
minimize Loss with sgd(lr=0.25), epochs=1, batch=(n, 2)
w?
"""
    # Each of two steps goes half of the way: 0, 1, 1.5.
    assert run(text, {"A": [2.0, 2.0, 2.0, 2.0]})["w"].item() == pytest.approx(1.5)


def test_over_names_some_parameters():
    text = """
param a ~ zeros(), b ~ zeros()
Loss = (a - 1)^2 + (b - 1)^2
minimize Loss with sgd(lr=0.5), steps=3 over a
a?
b?
"""
    found = run(text)
    assert (found["a"].item(), found["b"].item()) == (1, 0)


def test_buffers_are_updated_after_each_step():
    text = """
param w ~ zeros()
buffer count ~ zeros()
Loss = (w - 1)^2
update count = count + 1
minimize Loss with sgd(lr=0.1), steps=5
count?
"""
    assert run(text)["count"].item() == 5


def test_blame_names_the_first_equation_that_is_not_finite():
    text = """
param w ~ const(-1)
Inner = log(w)
Outer = 2 Inner
Loss = Outer^2
minimize Loss with sgd(lr=0.1), steps=5
"""
    with pytest.raises(RunError) as caught:
        run(text)
    (problem,) = caught.value.diagnostics
    assert problem.code == "E0806"
    assert "`Inner`, line 3: Inner = log(w)" in problem.notes[0]


RECURRENT = {
    "a recurrence": (
        "H[t] = 0.5 H[t-1] + log(X[t] w)\nLoss = H[-1]^2\n",
        "`H` at position 2 of `t`, line 3: H[t] = 0.5 H[t-1] + log(X[t] w)",
    ),
    "the tensor that is not finite first": (
        "H[t] = exp(G[t]) w\nG[t] = H[t-1] - log(X[t])\nLoss = H[-1] + G[-1]\n",
        "`G` at position 2 of `t`, line 4: G[t] = H[t-1] - log(X[t])",
    ),
    "backwards": (
        "H[t] = 0.5 H[t+1] + log(X[t] w)\nLoss = H[0]^2\n",
        "`H` at position 4 of `t`, line 3: H[t] = 0.5 H[t+1] + log(X[t] w)",
    ),
    "one position kept": (
        "H[*t+1] = 0.5 H[*t] + log(X[t] w)\nLoss = H[-1]^2\n",
        "`H` at position 3 of `t`, line 3: H[*t+1] = 0.5 H[*t] + log(X[t] w)",
    ),
    "behind another one": (
        "G[t] = 0.5 G[t-1] + log(X[t] w)\nH[t] = H[t-1] + G[t]\nLoss = H[-1]^2\n",
        "`G` at position 2 of `t`, line 3: G[t] = 0.5 G[t-1] + log(X[t] w)",
    ),
    "before a recurrence": (
        "A[t] = log(X[t] w)\nH[t] = 0.5 H[t-1] + A[t]\nLoss = H[-1]^2\n",
        "`A`, line 3: A[t] = log(X[t] w)",
    ),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_blame_names_the_position_of_a_recurrence(name):
    text, wanted = RECURRENT[name]
    with pytest.raises(RunError) as caught:
        run(f"X = [1, 2, 0, 1, 0, 3]\nparam w ~ const(1)\n{text}minimize Loss with sgd(lr=0.1), steps=5\n")
    (problem,) = caught.value.diagnostics
    assert problem.code == "E0806"
    assert problem.notes == (f"the first value that is not finite is in {wanted}",)


def test_blame_of_a_derivative_that_is_not_finite():
    text = "X = [1, 2, 0]\nparam w ~ const(1)\nH[t] = tanh(H[t-1] + log(X[t]) w)\nLoss = H[-1]^2\n"
    with pytest.raises(RunError) as caught:
        run(f"{text}minimize Loss with sgd(lr=0.1), steps=5\n")
    (problem,) = caught.value.diagnostics
    assert problem.code == "E0807"
    assert problem.notes == ()  # all values are finite, but for the logarithm inside the equation


def test_a_checkpoint_goes_on_where_it_stopped(tmp_path, line):
    kept = str(tmp_path / "state.safetensors")
    run(LINE, line, epochs=3, checkpoint=kept)
    continued = run(LINE, line, epochs=5, resume=kept)
    whole = run(LINE, line, epochs=5)
    assert torch.equal(continued["W"], whole["W"])


def test_a_loss_without_parameters():
    with pytest.raises(RunError, match="E0805"):
        run("A = [1.0, 2.0]\nLoss = A[i]^2\nminimize Loss with sgd(), steps=1")


def test_random_functions_are_drawn_anew_at_each_step():
    text = """
dim n = 4
Z = [0.0, 0.0, 0.0, 0.0]
param w ~ zeros()
Loss = mean[n]((w - normal(Z[n]))^2)
minimize Loss with sgd(lr=0.5), steps=4
w?
"""
    assert run(text)["w"].item() == run(text)["w"].item()
    assert run(text)["w"].item() != run(text, seed=1)["w"].item()


def test_lbfgs_and_muon():
    for method in ("lbfgs()", "muon(lr=0.1)"):
        text = f"""
dim i = 3
param W[i,i'] ~ zeros()
Loss = sum[i,i']((W[i,i'] - (i == i'))^2)
minimize Loss with {method}, steps=60
Loss?
"""
        assert run(text)["Loss"].item() < 0.1
