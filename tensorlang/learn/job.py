"""What a training is told and what it gives back, as plain data; imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from tensorlang.records import dataclass, field
from tensorlang.source import Span

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.nn import Parameter


class Watch(Protocol):
    """Is told how training goes, at most ten times a second and once at the end; every ``Reporter`` is one."""

    def progress(self, loss: str, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        """``numbers`` has ``epoch``, ``loss``, ``rate`` (steps a second) and, with minibatches, ``rows/s``."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is needed to go on: tensors by name, and a few words. Kept as a .safetensors file with its stamp."""

    tensors: Mapping[str, Tensor]
    stamp: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Training:
    """One ``minimize``.

    ``loss`` takes the rows of the minibatch (positions, int64, on the parameters' device), or None for all of them.
    There are minibatches where both ``rows`` and ``batch`` are given. ``after_step`` is called after each step
    (buffers), ``blame`` names the first equation that is not finite when the loss is not. ``buffers`` and
    ``generators`` are kept in checkpoints beside the parameters. ``checkpoint`` is handed a snapshot every ``every``
    seconds and at the end; ``resume`` is one to go on from. ``seconds`` bounds the time (0: no bound).
    """

    parameters: Mapping[str, Parameter]
    loss: Callable[[Tensor | None], Tensor]
    name: str = "Loss"
    rows: int | None = None
    batch: int | None = None
    method: str = "adam"
    options: Mapping[str, float] = field(default_factory=dict)
    schedule: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    after_step: Callable[[], None] | None = None
    blame: Callable[[], str | None] | None = None
    buffers: Mapping[str, Tensor] = field(default_factory=dict)
    generators: Mapping[str, Generator] = field(default_factory=dict)
    checkpoint: Callable[[Snapshot], None] | None = None
    every: float = 60.0
    resume: Snapshot | None = None
    seconds: float = 0.0
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """How it went. ``losses`` are the means over each epoch (full batches: each step), ``every_step`` is one a step.

    Both cover the training from its beginning, also after ``resume``; ``seconds`` is the time of this run alone.
    """

    losses: tuple[float, ...]
    every_step: tuple[float, ...]
    steps: int
    seconds: float
    interrupted: bool = False
