"""An iteration as text: the function that goes on until the state has settled, and its step on lists of tensors.

In: an ``IterationPlan``. Out: lines of two functions that script, with a loop that ends by what it computes. Nothing of
the way is kept for a gradient: a function of torch's autograd solves for it at the end. Scripts know no such functions:
there, aggregates keep their way, and real values go some plain steps once more from the end, with their gradient.
"""

from __future__ import annotations

from tensorlang.ir.plan import IterationPlan

MEMORY = 5  # evaluations that Anderson's method mixes


def kernels_of(plan: IterationPlan) -> tuple[str, ...]:
    """The kernels that the text of an iteration calls."""
    if plan.iteration.fixpoint.monotone:
        return ("wants_gradient", "Improving", "layered_gradient") if _flows(plan) else ("Improving",)
    return ("wants_gradient", "join_state", "split_state", "Settling", "implicit_gradient")


def iteration_lines(plan: IterationPlan) -> list[str]:
    """Both functions, the body being defined before them."""
    return [*_around(plan), "", "", *_function(plan)]


def _flows(plan: IterationPlan) -> bool:
    """Whether any of the state has a gradient."""
    tensors = plan.iteration.body.tensors
    return any(tensors[name].dtype not in ("bool", "int") for name in plan.iteration.state)


def _around(plan: IterationPlan) -> list[str]:
    """One step from lists to a list."""
    state, read = list(plan.iteration.state), [feed for feed in plan.iteration.feeds if feed.kind == "whole"]
    places = {feed.name: f"h[{state.index(feed.tensor)}]" for feed in plan.iteration.feeds if feed.kind == "lag"}
    places |= {feed.name: f"x[{at}]" for at, feed in enumerate(read)}
    places |= {name: f"sizes[{at}]" for at, name in enumerate(plan.sizes)}
    called = f"{plan.step}({', '.join(places[argument.tensor] for argument in plan.body.arguments)})"
    lines = [f"def {plan.around}(h: List[Tensor], x: List[Tensor], sizes: List[int]) -> List[Tensor]:"]
    if len(state) == 1:
        return [*lines, f"    return [{called}]"]
    fresh = [f"h{at}" for at, _ in enumerate(state)]
    return [*lines, f"    {', '.join(fresh)} = {called}", f"    return [{', '.join(fresh)}]"]


def _function(plan: IterationPlan) -> list[str]:
    state = [f"h{at}" for at, _ in enumerate(plan.iteration.state)]
    read = [f"x{at}" for at, feed in enumerate(f for f in plan.iteration.feeds if f.kind == "whole")]
    sizes = [f"size{at}" for at, _ in enumerate(plan.sizes)]
    arguments = [*(f"{name}: Tensor" for name in (*read, *state)), *(f"{name}: int" for name in sizes)]
    results = [f"h[{at}]" for at, _ in enumerate(state)] + [_report(what) for _, what in plan.reports]
    result = "Tensor" if len(results) == 1 else f"Tuple[{', '.join(['Tensor'] * len(results))}]"
    inner = [
        f"starts: List[Tensor] = [{', '.join(state)}]",
        f"x: List[Tensor] = [{', '.join(read)}]",
        f"sizes: List[int] = [{', '.join(sizes)}]",
        *(_improving(plan) if plan.iteration.fixpoint.monotone else _settling(plan)),
        f"return {', '.join(results)}",
    ]
    return [f"def {plan.function}({', '.join(arguments)}) -> {result}:", *(f"    {line}" for line in inner)]


def _report(what: str) -> str:
    """A number on how it went as a tensor."""
    if what == "steps":
        return "torch.full([], way.steps, dtype=torch.int64, device=h[0].device)"
    return "torch.full([], way.residual, dtype=torch.float64, device=h[0].device)"


def _settling(plan: IterationPlan) -> list[str]:
    """Real values: the state as one vector, until it has settled."""
    fixpoint = plan.iteration.fixpoint
    memory = MEMORY if fixpoint.method == "anderson" else 1
    again = f"value = join_state({plan.around}(split_state(state, starts), x, sizes))"
    tolerance, lenient = repr(float(fixpoint.tolerance)), fixpoint.lenient
    lines = [
        f'way = Settling("{plan.function}", {tolerance}, {fixpoint.most}, {lenient}, {memory})',
        "with torch.no_grad():",
        "    state = join_state(starts)",
        f"    {again}",
        "    while way.goes_on(state, value):",
        "        state = way.next_state(state, value)",
        f"        {again}",
        "    h = split_state(value, starts)",
        "if wants_gradient(x):",
        "    if torch.jit.is_scripting():",
    ]
    plain = [
        f'plain = Settling("{plan.function} gradient", {tolerance}, {10 * fixpoint.most}, {lenient}, 1)',
        "with torch.no_grad():",
        "    state = join_state(starts)",
        f"    {again}",
        "    while plain.goes_on(state, value):",
        "        state = value",
        f"        {again}",
    ]
    count = "way.steps" if memory == 1 else "plain.steps"
    lines += [f"        {line}" for line in (plain if memory > 1 else ())]
    lines += [f"        for _ in range({count}):", f"            h = {plan.around}(h, x, sizes)"]
    return [*lines, "    else:", f"        h = implicit_gradient({plan.around}, h, x, sizes, way)"]


def _bound(plan: IterationPlan) -> str:
    """The number of elements that a path can go through; 0 where there are no paths."""
    paths = plan.iteration.paths or ()
    counts = (" * ".join(f"h{at}.size({axis})" for axis in axes) or "1" for at, axes in enumerate(paths))
    return " + ".join(counts) or "0"


def _improving(plan: IterationPlan) -> list[str]:
    """Aggregates: part by part, until nothing changes."""
    fixpoint = plan.iteration.fixpoint
    step = f"{plan.around}(h, x, sizes)"
    lines = [
        f'way = Improving("{plan.function}", {fixpoint.most}, {fixpoint.lenient}, {_bound(plan)})',
        "with torch.no_grad():",
        "    h = starts",
        f"    after = {step}",
        "    while way.goes_on(h, after):",
        "        h = after",
        f"        after = {step}",
    ]
    if not _flows(plan):
        return lines
    lines += ["if wants_gradient(x):", "    if torch.jit.is_scripting():", "        h = starts"]
    lines += ["        for _ in range(way.steps):", f"            h = {step}"]
    return [*lines, "    else:", f"        h = layered_gradient({plan.around}, h, x, sizes, starts)"]
