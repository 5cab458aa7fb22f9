"""A recurrence as text: the function that runs over the positions and calls the step.

In: a ``LoopPlan``. Out: lines of a function that scripts, with a loop of dynamic length; slices are taken once by
``unbind``, so that time and memory grow linearly with the length, backward too.
"""

from __future__ import annotations

from dataclasses import dataclass

from tensorlang.ir.plan import LoopPlan
from tensorlang.ir.recursion import Feed


@dataclass(frozen=True, slots=True)
class _Names:
    """What the parts of a loop are called inside its function: positional names, so that nothing clashes."""

    feeds: dict[str, str]
    firsts: dict[tuple[str, int], str]
    members: dict[str, str]


def loop_lines(plan: LoopPlan) -> list[str]:
    """The function of a loop, its step defined before it."""
    loop = plan.loop
    names = _Names(
        {feed.name: f"x{at}" for at, feed in enumerate(f for f in loop.feeds if f.kind in ("slice", "whole"))},
        {(tensor, position): f"first{at}" for at, (tensor, position, _) in enumerate(loop.first)},
        {name: f"h{at}" for at, (name, _) in enumerate(loop.scan.axes)},
    )
    tensors = [*names.feeds.values(), *names.firsts.values(), *(f"zero_{h}" for h in names.members.values())]
    arguments = ["steps: int", *(f"{name}: Tensor" for name in tensors), *(f"{name}: int" for name in _sizes(plan))]
    arguments += [f"length_{names.members[name]}: int" for name in loop.unequal]
    count = len(names.members)
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
    return [*lines, *(f"{h}: List[Tensor] = []" for h in names.members.values())]


def _always_inside(plan: LoopPlan, feed: Feed) -> bool:
    """Whether a slice exists at every position that the step is called for."""
    size = plan.loop.sliced[feed.name]
    offset = feed.offset.constant or 0
    beyond = (size - offset - plan.loop.scan.steps).constant
    return plan.loop.start + offset >= 0 and beyond is not None and beyond >= 0


def _inside(plan: LoopPlan, names: _Names) -> list[str]:
    loop = plan.loop
    lines = ["p = steps - 1 - n"] if loop.scan.reverse else []
    p = "p" if loop.scan.reverse else "n"
    for position in range(loop.start):
        lines.append(f"if n == {position}:")
        for tensor, h in names.members.items():
            lines.append(f"    {h}.append({names.firsts.get((tensor, position), f'zero_{h}')})")
        lines.append("    continue")
    given = []
    for at, feed in enumerate(loop.feeds):
        code = _fed(plan, names, feed, p)
        if code.isidentifier():
            given.append(code)
        else:
            lines.append(f"given{at} = {code}")
            given.append(f"given{at}")
    called = f"{plan.step}({', '.join([*given, *_sizes(plan)])})"
    if len(names.members) == 1:
        (h,) = names.members.values()
        return [*lines, f"{h}.append({called})"]
    fresh = [f"new_{h}" for h in names.members.values()]
    lines.append(f"{', '.join(fresh)} = {called}")
    return [*lines, *(f"{h}.append({new})" for h, new in zip(names.members.values(), fresh, strict=True))]


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
            always = plan.loop.start >= offset
            return f"{h}[n - {offset}]" if always else f"{h}[n - {offset}] if n >= {offset} else zero_{h}"
        case _:
            name = names.feeds[feed.name]
            at = p if offset == 0 else f"{p} {'+' if offset > 0 else '-'} {abs(offset)}"
            if _always_inside(plan, feed):
                return f"{name}_at[{at}]"
            return f"{name}_at[{at}] if {at} >= 0 and {at} < len({name}_at) else {name}_zero"


def _after(plan: LoopPlan, names: _Names) -> list[str]:
    lines = []
    results = []
    lagged = {feed.tensor for feed in plan.loop.feeds if feed.kind == "lag"}
    for name, h in names.members.items():
        if name in lagged:
            # TorchScript drops appends to a list that nothing behind the loop reads, though the loop itself does.
            lines.append(f"assert len({h}) == steps")
        if plan.loop.scan.reverse:
            lines.append(f"{h}.reverse()")
        lines.append(f"all_{h} = torch.stack({h}) if steps > 0 else zero_{h}.unsqueeze(0).narrow(0, 0, 0)")
        short = (plan.loop.scan.steps - plan.loop.lengths[name]).constant
        length = f"length_{h}" if short is None else f"steps - {short}"
        results.append(f"all_{h}" if short == 0 else f"all_{h}.narrow(0, 0, {length})")
    return [*lines, f"return {', '.join(results)}"]
