"""The class that a generated text ends in: a ``Model`` that holds the parameters, and what functions look like.

In: the plan of its function ``compute``, and where training is something else that of ``compute_step``. Out: the lines
of the class, whose mode (``.train()``, ``.eval()``) chooses between the two; a step writes its buffers, in place.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.plan import Argument, Plan
from tensorlang.passes.naming import Names
from tensorlang.records import dataclass, replace

LINE = 118
STEP = "compute_step"


@dataclass(frozen=True, slots=True)
class Stepping:
    """A step of training: the last results of its plan are the next values of ``buffers``."""

    plan: Plan
    buffers: tuple[str, ...]


# Attributes that a torch module has of its own, or that would read wrongly.
_TAKEN = frozenset((
    "training", "forward", "parameters", "buffers", "modules", "children", "named_parameters", "named_buffers",
    "state_dict", "load_state_dict", "to", "type", "half", "float", "double", "bfloat", "cpu", "cuda", "xpu",
    "mtia", "ipu", "train", "eval", "apply", "register_buffer", "register_parameter", "register_module",
    "add_module", "get_submodule", "set_submodule", "get_parameter", "get_buffer", "get_extra_state",
    "set_extra_state", "requires_grad_", "zero_grad", "share_memory", "extra_repr", "compile", "dump_patches",
    "call_super_init", "T_destination", "to_empty", "named_children", "named_modules", "code", "graph", "save",
    "copy", "define", "eval_",
))  # fmt: skip


def arguments_of(plan: Plan, stepping: Stepping | None = None) -> tuple[Argument, ...]:
    """What both functions take together, each under a name of its own."""
    if stepping is None:
        return plan.arguments
    names = Names(frozenset(argument.name for argument in plan.arguments))
    known = {(argument.tensor, argument.kind) for argument in plan.arguments}
    others = [a for a in stepping.plan.arguments if (a.tensor, a.kind) not in known]
    return (*plan.arguments, *(replace(a, name=names.fresh(a.name)) for a in others))


def given(argument: Argument) -> bool:
    """Whether a call gives it; the model holds what is not."""
    return argument.kind in ("input", "size")


def attributes(plan: Plan, stepping: Stepping | None = None) -> dict[str, str]:
    """The attribute of ``Model`` that holds each tensor that a call does not give, by the tensor's name."""
    names = Names(_TAKEN)
    return {a.tensor: names.fresh(a.name) for a in arguments_of(plan, stepping) if not given(a)}


def model_lines(plan: Plan, stepping: Stepping | None = None) -> list[str]:
    """The class that holds parameters, buffers, data and relations, and takes the inputs."""
    owned = attributes(plan, stepping)
    arguments = arguments_of(plan, stepping)
    lines = ["class Model(torch.nn.Module):", "    def __init__(self, values: Dict[str, Tensor]) -> None:"]
    lines.append("        super().__init__()")
    for argument in arguments:
        if not given(argument):
            name, key = owned[argument.tensor], argument.name
            if argument.kind == "param":
                lines.append(f'        self.{name} = torch.nn.Parameter(values["{key}"])')
            else:
                lines.append(f'        self.register_buffer("{name}", values["{key}"])')
    takes = [argument for argument in arguments if given(argument)]
    lines += ["", *(f"    {line}" for line in signature("forward", ["self", *map(typed, takes)], return_type(plan)))]
    passed = {(a.tensor, a.kind): a.name if given(a) else f"self.{owned[a.tensor]}" for a in arguments}
    lines += [] if stepping is None else _step(plan, stepping, passed)
    return [*lines, f"        return compute({', '.join(passed[a.tensor, a.kind] for a in plan.arguments)})"]


def _step(plan: Plan, stepping: Stepping, passed: dict[tuple[str, str], str]) -> list[str]:
    """In training mode: the step, and its buffers written; the gradient of what reads them needs them as they were."""
    taken = [(passed[a.tensor, a.kind], a.tensor in stepping.buffers) for a in stepping.plan.arguments]
    call = f"{STEP}({', '.join(f'{name}.clone()' if written else name for name, written in taken)})"
    if not stepping.buffers:
        return ["        if self.training:", f"            return {call}"]
    results = Names(frozenset(passed.values())).fresh("results")
    count = len(plan.results)
    lines = ["        if self.training:", f"            {results} = {call}"]
    for at, buffer in enumerate(stepping.buffers):
        lines.append(f"            {passed[buffer, 'buffer']}.copy_({results}[{count + at}].detach())")
    return [*lines, f"            return {returned([f'{results}[{at}]' for at in range(count)])}"]


# --- what functions look like ------------------------------------------------------------------------------------


def typed(argument: Argument) -> str:
    return f"{argument.name}: {'int' if argument.kind == 'size' else 'Tensor'}"


def return_type(plan: Plan) -> str:
    count = len(plan.results)
    return "None" if count == 0 else "Tensor" if count == 1 else f"Tuple[{', '.join(['Tensor'] * count)}]"


def returned(results: Sequence[str]) -> str:
    return ", ".join(results) if results else "None"


def signature(name: str, arguments: Sequence[str], result: str) -> list[str]:
    line = f"def {name}({', '.join(arguments)}) -> {result}:"
    if len(line) <= LINE:
        return [line]
    return [f"def {name}(", *_filled(arguments), f") -> {result}:"]


def _filled(arguments: Sequence[str]) -> list[str]:
    """Arguments on as few lines as they take."""
    lines = ["   "]
    for argument in arguments:
        if len(lines[-1]) + len(argument) + 2 > LINE:
            lines.append("   ")
        lines[-1] += f" {argument},"
    return lines
