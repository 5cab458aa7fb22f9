"""Pooling: the largest or the mean element of windows or of blocks.

In: ``Reduce(max | mean, (dx), X[2 x + dx])``, or an equation with ``x/2`` on its left that aggregates so. Out:
``max_pool`` or ``avg_pool`` over one to three axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tensorlang.ir.code import Call, Code, Items, Method, Number, extent, method
from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.nodes import Expr, Index, Read, Reduce
from tensorlang.passes.choose_convolution import windows_of
from tensorlang.passes.values import Builder, Value, permuted
from tensorlang.passes.windows import ranged

_CALLS = {"max": "F.max_pool", "mean": "F.avg_pool"}


def window_pooling(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """The rule of ``choose_kernels.py``: windows that lie inside their axes, one for each reduced index."""
    if not isinstance(node, Reduce) or node.op not in _CALLS or dtype_of(node) not in ("float", "float64", "bf16"):
        return None
    signal = node.arg
    if not isinstance(signal, Read) or signal.tensor not in builder.held or dtype_of(signal) != dtype_of(node):
        return None
    windows = windows_of(signal, node.indices, blocks=True)
    if windows is None or not 1 <= len(windows) <= 3 or {w.inner for w in windows} != set(node.indices):
        return None
    sizes = [window.inner.size.constant for window in windows]
    if any(size is None for size in sizes) or any(window.dilation != 1 for window in windows):
        return None
    value, padding = ranged(signal, windows, builder)
    if any(padding):
        return None
    space = tuple(window.outer for window in windows)
    kernel = [size for size in sizes if size is not None]
    return pooled(node.op, value, space, space, kernel, [window.stride for window in windows], False, builder)


def pooled(
    op: str,
    value: Value,
    space: Sequence[Index],
    result: Sequence[Index],
    kernel: Sequence[int],
    stride: Sequence[int],
    ceil: bool,
    builder: Builder,
) -> Value:
    """The pooling call over the axes ``space`` of a value, which become ``result``; ``ceil`` keeps blocks cut short."""
    others = tuple(index for index in value.axes if index not in space)
    code = permuted(value.code, value.axes, (*others, *space))
    # The call takes [channels, space...] or [batch, channels, space...].
    if not others:
        code = method(code, "unsqueeze", 0)
    elif len(others) > 2:
        code = method(code, "flatten", 0, len(others) - 2)
    keywords: list[tuple[str, Code]] = []
    if list(stride) != list(kernel):
        keywords.append(("stride", _each(stride)))
    if ceil:
        keywords.append(("ceil_mode", Number(True)))
        if op == "mean":
            keywords.append(("count_include_pad", Number(False)))
    code = Call(f"{_CALLS[op]}{len(space)}d", (code, _each(kernel)), tuple(keywords))
    if not others:
        code = method(code, "squeeze", 0)
    elif len(others) > 2:
        code = Method(code, "unflatten", (Number(0), Items(tuple(extent(index.size) for index in others[:-1]))))
    axes = (*others, *result)
    found = builder.value(code, axes, value.dtype)
    builder.work[code] = (*(index.size for index in axes), Size.of(prod(kernel)))
    return found


def _each(numbers: Sequence[int]) -> Code:
    return Number(numbers[0]) if len(set(numbers)) == 1 else Items(tuple(Number(number) for number in numbers))
