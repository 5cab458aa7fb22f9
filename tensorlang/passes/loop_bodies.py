"""Equations over all positions to equations for one: what a body reads, slice by slice.

In: the values of a recurrence's equations. Out: the same values at one position, over tensors that are one axis
smaller: slices of tensors outside, earlier positions of the recurrence; and the ``Feed`` of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import (
    Apply,
    Expr,
    Index,
    Position,
    Read,
    affine,
    children,
    free_indices,
    number,
    product,
    size_value,
    with_children,
)
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor, definition_reads
from tensorlang.ir.recursion import Feed, Fixpoint, Resting, Scan
from tensorlang.records import dataclass, field, replace

STEP = "step"


@dataclass(frozen=True, slots=True)
class Moving:
    """A piece at one position of its axis: ``index + offset``, or (no index) just ``offset``."""

    definition: Definition
    piece: Piece
    axis: int
    index: Index | None
    offset: Size

    @property
    def end(self) -> Size:
        """The position behind the last that it defines."""
        return self.offset + (1 if self.index is None else self.index.size)


@dataclass(slots=True, eq=False)
class Body:
    """A body in the making: for any position (the feed ``step``), or for one that is known."""

    scan: Scan
    tensors: dict[str, Tensor]
    position: Size | None = None
    windows: Mapping[str, Size] = field(default_factory=dict)
    feeds: dict[str, Feed] = field(default_factory=dict)
    inside: dict[str, Tensor] = field(default_factory=dict)

    def program(self, definitions: Sequence[Definition], results: tuple[str, ...], program: Program) -> Program:
        """The Program of one position: definitions, but for those that are scans and fixed points in it."""
        by_name = {definition.tensor: definition for definition in definitions}
        inner = tuple(self._inner(scan, by_name) for scan in self.scan.inner if _circular(scan, by_name))
        resting = tuple(f for rest in self.scan.resting if (f := _at_rest(rest, by_name)) is not None)
        scanned = {name for scan in inner for name in scan.members}.union(*(rest.members for rest in resting))
        for name, axis in self.scan.axes:
            self.inside[name] = without(self.tensors[name], axis, name, "scanned" if name in scanned else "defined")
        plain = tuple(definition for definition in definitions if definition.tensor not in scanned)
        return Program(
            self.inside, plain, results, dims=program.dims, sizes=program.sizes, scans=inner, fixpoints=resting
        )

    def _inner(self, scan: Scan, sliced: dict[str, Definition]) -> Scan:
        """A scan along a further axis, with the axis of this one gone."""
        axes = tuple((name, axis - (axis > (self.scan.axis(name) or 0))) for name, axis in scan.axes)
        definitions = tuple(sliced[definition.tensor] for definition in scan.definitions)
        inner = tuple(self._inner(deeper, sliced) for deeper in scan.inner)
        return replace(scan, axes=axes, definitions=definitions, inner=inner)

    def step(self) -> Expr:
        """The position as a value."""
        if self.position is not None:
            return size_value(self.position)
        if STEP not in self.feeds:
            self.feeds[STEP] = Feed(STEP, "step")
            span = self.scan.definitions[0].pieces[0].span
            self.inside[STEP] = Tensor(STEP, "input", (), "int", span)
        return Read(STEP, (), (), "int")

    def sliced(self, node: Expr, moving: Moving) -> Expr:
        """An expression of a piece at the body's position."""
        memo: dict[Expr, Expr] = {}

        def visit(top: Expr) -> Expr:
            if top not in memo:
                match top:
                    case Position(index=index) if index == moving.index:
                        memo[top] = self._shifted(-moving.offset)
                    case Read():
                        memo[top] = self._read(top, moving, visit)
                    case _:
                        memo[top] = with_children(top, tuple(visit(child) for child in children(top)))
            return memo[top]

        return visit(node)

    def _shifted(self, offset: Size) -> Expr:
        if self.position is not None:
            return size_value(self.position + offset)
        return self.step() if not offset.terms else Apply("add", (self.step(), size_value(offset)))

    def _read(self, node: Read, moving: Moving, visit: Callable[[Expr], Expr]) -> Expr:
        axis = self.scan.axis(node.tensor)
        if axis is None:
            axis = None if moving.index is None else _moving_axis(node, moving.index)
            if axis is None:
                self._whole(node.tensor)
                return with_children(node, tuple(visit(entry) for entry in node.at))
            name = self._feed("slice", node.tensor, axis, _offset(node.at[axis], moving.index) - moving.offset)
        elif (spread := spread_of(node, axis, moving)) is not None:
            return self._window(node, axis, spread, visit)
        else:
            lag = (moving.offset - _offset(node.at[axis], moving.index)).constant
            assert lag is not None, f"{node.tensor} is read at {node.at[axis]}"
            name = node.tensor if lag == 0 else self._feed("lag", node.tensor, axis, Size.of(abs(lag)))
        rest = tuple(visit(entry) for at, entry in enumerate(node.at) if at != axis)
        shape = tuple(size for at, size in enumerate(node.shape) if at != axis)
        return Read(name, rest, shape, node.dtype)

    def _window(self, node: Read, axis: int, spread: Spread, visit: Callable[[Expr], Expr]) -> Expr:
        """A read of any of the last positions: of a tensor that has them, the newest first."""
        count = self.windows[node.tensor]
        name = f"{node.tensor}.window"
        self.feeds[name] = Feed(name, "window", node.tensor, axis, count)
        less = without(self.tensors[node.tensor], axis, name, "input")
        self.inside[name] = replace(less, axes=(Axis("back", count), *less.axes))
        back = [Position(index) if c == 1 else product(number(c), Position(index)) for index, c in spread.others]
        base = size_value(spread.nearest - 1)
        place = Apply("add", (base, *back)) if spread.nearest != Size.of(1) or len(back) > 1 else back[0]
        rest = tuple(visit(entry) for at, entry in enumerate(node.at) if at != axis)
        return Read(
            name, (place, *rest), (count, *(size for at, size in enumerate(node.shape) if at != axis)), node.dtype
        )

    def _feed(self, kind: str, tensor: str, axis: int, offset: Size) -> str:
        name = f"{tensor}.{kind}{axis}_{offset}".replace("-", "m").replace(" ", "")
        self.feeds[name] = Feed(name, kind, tensor, axis, offset)
        self.inside[name] = without(self.tensors[tensor], axis, name, "input")
        return name

    def _whole(self, tensor: str) -> None:
        if tensor in self.tensors and tensor not in self.feeds:
            self.feeds[tensor] = Feed(tensor, "whole", tensor)
            self.inside[tensor] = replace(self.tensors[tensor], kind="input")


