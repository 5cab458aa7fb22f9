"""Leaves of expressions as IR nodes, once sizes are known: entries of tensors, element types, presence."""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.diagnostics import Problems
from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype, is_floating
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Reduce,
    Where,
    children,
    conjunction,
    number,
    product,
    rename,
    size_value,
    substitute,
    with_children,
)
from tensorlang.ops import REDUCTIONS, STRUCTURED
from tensorlang.records import dataclass, field
from tensorlang.sema import messages
from tensorlang.sema.resolved import (
    Access,
    Addition,
    Extent,
    Flat,
    FromEnd,
    Function,
    Multiplication,
    Place,
    Resolved,
    Value,
)
from tensorlang.source import Span

_COMPLEX_ORDER = {
    "lt",
    "le",
    "gt",
    "ge",
    "min",
    "max",
    "floor",
    "ceil",
    "round",
    "mod",
    "floordiv",
    "sign",
    "relu",
    "step",
}


# Reductions under which a sum is what a product is under a sum.
_TROPICAL = ("min", "max", "logsumexp")


class BadLeaf(Exception):
    """An entry or operator that has no meaning; reported already."""


@dataclass(slots=True, eq=False)
class Table:
    """What is known of the program's tensors while definitions are built in order.

    ``presence`` holds, for a guarded tensor, the indices of its axes and the condition on them. ``weighted`` are
    relations with weights: in a condition they stand for whether there is one.
    """

    problems: Problems
    shapes: Mapping[str, tuple[Size, ...]]
    dtypes: dict[str, str]
    presence: dict[str, tuple[tuple[Index, ...], Expr]] = field(default_factory=dict)
    weighted: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class Builder:
    """Builds the leaves of one statement; ``sizes`` are those of its indices."""

    table: Table
    sizes: Mapping[str, Size]
    taken: set[str]
    guarded: set[Expr] = field(default_factory=set)
    renamed: dict[str, Size] = field(default_factory=dict)

    def index(self, name: str) -> Index:
        size = self.renamed.get(name)
        return Index(name, self.sizes[name] if size is None else size)

    def fresh(self, name: str) -> str:
        """A new name for an index of the same domain, so that bound and free ones are told apart."""
        new = name
        while new in self.taken:
            new += "'"
        self.taken.add(new)
        self.renamed[new] = self.index(name).size
        return new

    def rename(self, node: Expr, names: Mapping[str, str]) -> Expr:
        old = self.guarded
        mapping = {self.index(a): self.index(b) for a, b in names.items()}
        self.guarded = old | {rename(guard, mapping) for guard in old}
        return rename(node, mapping)

    # --- leaves ---

    def leaf(self, node: Value | Extent | Place | Flat | FromEnd | Access) -> Expr:
        match node:
            case Value(value=int() as value, span=span) if abs(value) >= 1 << 63:
                messages.integer_too_large(self.table.problems, span)
                raise BadLeaf
            case Value(value=value):
                return size_value(value) if isinstance(value, Size) else number(value)
            case Extent(index=index):
                return size_value(self.index(index).size)
            case Place(index=index):
                return Position(self.index(index))
            case Flat(indices=indices):
                return self._flat(indices)
            case Access():
                return self._read(node)
            case FromEnd():
                return number(-node.distance)

    def _flat(self, indices: tuple[str, ...]) -> Expr:
        if not indices:
            return number(0)
        total: Expr = Position(self.index(indices[0]))
        for name in indices[1:]:
            index = self.index(name)
            total = Apply("add", (product(size_value(index.size), total), Position(index)))
        return total

    def _read(self, node: Access) -> Expr:
        name = node.tensor
        if name in STRUCTURED:
            at = tuple(self.entry(entry, None) for entry in node.at)
            shape = tuple(e.index.size if isinstance(e, Position) else self._structured_size(node, at) for e in at)
            return Read(name, at, shape, STRUCTURED[name].dtype)
        shape = self.table.shapes[name]
        at = tuple(self.entry(entry, size) for entry, size in zip(node.at, shape, strict=True))
        if name not in self.table.dtypes:
            raise BadLeaf
        read: Expr = Read(name, at, shape, self.table.dtypes[name])
        if name in self.table.presence:
            axes, condition = self.table.presence[name]
            read = Where(substitute(condition, dict(zip(axes, at, strict=True))), read)
            self.guarded.add(read)
        return read

    def _structured_size(self, node: Access, at: tuple[Expr, ...]) -> Size:
        """The side of a structured constant that is read at arithmetic: that of its other place."""
        for entry in at:
            if isinstance(entry, Position):
                return entry.index.size
        messages.structured_places(self.table.problems, node.span, node.tensor)
        raise BadLeaf

    def entry(self, node: Resolved, size: Size | None) -> Expr:
        """One entry of a tensor as an integer expression."""
        match node:
            case FromEnd(distance=distance):
                if size is None:
                    messages.structured_places(self.table.problems, node.span, node.span.text)
                    raise BadLeaf
                if size.constant is not None and distance > size.constant:
                    messages.constant_outside(self.table.problems, node.span, -distance, size)
                return size_value(size - distance)
            case Value(value=Size() as value):
                return size_value(value)
            case Value(value=int() as value):
                if size is not None and size.constant is not None and value >= size.constant:
                    messages.constant_outside(self.table.problems, node.span, value, size)
                return number(int(value))
            case Place() | Extent() | Flat() | Access():
                found = self.leaf(node)
                if dtype(found) in ("int", "bool"):
                    return found
            case Addition(terms=terms):
                parts = [(sign, self.entry(term, None)) for sign, term in terms]
                signed = tuple(part if sign > 0 else _negative(part) for sign, part in parts)
                return signed[0] if len(signed) == 1 else Apply("add", signed)
            case Multiplication(factors=factors):
                return product(*(self.entry(factor, None) for factor in factors))
            case Function(op=op) if op in ("floordiv", "mod", "min", "max", "abs", "select"):
                return self._integer_function(node)
            case _:
                pass
        messages.not_an_integer(self.table.problems, node.span)
        raise BadLeaf

    def _integer_function(self, node: Function) -> Expr:
        values = tuple(self.entry(arg, None) for arg in node.args)
        self.check_divisor(node.op, values, node.span)
        return Apply(node.op, values)

    # --- checks of element types ---

    def floats(self, node: Expr) -> bool:
        return is_floating(dtype(node))

    def check_divisor(self, op: str, values: tuple[Expr, ...], span: Span) -> None:
        divisor = values[-1]
        if op in ("floordiv", "mod") and isinstance(divisor, Const) and divisor.value == 0:
            messages.division_by_zero(self.table.problems, span)
            raise BadLeaf

    def condition(self, node: Expr, span: Span | None) -> Expr:
        """A condition; of a relation with weights, that there is one."""
        if isinstance(node, Read) and node.tensor in self.table.weighted:
            return Apply("ne", (node, number(0)))
        if dtype(node) != "bool":
            messages.not_a_condition(self.table.problems, span, dtype(node))
            raise BadLeaf
        return node

    def checked(self, op: str, values: tuple[Expr, ...], args: tuple[Resolved, ...], span: Span) -> tuple[Expr, ...]:
        """The arguments of an operator, if it takes such."""
        if op in ("and", "or", "not"):
            values = tuple(self.condition(value, arg.span) for value, arg in zip(values, args, strict=True))
        if op == "select":
            values = (self.condition(values[0], args[0].span), *values[1:])
        if op in _COMPLEX_ORDER and any(dtype(value) == "complex" for value in values):
            messages.no_order_for_complex(self.table.problems, span, op)
            raise BadLeaf
        if len(values) == 2:
            self.check_divisor(op, values, span)
        return values

    def check_power(self, values: tuple[Expr, ...], span: Span) -> None:
        match values:
            case (Const(value=int() as base), Const(value=int() as exponent)) if abs(base) > 1:
                if exponent * abs(base).bit_length() > 126 or abs(base) ** max(exponent, 0) >= 1 << 63:
                    messages.integer_too_large(self.table.problems, span)
                    raise BadLeaf

    def reducible(self, op: str, value: Expr, span: Span | None) -> Expr:
        """What a reduction reduces, if it takes such: of a sum with weights of a relation, where these are."""
        if op in ("any", "all"):
            value = self.condition(value, span)
        if op in _TROPICAL and isinstance(value, Apply) and value.op == "add" and self.table.weighted:
            there = [arg for arg in value.args if isinstance(arg, Read) and arg.tensor in self.table.weighted]
            guard = conjunction(tuple(Apply("ne", (arg, number(0))) for arg in there))
            value = value if guard is None else Where(guard, value)
        ordered = op in ("max", "min", "argmax", "argmin", "sort", "argsort", "topk", "cummax")
        if ordered and dtype(value) == "complex":
            messages.no_order_for_complex(self.table.problems, span, op)
            raise BadLeaf
        return value

    # --- guards of what is read ---

    def settle(self, node: Expr) -> Expr:
        """Drop the conditions that come with guarded tensors wherever only the value counts (it is 0 already)."""
        return node if not self.guarded else self._settle(node, True, {})

    def _settle(self, node: Expr, matters: bool, memo: dict[tuple[Expr, bool], Expr]) -> Expr:
        key = (node, matters)
        if key not in memo:
            match node:
                case Where(arg=arg) if not matters and node in self.guarded:
                    memo[key] = arg
                case _:
                    inner = _inner(node, matters)
                    new = tuple(
                        self._settle(child, flag, memo) for child, flag in zip(children(node), inner, strict=True)
                    )
                    memo[key] = with_children(node, new)
        return memo[key]


def _inner(node: Expr, matters: bool) -> tuple[bool, ...]:
    """For each child, whether it counts if the child is absent rather than 0."""
    match node:
        case Const() | Position() | Read():
            return (False,) * len(children(node))
        case Contract(summed=summed, factors=factors):
            return (matters and not summed,) * len(factors)
        case Reduce(op=op):
            return (REDUCTIONS[op].name != "sum",)
        case AlongIndex(options=options):
            return (True, *(False for _ in options))
        case Apply(args=args):
            return (matters,) * len(args)
        case Where():
            return (False, matters)


def _negative(node: Expr) -> Expr:
    if isinstance(node, Const) and isinstance(node.value, int):
        return number(-node.value)
    return Apply("neg", (node,))
