"""Squared distances of all pairs of vectors, by their differences, so that points close together keep their digits.

In: ``left[b, l, k]`` and ``right[b, k, r]``. Out: ``[b, l, r]``. The ``b l k r`` differences are never held, forward or
backward: a block of results is computed from all its k at once, in memory that fits a cache. In scripts that want a
gradient, in exported graphs, and for gradients of gradients, it is plain torch, which holds them.
"""

from __future__ import annotations

from typing import Any, Tuple  # noqa: UP035 - as scripts have it

import torch
from torch import Tensor

from tensorlang.backends.kernels_semiring import semiring_blocks, wants_slopes


def distances_plain(left: Tensor, right: Tensor) -> Tensor:
    """The definition."""
    return (left.unsqueeze(3) - right.unsqueeze(1)).square().sum(2)


def distances_blocks(left: Tensor, right: Tensor) -> Tensor:
    """The same, block by block."""
    batch, rows, depth, columns = left.size(0), left.size(1), left.size(2), right.size(2)
    right = right.contiguous()
    result = torch.empty([batch, rows, columns], dtype=left.dtype, device=left.device)
    memory = torch.empty([0], dtype=left.dtype, device=left.device)
    for b, b_end, row, row_end, column, column_end in semiring_blocks(batch, rows, depth, columns, depth):
        place = result[b:b_end, row:row_end, column:column_end]
        size = place.numel() * depth
        memory = memory if memory.numel() >= size else memory.new_empty(size)
        held = memory[:size].view(b_end - b, row_end - row, depth, column_end - column)
        torch.sub(left[b:b_end, row:row_end].unsqueeze(3), right[b:b_end, :, column:column_end].unsqueeze(1), out=held)
        torch.mul(held, held, out=held)
        torch.sum(held, 2, out=place)
    return result


def distances_slopes(left: Tensor, right: Tensor, slope: Tensor) -> Tuple[Tensor, Tensor]:  # noqa: UP006
    """The gradient, block by block: twice each difference, times the result's."""
    to_left, to_right = torch.zeros_like(left), torch.zeros_like(right)
    batch, rows, depth, columns = left.size(0), left.size(1), left.size(2), right.size(2)
    for b, b_end, row, row_end, column, column_end in semiring_blocks(batch, rows, depth, columns, depth):
        held = left[b:b_end, row:row_end].unsqueeze(3) - right[b:b_end, :, column:column_end].unsqueeze(1)
        held *= 2 * slope[b:b_end, row:row_end, column:column_end].unsqueeze(2)
        to_left[b:b_end, row:row_end] += held.sum(3)
        to_right[b:b_end, :, column:column_end] -= held.sum(1)
    return to_left, to_right


class SquaredDistances(torch.autograd.Function):
    """``distances_blocks`` with its gradient by blocks."""

    @staticmethod
    def forward(left: Tensor, right: Tensor) -> Tensor:
        return distances_blocks(left, right)

    @staticmethod
    def setup_context(ctx: Any, inputs: Tuple[Tensor, Tensor], output: Tensor) -> None:  # noqa: UP006
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tuple[Tensor, Tensor]:  # noqa: UP006
        left, right = ctx.saved_tensors
        if not torch.is_grad_enabled():
            return distances_slopes(left, right, slope)
        change = 2 * slope.unsqueeze(2) * (left.unsqueeze(3) - right.unsqueeze(1))
        return change.sum(3), -change.sum(1)

    @staticmethod
    def jvp(ctx: Any, left: Tensor, right: Tensor) -> Tensor:
        one, two = ctx.saved_tensors
        change: Tensor = (one.unsqueeze(3) - two.unsqueeze(1)) * (left.unsqueeze(3) - right.unsqueeze(1))
        return 2 * change.sum(2)

    @staticmethod
    def vmap(info: Any, dims: Any, left: Tensor, right: Tensor) -> Tuple[Tensor, int]:  # noqa: UP006
        return torch.vmap(distances_plain, dims)(left, right), 0


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """sum over k of (left[b, l, k] - right[b, k, r])^2: all at once where they are few."""
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        if torch.compiler.is_compiling() or left.numel() * right.size(2) <= 1 << 18:
            return distances_plain(left, right)
        function: Any = SquaredDistances.apply
        result: Tensor = function(left, right)
        return result
    if wants_slopes(left, right):
        return distances_plain(left, right)
    return distances_blocks(left, right)