def _at_rest(rest: Resting, sliced: dict[str, Definition]) -> Fixpoint | None:
    """A fixed point at one position; None where its tensors do not read each other there."""
    definitions = tuple(sliced[name] for name in rest.tensors)
    if not any(definition_reads(definition) & set(rest.tensors) for definition in definitions):
        return None
    return replace(rest.fixpoint, definitions=definitions)


def _circular(scan: Scan, sliced: dict[str, Definition]) -> bool:
    """Whether tensors that are a scan along a further axis still read each other: at a first position they may not."""
    members = frozenset(scan.members)
    return any(definition_reads(sliced[name]) & members for name in members)


@dataclass(frozen=True, slots=True)
class Spread:
    """A read ``nearest`` positions back, and by multiples of other indices more."""

    nearest: Size
    others: tuple[tuple[Index, int], ...]

    @property
    def count(self) -> Size:
        """How many positions back it reads at most."""
        return self.nearest + sum((c * (index.size - 1) for index, c in self.others), Size.of(0))


def spread_of(node: Read, axis: int, moving: Moving) -> Spread | None:
    """How a tensor of the recurrence is read at several positions at once; None where it is at a fixed distance."""
    form = affine(node.at[axis])
    assert form is not None, f"{node.tensor} is read at {node.at[axis]}"
    others = tuple((index, c) for index, c in form.coefficients if index != moving.index)
    if not others:
        return None
    side = 1 if others[0][1] > 0 else -1
    nearest = (form.offset - moving.offset) * side
    return Spread(nearest, tuple((index, c * side) for index, c in others))


def without(tensor: Tensor, axis: int, name: str, kind: str) -> Tensor:
    """A tensor less one axis, under another name; nothing is learned or loaded."""
    axes = tuple(a for at, a in enumerate(tensor.axes) if at != axis)
    return Tensor(name, kind, axes, tensor.dtype, tensor.span)


def _moving_axis(node: Read, index: Index) -> int | None:
    """The one axis of a read that moves with the loop by whole positions, if all else stands still."""
    moves = [at for at, entry in enumerate(node.at) if index in free_indices(entry)]
    if len(moves) != 1:
        return None
    form = affine(node.at[moves[0]])
    if form is None or form.coefficients != ((index, 1),) or form.offset.constant is None:
        return None
    return moves[0]


def _offset(entry: Expr, index: Index | None) -> Size:
    form = affine(entry)
    assert form is not None
    moves = () if index is None else ((index, 1),)
    assert form.coefficients == moves, f"{entry} does not step with {index}"
    return form.offset
