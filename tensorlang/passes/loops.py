"""A recurrence to a loop: what does not depend on it is taken out, the rest becomes a body for one position.

In: a Scan. Out: a Loop, whose body is a small Program that computes one position of every tensor of the recurrence
from earlier positions and from slices of the tensors outside; plus definitions for all that is the same at each
position or can be computed for all positions at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype
from tensorlang.ir.nodes import (
    Apply,
    Const,
    Expr,
    Index,
    Position,
    Read,
    Where,
    affine,
    children,
    conjunction,
    free_indices,
    number,
    size_value,
    tensors_read,
    with_children,
)
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor
from tensorlang.ir.recursion import Feed, Loop, Scan
from tensorlang.passes.masks import protected

STEP = "step"


def make_loop(scan: Scan, program: Program, tensors: dict[str, Tensor]) -> tuple[Loop, list[Definition]]:
    """The loop of a scan, and the definitions taken out of it; ``tensors`` gains theirs."""
    work = _Work(scan, tensors)
    return work.loop(program), work.outside


@dataclass(frozen=True, slots=True)
class _Moving:
    """A piece whose left side moves with the loop: ``index + offset`` on the axis of the recurrence."""

    definition: Definition
    piece: Piece
    axis: int
    index: Index
    offset: int


@dataclass(slots=True, eq=False)
class _Work:
    """One scan on its way; ``outside`` are the definitions taken out of it, ``feeds`` the inputs of its body."""

    scan: Scan
    tensors: dict[str, Tensor]
    outside: list[Definition] = field(default_factory=list)
    feeds: dict[str, Feed] = field(default_factory=dict)
    inside: dict[str, Tensor] = field(default_factory=dict)
    count: int = 0

    def loop(self, program: Program) -> Loop:
        members = dict(self.scan.axes)
        moving = [self._moving(d, p) for d in self.scan.definitions for p in d.pieces]
        fixed = [(d, p) for d in self.scan.definitions for p in d.pieces if _constant_entry(p, members[d.tensor])]
        start = 0 if self.scan.reverse else self._start([m for m in moving if m is not None], fixed)
        first = tuple(self._first(d, p, members[d.tensor]) for d, p in fixed if start) if start else ()
        definitions = []
        for definition in self.scan.definitions:
            axis = members[definition.tensor]
            here = [m for m in moving if m is not None and m.definition is definition]
            special = any(m.piece.special for m in here)
            pieces = [self._general(m, start, [] if start or special else fixed) for m in here]
            if not start:
                pieces += [self._at_position(p, axis, special) for d, p in fixed if d is definition]
            definitions.append(Definition(definition.tensor, definition.aggregate, tuple(pieces)))
            tensor = self.tensors[definition.tensor]
            self.inside[definition.tensor] = _without(tensor, axis, tensor.name, "defined")
        results = tuple(definition.tensor for definition in definitions)
        body = Program(self.inside, tuple(definitions), results, dims=program.dims, sizes=program.sizes)
        sliced = {f.name: self.tensors[f.tensor].shape[f.axis] for f in self.feeds.values() if f.kind == "slice"}
        lengths = {name: self.tensors[name].shape[axis] for name, axis in self.scan.axes}
        return Loop(self.scan, body, tuple(self.feeds.values()), start, first, sliced, lengths)

    def _moving(self, definition: Definition, piece: Piece) -> _Moving | None:
        axis = self.scan.axis(definition.tensor)
        assert axis is not None
        form = affine(piece.left[axis])
        if form is None or not form.coefficients:
            return None
        ((index, coefficient),) = form.coefficients
        offset = form.offset.constant
        assert coefficient == 1, f"{definition.tensor} steps by {coefficient}"
        assert offset is not None, f"{definition.tensor} starts at {form.offset}"
        return _Moving(definition, piece, axis, index, offset)

    def _start(self, moving: list[_Moving], fixed: list[tuple[Definition, Piece]]) -> int:
        """The first position that the body computes for every tensor; 0 where they do not start together."""
        given = {(d.tensor, _position(p, self.scan.axis(d.tensor))) for d, p in fixed}
        if any(position is None for _, position in given) or any(m.piece.special for m in moving):
            return 0
        start = max([*(m.offset for m in moving), *(position + 1 for _, position in given if position is not None)])
        for definition in self.scan.definitions:
            lowest = min((m.offset for m in moving if m.definition is definition), default=start)
            for position in range(start):
                if position >= lowest and (definition.tensor, position) not in given:
                    return 0
        return start

    # --- pieces of the body ---

    def _general(self, moving: _Moving, start: int, fixed: list[tuple[Definition, Piece]]) -> Piece:
        piece = self._hoisted(moving)
        value = self._slice(piece.value, moving)
        conditions: list[Expr] = []
        if moving.offset > start:
            conditions.append(Apply("ge", (self._step(), number(moving.offset))))
        if (moving.index.size + moving.offset - self.scan.steps).constant != 0:
            conditions.append(Apply("lt", (self._step(), size_value(moving.index.size + moving.offset))))
        for definition, other in fixed:
            if definition is moving.definition:
                conditions.append(Apply("ne", (self._step(), other.left[moving.axis])))
        guard = conjunction(tuple(conditions))
        left = tuple(self._slice(entry, moving) for at, entry in enumerate(piece.left) if at != moving.axis)
        indices = tuple(index for index in piece.indices if index != moving.index)
        return replace(piece, left=left, indices=indices, value=value if guard is None else Where(guard, value))

    def _at_position(self, piece: Piece, axis: int, special: bool) -> Piece:
        """An equation for one position, inside a body that computes all.

        It is ``special`` there beside others that are; otherwise the general equations leave its position out.
        """
        self._whole_reads(piece)
        left = tuple(entry for at, entry in enumerate(piece.left) if at != axis)
        here = Apply("eq", (self._step(), piece.left[axis]))
        return replace(piece, left=left, value=Where(here, piece.value), special=special)

    def _first(self, definition: Definition, piece: Piece, axis: int) -> tuple[str, int, str]:
        """An equation for one position before the loop starts, as a tensor of its own."""
        position = _position(piece, axis)
        assert position is not None
        tensor = self.tensors[definition.tensor]
        name = f"{definition.tensor}.at{position}"
        left = tuple(entry for at, entry in enumerate(piece.left) if at != axis)
        same = Piece(left, piece.indices, piece.value, False, piece.span)
        old = next((d for d in self.outside if d.tensor == name), None)
        if old is not None:
            self.outside.remove(old)
        pieces = (*(old.pieces if old is not None else ()), same)
        self.outside.append(Definition(name, definition.aggregate, pieces))
        self.tensors[name] = _without(tensor, axis, name, "defined")
        return definition.tensor, position, name

    # --- what is taken out ---

    def _hoisted(self, moving: _Moving) -> Piece:
        """The piece with its parts that read nothing of the recurrence computed outside, for all positions at once."""
        members = frozenset(name for name, _ in self.scan.axes)
        memo: dict[Expr, Expr] = {}

        def visit(node: Expr) -> Expr:
            if node not in memo:
                if not tensors_read(node) & members:
                    memo[node] = node if _sliceable(node) else self._outside(node, moving)
                elif isinstance(node, Read):
                    memo[node] = node
                elif isinstance(node, Where):
                    # What is taken out leaves its guard behind: an infinity there would make gradients NaN.
                    memo[node] = Where(visit(node.condition), visit(protected(node.arg, node.condition)))
                else:
                    memo[node] = with_children(node, tuple(visit(child) for child in children(node)))
            return memo[node]

        return replace(moving.piece, value=visit(moving.piece.value))

    def _outside(self, node: Expr, moving: _Moving) -> Expr:
        indices = sorted(free_indices(node), key=lambda index: (index != moving.index, index.name))
        if any(isinstance(child, Where) for child in (node,)):
            return node
        self.count += 1
        name = f"{moving.definition.tensor}.part{self.count}"
        while name in self.tensors:
            self.count += 1
            name = f"{moving.definition.tensor}.part{self.count}"
        left = tuple(Position(index) for index in indices)
        span = moving.piece.span
        self.outside.append(Definition(name, "sum", (Piece(left, tuple(indices), node, False, span),)))
        axes = tuple(Axis(index.name, index.size) for index in indices)
        self.tensors[name] = Tensor(name, "defined", axes, dtype(node), span)
        return Read(name, left, tuple(index.size for index in indices), dtype(node))

    # --- slices ---

    def _slice(self, node: Expr, moving: _Moving) -> Expr:
        memo: dict[Expr, Expr] = {}

        def visit(top: Expr) -> Expr:
            if top not in memo:
                match top:
                    case Position(index=index) if index == moving.index:
                        memo[top] = _plus(self._step(), -moving.offset)
                    case Read():
                        memo[top] = self._read(top, moving, visit)
                    case _:
                        memo[top] = with_children(top, tuple(visit(child) for child in children(top)))
            return memo[top]

        return visit(node)

    def _read(self, node: Read, moving: _Moving, visit: Callable[[Expr], Expr]) -> Expr:
        axis = self.scan.axis(node.tensor)
        if axis is None:
            axis = _moving_axis(node, moving.index)
            if axis is None:
                self._whole(node.tensor)
                return with_children(node, tuple(visit(entry) for entry in node.at))
            offset = _offset(node.at[axis], moving.index) - moving.offset
            name = self._feed("slice", node.tensor, axis, offset)
        else:
            lag = (Size.of(moving.offset) - _offset(node.at[axis], moving.index)).constant
            assert lag is not None
            name = node.tensor if lag == 0 else self._feed("lag", node.tensor, axis, Size.of(abs(lag)))
        rest = tuple(visit(entry) for at, entry in enumerate(node.at) if at != axis)
        shape = tuple(size for at, size in enumerate(node.shape) if at != axis)
        return Read(name, rest, shape, node.dtype)

    def _feed(self, kind: str, tensor: str, axis: int, offset: Size) -> str:
        name = f"{tensor}.{kind}{axis}_{offset}".replace("-", "m").replace(" ", "")
        self.feeds[name] = Feed(name, kind, tensor, axis, offset)
        self.inside[name] = _without(self.tensors[tensor], axis, name, "input")
        return name

    def _whole(self, tensor: str) -> None:
        if tensor in self.tensors and tensor not in self.feeds:
            self.feeds[tensor] = Feed(tensor, "whole", tensor)
            self.inside[tensor] = replace(self.tensors[tensor], kind="input")

    def _whole_reads(self, piece: Piece) -> None:
        for name in tensors_read(piece.value):
            self._whole(name)

    def _step(self) -> Expr:
        if STEP not in self.feeds:
            self.feeds[STEP] = Feed(STEP, "step")
            span = self.scan.definitions[0].pieces[0].span
            self.inside[STEP] = Tensor(STEP, "input", (), "int", span)
        return Read(STEP, (), (), "int")


def _without(tensor: Tensor, axis: int, name: str, kind: str) -> Tensor:
    """A tensor less one axis, under another name; nothing is learned or loaded."""
    axes = tuple(a for at, a in enumerate(tensor.axes) if at != axis)
    return Tensor(name, kind, axes, tensor.dtype, tensor.span)


def _constant_entry(piece: Piece, axis: int) -> bool:
    form = affine(piece.left[axis])
    return form is not None and not form.coefficients


def _position(piece: Piece, axis: int | None) -> int | None:
    form = affine(piece.left[axis]) if axis is not None else None
    return None if form is None else form.offset.constant


def _plus(node: Expr, offset: int) -> Expr:
    return node if offset == 0 else Apply("add", (node, number(offset)))


def _sliceable(node: Expr) -> bool:
    """Whether an expression costs nothing at each position: a number, an index, a slice of a tensor."""
    match node:
        case Const() | Position():
            return True
        case Read(at=at):
            return all(affine(entry) is not None for entry in at)
        case _:
            return False


def _moving_axis(node: Read, index: Index) -> int | None:
    """The one axis of a read that moves with the loop by whole positions, if all else stands still."""
    moves = [at for at, entry in enumerate(node.at) if index in free_indices(entry)]
    if len(moves) != 1:
        return None
    form = affine(node.at[moves[0]])
    if form is None or form.coefficients != ((index, 1),) or form.offset.constant is None:
        return None
    return moves[0]


def _offset(entry: Expr, index: Index) -> Size:
    form = affine(entry)
    assert form is not None
    assert form.coefficients == ((index, 1),), f"{entry} does not step with {index}"
    return form.offset
