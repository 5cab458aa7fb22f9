"""First values of parameters: what each initialiser of ``ops/initializers.py`` draws.

In: an initialiser (None: glorot), a shape, which axes are summed where the parameter is used, a generator. Out: a
tensor. An axis that is summed is an input of the unit that the parameter belongs to, any other an output: so
``W[h,d,m] X[b,m]`` has fan-in m, ``F[c,dx,dy,c'] X[x+dx,y+dy,c']`` has dx dy c', and no order of axes is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from tensorlang.ir.nodes import Contract, Expr, Index, Read, Reduce, children, free_indices, tensors_read
from tensorlang.ir.program import Init, Program

Draw = Callable[..., torch.Tensor]


def summed_axes(program: Program, name: str) -> frozenset[int]:
    """The axes of a tensor that are summed in the first equation that sums any of them; else its last axis."""
    rank = len(program.tensors[name].axes)
    for definition in program.definitions:
        for piece in definition.pieces:
            found = _summed_in(piece.value, name) if name in tensors_read(piece.value) else None
            if found:
                return found
    return frozenset((rank - 1,)) if rank > 1 else frozenset()


def _summed_in(value: Expr, name: str) -> frozenset[int]:
    found: set[int] = set()
    nothing: frozenset[Index] = frozenset()
    stack = [(value, nothing)]
    seen: set[tuple[Expr, frozenset[Index]]] = set()
    while stack:
        node, bound = stack.pop()
        if (node, bound) in seen:
            continue
        seen.add((node, bound))
        if isinstance(node, Contract):
            bound = bound | frozenset(node.summed)
        elif isinstance(node, Reduce) and node.op in ("sum", "mean"):
            bound = bound | frozenset(node.indices)
        elif isinstance(node, Read) and node.tensor == name:
            found |= {axis for axis, at in enumerate(node.at) if free_indices(at) & bound}
        stack.extend((child, bound) for child in children(node))
    return frozenset(found)


def initial(
    init: Init | None, shape: Sequence[int], summed: frozenset[int], dtype: torch.dtype, generator: torch.Generator
) -> torch.Tensor:
    """The first value. Draws are made in the precision of the result, at least that of float32."""
    fan_in = math.prod(n for axis, n in enumerate(shape) if axis in summed)
    fan_out = math.prod(n for axis, n in enumerate(shape) if axis not in summed)
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
            value = _orthogonal(shape, summed, _in_type(lambda: draw("normal"), dtype, 1.0))
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


def _orthogonal(shape: Sequence[int], summed: frozenset[int], drawn: torch.Tensor) -> torch.Tensor:
    """Orthonormal rows or columns, the rows running over the outputs (Saxe et al., 2014), from normal draws."""
    order = [axis for axis in range(len(shape)) if axis not in summed] + sorted(summed)
    rows = math.prod(n for axis, n in enumerate(shape) if axis not in summed)
    wide = drawn.dtype if drawn.dtype not in (torch.bfloat16, torch.float16) else torch.float32
    matrix = drawn.to(wide).permute(order).reshape(rows, -1)
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.mH
    q: torch.Tensor
    q, r = torch.linalg.qr(tall)
    diagonal = r.diagonal()
    q = q * torch.where(diagonal == 0, 1, diagonal / diagonal.abs().clamp(min=1e-30))
    q = q if matrix.shape[0] >= matrix.shape[1] else q.mH
    return q.reshape([shape[axis] for axis in order]).permute([order.index(axis) for axis in range(len(shape))])
