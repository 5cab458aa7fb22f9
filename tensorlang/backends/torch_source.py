"""A Plan as one readable Python module of plain torch calls, which needs nothing but torch.

In: a Plan. Out: text with ``compute(arguments) -> results``, one line a step with its equation behind it, the kernels
that it calls, and a ``Model`` that holds the parameters. Only identifiers and numbers made here reach the code; the
words of the program stand in comments.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from tensorlang.ir.domain import Largest, Quotient, Size, Symbol
from tensorlang.ir.plan import (
    Argument,
    Binding,
    Call,
    Code,
    Device,
    ElementType,
    Extent,
    Infix,
    Items,
    Method,
    Number,
    Plan,
    Prefix,
    Ref,
    Slice,
    Subscript,
    Template,
    parts,
)
from tensorlang.passes.naming import KERNELS, Names

_NOTE_COLUMN = 60
_LINE = 118

_TYPES = {"bool": "torch.bool", "int": "torch.int64", "bf16": "torch.bfloat16", "float64": "torch.float64"}

# How tightly operators bind: a part that binds less than its place gets brackets.
_BINDING = {
    "not ": 1, "==": 2, "!=": 2, "<": 2, "<=": 2, ">": 2, ">=": 2, "|": 3, "&": 4, "+": 5, "-": 5, "*": 6, "/": 6,
    "//": 6, "%": 6, "**": 8,
}  # fmt: skip
_UNARY, _ATOM, _LOWEST = 7, 9, 0


def generate(plan: Plan) -> str:
    """The text of a plan."""
    return "\n".join((*_head(plan), *_kernels(plan), *_compute(plan), "", "", *_model(plan), ""))


def _head(plan: Plan) -> list[str]:
    codes = _codes(plan)
    functions = {code.function for code in codes if isinstance(code, Call)}
    texts = [code.text for code in codes if isinstance(code, Template)]
    kernels = "\n".join(_kernel_texts()[name] for name in _used_kernels(codes))
    neural = any(name.startswith("F.") for name in functions) or any(_NEURAL in text for text in texts)
    typing = ["Dict", *(("Tuple",) if len(plan.results) > 1 else ())]
    lines = [f'"""Computed by tensorlang from {_plain(plan.source)}: plain torch, nothing else is needed."""', ""]
    if any(name.startswith("math.") for name in functions) or "math." in kernels:
        lines.append("import math")
    lines += [f"from typing import {', '.join(sorted(typing))}", "", "import torch"]
    if neural or "F." in kernels:
        lines.append("import torch.nn.functional as F")
    return [*lines, "from torch import Tensor", "", ""]


def _codes(plan: Plan) -> list[Code]:
    """All codes of a plan, each once, in order."""
    found: dict[Code, None] = {}
    stack = [code for _, code in reversed(plan.results)] + [step.code for step in reversed(plan.steps)]
    while stack:
        top = stack.pop()
        if top not in found:
            found[top] = None
            stack.extend(reversed(parts(top)))
    return list(found)


def _plain(text: str) -> str:
    """Words of the program, safe inside a comment or a docstring of one line."""
    return "".join(c if c.isprintable() else " " for c in text).replace("\\", "/").replace('"', "'")


# --- kernels -----------------------------------------------------------------------------------------------------


@cache
def _kernel_texts() -> dict[str, str]:
    """The functions of kernels.py as text, by name; read, not imported, so that printing needs no torch."""
    source = (Path(__file__).parent / "kernels.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    found = {node.name: ast.get_source_segment(source, node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name: text for name, text in found.items() if text is not None}


def _used_kernels(codes: Iterable[Code]) -> list[str]:
    """Kernels that are called, and those that they call, callees first."""
    texts = _kernel_texts()
    order: dict[str, None] = {}

    def add(name: str) -> None:
        for other in texts:
            if other != name and re.search(rf"\b{other}\(", texts[name]):
                add(other)
        order[name] = None

    for code in codes:
        if isinstance(code, Call) and code.function in KERNELS:
            add(code.function)
    return list(order)


def _kernels(plan: Plan) -> list[str]:
    lines: list[str] = []
    for name in _used_kernels(_codes(plan)):
        lines += [*_kernel_texts()[name].splitlines(), "", ""]
    return lines


# --- compute -----------------------------------------------------------------------------------------------------


def _compute(plan: Plan) -> list[str]:
    writer = Writer(plan)
    lines = _signature("compute", [_typed(a) for a in plan.arguments], _return_type(plan))
    lines += [f"    {binding.name} = {writer.binding(binding)}" for binding in plan.sizes if _assigned(binding)]
    shown: str | None = None
    for step in plan.steps:
        note = "" if step.note == shown else step.note
        shown = step.note
        lines.append(_with_note(f"    {step.target} = {writer.text(step.code)}", note))
    return [*lines, f"    return {_returned([writer.text(code) for _, code in plan.results])}"]


def _assigned(binding: Binding) -> bool:
    return binding.argument is not None or binding.number is not None


def _typed(argument: Argument) -> str:
    return f"{argument.name}: {'int' if argument.kind == 'size' else 'Tensor'}"


def _return_type(plan: Plan) -> str:
    count = len(plan.results)
    return "None" if count == 0 else "Tensor" if count == 1 else f"Tuple[{', '.join(['Tensor'] * count)}]"


def _returned(results: Sequence[str]) -> str:
    return ", ".join(results) if results else "None"


def _signature(name: str, arguments: Sequence[str], result: str) -> list[str]:
    line = f"def {name}({', '.join(arguments)}) -> {result}:"
    if len(line) <= _LINE:
        return [line]
    return [f"def {name}(", *(f"    {argument}," for argument in arguments), f") -> {result}:"]


def _with_note(line: str, note: str) -> str:
    if not note:
        return line
    words = _plain(note)
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


def attributes(plan: Plan) -> dict[str, str]:
    """The attribute of ``Model`` that holds each given tensor, by the tensor's name."""
    names = Names(_TAKEN)
    return {a.tensor: names.fresh(a.name) for a in plan.arguments if a.kind not in ("input", "size")}


