"""Recurrences in which some tensors are computed late (``Scan.late``) to ones in which all go in step.

In: a Program. Out: the same, with tensors that begin at the position of the step that computes them first: what stood
at position p of ``Q`` stands at p + steps of ``Q.late``, 0 before. Then each read is before it, or beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import Const, Expr, Index, Position, Read, affine, number, size_value
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor
from tensorlang.ir.recursion import Scan
from tensorlang.ir.rewrite import map_definition, rewrite
from tensorlang.passes.aligned import plus, rewritten_outside
from tensorlang.passes.contexts import unused
from tensorlang.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class _Late:
    """A tensor, the axis of its steps, how many of them it waits, and the name of what takes its place."""

    tensor: Tensor
    axis: int
    steps: int
    name: str

    @property
    def shape(self) -> tuple[Size, ...]:
        return tuple(s + self.steps if at == self.axis else s for at, s in enumerate(self.tensor.shape))

    def moved(self, at: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """Entries for it as entries for what takes its place."""
        return tuple(_plus(entry, self.steps) if k == self.axis else entry for k, entry in enumerate(at))


def in_step(program: Program) -> Program:
    """The program without tensors that are computed late."""
    for at, scan in enumerate(program.scans):
        if scan.late:
            late = {name: _late(program, scan, name, steps) for name, steps in scan.late}
            made = _scan(scan, late)
            program = _outside(program, scan, late)
            scans = (*program.scans[:at], made, *program.scans[at + 1 :])
            program = replace(program, scans=scans)
    return program


def _late(program: Program, scan: Scan, tensor: str, steps: int) -> _Late:
    name = unused(program.tensors, f"{tensor}.late")
    axis = scan.axis(tensor)
    assert axis is not None, f"{tensor} is not of this recurrence"
    return _Late(program.tensors[tensor], axis, steps, name)


def _plus(entry: Expr, offset: int) -> Expr:
    form = affine(entry)
    if form is not None and not form.coefficients:
        return size_value(form.offset + offset)
    return plus(entry, offset)


def _scan(scan: Scan, late: Mapping[str, _Late]) -> Scan:
    """The recurrence, and those inside of it, in step."""
    memo: dict[Expr, Expr] = {}

    def rule(node: Expr) -> Expr | None:
        if not isinstance(node, Read) or node.tensor not in late:
            return None
        each = late[node.tensor]
        return Read(each.name, each.moved(node.at), each.shape, node.dtype)

    def moved(definition: Definition) -> Definition:
        changed = map_definition(definition, lambda value: rewrite(value, (rule,), memo))
        each = late.get(definition.tensor)
        if each is None:
            return changed
        pieces = tuple(replace(piece, left=each.moved(piece.left)) for piece in changed.pieces)
        return Definition(each.name, changed.aggregate, (*_nothing(each, changed.aggregate), *pieces))

    def named(unit: Scan) -> Scan:
        axes = tuple((late[name].name if name in late else name, axis) for name, axis in unit.axes)
        definitions = tuple(map(moved, unit.definitions))
        kept = frozenset(late[name].name if name in late else name for name in unit.kept)
        inner = tuple(map(named, unit.inner))
        return replace(unit, axes=axes, definitions=definitions, kept=kept, inner=inner, late=())

    return named(scan)


def _nothing(each: _Late, aggregate: str) -> Iterable[Piece]:
    """What stands before the first position is outside, so 0, whatever an aggregate gives where there is nothing."""
    indices = [Index(f"x{at}", size) for at, size in enumerate(each.shape)]
    others = tuple(index for at, index in enumerate(indices) if at != each.axis)
    kind = each.tensor.dtype if each.tensor.dtype in ("bool", "int", "complex") else "float"
    zero = Const({"bool": False, "int": 0}.get(kind, 0.0), kind)
    for place in range(0 if aggregate in ("sum", "any") else each.steps):
        left = tuple(number(place) if at == each.axis else Position(index) for at, index in enumerate(indices))
        yield Piece(left, others, zero, True, each.tensor.span)


def _outside(program: Program, scan: Scan, late: Mapping[str, _Late]) -> Program:
    """Others read single positions where they stand now; for all other reads there is a copy from there."""

    def rule(node: Expr) -> Expr | None:
        if not isinstance(node, Read) or node.tensor not in late:
            return None
        each = late[node.tensor]
        form = affine(node.at[each.axis])
        if form is None or form.coefficients:
            return None
        return Read(each.name, each.moved(node.at), each.shape, node.dtype)

    tensors = dict(program.tensors)
    copies = []
    for name, each in late.items():
        axes = (Axis(a.label, size) for a, size in zip(each.tensor.axes, each.shape, strict=True))
        tensors[each.name] = replace(each.tensor, name=each.name, axes=tuple(axes))
        tensors[name] = replace(each.tensor, kind="defined")
        indices = tuple(Index(f"x{at}", size) for at, size in enumerate(each.tensor.shape))
        at = tuple(map(Position, indices))
        value = Read(each.name, each.moved(at), each.shape, each.tensor.dtype)
        copies.append(Definition(name, "sum", (Piece(at, indices, value, False, each.tensor.span),)))
    program = rewritten_outside(program, scan, rule)
    return replace(program, tensors=tensors, definitions=(*program.definitions, *copies))
