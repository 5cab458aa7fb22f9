"""Which rows each step sees: all of them, or shuffled minibatches, a short one last.

In: the number of rows, the size of a batch, a seed. Out: the batches of one epoch after the other, the same for the
same seed on every device.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Batches:
    """The batches of one epoch after the other."""

    def __init__(self, rows: int | None, size: int | None, seed: int, device: torch.device) -> None:
        self._rows = rows if size is not None else None
        self._size = size
        self._device = device
        self._generator = torch.Generator().manual_seed(seed)
        self._before = self._generator.get_state()

    @property
    def number(self) -> int:
        """Batches in an epoch."""
        if self._rows is None or self._size is None:
            return 1
        return -(-self._rows // self._size)

    def epoch(self) -> tuple[Tensor | None, ...]:
        """The rows of each batch; None stands for all rows."""
        if self._rows is None or self._size is None:
            return (None,)
        self._before = self._generator.get_state()
        # Shuffled on the CPU, so that a seed means the same order everywhere.
        order = torch.randperm(self._rows, generator=self._generator)
        return torch.split(order.to(self._device), self._size)

    def state(self, within: bool) -> Tensor:
        """The state from which the present epoch was shuffled (``within`` one), or the next will be."""
        return self._before.clone() if within else self._generator.get_state()

    def go_back(self, state: Tensor) -> None:
        """Make the next epoch the one that is shuffled from this state."""
        self._generator.set_state(state)