def _model(plan: Plan) -> list[str]:
    """The class that holds parameters, buffers, data and relations, and takes the inputs."""
    owned = attributes(plan)
    takes = [argument for argument in plan.arguments if argument.kind in ("input", "size")]
    lines = ["class Model(torch.nn.Module):", "    def __init__(self, values: Dict[str, Tensor]) -> None:"]
    lines.append("        super().__init__()")
    for argument in plan.arguments:
        if argument.tensor in owned and argument.kind not in ("input", "size"):
            name, key = owned[argument.tensor], argument.name
            if argument.kind == "param":
                lines.append(f'        self.{name} = torch.nn.Parameter(values["{key}"])')
            else:
                lines.append(f'        self.register_buffer("{name}", values["{key}"])')
    passed = [f"self.{owned[a.tensor]}" if a.kind not in ("input", "size") else a.name for a in plan.arguments]
    signature = _signature("forward", ["self", *(_typed(argument) for argument in takes)], _return_type(plan))
    lines += ["", *(f"    {line}" for line in signature)]
    return [*lines, f"        return compute({', '.join(passed)})"]


# --- code --------------------------------------------------------------------------------------------------------

_NEURAL = "torch.nn.functional."


class Writer:
    """Prints codes: knows what sizes, element types and the device are called in one plan."""

    def __init__(self, plan: Plan) -> None:
        self._sizes = {binding.symbol: binding.name for binding in plan.sizes}
        tensors = [argument for argument in plan.arguments if argument.kind != "size"]
        floats = [argument.name for argument in tensors if argument.dtype == "float"]
        waves = [argument.name for argument in tensors if argument.dtype == "complex"]
        self._device = f"{tensors[0].name}.device" if tensors else 'torch.device("cpu")'
        self._float = f"{floats[0]}.dtype" if floats else "torch.empty(0).dtype"
        if waves and not floats:
            self._float = f"torch.real({waves[0]}).dtype"

    def binding(self, binding: Binding) -> str:
        if binding.number is not None:
            return str(binding.number)
        size = f"{binding.argument}.size({binding.axis})"
        if binding.rest.terms:
            size = f"{size} - {self._at(Extent(binding.rest), 6)}"
            size = f"({size})" if binding.factor != 1 else size
        return size if binding.factor == 1 else f"{size} // {binding.factor}"

    def text(self, code: Code) -> str:
        return self._print(code)[0]

    def _at(self, code: Code, place: int) -> str:
        """A code's text for a place that takes what binds at least so tightly."""
        text, binding = self._print(code)
        return text if binding >= place else f"({text})"

    def _print(self, code: Code) -> tuple[str, int]:  # noqa: C901
        match code:
            case Ref(name=name):
                return name, _ATOM
            case Number(value=value):
                return _number(value)
            case Extent(size=size):
                return self._size(size)
            case ElementType(name=name):
                return _TYPES.get(name, self._float), _ATOM
            case Device():
                return self._device, _ATOM
            case Call(function=function, args=args, keywords=keywords):
                given = [*(self.text(arg) for arg in args), *(f"{key}={self.text(value)}" for key, value in keywords)]
                return f"{function}({', '.join(given)})", _ATOM
            case Method(receiver=receiver, name=name, args=args):
                return f"{self._at(receiver, _ATOM)}.{name}({', '.join(map(self.text, args))})", _ATOM
            case Infix(symbol=symbol, left=left, right=right):
                return self._infix(symbol, left, right)
            case Prefix(symbol=symbol, arg=arg):
                place = _UNARY if symbol != "not " else 1
                return f"{symbol}{self._at(arg, place)}", place
            case Items(items=items):
                return f"[{', '.join(map(self.text, items))}]", _ATOM
            case Subscript(receiver=receiver, parts=inside):
                return f"{self._at(receiver, _ATOM)}[{', '.join(map(self.text, inside))}]", _ATOM
            case Slice(start=start, stop=stop, step=step):
                ends = ":".join("" if end is None else self.text(end) for end in (start, stop))
                return (ends if step == 1 else f"{ends}:{step}"), _LOWEST
            case Template(text=text, args=args, names=names):
                return self._template(text, args, dict(names))

    def _infix(self, symbol: str, left: Code, right: Code) -> tuple[str, int]:
        binding = _BINDING[symbol]
        leftmost = binding + 1 if symbol == "**" or binding == 2 else binding
        rightmost = binding if symbol in ("&", "|") else _UNARY if symbol == "**" else binding + 1
        return f"{self._at(left, leftmost)} {symbol} {self._at(right, rightmost)}", binding

    def _template(self, text: str, args: Sequence[Code], names: dict[str, Code]) -> tuple[str, int]:
        """A record's template: an argument between brackets and commas stands as it is, else it must bind tightly."""

        def filled(match: re.Match[str]) -> str:
            key = match.group(1)
            code = args[int(key)] if key.isdigit() else names[key]
            before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
            between = before in ("(", "[") or text[: match.start()].endswith((", ", "="))
            return self.text(code) if between and after in (")", "]", ",") else self._at(code, _ATOM)

        printed = re.sub(r"\{(\w+)\}", filled, text).replace(_NEURAL, "F.")
        return printed, _ATOM

    def _size(self, size: Size) -> tuple[str, int]:
        if not size.terms:
            return "0", _ATOM
        text, binding = "", _ATOM
        for monomial, coefficient in size.terms:
            factors = [self._atom(atom) for atom in monomial]
            if abs(coefficient) != 1 or not factors:
                factors.insert(0, str(abs(coefficient)))
            product = " * ".join(factors)
            if not text:
                text, binding = (product, 6 if len(factors) > 1 else _ATOM) if coefficient > 0 else (f"-{product}", 5)
            else:
                text, binding = f"{text} {'-' if coefficient < 0 else '+'} {product}", 5
        return text, binding

    def _atom(self, atom: Symbol | Quotient | Largest) -> str:
        match atom:
            case Symbol():
                return self._sizes[atom]
            case Quotient(numerator=numerator, denominator=denominator):
                return f"({self._at(Extent(numerator), 6)} // {denominator})"
            case Largest(sizes=sizes):
                return self._maximum([self.text(Extent(size)) for size in sizes])

    def _maximum(self, texts: list[str]) -> str:
        """TorchScript's max takes two arguments."""
        return texts[0] if len(texts) == 1 else f"max({texts[0]}, {self._maximum(texts[1:])})"


def _number(value: bool | int | float | complex | None) -> tuple[str, int]:
    if isinstance(value, complex):
        if value.real == 0:
            return (f"{value.imag!r}j", _ATOM) if value.imag >= 0 else (f"-{-value.imag!r}j", _UNARY)
        return f"{value.real!r} {'-' if value.imag < 0 else '+'} {abs(value.imag)!r}j", 5
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")', _ATOM
    text = repr(value)
    return text, (_UNARY if text.startswith("-") else _ATOM)
