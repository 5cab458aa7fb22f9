"""Products of matrices over other semirings: a minimum, maximum or logsumexp adds up, a sum or a product multiplies.

In: ``left[b, l, k]`` and ``right[b, k, r]``. Out: ``[b, l, r]``. The ``b l k r`` joined elements are never held,
forward or backward: a block of results is computed from all its k at once, in memory that fits a cache and is used
again for the next block. The backward pass joins them once more, block by block. What is as good as a minimum or
maximum has an equal share of its gradient, as in ``torch.amax``. In scripts that want a gradient, and for gradients of
gradients, it is all plain torch, which holds what it joins.
"""

from __future__ import annotations

from typing import Any, List, Tuple  # noqa: UP035 - as scripts have it

import torch
from torch import Tensor

# --- blocks --------------------------------------------------------------------------------------------------------


def semiring_blocks(batch: int, rows: int, depth: int, columns: int, held: int) -> List[List[int]]:  # noqa: UP006
    """What to compute at once: the ends in b, l and r of blocks of results that hold ``held`` elements each.

    A block fits a cache, and is a twelfth of all that is joined or less where that is worth a call.
    """
    most = min(max(batch * rows * depth * columns // 12, 1 << 18), 1 << 20) // max(held, 1)
    wide = max(1, min(columns, most))
    high = max(1, min(rows, most // wide))
    deep = max(1, min(batch, most // (wide * high)))
    found: List[List[int]] = []  # noqa: UP006
    for b in range(0, batch, deep):
        for row in range(0, rows, high):
            for column in range(0, columns, wide):
                found.append([b, min(b + deep, batch), row, min(row + high, rows), column, min(column + wide, columns)])
    return found


def wants_slopes(left: Tensor, right: Tensor) -> bool:
    """Whether a gradient is asked for here."""
    return torch.is_grad_enabled() and (left.requires_grad or right.requires_grad)


def plain_slopes(result: Tensor, left: Tensor, right: Tensor, slope: Tensor) -> tuple[Tensor | None, ...]:
    """The gradient of a plain result, as what may be differentiated again."""
    given = [side for side in (left, right) if side.requires_grad]
    slopes = iter(torch.autograd.grad(result, given, slope, create_graph=True))
    return tuple(next(slopes) if side.requires_grad else None for side in (left, right))


# --- minima and maxima ---------------------------------------------------------------------------------------------


def extreme_plain(left: Tensor, right: Tensor, largest: bool, product: bool) -> Tensor:
    """The definition."""
    one, two = left.unsqueeze(3), right.unsqueeze(1)
    elements = one * two if product else one + two
    return torch.amax(elements, 2) if largest else torch.amin(elements, 2)


def extreme_join(left: Tensor, right: Tensor, product: bool, held: Tensor) -> None:
    """Elements joined into memory that is there."""
    if product:
        torch.mul(left, right, out=held)
    else:
        torch.add(left, right, out=held)


def extreme_short(left: Tensor, right: Tensor, largest: bool, product: bool, result: Tensor) -> None:
    """One k after the other: for many small matrices. left [b, l, k], right [b, k, r]."""
    held = torch.empty_like(result)
    extreme_join(left[:, :, :1], right[:, :1], product, result)
    for k in range(1, left.size(2)):
        extreme_join(left[:, :, k : k + 1], right[:, k : k + 1], product, held)
        if largest:
            torch.maximum(result, held, out=result)
        else:
            torch.minimum(result, held, out=result)


def extreme_fused(left: Tensor, right: Tensor, largest: bool, product: bool) -> Tensor:
    """The largest or smallest joined element over k, by blocks; a matrix of few columns and more rows is turned."""
    if right.size(2) >= 16 or left.size(2) >= 16 or right.size(2) >= left.size(1):
        return extreme_blocks(left, right, largest, product)
    return extreme_blocks(right.transpose(1, 2), left.transpose(1, 2).contiguous(), largest, product).transpose(1, 2)


def extreme_blocks(left: Tensor, right: Tensor, largest: bool, product: bool) -> Tensor:
    """The same: what is joined has r as its fastest axis, or k where r is short."""
    batch, rows, depth, columns = left.size(0), left.size(1), left.size(2), right.size(2)
    short = columns < 32 and depth < 32
    last = columns < 32 and not short
    right = right.transpose(1, 2).contiguous() if last else right
    result = torch.empty([batch, rows, columns], dtype=left.dtype, device=left.device)
    memory = torch.empty([0], dtype=left.dtype, device=left.device)
    for b, b_end, row, row_end, column, column_end in semiring_blocks(
        batch, rows, depth, columns, 1 if short else depth
    ):
        one = left[b:b_end, row:row_end]
        place = result[b:b_end, row:row_end, column:column_end]
        if short:
            extreme_short(one, right[b:b_end, :, column:column_end], largest, product, place)
            continue
        size = place.numel() * depth
        memory = memory if memory.numel() >= size else memory.new_empty(size)
        if last:
            held = memory[:size].view(b_end - b, row_end - row, column_end - column, depth)
            extreme_join(one.unsqueeze(2), right[b:b_end, column:column_end].unsqueeze(1), product, held)
        else:
            held = memory[:size].view(b_end - b, row_end - row, depth, column_end - column)
            extreme_join(one.unsqueeze(3), right[b:b_end, :, column:column_end].unsqueeze(1), product, held)
        if largest:
            torch.amax(held, 3 if last else 2, out=place)
        else:
            torch.amin(held, 3 if last else 2, out=place)
    return result


def extreme_slopes(left: Tensor, right: Tensor, result: Tensor, slope: Tensor, product: bool) -> Tuple[Tensor, Tensor]:  # noqa: UP006
    """The gradient: each joined element that is its result has an equal share of the result's."""
    to_left, to_right = torch.zeros_like(left), torch.zeros_like(right)
    batch, rows, depth, columns = left.size(0), left.size(1), left.size(2), right.size(2)
    for b, b_end, row, row_end, column, column_end in semiring_blocks(batch, rows, depth, columns, depth):
        one, two = left[b:b_end, row:row_end].unsqueeze(3), right[b:b_end, :, column:column_end].unsqueeze(1)
        best = result[b:b_end, row:row_end, column:column_end].unsqueeze(2)
        held = one * two if product else one + two
        torch.eq(held, best, out=held)
        held *= slope[b:b_end, row:row_end, column:column_end].unsqueeze(2) / held.sum(2, keepdim=True)
        to_left[b:b_end, row:row_end] += (held * two if product else held).sum(3)
        to_right[b:b_end, :, column:column_end] += (held * one if product else held).sum(1)
    return to_left, to_right


class ExtremeJoin(torch.autograd.Function):
    """``extreme_blocks`` with its gradient by blocks."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, largest: bool, product: bool) -> Tensor:
        result = extreme_fused(left, right, largest, product)
        ctx.save_for_backward(left, right, result)
        ctx.form = (largest, product)
        return result

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tuple[Any, ...]:  # noqa: UP006
        left, right, result = ctx.saved_tensors
        if torch.is_grad_enabled():
            given = [side for side in (left, right) if side.requires_grad]
            slopes = iter(torch.autograd.grad(extreme_plain(left, right, *ctx.form), given, slope, create_graph=True))
            return (
                next(slopes) if left.requires_grad else None,
                next(slopes) if right.requires_grad else None,
                None,
                None,
            )
        return *extreme_slopes(left, right, result, slope, ctx.form[1]), None, None


def extreme_joined(left: Tensor, right: Tensor, largest: bool, product: bool) -> Tensor:
    """The largest or smallest joined element over k: all at once where they are few."""
    if left.numel() * right.size(2) <= 1 << 18:
        return extreme_plain(left, right, largest, product)
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        function: Any = ExtremeJoin.apply
        result: Tensor = function(left, right, largest, product)
        return result
    if wants_slopes(left, right):
        return extreme_plain(left, right, largest, product)
    return extreme_fused(left, right, largest, product)


def greatest_sums(left: Tensor, right: Tensor) -> Tensor:
    """max over k of left[b, l, k] + right[b, k, r]."""
    return extreme_joined(left, right, True, False)


def least_sums(left: Tensor, right: Tensor) -> Tensor:
    """min over k of left[b, l, k] + right[b, k, r]."""
    return extreme_joined(left, right, False, False)


def greatest_products(left: Tensor, right: Tensor) -> Tensor:
    """max over k of left[b, l, k] * right[b, k, r]."""
    return extreme_joined(left, right, True, True)


def least_products(left: Tensor, right: Tensor) -> Tensor:
    """min over k of left[b, l, k] * right[b, k, r]."""
    return extreme_joined(left, right, False, True)


# --- logsumexp -----------------------------------------------------------------------------------------------------


def logsumexp_plain(left: Tensor, right: Tensor) -> Tensor:
    """The definition."""
    return torch.logsumexp(left.unsqueeze(3) + right.unsqueeze(1), 2)


def finite_peak(value: Tensor, dim: int) -> Tensor:
    """The largest element along an axis; 0 where that is no finite number."""
    peak = torch.amax(value.detach(), dim, keepdim=True)
    return torch.where(torch.isfinite(peak), peak, torch.zeros_like(peak))


def exponent_sums(left: Tensor, right: Tensor) -> Tuple[Tensor, Tensor, Tensor]:  # noqa: UP006
    """The product of the exponents, the largest of each row and column 1; the shift; where it is exact.

    Terms that fall below the least number lose less than rounding does, if their sum is well above it.
    """
    high, wide = finite_peak(left, 2), finite_peak(right, 1)
    one, two = torch.exp(left - high), torch.exp(right - wide)
    total = torch.matmul(one[:, :, :1024], two[:, :1024])
    for at in range(1024, left.size(2), 1024):  # a long sum from left to right would lose digits
        total = total + torch.matmul(one[:, :, at : at + 1024], two[:, at : at + 1024])
    least = (1e-290 if left.dtype == torch.float64 else 1e-30) * left.size(2)
    return total, high + wide, (total >= least) & (total < float("inf"))


def logsumexp_blocks(left: Tensor, right: Tensor) -> Tuple[Tensor, Tensor]:  # noqa: UP006
    """The logarithm of the product of the exponents, and that product; it is 0 where it would not be exact.

    There the terms are added one by one, unless they all are -inf.
    """
    total, shift, exact = exponent_sums(left, right)
    if bool(exact.all()):
        return torch.log(total) + shift, total
    some = [(side != float("-inf")).to(side.dtype) for side in (left, right)]
    hard = (~exact & ((torch.matmul(some[0], some[1]) > 0) | ~(total < float("inf")))).nonzero()
    total = torch.where(exact, total, torch.zeros_like(total))
    result = torch.log(total) + shift
    across = right.transpose(1, 2)
    step = max(1, (1 << 20) // max(1, left.size(2)))
    for at in range(0, hard.size(0), step):
        b, row, column = hard[at : at + step].unbind(1)
        result[b, row, column] = torch.logsumexp(left[b, row] + across[b, column], 1)
    return result, total


def logsumexp_slopes(
    left: Tensor, right: Tensor, result: Tensor, total: Tensor, slope: Tensor
) -> Tuple[Tensor, Tensor]:  # noqa: UP006
    """The gradient: each term's share in its sum."""
    one, two = torch.exp(left - finite_peak(left, 2)), torch.exp(right - finite_peak(right, 1))
    exact = total > 0
    easy = bool(exact.all())
    if not easy:  # what is no number belongs to results that are computed term by term
        one, two = torch.nan_to_num(one, 0.0, 0.0, 0.0), torch.nan_to_num(two, 0.0, 0.0, 0.0)
    share = torch.where(exact, slope / torch.where(exact, total, 1), 0)
    to_left = one * torch.matmul(share, two.mT)
    to_right = (two * torch.matmul(one.mT, share)).mT.contiguous()
    if not easy:
        across = right.mT
        hard = (~exact & (result != float("-inf"))).nonzero()
        step = max(1, (1 << 20) // max(1, left.size(2)))
        for at in range(0, hard.size(0), step):
            b, row, column = hard[at : at + step].unbind(1)
            peak = result[b, row, column].unsqueeze(1)
            parts = torch.exp(left[b, row] + across[b, column] - peak)
            parts *= slope[b, row, column].unsqueeze(1)
            to_left.index_put_((b, row), parts, accumulate=True)
            to_right.index_put_((b, column), parts, accumulate=True)
    return to_left, to_right.mT


class LogSumExpJoin(torch.autograd.Function):
    """``logsumexp_blocks`` with its gradient as products."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor) -> Tensor:
        result, total = logsumexp_blocks(left, right)
        ctx.save_for_backward(left, right, result, total)
        return result

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tuple[Any, ...]:  # noqa: UP006
        left, right, result, total = ctx.saved_tensors
        if torch.is_grad_enabled():
            return plain_slopes(logsumexp_plain(left, right), left, right, slope)
        return logsumexp_slopes(left, right, result, total, slope)


def logsumexp_sums(left: Tensor, right: Tensor) -> Tensor:
    """log of the sum over k of exp(left[b, l, k] + right[b, k, r])."""
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        function: Any = LogSumExpJoin.apply
        result: Tensor = function(left, right)
        return result
    if not wants_slopes(left, right):
        return logsumexp_blocks(left, right)[0]
    total, shift, exact = exponent_sums(left, right)
    return torch.log(total) + shift if bool(exact.all()) else logsumexp_plain(left, right)
