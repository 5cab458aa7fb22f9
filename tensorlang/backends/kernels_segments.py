"""Loops whose gradient stores one position in so many: what their generated functions share.

In: tensors with an axis that a loop goes along. Out: the stretch of it that a part of the loop takes.
"""

from __future__ import annotations

import torch
from torch import Tensor


def loop_window(x: Tensor, axis: int, first: int, count: int) -> Tensor:
    """The positions ``first`` to ``first + count - 1`` of an axis, 0 where it has none."""
    low = min(max(first, 0), x.size(axis))
    high = max(low, min(first + count, x.size(axis)))
    if low == first and high - low == count:
        return x.narrow(axis, low, count)
    shape = list(x.shape)
    shape[axis] = min(count, max(0, -first))
    before = torch.zeros(shape, dtype=x.dtype, device=x.device)
    shape[axis] = count - (high - low) - shape[axis]
    after = torch.zeros(shape, dtype=x.dtype, device=x.device)
    return torch.cat([before, x.narrow(axis, low, high - low), after], axis)


def loop_cuts(count: int, every: int) -> list[int]:
    """How many positions each part of a loop has."""
    cuts = [every for _ in range(count // every)]
    if count % every > 0:
        cuts.append(count % every)
    return cuts


def loop_stack(positions: list[Tensor], zero: Tensor) -> Tensor:
    """Positions as one tensor, also where there are none."""
    return torch.stack(positions) if len(positions) > 0 else zero.unsqueeze(0).narrow(0, 0, 0)
