"""What a step of a plan computes: trees of calls of library functions, over slots, numbers and sizes.

Equal trees are one object, so common parts are found by identity. The lowering writes them, ``ir/code_text.py`` prints.
"""

from __future__ import annotations

from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import Node
from tensorlang.records import dataclass


@dataclass(frozen=True, eq=False)
class Ref(Node):
    """A slot or an argument, by its Python name."""

    name: str


@dataclass(frozen=True, eq=False)
class Number(Node):
    value: bool | int | float | complex | None


@dataclass(frozen=True, eq=False)
class Extent(Node):
    """A size as a Python integer."""

    size: Size


@dataclass(frozen=True, eq=False)
class ElementType(Node):
    """An element type of the language (``float`` is the type of the floating arguments)."""

    name: str


@dataclass(frozen=True, eq=False)
class Device(Node):
    """The device of the arguments."""


@dataclass(frozen=True, eq=False)
class Call(Node):
    """``function(args, key=...)``; the function is a torch one by its path or a kernel of ``backends/kernels.py``."""

    function: str
    args: tuple[Code, ...]
    keywords: tuple[tuple[str, Code], ...]


@dataclass(frozen=True, eq=False)
class Method(Node):
    """``receiver.name(args)``."""

    receiver: Code
    name: str
    args: tuple[Code, ...]


@dataclass(frozen=True, eq=False)
class Infix(Node):
    symbol: str
    left: Code
    right: Code


@dataclass(frozen=True, eq=False)
class Prefix(Node):
    symbol: str
    arg: Code


@dataclass(frozen=True, eq=False)
class Items(Node):
    """A list of integers or tensors: ``[0, n]``."""

    items: tuple[Code, ...]


@dataclass(frozen=True, eq=False)
class Subscript(Node):
    """``receiver[parts]``."""

    receiver: Code
    parts: tuple[Code, ...]


@dataclass(frozen=True, eq=False)
class Slice(Node):
    """``start:stop:step`` inside a subscript; a part that is None is left out."""

    start: Code | None
    stop: Code | None
    step: int


@dataclass(frozen=True, eq=False)
class Template(Node):
    """The torch template of an operator's record with its arguments; ``names`` fill ``{dim}`` and the like."""

    text: str
    args: tuple[Code, ...]
    names: tuple[tuple[str, Code], ...]


Code = (
    Ref | Number | Extent | ElementType | Device | Call | Method | Infix | Prefix | Items | Subscript | Slice | Template
)

ALL = Slice(None, None, 1)
NEW_AXIS = Number(None)

# Methods and functions that give another view of the same memory.
VIEWS = frozenset((
    "permute", "transpose", "t", "unsqueeze", "squeeze", "expand", "select", "unfold", "flatten", "unflatten",
    "diagonal",
))  # fmt: skip


def call(function: str, *args: Code, **keywords: Code) -> Call:
    return Call(function, args, tuple(keywords.items()))


def method(receiver: Code, name: str, *args: Code | int) -> Method:
    return Method(receiver, name, tuple(Number(arg) if isinstance(arg, int) else arg for arg in args))


def extent(size: Size) -> Code:
    """A size as code: a number where it is one."""
    constant = size.constant
    return Extent(size) if constant is None else Number(constant)


def parts(code: Code) -> tuple[Code, ...]:
    """The code inside a code."""
    match code:
        case Ref() | Number() | Extent() | ElementType() | Device():
            return ()
        case Call(args=args, keywords=keywords):
            return (*args, *(value for _, value in keywords))
        case Method(receiver=receiver, args=args):
            return (receiver, *args)
        case Infix(left=left, right=right):
            return (left, right)
        case Prefix(arg=arg):
            return (arg,)
        case Items(items=items):
            return items
        case Subscript(receiver=receiver, parts=inside):
            return (receiver, *inside)
        case Slice(start=start, stop=stop):
            return tuple(end for end in (start, stop) if end is not None)
        case Template(args=args, names=names):
            return (*args, *(value for _, value in names))


def with_parts(code: Code, new: tuple[Code, ...]) -> Code:
    """The same code over other parts."""
    match code:
        case Ref() | Number() | Extent() | ElementType() | Device():
            return code
        case Call(function=function, args=args, keywords=keywords):
            named = zip((name for name, _ in keywords), new[len(args) :], strict=True)
            return Call(function, new[: len(args)], tuple(named))
        case Method(name=name):
            return Method(new[0], name, new[1:])
        case Infix(symbol=symbol):
            return Infix(symbol, new[0], new[1])
        case Prefix(symbol=symbol):
            return Prefix(symbol, new[0])
        case Items():
            return Items(new)
        case Subscript():
            return Subscript(new[0], new[1:])
        case Slice(start=start, stop=stop, step=step):
            rest = iter(new)
            return Slice(None if start is None else next(rest), None if stop is None else next(rest), step)
        case Template(text=text, args=args, names=names):
            named = zip((name for name, _ in names), new[len(args) :], strict=True)
            return Template(text, new[: len(args)], tuple(named))


def is_view(code: Code) -> bool:
    """Whether code computes nothing: a name, a number, or another view of one."""
    match code:
        case Ref() | Number() | Extent() | ElementType() | Device() | Slice():
            return True
        case Method(receiver=receiver, name=name):
            return name in VIEWS and is_view(receiver)
        case Subscript(receiver=receiver, parts=inside):
            return is_view(receiver) and all(isinstance(part, Slice | Number) for part in inside)
        case Items(items=items):
            return all(is_view(item) for item in items)
        case Call() | Infix() | Prefix() | Template():
            return False
