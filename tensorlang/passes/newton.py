"""A recurrence as one equation over all positions, for Newton's method (``scan H method parallel``).

In: a Scan, and the loop made of it. Out: the loop with a ``Whole``: a Program that computes all positions of the one
tensor that carries the state from a guess of them all; or the loop alone, where the recurrence is not of that form.
"""

from __future__ import annotations

from collections.abc import Iterator

from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import Expr, Index, Read, affine, children, with_children
from tensorlang.ir.program import Definition, Piece, Program, Tensor, definition_reads
from tensorlang.ir.recursion import Loop, Scan, Whole
from tensorlang.passes.contexts import reads
from tensorlang.passes.linear_state import states
from tensorlang.passes.loop_hoisting import Hoister
from tensorlang.passes.scopes import below
from tensorlang.records import replace

_MOST = 64  # elements that may mix: so many derivatives are computed for each position


def with_whole(loop: Loop, scan: Scan, program: Program, tensors: dict[str, Tensor]) -> tuple[Loop, list[Definition]]:
    """The loop, if it may be with its whole, and the definitions that the whole reads; ``tensors`` gains theirs."""
    carried = {read.tensor for read, _, lag in _lags(scan) if lag != 0}
    lags = {lag for read, _, lag in _lags(scan) if lag != 0}
    if scan.inner or scan.resting or scan.kept or len(carried) != 1 or len(lags) != 1 or None in lags:
        return loop, []
    (name,), (lag,) = carried, lags
    rows = _mixing(scan, name, tensors)
    if rows is None or lag is None or tensors[name].dtype not in ("float", "float64") or loop.stored != (name,):
        return loop, []
    hoister = Hoister(frozenset(scan.members), tensors)
    guess = f"{name}.before"
    definitions = tuple(_guessed(d, name, guess, lag, scan, hoister) for d in scan.definitions)
    if any(name in definition_reads(d) for d in _needed(definitions, name)):
        return loop, []
    inside = {d.tensor: _as(tensors[d.tensor], d.tensor, "defined") for d in definitions}
    inside[guess] = _as(tensors[name], guess, "input")
    for other in sorted(frozenset().union(*map(definition_reads, definitions)) - inside.keys()):
        inside[other] = _as(tensors[other], other, "input")
    body = Program(inside, definitions, (name,), dims=program.dims, sizes=program.sizes).restricted((name,))
    axis = scan.axis(name) or 0
    return replace(loop, whole=Whole(body, name, guess, axis, rows, lag)), hoister.outside


def _as(tensor: Tensor, name: str, kind: str) -> Tensor:
    return Tensor(name, kind, tensor.axes, tensor.dtype, tensor.span, positions=tensor.positions)


def _needed(definitions: tuple[Definition, ...], name: str) -> Iterator[Definition]:
    """The definitions that one is made of."""
    waiting, seen = [name], {name}
    by_name = {definition.tensor: definition for definition in definitions}
    while waiting:
        definition = by_name[waiting.pop()]
        yield definition
        waiting += [other for other in definition_reads(definition) if other in by_name and other not in seen]
        seen |= definition_reads(definition)


def _index(piece: Piece, axis: int) -> tuple[Index | None, Size]:
    """What a left side has on the axis of the recurrence: an index (None: none) and a number."""
    form = affine(piece.left[axis])
    assert form is not None
    return (form.coefficients[0][0] if form.coefficients else None), form.offset


def _lags(scan: Scan) -> Iterator[tuple[Read, Piece, int | None]]:
    """Every read of a tensor of the recurrence, with how many positions before it is; None where that varies."""
    for definition in scan.definitions:
        for piece in definition.pieces:
            for read in reads(piece.value):
                axis = scan.axis(read.tensor)
                if axis is not None:
                    yield read, piece, _lag(read, axis, piece, scan.axis(definition.tensor) or 0)


def _lag(read: Read, axis: int, piece: Piece, own: int) -> int | None:
    index, offset = _index(piece, own)
    form = affine(read.at[axis])
    if index is None or form is None or form.coefficients != ((index, 1),):
        return None
    return (offset - form.offset).constant


def _mixing(scan: Scan, name: str, tensors: dict[str, Tensor]) -> tuple[int, ...] | None:
    """The axes along which one element reads others before it; None where that is not known, or they are too many."""
    alone = next((state.definition for state in states(scan) if state.definition.tensor == name), None)
    if alone is None:
        return None
    axis = scan.axis(name)
    found: set[int] = set()
    for piece in alone.pieces:
        for read in (read for read in reads(piece.value) if read.tensor == name):
            pairs = enumerate(zip(read.at, piece.left, strict=True))
            found |= {at for at, (entry, left) in pairs if at != axis and entry is not left}
    count = Size.of(1)
    for at in found:
        count = count * tensors[name].shape[at]
    small = count.constant is not None and count.constant <= _MOST
    return tuple(sorted(found)) if small else None


def _guessed(definition: Definition, name: str, guess: str, lag: int, scan: Scan, hoister: Hoister) -> Definition:
    """The definition with earlier positions read from the guess; what reads nothing of the recurrence is taken out."""
    axis = scan.axis(definition.tensor) or 0
    pieces = []
    for piece in definition.pieces:
        index, _ = _index(piece, axis)
        taken = hoister.hoisted(piece, index, definition.tensor) if index is not None else piece
        memo: dict[Expr, Expr] = {}
        for node in below(taken.value, set()):
            made = with_children(node, tuple(memo[child] for child in children(node)))
            if isinstance(made, Read) and made.tensor == name and _lag(made, scan.axis(name) or 0, piece, axis) == lag:
                made = Read(guess, made.at, made.shape, made.dtype)
            memo[node] = made
        pieces.append(replace(taken, value=memo[taken.value]))
    return replace(definition, pieces=tuple(pieces))
