"""The torch functions that generated code may call where torch has no single call: written into its text when used.

In and out: tensors. Each stands alone (only torch, and other functions of this file), scripts in TorchScript, takes any
sizes, and is differentiable where its mathematics is.
"""

from __future__ import annotations

import torch
from torch import Tensor


def as_complex(real: Tensor) -> Tensor:
    """A real tensor as a complex one; of floats of 16 bits there are none, so those become complex64."""
    wide = real.float() if real.element_size() < 4 else real
    return torch.complex(wide, torch.zeros_like(wide))


def unit_circle(angle: Tensor) -> Tensor:
    """exp(i angle)."""
    wide = angle.float() if angle.element_size() < 4 else angle
    return torch.complex(torch.cos(wide), torch.sin(wide))


def integer_product(left: Tensor, right: Tensor) -> Tensor:
    """[..., l, k] times [..., k, r] of integers, exactly: the matrix product of integers is there on the CPU only."""
    left, right = left.to(torch.int64), right.to(torch.int64)
    if left.is_cuda:
        return (left.unsqueeze(-1) * right.unsqueeze(-3)).sum(-2)
    return torch.matmul(left, right)


def count_product(left: Tensor, right: Tensor) -> Tensor:
    """[..., l, k] times [..., k, r] of truth values: how often both are true. float64 is exact below 2^53."""
    return torch.matmul(left.to(torch.float64), right.to(torch.float64)).to(torch.int64)


# --- over present elements -----------------------------------------------------------------------------------------


def present_mean(value: Tensor, mask: Tensor, dims: list[int]) -> Tensor:
    """The mean of the elements where the mask holds; 0 where it holds nowhere."""
    count = mask.sum(dims).clamp(min=1)
    return torch.where(mask, value, 0).sum(dims) / count


def present_var(value: Tensor, mask: Tensor, dims: list[int]) -> Tensor:
    """The mean squared distance to the mean of the elements where the mask holds; 0 where it holds nowhere."""
    count = mask.sum(dims, keepdim=True).clamp(min=1)
    mean = torch.where(mask, value, 0).sum(dims, keepdim=True) / count
    distance = torch.where(mask, value - mean, 0)
    return (distance.abs().square() / count).sum(dims)


def present_std(value: Tensor, mask: Tensor, dims: list[int]) -> Tensor:
    """The root of ``present_var``, with gradient 0 where that is 0."""
    variance = present_var(value, mask, dims)
    positive = variance > 0
    return torch.where(positive, torch.where(positive, variance, 1).sqrt(), 0)


def present_lnorm(value: Tensor, mask: Tensor, eps: float) -> Tensor:
    """(x - mean) / sqrt(var + eps) along the last axis over the elements where the mask holds, 0 elsewhere."""
    count = mask.sum(-1, keepdim=True).clamp(min=1)
    mean = torch.where(mask, value, 0).sum(-1, keepdim=True) / count
    distance = torch.where(mask, value - mean, 0)
    variance = distance.square().sum(-1, keepdim=True) / count
    return distance * torch.rsqrt(variance + eps)


def present_rmsnorm(value: Tensor, mask: Tensor, eps: float) -> Tensor:
    """x / sqrt(mean(x^2) + eps) along the last axis over the elements where the mask holds, 0 elsewhere."""
    count = mask.sum(-1, keepdim=True).clamp(min=1)
    kept = torch.where(mask, value, 0)
    return kept * torch.rsqrt(kept.square().sum(-1, keepdim=True) / count + eps)


# --- writing to computed positions ---------------------------------------------------------------------------------
# values [n, ...] go to row positions[n] of ``size`` rows; rows that none goes to hold the aggregate's identity;
# positions outside 0 .. size-1 are dropped (they go to one row more, which is cut off).


def kept_rows(positions: Tensor, size: int) -> Tensor:
    return torch.where((positions >= 0) & (positions < size), positions, size)


def full_rows(values: Tensor, size: int, fill: float) -> Tensor:
    """``size + 1`` rows like those of values, all filled with a number."""
    return torch.full([size + 1] + list(values.shape[1:]), fill, dtype=values.dtype, device=values.device)  # noqa: RUF005


def spread(positions: Tensor, values: Tensor) -> Tensor:
    """The row of each element of values."""
    return positions.reshape([-1] + [1] * (values.dim() - 1)).expand_as(values)


def scatter_sum(values: Tensor, positions: Tensor, size: int) -> Tensor:
    """Sums of what falls on each row."""
    return full_rows(values, size, 0.0).index_add(0, kept_rows(positions, size), values)[:size]


def scatter_max(values: Tensor, positions: Tensor, size: int) -> Tensor:
    """The largest of what falls on each row; -inf (the least integer) where nothing does."""
    rows = spread(kept_rows(positions, size), values)
    if values.is_floating_point():
        return full_rows(values, size, float("-inf")).scatter_reduce(0, rows, values, "amax")[:size]
    base = torch.zeros_like(full_rows(values, size, 0.0)) - 9223372036854775807 - 1
    return base.scatter_reduce(0, rows, values, "amax")[:size]


def scatter_min(values: Tensor, positions: Tensor, size: int) -> Tensor:
    """The smallest of what falls on each row; inf (the greatest integer) where nothing does."""
    rows = spread(kept_rows(positions, size), values)
    if values.is_floating_point():
        return full_rows(values, size, float("inf")).scatter_reduce(0, rows, values, "amin")[:size]
    base = torch.zeros_like(full_rows(values, size, 0.0)) + 9223372036854775807
    return base.scatter_reduce(0, rows, values, "amin")[:size]


def scatter_prod(values: Tensor, positions: Tensor, size: int) -> Tensor:
    """Products of what falls on each row; 1 where nothing does."""
    rows = spread(kept_rows(positions, size), values)
    return full_rows(values, size, 1.0).scatter_reduce(0, rows, values, "prod")[:size]


def scatter_mean(values: Tensor, positions: Tensor, size: int) -> Tensor:
    """Means of what falls on each row; 0 where nothing does."""
    total = scatter_sum(values, positions, size)
    count = scatter_sum(torch.ones_like(values), positions, size)
    return total / torch.where(count == 0, torch.ones_like(count), count)


def scatter_any(values: Tensor, positions: Tensor, size: int) -> Tensor:
    """Whether any of what falls on each row is true."""
    return scatter_sum(values.to(torch.int64), positions, size) > 0


def scatter_all(values: Tensor, positions: Tensor, size: int) -> Tensor:
    """Whether all of what falls on each row is true."""
    return scatter_sum((~values).to(torch.int64), positions, size) == 0


def scatter_logsumexp(values: Tensor, positions: Tensor, size: int) -> Tensor:
    """log(sum(exp(x))) of what falls on each row; -inf where nothing does."""
    peak = scatter_max(values.detach(), positions, size)
    safe = torch.where(torch.isfinite(peak), peak, torch.zeros_like(peak))
    shift = torch.cat([safe, torch.zeros_like(safe[:1])]).index_select(0, kept_rows(positions, size))
    total = scatter_sum(torch.exp(values - shift), positions, size)
    there = total > 0
    logs = torch.log(torch.where(there, total, torch.ones_like(total))) + safe
    return torch.where(there, logs, peak)
