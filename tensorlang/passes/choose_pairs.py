"""Kernels over the pairs of a relation: rows of a table at a column, products of two such rows, and what falls on a
position, joined.

In: ``H[Edge.at1[e],d]``; ``sum[d](Q[Edge.at0[e],d] K[Edge.at1[e],d])``; an equation with a column on its left side.
Out: calls of ``kernels_pairs.py``, which hold nothing for each pair and each element of a row, forward or backward.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Code, Infix, Items, Number, Prefix, call, method
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import Contract, Expr, Index, Position, Read, free_indices, product
from tensorlang.ir.pairs import Pairs
from tensorlang.ir.program import Piece
from tensorlang.passes.lower_contract import Factor, multiplied
from tensorlang.passes.place import Target
from tensorlang.passes.values import Builder, Value, aligned, cast, expanded, grouped, tensor_of, ungrouped
from tensorlang.records import dataclass

_EXACT = ("float", "float64", "bf16")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of pairs; or two of them as one."""

    pairs: Pairs
    place: int
    index: Index


@dataclass(frozen=True, slots=True)
class Rows:
    """A tensor that is read at a column: the axes that this stands for, and the indices of the others, by axis."""

    read: Read
    column: Column
    axes: tuple[int, ...]

    @property
    def width(self) -> tuple[Index, ...]:
        return tuple(at.index for at in self.read.at if isinstance(at, Position))


def column_of(node: Expr, builder: Builder) -> Column | None:
    """The column that an expression is."""
    if not isinstance(node, Read) or len(node.at) != 1 or not isinstance(node.at[0], Position):
        return None
    for pairs in builder.program.pairs.values():
        if node.tensor in pairs.columns:
            return Column(pairs, pairs.columns.index(node.tensor), node.at[0].index)
    return None


def columns_of(
    entries: Sequence[Expr], sizes: Sequence[object], builder: Builder
) -> tuple[Column, tuple[int, ...]] | None:
    """The one column among entries that are else distinct whole axes, or two that count as one; with their axes."""
    found = [(at, column) for at, entry in enumerate(entries) if (column := column_of(entry, builder)) is not None]
    plain = [
        e.index for e, size in zip(entries, sizes, strict=True) if isinstance(e, Position) and e.index.size == size
    ]
    if not found or len(plain) + len(found) < len(entries) or len(set(plain)) < len(plain):
        return None
    (_, first), *rest = found
    if first.index in plain or any(sizes[at] != column.pairs.sizes[column.place] for at, column in found):
        return None
    if not rest:
        return first, (found[0][0],)
    if len(rest) > 1 or rest[0][1].pairs is not first.pairs or rest[0][1].index != first.index:
        return None
    place = first.pairs.joint.get((first.place, rest[0][1].place))
    return None if place is None else (Column(first.pairs, place, first.index), tuple(at for at, _ in found))


def rows_of(node: Expr, builder: Builder) -> Rows | None:
    """A read at a column."""
    if not isinstance(node, Read) or node.tensor not in builder.held or node.dtype not in _EXACT:
        return None
    found = columns_of(node.at, node.shape, builder)
    return None if found is None else Rows(node, *found)


def _held(name: str, builder: Builder) -> Code:
    return builder.held[name].code


def groups(pairs: Pairs, place: int, other: int | None, builder: Builder) -> Code:
    """How pairs are grouped by a place, with another place in that order."""
    second = pairs.columns[place] if other is None else pairs.turned[place, other]
    order = pairs.orders[place]
    names = (pairs.pointers[place], second, *(() if order is None else (order,)))
    return Items(tuple(_held(name, builder) for name in names))


def _table(rows: Rows, builder: Builder) -> tuple[Value, tuple[Index, ...]]:
    """The tensor of rows over its indices, and those that stand for the axes which the column reads."""
    names = {axis: Index(f"row {axis}", rows.read.shape[axis]) for axis in rows.axes}
    indices = [at.index if isinstance(at, Position) else names[axis] for axis, at in enumerate(rows.read.at)]
    held = builder.held[rows.read.tensor]
    return Value(held.code, tuple(indices[axis] for axis in held.order), rows.read.dtype), tuple(names.values())


def _flat(value: Value, parts: Sequence[Sequence[Index]]) -> Code:
    """The value with one axis a group, of one element where a group is empty."""
    code = grouped(tensor_of(value), parts)
    for at, part in enumerate(parts):
        if not part:
            code = method(code, "unsqueeze", at)
    return code


def _spread(code: Code, parts: Sequence[Sequence[Index]]) -> Code:
    """The inverse."""
    for at in reversed(range(len(parts))):
        if not parts[at]:
            code = method(code, "squeeze", at)
    return ungrouped(code, [part for part in parts if part])


