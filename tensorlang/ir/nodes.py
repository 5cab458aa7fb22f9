"""The expressions of a Program: interned, immutable, over named indices; every sum explicit.

Two equal expressions are one object, so equality is identity and facts (``free_indices``, ``dtype``...) are cached by
node. The eight kinds are closed: functions over nodes match them all and have no default case.

Meaning, in short (``backends/reference.py`` is the full one):

- ``Read(T, at)``: the element of T at integer-valued expressions, one an axis; **0 outside the axis**.
- ``Position(i)``: the index as an integer value.
- ``Contract``: the product of the factors, summed over ``summed`` (both may be empty: 1, or a plain product).
- ``Reduce(op, indices, arg)``: over the *present* elements of ``arg``; none present gives the identity of ``op``.
- ``AlongIndex(op, index, arg, options)``: keeps the index; absent elements take no part (softmax) and stay absent.
- ``Where(condition, arg)``: ``arg`` where the condition holds, *absent* elsewhere. Read as a value, absent is 0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from tensorlang.ir.domain import Size
from tensorlang.records import dataclass

_TABLE: WeakValueDictionary[tuple[object, ...], Any] = WeakValueDictionary()


def _key(value: object) -> object:
    """Distinguish what ``==`` does not: 1, 1.0, True, -0.0 and 0.0."""
    if isinstance(value, float):
        return ("f", struct.pack("d", value))
    if isinstance(value, complex):
        return ("c", struct.pack("dd", value.real, value.imag))
    if isinstance(value, tuple):
        return tuple(_key(item) for item in value)
    return (type(value), value)


class _Interned(type):
    def __call__(cls, *args: Any) -> Any:
        key = (cls, *(_key(arg) for arg in args))
        found = _TABLE.get(key)
        if found is None:
            found = super().__call__(*args)
            _TABLE[key] = found
        return found


@dataclass(frozen=True, slots=True)
class Index:
    """An index with the size of its domain ``0 .. size-1``. Two indices of one name in one expression have one size."""

    name: str
    size: Size

    def __hash__(self) -> int:
        return hash(self.name)  # known to the string, and as good: indices of one name are rarely of two sizes

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Node(metaclass=_Interned):
    """Base of the eight kinds. Construct with positional arguments only (interning)."""


@dataclass(frozen=True, eq=False)
class Const(Node):
    """A number; a ``Size`` is an integer known at run time. ``dtype`` is bool, int, float or complex."""

    value: bool | int | float | complex | Size
    dtype: str


@dataclass(frozen=True, eq=False)
class Read(Node):
    """``tensor[at...]``. ``dtype`` is the tensor's element type, carried so that facts need no table."""

    tensor: str
    at: tuple[Expr, ...]
    shape: tuple[Size, ...]
    dtype: str


@dataclass(frozen=True, eq=False)
class Position(Node):
    index: Index


@dataclass(frozen=True, eq=False)
class Apply(Node):
    """A pointwise operator of ``ops/pointwise.py`` (``add`` and ``and``/``or`` are n-ary; a product is a Contract)."""

    op: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, eq=False)
class Contract(Node):
    summed: tuple[Index, ...]
    factors: tuple[Expr, ...]
    semiring: str


@dataclass(frozen=True, eq=False)
class Reduce(Node):
    op: str
    indices: tuple[Index, ...]
    arg: Expr


@dataclass(frozen=True, eq=False)
class AlongIndex(Node):
    """``options`` are further scalar arguments of the operator (``k`` of topk, ``eps`` of a norm)."""

    op: str
    index: Index
    arg: Expr
    options: tuple[Expr, ...]


@dataclass(frozen=True, eq=False)
class Where(Node):
    condition: Expr
    arg: Expr


Expr = Const | Read | Position | Apply | Contract | Reduce | AlongIndex | Where

# --- building ----------------------------------------------------------------------------------------------------


def number(value: bool | int | float | complex) -> Const:
    """A constant of the element type that its Python type says."""
    return Const(value, {bool: "bool", int: "int", float: "float", complex: "complex"}[type(value)])


