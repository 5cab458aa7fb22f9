"""A Plan as one readable Python module of plain torch calls, which needs nothing but torch.

In: a Plan. Out: text with ``compute(arguments) -> results``, one line a step with its equation behind it, the kernels
that it calls, and a ``Model`` that holds the parameters. Only identifiers and numbers made here reach the code; the
words of the program stand in comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

from tensorlang.backends.kernel_texts import used_kernels
from tensorlang.backends.torch_iterations import iteration_lines, kernels_of
from tensorlang.backends.torch_loops import loop_lines
from tensorlang.backends.torch_newton import KERNEL, newton_lines
from tensorlang.backends.torch_segments import KERNELS as OF_SEGMENTS
from tensorlang.backends.torch_segments import segment_lines
from tensorlang.ir.code import Call, Code, Extent, Template, parts
from tensorlang.ir.code_text import NEURAL, Writer
from tensorlang.ir.plan import Argument, Binding, IterationPlan, LoopPlan, Plan, every_plan, steps_of
from tensorlang.passes.naming import Names

_NOTE_COLUMN = 60
_LINE = 118
_SMALL = 1 << 12  # tensors of fewer elements are left to the end of the call


def generate(plan: Plan, dtype: str = "float32", device: str = "cpu") -> str:
    """The text of a plan. ``dtype`` and ``device`` are those of the caller, used where no argument tells them."""
    writer = _writer(plan, dtype, device)
    loops = _loops(plan, dtype, device)
    return "\n".join((*_head(plan), *_kernels(plan), *loops, *_compute(plan, writer), "", "", *_model(plan), ""))


def _loops(plan: Plan, dtype: str, device: str) -> list[str]:
    """The functions of the plan's recursions: each step, with those inside it, then what goes over it."""
    lines: list[str] = []
    for loop in plan.loops:
        for name, step in steps_of(loop):
            lines += _loops(step, dtype, device)
            lines += [*_compute(step, _writer(step, dtype, device), name), "", ""]
        match loop:
            case LoopPlan():
                cut = loop.loop.scan.manner.checkpoint
                lines += [*(segment_lines(loop) if cut else loop_lines(loop)), "", ""]
                lines += [*newton_lines(loop), "", ""] if loop.whole is not None else []
            case IterationPlan():
                lines += [*iteration_lines(loop), "", ""]
    return lines


def _kernels_used(plan: Plan) -> dict[str, str]:
    """The text of every kernel that the plan calls."""
    loops = [loop for part in every_plan(plan) for loop in part.loops]
    own = [name for loop in loops if isinstance(loop, IterationPlan) for name in kernels_of(loop)]
    own += [*OF_SEGMENTS] if _in_parts(plan) else []
    own += [KERNEL for loop in loops if isinstance(loop, LoopPlan) and loop.whole is not None]
    return used_kernels((*(Call(name, (), ()) for name in own), *_codes(plan)))


def _in_parts(plan: Plan) -> bool:
    """Whether any loop stores only some of its positions for the gradient."""
    loops = [loop for part in every_plan(plan) for loop in part.loops]
    return any(isinstance(loop, LoopPlan) and loop.loop.scan.manner.checkpoint > 0 for loop in loops)


def _head(plan: Plan) -> list[str]:
    codes = _codes(plan)
    functions = {code.function for code in codes if isinstance(code, Call)}
    texts = [code.text for code in codes if isinstance(code, Template)]
    kernels = "\n".join(_kernels_used(plan).values())
    neural = any(name.startswith("F.") for name in functions) or any(NEURAL in text for text in texts)
    every = every_plan(plan)
    typing = {"Dict", *re.findall(r"\b(?:Any|List|Optional|Tuple)\b(?=[\[,)])", kernels)}
    typing |= {"Tuple"} if any(len(part.results) > 1 for part in every) else set()
    typing |= {"List"} if len(every) > 1 else set()
    source = plain(plan.source.rsplit("/", 1)[-1])
    lines = [f'"""Computed by tensorlang from {source}: plain torch, nothing else is needed."""', ""]
    if any(name.startswith("math.") for name in functions) or "math." in kernels:
        lines.append("import math")
    if "warnings." in kernels:
        lines.append("import warnings")
    lines += [f"from typing import {', '.join(sorted(typing))}", "", "import torch"]
    lines += ["import torch.utils.checkpoint"] if _in_parts(plan) else []
    if neural or "F." in kernels:
        lines.append("import torch.nn.functional as F")
    return [*lines, "from torch import Tensor", "", ""]


def _codes(plan: Plan) -> list[Code]:
    """All codes of a plan, each once, in order."""
    found: dict[Code, None] = {}
    stack: list[Code] = []
    for part in every_plan(plan):
        stack += [code for _, code in reversed(part.results)] + [step.code for step in reversed(part.steps)]
    stack += [code for _, code in plan.made]
    while stack:
        top = stack.pop()
        if top not in found:
            found[top] = None
            stack.extend(reversed(parts(top)))
    return list(found)


def plain(text: str) -> str:
    """Words of the program, safe inside a comment or a docstring of one line."""
    return "".join(c if c.isprintable() else " " for c in text).replace("\\", "/").replace('"', "'")


# --- kernels -----------------------------------------------------------------------------------------------------


def _kernels(plan: Plan) -> list[str]:
    lines: list[str] = []
    for text in _kernels_used(plan).values():
        lines += [*text.splitlines(), "", ""]
    return lines


# --- compute -----------------------------------------------------------------------------------------------------


