"""Sums, products and reductions over the pairs of a relation; and what is made of its columns before any call.

``pairs_*`` with two lists make a tensor of columns (``Recipe`` in ``ir/pairs.py``): tensors, then numbers. The others
compute: tables are [heads, rows, width], weights [pairs, heads], and a list ``rows`` says how pairs are grouped by the
place that is kept: where each group begins, the other place in that order, and (where the pairs do not stand so) the
order. ``back`` is the same for the other place. What would be held for each pair and each element of a row is not,
forward or backward; in scripts that want a gradient and in exported graphs it is plain torch, which holds it.
"""

from __future__ import annotations

from typing import Any, List, Optional  # noqa: UP035 - as scripts have it

import torch
import torch.nn.functional as F
from torch import Tensor

# --- of columns, once a relation -------------------------------------------------------------------------------------


def pairs_code(columns: List[Tensor], sizes: List[int]) -> Tensor:  # noqa: UP006
    """Positions at several places as one number, which rises with the first, then the second..."""
    code = columns[0]
    for at in range(1, len(columns)):
        code = code * sizes[at] + columns[at]
    return code


def pairs_order(tensors: List[Tensor], numbers: List[int]) -> Tensor:  # noqa: UP006
    """The order in which a column rises."""
    return torch.argsort(tensors[0], stable=True)


def pairs_turned(tensors: List[Tensor], numbers: List[int]) -> Tensor:  # noqa: UP006
    """A column in an order."""
    return tensors[0].index_select(0, tensors[1])


def pairs_pointers(tensors: List[Tensor], numbers: List[int]) -> Tensor:  # noqa: UP006
    """Where each position begins in a column, in an order where one is given; and where the last ends."""
    column = tensors[0] if len(tensors) == 1 else tensors[0].index_select(0, tensors[1])
    return torch.searchsorted(column.contiguous(), torch.arange(numbers[0] + 1, device=column.device))


def pairs_joint(tensors: List[Tensor], numbers: List[int]) -> Tensor:  # noqa: UP006
    """Two columns as one."""
    return tensors[0] * numbers[0] + tensors[1]


def pairs_found(tensors: List[Tensor], numbers: List[int]) -> Tensor:  # noqa: UP006
    """Which of the pairs of the first columns, which are in order, each of those of the others is; -1 where none is."""
    places = len(tensors) // 2
    own, taken = pairs_code(tensors[:places], numbers), pairs_code(tensors[places:], numbers)
    if own.size(0) == 0:
        return torch.full_like(taken, -1)
    at = torch.searchsorted(own, taken.contiguous()).clamp(max=own.size(0) - 1)
    return torch.where(own.index_select(0, at) == taken, at, torch.full_like(at, -1))


