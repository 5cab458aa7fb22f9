"""Code as Python text: what sizes, element types and the device are called is said once, brackets stand where needed.

In: a code of ``ir/code.py``. Out: an expression of Python. Only identifiers, numbers and operators' own templates are
printed: no word of a program.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from tensorlang.ir.code import (
    Call,
    Code,
    Device,
    ElementType,
    Extent,
    Infix,
    Items,
    Method,
    Number,
    Prefix,
    Ref,
    Slice,
    Subscript,
    Template,
)
from tensorlang.ir.domain import Largest, Quotient, Size, Symbol

TYPES = {"bool": "torch.bool", "int": "torch.int64", "bf16": "torch.bfloat16", "float64": "torch.float64"}
NEURAL = "torch.nn.functional."  # printed as F.

# How tightly operators bind: a part that binds less than its place gets brackets.
_BINDING = {
    "not ": 1, "==": 2, "!=": 2, "<": 2, "<=": 2, ">": 2, ">=": 2, "|": 3, "&": 4, "+": 5, "-": 5, "*": 6, "/": 6,
    "//": 6, "%": 6, "**": 8,
}  # fmt: skip
_UNARY, _ATOM, _LOWEST = 7, 9, 0


class Writer:
    """Prints codes of one plan."""

    def __init__(self, sizes: Mapping[Symbol, str], floating: str, device: str) -> None:
        """Names of symbols, and the expressions for the element type ``float`` and for the device."""
        self._sizes = sizes
        self._float = floating
        self._device = device

    def text(self, code: Code) -> str:
        return self._print(code)[0]

    def at(self, code: Code, place: int) -> str:
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
                return TYPES.get(name, self._float), _ATOM
            case Device():
                return self._device, _ATOM
            case Call(function=function, args=args, keywords=keywords):
                given = [*(self.text(arg) for arg in args), *(f"{key}={self.text(value)}" for key, value in keywords)]
                return f"{function}({', '.join(given)})", _ATOM
            case Method(receiver=receiver, name=name, args=args):
                return f"{self.at(receiver, _ATOM)}.{name}({', '.join(map(self.text, args))})", _ATOM
            case Infix(symbol=symbol, left=left, right=right):
                return self._infix(symbol, left, right)
            case Prefix(symbol=symbol, arg=arg):
                place = _UNARY if symbol != "not " else 1
                return f"{symbol}{self.at(arg, place)}", place
            case Items(items=items):
                return f"[{', '.join(map(self.text, items))}]", _ATOM
            case Subscript(receiver=receiver, parts=inside):
                return f"{self.at(receiver, _ATOM)}[{', '.join(map(self.text, inside))}]", _ATOM
            case Slice(start=start, stop=stop, step=step):
                ends = ":".join("" if end is None else self.text(end) for end in (start, stop))
                return (ends if step == 1 else f"{ends}:{step}"), _LOWEST
            case Template(text=text, args=args, names=names):
                return self._template(text, args, dict(names))

    def _infix(self, symbol: str, left: Code, right: Code) -> tuple[str, int]:
        binding = _BINDING[symbol]
        leftmost = binding + 1 if symbol == "**" or binding == 2 else binding
        rightmost = binding if symbol in ("&", "|") else _UNARY if symbol == "**" else binding + 1
        return f"{self.at(left, leftmost)} {symbol} {self.at(right, rightmost)}", binding

    def _template(self, text: str, args: Sequence[Code], names: dict[str, Code]) -> tuple[str, int]:
        """A record's template: an argument between brackets and commas stands as it is, else it must bind tightly."""

        def filled(match: re.Match[str]) -> str:
            key = match.group(1)
            code = args[int(key)] if key.isdigit() else names[key]
            before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
            between = before in ("(", "[") or text[: match.start()].endswith((", ", "="))
            return self.text(code) if between and after in (")", "]", ",") else self.at(code, _ATOM)

        printed = re.sub(r"\{(\w+)\}", filled, text).replace(NEURAL, "F.")
        return printed, _ATOM

    def _size(self, size: Size) -> tuple[str, int]:
        if not size.terms:
            return "0", _ATOM
        if len(size.terms) == 1 and size.terms[0][1] == 1 and len(size.terms[0][0]) == 1:
            return self._atom(size.terms[0][0][0])
        text, binding = "", _ATOM
        for monomial, coefficient in size.terms:
            factors = [f"({text})" if binding < _ATOM else text for text, binding in map(self._atom, monomial)]
            if abs(coefficient) != 1 or not factors:
                factors.insert(0, str(abs(coefficient)))
            product = " * ".join(factors)
            if not text:
                text, binding = (product, 6 if len(factors) > 1 else _ATOM) if coefficient > 0 else (f"-{product}", 5)
            else:
                text, binding = f"{text} {'-' if coefficient < 0 else '+'} {product}", 5
        return text, binding

    def _atom(self, atom: Symbol | Quotient | Largest) -> tuple[str, int]:
        match atom:
            case Symbol():
                return self._sizes[atom], _ATOM
            case Quotient(numerator=numerator, denominator=denominator):
                return f"{self.at(Extent(numerator), 6)} // {denominator}", 6
            case Largest(sizes=sizes):
                return self._maximum([self.text(Extent(size)) for size in sizes]), _ATOM

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
