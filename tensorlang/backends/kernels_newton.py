"""Newton's method over all positions of a recurrence at once: H = F(H), where F reads each position of H further on.

In: F as a function of a guess of all positions, the loop that computes the same, and which axes of H mix (``rows``).
Each round is one evaluation of F, its derivatives by the positions before, and a linear scan. Where the guesses do not
settle, the loop is run. The gradient solves one transposed linear scan at the end: nothing of the way is kept.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from tensorlang.backends.kernels_scan import scan_all

# mypy: disable-error-code="no-untyped-call, no-any-return"


def states_in_front(h: Tensor, axis: int, rows: list[int]) -> Tensor:
    """Positions first, then what stands apart, then all that mixes as one column; plain where nothing mixes."""
    apart = [at for at in range(h.dim()) if at != axis and at not in rows]
    turned = h.permute([axis, *apart, *rows])
    return turned.flatten(1 + len(apart)).unsqueeze(-1) if rows else turned


def states_in_place(h: Tensor, like: Tensor, axis: int, rows: list[int]) -> Tensor:
    """The inverse of ``states_in_front``."""
    apart = [at for at in range(like.dim()) if at != axis and at not in rows]
    order = [axis, *apart, *rows]
    whole = h.reshape([like.size(at) for at in order])
    return whole.permute([order.index(at) for at in range(like.dim())])


def moved_on(h: Tensor, steps: int) -> Tensor:
    """Each position holds what stood ``steps`` before it (behind it, where negative); 0 from outside."""
    count = min(abs(steps), h.size(0))
    outside = torch.zeros_like(h.narrow(0, 0, count))
    return torch.cat([outside, h[: h.size(0) - count]] if steps > 0 else [h[count:], outside])


def derivatives(value: Tensor, before: Tensor, axis: int, rows: list[int], steps: int) -> Tensor:
    """How each position depends on the one before: a number for each element, or a matrix over what mixes."""
    if not rows:
        (slope,) = torch.autograd.grad(value, before, torch.ones_like(value), retain_graph=True)
        return moved_on(states_in_front(slope, axis, rows), steps)
    sizes = [before.size(at) for at in rows]
    count = torch.Size(sizes).numel()
    spread = [before.size(at) if at in rows else 1 for at in sorted(rows)]
    one = torch.eye(count, dtype=value.dtype, device=value.device).reshape([count, *sizes])
    one = one.permute([0, *(1 + rows.index(at) for at in sorted(rows))]).reshape([count, *spread])
    shape = [before.size(at) if at in rows else 1 for at in range(before.dim())]
    directions = one.reshape([count, *shape]).expand([count, *before.shape])
    (slopes,) = torch.autograd.grad(value, before, directions, retain_graph=True, is_grads_batched=True)
    columns = torch.stack([states_in_front(slope, axis, rows).squeeze(-1) for slope in slopes], -2)
    return moved_on(columns, steps)


class AtOnce(torch.autograd.Function):
    """A settled state, whose gradient is that of the recurrence: the transposed linear scan."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, slopes: Tensor, axis: int, rows: list[int], steps: int) -> Tensor:
        ctx.save_for_backward(slopes)
        ctx.axis, ctx.rows, ctx.steps = axis, rows, steps
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError("a recurrence solved by Newton's method has no second derivative: run it as a loop")
        (slopes,) = ctx.saved_tensors
        turned = moved_on(slopes.mT if ctx.rows else slopes, -ctx.steps)
        given = states_in_front(grad, ctx.axis, ctx.rows)
        total = scan_all("sum", turned, given, bool(ctx.rows), ctx.steps > 0, False, abs(ctx.steps))
        return states_in_place(total, grad, ctx.axis, ctx.rows), None, None, None, None


def newton(
    step: Any, given: list[Any], place: int, loop: Any, loop_given: list[Any], guess: Tensor,
    axis: int, rows: list[int], steps: int, tolerance: float, most: int, name: str,
) -> Tensor:  # fmt: skip
    """All positions; ``step`` takes the guess at ``place`` among what is ``given``. Positions come first."""
    if guess.numel() == 0:
        return loop(*loop_given)
    still = [part.detach() if isinstance(part, Tensor) else part for part in given]
    closest = max(tolerance, 8 * torch.finfo(guess.dtype).eps)
    state, settled, rounds, change = guess, False, 0, 0.0
    matrix, reverse = bool(rows), steps < 0
    for rounds in range(1, most + 1):  # noqa: B007
        before = state.detach().requires_grad_()
        with torch.enable_grad():
            value = step(*still[:place], before, *still[place:])
        slopes = derivatives(value, before, axis, rows, steps)
        with torch.no_grad():
            old = moved_on(states_in_front(state, axis, rows), steps)
            rest = states_in_front(value, axis, rows) - (slopes @ old if matrix else slopes * old)
            solved = scan_all("sum", slopes, rest, matrix, reverse, False, abs(steps))
            fresh = states_in_place(solved, state, axis, rows)
            change, largest = float((fresh - state).abs().max()), float(fresh.abs().max())
        state = fresh
        settled = largest < float("inf") and change <= closest * max(1.0, largest)
        if settled or not change < float("inf"):
            break
    if not settled:
        told = f"in {rounds} rounds, the last one changed it by {change:.3g}; the loop is run"
        warnings.warn(f"{name} did not settle: {told}", stacklevel=2)
        return loop(*loop_given)
    if torch.is_grad_enabled() and any(isinstance(part, Tensor) and part.requires_grad for part in given):
        before = state.detach().requires_grad_()
        value = step(*still[:place], before, *still[place:])
        slopes = derivatives(value, before, axis, rows, steps)
        value = step(*given[:place], state.detach(), *given[place:])
        state = AtOnce.apply(value, slopes, axis, rows, steps)
    return state.movedim(axis, 0)
