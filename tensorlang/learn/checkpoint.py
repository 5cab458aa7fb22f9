"""The state of a training as tensors and a few words, and back: to go on exactly where it stopped.

In: a run between two steps. Out: a ``Snapshot`` with parameters, buffers, the optimiser's state, the random
generators and the course so far. Nothing in it is code. All of a snapshot is checked against the training before
anything changes.
"""

from __future__ import annotations

import json
from array import array
from collections import deque
from collections.abc import Mapping

import torch
from torch import Tensor

from tensorlang.diagnostics import RunError, diagnostic, run_error
from tensorlang.learn.batches import Batches
from tensorlang.learn.job import Curve, Snapshot, Training
from tensorlang.learn.optimisers import Stepper
from tensorlang.records import dataclass, field

_FORMAT, _VERSION = "tensorlang checkpoint", "1"
_DEPTH = 16

# JSON, as far as it is used here.
Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None


@dataclass(slots=True)
class Course:
    """How far training has come: the mean loss of each finished epoch, the loss of each step."""

    losses: array[float] = field(default_factory=lambda: array("d"))
    every_step: array[float] = field(default_factory=lambda: array("d"))
    in_epoch: int = 0

    @property
    def steps(self) -> int:
        return len(self.every_step)

    def add(self, loss: float, length: int) -> None:
        """Enter the loss of a step and, if it is the last of an epoch of this length, the mean of that epoch."""
        self.every_step.append(loss)
        self.in_epoch += 1
        if self.in_epoch == length:
            self.losses.append(sum(self.every_step[-length:]) / length)
            self.in_epoch = 0

    def curve(self, seconds: float, interrupted: bool) -> Curve:
        begun = self.every_step[len(self.every_step) - self.in_epoch :]
        losses = (*self.losses, sum(begun) / len(begun)) if begun else tuple(self.losses)
        return Curve(losses, tuple(self.every_step), self.steps, seconds, interrupted)


def snapshot(job: Training, course: Course, stepper: Stepper, batches: Batches) -> Snapshot:
    """A copy of everything that the next step depends on."""
    tensors: dict[str, Tensor] = {}
    for kind, named in (("parameter", job.parameters), ("buffer", job.buffers)):
        tensors |= {f"{kind}.{name}": tensor.detach().clone() for name, tensor in named.items()}
    tensors |= {f"random.{name}": generator.get_state() for name, generator in _all_generators(job).items()}
    tensors["random.order"] = batches.state(within=course.in_epoch > 0)
    tensors["course.losses"] = torch.tensor(course.losses, dtype=torch.float64)
    tensors["course.every_step"] = torch.tensor(course.every_step, dtype=torch.float64)
    tree = _pack(stepper.state(), "optimiser", tensors)
    stamp = {
        "format": _FORMAT,
        "version": _VERSION,
        "method": job.method,
        "rows": str(job.rows if job.batch else None),
        "batch": str(job.batch),
        "in_epoch": str(course.in_epoch),
        "optimiser": json.dumps(tree),
    }
    return Snapshot(tensors, stamp)


def restore(job: Training, kept: Snapshot, stepper: Stepper, batches: Batches) -> Course:
    """Put everything back as it was; a snapshot of another training is a ``RunError`` before anything changes."""
    if kept.stamp.get("format") != _FORMAT or kept.stamp.get("version") != _VERSION:
        message = "the file is not a checkpoint of a training"
        raise run_error("E0808", message, job.span, help=("resume from a file that `--checkpoint` wrote",))
    _check_same(job, kept)
    try:
        course = _course(kept, batches.number)
        order = _random(kept.tensors["random.order"], torch.Generator())
        state = _unpack(json.loads(kept.stamp["optimiser"]), kept.tensors, 0)
        random = {name: _random(kept.tensors[f"random.{name}"], g) for name, g in _all_generators(job, kept).items()}
        stepper.restore(state if isinstance(state, list) else [])
    except (KeyError, ValueError, TypeError, RuntimeError, RecursionError):
        message = "the checkpoint is damaged: its parts do not fit together"
        raise run_error("E0808", message, job.span, help=("start anew, or resume from an older one",)) from None
    batches.go_back(order)
    for name, generator in _all_generators(job, kept).items():
        generator.set_state(random[name])
    with torch.no_grad():
        for kind, named in (("parameter", job.parameters), ("buffer", job.buffers)):
            for name, tensor in named.items():
                tensor.copy_(kept.tensors[f"{kind}.{name}"])
    return course


# --- is it the same training? --------------------------------------------------------------------------------------


