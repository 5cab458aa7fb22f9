"""Equations whose left side is regular: their value becomes the whole tensor by pads, reshapes and pooling.

In: the value of an equation over its indices, and its left side. Out: the value over the tensor's axes.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Code, Device, Infix, Items, Method, Number, Slice, call, extent, method
from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import Apply, Const, Expr, Index, Position
from tensorlang.ir.program import Piece
from tensorlang.ops import REDUCTIONS
from tensorlang.passes.choose_pooling import pooled
from tensorlang.passes.lower_read import sliced, split
from tensorlang.passes.lower_reduce import fill_code, reduced
from tensorlang.passes.ranges import linear, not_negative
from tensorlang.passes.values import Builder, Value, aligned, common_order
from tensorlang.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """The tensor that equations write: its axes as indices, how they join, its element type.

    ``offset`` shifts what is written on one axis (a tile of a concatenation).
    """

    axes: tuple[Index, ...]
    aggregate: str
    dtype: str
    offset: tuple[int, Size] | None = None

    @property
    def identity(self) -> Code:
        """What elements hold that nothing is written to."""
        record = REDUCTIONS[self.aggregate]
        return fill_code(record.fill or "0", self.dtype)


@dataclass(frozen=True, slots=True)
class Regular:
    """How one axis is written: ``indices`` with strides from ``offset`` on, or an index divided by ``pool``."""

    indices: tuple[Index, ...]
    stride: int
    offset: Size
    pool: int = field(default=1)


def regular(at: Expr, size: Size) -> Regular | None:
    """The regular form of a left side's expression, or None."""
    match at:
        case Apply(op="floordiv", args=(Position(index=index), Const(value=int(divisor)))) if divisor > 0:
            return Regular((index,), 1, Size.of(0), divisor)
    form = linear(at)
    if form is None or not form.terms:
        return None
    indices = split(form)
    if indices is not None:
        return Regular(indices, 1, form.offset)
    if len(form.terms) == 1 and form.terms[0][1].constant is not None:
        return Regular((form.terms[0][0],), form.terms[0][1].constant or 1, form.offset)
    return None


def placeable(piece: Piece, target: Target) -> bool:
    """Whether all axes are written regularly, each index on one axis only."""
    forms = [regular(at, index.size) for at, index in zip(piece.left, target.axes, strict=True)]
    used = [index for form in forms if form is not None for index in form.indices]
    if any(form is None for form in forms) or len(set(used)) != len(used):
        return False
    if target.dtype == "int" and target.aggregate in ("max", "min"):
        # A pad takes a float, which the greatest integer is not.
        return all(_exact(form, index) for form, index in zip(forms, target.axes, strict=True))
    pools = [form for form in forms if form is not None and form.pool > 1]
    return not pools or target.aggregate in ("sum", "max", "min", "prod", "any", "all", "logsumexp", "mean")


def _exact(form: Regular | None, index: Index) -> bool:
    """Whether an equation writes each element of an axis."""
    if form is None or form.offset != Size.of(0) or form.stride != 1:
        return False
    length = Size.of(1)
    for part in form.indices:
        length = length * part.size
    return length == index.size * form.pool


def laid_out(value: Value, piece: Piece, target: Target, builder: Builder) -> Value:
    """The value over the tensor's axes."""
    value = _blocks(value, piece, target, builder)
    for axis, (at, index) in enumerate(zip(piece.left, target.axes, strict=True)):
        form = regular(at, index.size)
        assert form is not None, "only regular equations are laid out"
        if form.pool > 1 and index in value.axes:
            continue  # a pooling call has done this axis
        if target.offset is not None and target.offset[0] == axis:
            form = Regular(form.indices, form.stride, form.offset - target.offset[1], form.pool)
        value = _axis(value, form, index, target, builder)
    return value


def _blocks(value: Value, piece: Piece, target: Target, builder: Builder) -> Value:
    """All axes that are divided at once, where the library pools so: blocks of the largest or the mean element."""
    if target.aggregate not in ("max", "mean") or value.dtype not in ("float", "float64", "bf16"):
        return value
    found: list[tuple[Regular, Index]] = []
    for at, index in zip(piece.left, target.axes, strict=True):
        form = regular(at, index.size)
        if form is not None and form.pool > 1:
            own = form.indices[0].size
            if (own + form.pool - 1) // form.pool != index.size:
                return value
            found.append((form, index))
    if not 1 <= len(found) <= 3:
        return value
    kernel = [form.pool for form, _ in found]
    space, result = [form.indices[0] for form, _ in found], [index for _, index in found]
    short = any(own.size != index.size * pool for own, index, pool in zip(space, result, kernel, strict=True))
    return pooled(target.aggregate, value, space, result, kernel, kernel, short, builder)


