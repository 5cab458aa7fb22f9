"""Going on from a checkpoint is as if training had never stopped, bit for bit; any other checkpoint changes nothing."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tensorlang.data import Access, read_tensors, write_tensors
from tensorlang.diagnostics import RunError
from tensorlang.learn import METHODS, Snapshot, Training, train
from tensorlang.source import Source, Span

Golden = Callable[[str, str], None]
FILE = "state.safetensors"


class Net:
    """A small network with dropout (torch's own generator), noise (one that is given) and a running mean (a buffer)."""

    def __init__(self, width: int = 8) -> None:
        torch.manual_seed(3)
        self.inputs, self.targets = torch.randn(50, 4), torch.randn(50, 2)
        self.params = {
            "A": nn.Parameter(torch.randn(4, width)),
            "B": nn.Parameter(torch.randn(width, 2)),
            "c": nn.Parameter(torch.zeros(2)),
        }
        self.mean = torch.zeros(2)
        self.noise = torch.Generator().manual_seed(5)

    def loss(self, rows: Tensor | None) -> Tensor:
        x, y = (self.inputs, self.targets) if rows is None else (self.inputs[rows], self.targets[rows])
        hidden = torch.dropout(torch.tanh(x @ self.params["A"]), 0.2, True)
        found = hidden @ self.params["B"] + self.params["c"]
        return (found + 0.1 * torch.randn(found.shape, generator=self.noise) - y).square().mean()

    def update(self) -> None:
        self.mean.mul_(0.9).add_(self.params["c"], alpha=0.1)

    def job(self, **settings: object) -> Training:
        full = {
            "rows": 50,
            "batch": 16,
            "after_step": self.update,
            "buffers": {"mean": self.mean},
            "generators": {"noise": self.noise},
            **settings,
        }
        return Training(self.params, self.loss, **full)  # type: ignore[arg-type]

    def same(self, other: Net) -> bool:
        params = all(torch.equal(self.params[name], other.params[name]) for name in self.params)
        return params and torch.equal(self.mean, other.mean)


def keeper(access: Access) -> Callable[[Snapshot], None]:
    return lambda snapshot: write_tensors(access, FILE, snapshot.tensors, snapshot.stamp, None)


def kept(access: Access) -> Snapshot:
    return Snapshot(*read_tensors(access, FILE, None))


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(str(tmp_path))


def settings_of(method: str) -> dict[str, object]:
    options = {"momentum": 0.9} if method == "sgd" else {"history_size": 3} if method == "lbfgs" else {}
    return {"method": method, "options": options}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "first", [{"epochs": 2}, {"steps": 5}, {"steps": 0}], ids=["between epochs", "within one", "at once"]
)
def test_two_halves_are_the_whole(access: Access, method: str, first: dict[str, float]) -> None:
    straight, before, after = Net(), Net(), Net()
    torch.manual_seed(9)
    whole = train(straight.job(**settings_of(method), schedule={"epochs": 4}))
    torch.manual_seed(9)
    train(before.job(**settings_of(method), schedule=first, checkpoint=keeper(access)))
    torch.manual_seed(77)
    after.noise.manual_seed(78)
    curve = train(after.job(**settings_of(method), schedule={"epochs": 4}, seed=12, resume=kept(access)))
    assert after.same(straight)
    assert curve.every_step == whole.every_step
    assert curve.losses == whole.losses


def test_an_interrupted_training_goes_on_with_its_schedule(access: Access) -> None:
    straight, stopped, after = Net(), Net(), Net()
    schedule = {"epochs": 5, "warmup": 3, "decay": 0.1, "clip": 1}
    torch.manual_seed(9)
    whole = train(straight.job(schedule=schedule))
    torch.manual_seed(9)
    count = [0]

    def update() -> None:
        stopped.update()
        count[0] += 1
        if count[0] == 7:
            signal.raise_signal(signal.SIGINT)

    assert train(stopped.job(schedule=schedule, checkpoint=keeper(access), after_step=update)).interrupted
    assert train(after.job(schedule=schedule, resume=kept(access))).losses == whole.losses
    assert after.same(straight)


def test_checkpoints_along_the_way(access: Access) -> None:
    kept_steps: list[int] = []
    net = Net()

    def keep(snapshot: Snapshot) -> None:
        kept_steps.append(len(snapshot.tensors["course.every_step"]))

    train(net.job(schedule={"epochs": 2}, checkpoint=keep, every=0))
    assert kept_steps == [1, 2, 3, 4, 5, 6, 7, 8, 8]
    kept_steps.clear()
    train(Net().job(schedule={"epochs": 2}, checkpoint=keep))
    assert kept_steps == [8]


def test_a_snapshot_is_a_copy() -> None:
    net, snapshots = Net(), []
    train(net.job(schedule={"epochs": 1}, checkpoint=snapshots.append))
    old = {name: tensor.clone() for name, tensor in snapshots[0].tensors.items()}
    for _ in range(2):
        again = Net()
        train(again.job(schedule={"epochs": 3}, resume=snapshots[0]))
        assert all(torch.equal(tensor, old[name]) for name, tensor in snapshots[0].tensors.items())


