"""A Plan as one readable Python module of plain torch calls, which needs nothing but torch.

In: a Plan, and that of a step of training where it is another. Out: text with ``compute(arguments) -> results``, one
line a step with its equation behind it, the kernels that it calls, and a ``Model`` that holds the parameters. Only
identifiers and numbers made here reach the code; the words of the program stand in comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

from tensorlang.backends.kernel_texts import used_kernels
from tensorlang.backends.torch_iterations import iteration_lines, kernels_of
from tensorlang.backends.torch_loops import loop_lines
from tensorlang.backends.torch_model import LINE, STEP, Stepping, model_lines, return_type, returned, signature, typed
from tensorlang.backends.torch_newton import KERNEL, newton_lines
from tensorlang.backends.torch_segments import KERNELS as OF_SEGMENTS
from tensorlang.backends.torch_segments import segment_lines
from tensorlang.ir.code import Call, Code, Extent, Template, parts
from tensorlang.ir.code_text import NEURAL, Writer
from tensorlang.ir.plan import Binding, IterationPlan, LoopPlan, Plan, every_plan, steps_of

_NOTE_COLUMN = 60
_SMALL = 1 << 12  # tensors of fewer elements are left to the end of the call


def generate(plan: Plan, dtype: str = "float32", device: str = "cpu", stepping: Stepping | None = None) -> str:
    """The text of a plan. ``dtype`` and ``device`` are those of the caller, used where no argument tells them.

    With ``stepping`` the model does that in training mode: its plan has no function of the same name as ``plan`` has.
    """
    lines = _functions(plan, dtype, device, "compute")
    if stepping is not None:
        lines += ["", "", *_functions(stepping.plan, dtype, device, STEP)]
    plans = (plan,) if stepping is None else (plan, stepping.plan)
    return "\n".join((*_head(plans), *_kernels(plans), *lines, "", "", *model_lines(plan, stepping), ""))


def _functions(plan: Plan, dtype: str, device: str, name: str) -> list[str]:
    return [*_loops(plan, dtype, device), *_compute(plan, _writer(plan, dtype, device), name)]


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


def _every(plans: Sequence[Plan]) -> list[Plan]:
    return [part for plan in plans for part in every_plan(plan)]


def _kernels_used(plans: Sequence[Plan]) -> dict[str, str]:
    """The text of every kernel that the plans call."""
    loops = [loop for part in _every(plans) for loop in part.loops]
    own = [name for loop in loops if isinstance(loop, IterationPlan) for name in kernels_of(loop)]
    own += [*OF_SEGMENTS] if _in_parts(plans) else []
    own += [KERNEL for loop in loops if isinstance(loop, LoopPlan) and loop.whole is not None]
    return used_kernels((*(Call(name, (), ()) for name in own), *_codes(plans)))


def _in_parts(plans: Sequence[Plan]) -> bool:
    """Whether any loop stores only some of its positions for the gradient."""
    loops = [loop for part in _every(plans) for loop in part.loops]
    return any(isinstance(loop, LoopPlan) and loop.loop.scan.manner.checkpoint > 0 for loop in loops)


def _head(plans: Sequence[Plan]) -> list[str]:
    codes = _codes(plans)
    functions = {code.function for code in codes if isinstance(code, Call)}
    texts = [code.text for code in codes if isinstance(code, Template)]
    kernels = "\n".join(_kernels_used(plans).values())
    neural = any(name.startswith("F.") for name in functions) or any(NEURAL in text for text in texts)
    every = _every(plans)
    typing = {"Dict", *re.findall(r"\b(?:Any|List|Optional|Tuple)\b(?=[\[,)])", kernels)}
    typing |= {"Tuple"} if any(len(part.results) > 1 for part in every) else set()
    typing |= {"List"} if len(every) > len(plans) else set()
    source = plain(plans[0].source.rsplit("/", 1)[-1])
    lines = [f'"""Computed by tensorlang from {source}: plain torch, nothing else is needed."""', ""]
    if any(name.startswith("math.") for name in functions) or "math." in kernels:
        lines.append("import math")
    if "warnings." in kernels:
        lines.append("import warnings")
    lines += [f"from typing import {', '.join(sorted(typing))}", "", "import torch"]
    lines += ["import torch.utils.checkpoint"] if _in_parts(plans) else []
    if neural or "F." in kernels:
        lines.append("import torch.nn.functional as F")
    return [*lines, "from torch import Tensor", "", ""]


def _codes(plans: Sequence[Plan]) -> list[Code]:
    """All codes of some plans, each once, in order."""
    found: dict[Code, None] = {}
    stack: list[Code] = []
    for part in _every(plans):
        stack += [code for _, code in reversed(part.results)] + [step.code for step in reversed(part.steps)]
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


def _kernels(plans: Sequence[Plan]) -> list[str]:
    lines: list[str] = []
    for text in _kernels_used(plans).values():
        lines += [*text.splitlines(), "", ""]
    return lines


# --- compute -----------------------------------------------------------------------------------------------------


def _compute(plan: Plan, writer: Writer, name: str) -> list[str]:
    lines = signature(name, [typed(a) for a in plan.arguments], return_type(plan))
    lines += [f"    {binding.name} = {_bound(binding, writer)}" for binding in plan.sizes if _assigned(binding)]
    shown: str | None = None
    dead = _dead(plan)
    for step in plan.steps:
        note = "" if step.note == shown else step.note
        shown = step.note
        freed = f"; del {', '.join(dead[step.target])}" if dead.get(step.target) else ""
        lines.append(_with_note(f"    {step.target} = {writer.text(step.code)}{freed}", note))
    return [*lines, f"    return {returned([writer.text(code) for _, code in plan.results])}"]


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
    tensors = [argument for argument in plan.arguments if argument.kind != "size"]
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


def _with_note(line: str, note: str) -> str:
    if not note:
        return line
    words = plain(note)
    return f"{line.ljust(_NOTE_COLUMN)}  # {words if len(words) <= LINE else words[: LINE - 3] + '...'}"
