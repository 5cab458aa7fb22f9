"""A recurrence to a loop: what does not depend on it is taken out, the rest becomes a body for one position.

In: a Scan. Out: a Loop, whose body is a small Program that computes one position of every tensor of the recurrence
from earlier positions and from slices of the tensors outside; plus definitions for all that is the same at each
position or can be computed for all positions at once. The body asks for its position only where it must: the first
positions, where some equations do not hold yet or others hold instead, are computed before the loop.
"""

from __future__ import annotations

from collections.abc import Collection

from tensorlang.ir.domain import Size, largest
from tensorlang.ir.facts import dtype, presence
from tensorlang.ir.nodes import (
    Apply,
    Expr,
    Index,
    Position,
    Where,
    affine,
    conjunction,
    number,
    size_value,
    tensors_read,
)
from tensorlang.ir.program import Definition, Piece, Program, Tensor
from tensorlang.ir.recursion import Loop, Opening, Scan
from tensorlang.passes.contexts import reads
from tensorlang.passes.loop_bodies import Body, Moving, spread_of, without
from tensorlang.passes.loop_hoisting import Hoister
from tensorlang.passes.ranges import not_negative
from tensorlang.passes.sound import operators
from tensorlang.passes.vanishing import neutral
from tensorlang.records import dataclass, field, replace

# First positions that get a body of their own.
_OPENINGS = 4


def make_loop(
    scan: Scan, program: Program, tensors: dict[str, Tensor], wanted: Collection[str]
) -> tuple[Loop, list[Definition]]:
    """The loop of a scan, and the definitions taken out of it; ``tensors`` gains theirs.

    ``wanted`` are the tensors that something outside of the scan reads.
    """
    work = _Work(scan, tensors, Hoister(frozenset(scan.members), tensors))
    return work.loop(program, wanted), work.hoister.outside


