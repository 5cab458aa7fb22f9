"""A recurrence as text: the function that runs over the positions and calls the step.

In: a ``LoopPlan``. Out: lines of a function that scripts, with a loop of dynamic length; slices are taken once by
``unbind``, so that time and memory grow linearly with the length, backward too. A tensor that is read as a whole is a
list of its positions; of others there are only as many as the steps look back to, and the one that is handed out.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.plan import LoopPlan, StepPlan
from tensorlang.ir.recursion import Feed, Loop, Single
from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class LoopNames:
    """What the parts of a loop are called inside its function: positional names, so that nothing clashes."""

    given: dict[str, str]
    firsts: dict[tuple[str, int], str]
    members: dict[str, str]
    sizes: dict[str, str]
    stored: frozenset[str]
    singles: Mapping[str, Single]
    lags: Mapping[str, int]  # how many positions back a tensor is looked at
    windows: frozenset[str]  # tensors of which the last positions are kept as one


def loop_names(plan: LoopPlan) -> LoopNames:
    """The names inside the functions of a loop."""
    loop = plan.loop
    lags: dict[str, int] = {}
    for feed in (feed for _, feeds in loop.bodies for feed in feeds):
        if feed.kind == "lag":
            lags[feed.tensor] = max(lags.get(feed.tensor, 0), distance(feed))
    return LoopNames(
        {tensor: f"x{at}" for at, tensor in enumerate(loop.fed)},
        {(tensor, position): f"first{at}" for at, (tensor, position, _) in enumerate(loop.first)},
        {name: f"h{at}" for at, name in enumerate(loop.computed)},
        {size: f"size{at}" for at, size in enumerate(plan.sizes)},
        frozenset(loop.stored),
        {single.tensor: single for single in loop.singles},
        lags,
        frozenset(loop.windows),
    )


def distance(feed: Feed) -> int:
    """How far from its position a step looks."""
    offset = feed.offset.constant
    assert offset is not None, f"{feed.name} has no fixed distance"
    return offset


def loop_lines(plan: LoopPlan) -> list[str]:
    """The function of a loop, its steps defined before it."""
    loop = plan.loop
    names = loop_names(plan)
    tensors = [*names.given.values(), *names.firsts.values(), *(f"zero_{h}" for h in names.members.values())]
    arguments = ["steps: int", *(f"{name}: Tensor" for name in tensors), *(f"{n}: int" for n in names.sizes.values())]
    arguments += [f"length_{names.members[name]}: int" for name in loop.unequal]
    arguments += [f"at_{names.members[single.tensor]}: int" for single in loop.singles]
    arguments += [f"window_{names.members[name]}: int" for name in loop.windows]
    count = len(loop.stored) + len(loop.singles)
    result = "Tensor" if count == 1 else f"Tuple[{', '.join(['Tensor'] * count)}]"
    lines = [f"def {plan.function}({', '.join(arguments)}) -> {result}:"]
    lines += [f"    {line}" for line in (*_before(loop, names), *_first(plan, names))]
    lines.append(f"    for n in range({f'{loop.start}, ' if loop.start else ''}steps):")
    lines += [f"        {line}" for line in _called(loop, plan.steps[-1], names, None)]
    return [*lines, *(f"    {line}" for line in _after(loop, names))]


def _before(loop: Loop, names: LoopNames) -> list[str]:
    slices: dict[str, None] = {}
    for feed in loop.given:
        if feed.kind == "slice":
            at, given = _slices(names, feed), names.given[feed.tensor]
            slices[f"{at} = {given}.unbind({feed.axis})"] = None
            if not _always_inside(loop, feed):
                sums = f"{given}.narrow({feed.axis}, 0, 0).sum({feed.axis})"
                slices[f"{at}_zero = torch.zeros_like({sums}, dtype={given}.dtype)"] = None
    lines = list(slices)
    for name, h in names.members.items():
        if name in names.stored:
            lines.append(f"{h}: List[Tensor] = []")
        else:
            lines += [f"{h}_{back} = zero_{h}" for back in range(1, names.lags.get(name, 0) + 1)]
        if name in names.singles:
            lines.append(f"only_{h} = zero_{h}")
        lines += blank_window(names, name)
    return lines


def blank_window(names: LoopNames, tensor: str) -> list[str]:
    """The last positions of a tensor before the first: 0."""
    h = names.members[tensor]
    shape = f"[window_{h}] + list(zero_{h}.shape)"
    return [f"last_{h} = zero_{h}.unsqueeze(0).expand({shape})"] if tensor in names.windows else []


def moved_window(names: LoopNames, tensor: str, value: str) -> list[str]:
    """The last positions of a tensor after a new one, the newest first."""
    h = names.members[tensor]
    older = f"last_{h}.narrow(0, 0, window_{h} - 1)"
    return [f"last_{h} = torch.cat([{value}.unsqueeze(0), {older}])"] if tensor in names.windows else []


def _slices(names: LoopNames, feed: Feed) -> str:
    return f"{names.given[feed.tensor]}_at{feed.axis}"


def _always_inside(loop: Loop, feed: Feed) -> bool:
    """Whether a slice exists at every position for which a step is called."""
    size, offset = loop.sliced[feed.name], distance(feed)
    start = 0 if loop.openings else loop.start
    first, last = (0, loop.scan.steps - 1 - start) if loop.scan.reverse else (start, loop.scan.steps - 1)
    beyond = (size - 1 - last - offset).constant
    return first + offset >= 0 and beyond is not None and beyond >= 0


# --- one position ------------------------------------------------------------------------------------------------


def _first(plan: LoopPlan, names: LoopNames) -> list[str]:
    """The positions before the loop."""
    loop = plan.loop
    lines = []
    for rank in range(loop.start):
        lines.append(f"if steps > {rank}:")
        if loop.openings:
            inside = _called(loop, plan.steps[rank], names, rank)
        else:
            p = f"steps - {rank + 1}" if loop.scan.reverse else str(rank)
            values = {tensor: names.firsts.get((tensor, rank), f"zero_{h}") for tensor, h in names.members.items()}
            inside = [line for tensor, value in values.items() for line in _kept(loop, names, tensor, value, p)]
        lines += [f"    {line}" for line in inside or ["pass"]]
    return lines


def _called(loop: Loop, step: StepPlan, names: LoopNames, rank: int | None) -> list[str]:
    """One call of a step: at position ``n``, or at one of the first."""
    lines = []
    p = "n" if rank is None else str(rank)
    if loop.scan.reverse:
        lines.append(f"p = steps - 1 - {p}")
        p = "p"
    fed = []
    for at, feed in enumerate(step.feeds):
        code = _fed(loop, names, feed, p, rank)
        if code.isidentifier():
            fed.append(code)
        else:
            lines.append(f"given{at} = {code}")
            fed.append(f"given{at}")
    called = f"{step.function}({', '.join([*fed, *(names.sizes[size] for size in step.sizes)])})"
    if len(names.members) == 1:
        ((name, h),) = names.members.items()
        if name in names.stored and name not in names.windows:
            return [*lines, f"{h}.append({called})"]
        return [*lines, f"new_{h} = {called}", *_kept(loop, names, name, f"new_{h}", p)]
    lines.append(f"{', '.join(f'new_{h}' for h in names.members.values())} = {called}")
    return [*lines, *(line for name, h in names.members.items() for line in _kept(loop, names, name, f"new_{h}", p))]


def _kept(loop: Loop, names: LoopNames, tensor: str, value: str, p: str) -> list[str]:
    """What is kept of a tensor's value at this position."""
    h = names.members[tensor]
    if tensor in names.stored:
        return [f"{h}.append({value})", *moved_window(names, tensor, value)]
    lines = [f"{h}_{back} = {h}_{back - 1}" for back in range(names.lags.get(tensor, 0), 1, -1)]
    lines += [f"{h}_1 = {value}"] if names.lags.get(tensor) else []
    if tensor in names.singles:
        within = _within(loop, names, tensor, p)
        lines += [f"if {p} == at_{h}{within}:", f"    only_{h} = {value}"]
    return [*lines, *moved_window(names, tensor, value)]


