"""Scans and fixpoints to what runs them.

In: a Program with scans and fixpoints. Out: the same Program with recursions instead, their bodies optimised; what does
not depend on a recursion stands among the definitions.
"""

from __future__ import annotations

from collections.abc import Callable

from tensorlang.ir.program import Definition, Program, definition_reads
from tensorlang.ir.recursion import Recursion, Scan
from tensorlang.passes.aligned import aligned
from tensorlang.passes.contexts import needed
from tensorlang.passes.diagonals import diagonals
from tensorlang.passes.in_step import in_step
from tensorlang.passes.iterations import make_iteration
from tensorlang.passes.linear import make_linear
from tensorlang.passes.loops import make_loop
from tensorlang.passes.newton import with_whole
from tensorlang.passes.recurrent_layers import make_layer
from tensorlang.passes.share_recursions import share_recursions
from tensorlang.passes.single_positions import single_positions, store_less
from tensorlang.records import replace


def make_recursions(program: Program, optimised: Callable[[Program], Program]) -> Program:
    """Turn scans and fixpoints into what runs them; ``optimised`` is applied to the bodies of loops and iterations."""
    if not program.scans and not program.fixpoints:
        return program
    program, singles = single_positions(_aligned(diagonals(in_step(share_recursions(program)))))
    tensors = dict(program.tensors)
    definitions = list(program.definitions)
    recursions: list[Recursion] = []
    scans = list(program.scans)
    for fixpoint in program.fixpoints:
        iteration, outside, ends = make_iteration(fixpoint, program, tensors)
        definitions += outside
        scans += ends
        recursions.append(replace(iteration, body=optimised(iteration.body)))
    scans = [_as_loops(scan) for scan in scans]
    program = replace(program, definitions=tuple(definitions), scans=tuple(scans))
    for scan in scans:
        wanted = _wanted(program, scan)
        layer = make_layer(scan, program, tensors, wanted)
        whole = layer or make_linear(scan, tensors, frozenset(single.tensor for single in singles))
        if whole is not None:
            recursions.append(whole[0])
            definitions += whole[1]
            continue
        loop, outside = make_loop(scan, program, tensors, wanted)
        definitions += outside
        openings = tuple(replace(opening, body=optimised(opening.body)) for opening in loop.openings)
        loop = replace(loop, body=optimised(loop.body), openings=openings)
        if scan.manner.method == "parallel":
            loop, outside = with_whole(loop, scan, program, tensors)
            definitions += outside
        if loop.whole is not None:
            loop = replace(loop, whole=replace(loop.whole, body=optimised(loop.whole.body)))
        recursions.append(loop)
    program = replace(program, tensors=tensors)
    made, left = store_less(program, definitions, (*program.recursions, *recursions), singles)
    return replace(made, definitions=ordered(made, left))


def _aligned(program: Program) -> Program:
    """Tensors that are a position ahead of others are computed with them, but where whole layers or products do it."""
    for at in range(len(program.scans)):
        scan = program.scans[at]  # as it is now: aligning one changes what others read
        made = aligned(program, scan)
        tensors = dict(program.tensors)
        if made is None or make_layer(scan, program, tensors, _wanted(program, scan)):
            continue
        if make_linear(scan, tensors, frozenset()) is None:
            program = made
    return program


def _as_loops(scan: Scan) -> Scan:
    """The scan with those inside it run as loops where that is asked for."""
    if scan.manner.method != "loop" or scan.manner.checkpoint:
        return scan
    return replace(scan, inner=tuple(_as_loops(replace(inner, manner=scan.manner)) for inner in scan.inner))


def _wanted(program: Program, scan: Scan) -> frozenset[str]:
    """The tensors that something else than a scan itself reads, or that must exist under their names."""
    others = (unit.reads for unit in program.cyclic if unit is not scan)
    return frozenset(needed(program)).union(*others, *map(definition_reads, program.definitions))


def ordered(program: Program, definitions: list[Definition]) -> tuple[Definition, ...]:
    """Definitions, each behind those that it reads, also through a recursion."""
    by_name = {definition.tensor: definition for definition in definitions}
    done: dict[str, None] = {}
    for start in by_name:
        stack = [(start, False)]
        while stack:
            name, ready = stack.pop()
            if name in done:
                continue
            if ready:
                done[name] = None
                continue
            stack.append((name, True))
            reads = definition_reads(by_name[name]) if name in by_name else program.recursion_reads(name)
            stack += [(other, False) for other in sorted(reads) if other not in done]
    return tuple(by_name[name] for name in done if name in by_name)
