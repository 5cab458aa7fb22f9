"""Linear recurrences H[t] = A[t] (*) H[t-1] (+) B[t] over a whole axis at once.

In: coefficients [T or 1, ...], terms [T, ...], the state before the first position [...]. Out: all states [T, ...].
``kind`` is what joins terms: ``sum`` (of products), ``max``, ``min`` and ``logsumexp`` (where sums stand for products).
Elementwise, or (``matrix``) with coefficients [..., i, j], terms and states [..., j, m].

The positions are cut into blocks. All blocks go through their positions in step, first from nothing to find what each
does to a state that comes in (a product of coefficients and a term: a shorter recurrence of the same form), then again
from the states that come in. So T positions take a few times log T steps of one call each, a few times the work of the
loop, and no division: any coefficients will do. Where products overflow, or would cost more than they save, the
positions are gone through one by one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# mypy: disable-error-code="no-untyped-call, no-any-return"


def scan_product(kind: str, matrix: bool, a: Tensor, h: Tensor) -> Tensor:
    """Coefficients times states (or coefficients)."""
    if not matrix:
        return a * h if kind == "sum" else a + h
    if kind == "sum":
        if a.dim() == 3 and a.size(0) == 1 and h.size(0) > 1:
            # One matrix for all: a single product with all columns.
            columns = torch.mm(a[0], h.transpose(0, 1).flatten(1))
            return columns.unflatten(1, [h.size(0), h.size(2)]).transpose(0, 1)
        return torch.matmul(a, h)
    every = a.unsqueeze(-1) + h.unsqueeze(-3)
    if kind == "max":
        return torch.amax(every, -2)
    if kind == "min":
        return torch.amin(every, -2)
    return torch.logsumexp(every, -2)


def scan_advance(kind: str, matrix: bool, a: Tensor, h: Tensor, b: Tensor) -> Tensor:
    """One step: coefficients times states, joined with terms."""
    if kind == "sum":
        if not matrix:
            return torch.addcmul(b, a, h)
        if a.dim() == 2 and h.dim() == 2:
            return torch.addmm(b, a, h)
        if a.dim() == 3 and h.dim() == 3 and a.size(0) == h.size(0):
            return torch.baddbmm(b, a, h)
        return scan_product(kind, matrix, a, h) + b
    product = scan_product(kind, matrix, a, h)
    if kind == "max":
        return torch.maximum(product, b)
    if kind == "min":
        return torch.minimum(product, b)
    return torch.logaddexp(product, b)


def scan_steps(kind: str, matrix: bool, a: list[Tensor], b: list[Tensor], state: Tensor, reverse: bool) -> list[Tensor]:
    """States, one step after the other; a single coefficient is that of every step."""
    states: list[Tensor] = []
    for n in range(len(b)):
        at = len(b) - 1 - n if reverse else n
        state = scan_advance(kind, matrix, a[at] if len(a) > 1 else a[0], state, b[at])
        states.append(state)
    if reverse:
        states.reverse()
    return states


def scan_block(kind: str, matrix: bool, a: Tensor, b: Tensor) -> int:
    """How many positions a block has; 0 where going through them one by one costs less.

    ``work`` is about how many nanoseconds the products of one position take on a core; a call takes some thousand.
    """
    count = b.size(0)
    state = b.numel() // max(count, 1)
    steady = a.size(0) == 1
    work = 1.5 * state
    if matrix:
        rows, columns = b.size(-2), b.size(-1)
        matrices = a.numel() // (a.size(0) * rows * rows)
        if steady:
            # One matrix, but its powers: they pass through numbers so small that processors are slow with them.
            work = state * rows * (0.1 if kind == "sum" else 1.0 if kind != "logsumexp" else 2.0)
            work = work if rows <= 32 else 1e9
        elif kind == "sum":
            work = matrices * (25 + rows * rows * (6 + 0.5 * columns))
        else:
            work = state * rows + matrices * rows * rows * (12 + 1.5 * rows)
        state = max(state, matrices * rows * rows)
    if count < (96 if matrix and kind == "sum" else 24) or work > 5000:
        return 0
    return max(8, min(count // 8, count * state // 16384))


def scan_ends(kind: str, matrix: bool, a: Tensor, b: Tensor, block: int, reverse: bool) -> tuple[Tensor, Tensor]:
    """What each block does to the state that comes in: multiplies it by the first result, joins it with the second."""
    count = b.size(0) // block
    first = b.size(0) - count * block if reverse else 0
    terms = list(b.narrow(0, first, count * block).unflatten(0, [count, block]).unbind(1))
    if a.size(0) > 1:
        parts = list(a.narrow(0, first, count * block).unflatten(0, [count, block]).unbind(1))
    else:
        parts = [a]
    at = block - 1 if reverse else 0
    product = parts[at] if len(parts) > 1 else a
    end = terms[at]
    for n in range(1, block):
        at = block - 1 - n if reverse else n
        coefficient = parts[at] if len(parts) > 1 else a
        product = scan_product(kind, matrix, coefficient, product)
        end = scan_advance(kind, matrix, coefficient, end, terms[at])
    return product, end


def scan_fill(
    kind: str, matrix: bool, a: Tensor, b: Tensor, ends: Tensor, state: Tensor, block: int, reverse: bool
) -> Tensor:
    """All states from those at the ends of the blocks; positions that make no whole block come last."""
    count, rest = b.size(0) // block, b.size(0) % block
    first, tail = (rest, 0) if reverse else (0, count * block)
    terms = list(b.narrow(0, first, count * block).unflatten(0, [count, block]).unbind(1))
    before = state.expand_as(ends[0]).unsqueeze(0)
    before = torch.cat([ends[1:], before]) if reverse else torch.cat([before, ends[:-1]])
    parts = [a]
    if a.size(0) > 1:
        parts = list(a.narrow(0, first, count * block).unflatten(0, [count, block]).unbind(1))
    states = torch.stack(scan_steps(kind, matrix, parts, terms, before, reverse), 1).flatten(0, 1)
    if rest == 0:
        return states
    last = ends[0] if reverse else ends[-1]
    parts = list(a.narrow(0, tail, rest).unbind(0)) if a.size(0) > 1 else list(a.unbind(0))
    others = torch.stack(scan_steps(kind, matrix, parts, list(b.narrow(0, tail, rest).unbind(0)), last, reverse))
    return torch.cat([others, states] if reverse else [states, others])


def scan_blocks(kind: str, matrix: bool, a: Tensor, b: Tensor, state: Tensor, reverse: bool) -> Tensor:
    """All states: recurrences over the ends of blocks are set up until one is short, then filled in."""
    coefficients, terms, blocks = [a], [b], [0]
    while True:
        block = scan_block(kind, matrix, coefficients[-1], terms[-1])
        if block == 0:
            break
        product, end = scan_ends(kind, matrix, coefficients[-1], terms[-1], block, reverse)
        usable = torch.isfinite(product).all() if kind == "sum" else ~torch.isnan(product).any()
        if not bool(usable):
            break
        blocks.append(block)
        coefficients.append(product)
        terms.append(end)
    states = scan_steps(kind, matrix, list(coefficients[-1].unbind(0)), list(terms[-1].unbind(0)), state, reverse)
    result = torch.stack(states)
    for level in range(len(blocks) - 1, 0, -1):
        result = scan_fill(
            kind, matrix, coefficients[level - 1], terms[level - 1], result, state, blocks[level], reverse
        )
    return result


# --- gradients -----------------------------------------------------------------------------------------------------


def scan_before(states: Tensor, state: Tensor, reverse: bool) -> Tensor:
    """The state that each position starts from."""
    first = state.expand_as(states.narrow(0, 0, 1)[0]).unsqueeze(0)
    return torch.cat([states[1:], first]) if reverse else torch.cat([first, states[:-1]])


def scan_adjoint(matrix: bool, weights: Tensor, grad: Tensor, reverse: bool) -> Tensor:
    """Gradients by the states, all later ones included: the same recurrence, transposed and run the other way."""
    count = grad.size(0)
    if reverse:
        weights = weights[:-1] if weights.size(0) > 1 else weights
        rest = [] if count == 1 else [LinearScan.apply("sum", matrix, weights, grad[1:], grad[0], False)]
        return torch.cat([grad[:1], *rest])
    weights = weights[1:] if weights.size(0) > 1 else weights
    rest = [] if count == 1 else [LinearScan.apply("sum", matrix, weights, grad[:-1], grad[-1], True)]
    return torch.cat([*rest, grad[-1:]])


def scan_shares(kind: str, matrix: bool, a: Tensor, b: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """How much of each state comes from each product and how much from its term; equals share evenly.

    The shares of products are [..., i, j, m] for matrices.
    """
    every = a.unsqueeze(-1) + before.unsqueeze(-3) if matrix else a + before
    if kind == "logsumexp":
        total = torch.logaddexp(torch.logsumexp(every, -2) if matrix else every, b)
        total = torch.where(torch.isfinite(total), total, 0)
        return torch.exp(every - (total.unsqueeze(-2) if matrix else total)), torch.exp(b - total)
    product = every
    if matrix:
        product = torch.amax(every, -2) if kind == "max" else torch.amin(every, -2)
    better = b > product if kind == "max" else b < product
    own = better.to(b.dtype) + 0.5 * (b == product).to(b.dtype)
    if not matrix:
        return 1 - own, own
    hits = (every == product.unsqueeze(-2)).to(b.dtype)
    return hits * ((1 - own) / hits.sum(-2)).unsqueeze(-2), own


class LinearScan(torch.autograd.Function):
    """``scan_blocks`` with the gradient as a scan of its own: only coefficients and states are kept for it."""

    @staticmethod
    def forward(kind: str, matrix: bool, a: Tensor, b: Tensor, state: Tensor, reverse: bool) -> Tensor:
        return scan_blocks(kind, matrix, a, b, state, reverse)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        ctx.kind, ctx.matrix, a, b, state, ctx.reverse = inputs
        ctx.save_for_backward(a, None if ctx.kind == "sum" else b, state, output)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        a, b, state, states = ctx.saved_tensors
        kind, matrix = ctx.kind, ctx.matrix
        before = scan_before(states, state, ctx.reverse)
        by_a = None
        if kind == "sum":
            weights = a.mH if matrix else a.conj()
            total = by_terms = scan_adjoint(matrix, weights, grad, ctx.reverse)
            if ctx.needs_input_grad[2]:
                by_a = scan_outer(matrix, total, before, a)
        else:
            weights, own = scan_shares(kind, matrix, a, b, before)
            if matrix:
                turned = weights.movedim(-1, -3).mT
                total = scan_adjoint(True, turned, grad.mT.unsqueeze(-1), ctx.reverse).squeeze(-1).mT
                by_a = (weights * total.unsqueeze(-2)).sum(-1).sum_to_size(a.shape)
                weights, total = turned, total.mT.unsqueeze(-1)
            else:
                total = scan_adjoint(False, weights, grad, ctx.reverse)
                by_a = (weights * total).sum_to_size(a.shape)
            by_terms = own * (total.squeeze(-1).mT if matrix else total)
        by_state = None
        if ctx.needs_input_grad[4]:
            first = len(total) - 1 if ctx.reverse else 0
            by_state = scan_product("sum", matrix, weights[first if len(weights) > 1 else 0], total[first])
            by_state = by_state.squeeze(-1).mT if matrix and kind != "sum" else by_state
        return None, None, by_a, by_terms, by_state, None


def scan_outer(matrix: bool, total: Tensor, before: Tensor, a: Tensor) -> Tensor:
    """Gradients by the coefficients of sums; one matrix for all positions takes a single product."""
    if not matrix:
        return (total * before.conj()).sum_to_size(a.shape)
    rows = a.size(-1)
    if a.numel() == rows * rows:
        left, right = (part.movedim(-2, 0).reshape(rows, -1) for part in (total, before))
        return (left @ right.mH).reshape(a.shape)
    return (total @ before.mH).sum_to_size(a.shape)


def scan_all(kind: str, a: Tensor, b: Tensor, matrix: bool, reverse: bool, fresh: bool, lag: int) -> Tensor:
    """All states; outside the axis the state is 0, or (``fresh``) the first state is its term alone."""
    count = b.size(0)
    if count == 0:
        return b
    if lag > 1:
        return scan_apart(kind, a, b, matrix, reverse, lag)
    if fresh:
        first, start = (count - 1, 0) if reverse else (0, 1)
        if count == 1:
            return b
        state, b = b[first], b.narrow(0, start, count - 1)
        a = a.narrow(0, start, count - 1) if a.size(0) > 1 else a
        rest = scan_states(kind, matrix, a, b, state, reverse)
        return torch.cat([rest, state.unsqueeze(0)] if reverse else [state.unsqueeze(0), rest])
    return scan_states(kind, matrix, a, b, torch.zeros_like(b[0]), reverse)


def scan_states(kind: str, matrix: bool, a: Tensor, b: Tensor, state: Tensor, reverse: bool) -> Tensor:
    """``scan_blocks``, with its own gradient except in scripts and for a few positions."""
    if b.size(0) < (96 if matrix and kind == "sum" else 24):
        return torch.stack(scan_steps(kind, matrix, list(a.unbind(0)), list(b.unbind(0)), state, reverse))
    if torch.jit.is_scripting():  # type: ignore[attr-defined]
        return scan_blocks(kind, matrix, a, b, state, reverse)
    else:
        if not torch.is_grad_enabled() or not (a.requires_grad or b.requires_grad or state.requires_grad):
            return scan_blocks(kind, matrix, a, b, state, reverse)
        states: Tensor = LinearScan.apply(kind, matrix, a, b, state, reverse)
        return states


def scan_apart(kind: str, a: Tensor, b: Tensor, matrix: bool, reverse: bool, lag: int) -> Tensor:
    """States that read the one ``lag`` positions before: as many recurrences side by side; what is over comes last."""
    count = b.size(0) // lag
    rest = b.size(0) % lag
    first = rest if reverse else 0
    if count == 0:
        return b
    terms = b.narrow(0, first, count * lag).unflatten(0, [count, lag])
    steady = a.size(0) == 1
    parts = a.unsqueeze(0) if steady else a.narrow(0, first, count * lag).unflatten(0, [count, lag])
    states = scan_states(kind, matrix, parts, terms, torch.zeros_like(terms[0]), reverse)
    last = states[0].narrow(0, lag - rest, rest) if reverse else states[-1].narrow(0, 0, rest)
    states = states.flatten(0, 1)
    if rest == 0:
        return states
    over = 0 if reverse else count * lag
    parts = a if steady else a.narrow(0, over, rest)
    others = scan_advance(kind, matrix, parts, last, b.narrow(0, over, rest))
    return torch.cat([others, states] if reverse else [states, others])


# What generated code calls. States outside the axis are 0; ``reverse``: from the last position to the first;
# ``fresh``: the first state is its term; ``lag``: how many positions back.


def linear_scan(
    a: Tensor, b: Tensor, matrix: bool = False, reverse: bool = False, fresh: bool = False, lag: int = 1
) -> Tensor:
    """All states of H[t] = a[t] H[t-lag] + b[t]."""
    return scan_all("sum", a, b, matrix, reverse, fresh, lag)


def max_scan(
    a: Tensor, b: Tensor, matrix: bool = False, reverse: bool = False, fresh: bool = False, lag: int = 1
) -> Tensor:
    """All states of H[t] = max(a[t] + H[t-lag], b[t])."""
    return scan_all("max", a, b, matrix, reverse, fresh, lag)


def min_scan(
    a: Tensor, b: Tensor, matrix: bool = False, reverse: bool = False, fresh: bool = False, lag: int = 1
) -> Tensor:
    """All states of H[t] = min(a[t] + H[t-lag], b[t])."""
    return scan_all("min", a, b, matrix, reverse, fresh, lag)


def logsumexp_scan(
    a: Tensor, b: Tensor, matrix: bool = False, reverse: bool = False, fresh: bool = False, lag: int = 1
) -> Tensor:
    """All states of H[t] = log(exp(a[t] + H[t-lag]) + exp(b[t]))."""
    return scan_all("logsumexp", a, b, matrix, reverse, fresh, lag)
