"""Random recurrences: one to three tensors in step, lags of 1 to 3, forwards and backwards, guards, first positions.

In: a source of randomness. Out: a ``Generated`` program as those of ``equations.py``.
"""

from __future__ import annotations

import random

import numpy as np

from .generate import Generated

SMOOTH = ("tanh({})", "sig({})", "sin({})", "0.5 * ({})")
GUARDS = ("t >= 1", "t % 2 == 0", "X[t,i] > 0", "t != 2")
LAST = ("max", "mean", "sum")


def recurrence(source: random.Random) -> Generated:
    """Tensors over t and i that read each other; X bounds both, W mixes i."""
    steps, width = source.choice((1, 2, 3, 5, 6)), source.choice((1, 2, 3))
    names = ["A", "B", "C"][: source.choice((1, 1, 2, 3))]
    turned = {name: source.random() < 0.3 for name in names}
    sign = source.choice("--+")
    lines = [line for at in range(len(names)) for line in _equations(source, names, turned, at, sign)]
    source.shuffle(lines)
    last = names[-1]
    reduced = f"Y[i] = {source.choice(LAST)}[t]({_at(last, 't', 'i', turned)})"
    outputs = [name for name in names if source.random() < 0.7] or [last]
    if source.random() < 0.5:
        lines.append(reduced)
        outputs.append("Y")
    text = "\n".join(["input X[t,i], W[i,i']", *lines, f"output {', '.join(outputs)}", ""])
    draw = np.random.default_rng(source.getrandbits(32))
    arrays = {"X": draw.integers(-8, 9, (steps, width)) / 4, "W": draw.integers(-4, 5, (width, width)) / 4}
    return Generated(text, text, arrays, {}, tuple(outputs))


def single(source: random.Random) -> Generated:
    """A recurrence of which the outputs are single positions."""
    while True:
        whole = recurrence(source)
        names = [name for name in "ABC" if f"\n{name}[" in whole.text]
        turned = {name: f"\n{name}[i,t]" in whole.text for name in names}
        if whole.arrays["X"].shape[0] > 1:
            break
    lines = [line for line in whole.text.splitlines() if not line.startswith(("output", "Y["))]
    picked = source.sample(names, source.randint(1, len(names)))
    for name in picked:
        lines.append(f"L{name}[i] = {_at(name, source.choice(('-1', '-1', '0', '1', '-2')), 'i', turned)}")
    outputs = tuple(f"L{name}" for name in picked)
    text = "\n".join([*lines, f"output {', '.join(outputs)}", ""])
    return Generated(text, text, whole.arrays, {}, outputs)


def _at(name: str, time: str, other: str, turned: dict[str, bool]) -> str:
    return f"{name}[{other},{time}]" if turned[name] else f"{name}[{time},{other}]"


def _equations(source: random.Random, names: list[str], turned: dict[str, bool], at: int, sign: str) -> list[str]:
    """The equations of one tensor: it reads all at other positions, and those before it at the same."""
    terms = ["X[t,i]"]
    for _ in range(source.choice((1, 2, 3))):
        terms.append(_term(source, source.choice(names), turned, f"t{sign}{source.choice((1, 1, 2, 3))}"))
    if at and source.random() < 0.6:
        terms.append(_term(source, source.choice(names[:at]), turned, "t"))
    source.shuffle(terms)
    value = source.choice(SMOOTH).format(" + ".join(terms))
    left = _at(names[at], "t", "i", turned)
    if source.random() < 0.3:
        value += f" where {source.choice(GUARDS)}"
    lines = [f"{left} = {value}"]
    if source.random() < 0.3:
        lines.append(f"{left} += {source.choice(('0.25 X[t,i]', '|t| / 4 - 1', 't / 2'))}")
    if source.random() < 0.4:
        place = "-1" if sign == "+" else "0"
        lines.append(f"{_at(names[at], place, 'i', turned)} = {source.choice(('1', 'W[i,i]', 'W[0,i]'))}")
    return lines


def _term(source: random.Random, name: str, turned: dict[str, bool], time: str) -> str:
    same = _at(name, time, "i", turned)
    other = _at(name, time, "i'", turned)
    mixed = f"W[i,i'] {other}"
    forms = (same, mixed, f"0.5 {same}", f"X[t,i] {same}", f"X[{time},i] {same}", f"abs({same})", f"min({same}, 1)")
    return source.choice(forms)
