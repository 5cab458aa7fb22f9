"""Random recurrences that are linear in their own earlier positions: sums, max, min, logsumexp; with matrices too.

In: a source of randomness. Out: a ``Generated`` program as those of ``equations.py``; all of them can be computed at
all positions at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from .generate import Generated

LENGTHS = (1, 2, 3, 5, 8, 23, 24, 31, 50)
FACTORS = ("0.5", "A[i]", "G[t,i]", "(1 - G[t,i])", "sin(G[t,i]) A[i]", "-G[t,i]", "(t + 1) / (t + 2) *")
MATRICES = ("W[i,i']", "0.7 W[i',i]", "M[t,i,i']", "G[t,i] W[i,i']", "A[i] A[i']", "W[i,i''] W[i'',i']")
ADDENDS = ("A[i]", "G[t,i]", "0.1", "A[i] + G[t,i]", "t / 4", "-G[t,i] A[i]")
EDGES = ("W[i,i']", "W[i',i] + G[t,i]", "M[t,i,i']", "A[i] A[i']", "0")
BEST = ("max", "min", "logsumexp")


@dataclass(frozen=True, slots=True)
class _Shape:
    """How the tensor is indexed: the order of its axes, its direction, how far it looks back, what the left adds."""

    order: tuple[str, ...]
    sign: str
    lag: int
    shift: int

    def at(self, time: str, place: str = "i", name: str = "H") -> str:
        named = {"t": time, "i": place, "b": "b"}
        return f"{name}[{','.join(named[axis] for axis in self.order)}]"

    @property
    def left(self) -> str:
        return self.at(f"t+{self.shift}" if self.shift else "t")

    def before(self, place: str = "i", name: str = "H") -> str:
        back = self.shift - self.lag if self.sign == "-" else self.lag
        return self.at("t" if back == 0 else f"t{back:+d}", place, name)


def linear_recurrence(source: random.Random, loop: bool = False) -> Generated:
    """One tensor over t and i, perhaps b, of inputs that bound them; ``loop`` asks for the loop."""
    steps, width, batch = source.choice(LENGTHS), source.choice((1, 2, 3)), source.choice((1, 2))
    axes = ["t", "i", *(["b"] if source.random() < 0.4 else [])]
    source.shuffle(axes)
    kind = source.choice(("sum", "sum", *BEST))
    sign = source.choice("--+")
    lag = source.choice((1, 1, 2, 3)) if kind == "sum" else 1
    shape = _Shape(tuple(axes), sign, lag, source.choice((0, 0, 1)) if sign == "-" else 0)
    lines = _sum(source, shape) if kind == "sum" else _best(source, shape, kind)
    lines += _fixed(source, shape, kind, steps)
    lines += [f"{shape.at('t', name='D')} = 2 {shape.at('t')} + {shape.at('t', name='X')}"] if shape.shift == 0 else []
    source.shuffle(lines)
    given = f"dim t\ndim b\ndim i = {width}\ninput {shape.at('t', name='X')}, A[i], G[t,i], W[i,i'], M[t,i,i']"
    outputs = ("H", "D") if shape.shift == 0 else ("H",)
    text = "\n".join([given, *lines, *(["scan H method loop"] if loop else []), f"output {', '.join(outputs)}", ""])
    sizes = {"t": steps, "i": width, "b": batch}
    draw = np.random.default_rng(source.getrandbits(32))
    shapes = {"X": [sizes[axis] for axis in axes], "A": [width], "G": [steps, width], "W": [width, width],
              "M": [steps, width, width]}  # fmt: skip
    arrays = {name: draw.integers(-8, 9, size) / 8 for name, size in shapes.items()}
    return Generated(text, text, arrays, {}, outputs)


def _sum(source: random.Random, shape: _Shape) -> list[str]:
    """H = factor H before + rest, perhaps through another tensor, with a matrix, under a guard."""
    x = shape.at("t", name="X")
    factor, rest = source.choice(FACTORS), source.choice((f" + {x}", f" - sin({x})", " + 1", ""))
    match source.choice(("plain", "plain", "matrix", "matrix", "both", "through", "guard", "chosen")):
        case "plain":
            return [f"{shape.left} = {factor} {shape.before()}{rest}"]
        case "matrix":
            return [f"{shape.left} = {source.choice(MATRICES)} {_primed(shape)}{rest}"]
        case "both":
            other = f"{source.choice(MATRICES)} {_primed(shape)}"
            return [f"{shape.left} = 0.5 {shape.before()} - {other}{rest}"]
        case "through":
            inner = f"{shape.at('t', name='C')} = {factor} {shape.before()}{rest}"
            if shape.shift:
                return [f"{shape.left} = {factor} ({shape.before()} - 0.5 {x}){rest}"]
            return [inner, f"{shape.left} = 0.5 {shape.at('t', name='C')} + {x}"]
        case "guard":
            condition = source.choice(("t >= 2", "G[t,i] > 0", "t % 3 != 1"))
            return [f"{shape.left} = {factor} {shape.before()} + {x} where {condition}"]
        case _:
            return [f"{shape.left} = (0.5 {shape.before()} if G[t,i] > 0 else {shape.before()} / 4){rest}"]


def _primed(shape: _Shape) -> str:
    return shape.before("i'")


def _best(source: random.Random, shape: _Shape, kind: str) -> list[str]:
    """H max= H before + addend, elementwise or over all places before, and a second equation."""
    x = shape.at("t", name="X")
    bounded = f"{shape.left} {kind}= {x}"
    match source.choice(("plain", "matrix", "matrix", "guard", "pointwise")):
        case "plain":
            return [f"{shape.left} {kind}= {shape.before()} + {source.choice(ADDENDS)}", bounded]
        case "matrix":
            edge = f"{shape.left} {kind}= {_primed(shape)} + {source.choice(EDGES)}"
            return [f"{edge} + {x}"] if source.random() < 0.5 else [edge, bounded]
        case "guard":
            return [f"{shape.left} {kind}= {_primed(shape)} + W[i,i'] where G[t,i] > 0 or i == i'", bounded]
        case _:
            if kind == "logsumexp":
                return [f"{shape.left} = {x} + logsumexp[i']({_primed(shape)} + W[i,i'])"]
            return [f"{shape.left} = {kind}({shape.before()} + {source.choice(ADDENDS)}, {x})"]


def _fixed(source: random.Random, shape: _Shape, kind: str, steps: int) -> list[str]:
    """An equation for one position: where it starts, or in the middle."""
    first = "0" if shape.sign == "-" else "-1"
    if shape.shift or source.random() < 0.3:
        return [f"{shape.at(first)} = {source.choice(('1', 'A[i]'))}"]
    if kind == "sum" and steps > 3 and source.random() < 0.2:
        return [f"{shape.at('2')} = A[i]"]
    return []
