"""Recurrences in which some tensors are one position ahead of the others: ``S[l+1]`` beside ``H[l]``, as in layers.

In: a scan. Out: the same recurrence with the first position of those tensors left out, so that all are computed for
the same positions: what is written ``S[l+1] = Y[l]`` is computed together with ``Y[l]``, and one body serves all steps.
What stood at the first position is what the recurrence starts from (``Scan.before``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tensorlang.ir.domain import Size, largest
from tensorlang.ir.nodes import Apply, Expr, Index, Position, Read, affine, number, size_value, tensors_read
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor
from tensorlang.ir.recursion import Scan
from tensorlang.ir.rewrite import Rule, map_definition, rewrite
from tensorlang.passes.contexts import needed, reads, unused
from tensorlang.passes.ranges import not_negative
from tensorlang.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A tensor whose equations begin at position 1: ``name`` is it less position 0, ``first`` its equations there."""

    tensor: Tensor
    axis: int
    name: str
    first: tuple[Piece, ...]


def aligned(program: Program, scan: Scan) -> Program | None:
    """The program with the scan aligned; None where it is not of that kind."""
    if scan.reverse or scan.before or scan.resting or scan.manner.method == "parallel":
        return None
    ahead: dict[str, _Ahead] = {}
    for definition in scan.definitions:
        axis = scan.axis(definition.tensor)
        found = None if axis is None else _shift(scan, definition, axis)
        if axis is None or found is None:
            return None
        shift, first = found
        if shift:
            tensor = program.tensors[definition.tensor]
            ahead[tensor.name] = _Ahead(tensor, axis, unused(program.tensors, f"{tensor.name}.next"), first)
    if not ahead or len(ahead) == len(scan.definitions):
        return None
    order = _order(scan, ahead)
    return None if order is None else _aligned(program, scan, ahead, order)


def _shift(scan: Scan, definition: Definition, axis: int) -> tuple[int, tuple[Piece, ...]] | None:
    """0 or 1: where the equations of a tensor begin; and those of position 0, if they begin at 1."""
    shifts: set[int] = set()
    first = []
    for piece in definition.pieces:
        form = affine(piece.left[axis])
        if form is None or form.offset.constant not in (0, 1):
            return None
        if form.coefficients:
            shifts.add(form.offset.constant)
            if not _near(scan, piece, form.coefficients[0][0]):
                return None
        elif form.offset.constant == 0 and not tensors_read(piece.value) & frozenset(scan.members):
            first.append(piece)
        else:
            return None
    if len(shifts) != 1 or definition.aggregate != "sum" or (first and shifts == {0}):
        return None
    return shifts.pop(), tuple(first)


def _near(scan: Scan, piece: Piece, index: Index) -> bool:
    """Whether an equation reads the recurrence only at the position that it stands at, or before it, or one ahead."""
    for read in reads(piece.value):
        axis = scan.axis(read.tensor)
        form = None if axis is None else affine(read.at[axis])
        if axis is not None and (form is None or form.coefficients != ((index, 1),) or form.offset.constant is None):
            return False
    return not any(tensors_read(entry) & frozenset(scan.members) for entry in piece.left)


def _distances(scan: Scan, ahead: Mapping[str, _Ahead], definition: Definition) -> dict[str, set[int]]:
    """How many steps back a definition reads each tensor, once all are computed for the same positions."""
    found: dict[str, set[int]] = {}
    for piece in definition.pieces:
        for read in reads(piece.value):
            axis = scan.axis(read.tensor)
            form = None if axis is None else affine(read.at[axis])
            if form is not None and form.coefficients and form.offset.constant is not None:
                back = (1 if read.tensor in ahead else 0) - form.offset.constant
                found.setdefault(read.tensor, set()).add(back)
    return found


