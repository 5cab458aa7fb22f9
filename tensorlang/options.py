"""What the caller of a program decides: sizes, numbers, device, seed, limits and which folders it may touch.

One frozen object that every command and every Python entry point fills in and hands down; nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.listing import Giver
from tensorlang.limits import Limits
from tensorlang.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Options:
    """``dims`` are sizes by name, ``values`` numbers for consts and scalar inputs (``--set``).

    ``dtype`` is what ``float`` means: float32, float64 or bfloat16. ``inputs`` maps inputs to the files that the caller
    named for them, ``load`` is a file of parameters to start from; both may lie anywhere, since the caller chose them.
    The program itself reads and writes below its folder and below ``allow_read`` / ``allow_write``. ``epochs``
    replaces the number in every ``minimize``; training keeps its state in the file ``checkpoint`` as it goes, and goes
    on from the file ``resume``; ``quiet`` drops progress. ``memory_budget`` are the bytes that a gradient may keep:
    loops that keep more store some of their positions only (0: they store all). ``relations`` are rows that the caller
    gives for declared relations.
    """

    dims: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    dtype: str = "float32"
    device: str = "cpu"
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    allow_read: tuple[str, ...] = ()
    allow_write: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    load: str | None = None
    epochs: int | None = None
    checkpoint: str | None = None
    resume: str | None = None
    quiet: bool = False
    memory_budget: int = 0
    relations: Mapping[str, Giver] = field(default_factory=dict)