def _compute(plan: Plan, writer: Writer, name: str = "compute") -> list[str]:
    lines = _signature(name, [_typed(a) for a in plan.arguments if a.kind != "given"], _return_type(plan))
    lines += [f"    {binding.name} = {_bound(binding, writer)}" for binding in plan.sizes if _assigned(binding)]
    shown: str | None = None
    dead = _dead(plan)
    for step in plan.steps:
        note = "" if step.note == shown else step.note
        shown = step.note
        freed = f"; del {', '.join(dead[step.target])}" if dead.get(step.target) else ""
        lines.append(_with_note(f"    {step.target} = {writer.text(step.code)}{freed}", note))
    return [*lines, f"    return {_returned([writer.text(code) for _, code in plan.results])}"]


def _dead(plan: Plan) -> dict[str, list[str]]:
    """The slots to free after each step: those that may be large and that nothing reads any more."""
    found: dict[str, list[str]] = {}
    for slot in plan.slots:
        count = prod(size.constant or _SMALL for size in slot.shape)
        if slot.dies < len(plan.steps) - 1 and slot.shape and count >= _SMALL:
            found.setdefault(plan.steps[slot.dies].target, []).append(slot.name)
    return found


def _writer(plan: Plan, dtype: str, device: str) -> Writer:
    """The element type of ``float`` and the device are those of an argument, where one tells them."""
    tensors = [argument for argument in plan.arguments if argument.kind not in ("size", "given")]
    floats = [argument.name for argument in tensors if argument.dtype == "float"]
    waves = [argument.name for argument in tensors if argument.dtype == "complex"]
    floating = f"{floats[0]}.dtype" if floats else f"torch.real({waves[0]}).dtype" if waves else f"torch.{dtype}"
    where = f"{tensors[0].name}.device" if tensors else f'torch.device("{device}")'
    return Writer({binding.symbol: binding.name for binding in plan.sizes}, floating, where)


def _bound(binding: Binding, writer: Writer) -> str:
    """How a size is found."""
    if binding.number is not None:
        return str(binding.number)
    size = f"{binding.argument}.size({binding.axis})"
    if binding.rest.terms:
        size = f"{size} - {writer.at(Extent(binding.rest), 6)}"
        size = f"({size})" if binding.factor != 1 else size
    return size if binding.factor == 1 else f"{size} // {binding.factor}"


def _assigned(binding: Binding) -> bool:
    return binding.argument is not None or binding.number is not None


def _typed(argument: Argument) -> str:
    return f"{argument.name}: {'int' if argument.kind == 'size' or argument.dtype == 'size' else 'Tensor'}"


def _return_type(plan: Plan) -> str:
    count = len(plan.results)
    return "None" if count == 0 else "Tensor" if count == 1 else f"Tuple[{', '.join(['Tensor'] * count)}]"


def _returned(results: Sequence[str]) -> str:
    return ", ".join(results) if results else "None"


def _signature(name: str, arguments: Sequence[str], result: str) -> list[str]:
    line = f"def {name}({', '.join(arguments)}) -> {result}:"
    if len(line) <= _LINE:
        return [line]
    return [f"def {name}(", *_filled(arguments), f") -> {result}:"]


def _filled(arguments: Sequence[str]) -> list[str]:
    """Arguments on as few lines as they take."""
    lines = ["   "]
    for argument in arguments:
        if len(lines[-1]) + len(argument) + 2 > _LINE:
            lines.append("   ")
        lines[-1] += f" {argument},"
    return lines


def _with_note(line: str, note: str) -> str:
    if not note:
        return line
    words = plain(note)
    return f"{line.ljust(_NOTE_COLUMN)}  # {words if len(words) <= _LINE else words[: _LINE - 3] + '...'}"


# --- the module --------------------------------------------------------------------------------------------------

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


# Arguments that callers give, that are made of such, or that are given for that alone.
UNOWNED = ("input", "size", "made", "given")


def attributes(plan: Plan) -> dict[str, str]:
    """The attribute of ``Model`` that holds each given tensor, by the tensor's name."""
    names = Names(_TAKEN)
    return {a.tensor: names.fresh(a.name) for a in plan.arguments if a.kind not in UNOWNED}


def _model(plan: Plan) -> list[str]:
    """The class that holds parameters, buffers, data and relations, and takes the inputs."""
    owned = attributes(plan)
    takes = [argument for argument in plan.arguments if argument.kind in ("input", "size", "given")]
    lines = ["class Model(torch.nn.Module):", "    def __init__(self, values: Dict[str, Tensor]) -> None:"]
    lines.append("        super().__init__()")
    for argument in plan.arguments:
        if argument.tensor in owned and argument.kind not in UNOWNED:
            name, key = owned[argument.tensor], argument.name
            if argument.kind == "param":
                lines.append(f'        self.{name} = torch.nn.Parameter(values["{key}"])')
            else:
                lines.append(f'        self.register_buffer("{name}", values["{key}"])')
    passed = [
        f"self.{owned[a.tensor]}" if a.kind not in UNOWNED else a.name for a in plan.arguments if a.kind != "given"
    ]
    signature = _signature("forward", ["self", *(_typed(argument) for argument in takes)], _return_type(plan))
    lines += ["", *(f"    {line}" for line in signature)]
    writer = Writer({binding.symbol: binding.name for binding in plan.made_sizes}, "torch.float32", "None")
    lines += [f"        {b.name} = {_bound(b, writer)}" for b in plan.made_sizes if _assigned(b)]
    lines += [f"        {name} = {writer.text(code)}" for name, code in plan.made]
    return [*lines, f"        return compute({', '.join(passed)})"]
