"""Recurrences of which only one position is read from outside (mostly the last one) are not stored as a whole.

In: a Program with scans. Out: the same one in which what reads a single position of a recurrence reads a tensor of its
own (``H.last``), so that a loop can hand out that position and keep, beside it, only what its own steps look back to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import Expr, Index, Position, Read, affine, size_value
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor, definition_reads
from tensorlang.ir.recursion import Loop, Recursion, Scan, Single
from tensorlang.ir.rewrite import map_definition, rewrite
from tensorlang.passes.contexts import needed, reads, unused
from tensorlang.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class _Only:
    """The one position at which a tensor is read, and the tensor that takes its place."""

    axis: int
    position: Size
    name: str


def single_positions(program: Program) -> tuple[Program, tuple[Single, ...]]:
    """The program with tensors for single positions, and which they are."""
    kept = needed(program)
    found: dict[str, _Only] = {}
    for scan in program.scans:
        outside = [d for d in _definitions(program) if d.tensor not in scan.members]
        for tensor, axis in scan.axes:
            position = None if tensor in kept else _single(tensor, axis, outside)
            if position is not None:
                found[tensor] = _Only(axis, position, unused(program.tensors, f"{tensor}.last"))
    if not found:
        return program, ()
    program = _through(program, found)
    tensors = dict(program.tensors)
    added = []
    for tensor, only in found.items():
        made, definition = _part(program.tensors[tensor], only)
        tensors[made.name] = made
        added.append(definition)
    singles = tuple(Single(tensor, only.position, only.name) for tensor, only in found.items())
    return replace(program, tensors=tensors, definitions=(*program.definitions, *added)), singles


def store_less(
    program: Program, definitions: Sequence[Definition], recursions: Sequence[Recursion], singles: Sequence[Single]
) -> tuple[Program, list[Definition]]:
    """The program with its recursions, and the definitions that are left.

    Loops hand out single positions themselves, and nothing of tensors that only they read.
    """
    by_tensor = {single.tensor: single for single in singles}
    handed: set[str] = set()
    made: list[Recursion] = []
    for unit in recursions:
        if isinstance(unit, Loop) and unit.whole is None:
            own = tuple(by_tensor[name] for name in unit.scan.members if name in by_tensor)
            handed |= {single.name for single in own}
            unit = replace(unit, singles=own)
        made.append(unit)
    left = [definition for definition in definitions if definition.tensor not in handed]
    read = needed(program).union(*(definition_reads(d) for d in left), *(unit.reads for unit in made))
    units = tuple(_unread(unit, read) if isinstance(unit, Loop) and unit.whole is None else unit for unit in made)
    tensors = {name: replace(t, kind="scanned") if name in handed else t for name, t in program.tensors.items()}
    return replace(program, tensors=tensors, scans=(), fixpoints=(), recursions=units), left


def _unread(loop: Loop, read: set[str]) -> Loop:
    apart = {single.tensor for single in loop.singles}
    return replace(loop, unread=frozenset(name for name in loop.scan.members if name not in read | apart))


# --- which position ----------------------------------------------------------------------------------------------


def _definitions(program: Program) -> Iterator[Definition]:
    """All definitions of a program, those of scans and fixpoints too."""
    yield from program.definitions
    for scan in program.scans:
        yield from scan.definitions
    for fixpoint in program.fixpoints:
        yield from fixpoint.definitions


def _single(tensor: str, axis: int, outside: Sequence[Definition]) -> Size | None:
    """The one position of an axis at which definitions read a tensor."""
    found: set[Size | None] = set()
    for definition in outside:
        for piece in definition.pieces:
            found |= {_position(read, axis) for read in reads(piece.value) if read.tensor == tensor}
            on_left = any(read.tensor == tensor for entry in piece.left for read in reads(entry))
            found |= {None} if on_left else set()
    return found.pop() if len(found) == 1 else None


def _position(read: Read, axis: int) -> Size | None:
    form = affine(read.at[axis])
    return None if form is None or form.coefficients else form.offset


# --- the tensor of a position ------------------------------------------------------------------------------------


def _through(program: Program, found: Mapping[str, _Only]) -> Program:
    """The program in which what was read of a tensor is read of its part; its own recurrence is left alone."""

    def around(scan: Scan) -> Scan:
        change = _reading({name: only for name, only in found.items() if name not in scan.members})
        inner = tuple(around(unit) for unit in scan.inner)
        return replace(scan, definitions=tuple(map(change, scan.definitions)), inner=inner)

    change = _reading(found)
    fixpoints = tuple(replace(f, definitions=tuple(map(change, f.definitions))) for f in program.fixpoints)
    scans = tuple(around(scan) for scan in program.scans)
    return replace(program, definitions=tuple(map(change, program.definitions)), scans=scans, fixpoints=fixpoints)


def _reading(found: Mapping[str, _Only]) -> Callable[[Definition], Definition]:
    """Definitions that read the parts instead."""

    def rule(node: Expr) -> Expr | None:
        only = found.get(node.tensor) if isinstance(node, Read) else None
        if only is None or not isinstance(node, Read):
            return None
        at = tuple(entry for k, entry in enumerate(node.at) if k != only.axis)
        shape = tuple(size for k, size in enumerate(node.shape) if k != only.axis)
        return Read(only.name, at, shape, node.dtype)

    memo: dict[Expr, Expr] = {}
    return lambda definition: map_definition(definition, lambda value: rewrite(value, (rule,), memo))


def _part(tensor: Tensor, only: _Only) -> tuple[Tensor, Definition]:
    """The tensor of a position, and its definition."""
    axes = tuple(axis for at, axis in enumerate(tensor.axes) if at != only.axis)
    indices = tuple(Index(f"x{at}", axis.size) for at, axis in enumerate(axes))
    entries: list[Expr] = [Position(index) for index in indices]
    left = tuple(entries)
    entries.insert(only.axis, size_value(only.position))
    value = Read(tensor.name, tuple(entries), tensor.shape, tensor.dtype)
    piece = Piece(left, indices, value, False, tensor.span)
    made = Tensor(only.name, "defined", tuple(Axis(a.label, a.size) for a in axes), tensor.dtype, tensor.span)
    return made, Definition(only.name, "sum", (piece,))
