"""First values of parameters: what each initialiser of ``ops/initializers.py`` draws.

In: an initialiser (None: glorot), a shape, what its axes are where the parameter is used, a generator. Out: a tensor.
An axis that is summed is an input of the unit that the parameter belongs to, any other an output, unless another factor
has it, too. So ``W[h,d,m] X[b,m]`` has fan-in m, ``F[c,dx,dy,c'] X[x+dx,y+dy,c']`` has dx dy c', and
``W[l,o,i] X[l,i]`` has i and fan-out o; no order of axes is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Contract,
    Expr,
    Index,
    Read,
    Reduce,
    children,
    free_indices,
    tensors_read,
)
from tensorlang.ir.program import Init, Program
from tensorlang.records import dataclass

Draw = Callable[..., torch.Tensor]

# Functions that a sum goes through.
_LINEAR = frozenset(("add", "neg", "select", "real", "imag", "conj", "stop_gradient"))


@dataclass(frozen=True, slots=True)
class Axes:
    """What the axes of a parameter are: ``summed`` ones are inputs, ``shared`` ones tell one unit from another (the
    layers of ``W[l,o,i] X[l,i]``, which another factor has and which stays), all others are outputs."""

    summed: frozenset[int]
    shared: frozenset[int] = frozenset()


def axes_of(program: Program, name: str) -> Axes:
    """The axes of a tensor as the first equation uses them that sums any; where none does, its last one is summed."""
    rank = len(program.tensors[name].axes)
    circles = [unit.definitions for unit in program.scans] + [unit.definitions for unit in program.fixpoints]
    for definition in (d for group in (program.definitions, *circles) for d in group):
        for piece in definition.pieces:
            found = _used_in(piece.value, name) if name in tensors_read(piece.value) else Axes(frozenset())
            if found.summed:
                return found
    return Axes(frozenset((rank - 1,)) if rank > 1 else frozenset())


def _used_in(value: Expr, name: str) -> Axes:
    """The axes whose index is summed, and those whose index another factor of the same product has.

    What a sum outside of a function does with the function's value says nothing about what is read inside.
    """
    summed: set[int] = set()
    shared: set[int] = set()
    nothing: frozenset[Index] = frozenset()
    stack = [(value, nothing, nothing)]
    seen: set[tuple[Expr, frozenset[Index], frozenset[Index]]] = set()
    while stack:
        top = stack.pop()
        if top in seen:
            continue
        seen.add(top)
        node, bound, beside = top
        if isinstance(node, Contract):
            for at, factor in enumerate(node.factors):
                others = (free_indices(other) for k, other in enumerate(node.factors) if k != at)
                stack.append((factor, bound | frozenset(node.summed), beside.union(*others)))
            continue
        if isinstance(node, Reduce) and node.op in ("sum", "mean"):
            bound = bound | frozenset(node.indices)
        elif isinstance(node, Apply | AlongIndex | Reduce) and node.op not in _LINEAR:
            bound = beside = nothing
        elif isinstance(node, Read) and node.tensor == name:
            summed |= {axis for axis, at in enumerate(node.at) if free_indices(at) & bound}
            shared |= {axis for axis, at in enumerate(node.at) if free_indices(at) & beside}
        stack.extend((child, bound, beside) for child in children(node))
    return Axes(frozenset(summed), frozenset(shared - summed))


def initial(
    init: Init | None, shape: Sequence[int], axes: Axes, dtype: torch.dtype, generator: torch.Generator
) -> torch.Tensor:
    """The first value. Draws are made in the precision of the result, at least that of float32."""
    fan_in = math.prod(n for axis, n in enumerate(shape) if axis in axes.summed)
    fan_out = math.prod(n for axis, n in enumerate(shape) if axis not in axes.summed | axes.shared)
    real = torch.float64 if dtype in (torch.float64, torch.complex128) else torch.float32
    numbers = init.arguments if init is not None else ()

    def draw(kind: str, first: float = 0.0, second: float = 1.0) -> torch.Tensor:
        empty = torch.empty(tuple(shape), dtype=real)
        if kind == "normal":
            return empty.normal_(first, second, generator=generator)
        return empty.uniform_(first, second, generator=generator)

    match init.name if init is not None else "glorot":
        case "zeros":
            return torch.zeros(tuple(shape), dtype=dtype)
        case "ones":
            return torch.ones(tuple(shape), dtype=dtype)
        case "const":
            return torch.full(tuple(shape), numbers[0], dtype=dtype)
        case "eye":
            return _eye(shape).to(dtype)
        case "normal" | "uniform" as kind:
            return _in_type(lambda: draw(kind, *numbers), dtype, 1.0)
        case "glorot":
            width = _gain(numbers, 1.0) * math.sqrt(6 / max(1, fan_in + fan_out))
            return _in_type(lambda: draw("uniform", -width, width), dtype, math.sqrt(0.5))
        case "he":
            std = _gain(numbers, math.sqrt(2)) / math.sqrt(max(1, fan_in))
            return _in_type(lambda: draw("normal", 0.0, std), dtype, math.sqrt(0.5))
        case "mup":
            std = _gain(numbers, 1.0) / math.sqrt(max(1, fan_in))
            return _in_type(lambda: draw("normal", 0.0, std), dtype, math.sqrt(0.5))
        case "orthogonal":
            value = _orthogonal(shape, axes, _in_type(lambda: draw("normal"), dtype, 1.0))
            return (_gain(numbers, 1.0) * value).to(dtype)
    raise AssertionError(f"unknown initialiser {init}")


def _gain(numbers: Sequence[float], default: float) -> float:
    return numbers[0] if numbers else default


def _in_type(draw: Draw, dtype: torch.dtype, part: float) -> torch.Tensor:
    """A draw, or for complex numbers two of them, each scaled by ``part``."""
    if dtype.is_complex:
        return torch.complex(draw() * part, draw() * part).to(dtype)
    return draw().to(dtype)


def _eye(shape: Sequence[int]) -> torch.Tensor:
    """1 where all positions are equal."""
    value = torch.zeros(tuple(shape))
    for k in range(min(shape, default=0)):
        value[(k,) * len(shape)] = 1
    return value if shape else torch.ones(())


def _orthogonal(shape: Sequence[int], axes: Axes, drawn: torch.Tensor) -> torch.Tensor:
    """Orthonormal rows or columns, the rows running over the outputs (Saxe et al., 2014), from normal draws.

    One matrix for each position of the shared axes.
    """
    outputs = [axis for axis in range(len(shape)) if axis not in axes.summed | axes.shared]
    order = [*sorted(axes.shared), *outputs, *sorted(axes.summed)]
    rows = math.prod(shape[axis] for axis in outputs)
    columns = math.prod(shape[axis] for axis in axes.summed)
    wide = drawn.dtype if drawn.dtype not in (torch.bfloat16, torch.float16) else torch.float32
    matrix = drawn.to(wide).permute(order).reshape(-1, rows, columns)
    tall = matrix if rows >= columns else matrix.mH
    q: torch.Tensor
    q, r = torch.linalg.qr(tall)
    diagonal = r.diagonal(dim1=-2, dim2=-1)
    q = q * torch.where(diagonal == 0, 1, diagonal / diagonal.abs().clamp(min=1e-30))[:, None, :]
    q = q if rows >= columns else q.mH
    return q.reshape([shape[axis] for axis in order]).permute([order.index(axis) for axis in range(len(shape))])
