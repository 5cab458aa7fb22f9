"""A recurrence as text: the function that runs over the positions and calls the step.

In: a ``LoopPlan``. Out: lines of a function that scripts, with a loop of dynamic length; slices are taken once by
``unbind``, so that time and memory grow linearly with the length, backward too. A tensor that is read as a whole is a
list of its positions; of others there are only as many as the steps look back to, and the one that is handed out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tensorlang.ir.plan import LoopPlan
from tensorlang.ir.recursion import Feed, Single


@dataclass(frozen=True, slots=True)
class _Names:
    """What the parts of a loop are called inside its function: positional names, so that nothing clashes."""

    feeds: dict[str, str]
    firsts: dict[tuple[str, int], str]
    members: dict[str, str]
    stored: frozenset[str]
    singles: Mapping[str, Single]
    lags: Mapping[str, int]  # how many positions back a tensor is looked at


def _names(plan: LoopPlan) -> _Names:
    loop = plan.loop
    lags: dict[str, int] = {}
    for feed in loop.feeds:
        if feed.kind == "lag":
            lags[feed.tensor] = max(lags.get(feed.tensor, 0), feed.offset.constant or 0)
    return _Names(
        {feed.name: f"x{at}" for at, feed in enumerate(f for f in loop.feeds if f.kind in ("slice", "whole"))},
        {(tensor, position): f"first{at}" for at, (tensor, position, _) in enumerate(loop.first)},
        {name: f"h{at}" for at, (name, _) in enumerate(loop.scan.axes)},
        frozenset(loop.stored),
        {single.tensor: single for single in loop.singles},
        lags,
    )


def loop_lines(plan: LoopPlan) -> list[str]:
    """The function of a loop, its step defined before it."""
    loop = plan.loop
    names = _names(plan)
    tensors = [*names.feeds.values(), *names.firsts.values(), *(f"zero_{h}" for h in names.members.values())]
    arguments = ["steps: int", *(f"{name}: Tensor" for name in tensors), *(f"{name}: int" for name in _sizes(plan))]
    arguments += [f"length_{names.members[name]}: int" for name in loop.unequal]
    arguments += [f"at_{names.members[single.tensor]}: int" for single in loop.singles]
    count = len(loop.stored) + len(loop.singles)
    result = "Tensor" if count == 1 else f"Tuple[{', '.join(['Tensor'] * count)}]"
    lines = [f"def {plan.function}({', '.join(arguments)}) -> {result}:"]
    lines += [f"    {line}" for line in _before(plan, names)]
    lines += ["    for n in range(steps):", *(f"        {line}" for line in _inside(plan, names))]
    return [*lines, *(f"    {line}" for line in _after(plan, names))]


def _sizes(plan: LoopPlan) -> list[str]:
    return [f"size{at}" for at, _ in enumerate(plan.sizes)]


def _before(plan: LoopPlan, names: _Names) -> list[str]:
    lines = []
    for feed in plan.loop.feeds:
        if feed.kind == "slice":
            name = names.feeds[feed.name]
            lines.append(f"{name}_at = {name}.unbind({feed.axis})")
            if not _always_inside(plan, feed):
                sums = f"{name}.narrow({feed.axis}, 0, 0).sum({feed.axis})"
                lines.append(f"{name}_zero = torch.zeros_like({sums}, dtype={name}.dtype)")
    for name, h in names.members.items():
        if name in names.stored:
            lines.append(f"{h}: List[Tensor] = []")
        else:
            lines += [f"{h}_{back} = zero_{h}" for back in range(1, names.lags.get(name, 0) + 1)]
        if name in names.singles:
            lines.append(f"only_{h} = zero_{h}")
    return lines


def _always_inside(plan: LoopPlan, feed: Feed) -> bool:
    """Whether a slice exists at every position that the step is called for."""
    size = plan.loop.sliced[feed.name]
    offset = feed.offset.constant or 0
    beyond = (size - offset - plan.loop.scan.steps).constant
    return plan.loop.start + offset >= 0 and beyond is not None and beyond >= 0


# --- one position ------------------------------------------------------------------------------------------------


def _inside(plan: LoopPlan, names: _Names) -> list[str]:
    loop = plan.loop
    lines = ["p = steps - 1 - n"] if loop.scan.reverse else []
    p = "p" if loop.scan.reverse else "n"
    for position in range(loop.start):
        lines.append(f"if n == {position}:")
        for tensor, h in names.members.items():
            given = names.firsts.get((tensor, position), f"zero_{h}")
            lines += [f"    {line}" for line in _kept(plan, names, tensor, given, p)]
        lines.append("    continue")
    fed = []
    for at, feed in enumerate(loop.feeds):
        code = _fed(plan, names, feed, p)
        if code.isidentifier():
            fed.append(code)
        else:
            lines.append(f"given{at} = {code}")
            fed.append(f"given{at}")
    called = f"{plan.step}({', '.join([*fed, *_sizes(plan)])})"
    if len(names.members) == 1:
        ((name, h),) = names.members.items()
        if name in names.stored:
            return [*lines, f"{h}.append({called})"]
        return [*lines, f"new_{h} = {called}", *_kept(plan, names, name, f"new_{h}", p)]
    lines.append(f"{', '.join(f'new_{h}' for h in names.members.values())} = {called}")
    return [*lines, *(line for name, h in names.members.items() for line in _kept(plan, names, name, f"new_{h}", p))]


def _kept(plan: LoopPlan, names: _Names, tensor: str, value: str, p: str) -> list[str]:
    """What is kept of a tensor's value at this position."""
    h = names.members[tensor]
    if tensor in names.stored:
        return [f"{h}.append({value})"]
    lines = [f"{h}_{back} = {h}_{back - 1}" for back in range(names.lags.get(tensor, 0), 1, -1)]
    lines += [f"{h}_1 = {value}"] if names.lags.get(tensor) else []
    if tensor in names.singles:
        within = _within(plan, names, tensor, p)
        lines += [f"if {p} == at_{h}{within}:", f"    only_{h} = {value}"]
    return lines or ["pass"]


