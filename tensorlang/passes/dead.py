"""Definitions that nothing needs: neither an output, nor an action, nor an update, nor a definition that is needed.

In goes a Program, out comes one without them. What is given from outside (inputs, parameters, data) stays, read or not:
it belongs to the program's interface.
"""

from __future__ import annotations

from tensorlang.ir.nodes import tensors_read
from tensorlang.ir.program import Definition, Program
from tensorlang.passes.contexts import needed
from tensorlang.records import replace


def drop_dead(program: Program) -> Program:
    """The program with only the definitions that it needs."""
    wanted = needed(program)
    kept: list[Definition] = []
    for definition in reversed(program.definitions):
        if definition.tensor in wanted:
            kept.append(definition)
            for piece in definition.pieces:
                wanted |= tensors_read(piece.value).union(*map(tensors_read, piece.left))
    if len(kept) == len(program.definitions):
        return program
    dropped = {d.tensor for d in program.definitions} - {d.tensor for d in kept}
    tensors = {name: tensor for name, tensor in program.tensors.items() if name not in dropped}
    return replace(program, tensors=tensors, definitions=tuple(reversed(kept)))
