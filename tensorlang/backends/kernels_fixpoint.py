"""Fixed points as generated code runs them: when an iteration has settled, where it looks next, and its gradient.

In and out: the state of an iteration, a list of tensors ``h``, and what its step reads beside it, a list ``x``. All
stand alone (only torch, and one another); the classes without ``torch.autograd`` script. Steps are counted from 1, and
a failure is a ``RuntimeError`` whose text names the iteration, so that its caller can say which equations it is.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor


def join_state(h: list[Tensor]) -> Tensor:
    """All elements of a state as one vector of real numbers; complex ones as two."""
    flat = [(torch.view_as_real(part) if part.is_complex() else part).reshape(-1) for part in h]
    return flat[0] if len(flat) == 1 else torch.cat(flat)


def split_state(flat: Tensor, like: list[Tensor]) -> list[Tensor]:
    """The state that a vector holds, its parts shaped as those of another one."""
    h: list[Tensor] = []
    at = 0
    for part in like:
        if part.is_complex():
            pairs = flat[at : at + 2 * part.numel()].reshape(-1, 2).to(torch.real(part).dtype)
            h.append(torch.view_as_complex(pairs.contiguous()).reshape(part.size()))
            at += 2 * part.numel()
        else:
            h.append(flat[at : at + part.numel()].reshape(part.size()).to(part.dtype))
            at += part.numel()
    return h


def last_place(of: Tensor) -> float:
    """How far the next larger number is from 1."""
    if of.dtype == torch.float64:
        return 2.0**-52
    if of.dtype == torch.float32:
        return 2.0**-23
    return 2.0**-10 if of.dtype == torch.float16 else 2.0**-7


def wants_gradient(x: list[Tensor]) -> bool:
    """Whether anything that a step reads asks for a gradient here."""
    wanted = False
    for part in x:
        wanted = wanted or part.requires_grad
    return wanted and torch.is_grad_enabled()


class Settling:
    """Real values x = f(x), by Anderson's mixing of the last evaluations, or (``memory`` 1) by taking f(x) for x.

    ``residual`` is the largest change of an element in a step, relative to the largest element where that is above 1;
    at most ``tolerance``, or 8 units in the last place of the numbers, is settled. Anderson (1965); as a least squares
    problem over the residuals, which are scaled to one length: Walker and Ni (2011). A mixture that makes the residual
    more than twice the best so far is dropped: the best state is gone on from, more carefully each time.

    Where f has kinks, mixtures may turn in circles for ever. So a stretch of mixing that lowers the best residual by
    less per step than plain steps did (``fair``) is followed by a stretch of plain steps, each twice as long as the one
    before it. These go on from where the last ones ended, unless mixing has since come clearly nearer: a small residual
    alone may be far from the end. What settles plainly settles in not many more steps so.
    """

    def __init__(self, name: str, tolerance: float, most: int, lenient: bool, memory: int) -> None:
        self.name = name
        self.tolerance = tolerance
        self.most = most
        self.lenient = lenient
        self.memory = memory
        self.steps = 0
        self.residual = 0.0
        self.first = 0.0
        self.best = float("inf")
        self.damping = 1.0
        self.mixed = False
        self.kept = 0
        self.plainly = False
        self.stretch = 20
        self.left = self.stretch
        self.patience = self.stretch
        self.fair = 0.966
        self.begun = float("inf")
        self.middle = 0.0
        self.reached = 0.0
        none = torch.empty([0])
        self.best_state = none
        self.best_value = none
        self.plain_value = none
        self.values = none
        self.residuals = none
        self.products = none

    def goes_on(self, state: Tensor, value: Tensor) -> bool:
        """Whether a further evaluation is needed after ``value = f(state)``."""
        self.steps += 1
        if state.numel() == 0:
            return False
        sizes: list[float] = torch.stack([(value - state).abs().max(), value.abs().max()]).double().tolist()
        self.residual = sizes[0] / max(1.0, sizes[1])
        if self.steps == 1:
            self.first = self.residual
        if self.residual <= max(self.tolerance, 8 * last_place(state)):
            return False
        number = sizes[0] - sizes[0] == 0.0 and sizes[1] - sizes[1] == 0.0
        if not number:
            self.residual = float("inf")
            if not (self.mixed or self.plainly) or self.steps >= self.most:
                raise RuntimeError(self.name + " diverged: no finite numbers after " + str(self.steps) + " steps")
        if self.steps >= self.most:
            grows = " and grows" if self.residual > self.first else ""
            told = " did not settle: in step " + str(self.steps) + " the change is " + str(self.residual) + grows
            if not self.lenient:
                raise RuntimeError(self.name + told)
            warnings.warn(self.name + told, stacklevel=2)
            return False
        return True

    def next_state(self, state: Tensor, value: Tensor) -> Tensor:
        """Where to evaluate next, after ``goes_on(state, value)``."""
        if self.memory < 2:
            return value
        if self.residual < self.best:
            self.best = self.residual
            self.best_state = state
            self.best_value = value
        if self.steps == 1:
            self.reached = self.residual
            self.plain_value = value
        self.left -= 1
        if self.plainly:
            return self.plain_step(value)
        if self.left == 0:
            if self.best > self.begun * self.fair**self.stretch:
                return self.turn_plain()
            self.left = self.stretch
            self.begun = self.best
        if self.mixed and self.residual > 2 * self.best:
            self.kept = 0
            self.mixed = False
            self.damping = self.damping / 2
            return torch.lerp(self.best_state, self.best_value, self.damping)
        return self.mixture(state, value)

    def turn_plain(self) -> Tensor:
        """Where a stretch of plain steps begins."""
        self.plainly = True
        self.left = self.patience
        self.patience = 2 * self.patience
        return self.best_value if 3 * self.best < self.reached else self.plain_value

    def plain_step(self, value: Tensor) -> Tensor:
        """Where to go on in a stretch of plain steps: one more, or back to mixing, which is to do better than these."""
        half = self.patience // 4
        if self.left == half:
            self.middle = self.residual
        lost = self.residual > self.patience * self.best
        if self.left > 0 and not lost:
            return value
        self.reached = float("inf") if lost else self.residual
        self.plain_value = value
        self.fair = 0.999 if lost else min(0.999, (self.residual / self.middle) ** (1.0 / half))
        self.plainly = False
        self.mixed = False
        self.kept = 0
        self.left = self.stretch
        self.begun = self.best
        self.damping = 0.5 if lost else 1.0
        return torch.lerp(self.best_state, self.best_value, self.damping) if lost else value

    def mixture(self, state: Tensor, value: Tensor) -> Tensor:
        """Remember an evaluation; the mixture of all remembered whose residuals, mixed alike, come nearest to 0."""
        if self.values.numel() == 0:
            self.values = torch.empty([self.memory, value.numel()], dtype=value.dtype, device=value.device)
            self.residuals = torch.empty_like(self.values)
            self.products = torch.zeros([self.memory, self.memory], dtype=torch.float64, device=value.device)
        row = self.kept % self.memory
        self.kept += 1
        count = min(self.kept, self.memory)
        self.values[row] = value
        self.residuals[row] = value - state
        products = torch.mv(self.residuals[:count], self.residuals[row]).double()
        self.products[row, :count] = products
        self.products[:count, row] = products
        self.mixed = count > 1
        if count == 1:
            return value
        inner = self.products[:count, :count]
        lengths = inner.diagonal().sqrt()
        scales = lengths.amin() / lengths
        angles = inner / torch.outer(lengths, lengths)
        least = 10 * last_place(value) * torch.eye(count, dtype=torch.float64, device=value.device)
        weights = torch.linalg.solve(angles + least, scales) * scales
        weights = (weights / weights.sum()).to(value.dtype)
        return torch.mv(self.values[:count].t(), weights)


def goes_round(before: list[Tensor], after: list[Tensor]) -> bool:
    """Whether a number has changed by more than rounding may have added up to; infinite ones do not count."""
    found = False
    for at in range(len(after)):
        if after[at].is_floating_point() and after[at].numel() > 0:
            finite = after[at].isfinite()
            size = torch.where(finite, after[at], 0).abs().max()
            change = torch.where(finite & (after[at] != before[at]), (after[at] - before[at]).abs(), 0)
            found = found or bool(change.max() > size * last_place(after[at]) ** 0.5)
    return found


def runs_away(before: list[Tensor], after: list[Tensor]) -> bool:
    """Whether a number near the largest that there are has grown still."""
    found = False
    for at in range(len(after)):
        if after[at].is_floating_point():
            huge = 2.0**12 if after[at].dtype == torch.float16 else 2.0**120
            huge = 2.0**1000 if after[at].dtype == torch.float64 else huge
            size = before[at].abs()
            grown = (size > huge) & before[at].isfinite() & (after[at].abs() > size)
            found = found or bool(grown.any())
    return found


class Improving:
    """Aggregates that only ever improve (min, max, any, all), until nothing changes at all.

    ``bound``: where not 0, a change after that many steps proves that there is no end.
    """

    def __init__(self, name: str, most: int, lenient: bool, bound: int) -> None:
        self.name = name
        self.bound = bound
        self.most = most
        self.lenient = lenient
        self.steps = 0
        self.residual = 0.0

    def goes_on(self, before: list[Tensor], after: list[Tensor]) -> bool:
        """Whether a step has changed anything."""
        self.steps += 1
        changed = 0
        numbers = True
        for at in range(len(after)):
            changed += int((before[at] != after[at]).sum())
            numbers = numbers and not bool(after[at].isnan().any())
        self.residual = float(changed)
        if not numbers:
            raise RuntimeError(self.name + " has no numbers: infinities met after " + str(self.steps) + " steps")
        endless = False
        if changed > 0 and not self.lenient:
            endless = self.bound > 0 and self.steps > self.bound and goes_round(before, after)
            endless = endless or (self.steps > 16 and runs_away(before, after))
        if changed > 0 and (endless or self.steps >= self.most):
            told = " did not end: in step " + str(self.steps) + " elements change still: " + str(changed)
            if not self.lenient:
                raise RuntimeError(self.name + told)
            warnings.warn(self.name + told, stacklevel=2)
            return False
        return changed > 0


# --- gradients -----------------------------------------------------------------------------------------------------


def again(step: Any, h: list[Tensor], x: list[Tensor], sizes: list[int], wanted: list[bool]) -> Any:
    """One step with its graph: its inputs as leaves, those of them that get a gradient, and the same of its results."""
    with torch.enable_grad():
        state = [part.detach().requires_grad_(part.is_floating_point() or part.is_complex()) for part in h]
        read = [part.detach().requires_grad_(asks) for part, asks in zip(x, wanted, strict=True)]
        results = step(state, read, sizes)
    return state, [part for part in read if part.requires_grad], results


def pulled(results: list[Tensor], at: list[Tensor], gradients: list[Tensor]) -> list[Tensor]:
    """The vector-Jacobian product of a graph, kept for more of them; 0 where nothing depends on an input."""
    pairs = [pair for pair in zip(results, gradients, strict=True) if pair[0].requires_grad]
    if not pairs or not at:
        return [torch.zeros_like(part) for part in at]
    outputs, vectors = zip(*pairs, strict=True)
    found = torch.autograd.grad(outputs, at, vectors, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(part) if g is None else g for part, g in zip(at, found, strict=True)]


def spread_out(found: list[Tensor], wanted: list[bool]) -> list[Tensor | None]:
    """The gradients that were found, each at the place of its input."""
    rest = iter(found)
    return [next(rest) if asks else None for asks in wanted]


class ImplicitGradient(torch.autograd.Function):
    """The identity on a settled state, whose gradient is that of the equation x = f(x, y) which it solves.

    With g the gradient by x, u = g + (df/dx)' u is solved like x was, and (df/dy)' u is the gradient by y: the implicit
    function theorem. Only the state is stored; the graph of one step is made anew. Bai, Kolter and Koltun (2019).
    """

    @staticmethod
    def forward(ctx: Any, step: Any, sizes: list[int], settings: Any, count: int, *parts: Tensor) -> Any:
        ctx.step, ctx.sizes, ctx.settings, ctx.count = step, sizes, settings, count
        ctx.save_for_backward(*parts)
        return tuple(part.clone() for part in parts[:count])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        kept = ctx.saved_tensors
        h, x = list(kept[: ctx.count]), list(kept[ctx.count :])
        wanted = list(ctx.needs_input_grad[4 + ctx.count :])
        state, read, results = again(ctx.step, h, x, ctx.sizes, wanted)
        given = join_state(list(gradients))
        scale = given.abs().max() if given.numel() else given.sum()
        nothing = bool(scale == 0)
        given = given if nothing else given / scale
        settling = Settling(*ctx.settings)
        known, value = given, given
        if not nothing:
            value = given + join_state(pulled(results, state, split_state(known, h)))
            while settling.goes_on(known, value):
                known = settling.next_state(known, value)
                value = given + join_state(pulled(results, state, split_state(known, h)))
        found = pulled(results, read, split_state(value * scale, h))
        return (None, None, None, None, *(None for _ in h), *spread_out(found, wanted))


def implicit_gradient(step: Any, h: list[Tensor], x: list[Tensor], sizes: list[int], settled: Settling) -> list[Tensor]:
    """A settled state with the gradient of the equations that it solves."""
    settings = (f"{settled.name} gradient", settled.tolerance, settled.most, settled.lenient, settled.memory)
    return list(ImplicitGradient.apply(step, sizes, settings, len(h), *h, *x))  # type: ignore[no-untyped-call]


class LayeredGradient(torch.autograd.Function):
    """The identity on the end of an improving iteration, whose gradient follows the ways on which values came about.

    Elements are taken in layers: first those that a step makes of ``starts`` alone, then those that it makes of these.
    Back from the last layer to the first, each element passes its gradient on to what it was made of, in equal parts
    where several ways are best. Layers cannot read themselves, so this ends, also where ways of no length go round.
    """

    @staticmethod
    def forward(ctx: Any, step: Any, sizes: list[int], starts: list[Tensor], count: int, *parts: Tensor) -> Any:
        ctx.step, ctx.sizes, ctx.starts, ctx.count = step, sizes, starts, count
        ctx.save_for_backward(*parts)
        ends = tuple(part.clone() for part in parts[:count])
        ctx.mark_non_differentiable(*(end for end in ends if not end.is_floating_point()))
        return ends

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        kept = ctx.saved_tensors
        h, x = list(kept[: ctx.count]), list(kept[ctx.count :])
        wanted = list(ctx.needs_input_grad[4 + ctx.count :])
        layers, last = layers_of(ctx.step, h, x, ctx.sizes, ctx.starts)
        flowing = [part.is_floating_point() for part in h]
        known = [g for g, flows in zip(gradients, flowing, strict=True) if flows]
        ranks = [rank for rank, flows in zip(layers, flowing, strict=True) if flows]
        total = [torch.zeros_like(part) for part, asks in zip(x, wanted, strict=True) if asks]
        for layer in range(last, 0, -1):
            before = [torch.where(r < layer, end, start) for r, end, start in zip(layers, h, ctx.starts, strict=True)]
            state, read, results = again(ctx.step, before, x, ctx.sizes, wanted)
            state, results = ([p for p, f in zip(parts, flowing, strict=True) if f] for parts in (state, results))
            passed = [torch.where(rank == layer, g, 0) for rank, g in zip(ranks, known, strict=True)]
            found = pulled(results, [*state, *read], passed)
            below = [torch.where(rank < layer, g, 0) for rank, g in zip(ranks, found[: len(state)], strict=True)]
            known = [g + more for g, more in zip(known, below, strict=True)]
            total = [g + more for g, more in zip(total, found[len(state) :], strict=True)]
        return (None, None, None, None, *(None for _ in h), *spread_out(total, wanted))


def layers_of(
    step: Any, h: list[Tensor], x: list[Tensor], sizes: list[int], starts: list[Tensor]
) -> tuple[list[Tensor], int]:
    """The layer of each element, from 1: it comes about from elements of lower layers; and the last one."""
    layers = [torch.zeros(part.shape, dtype=torch.int64, device=part.device) for part in h]
    layer, state = 0, starts
    while any(bool((rank == 0).any()) for rank in layers):
        layer += 1
        values = step(state, x, sizes)
        fresh = [(rank == 0) & (value == end) for rank, value, end in zip(layers, values, h, strict=True)]
        if not any(bool(part.any()) for part in fresh):
            # What is made only of its like has no lower layer: it comes last.
            fresh = [rank == 0 for rank in layers]
        layers = [torch.where(new, layer, rank) for new, rank in zip(fresh, layers, strict=True)]
        state = [torch.where(rank > 0, end, start) for rank, end, start in zip(layers, h, starts, strict=True)]
    return layers, layer


def layered_gradient(
    step: Any, h: list[Tensor], x: list[Tensor], sizes: list[int], starts: list[Tensor]
) -> list[Tensor]:
    """The end of an improving iteration with the gradient of the ways to it."""
    return list(LayeredGradient.apply(step, sizes, starts, len(h), *h, *x))  # type: ignore[no-untyped-call]
