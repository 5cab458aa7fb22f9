"""A recurrence in parts as text: for a gradient that stores one position in so many and computes the others again.

In: a ``LoopPlan`` whose scan asks for checkpoints. Out: lines of two functions: one goes through a part of the
positions from what the steps look back to, the other through the parts. Outside of scripts, torch's checkpoints forget
what is inside a part and compute it again when its gradient is asked for. Each part has slices of its own, so that time
and memory of the gradient grow linearly with the length.
"""

from __future__ import annotations

from tensorlang.backends.torch_loops import LoopNames, blank_window, distance, loop_names, moved_window
from tensorlang.ir.code import Call, Code, Template, parts
from tensorlang.ir.plan import LoopPlan, StepPlan, every_plan
from tensorlang.ir.recursion import Feed, Loop

KERNELS = ("loop_window", "loop_cuts", "loop_stack")
_RANDOM = ("rand", "bernoulli", "normal")


def segment_lines(plan: LoopPlan) -> list[str]:
    """The function of a part and that of the whole, the steps defined before them."""
    names = loop_names(plan)
    return [*_part(plan, names), "", "", *_whole(plan, names)]


def _slices(plan: LoopPlan) -> dict[str, Feed]:
    """The slices that the last body takes, by what they are called."""
    feeds = [feed for feed in plan.steps[-1].feeds if feed.kind == "slice"]
    return {f"y{at}": feed for at, feed in enumerate(feeds)}


def _state(names: LoopNames) -> list[str]:
    """What goes from one position to the next: what the steps look back to, and what is handed out."""
    back = [f"{names.members[name]}_{at}" for name, lag in names.lags.items() for at in range(1, lag + 1)]
    last = (f"last_{names.members[name]}" for name in names.members if name in names.windows)
    return [*back, *(f"only_{names.members[name]}" for name in names.singles), *last]


def _constants(plan: LoopPlan, names: LoopNames) -> list[tuple[str, str]]:
    """The arguments that are the same for every part, with their types."""
    loop = plan.loop
    whole = [names.given[feed.tensor] for feed in plan.steps[-1].feeds if feed.kind == "whole"]
    zeros = [f"zero_{h}" for h in names.members.values()]
    sizes = [*names.sizes.values(), *(f"length_{names.members[name]}" for name in loop.unequal)]
    sizes += [f"at_{names.members[single.tensor]}" for single in loop.singles]
    sizes += [f"window_{names.members[name]}" for name in loop.windows]
    tensors = [(name, "Tensor") for name in dict.fromkeys((*whole, *zeros))]
    return [("steps", "int"), *tensors, *((name, "int") for name in sizes)]


# --- a part ------------------------------------------------------------------------------------------------------


def _part(plan: LoopPlan, names: LoopNames) -> list[str]:
    loop, slices = plan.loop, _slices(plan)
    arguments = [("begin", "int"), ("end", "int"), *_constants(plan, names)]
    arguments += [(name, "Tensor") for name in (*slices, *_state(names))]
    stored = [names.members[name] for name in loop.stored]
    count = len(stored) + len(_state(names))
    typed = ", ".join(f"{name}: {kind}" for name, kind in arguments)
    lines = [f"{name}_at = {name}.unbind({feed.axis})" for name, feed in slices.items()]
    lines += [f"{h}: List[Tensor] = []" for h in stored]
    lines.append("for n in range(begin, end):")
    lines += [
        f"    {line}" for line in _position(plan, names, "n", "end - 1 - n" if loop.scan.reverse else "n - begin")
    ]
    if loop.scan.reverse:
        lines += [f"{h}.reverse()" for h in stored]
    results = [f"loop_stack({h}, zero_{h})" for h in stored] + _state(names)
    lines.append(f"return {', '.join(results)}")
    return [f"def {plan.function}_part({typed}) -> {_tensors(count)}:", *(f"    {line}" for line in lines)]


def _tensors(count: int) -> str:
    return "Tensor" if count == 1 else f"Tuple[{', '.join(['Tensor'] * count)}]"