def test_the_history_of_a_search_may_change(access: Access) -> None:
    train(
        Net().job(
            method="lbfgs", batch=None, options={"history_size": 5}, schedule={"epochs": 3}, checkpoint=keeper(access)
        )
    )
    for history in (2, 9):
        settings = {"method": "lbfgs", "batch": None, "options": {"history_size": history}}
        assert train(Net().job(**settings, schedule={"epochs": 6}, resume=kept(access))).steps == 6


def test_a_finished_training_stays_finished(access: Access) -> None:
    net, again = Net(), Net()
    whole = train(net.job(schedule={"epochs": 2}, checkpoint=keeper(access)))
    curve = train(again.job(schedule={"epochs": 2}, resume=kept(access)))
    assert again.same(net)
    assert (curve.losses, curve.steps) == (whole.losses, whole.steps)


def test_a_checkpoint_holds_no_code_and_no_paths(access: Access, tmp_path: Path) -> None:
    train(Net().job(schedule={"epochs": 1}, checkpoint=keeper(access)))
    raw = (tmp_path / FILE).read_bytes()
    assert str(tmp_path).encode() not in raw
    assert b"pickle" not in raw
    assert set(kept(access).stamp) == {"format", "version", "method", "rows", "batch", "in_epoch", "optimiser"}


def resumed(snapshot: Snapshot, net: Net | None = None, **settings: object) -> str:
    """The message of a training that must not resume, after a look that nothing has changed."""
    net = net or Net()
    before = {name: parameter.detach().clone() for name, parameter in net.params.items()}
    state, noise = torch.get_rng_state(), net.noise.get_state()
    text = "minimize Loss with adam(), epochs=4"
    place = Span(Source("program.tl", text), 0, len(text))
    with pytest.raises(RunError) as caught:
        train(net.job(schedule={"epochs": 4}, resume=snapshot, span=place, **settings))
    assert all(torch.equal(net.params[name], before[name]) for name in before)
    assert torch.equal(net.mean, torch.zeros(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(net.noise.get_state(), noise)
    return str(caught.value)


def test_checkpoints_of_other_trainings(golden: Golden) -> None:
    snapshots: list[Snapshot] = []
    train(Net().job(schedule={"epochs": 1}, checkpoint=snapshots.append))
    good = snapshots[0]
    without = {name: tensor for name, tensor in good.tensors.items() if name != "buffer.mean"}
    drawn = [
        resumed(Snapshot({}, {})),
        resumed(Snapshot(good.tensors, {**good.stamp, "version": "2"})),
        resumed(good, method="sgd"),
        resumed(good, batch=8),
        resumed(good, batch=None),
        resumed(good, rows=40),
        resumed(good, Net(width=9)),
        resumed(Snapshot({**without, "parameter.D": torch.ones(1)}, good.stamp)),
        resumed(Snapshot({**good.tensors, "parameter.c": torch.zeros(2, dtype=torch.float64)}, good.stamp)),
        resumed(Snapshot({n: t for n, t in good.tensors.items() if n != "random.order"}, good.stamp)),
    ]
    golden("checkpoints.txt", "\n\n".join(drawn) + "\n")


@pytest.mark.parametrize("method", METHODS)
def test_spoilt_checkpoints_change_nothing(method: str) -> None:
    """Any part of a checkpoint may be missing, of another shape or kind, or say something else."""
    snapshots: list[Snapshot] = []
    train(Net().job(**settings_of(method), schedule={"steps": 5}, checkpoint=snapshots.append))
    good = snapshots[0]
    chance = random.Random(method)
    spoilt: list[Snapshot] = []
    for name, tensor in good.tensors.items():
        others = [tensor[None], tensor.to(torch.int32), torch.zeros(3), torch.zeros(9, dtype=torch.uint8), None]
        for other in others:
            changed = {n: (other if n == name else t) for n, t in good.tensors.items()}
            spoilt.append(Snapshot({n: t for n, t in changed.items() if t is not None}, good.stamp))
    for name in good.stamp:
        for word in ("", "-1", "99", "[]", "{}", "[[1]]", '{"keys": [0], "values": 3}', "[" * 9999):
            spoilt.append(Snapshot(good.tensors, {**good.stamp, name: word}))
    tree = json.dumps(json.loads(good.stamp["optimiser"]))
    for _ in range(60):
        at = chance.randrange(len(tree))
        spoilt.append(
            Snapshot(good.tensors, {**good.stamp, "optimiser": tree[:at] + chance.choice('[]{}0,"x') + tree[at + 1 :]})
        )
    for snapshot in spoilt:
        net = Net()
        before = {name: parameter.detach().clone() for name, parameter in net.params.items()}
        try:
            train(net.job(**settings_of(method), schedule={"steps": 7}, resume=snapshot))
        except RunError:
            assert all(torch.equal(net.params[name], before[name]) for name in before)