def _order(scan: Scan, ahead: Mapping[str, _Ahead]) -> tuple[Definition, ...] | None:
    """The definitions in the order of one step; None where there is none, or a step looks back beyond the start."""
    inner = {name: at for at, unit in enumerate(scan.inner) for name in unit.members}
    waits: dict[str, set[str]] = {}
    for definition in scan.definitions:
        waits[definition.tensor] = set()
        for tensor, back in _distances(scan, ahead, definition).items():
            if min(back) < 0 or (tensor in ahead and max(back) > 1):
                return None
            together = tensor in inner and inner.get(definition.tensor) == inner[tensor]
            if 0 in back and not together:
                waits[definition.tensor].add(tensor)
    done: dict[str, Definition] = {}
    left = list(scan.definitions)
    while left:
        ready = next((d for d in left if waits[d.tensor] <= done.keys()), None)
        if ready is None:
            return None
        done[ready.tensor] = ready
        left.remove(ready)
    return tuple(done.values())


# --- the recurrence for equal positions --------------------------------------------------------------------------


def _aligned(program: Program, scan: Scan, ahead: Mapping[str, _Ahead], order: tuple[Definition, ...]) -> Program:
    tensors = dict(program.tensors)
    outside: list[Definition] = []
    before = []
    for each in ahead.values():
        tensors[each.name] = _shorter(each)
        if each.first:
            start, definition = _start(program, each)
            tensors[start.name] = start
            outside.append(definition)
            before.append((each.name, start.name))

    def step(definition: Definition) -> Definition:
        return _moved(definition, ahead)

    inner = tuple(_inner(unit, ahead) for unit in scan.inner)
    axes = tuple((ahead[name].name if name in ahead else name, axis) for name, axis in scan.axes)
    lengths = (tensors[name].shape[axis] for name, axis in axes)
    kept = frozenset(ahead[name].name if name in ahead else name for name in scan.kept)
    made = replace(
        scan,
        axes=axes,
        definitions=tuple(map(step, order)),
        steps=largest(lengths),
        inner=inner,
        kept=kept,
        before=tuple(before),
    )
    program = _outside(replace(program, tensors=tensors), scan, ahead)
    scans = tuple(made if unit is scan else unit for unit in program.scans)
    program = replace(program, scans=scans)
    whole = _whole(program, made, ahead)
    tensors = {n: replace(t, kind="defined") if n in ahead else t for n, t in program.tensors.items()}
    read = {definition.tensor for definition in whole}
    tensors = {n: t for n, t in tensors.items() if n not in ahead or n in read}
    return replace(program, tensors=tensors, definitions=(*program.definitions, *outside, *whole))


def _inner(scan: Scan, ahead: Mapping[str, _Ahead]) -> Scan:
    axes = tuple((ahead[name].name if name in ahead else name, axis) for name, axis in scan.axes)
    definitions = tuple(_moved(definition, ahead) for definition in scan.definitions)
    return replace(scan, axes=axes, definitions=definitions, inner=tuple(_inner(unit, ahead) for unit in scan.inner))


def _shorter(each: _Ahead) -> Tensor:
    axes = tuple(Axis(a.label, a.size - 1) if at == each.axis else a for at, a in enumerate(each.tensor.axes))
    return replace(each.tensor, name=each.name, axes=axes)


def _start(program: Program, each: _Ahead) -> tuple[Tensor, Definition]:
    """What stands at the first position, as a tensor of its own."""
    name = unused(program.tensors, f"{each.tensor.name}.start")
    axes = tuple(axis for at, axis in enumerate(each.tensor.axes) if at != each.axis)
    pieces = tuple(
        replace(piece, left=tuple(entry for at, entry in enumerate(piece.left) if at != each.axis))
        for piece in each.first
    )
    plain = tuple(replace(piece, special=False) for piece in pieces) if len(pieces) == 1 else pieces
    tensor = Tensor(name, "defined", axes, each.tensor.dtype, each.tensor.span)
    return tensor, Definition(name, "sum", plain)


def plus(entry: Expr, offset: int) -> Expr:
    """An entry of an index so many positions on."""
    form = affine(entry)
    if form is not None and len(form.coefficients) == 1 and form.coefficients[0][1] == 1:
        constant = form.offset.constant
        if constant is not None:
            position = Position(form.coefficients[0][0])
            return position if constant + offset == 0 else Apply("add", (position, number(constant + offset)))
    return Apply("add", (entry, number(offset)))