def _position(plan: LoopPlan, names: LoopNames, n: str, slot: str) -> list[str]:
    """One position of a part."""
    step = plan.steps[-1]
    taken = {feed.name: f"{name}_at[{slot}]" for name, feed in _slices(plan).items()}
    lines = _place(plan.loop, n)
    fed = [_fed(names, feed, taken.get(feed.name, "")) for feed in step.feeds]
    return [*lines, *_stepped(plan, names, step, fed)]


def _place(loop: Loop, n: str) -> list[str]:
    return [f"p = steps - 1 - {n}" if loop.scan.reverse else f"p = {n}"]


def _fed(names: LoopNames, feed: Feed, taken: str) -> str:
    """The code of one input of a step; ``taken`` that of a slice."""
    match feed.kind:
        case "whole":
            return names.given[feed.tensor]
        case "step":
            return f"torch.full([], p, dtype=torch.int64, device=zero_{next(iter(names.members.values()))}.device)"
        case "window":
            return f"last_{names.members[feed.tensor]}"
        case "lag":
            return f"{names.members[feed.tensor]}_{distance(feed)}"
        case _:
            return taken


def _stepped(plan: LoopPlan, names: LoopNames, step: StepPlan, fed: list[str]) -> list[str]:
    """The call of a step, and what is kept of what it gives."""
    results = [f"new_{h}" for h in names.members.values()]
    called = f"{step.function}({', '.join([*fed, *(names.sizes[size] for size in step.sizes)])})"
    lines = [f"{', '.join(results)} = {called}"]
    return lines + [line for name in names.members for line in _kept(plan.loop, names, name)]


def _kept(loop: Loop, names: LoopNames, tensor: str, value: str = "") -> list[str]:
    h = names.members[tensor]
    new = value or f"new_{h}"
    inside = f"p < {_length(loop, names, tensor)}"
    lines = []
    if tensor in names.stored:
        whole = _length(loop, names, tensor) == "steps"
        lines += [f"{h}.append({new})"] if whole else [f"if {inside}:", f"    {h}.append({new})"]
    lines += [f"{h}_{back} = {h}_{back - 1}" for back in range(names.lags.get(tensor, 0), 1, -1)]
    lines += [f"{h}_1 = {new}"] if names.lags.get(tensor) else []
    if tensor in names.singles:
        lines += [f"if p == at_{h} and {inside}:", f"    only_{h} = {new}"]
    return [*lines, *moved_window(names, tensor, new)]


def _length(loop: Loop, names: LoopNames, tensor: str) -> str:
    short = (loop.scan.steps - loop.lengths[tensor]).constant
    if short is None:
        return f"length_{names.members[tensor]}"
    return "steps" if short == 0 else f"steps - {short}"


# --- the whole ---------------------------------------------------------------------------------------------------


def _whole(plan: LoopPlan, names: LoopNames) -> list[str]:
    loop = plan.loop
    tensors = [*names.given.values(), *names.firsts.values(), *(f"zero_{h}" for h in names.members.values())]
    sizes = [name for name, kind in _constants(plan, names) if kind == "int"]
    arguments = ["steps: int", *(f"{name}: Tensor" for name in tensors), *(f"{n}: int" for n in sizes[1:])]
    stored = [names.members[name] for name in loop.stored]
    lines = [f"{h}: List[Tensor] = []" for h in stored]
    lines += [f"{name} = zero_{_member(name)}" for name in _state(names) if not name.startswith("last_")]
    lines += [line for name in names.members for line in blank_window(names, name)]
    lines += _first(plan, names)
    lines += [f"parts_{h} = [loop_stack({h}, zero_{h})]" for h in stored]
    lines += _parts(plan, names)
    results = []
    for h in stored:
        lines += [f"parts_{h}.reverse()"] if loop.scan.reverse else []
        results.append(f"torch.cat(parts_{h})")
    results += [f"only_{names.members[single.tensor]}" for single in loop.singles]
    head = f"def {plan.function}({', '.join(arguments)}) -> {_tensors(len(results))}:"
    return [head, *(f"    {line}" for line in lines), f"    return {', '.join(results)}"]


