"""What cannot be learned is told before the first step, what goes wrong later leaves the parameters as they were."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tensorlang.diagnostics import RunError
from tensorlang.learn import METHODS, SCHEDULE, Training, check_learning, train
from tensorlang.source import Source, Span

Golden = Callable[[str, str], None]


def span(text: str) -> Span:
    return Span(Source("program.tl", text), 0, len(text))


def message(**settings: object) -> str:
    weight = nn.Parameter(torch.ones(3))
    written = str(settings.pop("written", "minimize Loss with adam()"))
    full = {"parameters": {"W": weight}, "loss": lambda rows: weight.square().sum(), "span": span(written), **settings}
    with pytest.raises(RunError) as caught:
        train(Training(**full))  # type: ignore[arg-type]
    return str(caught.value)


def test_settings(golden: Golden) -> None:
    cases: list[dict[str, object]] = [
        {"method": "adm"},
        {"method": "rprop"},
        {"options": {"learning_rate": 0.1}},
        {"options": {"momentum": 0.1}},
        {"options": {"epochs": 3}},
        {"schedule": {"lr": 0.1}},
        {"options": {"lr": 0}},
        {"options": {"lr": -1}},
        {"options": {"lr": float("nan")}},
        {"options": {"lr": float("inf")}},
        {"options": {"beta1": 1}},
        {"options": {"eps": -1e-8}},
        {"options": {"amsgrad": 2}},
        {"method": "lbfgs", "options": {"max_iter": 2.5}},
        {"method": "sgd", "options": {"nesterov": 1}},
        {"method": "sgd", "options": {"nesterov": 1, "momentum": 0.9, "dampening": 0.5}},
        {"schedule": {"epoch": 3}},
        {"schedule": {"epochs": -1}},
        {"schedule": {"epochs": 1.5}},
        {"schedule": {"epochs": 3, "steps": 4}},
        {"schedule": {"decay": 2}},
        {"batch": 0, "rows": 10},
        {"batch": 4, "rows": 0},
        {"parameters": {}},
    ]
    golden("settings.txt", "\n\n".join(message(**case) for case in cases) + "\n")


def test_losses(golden: Golden) -> None:
    weight = nn.Parameter(torch.ones(3))
    complex_weight = nn.Parameter(torch.ones(3, dtype=torch.complex64))
    losses: list[Callable[[Tensor | None], Tensor]] = [
        lambda rows: weight.square(),
        lambda rows: weight.square()[:, None] * torch.ones(4),
        lambda rows: complex_weight.sum(),
        lambda rows: torch.tensor(1.0),
        lambda rows: (weight > 0).sum(),
        lambda rows: nn.Parameter(torch.ones(())) * 2,
    ]
    golden("losses.txt", "\n\n".join(message(loss=loss) for loss in losses) + "\n")


def failing(
    at: int, spoil: Callable[[Tensor], Tensor]
) -> tuple[dict[str, nn.Parameter], Callable[[Tensor | None], Tensor]]:
    """A loss that goes wrong at its ``at``-th evaluation."""
    params = {"A": nn.Parameter(torch.ones(2)), "B": nn.Parameter(torch.ones(2))}
    count = [0]

    def loss(rows: Tensor | None) -> Tensor:
        count[0] += 1
        total = (params["A"] - 3).square().sum() + params["B"].square().sum()
        return spoil(total) if count[0] == at else total

    return params, loss


SPOILT: dict[str, Callable[[Tensor], Tensor]] = {
    "nan": lambda total: total * float("nan"),
    "infinite": lambda total: total * float("inf"),
    "minus_infinity": lambda total: total * float("-inf"),
    "steep": lambda total: total + (total * 0).sqrt(),
}


def test_losses_that_are_not_finite(golden: Golden) -> None:
    drawn = []
    for spoil in SPOILT.values():
        params, loss = failing(3, spoil)
        drawn.append(message(parameters=params, loss=loss, blame=lambda: "`P[n] = log(Q[n])`, program.tl:4"))
    params, loss = failing(3, SPOILT["nan"])
    drawn.append(message(parameters=params, loss=loss, blame=lambda: None))
    golden("not_finite.txt", "\n\n".join(drawn) + "\n")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", SPOILT)
def test_parameters_are_as_before_the_bad_step(method: str, how: str) -> None:
    # Two good steps; in a method that searches, the fault lies within the first of its steps.
    straight, good = failing(0, SPOILT[how])
    if method != "lbfgs":
        train(Training(straight, good, method=method, schedule={"steps": 2}))
    params, loss = failing(3, SPOILT[how])
    with pytest.raises(RunError, match=r"E0806|E0807"):
        train(Training(params, loss, method=method, schedule={"steps": 9}))
    assert all(torch.equal(params[name], straight[name]) for name in params)
    assert all(parameter.grad is None for parameter in params.values())


def test_the_end_of_the_time(golden: Golden) -> None:
    golden("out_of_time.txt", message(seconds=1e-9) + "\n")


def test_gradients_too_large_to_add_up() -> None:
    weight = nn.Parameter(torch.ones(2))
    with pytest.raises(RunError, match=r"E0807.*too large to measure"):
        train(Training({"W": weight}, lambda rows: (weight * 1e30).sum()))
    assert weight.tolist() == [1, 1]


def test_every_setting_is_taken() -> None:
    for method, settings in METHODS.items():
        for setting in settings:
            wanted = {setting.name: setting.default} | ({"momentum": 0.5} if setting.name == "nesterov" else {})
            assert check_learning(method, wanted, {}, None, None)[0][setting.name] == setting.default
    assert check_learning("adam", {}, {"epochs": 3}, 8, None)[1] == {
        **{setting.name: setting.default for setting in SCHEDULE},
        "epochs": 3,
    }


def test_checking_imports_no_torch() -> None:
    script = (
        "import sys, tensorlang.learn as learn; learn.check_learning('adam', {}, {}, None, None); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy"} & {name.partition(".")[0] for name in ran.stdout.split()}