def _axis(value: Value, form: Regular, index: Index, target: Target, builder: Builder) -> Value:
    """One axis of the result from the axes of its indices."""
    if form.pool > 1:
        return _pooled(value, form, index, target, builder)
    code, axes = value.code, list(value.axes)
    if len(form.indices) > 1:
        code, axes = _flattened(value, form.indices)
    place = axes.index(form.indices[0])
    length = Size.of(1)
    for part in form.indices:
        length = length * part.size
    offset = form.offset
    if form.stride < 0:
        code = Method(code, "flip", (Items((Number(place),)),))
        offset = offset + (length - 1) * form.stride
    if abs(form.stride) > 1:
        code = _stretched(code, place, len(axes), abs(form.stride), target.identity)
        length = length * abs(form.stride)
    code = fitted(code, place, len(axes), offset, length, index.size, target.identity)
    axes[place] = index
    return builder.value(code, axes, value.dtype)


def _flattened(value: Value, indices: Sequence[Index]) -> tuple[Code, list[Index]]:
    """Several axes as one, in their order, which takes the place of the first of them."""
    place = min(value.axes.index(index) for index in indices)
    rest = [index for index in value.axes if index not in indices]
    axes = [*rest[:place], *indices, *rest[place:]]
    code = value.code
    if axes != list(value.axes):
        code = method(code, "permute", *(value.axes.index(index) for index in axes))
    code = method(code, "flatten", place, place + len(indices) - 1)
    return code, [*rest[:place], indices[0], *rest[place:]]


def _pads(place: int, rank: int, before: Code, after: Code) -> Items:
    return Items((*(Number(0),) * (2 * (rank - 1 - place)), before, after))


def padded(code: Code, place: int, rank: int, before: Code, after: Code, fill: Code) -> Code:
    """An axis with elements put before and after it."""
    pads = _pads(place, rank, before, after)
    if fill in (Number(0), Number(0.0), Number(False)):
        return call("F.pad", code, pads)
    if isinstance(fill, Number) and isinstance(fill.value, bool | int):
        fill = Number(float(fill.value))
    return call("F.pad", code, pads, value=fill)


def _stretched(code: Code, place: int, rank: int, stride: int, fill: Code) -> Code:
    """Elements ``stride`` apart, the fill between them."""
    apart = method(code, "unsqueeze", place + 1)
    return method(padded(apart, place + 1, rank + 1, Number(0), Number(stride - 1), fill), "flatten", place, place + 1)


def fitted(code: Code, place: int, rank: int, offset: Size, length: Size, size: Size, fill: Code) -> Code:
    """An axis of ``length`` elements moved to ``offset`` on an axis of ``size``: padded, then cut."""
    if offset == Size.of(0) and length == size:
        return code
    before, after = _amount(offset), _amount(size - offset - length)
    if (before, after) != (Number(0), Number(0)):
        code = padded(code, place, rank, before, after, fill)
    if not_negative(offset) and not_negative(size - offset - length):
        return code
    start = Number(0) if not_negative(offset) else _amount(-offset)
    stop = extent(size) if start == Number(0) else Infix("+", start, extent(size))
    return sliced(code, place, Slice(None if start == Number(0) else start, stop, 1))


def _amount(size: Size) -> Code:
    if not_negative(-size):
        return Number(0)
    return extent(size) if not_negative(size) else call("max", Number(0), extent(size))


def _pooled(value: Value, form: Regular, index: Index, target: Target, builder: Builder) -> Value:
    """Blocks of ``pool`` elements joined by the aggregate: the axis is filled up to whole blocks and split."""
    own = form.indices[0]
    place, rank = value.axes.index(own), len(value.axes)
    filled = fitted(value.code, place, rank, Size.of(0), own.size, index.size * form.pool, target.identity)
    inner = Index(f"{own.name} in block", Size.of(form.pool))
    blocks = Method(filled, "unflatten", (Number(place), Items((Number(-1), Number(form.pool)))))
    axes = (*value.axes[:place], index, inner, *value.axes[place + 1 :])
    split_value = builder.value(blocks, axes, value.dtype)
    if target.aggregate != "mean":
        record = REDUCTIONS[target.aggregate]
        dtype = value.dtype
        return reduced(record, split_value, None, (inner,), dtype, builder)
    return _block_means(split_value, own, index, inner, form.pool, builder)


def _block_means(value: Value, own: Index, index: Index, inner: Index, pool: int, builder: Builder) -> Value:
    """Means of blocks; the last one may hold fewer elements."""
    if own.size == index.size * pool:
        return reduced(REDUCTIONS["mean"], value, None, (inner,), value.dtype, builder)
    total = reduced(REDUCTIONS["sum"], value, None, (inner,), value.dtype, builder)
    starts = Infix("*", call("torch.arange", extent(index.size), device=Device()), Number(pool))
    count = method(Infix("-", extent(own.size), starts), "clamp", 1, pool)
    counts = Value(count, (index,), "int")
    order = common_order([total, counts], total.axes)
    return builder.value(Infix("/", aligned(total, order), aligned(counts, order)), order, value.dtype)