@dataclass(slots=True, eq=False)
class _Work:
    """One scan on its way to a loop."""

    scan: Scan
    tensors: dict[str, Tensor]
    hoister: Hoister
    moving: dict[str, list[Moving]] = field(default_factory=dict)

    def loop(self, program: Program, wanted: Collection[str]) -> Loop:
        for definition in self.scan.definitions:
            self.moving[definition.tensor] = [self._moving(definition, piece) for piece in definition.pieces]
        start = self._start()
        given = start > 0 and self._given(start)
        first = self._first(start) if given else ()
        windows = self._windows()
        ranks = range(0 if given else start)
        bodies = [Body(self.scan, self.tensors, self._position(rank), windows) for rank in ranks]
        opening = [[self._opened(d, rank, body) for d in self.scan.definitions] for rank, body in enumerate(bodies)]
        body = Body(self.scan, self.tensors, None, windows)
        general = [self._general(d, start, body) for d in self.scan.definitions]
        every = [feed for each in (body, *bodies) for feed in each.feeds.values()]
        lagged = {feed.tensor for feed in every if feed.kind in ("lag", "window")}
        results = tuple(name for name in self.scan.members if name in wanted or name in lagged)
        openings = tuple(
            Opening(one.program(definitions, results, program), tuple(one.feeds.values()))
            for one, definitions in zip(bodies, opening, strict=True)
        )
        sliced = {f.name: self.tensors[f.tensor].shape[f.axis] for f in every if f.kind == "slice"}
        lengths = {name: self.tensors[name].shape[axis] for name, axis in self.scan.axes if name in results}
        inside, feeds = body.program(general, results, program), tuple(body.feeds.values())
        return Loop(self.scan, inside, feeds, start, first, sliced, lengths, openings=openings)

    def _axis(self, tensor: str) -> int:
        axis = self.scan.axis(tensor)
        assert axis is not None, f"{tensor} is not of this recurrence"
        return axis

    def _moving(self, definition: Definition, piece: Piece) -> Moving:
        axis = self._axis(definition.tensor)
        form = affine(piece.left[axis])
        assert form is not None, f"{definition.tensor} steps by {piece.left[axis]}"
        if not form.coefficients:
            return Moving(definition, piece, axis, None, form.offset)
        ((index, coefficient),) = form.coefficients
        assert coefficient == 1, f"{definition.tensor} steps by {coefficient}"
        assert form.offset.constant is not None, f"{definition.tensor} starts at {form.offset}"
        return Moving(definition, piece, axis, index, form.offset)

    def _windows(self) -> dict[str, Size]:
        """How many of its last positions are kept together of each tensor that is read at several of them at once."""
        found: dict[str, Size] = {}
        for moving in (moving for each in self.moving.values() for moving in each):
            for read in reads(moving.piece.value):
                axis = self.scan.axis(read.tensor)
                spread = None if axis is None else spread_of(read, axis, moving)
                if spread is not None:
                    found[read.tensor] = largest([spread.count, *(found[n] for n in (read.tensor,) if n in found)])
        return found

    # --- first positions ---

    def _position(self, rank: int) -> Size:
        """The position that is computed as the ``rank``-th."""
        return self.scan.steps - 1 - rank if self.scan.reverse else Size.of(rank)

    def _rank(self, moving: Moving) -> int | None:
        """When the first position of a piece is computed; None where that is not known."""
        return (self.scan.steps - moving.end if self.scan.reverse else moving.offset).constant

    def _start(self) -> int:
        """From which position on each equation holds without a test; 0 where there is none, or a late one."""
        start = 0
        for moving in (moving for found in self.moving.values() for moving in found):
            rank = self._rank(moving)
            if rank is None:
                return 0
            start = max(start, rank if moving.index is not None else rank + 1)
        return start if start <= _OPENINGS or self._given(start) else 0

    def _reads(self, moving: Moving) -> bool:
        return bool(tensors_read(moving.piece.value) & frozenset(self.scan.members))

    def _holding(self, definition: Definition, rank: int) -> list[Moving]:
        """The pieces that say what a tensor is at one of the first positions."""
        found = []
        for moving in self.moving[definition.tensor]:
            own = self._rank(moving)
            if own is not None and (own == rank if moving.index is None else own <= rank):
                found.append(moving)
        if any(moving.piece.special and self._covers(moving) for moving in found):
            found = [moving for moving in found if moving.piece.special]
        return found

    def _covers(self, moving: Moving) -> bool:
        """Whether a piece defines all elements of its positions."""
        tensor = self.tensors[moving.definition.tensor]
        rest = [(e, a.size) for at, (e, a) in enumerate(zip(moving.piece.left, tensor.axes, strict=True))
                if at != moving.axis]  # fmt: skip
        plain = all(isinstance(entry, Position) and entry.index.size == size for entry, size in rest)
        distinct = len({entry for entry, _ in rest}) == len(rest)
        return plain and distinct and presence(moving.piece.value) is None

    def _given(self, start: int) -> bool:
        """Whether the positions before ``start`` are all given by equations of their own, which read none of these."""
        for definition in self.scan.definitions:
            for rank in range(start):
                held = self._holding(definition, rank)
                if not held and definition.aggregate not in ("sum", "any"):
                    return False
                if any(moving.index is not None or self._reads(moving) for moving in held):
                    return False
        return True

    def _first(self, start: int) -> tuple[tuple[str, int, str], ...]:
        """Equations for positions before the loop starts, as tensors of their own."""
        found = []
        for definition in self.scan.definitions:
            for rank in range(start):
                held = self._holding(definition, rank)
                if held:
                    name = f"{definition.tensor}.at{rank}"
                    pieces = tuple(_less(moving, moving.piece.value, False) for moving in held)
                    self.hoister.outside.append(Definition(name, definition.aggregate, pieces))
                    tensor, axis = self.tensors[definition.tensor], held[0].axis
                    self.tensors[name] = without(tensor, axis, name, "defined")
                    found.append((definition.tensor, rank, name))
        return tuple(found)

    def _opened(self, definition: Definition, rank: int, body: Body) -> Definition:
        """The equations of a tensor at one of the first positions."""
        held = self._holding(definition, rank)
        alone = all(moving.piece.special for moving in held)
        pieces = []
        for moving in held:
            value = body.sliced(moving.piece.value, moving)
            guard = self._inside(moving, body, start=rank)
            pieces.append(_less(moving, _guarded(value, guard), moving.piece.special and not alone, body))
        pieces += self._outside(definition, body)
        return Definition(definition.tensor, definition.aggregate, tuple(pieces) or (self._nothing(definition),))

    def _outside(self, definition: Definition, body: Body) -> list[Piece]:
        """Behind the end of a tensor that is shorter than others a read gives 0, also where nothing else would be."""
        length = self.tensors[definition.tensor].shape[self._axis(definition.tensor)]
        more = (self.scan.steps - length).constant
        if definition.aggregate in ("sum", "any") or not_negative(length - self.scan.steps):
            return []
        if not self.scan.reverse and more is not None and all(lag >= more for lag in self._lags(definition.tensor)):
            return []
        piece = self._nothing(definition)
        zero = number(0) if dtype(piece.value) != "bool" else number(False)
        behind = Apply("ge", (body.step(), size_value(length)))
        return [replace(piece, value=Where(behind, zero), special=True)]

    def _nothing(self, definition: Definition) -> Piece:
        """What a tensor is at a position that no equation names."""
        tensor, axis = self.tensors[definition.tensor], self._axis(definition.tensor)
        indices = tuple(Index(f"i_{at}", a.size) for at, a in enumerate(tensor.axes) if at != axis)
        value = neutral(definition.aggregate, tensor.dtype)
        return Piece(tuple(map(Position, indices)), indices, value, False, definition.pieces[0].span)

    # --- the general position ---

    def _general(self, definition: Definition, start: int, body: Body) -> Definition:
        every = self.moving[definition.tensor]
        fixed = [moving for moving in every if moving.index is None and not start]
        special = any(m.index is not None and m.piece.special for m in every) or not all(map(self._covers, fixed))
        pieces = []
        for moving in every:
            if moving.index is None and start:
                continue
            guard = self._inside(moving, body, start)
            if moving.index is not None:
                hoisted = self.hoister.hoisted(moving.piece, moving.index, definition.tensor)
                value = body.sliced(hoisted.value, moving)
                # Beside others that are special an equation for one position is too; else they leave its position out.
                guard += [Apply("ne", (body.step(), size_value(other.offset))) for other in fixed if not special]
                pieces.append(_less(moving, _guarded(value, guard), moving.piece.special, body))
            else:
                pieces.append(_less(moving, _guarded(body.sliced(moving.piece.value, moving), guard), special, body))
        pieces += self._outside(definition, body)
        return Definition(definition.tensor, definition.aggregate, tuple(pieces))

    def _inside(self, moving: Moving, body: Body, start: int) -> list[Expr]:
        """The conditions under which the body is at a position that a piece defines; from ``start`` on."""
        length = self.tensors[moving.definition.tensor].shape[moving.axis]
        rank = self._rank(moving)
        begun = rank is not None and rank <= start
        found: list[Expr] = []
        if moving.index is None and body.position is None:
            found.append(Apply("eq", (body.step(), size_value(moving.offset))))
        if moving.index is None:
            return found if not_negative(length - moving.end) else [*found, self._before(length, body)]
        if (moving.offset.constant or 0) > 0 and (self.scan.reverse or not begun):
            found.append(Apply("ge", (body.step(), size_value(moving.offset))))
        ends = [moving.end] if not_negative(length - moving.end) else [length]
        ends += [moving.end] if ends == [length] and not not_negative(moving.end - length) else []
        for end in ends:
            beyond = not not_negative(end - self.scan.steps) and not (self.scan.reverse and begun and end == moving.end)
            if beyond and not self._unseen(moving, end):
                found.append(self._before(end, body))
        return found

    def _before(self, end: Size, body: Body) -> Expr:
        return Apply("lt", (body.step(), size_value(end)))

    def _unseen(self, moving: Moving, end: Size) -> bool:
        """Whether what an equation would give from an end on is neither read nor kept, and no error."""
        name = moving.definition.tensor
        more = (self.scan.steps - end).constant
        if self.scan.reverse or more is None or self.tensors[name].shape[moving.axis] != end:
            return False
        if operators(moving.piece.value) & {"mod", "floordiv"}:
            return False
        return all(lag >= more for lag in self._lags(name))

    def _lags(self, name: str) -> list[int]:
        """How many positions back a tensor of the recurrence is read, each time."""
        found = []
        for moving in (moving for each in self.moving.values() for moving in each):
            for read in reads(moving.piece.value):
                if read.tensor == name:
                    form = affine(read.at[self._axis(name)])
                    lag = None if form is None else (moving.offset - form.offset).constant
                    found.append(0 if lag is None else lag)
        return found


def _less(moving: Moving, value: Expr, special: bool, body: Body | None = None) -> Piece:
    """A piece less the axis of the recurrence."""
    entries = [entry for at, entry in enumerate(moving.piece.left) if at != moving.axis]
    left = tuple(entry if body is None else body.sliced(entry, moving) for entry in entries)
    indices = tuple(index for index in moving.piece.indices if index != moving.index)
    return replace(moving.piece, left=left, indices=indices, value=value, special=special)


def _guarded(value: Expr, conditions: list[Expr]) -> Expr:
    guard = conjunction(tuple(conditions))
    return value if guard is None else Where(guard, value)