def _within(loop: Loop, names: LoopNames, tensor: str, p: str) -> str:
    """That a position lies inside a tensor, where that is not plain."""
    beyond = (loop.lengths[tensor] - names.singles[tensor].position).constant
    return "" if beyond is not None and beyond > 0 else f" and {p} < {_length(loop, names, tensor)}"


def _fed(loop: Loop, names: LoopNames, feed: Feed, p: str, rank: int | None) -> str:
    """The code of one input of the step at position ``p``, the ``rank``-th where that is known."""
    match feed.kind:
        case "whole":
            return names.given[feed.tensor]
        case "step":
            return f"torch.full([], {p}, dtype=torch.int64, device=zero_{next(iter(names.members.values()))}.device)"
        case "window":
            return f"last_{names.members[feed.tensor]}"
        case "lag":
            h, offset = names.members[feed.tensor], distance(feed)
            if feed.tensor not in names.stored:
                return f"{h}_{offset}"
            if rank is not None:
                return f"{h}[{rank - offset}]" if rank >= offset else f"zero_{h}"
            return f"{h}[n - {offset}]" if loop.start >= offset else f"{h}[n - {offset}] if n >= {offset} else zero_{h}"
        case _:
            at, offset = _slices(names, feed), distance(feed)
            place = p if offset == 0 else f"{p} {'+' if offset > 0 else '-'} {abs(offset)}"
            if _always_inside(loop, feed):
                return f"{at}[{place}]"
            return f"{at}[{place}] if {place} >= 0 and {place} < len({at}) else {at}_zero"


# --- what is handed out ------------------------------------------------------------------------------------------


def _after(loop: Loop, names: LoopNames) -> list[str]:
    lines = []
    results = []
    for name in loop.stored:
        h = names.members[name]
        if name in names.lags:
            # TorchScript drops appends to a list that nothing behind the loop reads, though the loop itself does.
            lines.append(f"assert len({h}) == steps")
        short = (loop.scan.steps - loop.lengths[name]).constant
        if loop.scan.reverse:
            lines.append(f"{h}.reverse()")
        if short:
            # What stands behind the end of a shorter tensor is no part of it, not even with a gradient of 0.
            lines.append(f"{h} = {h}[: max(0, steps - {short})]")
        lines.append(f"all_{h} = torch.stack({h}) if len({h}) > 0 else zero_{h}.unsqueeze(0).narrow(0, 0, 0)")
        results.append(f"all_{h}" if short is not None else f"all_{h}.narrow(0, 0, length_{h})")
    results += [f"only_{names.members[single.tensor]}" for single in loop.singles]
    return [*lines, f"return {', '.join(results)}"]


def _length(loop: Loop, names: LoopNames, tensor: str) -> str:
    short = (loop.scan.steps - loop.lengths[tensor]).constant
    if short is None:
        return f"length_{names.members[tensor]}"
    return "steps" if short == 0 else f"steps - {short}"
