"""Values while a plan is made: code whose axes are known indices, and the builder that collects steps.

In: pieces of code. Out: code that is aligned (permuted views, new axes), converted to another element type, expanded,
or given a name. Nothing is copied that a view can show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tensorlang.ir.code import (
    ALL,
    NEW_AXIS,
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
    Subscript,
    call,
    extent,
    is_view,
    method,
)
from tensorlang.ir.domain import Size
from tensorlang.ir.facts import is_floating, join
from tensorlang.ir.nodes import Expr, Index
from tensorlang.ir.plan import Slot, Step
from tensorlang.ir.program import Definition, Program
from tensorlang.passes.naming import Names
from tensorlang.passes.ranges import positive
from tensorlang.records import dataclass, field, replace
from tensorlang.source import Span


@dataclass(frozen=True, slots=True)
class Value:
    """Code and what its axes are, in physical order. ``number`` marks a Python number (no axes, no tensor)."""

    code: Code
    axes: tuple[Index, ...]
    dtype: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor of the program that has a slot: physical axis ``p`` is its axis ``order[p]``."""

    code: Code
    order: tuple[int, ...]


@dataclass(slots=True)
class Builder:
    """What has been planned so far. One for a plan; only the functions of ``passes`` write to it.

    ``lower`` computes any node (``lower.py``); ``rules`` are asked before (``choose_kernels.py``). A rule may look
    through the tensors in ``read_once``: only one place reads them, and they are no outputs.
    """

    program: Program
    names: Names
    lower: Callable[[Expr, Builder, Sequence[Index]], Value]
    definitions: dict[str, Definition] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    known: dict[Code, tuple[tuple[Size, ...], str]] = field(default_factory=dict)
    work: dict[Code, tuple[Size, ...]] = field(default_factory=dict)
    named: dict[object, Value] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    read_once: frozenset[str] = frozenset()
    wish: str = "value"
    note: str = ""
    span: Span | None = None

    def value(self, code: Code, axes: Iterable[Index], dtype: str) -> Value:
        """A tensor value; its shape is remembered for the estimate of memory."""
        axes = tuple(axes)
        self.known.setdefault(code, (tuple(index.size for index in axes), dtype))
        return Value(code, axes, dtype)

    def name(self, value: Value, wish: str | None = None) -> Value:
        """The value under a name of its own, so that it can be used more than once."""
        if isinstance(value.code, Ref | Number | Extent):
            return value
        name = self.names.fresh(wish or f"{self.wish}_1")
        self.step(name, value.code, None, value.axes, tuple(range(len(value.axes))), value.dtype)
        return replace(value, code=Ref(name), number=False) if not value.number else replace(value, code=Ref(name))

    def step(
        self, name: str, code: Code, tensor: str | None, axes: Sequence[Index], order: tuple[int, ...], dtype: str
    ) -> None:
        labels, shape = tuple(index.name for index in axes), tuple(index.size for index in axes)
        self.slots[name] = Slot(name, tensor, labels, order, shape, dtype, 0)
        self.steps.append(Step(name, code, self.note, self.span))


LONGEST_CHAIN = 32  # terms of one printed sum

Rule = Callable[[Expr, Builder, Sequence[Index]], Value | None]

# --- numbers -----------------------------------------------------------------------------------------------------


def literal(number: bool | int | float | complex) -> Value:
    kinds = {bool: "bool", int: "int", float: "float", complex: "complex"}
    return Value(Number(number), (), kinds[type(number)], True)


def size_number(size: Size) -> Value:
    return Value(extent(size), (), "int", True)


def is_positive(value: Value) -> bool:
    """Whether a Python number is known to be above 0."""
    return _positive(value.code)


def _positive(code: Code) -> bool:
    match code:
        case Number(value=bool() | int() | float() as number):
            return number > 0
        case Extent(size=size):
            return positive(size)
        case Infix(symbol="+" | "*" | "/" | "**", left=left, right=right):
            return _positive(left) and (_positive(right) or code.symbol == "**")
        case Call(function="math.sqrt", args=(arg,)):
            return _positive(arg)
        case _:
            return False


def tensor_of(value: Value) -> Value:
    """A Python number as a tensor without axes."""
    if not value.number:
        return value
    return Value(_filled((), value), (), value.dtype)


def _filled(sizes: tuple[Code, ...], value: Value) -> Code:
    """A tensor that holds a Python number everywhere; complex ones follow the program's float, part by part."""
    if isinstance(value.code, Number) and isinstance(value.code.value, complex):
        number = value.code.value
        parts = (Value(Number(part), (), "float", number=True) for part in (number.real, number.imag))
        return call("torch.complex", *(_filled(sizes, part) for part in parts))
    return call("torch.full", Items(sizes), value.code, dtype=ElementType(value.dtype), device=Device())


def blank(sizes: Items, dtype: str) -> Code:
    """Zeros of these sizes; complex ones follow the program's float."""
    zeros = call("torch.zeros", sizes, dtype=ElementType("float" if dtype == "complex" else dtype), device=Device())
    return call("as_complex", zeros) if dtype == "complex" else zeros