def pairs_union(tensors: List[Tensor], numbers: List[int]) -> Tensor:  # noqa: UP006
    """One column of the pairs that are in any of several sets. The numbers: which column, how many, the sizes; and one
    more where pairs of equal positions are in it too."""
    wanted, places = numbers[0], numbers[1]
    sizes = numbers[2 : 2 + places]
    codes: List[Tensor] = []  # noqa: UP006
    for part in range(len(tensors) // places):
        codes.append(pairs_code(tensors[part * places : (part + 1) * places], sizes))
    if len(numbers) > 2 + places:
        equal = torch.arange(numbers[2 + places], device=tensors[0].device)
        codes.append(equal * sizes[1] + equal)
    code = torch.unique(torch.cat(codes), sorted=True)
    for place in range(places - 1, wanted, -1):
        code = torch.div(code, sizes[place], rounding_mode="floor")
    return torch.remainder(code, sizes[wanted]) if wanted > 0 else code


# --- sums of weighted rows -------------------------------------------------------------------------------------------


def pairs_owners(rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """The position that is kept, of each pair in the order of ``rows``."""
    pointers = rows[0]
    return torch.repeat_interleave(torch.arange(pointers.size(0) - 1, device=pointers.device), pointers.diff())


def pairs_placed(values: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """What the pairs have, in the order of ``rows``."""
    return values.index_select(0, rows[2]) if len(rows) > 2 else values


def pairs_returned(values: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """What pairs have in the order of ``rows``, in their own."""
    return torch.empty_like(values).index_copy(0, rows[2], values) if len(rows) > 2 else values


def product_plain(weights: Optional[Tensor], table: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006, UP045
    """The definition: [heads, kept, width]."""
    taken = table.index_select(1, rows[1])
    if weights is not None:
        taken = taken * pairs_placed(weights, rows).t().unsqueeze(2)
    zeros = torch.zeros([table.size(0), rows[0].size(0) - 1, table.size(2)], dtype=taken.dtype, device=taken.device)
    return zeros.index_add(1, pairs_owners(rows), taken)


def product_bags(weights: Optional[Tensor], table: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006, UP045
    """The same, without what would be held for each pair."""
    if table.is_meta:
        return table.new_empty([table.size(0), rows[0].size(0) - 1, table.size(2)])
    table = table.contiguous()
    by_head = None if weights is None else pairs_placed(weights, rows).t().contiguous()
    sums = [
        F.embedding_bag(
            rows[1], table[head], rows[0], mode="sum", include_last_offset=True,
            per_sample_weights=None if by_head is None else by_head[head],
        )
        for head in range(table.size(0))
    ]  # fmt: skip
    return sums[0].unsqueeze(0) if len(sums) == 1 else torch.stack(sums)


def dots_plain(left: Tensor, right: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """For each pair and head the product of two rows: [pairs, heads]."""
    found = (left.index_select(1, pairs_owners(rows)) * right.index_select(1, rows[1])).sum(2).t()
    return pairs_returned(found.contiguous(), rows)


def dots_sampled(left: Tensor, right: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """The same, a row at a time."""
    if left.is_meta:
        return left.new_empty([rows[1].size(0), left.size(0)])
    blank = torch.zeros([rows[1].size(0)], dtype=left.dtype, device=left.device)
    shape = [left.size(1), right.size(1)]
    mask = torch.sparse_csr_tensor(rows[0], rows[1], blank, shape, check_invariants=False)
    found = [
        torch.sparse.sampled_addmm(mask, left[head].contiguous(), right[head].t(), beta=0.0).values()
        for head in range(left.size(0))
    ]
    return pairs_returned(torch.stack(found, 1), rows)


def pairs_usual(table: Tensor) -> bool:
    """Whether the library's kernels take tensors of this kind."""
    return table.dtype in (torch.float32, torch.float64) and table.size(2) > 0 and table.size(1) > 0


class PairsProduct(torch.autograd.Function):
    """``product_bags``; its gradients are such a product, and ``dots_sampled``."""

    @staticmethod
    def forward(ctx: Any, weights: Optional[Tensor], table: Tensor, count: int, *structure: Tensor) -> Tensor:  # noqa: UP045
        ctx.save_for_backward(weights, table, *structure)
        ctx.count = count
        return product_bags(weights, table, list(structure[:count]))

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        weights, table, *structure = ctx.saved_tensors
        rows, back = structure[: ctx.count], structure[ctx.count :]
        to_weights = pairs_dots(slope, table, rows, back) if ctx.needs_input_grad[0] else None
        to_table = pairs_product(weights, slope, back, rows) if ctx.needs_input_grad[1] else None
        return to_weights, to_table, None, *(None for _ in structure)


class PairsDots(torch.autograd.Function):
    """``dots_sampled``; its gradients are products."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, count: int, *structure: Tensor) -> Tensor:
        ctx.save_for_backward(left, right, *structure)
        ctx.count = count
        return dots_sampled(left, right, list(structure[:count]))

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        left, right, *structure = ctx.saved_tensors
        rows, back = structure[: ctx.count], structure[ctx.count :]
        to_left = pairs_product(slope, right, rows, back) if ctx.needs_input_grad[0] else None
        to_right = pairs_product(slope, left, back, rows) if ctx.needs_input_grad[1] else None
        return to_left, to_right, None, *(None for _ in structure)


def pairs_product(
    weights: Optional[Tensor],  # noqa: UP045
    table: Tensor,
    rows: List[Tensor],  # noqa: UP006
    back: List[Tensor],  # noqa: UP006
) -> Tensor:
    """For each kept position the sum of the rows of its pairs, times the weights of these: [heads, kept, width]."""
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        if not torch.compiler.is_compiling() and pairs_usual(table):
            function: Any = PairsProduct.apply
            result: Tensor = function(weights, table, len(rows), *rows, *back)
            return result
    return product_plain(weights, table, rows)


def pairs_dots(left: Tensor, right: Tensor, rows: List[Tensor], back: List[Tensor]) -> Tensor:  # noqa: UP006
    """For each pair and head the product of the left row of its kept position and the right one of the other."""
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        if not torch.compiler.is_compiling() and pairs_usual(left) and right.size(1) > 0 and rows[1].size(0) > 0:
            function: Any = PairsDots.apply
            result: Tensor = function(left, right, len(rows), *rows, *back)
            return result
    return dots_plain(left, right, rows)


# --- rows of positions, and what falls on them -----------------------------------------------------------------------


def sums_plain(values: Tensor, column: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """For each kept position the sum of what its pairs have: [kept, width]."""
    zeros = torch.zeros([rows[0].size(0) - 1, values.size(1)], dtype=values.dtype, device=values.device)
    return zeros.index_add(0, column, values)


def sums_bags(values: Tensor, column: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """The same, group by group."""
    if values.is_meta:
        return values.new_empty([rows[0].size(0) - 1, values.size(1)])
    usual = values.dtype in (torch.float32, torch.float64) and values.numel() > 0
    if not usual or values.size(1) < 2:
        return sums_plain(values, column, rows)
    if len(rows) == 2 and values.size(1) <= 16:
        return torch.segment_reduce(values.contiguous(), "sum", offsets=rows[0])
    order = rows[2] if len(rows) > 2 else torch.arange(values.size(0), device=values.device)
    return F.embedding_bag(order, values.contiguous(), rows[0], mode="sum", include_last_offset=True)


class PairsSums(torch.autograd.Function):
    """``sums_bags``; its gradient takes rows."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, column: Tensor, *rows: Tensor) -> Tensor:
        ctx.save_for_backward(column, *rows)
        return sums_bags(values, column, list(rows))

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        column, *rows = ctx.saved_tensors
        return pairs_rows(slope, column, rows), None, *(None for _ in rows)


class PairsRows(torch.autograd.Function):
    """Rows of a table at positions; the gradient is ``sums_bags``."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, column: Tensor, *rows: Tensor) -> Tensor:
        ctx.save_for_backward(column, *rows)
        return table.index_select(0, column)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        column, *rows = ctx.saved_tensors
        return pairs_sums(slope, column, rows), None, *(None for _ in rows)


def pairs_sums(values: Tensor, column: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """For each kept position the sum of what its pairs have: [pairs, width] to [kept, width]."""
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        if not torch.compiler.is_compiling() and values.is_floating_point():
            function: Any = PairsSums.apply
            result: Tensor = function(values, column, *rows)
            return result
    return sums_plain(values, column, rows)


def pairs_rows(table: Tensor, column: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """The row of a table that each pair has at a place: [kept, width] to [pairs, width]."""
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        if not torch.compiler.is_compiling() and table.is_floating_point():
            function: Any = PairsRows.apply
            result: Tensor = function(table, column, *rows)
            return result
    return table.index_select(0, column)


def pairs_greatest(values: Tensor, column: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """For each kept position the greatest of what its pairs have; -inf where there is none. [pairs, width]."""
    lowest = torch.full([rows[0].size(0) - 1, values.size(1)], float("-inf"), dtype=values.dtype, device=values.device)
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        plain = torch.compiler.is_compiling() or values.is_meta or (values.requires_grad and torch.is_grad_enabled())
        if not plain and values.numel() > 0 and len(rows) == 2 and values.dtype in (torch.float32, torch.float64):
            return torch.segment_reduce(values.contiguous(), "max", offsets=rows[0])
    return lowest.scatter_reduce(0, column.unsqueeze(1).expand_as(values), values, "amax")


def greatest_rows_plain(table: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """For each kept position the greatest of the rows of its pairs, element by element: the definition."""
    taken = table.index_select(0, rows[1])
    lowest = torch.full([rows[0].size(0) - 1, table.size(1)], float("-inf"), dtype=table.dtype, device=table.device)
    return lowest.scatter_reduce(0, pairs_owners(rows).unsqueeze(1).expand_as(taken), taken, "amax")


class PairsExtreme(torch.autograd.Function):
    """``greatest_rows_plain`` without what would be held for each pair; the gradient goes to one of equal elements."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, pointers: Tensor, column: Tensor) -> Tensor:
        if table.is_meta:
            at = column.new_empty([pointers.size(0) - 1, table.size(1)])
            ctx.save_for_backward(at, column, at[:, :1], table)
            return table.new_empty([pointers.size(0) - 1, table.size(1)])
        ones = torch.ones([column.size(0)], dtype=table.dtype, device=table.device)
        shape = [pointers.size(0) - 1, table.size(0)]
        mask = torch.sparse_csr_tensor(pointers, column, ones, shape, check_invariants=False)
        with torch.enable_grad():  # else the kernel does not say where the greatest are
            asked = mask.requires_grad_(ctx.needs_input_grad[0])
            found, at = torch.ops.aten._sparse_mm_reduce_impl(asked, table.detach(), "amax")
        greatest = found.detach()
        lonely = (pointers.diff() == 0).unsqueeze(1)
        ctx.save_for_backward(at, column, lonely, table)
        return torch.where(lonely, float("-inf"), greatest)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        at, column, lonely, table = ctx.saved_tensors
        where = column.index_select(0, at.clamp(0, column.size(0) - 1).flatten()).view(at.shape)
        slope = torch.where(lonely, 0.0, slope)
        return torch.zeros_like(table).scatter_add(0, where, slope), None, None


def pairs_extreme(table: Tensor, rows: List[Tensor]) -> Tensor:  # noqa: UP006
    """For each kept position the greatest of the rows of its pairs: [other, width] to [kept, width]."""
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        usual = table.dtype in (torch.float32, torch.float64) and not table.is_cuda
        if not torch.compiler.is_compiling() and usual and table.numel() > 0 and rows[1].size(0) > 0:
            function: Any = PairsExtreme.apply
            result: Tensor = function(table.contiguous(), rows[0], rows[1])
            return result
    return greatest_rows_plain(table, rows)