def size_value(size: Size) -> Const:
    """A size as an integer value; a plain number where it is known."""
    constant = size.constant
    return Const(size if constant is None else constant, "int")


def product(*factors: Expr) -> Expr:
    """The product of factors, nothing summed."""
    return factors[0] if len(factors) == 1 else Contract((), factors, "sum")


def contract(summed: tuple[Index, ...], factors: tuple[Expr, ...]) -> Expr:
    """A sum of products; a lone factor with nothing summed is itself."""
    return factors[0] if not summed and len(factors) == 1 else Contract(summed, factors, "sum")


def conjunction(conditions: tuple[Expr, ...]) -> Expr | None:
    """All conditions at once, or None where there are none."""
    unique = tuple(dict.fromkeys(conditions))
    if len(unique) <= 1:
        return unique[0] if unique else None
    return Apply("and", unique)


# --- facts and traversal -----------------------------------------------------------------------------------------


def children(node: Expr) -> tuple[Expr, ...]:
    """What a node stands directly over; remembered on it, since every pass asks."""
    found: tuple[Expr, ...] | None = node.__dict__.get("_children")
    if found is None:
        found = node.__dict__["_children"] = _children(node)
    return found


def _children(node: Expr) -> tuple[Expr, ...]:
    match node:
        case Const() | Position():
            return ()
        case Read(at=at):
            return at
        case Apply(args=args):
            return args
        case Contract(factors=factors):
            return factors
        case Reduce(arg=arg):
            return (arg,)
        case AlongIndex(arg=arg, options=options):
            return (arg, *options)
        case Where(condition=condition, arg=arg):
            return (condition, arg)


def with_children(node: Expr, new: tuple[Expr, ...]) -> Expr:
    """The same node over other children."""
    if children(node) == new:  # nodes are equal where they are the same
        return node
    match node:
        case Const() | Position():
            return node
        case Read(tensor=tensor, shape=shape, dtype=dtype):
            return Read(tensor, new, shape, dtype)
        case Apply(op=op):
            return Apply(op, new)
        case Contract(summed=summed, semiring=semiring):
            return Contract(summed, new, semiring)
        case Reduce(op=op, indices=indices):
            return Reduce(op, indices, new[0])
        case AlongIndex(op=op, index=index):
            return AlongIndex(op, index, new[0], new[1:])
        case Where():
            return Where(new[0], new[1])


def bound_indices(node: Expr) -> tuple[Index, ...]:
    """The indices that this node sums or reduces away."""
    match node:
        case Contract(summed=summed):
            return summed
        case Reduce(indices=indices):
            return indices
        case Const() | Read() | Position() | Apply() | AlongIndex() | Where():
            return ()


Fact = TypeVar("Fact")


def cached(compute: Callable[[Expr], Fact]) -> Callable[[Expr], Fact]:
    """A fact of a node, computed children first without recursion and remembered on the node.

    ``compute`` may call the cached function on the node's children: they are known by then.
    """
    slot = f"_fact_{compute.__module__}_{compute.__name__}"

    def fact(node: Expr) -> Fact:
        memory = node.__dict__
        if slot in memory:
            return memory[slot]  # type: ignore[no-any-return]
        stack = [node]
        while stack:
            top = stack[-1]
            if slot in top.__dict__:
                stack.pop()
                continue
            waiting = [child for child in children(top) if slot not in child.__dict__]
            if waiting:
                stack.extend(waiting)
            else:
                stack.pop()
                top.__dict__[slot] = compute(top)
        return memory[slot]  # type: ignore[no-any-return]

    fact.__doc__ = compute.__doc__
    fact.__name__ = compute.__name__
    return fact


@cached
def free_indices(node: Expr) -> frozenset[Index]:
    """The indices that an expression depends on."""
    match node:
        case Position(index=index):
            return frozenset((index,))
        case AlongIndex(index=index):
            return frozenset((index,)).union(*(free_indices(child) for child in children(node)))
        case Const() | Read() | Apply() | Contract() | Reduce() | Where():
            inside: frozenset[Index] = frozenset().union(*(free_indices(child) for child in children(node)))
            return inside.difference(bound_indices(node))