def _check_same(job: Training, kept: Snapshot) -> None:
    notes = []
    here = {"method": job.method, "rows": str(job.rows if job.batch else None), "batch": str(job.batch)}
    for what, value in here.items():
        there = kept.stamp.get(what)
        if there != value:
            notes.append(f"{what} is {_said(value)} here and {_said(there)} in the checkpoint")
    for kind, named in (("parameter", job.parameters), ("buffer", job.buffers)):
        notes += _compare(kind, named, kept)
    if notes:
        shown = notes[:12] + ([f"and {len(notes) - 12} more"] if len(notes) > 12 else [])
        message = "the checkpoint is of another training; nothing was changed"
        raise RunError([diagnostic("E0809", message, job.span, notes=shown)])


def _said(value: str | None) -> str:
    return "not given" if value in (None, "None") else str(value)[:24]


def _compare(kind: str, named: Mapping[str, Tensor], kept: Snapshot) -> list[str]:
    notes = []
    there = {name.removeprefix(f"{kind}."): t for name, t in kept.tensors.items() if name.startswith(f"{kind}.")}
    notes += [f"{kind} `{name}` is not in the checkpoint" for name in named if name not in there]
    notes += [f"{kind} `{name[:40]}` is only in the checkpoint" for name in there if name not in named]
    for name, tensor in named.items():
        if name in there and (there[name].shape, there[name].dtype) != (tensor.shape, tensor.dtype):
            notes.append(f"{kind} `{name}` is {_form(tensor)} here and {_form(there[name])} in the checkpoint")
    return notes


def _form(tensor: Tensor) -> str:
    shape = " x ".join(map(str, tensor.shape)) if tensor.shape else "a single number"
    return f"{shape} ({str(tensor.dtype).removeprefix('torch.')})"


# --- the parts -----------------------------------------------------------------------------------------------------


def _course(kept: Snapshot, length: int) -> Course:
    losses, steps = kept.tensors["course.losses"], kept.tensors["course.every_step"]
    in_epoch = int(kept.stamp["in_epoch"])
    if losses.dtype != torch.float64 or steps.dtype != torch.float64 or losses.ndim != 1 or steps.ndim != 1:
        raise ValueError("not a course")
    if not 0 <= in_epoch < max(length, 1) or len(losses) * length + in_epoch != len(steps):
        raise ValueError("not a course")
    return Course(array("d", losses.tolist()), array("d", steps.tolist()), in_epoch)


def _all_generators(job: Training, kept: Snapshot | None = None) -> dict[str, torch.Generator]:
    """torch's own generators and those that the program brought; with a snapshot, only what it can restore."""
    found = {"torch": torch.default_generator}
    device = next(iter(job.parameters.values())).device
    if device.type == "cuda" and (kept is None or "random.cuda" in kept.tensors):
        found["cuda"] = torch.cuda.default_generators[device.index or 0]
    return found | {f"given.{name}": generator for name, generator in job.generators.items()}


def _random(state: Tensor, like: torch.Generator) -> Tensor:
    """The state of a generator; an error if it is none."""
    state = state.cpu().clone()
    torch.Generator(like.device).set_state(state)
    return state


def _pack(value: object, path: str, tensors: dict[str, Tensor]) -> Tree:
    """A state as JSON, its tensors put aside under the paths that stand for them."""
    if isinstance(value, Tensor):
        tensors[path] = value.detach().clone()
        return {"tensor": path}
    if isinstance(value, Mapping):
        keys: list[Tree] = [key if isinstance(key, int) else str(key) for key in value]
        return {"keys": keys, "values": [_pack(part, f"{path}.{key}", tensors) for key, part in value.items()]}
    if isinstance(value, list | tuple | deque):
        return [_pack(part, f"{path}.{at}", tensors) for at, part in enumerate(value)]
    assert value is None or isinstance(value, bool | int | float | str), f"a {type(value)} in an optimiser's state"
    return value


def _unpack(tree: Tree, tensors: Mapping[str, Tensor], depth: int) -> object:
    if depth > _DEPTH:
        raise ValueError("too deep")
    if isinstance(tree, list):
        return [_unpack(part, tensors, depth + 1) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if "tensor" in tree:
        return tensors[str(tree["tensor"])].clone()
    keys, values = tree["keys"], tree["values"]
    if not isinstance(keys, list) or not isinstance(values, list):
        raise ValueError("not a state")
    parts = (_unpack(part, tensors, depth + 1) for part in values)
    return {key if isinstance(key, int) else str(key): part for key, part in zip(keys, parts, strict=True)}