# --- element types -----------------------------------------------------------------------------------------------


def cast(value: Value, dtype: str) -> Value:
    """The value as another element type; a Python number is only relabelled where arithmetic needs no more."""
    if value.dtype == dtype:
        return value
    if value.number:
        return replace(value, code=_cast_number(value.code, dtype), dtype=dtype)
    match value.code:
        case Call(function="torch.arange" | "torch.full" as function, args=args, keywords=keywords):
            if dtype == "complex":
                return cast(cast(value, "float"), dtype) if not is_floating(value.dtype) else _as_complex(value)
            named = tuple((key, ElementType(dtype) if key == "dtype" else item) for key, item in keywords)
            if "dtype" not in dict(keywords):
                named = (("dtype", ElementType(dtype)), *named)
            return replace(value, code=Call(function, args, named), dtype=dtype)
    if dtype == "complex":
        return _as_complex(value if is_floating(value.dtype) else cast(value, "float"))
    return replace(value, code=Method(value.code, "to", (ElementType(dtype),)), dtype=dtype)


def _as_complex(value: Value) -> Value:
    return replace(value, code=call("as_complex", value.code), dtype="complex")


def _cast_number(code: Code, dtype: str) -> Code:
    if isinstance(code, Number) and isinstance(code.value, bool | int | float):
        if dtype in ("float", "float64", "bf16"):
            return Number(float(code.value))
        if dtype == "int":
            return Number(int(code.value))
    return code


def truth(value: Value) -> Value:
    """The value as a condition."""
    if value.dtype == "bool":
        return value
    if value.number and isinstance(value.code, Number):
        return literal(bool(value.code.value))
    return Value(Infix("!=", value.code, Number(0)), value.axes, "bool", value.number)


def promoted(values: Sequence[Value], dtype: str) -> list[tuple[int, Value]]:
    """Values with their places, converted where torch's own promotion would not give ``dtype`` from left to right.

    A value that already has the type goes first; where none has it, the tensor with the most axes is converted.
    """
    pairs = list(enumerate(values))
    tensors = [(at, value) for at, value in pairs if not value.number]
    if not tensors or all(value.dtype == dtype for _, value in tensors):
        return pairs
    ranked = any(value.axes for _, value in tensors)
    carriers = [
        (at, value)
        for at, value in tensors
        if value.dtype == dtype and (value.axes or not ranked or _higher(value, [other for _, other in tensors]))
    ]
    if carriers:
        first = carriers[0]
    else:
        at, widest = max(tensors, key=lambda pair: len(pair[1].axes))
        first = (at, cast(widest, dtype))
    return [first, *(pair for pair in pairs if pair[0] != first[0])]


def _higher(value: Value, others: Sequence[Value]) -> bool:
    """Whether a tensor without axes still decides the type: its kind is above that of all that have axes."""
    kinds = ["bool", "int", "bf16", "complex"]

    def kind(dtype: str) -> int:
        return kinds.index(dtype) if dtype in kinds else 2

    return all(kind(other.dtype) < kind(value.dtype) for other in others if other.axes)


def joined(values: Iterable[Value]) -> str:
    return join(value.dtype for value in values)


# --- axes --------------------------------------------------------------------------------------------------------


def common_order(values: Sequence[Value], wanted: Sequence[Index] | None = None) -> tuple[Index, ...]:
    """The axis order in which to join values: that of the one which has all axes, else the wanted one."""
    union = tuple(dict.fromkeys(index for value in values for index in value.axes))
    preferred = tuple(index for index in wanted or () if index in union)
    full = [value.axes for value in values if len(value.axes) == len(union)]
    if preferred in full or (len(preferred) == len(union) and not full):
        return preferred
    if full:
        return full[0]
    widest = max(values, key=lambda value: len(value.axes)).axes
    return tuple(index for index in union if index not in widest) + widest


def joint_axes(values: Sequence[Value], order: Sequence[Index]) -> tuple[Index, ...]:
    """The axes of what results from broadcasting values that are aligned to an order."""
    present = {index for value in values for index in value.axes}
    return tuple(index for index in order if index in present)


def chained(
    builder: Builder, first: Value, rest: Sequence[tuple[str, Value]], order: Sequence[Index], dtype: str
) -> Value:
    """``first + a - b ...`` from left to right, all aligned to one order; a very long chain gets names on its way."""
    code = aligned(first, order)
    used = [first]
    for count, (symbol, value) in enumerate(rest, 1):
        code = Infix(symbol, code, aligned(value, order))
        used.append(value)
        if count % LONGEST_CHAIN == 0 and count < len(rest):
            partial = builder.name(builder.value(code, joint_axes(used, order), dtype))
            code, used = aligned(partial, order), [partial]
    return builder.value(code, joint_axes(used, order), dtype)


