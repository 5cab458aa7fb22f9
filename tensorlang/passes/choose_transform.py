"""Contractions with the Fourier matrices as fast transforms.

In: a Contract with ``dft[k,x]`` or ``idft[x,k]`` summed over one of its places. Out: ``fft`` or ``ifft`` of the rest
along that index, cut to the modes that are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Call, Code, Number, extent, method
from tensorlang.ir.nodes import Contract, Expr, Index, Position, Read, free_indices
from tensorlang.passes.ranges import not_negative
from tensorlang.passes.values import Builder, Value, cast, expanded, tensor_of

_CALLS = {"dft": "torch.fft.fft", "idft": "torch.fft.ifft"}


def fourier(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """The rule of ``choose_kernels.py``: one matrix at a time, the rest is lowered as a Contract of its own."""
    if not isinstance(node, Contract) or not node.summed or not any(_matrix(factor, node) for factor in node.factors):
        return None
    for factor in node.factors:
        apart = _apart(factor, node)
        if apart is not None:
            return builder.lower(apart, builder, wanted)
    for factor in node.factors:
        found = _matrix(factor, node)
        others = tuple(other for other in node.factors if other is not factor)
        if found is not None and isinstance(factor, Read) and others and not _stands_in(found[1], others):
            source, target, points = found
            inside = tuple(index for index in node.summed if index != source)
            rest = others[0] if len(others) == 1 and not inside else Contract(inside, others, "sum")
            order = tuple(source if index == target else index for index in wanted)
            return _transformed(factor, rest, source, target, points, order, builder)
    return None


def _apart(factor: Expr, node: Contract) -> Contract | None:
    """The node with what a matrix transforms, where that is not all, as a Contract inside it."""
    found = _matrix(factor, node)
    if found is None:
        return None
    source, target, _ = found
    near = tuple(other for other in node.factors if other is not factor and source in free_indices(other))
    far = tuple(other for other in node.factors if other is not factor and source not in free_indices(other))
    if not near or not far or _stands_in(target, near) or any(_matrix(other, node) for other in near):
        return None
    inside = (source, *(i for i in node.summed if i != source and i != target and not _stands_in(i, (factor, *far))))
    inner = Contract(inside, (factor, *near), "sum")
    return Contract(tuple(index for index in node.summed if index not in inside), (inner, *far), "sum")


def _matrix(factor: Expr, node: Contract) -> tuple[Index, Index, Index] | None:
    """The summed place, the kept place, and the place whose size is the number of points, of a Fourier matrix."""
    if not isinstance(factor, Read) or factor.tensor not in _CALLS:
        return None
    first, second = factor.at
    if not isinstance(first, Position) or not isinstance(second, Position) or first is second:
        return None
    points = second.index if factor.tensor == "dft" else first.index
    if factor.shape != (first.index.size, second.index.size):
        return None
    for source, target in ((second.index, first.index), (first.index, second.index)):
        other = target if points == source else source
        fits = not_negative(points.size - other.size)
        if source in node.summed and fits:
            return source, target, points
    return None


def _stands_in(index: Index, nodes: Sequence[Expr]) -> bool:
    return any(index in free_indices(node) for node in nodes)


def _transformed(
    factor: Read, rest: Expr, source: Index, target: Index, points: Index, wanted: Sequence[Index], builder: Builder
) -> Value:
    value = tensor_of(builder.lower(rest, builder, wanted))
    value = value if value.dtype in ("float", "float64", "complex") else cast(value, "float")
    if source not in value.axes:
        value = expanded(builder, value, (*value.axes, source))
    place = value.axes.index(source)
    dim = -1 if place == len(value.axes) - 1 else place
    keywords: list[tuple[str, Code]] = [("dim", Number(dim))]
    if source.size != points.size:
        keywords.insert(0, ("n", extent(points.size)))  # fewer modes than points: the others are 0
    code: Code = Call(_CALLS[factor.tensor], (value.code,), tuple(keywords))
    if target.size != points.size:
        code = method(code, "narrow", place, 0, extent(target.size))
    axes = tuple(target if index == source else index for index in value.axes)
    result = builder.value(code, axes, "complex")
    builder.work[result.code] = tuple(index.size for index in axes)
    return result
