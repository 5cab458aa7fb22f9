"""Training or evaluation: the program of each, and what a step of training writes to its buffers.

In: a Program, which may read ``training``, a truth value that is true in training. Out: the Program of one mode, in
which it is a constant, so that what only the other mode needs is not there at all.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from enum import Enum

from tensorlang.ir.facts import dtype, presence
from tensorlang.ir.nodes import Apply, Const, Expr, Read, number
from tensorlang.ir.program import Definition, Program, Update
from tensorlang.ir.recursion import Scan
from tensorlang.ir.rewrite import Rule, map_piece, rewrite
from tensorlang.records import replace

# What a program calls the truth value that holds in training, unless a tensor of its own has that name.
TRAINING = "training"


_COMPARE: Mapping[str, Callable[..., bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip


class Mode(Enum):
    """``STEP`` is training where the buffers are written, too."""

    EVALUATION = "evaluation"
    TRAINING = "training"
    STEP = "step"


def has_modes(program: Program) -> bool:
    """Whether training is anything else than evaluation."""
    if program.updates:
        return True
    one, other = (in_mode(program, mode) for mode in (Mode.EVALUATION, Mode.TRAINING))
    return (one.definitions, one.scans, one.fixpoints) != (other.definitions, other.scans, other.fixpoints)


def in_mode(program: Program, mode: Mode) -> Program:
    """The program of a mode; updates stay as they are."""
    names = {tensor.name for tensor in program.of_kind("mode")}
    if not names:
        return program
    truth = number(mode is not Mode.EVALUATION)

    def known(node: Expr) -> Expr | None:
        return truth if isinstance(node, Read) and node.tensor in names else None

    tensors = {name: tensor for name, tensor in program.tensors.items() if name not in names}
    return replace(_rewritten(program, (known, _decided, _chosen)), tensors=tensors)


def of_step(program: Program, outputs: tuple[str, ...]) -> tuple[Program, tuple[Update, ...]]:
    """The program of a step that computes ``outputs``, and the updates that are due in it.

    Several updates of one buffer are carried out one after the other: each reads what the one before it wrote. Of those
    returned, the last one of a buffer is what it becomes.
    """
    program = in_mode(program, Mode.STEP)
    needed = program.restricted(outputs).tensors
    due = [update for update in program.updates if not update.of or not needed.keys().isdisjoint(update.of)]
    last: dict[str, Update] = {}
    for update in due:
        if update.buffer in last:
            program = _reading_after(program, update, last[update.buffer].value)
        last[update.buffer] = update
    return program, tuple(last.values())


def _reading_after(program: Program, update: Update, before: str) -> Program:
    """The program in which an update reads its buffer as another one left it."""

    def after(node: Expr) -> Expr | None:
        return _of(node, before) if isinstance(node, Read) and node.tensor == update.buffer else None

    change = _changed((after,))
    # It goes behind what it reads; nothing but a later update reads it.
    others = tuple(d for d in program.definitions if d.tensor != update.value)
    own = tuple(change(d) for d in program.definitions if d.tensor == update.value)
    return replace(program, definitions=(*others, *own))


def _of(node: Read, tensor: str) -> Expr:
    """The same elements of another tensor of the same shape."""
    return Read(tensor, node.at, node.shape, node.dtype)


def _decided(node: Expr) -> Expr | None:
    """Truth values that are known: 0 > 0 is false, true and c is c, false and c is false, not true is false."""
    if not isinstance(node, Apply):
        return None
    values = [arg.value if isinstance(arg, Const) else None for arg in node.args]
    if node.op in _COMPARE and all(isinstance(value, int | float) for value in values):
        return number(_COMPARE[node.op](*values))
    if node.op == "not" and isinstance(values[0], bool):
        return number(not values[0])
    if node.op in ("and", "or"):
        deciding = node.op == "or"
        if any(value is deciding for value in values):
            return number(deciding)
        left = tuple(arg for arg, value in zip(node.args, values, strict=True) if value is not (not deciding))
        if len(left) < len(node.args):
            return number(not deciding) if not left else left[0] if len(left) == 1 else Apply(node.op, left)
    return None


def _chosen(node: Expr) -> Expr | None:
    """a if true else b = a, where the choice has the element type and the presence of what is chosen."""
    if not isinstance(node, Apply) or node.op != "select" or not isinstance(node.args[0], Const):
        return None
    kept = node.args[1] if node.args[0].value else node.args[2]
    return kept if dtype(kept) == dtype(node) and presence(kept) is presence(node) else None


def _rewritten(program: Program, rules: tuple[Rule, ...]) -> Program:
    change = _changed(rules)

    def scan(unit: Scan) -> Scan:
        return replace(unit, definitions=tuple(map(change, unit.definitions)), inner=tuple(map(scan, unit.inner)))

    fixpoints = tuple(
        replace(unit, definitions=tuple(map(change, unit.definitions)), inner=tuple(map(scan, unit.inner)))
        for unit in program.fixpoints
    )
    return replace(
        program,
        definitions=tuple(map(change, program.definitions)),
        scans=tuple(map(scan, program.scans)),
        fixpoints=fixpoints,
    )


def _changed(rules: tuple[Rule, ...]) -> Callable[[Definition], Definition]:
    memo: dict[Expr, Expr] = {}

    def change(definition: Definition) -> Definition:
        pieces = tuple(map_piece(piece, lambda node: rewrite(node, rules, memo)) for piece in definition.pieces)
        return replace(definition, pieces=pieces)

    return change