def conjoined(builder: Builder, values: Sequence[Value], wanted: Sequence[Index], symbol: str = "&") -> Value:
    """Truth values joined by ``&`` or ``|``."""
    order = common_order(values, wanted)
    tensors = [tensor_of(value) for value in values]
    return chained(builder, tensors[0], [(symbol, value) for value in tensors[1:]], order, "bool")


def permuted(code: Code, have: Sequence[Index], want: Sequence[Index]) -> Code:
    """A view with its axes in another order."""
    if tuple(have) == tuple(want):
        return code
    order = [list(have).index(index) for index in want]
    moved = [p for p, q in enumerate(order) if p != q]
    if len(moved) == 2:
        return method(code, "t") if len(order) == 2 else method(code, "transpose", *moved)
    return method(code, "permute", *order)


def aligned(value: Value, target: Sequence[Index]) -> Code:
    """The value's code, ready to be broadcast to the axes of ``target`` (missing leading axes need nothing)."""
    if value.number or not value.axes:
        return value.code
    code = permuted(value.code, value.axes, [index for index in target if index in value.axes])
    first = next(p for p, index in enumerate(target) if index in value.axes)
    tail = target[first:]
    missing = [p for p, index in enumerate(tail) if index not in value.axes]
    if not missing:
        return code
    if len(missing) == 1:
        return method(code, "unsqueeze", missing[0] if missing[0] < len(tail) - 1 else -1)
    return Subscript(code, tuple(ALL if index in value.axes else NEW_AXIS for index in _trimmed(tail, value.axes)))


def _trimmed(tail: Sequence[Index], axes: Sequence[Index]) -> list[Index]:
    """A subscript's parts up to the last new axis: further whole axes need not be said."""
    last = max(p for p, index in enumerate(tail) if index not in axes)
    return list(tail[: last + 1])


def expanded(builder: Builder, value: Value, target: Sequence[Index]) -> Value:
    """The value with all axes of ``target``: those that it has not are repeated by a view."""
    if set(value.axes) == set(target):
        return value
    axes = tuple(target)
    sizes = tuple(extent(index.size) if index not in value.axes else Number(-1) for index in axes)
    if value.number:
        full = tuple(extent(index.size) for index in axes)
        return builder.value(_filled(full, value), axes, value.dtype)
    shaped = aligned(value, axes)
    return Value(Method(shaped, "expand", sizes), axes, value.dtype)


def reordered(value: Value, target: Sequence[Index]) -> Value:
    """The value with its axes in the order of ``target`` (it has just those)."""
    return replace(value, code=permuted(value.code, value.axes, target), axes=tuple(target))


def grouped(value: Value, groups: Sequence[Sequence[Index]]) -> Code:
    """The value's code with one axis a group: permuted, groups of several flattened, empty ones left out."""
    code = permuted(value.code, value.axes, [index for group in groups for index in group])
    if sum(len(group) > 1 for group in groups) > 1:
        return _reshaped(code, [_size_of(group) for group in groups if group])
    starts, at = [], 0
    for group in groups:
        starts.append(at)
        at += len(group)
    for start, group in reversed(list(zip(starts, groups, strict=True))):
        if len(group) > 1:
            code = method(code, "flatten", start, start + len(group) - 1)
    return code


def ungrouped(code: Code, groups: Sequence[Sequence[Index]]) -> Code:
    """The inverse on a result: axes of several indices are split again."""
    if sum(len(group) > 1 for group in groups) > 1:
        return _reshaped(code, [index.size for group in groups for index in group])
    at = 0
    for group in groups:
        if len(group) > 1:
            code = Method(code, "unflatten", (Number(at), Items(tuple(extent(index.size) for index in group))))
        at += len(group)
    return code


def _size_of(group: Sequence[Index]) -> Size:
    total = Size.of(1)
    for index in group:
        total = total * index.size
    return total


def _reshaped(code: Code, sizes: Sequence[Size]) -> Code:
    """All axes at once; one size that is no number need not be said."""
    open_at = next((at for at, size in enumerate(sizes) if size.constant is None), None)
    said = (Number(-1) if at == open_at else extent(size) for at, size in enumerate(sizes))
    return Method(code, "reshape", (Items(tuple(said)),))


def negative(value: Value) -> Value:
    """Minus the value; a number is negated at once."""
    match value.code:
        case Number(value=int() | float() | complex() as number) if not isinstance(number, bool):
            return replace(value, code=Number(-number))
        case Prefix(symbol="-", arg=arg):
            return replace(value, code=arg)
    plain = cast(value, "int") if value.dtype == "bool" else value
    return replace(plain, code=Prefix("-", plain.code))


def shapes_of(builder: Builder, code: Code) -> Mapping[Code, tuple[tuple[Size, ...], str]]:
    """What is known of the tensors computed inside a code, itself left out."""
    from tensorlang.ir.code import parts

    found: dict[Code, tuple[tuple[Size, ...], str]] = {}
    stack = list(parts(code))
    while stack:
        top = stack.pop()
        if top in found:
            continue
        if top in builder.known and not is_view(top):
            found[top] = builder.known[top]
        stack.extend(parts(top))
    return found
