"""Random fixed points: equations that settle, in layers and with recurrences between; aggregates that only improve.

In: a source of randomness. Out: a ``Generated`` program as those of ``equations.py``.
"""

from __future__ import annotations

import random

import numpy as np

from .generate import Generated

SMOOTH = ("tanh({})", "sig({})", "sin({})", "0.5 * ({})")
GUARDS = ("b >= 1", "X[b,i] > 0", "i % 2 == 0", "b != i")


def settling(source: random.Random) -> Generated:
    """Tensors over b and i; each read counts a tenth at most, so that every step brings guesses closer together."""
    rows, width = source.choice((1, 2, 4)), source.choice((1, 2, 3))
    names = ["A", "B", "C"][: source.choice((1, 2, 2, 3))]
    named = source.sample(names, source.randint(1, len(names)))
    method = source.choice(("anderson", "anderson", "plain"))
    lines = [_settling(source, names, at) for at in range(len(names))]
    # A circle through all, so that one declaration is enough and each is part of it.
    lines.append(f"fixpoint {', '.join(named)} tol 1e-9 max 300 method {method}")
    source.shuffle(lines)
    outputs = [name for name in names if source.random() < 0.7] or [names[0]]
    if source.random() < 0.5:
        lines.append(f"Y[i] = {source.choice(('max', 'sum', 'mean'))}[b]({names[-1]}[b,i])")
        outputs.append("Y")
    text = "\n".join(["input X[b,i], W[i,i']", *lines, f"output {', '.join(outputs)}", ""])
    draw = np.random.default_rng(source.getrandbits(32))
    arrays = {"X": draw.integers(-8, 9, (rows, width)) / 4, "W": draw.integers(-4, 5, (width, width)) / 4}
    return Generated(text, text, arrays, {}, tuple(outputs))


def _settling(source: random.Random, names: list[str], at: int) -> str:
    reads = [names[at - 1], *(name for name in names if source.random() < 0.4)][:3]
    terms = [_read(source, name) for name in reads]
    if source.random() < 0.7:
        terms.append(source.choice(("X[b,i]", "W[i,i'] X[b,i']", "X[b,i] + 0.5 b")))
    value = source.choice(SMOOTH).format(" + ".join(terms))
    if len(terms) == len(reads) or source.random() < 0.3:
        value = f"{value} + X[b,i]"  # bounds both indices, where no read does
    guard = f"   where {source.choice(GUARDS)}" if source.random() < 0.25 else ""
    return f"{names[at]}[b,i] = {value}{guard}"


def _read(source: random.Random, name: str) -> str:
    form = source.choice(
        ("0.1 W[i,i'] {}[b,i']", "0.1 {}[b,i]", "0.1 {}[b-1,i]", "0.1 {}[b,i+1]", "0.1 mean[b'](abs({}[b',i]))",
         "0.1 max(max[i'']({}[b,i'']), -9)")
    )  # fmt: skip
    return form.format(name)


def improving(source: random.Random) -> Generated:
    """Ways through a graph: least or greatest sums, or whether there is one; several tensors in the circle."""
    nodes = source.choice((1, 3, 5))
    kind = source.choice(("min", "max", "or"))
    operator = f"{kind}="
    if kind == "or":
        step, start, second = "D[x,y] and V[y,z] < 1", "V[x,z] < 0.75", "D[x,y] and E[y,z]"
    else:
        sign = "" if kind == "min" else "-"
        step, start, second = f"D[x,y] {'+' if kind == 'min' else '-'} V[y,z]", f"{sign}V[x,z]", "D[x,y] + E[y,z]"
    lines = [f"D[x,z] {operator} {start}", "V[x,z] = abs(W[x,z])"]
    if source.random() < 0.5:
        lines.append(f"D[x,z] {operator} {step}")
        outputs = ["D"]
    else:
        lines += [f"E[x,z] {operator} {step}", f"E[x,z] {operator} {start}", f"D[x,z] {operator} {second}"]
        outputs = ["D", "E"]
    if source.random() < 0.4:
        lines[-1] += f"   where {source.choice(('x != z', 'V[x,z] < 1.5', 'z % 2 == 0'))}"
    source.shuffle(lines)
    text = "\n".join(["input W[x,z]", *lines, f"output {', '.join(outputs)}", ""])
    draw = np.random.default_rng(source.getrandbits(32))
    return Generated(text, text, {"W": draw.integers(0, 9, (nodes, nodes)) / 4}, {}, tuple(outputs))