def _within(plan: LoopPlan, names: _Names, tensor: str, p: str) -> str:
    """That a position lies inside a tensor, where that is not plain."""
    single = names.singles[tensor]
    beyond = (plan.loop.lengths[tensor] - single.position).constant
    return "" if beyond is not None and beyond > 0 else f" and {p} < {_length(plan, names, tensor)}"


def _fed(plan: LoopPlan, names: _Names, feed: Feed, p: str) -> str:
    """The code of one input of the step."""
    offset = feed.offset.constant or 0
    match feed.kind:
        case "whole":
            return names.feeds[feed.name]
        case "step":
            return f"torch.full([], {p}, dtype=torch.int64, device=zero_h0.device)"
        case "lag":
            h = names.members[feed.tensor]
            if feed.tensor not in names.stored:
                return f"{h}_{offset}"
            always = plan.loop.start >= offset
            return f"{h}[n - {offset}]" if always else f"{h}[n - {offset}] if n >= {offset} else zero_{h}"
        case _:
            name = names.feeds[feed.name]
            at = p if offset == 0 else f"{p} {'+' if offset > 0 else '-'} {abs(offset)}"
            if _always_inside(plan, feed):
                return f"{name}_at[{at}]"
            return f"{name}_at[{at}] if {at} >= 0 and {at} < len({name}_at) else {name}_zero"


# --- what is handed out ------------------------------------------------------------------------------------------


def _after(plan: LoopPlan, names: _Names) -> list[str]:
    lines = []
    results = []
    for name in plan.loop.stored:
        h = names.members[name]
        if name in names.lags:
            # TorchScript drops appends to a list that nothing behind the loop reads, though the loop itself does.
            lines.append(f"assert len({h}) == steps")
        if plan.loop.scan.reverse:
            lines.append(f"{h}.reverse()")
        lines.append(f"all_{h} = torch.stack({h}) if steps > 0 else zero_{h}.unsqueeze(0).narrow(0, 0, 0)")
        length = _length(plan, names, name)
        results.append(f"all_{h}" if length == "steps" else f"all_{h}.narrow(0, 0, {length})")
    results += [f"only_{names.members[single.tensor]}" for single in plan.loop.singles]
    return [*lines, f"return {', '.join(results)}"]


def _length(plan: LoopPlan, names: _Names, tensor: str) -> str:
    short = (plan.loop.scan.steps - plan.loop.lengths[tensor]).constant
    if short is None:
        return f"length_{names.members[tensor]}"
    return "steps" if short == 0 else f"steps - {short}"