def _member(name: str) -> str:
    """``h0`` of ``h0_2`` and of ``only_h0``."""
    return name.removeprefix("only_").partition("_")[0]


def _first(plan: LoopPlan, names: LoopNames) -> list[str]:
    """The positions before the parts."""
    loop = plan.loop
    lines = []
    for rank in range(loop.start):
        lines += [f"if steps > {rank}:", *(f"    {line}" for line in _place(loop, str(rank)))]
        if loop.openings:
            step = plan.steps[rank]
            fed = [_fed(names, feed, _one(names, feed)) for feed in step.feeds]
            inside = _stepped(plan, names, step, fed)
        else:
            values = {tensor: names.firsts.get((tensor, rank), f"zero_{h}") for tensor, h in names.members.items()}
            inside = [line for tensor, value in values.items() for line in _kept(loop, names, tensor, value)]
        lines += [f"    {line}" for line in inside]
    if loop.scan.reverse:
        lines += [f"{names.members[name]}.reverse()" for name in loop.stored if loop.start]
    return lines


def _one(names: LoopNames, feed: Feed) -> str:
    if feed.kind != "slice":
        return ""
    return f"loop_window({names.given[feed.tensor]}, {feed.axis}, p + {distance(feed)}, 1).select({feed.axis}, 0)"


def _parts(plan: LoopPlan, names: LoopNames) -> list[str]:
    """The calls of the parts, which begin where the first positions end."""
    loop, slices, start = plan.loop, _slices(plan), plan.loop.start
    lines = [f"begin = min({start}, steps)", f"cuts = loop_cuts(steps - begin, {loop.scan.manner.checkpoint})"]
    if loop.scan.reverse:
        lines.append("cuts.reverse()")
    for name, feed in slices.items():
        first = distance(feed) if loop.scan.reverse else f"begin + {distance(feed)}"
        window = f"loop_window({names.given[feed.tensor]}, {feed.axis}, {first}, steps - begin)"
        lines.append(f"{name}_parts = {window}.split(cuts, {feed.axis})")
    lines.append("for at in range(len(cuts)):")
    slot = "len(cuts) - 1 - at" if loop.scan.reverse else "at"
    given = ["begin", f"begin + cuts[{slot}]", *(name for name, _ in _constants(plan, names))]
    given += [*(f"{name}_parts[{slot}]" for name in slices), *_state(names)]
    stored = [names.members[name] for name in loop.stored]
    results = [*(f"part_{h}" for h in stored), *_state(names)]
    text = ", ".join(given)
    settings = f"use_reentrant=False{'' if _draws(plan) else ', preserve_rng_state=False'}"
    again = f"torch.utils.checkpoint.checkpoint({plan.function}_part, {text}, {settings})"
    inside = [
        "if torch.jit.is_scripting():",
        f"    {', '.join(results)} = {plan.function}_part({text})",
        "elif not torch._C._autograd._saved_tensors_hooks_is_enabled():  # inside torch.func",
        f"    {', '.join(results)} = {plan.function}_part({text})",
        "else:",
        f"    {', '.join(results)} = {again}",
        *(f"parts_{h}.append(part_{h})" for h in stored),
        f"begin += cuts[{slot}]",
    ]
    return [*lines, *(f"    {line}" for line in inside)]


def _draws(plan: LoopPlan) -> bool:
    """Whether a part draws random numbers, which must be the same ones when it is computed again."""
    stack: list[Code] = [s.code for step in plan.steps for inner in every_plan(step.plan) for s in inner.steps]
    stack += [code for step in plan.steps for inner in every_plan(step.plan) for _, code in inner.results]
    while stack:
        code = stack.pop()
        written = code.function if isinstance(code, Call) else code.text if isinstance(code, Template) else ""
        if any(word in written for word in _RANDOM):
            return True
        stack.extend(parts(code))
    return False