def _moved(definition: Definition, ahead: Mapping[str, _Ahead]) -> Definition:
    """A definition of the recurrence, for equal positions."""

    def rule(node: Expr) -> Expr | None:
        if not isinstance(node, Read) or node.tensor not in ahead:
            return None
        each = ahead[node.tensor]
        at = tuple(plus(entry, -1) if k == each.axis else entry for k, entry in enumerate(node.at))
        return Read(each.name, at, _less(node.shape, each.axis), node.dtype)

    memo: dict[Expr, Expr] = {}
    changed = map_definition(definition, lambda value: rewrite(value, (rule,), memo))
    own = ahead.get(definition.tensor)
    if own is None:
        return changed
    moving = (piece for piece in changed.pieces if _moves(piece, own.axis))
    pieces = tuple(
        replace(piece, left=tuple(plus(e, -1) if at == own.axis else e for at, e in enumerate(piece.left)))
        for piece in moving
    )
    return Definition(own.name, changed.aggregate, pieces)


def _moves(piece: Piece, axis: int) -> bool:
    form = affine(piece.left[axis])
    return form is not None and bool(form.coefficients)


def _less(shape: tuple[Size, ...], axis: int) -> tuple[Size, ...]:
    return tuple(size - 1 if at == axis else size for at, size in enumerate(shape))


# --- what others read --------------------------------------------------------------------------------------------


def _outside(program: Program, scan: Scan, ahead: Mapping[str, _Ahead]) -> Program:
    """Others read the tensors at fixed positions behind the first directly."""

    def rule(node: Expr) -> Expr | None:
        if not isinstance(node, Read) or node.tensor not in ahead:
            return None
        each = ahead[node.tensor]
        form = affine(node.at[each.axis])
        if form is None or form.coefficients or not not_negative(form.offset - 1):
            return None
        at = tuple(size_value(form.offset - 1) if k == each.axis else entry for k, entry in enumerate(node.at))
        return Read(each.name, at, _less(node.shape, each.axis), node.dtype)

    return rewritten_outside(program, scan, rule)


def rewritten_outside(program: Program, scan: Scan, rule: Rule) -> Program:
    """The program with a rule applied in all definitions but those of one scan."""
    memo: dict[Expr, Expr] = {}

    def change(definitions: Iterable[Definition]) -> tuple[Definition, ...]:
        return tuple(map_definition(d, lambda value: rewrite(value, (rule,), memo)) for d in definitions)

    scans = tuple(u if u is scan else replace(u, definitions=change(u.definitions)) for u in program.scans)
    fixpoints = tuple(replace(u, definitions=change(u.definitions)) for u in program.fixpoints)
    return replace(program, definitions=change(program.definitions), scans=scans, fixpoints=fixpoints)


def _whole(program: Program, scan: Scan, ahead: Mapping[str, _Ahead]) -> list[Definition]:
    """The tensors with their first position, where something reads them so."""
    read = set(needed(program))
    units = [*program.definitions]
    units += [definition for unit in program.scans for definition in unit.definitions]
    units += [definition for unit in program.fixpoints for definition in unit.definitions]
    read |= {node.tensor for d in units for piece in d.pieces for e in (piece.value, *piece.left) for node in reads(e)}
    found = []
    for name, each in ahead.items():
        if name not in read:
            continue
        axes = [Index(f"x{at}", axis.size) for at, axis in enumerate(each.tensor.axes)]
        axes[each.axis] = Index(f"x{each.axis}", each.tensor.axes[each.axis].size - 1)
        left: list[Expr] = [Position(index) for index in axes]
        value = Read(each.name, tuple(left), _less(each.tensor.shape, each.axis), each.tensor.dtype)
        left[each.axis] = Apply("add", (left[each.axis], number(1)))
        behind = Piece(tuple(left), tuple(axes), value, False, each.tensor.span)
        found.append(Definition(name, "sum", (*each.first, behind)))
    return found
