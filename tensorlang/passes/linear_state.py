"""Which tensor carries the state of a recurrence of several.

In: a Scan. Out: for each tensor through which all of its circles go, the definition of that tensor with the others put
in, and the definitions of the others, which then are none of the recurrence.
"""

from __future__ import annotations

from collections.abc import Iterator

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import (
    Apply,
    Expr,
    Index,
    Position,
    Read,
    Where,
    affine,
    children,
    number,
    tensors_read,
    with_children,
)
from tensorlang.ir.program import Definition, Piece, definition_reads
from tensorlang.ir.recursion import Scan
from tensorlang.passes.scopes import below, put, settled
from tensorlang.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class State:
    """``definition`` reads no tensor of the recurrence but its own; ``others`` read it and each other in no circle."""

    definition: Definition
    axis: int
    others: tuple[Definition, ...]


def states(scan: Scan) -> Iterator[State]:
    """The tensors that may carry the state, each with what is left of the others."""
    for definition in scan.definitions:
        others = tuple(other for other in scan.definitions if other is not definition)
        if any(other.tensor == definition.tensor for other in others) or _circular(others):
            continue
        alone = _alone(definition, {other.tensor: other for other in others}, scan)
        axis = scan.axis(definition.tensor)
        if alone is not None and axis is not None:
            yield State(alone, axis, others)


def _circular(definitions: tuple[Definition, ...]) -> bool:
    """Whether some of the tensors need each other, or one itself."""
    reads = {definition.tensor: definition_reads(definition) for definition in definitions}
    while True:
        free = [name for name, needed in reads.items() if not needed & reads.keys()]
        if not free:
            return bool(reads)
        for name in free:
            del reads[name]


def _alone(definition: Definition, others: dict[str, Definition], scan: Scan) -> Definition | None:
    """The definition with the other tensors of the recurrence put in where it reads them."""
    for _ in others:
        if not definition_reads(definition) & others.keys():
            break
        pieces = [_put_in(piece, others, scan) for piece in definition.pieces]
        if None in pieces:
            return None
        definition = replace(definition, pieces=tuple(settled(piece) for piece in pieces if piece is not None))
    return None if definition_reads(definition) & others.keys() else definition


def _put_in(piece: Piece, others: dict[str, Definition], scan: Scan) -> Piece | None:
    if not tensors_read(piece.value) & others.keys():
        return piece
    memo: dict[Expr, Expr] = {}
    for node in below(piece.value, set()):
        made = with_children(node, tuple(memo[child] for child in children(node)))
        if isinstance(made, Read) and made.tensor in others:
            other = _value(made, others[made.tensor], scan)
            if other is None:
                return None
            made = other
        memo[node] = made
    return replace(piece, value=memo[piece.value])


def _value(read: Read, definition: Definition, scan: Scan) -> Expr | None:
    """What a tensor is where it is read, if one equation says that for all of its elements; 0 before its axis."""
    if not definition.direct or presence(definition.pieces[0].value) is not None:
        return None
    axis, piece = scan.axis(definition.tensor), definition.pieces[0]
    values: dict[Index, Expr] = {}
    guard: Expr | None = None
    for at, (own, entry, size) in enumerate(zip(piece.left, read.at, read.shape, strict=True)):
        if not isinstance(own, Position) or own.index.size != size:
            return None
        values[own.index] = entry
        if isinstance(entry, Position) and entry.index.size == size:
            continue
        place = _range(entry)
        if _fixed_inside(entry, size):
            continue
        if at != axis or place is None or (place[1] - size).constant is None:
            return None
        if place[0] < 0:
            guard = Apply("ge", (entry, number(0)))
        if ((place[1] - size).constant or 0) > 0:
            return None
    value = put(piece.value, values)
    return value if guard is None or value is None else Where(guard, value)


def _fixed_inside(entry: Expr, size: Size) -> bool:
    """Whether an entry is one position that surely is on the axis."""
    form, count = affine(entry), size.constant
    if form is None or form.coefficients or count is None or form.offset.constant is None:
        return False
    return 0 <= form.offset.constant < count


def _range(entry: Expr) -> tuple[int, Size] | None:
    """The least position of ``index + number`` and the one behind its largest."""
    form = affine(entry)
    if form is None or len(form.coefficients) != 1 or form.offset.constant is None:
        return None
    ((index, coefficient),) = form.coefficients
    return (form.offset.constant, index.size + form.offset.constant) if coefficient == 1 else None