@cached
def tensors_read(node: Expr) -> frozenset[str]:
    """The names of the tensors that an expression reads."""
    own = frozenset((node.tensor,)) if isinstance(node, Read) else frozenset()
    return own.union(*(tensors_read(child) for child in children(node)))


def rename(node: Expr, mapping: Mapping[Index, Index]) -> Expr:
    """Replace indices, free and bound, by others; the caller sees to it that nothing is captured."""
    return substitute(node, {old: Position(new) for old, new in mapping.items()}, mapping)


def substitute(node: Expr, values: Mapping[Index, Expr], bound: Mapping[Index, Index] | None = None) -> Expr:
    """Replace ``Position(i)`` by an expression; ``bound`` renames indices where they are bound or run along.

    Bound indices that are not in ``bound`` must not clash with what is put in: rename them apart first.
    """
    names = bound or {}
    memo: dict[Expr, Expr] = {}
    stack: list[tuple[Expr, bool]] = [(node, False)]
    while stack:
        top, ready = stack.pop()
        if top in memo:
            continue
        if isinstance(top, Position):
            memo[top] = values.get(top.index, top)
        elif not ready:
            stack.append((top, True))
            stack.extend((child, False) for child in children(top))
        else:
            memo[top] = _rebind(with_children(top, tuple(memo[child] for child in children(top))), names)
    return memo[node]


def _rebind(node: Expr, names: Mapping[Index, Index]) -> Expr:
    match node:
        case Contract(summed=summed, factors=factors, semiring=semiring):
            return Contract(tuple(names.get(i, i) for i in summed), factors, semiring)
        case Reduce(op=op, indices=indices, arg=arg):
            return Reduce(op, tuple(names.get(i, i) for i in indices), arg)
        case AlongIndex(op=op, index=index, arg=arg, options=options):
            return AlongIndex(op, names.get(index, index), arg, options)
        case Const() | Read() | Position() | Apply() | Where():
            return node


@dataclass(frozen=True, slots=True)
class Affine:
    """``sum(coefficient * index) + offset``, the offset a size."""

    coefficients: tuple[tuple[Index, int], ...]
    offset: Size


@cached
def affine(node: Expr) -> Affine | None:
    """The affine form of an integer-valued expression, or None where it has none."""
    match node:
        case Const(value=value):
            return Affine((), Size.of(value)) if isinstance(value, int | Size) else None
        case Position(index=index):
            return Affine(((index, 1),), Size.of(0))
        case Apply(op="add", args=args):
            parts = [affine(arg) for arg in args]
            return None if None in parts else _affine_sum([p for p in parts if p is not None])
        case Apply(op="neg", args=(arg,)):
            part = affine(arg)
            return None if part is None else _affine_scale(part, -1)
        case Contract(summed=(), factors=factors):
            return _affine_product(factors)
        case Read() | Apply() | Contract() | Reduce() | AlongIndex() | Where():
            return None


def _affine_sum(parts: list[Affine]) -> Affine:
    total: dict[Index, int] = {}
    offset = Size.of(0)
    for part in parts:
        offset = offset + part.offset
        for index, coefficient in part.coefficients:
            total[index] = total.get(index, 0) + coefficient
    return Affine(tuple((i, c) for i, c in total.items() if c), offset)


def _affine_scale(part: Affine, scale: int) -> Affine:
    return Affine(tuple((i, c * scale) for i, c in part.coefficients), part.offset * scale)


def _affine_product(factors: tuple[Expr, ...]) -> Affine | None:
    result = Affine((), Size.of(1))
    for factor in factors:
        part = affine(factor)
        if part is None:
            return None
        if not part.coefficients and part.offset.constant is not None:
            result = _affine_scale(result, part.offset.constant)
        elif not result.coefficients and result.offset.constant is not None:
            result = _affine_scale(part, result.offset.constant)
        elif not part.coefficients and not result.coefficients:
            result = Affine((), result.offset * part.offset)
        else:
            return None
    return result
