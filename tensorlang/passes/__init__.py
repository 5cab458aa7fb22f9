"""From what a program means to how it is best computed: ``PIPELINE`` lists the passes, each a function of a Program.

In: a verified Program. Out: one with the same outputs in which shared parts are computed once, intermediates that are
read once stand where they are read, and products are nested in a cheap order. Every pass keeps the meaning of every
definition that it keeps: absent elements, zeros outside axes, and infinities as far as the passes say.
"""

from __future__ import annotations

from collections.abc import Callable

from tensorlang.ir.program import Program
from tensorlang.ir.verify import verify
from tensorlang.passes.contractions import contractions
from tensorlang.passes.dead import drop_dead
from tensorlang.passes.delta import delta
from tensorlang.passes.fold import fold
from tensorlang.passes.guards import guards
from tensorlang.passes.inline import inline
from tensorlang.passes.order_contractions import order_contractions
from tensorlang.passes.order_semirings import flatten_semirings, order_semirings
from tensorlang.passes.pairs_bodies import moved_onto_pairs
from tensorlang.passes.recall import recall
from tensorlang.passes.recursions import make_recursions
from tensorlang.passes.share import share
from tensorlang.passes.simplify import simplify
from tensorlang.records import replace

Pass = Callable[[Program], Program]

PIPELINE: tuple[tuple[str, Pass], ...] = (
    ("needed", drop_dead),
    ("fold", fold),
    ("guards", guards),
    ("simplify", simplify),
    ("share", share),
    ("inline", inline),
    ("refine", simplify),
    ("delta", delta),
    ("flat", flatten_semirings),
    ("contractions", contractions),
    ("semirings", order_semirings),
    ("order", order_contractions),
    ("recall", recall),
    ("reuse", share),
    ("dead", drop_dead),
)


# Long programs are verified once, at the end: verifying a thousand equations takes about 0.1 s.
_VERIFIED = 100


def optimise(program: Program, until: str | None = None) -> Program:
    """The program after all passes, or after the one named ``until`` (``KeyError`` where there is none)."""
    if until is not None and until not in dict(PIPELINE):
        raise KeyError(until)
    program = moved_onto_pairs(program, optimise) if program.pairs else make_recursions(program, optimise)
    outputs = program.outputs
    program = replace(
        program, outputs=(*outputs, *sorted({name for unit in program.recursions for name in unit.reads}))
    )
    last = until or PIPELINE[-1][0]
    for name, run in PIPELINE:
        before, program = program, run(program)
        if __debug__ and (name == last or (program is not before and len(program.definitions) <= _VERIFIED)):
            verify(program, name)
        if name == last:
            break
    return replace(program, outputs=outputs)