# --- rules -------------------------------------------------------------------------------------------------------


def rows_at_pairs(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """``H[Edge.at1[e],d]``."""
    if not builder.program.pairs:
        return None
    rows = rows_of(node, builder)
    if rows is None:
        return None
    table, keys = _table(rows, builder)
    width = tuple(index for index in table.axes if index not in keys)
    column = rows.column
    code = call(
        "pairs_rows", _flat(table, (keys, width)), _held(column.pairs.columns[column.place], builder),
        groups(column.pairs, column.place, None, builder),
    )  # fmt: skip
    return builder.value(_spread(code, ((column.index,), width)), (column.index, *width), table.dtype)


def dots_at_pairs(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """``sum[d](Q[Edge.at0[e],d] K[Edge.at1[e],d])``, times what has no ``e``, or no ``d``."""
    if not builder.program.pairs or not isinstance(node, Contract) or not node.summed or node.semiring != "sum":
        return None
    if dtype_of(node) not in _EXACT or presence(node) is not None:
        return None
    factors = list(_factors(node))
    sides = [(f, r) for f in factors if (r := rows_of(f, builder)) and set(node.summed) <= free_indices(f)]
    if len(sides) < 2:
        return None
    (one, left), (two, right) = sides[:2]
    first, second = left.column, right.column
    if (
        first.index in node.summed
        or first.pairs is not second.pairs
        or first.place == second.place
        or first.index != second.index
    ):
        return None
    if not first.pairs.distinct(first.place, second.place):  # the kernel joins what stands twice at two positions
        return None
    if first.place > second.place:
        one, two, left, right, first, second = two, one, right, left, second, first
    rest = [factor for factor in factors if factor is not one and factor is not two]
    early = [factor for factor in rest if first.index not in free_indices(factor)]
    late = [factor for factor in rest if factor not in early]
    if any(not free_indices(factor).isdisjoint(node.summed) for factor in late):
        return None
    dots = _dots(left, right, node.summed, early, builder)
    if not late:
        return dots
    other = builder.lower(product(*late), builder, wanted)
    return multiplied(builder, [Factor(dots), Factor(other)], wanted, dtype_of(node))


def _dots(left: Rows, right: Rows, summed: Sequence[Index], early: list[Expr], builder: Builder) -> Value:
    (one, own), (two, keys) = _table(left, builder), _table(right, builder)
    if early:
        joined = [Factor(one), *(Factor(builder.lower(factor, builder, ())) for factor in early)]
        one = multiplied(builder, joined, one.axes, one.dtype)
    heads = tuple(dict.fromkeys(i for v in (one, two) for i in v.axes if i not in (*own, *keys, *summed)))
    width = tuple(summed)
    one = expanded(builder, one, (*heads, *own, *width))
    two = expanded(builder, cast(two, one.dtype), (*heads, *keys, *width))
    column, pairs = left.column, left.column.pairs
    code = call(
        "pairs_dots", _flat(one, (heads, own, width)), _flat(two, (heads, keys, width)),
        groups(pairs, column.place, right.column.place, builder),
        groups(pairs, right.column.place, column.place, builder),
    )  # fmt: skip
    return builder.value(_spread(code, ((column.index,), heads)), (column.index, *heads), one.dtype)


def _factors(node: Expr) -> list[Expr]:
    """The factors of a product, those of plain products inside it too."""
    if not isinstance(node, Contract):
        return [node]
    found: list[Expr] = []
    for factor in node.factors:
        found += _factors(factor) if isinstance(factor, Contract) and not factor.summed else [factor]
    return found


# --- equations with a column on their left side --------------------------------------------------------------------


def over_pairs(piece: Piece, target: Target, builder: Builder) -> Value | None:
    """An equation whose left side has a column, and else whole axes, by the kernels for pairs."""
    sizes = [index.size for index in target.axes]
    found = columns_of(piece.left, sizes, builder) if builder.program.pairs and target.offset is None else None
    if found is None or target.dtype not in _EXACT:
        return None
    column, axes = found
    kept = tuple(target.axes[axis] for axis in axes)
    names = {
        at.index: target.axes[axis]
        for axis, at in enumerate(piece.left)
        if axis not in axes and isinstance(at, Position)
    }
    where = Where(column, kept, names, target, builder)
    if target.aggregate in ("sum", "mean") and presence(piece.value) is None:
        summed = where.product(piece.value)
        if summed is not None:
            return where.mean(summed) if target.aggregate == "mean" else summed
    if target.aggregate in ("max", "min") and presence(piece.value) is None:
        extreme = where.extreme(piece.value)
        if extreme is not None:
            return extreme
    return where.joined(piece)


@dataclass(frozen=True, slots=True)
class Where:
    """A column on the left side: ``kept`` are the axes of the result that it stands for, ``names`` those of others."""

    column: Column
    kept: tuple[Index, ...]
    names: dict[Index, Index]
    target: Target
    builder: Builder

    def _result(self, code: Code, parts: Sequence[Sequence[Index]]) -> Value:
        named = [tuple(self.names.get(index, index) for index in part) for part in parts]
        code = _spread(code, named)
        return self.builder.value(code, [index for part in named for index in part], self.target.dtype)

    def _other(self, rows: Rows) -> bool:
        """Whether rows are read at another place of the same pairs."""
        column = rows.column
        return (
            column.pairs is self.column.pairs
            and column.index == self.column.index
            and (
                (self.column.place, column.place) in column.pairs.turned
                and (column.place, self.column.place) in column.pairs.turned
            )
        )

    def product(self, value: Expr) -> Value | None:
        """Weights times rows of a table: what is summed is never held."""
        if isinstance(value, Contract) and value.summed:
            return None
        factors = _factors(value)
        tables = [r for f in factors if (r := rows_of(f, self.builder)) and r.width and self._other(r)]
        if not tables:
            return None
        rows = max(tables, key=lambda rows: _elements(rows.width))
        weights = [factor for factor in factors if factor is not rows.read]
        if weights and not rows.column.pairs.distinct(self.column.place, rows.column.place):
            return None  # the gradient of the weights joins what stands twice at two positions
        heads = tuple(dict.fromkeys(
            index for index in self.names if any(index in free_indices(weight) for weight in weights)
        ))  # fmt: skip
        table, keys = _table(rows, self.builder)
        width = tuple(index for index in table.axes if index not in (*keys, *heads))
        if set(self.names) != {*heads, *width}:
            return None
        table = expanded(self.builder, cast(table, self.target.dtype), (*heads, *keys, *width))
        weight: Code = Number(None)
        if weights:
            lowered = self.builder.lower(product(*weights), self.builder, (self.column.index, *heads))
            lowered = expanded(
                self.builder, tensor_of(cast(lowered, self.target.dtype)), (self.column.index, *heads)
            )  # fmt: skip
            weight = _flat(lowered, ((self.column.index,), heads))
        pairs, place, other = self.column.pairs, self.column.place, rows.column.place
        code = call(
            "pairs_product", weight, _flat(table, (heads, keys, width)),
            groups(pairs, place, other, self.builder), groups(pairs, other, place, self.builder),
        )  # fmt: skip
        return self._result(code, (heads, self.kept, width))

    def mean(self, total: Value) -> Value:
        """A sum over pairs, divided by how many there are; 0 where there are none."""
        counts = method(method(_held(self.column.pairs.pointers[self.column.place], self.builder), "diff"), "clamp", 1)
        number = Value(ungrouped(counts, [self.kept]), self.kept, "int")
        code = Infix("/", total.code, aligned(number, total.axes))
        return self.builder.value(code, total.axes, total.dtype)

    def extreme(self, value: Expr) -> Value | None:
        """The greatest, or the least, of rows of a table."""
        rows = rows_of(value, self.builder)
        if rows is None or not rows.width or not self._other(rows) or set(self.names) != set(rows.width):
            return None
        table, keys = _table(rows, self.builder)
        table = cast(table, self.target.dtype)
        width = tuple(index for index in table.axes if index not in keys)
        flat = _flat(table, (keys, width))
        turned = self.target.aggregate == "min"
        pairs, place = self.column.pairs, self.column.place
        over = groups(pairs, place, rows.column.place, self.builder)
        code: Code = call("pairs_extreme", Prefix("-", flat) if turned else flat, over)
        return self._result(Prefix("-", code) if turned else code, (self.kept, width))

    def joined(self, piece: Piece) -> Value | None:
        """What each pair has, group by group."""
        op = self.target.aggregate
        if op not in ("sum", "max", "min", "mean") or (op == "mean" and presence(piece.value) is not None):
            return None
        from tensorlang.passes.lower_pieces import piece_value

        order = (self.column.index, *self.names)
        value = expanded(self.builder, piece_value(piece, self.target, self.builder), order)
        pairs, place = self.column.pairs, self.column.place
        over = groups(pairs, place, None, self.builder)
        flat = _flat(value, ((self.column.index,), tuple(self.names)))
        flat = Prefix("-", flat) if op == "min" else flat
        kernel = "pairs_sums" if op in ("sum", "mean") else "pairs_greatest"
        code: Code = call(kernel, flat, _held(pairs.columns[place], self.builder), over)
        result = self._result(Prefix("-", code) if op == "min" else code, (self.kept, tuple(self.names)))
        return self.mean(result) if op == "mean" else result


def _elements(width: Sequence[Index]) -> int:
    total = 1
    for index in width:
        total *= index.size.estimate({})
    return total
