"""Training: each method learns, batches are what they should be, and it stops when it is told to."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Mapping
from itertools import chain, pairwise

import pytest
import torch
from torch import Tensor, nn

from tensorlang.diagnostics import RunError
from tensorlang.learn import Training, train

FULL = {"lbfgs"}
RATES: dict[str, dict[str, float]] = {
    "adam": {"lr": 0.05},
    "adamw": {"lr": 0.05},
    "sgd": {"lr": 0.1, "momentum": 0.9, "nesterov": 1},
    "lbfgs": {},
    "muon": {"lr": 0.2, "weight_decay": 0},
}


def fit(method: str = "adam", dtype: torch.dtype = torch.float32, **settings: object) -> Training:
    """Fit a line through 100 points that lie on one."""
    torch.manual_seed(0)
    inputs = torch.randn(100, 5, dtype=dtype)
    targets = inputs @ torch.randn(5, 2, dtype=dtype) + 0.5
    params = {"W": nn.Parameter(torch.randn(5, 2, dtype=dtype)), "b": nn.Parameter(torch.zeros(2, dtype=dtype))}

    def loss(rows: Tensor | None) -> Tensor:
        x, y = (inputs, targets) if rows is None else (inputs[rows], targets[rows])
        return (x @ params["W"] + params["b"] - y).abs().square().mean()

    settings = {"options": RATES[method], "rows": 100, "batch": None if method in FULL else 16, **settings}
    return Training(params, loss, method=method, **settings)  # type: ignore[arg-type]


class Notes:
    """A watch that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int, dict[str, float]]] = []

    def progress(self, loss: str, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        self.told.append((loss, step, steps, dict(numbers)))


@pytest.mark.parametrize("method", RATES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64], ids=str)
def test_every_method_learns(method: str, dtype: torch.dtype) -> None:
    curve = train(fit(method, dtype, schedule={"epochs": 40, "decay": 0.05}))
    assert curve.losses[-1] < 0.05 * curve.losses[0]
    assert len(curve.losses) == 40
    assert curve.steps == len(curve.every_step) == (40 if method in FULL else 40 * 7)


@pytest.mark.parametrize("method", RATES)
def test_one_step_is_that_of_torch(method: str) -> None:
    """Against torch's optimiser used by hand, two steps on the whole data."""
    by_hand = {
        "adam": lambda p: [torch.optim.Adam(p, 0.05)],
        "adamw": lambda p: [torch.optim.AdamW(p, 0.05)],
        "sgd": lambda p: [torch.optim.SGD(p, 0.1, 0.9, nesterov=True)],
        "lbfgs": lambda p: [torch.optim.LBFGS(p, line_search_fn="strong_wolfe")],
        "muon": lambda p: [
            torch.optim.Muon(p[:1], 0.2, weight_decay=0, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(p[1:], 0.2, eps=1e-7, weight_decay=0),
        ],
    }
    ours, theirs = fit(method, batch=None, schedule={"steps": 2}), fit(method)
    train(ours)
    params = list(theirs.parameters.values())
    optimisers = by_hand[method](params)

    def closure() -> Tensor:
        for optimiser in optimisers:
            optimiser.zero_grad()
        value = theirs.loss(None)
        value.backward()
        return value

    for _ in range(2):
        closure()
        for optimiser in optimisers:
            optimiser.step(closure if method == "lbfgs" else None)
    for name, parameter in theirs.parameters.items():
        assert torch.allclose(parameter, ours.parameters[name], atol=1e-6)


def test_batches_cover_each_row_once_in_an_order_of_the_seed() -> None:
    def orders(seed: int) -> list[list[int]]:
        weight = nn.Parameter(torch.ones(()))
        seen: list[list[int]] = []

        def loss(rows: Tensor | None) -> Tensor:
            assert rows is not None
            seen.append(rows.tolist())
            return weight * weight

        train(Training({"w": weight}, loss, rows=10, batch=4, seed=seed, schedule={"epochs": 2}))
        return seen

    first = orders(1)
    assert [len(rows) for rows in first] == [4, 4, 2, 4, 4, 2]
    assert sorted(chain(*first[:3])) == sorted(chain(*first[3:])) == list(range(10))
    assert first[:3] != first[3:]
    assert orders(1) == first
    assert orders(2) != first


def test_full_batches_and_batches_larger_than_the_data() -> None:
    seen: list[Tensor | None] = []
    weight = nn.Parameter(torch.ones(()))

    def loss(rows: Tensor | None) -> Tensor:
        seen.append(rows)
        return weight * weight

    train(Training({"w": weight}, loss, rows=10, schedule={"epochs": 2}))
    assert seen == [None, None]
    seen.clear()
    train(Training({"w": weight}, loss, rows=3, batch=64, schedule={"epochs": 2}))
    assert [sorted(rows.tolist()) for rows in seen if rows is not None] == [[0, 1, 2]] * 2


def test_steps_instead_of_epochs() -> None:
    curve = train(fit(schedule={"steps": 10}))
    assert curve.steps == 10
    assert len(curve.losses) == 2
    assert curve.losses[1] == pytest.approx(sum(curve.every_step[7:]) / 3)
    assert train(fit(schedule={"epochs": 0})).losses == ()


def test_the_same_seed_gives_the_same_training() -> None:
    first, second = fit(schedule={"epochs": 3}), fit(schedule={"epochs": 3})
    assert train(first).every_step == train(second).every_step
    assert all(torch.equal(first.parameters[n], second.parameters[n]) for n in first.parameters)


def rates_of(schedule: dict[str, float], steps: int) -> list[float]:
    """The learning rates of a training, read off plain gradient descent on a slope of one."""
    weight = nn.Parameter(torch.zeros((), dtype=torch.float64))
    places = [0.0]

    def note() -> None:
        places.append(float(weight))

    full = {"steps": steps, **schedule}
    train(
        Training(
            {"w": weight}, lambda rows: weight * 1, method="sgd", options={"lr": 1}, schedule=full, after_step=note
        )
    )
    return [before - after for before, after in pairwise(places)]


def test_the_rate_rises_and_falls() -> None:
    assert rates_of({}, 3) == [1, 1, 1]
    assert rates_of({"warmup": 4}, 6) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    falling = rates_of({"decay": 0.1}, 10)
    assert falling == pytest.approx([0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * k / 10)) for k in range(10)])
    both = rates_of({"warmup": 2, "decay": 0}, 8)
    assert both == pytest.approx([0.5, 1, 1, *(0.5 * (1 + math.cos(math.pi * k / 6)) for k in range(1, 6))])


