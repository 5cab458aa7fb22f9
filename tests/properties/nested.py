"""Random recurrences along two axes, with their meaning computed element by element, each when another one asks for it.

In: a source of randomness. Out: a ``Generated`` program and a function from (tensor, i, j) to an element.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from .generate import Generated

Get = Callable[[str, int, int], float]
Value = Callable[[Get, int, int], float]

OUTER: dict[str, Callable[[float], float]] = {
    "tanh({})": lambda value: float(np.tanh(value)),
    "sin({})": lambda value: math.sin(value) if math.isfinite(value) else math.nan,
    "0.5 * ({})": lambda value: 0.5 * value,
}
GUARDS: dict[str, Callable[[int, int], bool]] = {
    "i >= 1": lambda i, j: i >= 1, "(i + j) % 2 == 0": lambda i, j: (i + j) % 2 == 0, "j != 1": lambda i, j: j != 1,
}  # fmt: skip


@dataclass(frozen=True)
class Nested:
    generated: Generated
    element: Get


def nested(source: random.Random) -> Nested:
    """One or two tensors over i and j, by sums or minima; outside goes i or j, each axis runs forwards or backwards."""
    shape = source.choice((1, 2, 3, 4)), source.choice((1, 2, 3))
    draw = np.random.default_rng(source.getrandbits(32))
    x = draw.integers(-8, 9, shape) / 4
    names = ["A", "B"][: source.choice((1, 2, 2))]
    order = _Order(source.randrange(2), (source.choice((1, 1, -1)), source.choice((1, 1, -1))))
    turned = {name: source.random() < 0.3 for name in names}
    lines: list[str] = []
    rules: dict[str, Value] = {}
    guards: dict[str, str] = {}
    for at, name in enumerate(names):
        written, rules[name] = _tensor(source, names, at, order, turned, x)
        lines += written
        if len(written) == 1 and " where " in written[0]:
            guards[name] = written[0].partition(" where ")[2]
    source.shuffle(lines)
    text = "\n".join(["input X[i,j]", *lines, f"output {', '.join(names)}", ""])

    @cache
    def element(name: str, i: int, j: int) -> float:
        return rules[name](read, i, j)

    def read(name: str, i: int, j: int) -> float:
        """An element as a value: what is outside, or absent by the guard of its tensor's only equation, is 0."""
        inside = 0 <= i < shape[0] and 0 <= j < shape[1]
        return element(name, i, j) if inside and (name not in guards or GUARDS[guards[name]](i, j)) else 0.0

    whole = {name: (lambda t, i, j: element(t, j, i)) if turned[name] else element for name in names}
    generated = Generated(text, text, {"X": x}, {}, tuple(names))
    return Nested(generated, lambda name, i, j: whole[name](name, i, j))


@dataclass(frozen=True)
class _Order:
    """Which axis goes outside, and the way that each axis runs."""

    outside: int
    ways: tuple[int, int]

    def lag(self, source: random.Random, earlier: bool) -> tuple[int, int]:
        """How far a read stands back along i and j."""
        out = source.choice((0, 0, 1, 1, 2))
        inner = source.choice((-1, 0, 1, 2)) if out else source.choice((0, 1) if earlier else (1, 1, 2))
        pair = (out, inner) if self.outside == 0 else (inner, out)
        return pair[0] * self.ways[0], pair[1] * self.ways[1]


def _at(name: str, turned: dict[str, bool], i: str, j: str) -> str:
    return f"{name}[{j},{i}]" if turned[name] else f"{name}[{i},{j}]"


def _back(index: str, lag: int) -> str:
    return index if lag == 0 else f"{index}-{lag}" if lag > 0 else f"{index}+{-lag}"


def _tensor(
    source: random.Random, names: list[str], at: int, order: _Order, turned: dict[str, bool], x: np.ndarray
) -> tuple[list[str], Value]:
    left = _at(names[at], turned, "i", "j")
    terms = [_term(source, names, at, order, turned, x) for _ in range(source.choice((1, 2, 3)))]
    guard = source.choice(list(GUARDS)) if source.random() < 0.25 else ""
    where = f" where {guard}" if guard else ""
    begun = source.choice((None, None, 0, 1))
    if source.random() < 0.5:
        form = source.choice(list(OUTER))
        lines = [f"{left} = {form.format(' + '.join(['X[i,j]', *(text for text, _ in terms)]))}{where}"]

        def general(get: Get, i: int, j: int) -> float:
            held = not guard or GUARDS[guard](i, j)
            return OUTER[form](float(x[i, j]) + sum(value(get, i, j) for _, value in terms)) if held else 0.0
    else:
        lines = [f"{left} min= X[i,j] + {text}{where}" for text, _ in terms]

        def general(get: Get, i: int, j: int) -> float:
            held = not guard or GUARDS[guard](i, j)
            return float(np.min([x[i, j] + value(get, i, j) for _, value in terms])) if held else math.inf

    if begun is not None:
        lines.append(f"{_at(names[at], turned, '0' if begun == 0 else 'i', '0' if begun == 1 else 'j')} = 1")

    def rule(get: Get, i: int, j: int) -> float:
        first = begun is not None and (i, j)[begun] == 0
        return 1.0 if first else general(get, i, j)

    return lines, rule


def _term(
    source: random.Random, names: list[str], at: int, order: _Order, turned: dict[str, bool], x: np.ndarray
) -> tuple[str, Value]:
    read = source.randrange(len(names))
    di, dj = order.lag(source, read < at)
    name = names[read]
    text = _at(name, turned, _back("i", di), _back("j", dj))
    forms: dict[str, Callable[[float, int, int], float]] = {
        "{}": lambda value, i, j: value,
        "0.5 {}": lambda value, i, j: 0.5 * value,
        "abs({})": lambda value, i, j: abs(value),
        "min({}, 1)": lambda value, i, j: float(np.minimum(value, 1)),
        "max({}, X[i,j])": lambda value, i, j: float(np.maximum(value, x[i, j])),
    }
    form = source.choice(list(forms))
    return form.format(text), lambda get, i, j: forms[form](get(name, i - di, j - dj), i, j)
