"""Random recurrences with equations for positions, rows and columns of their own, unequal starts, windows, aggregates.

In: a source of randomness. Out: a ``Generated`` program as those of ``equations.py``: one to three tensors over t and i
in step, of which X says how long they are.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from .generate import Generated

SMOOTH = ("tanh({})", "sin({})", "0.5 * ({})", "abs({})")
GUARDS = ("t >= 1", "i != 1", "X[t,i] > 0", "t % 2 == 0")


@dataclass(frozen=True)
class _Family:
    """Tensors, each with how far its left sides are ahead, whether it is turned, and what joins its equations."""

    ahead: dict[str, int]
    turned: dict[str, bool]
    joins: dict[str, str]
    sign: str

    def at(self, name: str, time: str, other: str) -> str:
        return f"{name}[{other},{time}]" if self.turned[name] else f"{name}[{time},{other}]"


def positions(source: random.Random, joins: tuple[str, ...] = ("=",)) -> Generated:
    """Tensors that read each other; each has up to three equations for parts of it beside the general one."""
    steps, width, lags = source.choice((2, 3, 5, 6)), source.choice((1, 2, 3)), source.choice((1, 2, 4))
    names = ["A", "B", "C"][: source.choice((1, 1, 2, 3))]
    sign = source.choice("--+")
    family = _Family(
        {name: 0 if sign == "+" else source.choice((0, 0, 1, 2)) for name in names},
        {name: source.random() < 0.3 for name in names},
        {name: source.choice(joins) for name in names},
        sign,
    )
    lines = [line for at in range(len(names)) for line in _equations(source, names, family, at)]
    source.shuffle(lines)
    outputs = [name for name in names if source.random() < 0.7] or [names[-1]]
    text = "\n".join(["input X[t,i], W[i,i'], K[k]", *lines, f"output {', '.join(outputs)}", ""])
    draw = np.random.default_rng(source.getrandbits(32))
    shapes = {"X": (steps, width), "W": (width, width), "K": (lags,)}
    arrays = {name: draw.integers(-6, 7, shape) / 4 for name, shape in shapes.items()}
    return Generated(text, text, arrays, {}, tuple(outputs))


def joined(source: random.Random) -> Generated:
    """The same by sums, maxima and minima; what no equation defines is an infinity, which is no place for slopes."""
    return positions(source, ("=", "max=", "min="))


def _equations(source: random.Random, names: list[str], family: _Family, at: int) -> list[str]:
    name = names[at]
    join, ahead = family.joins[name], family.ahead[name]
    terms = ["X[t,i]"]
    for _ in range(source.choice((1, 2))):
        terms.append(_term(source, source.choice(names), family, ahead))
    if at and source.random() < 0.5:
        terms.append(family.at(source.choice(names[:at]), f"t+{ahead}" if ahead else "t", "i"))
    source.shuffle(terms)
    guard = f" where {source.choice(GUARDS)}" if source.random() < 0.2 else ""
    left = family.at(name, f"t+{ahead}" if ahead else "t", "i")
    lines = [f"{left} {join} {source.choice(SMOOTH).format(' + '.join(terms))}{guard}"]
    for _ in range(source.choice((0, 0, 1, 2, 3))):
        lines.append(_part(source, family, name))
    return lines


def _part(source: random.Random, family: _Family, name: str) -> str:
    """An equation for one position, one column, or one element."""
    ends = ("-1", "-1", "-2") if family.sign == "+" else ("0", "0", "1", "2")
    place, join = source.choice(ends), family.joins[name]
    left, value = source.choice((
        (family.at(name, place, "i"), "W[i,i]"),
        (family.at(name, place, "i"), "W[0,i] where i > 0"),
        (family.at(name, place, "0"), "1"),
        (family.at(name, "t", "0"), "X[t,0] / 2"),
        (family.at(name, place, "i"), "2"),
    ))  # fmt: skip
    return f"{left} {join} {value}"


def _term(source: random.Random, name: str, family: _Family, ahead: int) -> str:
    """A read of a tensor at least one position before the left side, or behind it."""
    far = source.choice((1, 1, 2, 3))
    shift = (far if family.sign == "+" else -far) + ahead
    time = f"t{shift:+d}" if shift else "t"
    window = f"{time}{family.sign}{source.choice(('', '2*'))}k"
    same, other = family.at(name, time, "i"), family.at(name, time, "i'")
    several = family.at(name, window, "i")
    return source.choice((same, f"sum[i'](W[i,i'] {other})", f"sum[k](K[k] {several})", f"max[k]({several} + K[k])",
                          f"min({same}, 1)", f"0.5 {same}"))  # fmt: skip