def test_gradients_are_scaled_to_a_norm() -> None:
    weight = nn.Parameter(torch.zeros(2))
    job = Training(
        {"w": weight},
        lambda rows: 3 * weight[0] + 4 * weight[1],
        method="sgd",
        options={"lr": 1},
        schedule={"steps": 1, "clip": 1},
    )
    train(job)
    assert weight.tolist() == pytest.approx([-0.6, -0.8], abs=1e-5)


def test_only_the_parameters_given_change() -> None:
    job = fit(schedule={"epochs": 1})
    other = nn.Parameter(torch.ones(2))
    fixed = job.parameters["b"].detach().clone()
    only = Training({"W": job.parameters["W"]}, lambda rows: job.loss(rows) + other.sum(), rows=100, batch=16)
    train(only)
    assert torch.equal(job.parameters["b"], fixed)
    assert job.parameters["b"].grad is other.grad is job.parameters["W"].grad is None


def test_an_unused_parameter_stays_as_it_is() -> None:
    job = fit(schedule={"epochs": 1})
    unused = nn.Parameter(torch.ones(3))
    train(Training({**job.parameters, "U": unused}, job.loss, rows=100, batch=16, options={"weight_decay": 0.5}))
    assert unused.tolist() == [1, 1, 1]


def test_training_inside_of_no_grad() -> None:
    with torch.no_grad():
        assert train(fit(schedule={"epochs": 2})).steps == 14


def test_the_watch_is_told() -> None:
    notes = Notes()
    curve = train(fit(schedule={"epochs": 3}, name="Error"), notes)
    loss, step, steps, numbers = notes.told[-1]
    assert (loss, step, steps) == ("Error", 21, 21)
    assert numbers["epoch"] == 3
    assert numbers["loss"] == curve.every_step[-1]
    assert numbers["rate"] > 0
    assert numbers["rows/s"] == pytest.approx(numbers["rate"] * 100 / 7)


def test_the_watch_is_not_told_too_often() -> None:
    notes = Notes()
    curve = train(fit(schedule={"epochs": 60}), notes)
    assert len(notes.told) <= curve.seconds / 0.1 + 2


# --- stopping ------------------------------------------------------------------------------------------------------


def after(calls: int, act: Callable[[], None]) -> Callable[[], None]:
    left = [calls]

    def count() -> None:
        left[0] -= 1
        if left[0] == 0:
            act()

    return count


def test_an_interrupt_keeps_the_parameters() -> None:
    straight = fit(schedule={"steps": 9})
    train(straight)
    job = fit(schedule={"epochs": 50}, after_step=after(9, lambda: signal.raise_signal(signal.SIGINT)))
    curve = train(job)
    assert curve.interrupted
    assert curve.steps == 9
    assert all(torch.equal(job.parameters[n], straight.parameters[n]) for n in job.parameters)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_a_second_interrupt_stops_at_once(method: str) -> None:
    job = fit(method, schedule={"epochs": 50})
    before = {n: p.detach().clone() for n, p in job.parameters.items()}
    inner = job.loss

    def loss(rows: Tensor | None) -> Tensor:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return inner(rows)

    curve = train(Training(job.parameters, loss, method=method))
    assert curve.interrupted
    assert curve.steps == 0
    assert all(torch.equal(job.parameters[n], before[n]) for n in before)


def test_training_in_another_thread() -> None:
    steps: list[int] = []
    worker = threading.Thread(target=lambda: steps.append(train(fit(schedule={"epochs": 2})).steps))
    worker.start()
    worker.join()
    assert steps == [14]


def test_the_end_of_the_time() -> None:
    job = fit(schedule={"epochs": 10**6}, seconds=0.2)
    began = time.monotonic()
    with pytest.raises(RunError, match=r"E0810.*out of time after step \d+ of 7000000"):
        train(job)
    assert time.monotonic() - began < 5
    assert job.loss(None) < 1


def test_buffers_are_updated_after_each_step_without_gradients() -> None:
    buffer = torch.zeros(2)
    job = fit(schedule={"epochs": 1})

    def update() -> None:
        assert not torch.is_grad_enabled()
        buffer.add_(job.parameters["b"])

    train(Training(job.parameters, job.loss, rows=100, batch=16, schedule={"epochs": 1}, after_step=update))
    assert buffer.abs().sum() > 0
    assert not buffer.requires_grad
