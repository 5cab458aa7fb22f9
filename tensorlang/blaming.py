"""Which equation first gave a value that is not finite, and, inside a recurrence, at which position.

In: a program and a way to evaluate its tensors. Out: words: the tensor, the position, the equation and its line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from tensorlang.ir.program import Definition, Program, definition_reads
from tensorlang.ir.recursion import Scan

Evaluate = Callable[[tuple[str, ...]], Mapping[str, Tensor]]


def blame(program: Program, evaluate: Evaluate) -> str | None:
    """The first equation whose tensor is not finite, in the order in which they need each other."""
    scans = {name: scan for scan in program.scans for name in scan.members}
    order = _in_order(program)
    with torch.no_grad():
        values = evaluate(tuple(order))
    for name in order:
        if not bool(torch.isfinite(values[name]).all()):
            return _in_scan(scans[name], program, values) if name in scans else _of(name, order[name], program)
    return None


def _in_order(program: Program) -> dict[str, Definition]:
    """The definitions of a program by tensor, each behind what it reads; those of a circle in a row."""
    circles = [unit.definitions for unit in program.scans] + [unit.definitions for unit in program.fixpoints]
    every = (program.definitions, *circles)
    own = {definition.tensor: definition for definitions in every for definition in definitions}
    together = {definition.tensor: definitions for definitions in circles for definition in definitions}
    done: dict[str, Definition] = {}
    for start in own:
        stack = [(start, False)]
        while stack:
            name, ready = stack.pop()
            if name in done or name not in own:
                continue
            if ready:
                done.update({d.tensor: d for d in together.get(name, (own[name],))})
                continue
            stack.append((name, True))
            stack += [(other, False) for other in sorted(_reads(program, name, own)) if other not in done]
    return done


def _reads(program: Program, name: str, own: Mapping[str, Definition]) -> frozenset[str]:
    """What must be known before a tensor: what its equation reads, or its circle from outside."""
    inside = any(name in unit.members for unit in program.cyclic)
    return program.recursion_reads(name) if inside else definition_reads(own[name])


def _in_scan(scan: Scan, program: Program, values: Mapping[str, Tensor]) -> str:
    """The first position, in the order in which a recurrence goes, and the first equation that is not finite there."""
    found: list[tuple[int, int, str, int]] = []
    for at, definition in enumerate(scan.definitions):
        axis = scan.axis(definition.tensor) or 0
        value = values[definition.tensor].movedim(axis, 0)
        bad = (~torch.isfinite(value.reshape(value.shape[0], -1))).any(1).nonzero().flatten().tolist()
        if bad:
            own = bad[-1] if scan.reverse else bad[0]
            step = own + dict(scan.late).get(definition.tensor, 0)
            found.append((-step if scan.reverse else step, at, definition.tensor, own))
    _, at, name, position = min(found)
    definition = scan.definitions[at]
    axis = scan.axis(name) or 0
    place = f"position {position} of `{program.tensors[name].axes[axis].label}`"
    return _of(name, definition, program, place)


def _of(name: str, definition: Definition, program: Program, place: str = "") -> str:
    """``H`` at position 17 of ``t``, line 6: the equation. A tensor behind a virtual index has the name of its own."""
    shown = name.removesuffix(".all") if name.removesuffix(".all") in program.tensors else name
    general = next((piece for piece in definition.pieces if not piece.special), definition.pieces[0])
    text = " ".join(general.span.text.split())
    return f"`{shown}`{f' at {place}' if place else ''}, line {general.span.line}: {text}"
