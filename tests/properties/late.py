"""Random recurrences whose reads go both ways along their axis, ordered all the same: some tensors wait for others.

In: a source of randomness. Out: a ``Generated`` program as those of ``equations.py``. Each tensor gets a number of
steps that it waits; a read goes as far as that allows, so the program has an order that is nowhere written.
"""

from __future__ import annotations

import random

import numpy as np

from .generate import Generated

SMOOTH = ("tanh({})", "sig({})", "sin({})", "0.5 * ({})")
GUARDS = ("t >= 1", "t % 2 == 0", "X[t,i] > 0", "t != 2")


def late(source: random.Random) -> Generated:
    """Two or three tensors over t and i, in one circle at least."""
    steps, width = source.choice((1, 2, 4, 6)), source.choice((1, 2, 3))
    names = ["A", "B", "C"][: source.choice((2, 3))]
    waits = {name: source.choice((0, 1, 2, 3)) for name in names}
    ahead = {name: source.choice((0, 0, 1)) for name in names}
    turned = {name: source.random() < 0.3 for name in names}
    sign = source.choice((1, -1))
    lines = []
    for at, name in enumerate(names):
        others = [names[at - 1], *(other for other in names if source.random() < 0.4)]
        terms = ["X[t,i]"]
        for other in others:
            back = source.choice((0, 1, 2)) if names.index(other) < at else source.choice((1, 1, 2))
            offset = ahead[name] + sign * (waits[name] - waits[other] - back)
            terms.append(_term(source, other, turned[other], _on(offset)))
        value = source.choice(SMOOTH).format(" + ".join(terms))
        guard = f"   where {source.choice(GUARDS)}" if source.random() < 0.2 else ""
        operator = source.choice(("=", "=", "=", "max=", "min=")) if not guard else "="
        lines.append(f"{_at(name, turned[name], _on(ahead[name]), 'i')} {operator} {value}{guard}")
        # What `max=` and `min=` leave out is an infinity, and 0 times that would be no number.
        if (operator != "=" and ahead[name]) or source.random() < 0.3:
            lines.append(f"{_at(name, turned[name], '0', 'i')} {operator} W[i,i]")
    source.shuffle(lines)
    outputs = [name for name in names if source.random() < 0.6]
    if not outputs or source.random() < 0.5:
        last = source.choice(("-1", "0", "-2", "1")) if steps > 1 else "-1"
        lines.append(f"Y[i] = {_at(names[-1], turned[names[-1]], last, 'i')}")
        outputs.append("Y")
    text = "\n".join(["input X[t,i], W[i,i']", *lines, f"output {', '.join(outputs)}", ""])
    draw = np.random.default_rng(source.getrandbits(32))
    arrays = {"X": draw.integers(-8, 9, (steps, width)) / 4, "W": draw.integers(-4, 5, (width, width)) / 4}
    return Generated(text, text, arrays, {}, tuple(outputs))


def _on(offset: int) -> str:
    return f"t{offset:+d}" if offset else "t"


def _at(name: str, turned: bool, time: str, other: str) -> str:
    return f"{name}[{other},{time}]" if turned else f"{name}[{time},{other}]"


def _term(source: random.Random, name: str, turned: bool, time: str) -> str:
    same = _at(name, turned, time, "i")
    other = _at(name, turned, time, "i'")
    forms = (same, f"sum[i'](W[i,i'] {other})", f"0.5 {same}", f"X[t,i] {same}")
    return source.choice(forms)
