"""Tables to their diagonals: what stands on one diagonal of a recurrence along two axes is computed at once.

In: a Program with scans inside scans. Out: the same Program in which ``D[i,j]`` is ``E[s i + j, i]`` where that can be:
where what D[i,j] reads stands on earlier diagonals, ``s a + b > 0`` for each read (a, b) positions back. E is a scan
along a single axis, with all rows side by side; so a table of n times m elements takes n + m steps, and not n m.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tensorlang.ir.domain import Size, largest
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import (
    Affine,
    Apply,
    Expr,
    Index,
    Position,
    Read,
    Where,
    affine,
    conjunction,
    free_indices,
    number,
    product,
    size_value,
)
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor
from tensorlang.ir.recursion import Manner, Scan
from tensorlang.ir.rewrite import fresh_name, indices_inside, map_definition, rewrite
from tensorlang.passes.contexts import needed, reads, unused
from tensorlang.passes.ranges import not_negative
from tensorlang.passes.scopes import put, runs_along
from tensorlang.records import dataclass, replace

# Rows are this far apart at most; further, and most of a diagonal would be empty.
_STEEPEST = 2
# Rows longer than so many times their number are computed one after the other.
_LONGEST = 4


def diagonals(program: Program) -> Program:
    """The program with its tables computed diagonal by diagonal."""
    for scan in program.scans:
        table = _table(scan, program)
        if table is not None:
            program = table.computed(program)
    return program


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a left side: ``index + offset``, or just ``offset``."""

    index: Index | None
    offset: int


@dataclass(frozen=True, slots=True)
class _Table:
    """A scan with the axes of its rows (outside) and columns, by tensor; ``slope`` is s."""

    scan: Scan
    rows: Mapping[str, int]
    columns: Mapping[str, int]
    slope: int
    tensors: Mapping[str, Tensor]

    def name(self, tensor: str) -> str:
        return unused(self.tensors, f"{tensor}.diagonal")

    def count(self, tensor: str) -> Size:
        """The diagonals of a tensor."""
        shape = self.tensors[tensor].shape
        return shape[self.rows[tensor]] * self.slope + shape[self.columns[tensor]]

    def computed(self, program: Program) -> Program:
        """The program with this table's tensors by their diagonals."""
        made = {name: self._turned(self.tensors[name]) for name in self.scan.members}
        scan = Scan(
            tuple((made[name].name, self.rows[name]) for name in self.scan.members),
            tuple(self._definition(definition) for definition in self.scan.definitions),
            largest([self.count(name) for name in self.scan.members]),
            False,
        )
        program = self._read_directly(program)
        left = [name for name in self.scan.members if name in _read(program, self.scan)]
        back = tuple(self._back(self.tensors[name]) for name in left)
        tensors = dict(program.tensors) | {tensor.name: tensor for tensor in made.values()}
        tensors |= {name: replace(tensors[name], kind="defined") for name in left}
        scans = tuple(scan if unit is self.scan else unit for unit in program.scans)
        return replace(program, tensors=tensors, scans=scans, definitions=(*program.definitions, *back))

    def _turned(self, tensor: Tensor) -> Tensor:
        axes = list(tensor.axes)
        row = axes[self.rows[tensor.name]]
        axes[self.rows[tensor.name]] = Axis("diagonal", self.count(tensor.name))
        axes[self.columns[tensor.name]] = row
        return Tensor(self.name(tensor.name), "scanned", tuple(axes), tensor.dtype, tensor.span)

    def _at(self, tensor: str, at: tuple[Expr, ...], diagonal: Expr, row: Expr) -> tuple[Expr, ...]:
        entries = list(at)
        entries[self.rows[tensor]], entries[self.columns[tensor]] = diagonal, row
        return tuple(entries)

    # --- outside ---

    def _back(self, tensor: Tensor) -> Definition:
        """A tensor by rows and columns, from its diagonals."""
        indices = tuple(Index(f"x{at}", axis.size) for at, axis in enumerate(tensor.axes))
        left = tuple(map(Position, indices))
        piece = Piece(left, indices, self._element(tensor.name, left, tensor.dtype), False, tensor.span)
        return Definition(tensor.name, "sum", (piece,))

    def _element(self, tensor: str, at: tuple[Expr, ...], dtype: str) -> Expr:
        row, column = at[self.rows[tensor]], at[self.columns[tensor]]
        turned = self._turned(self.tensors[tensor])
        return Read(turned.name, self._at(tensor, at, _sum(_times(row, self.slope), column), row), turned.shape, dtype)

    def _read_directly(self, program: Program) -> Program:
        """What reads one element of a table reads it from its diagonal."""

        def rule(node: Expr) -> Expr | None:
            if isinstance(node, Read) and node.tensor in self.rows and self._is_element(node):
                return self._element(node.tensor, node.at, node.dtype)
            return None

        memo: dict[Expr, Expr] = {}
        changed = tuple(map_definition(d, lambda value: rewrite(value, (rule,), memo)) for d in program.definitions)
        return replace(program, definitions=changed)

    def _is_element(self, node: Read) -> bool:
        for axis in (self.rows[node.tensor], self.columns[node.tensor]):
            form = affine(node.at[axis])
            if form is None or form.coefficients or not not_negative(form.offset):
                return False
            if not not_negative(node.shape[axis] - 1 - form.offset):
                return False
        return True

    # --- inside ---

    def _definition(self, definition: Definition) -> Definition:
        indices = self._indices(definition)
        found = [(piece, *self._piece(definition.tensor, piece, indices)) for piece in definition.pieces]
        over = tuple(Apply("not", (condition,)) for piece, condition, _ in found if piece.special)
        left = tuple(map(Position, indices))
        pieces = []
        for piece, condition, value in found:
            # What stands in the place of another leaves it nothing, so that all add up (or join) side by side.
            guard = conjunction((condition, *(() if piece.special else over)))
            assert guard is not None, "an equation of a table has its elements"
            pieces.append(Piece(left, indices, Where(guard, value), False, piece.span))
        if definition.aggregate not in ("sum", "any"):
            pieces.append(self._beside(definition, indices))
        return Definition(self.name(definition.tensor), definition.aggregate, tuple(pieces))

    def _indices(self, definition: Definition) -> tuple[Index, ...]:
        """Indices for the axes of a tensor by its diagonals, of names that its equations do not have."""
        nodes = [node for piece in definition.pieces for node in (piece.value, *piece.left)]
        taken = {index.name for node in nodes for index in indices_inside(node)}
        found = []
        for at, axis in enumerate(self._turned(self.tensors[definition.tensor]).axes):
            words = {self.rows[definition.tensor]: "diagonal", self.columns[definition.tensor]: "row"}
            found.append(Index(fresh_name(words.get(at, "x"), taken), axis.size))
            taken.add(found[-1].name)
        return tuple(found)

    def _column(self, tensor: str, indices: tuple[Index, ...]) -> Expr:
        d, row = indices[self.rows[tensor]], indices[self.columns[tensor]]
        return _sum(Position(d), _times(Position(row), -self.slope))

    def _beside(self, definition: Definition, indices: tuple[Index, ...]) -> Piece:
        """Beside the table, where a diagonal is longer than it, a read gives 0."""
        tensor = self.tensors[definition.tensor]
        column, size = self._column(tensor.name, indices), tensor.shape[self.columns[tensor.name]]
        beside = Apply("or", (Apply("lt", (column, number(0))), Apply("ge", (column, size_value(size)))))
        zero = number(False) if tensor.dtype == "bool" else number(0)
        return Piece(tuple(map(Position, indices)), indices, Where(beside, zero), False, tensor.span)

    def _piece(self, tensor: str, piece: Piece, indices: tuple[Index, ...]) -> tuple[Expr, Expr]:
        """Where an equation says something, by diagonals and rows, and what."""
        row = Position(indices[self.columns[tensor]])
        places = {self.rows[tensor]: row, self.columns[tensor]: self._column(tensor, indices)}
        values: dict[Index, Expr] = {}
        guards: list[Expr] = []
        for at, node in enumerate(piece.left):
            entry = _entry(node)
            assert entry is not None, "the left sides of a table are plain"
            place = places.get(at, Position(indices[at]))
            if entry.index is None:
                guards.append(Apply("eq", (place, number(entry.offset))))
                continue
            values[entry.index] = _sum(place, number(-entry.offset))
            if at in places:
                guards.append(Apply("ge", (values[entry.index], number(0))))
                guards.append(Apply("lt", (values[entry.index], size_value(entry.index.size))))
        d = Position(indices[self.rows[tensor]])
        value = put(self._reads(piece, tensor, d, row), values)
        assert value is not None, "nothing in a table runs along its axes"
        present = presence(value)
        condition = conjunction((*guards, *(() if present is None else (present,))))
        assert condition is not None, "an equation of a table has its elements"
        return condition, value

    def _reads(self, piece: Piece, tensor: str, d: Expr, row: Expr) -> Expr:
        """The value of an equation with its reads of the table on earlier diagonals."""
        rows, columns = (_entry(piece.left[axes[tensor]]) for axes in (self.rows, self.columns))
        assert rows is not None, "the left sides of a table are plain"
        assert columns is not None, "the left sides of a table are plain"

        def rule(node: Expr) -> Expr | None:
            if not isinstance(node, Read) or node.tensor not in self.rows:
                return None
            a = _back_by(node.at[self.rows[node.tensor]], rows)
            b = _back_by(node.at[self.columns[node.tensor]], columns)
            assert a is not None, "reads of a table are a number of rows back"
            assert b is not None, "reads of a table are a number of columns back"
            turned = self._turned(self.tensors[node.tensor])
            at = self._at(node.tensor, node.at, _sum(d, number(-self.slope * a - b)), _sum(row, number(-a)))
            return Read(turned.name, at, turned.shape, node.dtype)

        return rewrite(piece.value, (rule,), {})


def _table(scan: Scan, program: Program) -> _Table | None:
    """The table that a scan is, if each of its elements needs single elements on earlier diagonals alone."""
    if len(scan.inner) != 1 or scan.manner != Manner() or scan.kept or scan.reverse:
        return None
    (inner,) = scan.inner
    if inner.reverse or inner.inner or set(inner.members) != set(scan.members):
        return None
    rows, columns = dict(scan.axes), dict(inner.axes)
    slope = 1
    for definition in scan.definitions:
        for piece in definition.pieces:
            own = [_entry(piece.left[axes[definition.tensor]]) for axes in (rows, columns)]
            if not _plain(piece, program.tensors[definition.tensor], (rows, columns)):
                return None
            found = [_distances(read, rows, columns, own, piece) for read in reads(piece.value) if read.tensor in rows]
            if None in own or None in found or any(read.tensor in rows for e in piece.left for read in reads(e)):
                return None
            for a, b in (pair for pair in found if pair is not None):
                if a == 0 and b < 1:
                    return None
                slope = max(slope, -b // a + 1 if a else 1)
    table = _Table(scan, rows, columns, slope, program.tensors)
    return table if slope <= _STEEPEST and all(_square(table, name) for name in rows) else None


def _square(table: _Table, tensor: str) -> bool:
    """Whether the diagonals of a tensor are not many more than its rows: a few long rows are better one by one."""
    shape = table.tensors[tensor].shape
    rows, columns = shape[table.rows[tensor]].constant, shape[table.columns[tensor]].constant
    return rows is None or columns is None or columns <= _LONGEST * rows


def _plain(piece: Piece, tensor: Tensor, axes: tuple[Mapping[str, int], Mapping[str, int]]) -> bool:
    """Whether a left side is for rows and columns, and all of the other axes; nothing runs along any of its indices."""
    rest = [at for at in range(len(tensor.axes)) if at not in (axes[0][tensor.name], axes[1][tensor.name])]
    whole = all(isinstance(e := piece.left[at], Position) and e.index.size == tensor.shape[at] for at in rest)
    entries = [_entry(entry) for entry in piece.left]
    own = [entry.index for entry in entries if entry is not None and entry.index is not None]
    return whole and len(set(own)) == len(own) and not runs_along(piece.value) & frozenset(own)


def _distances(
    read: Read, rows: Mapping[str, int], columns: Mapping[str, int], own: list[_Entry | None], piece: Piece
) -> tuple[int, int] | None:
    """How many rows and columns back a read stands; None where it is of more than one element, or at no fixed place."""
    row, column = own
    if row is None or column is None or row.index is None or column.index is None:
        return None
    if not free_indices(read) <= frozenset(piece.indices):
        return None
    a, b = _back_by(read.at[rows[read.tensor]], row), _back_by(read.at[columns[read.tensor]], column)
    return None if a is None or b is None else (a, b)


def _entry(node: Expr) -> _Entry | None:
    form = affine(node)
    offset = None if form is None else form.offset.constant
    if form is None or offset is None or offset < 0:
        return None
    match form.coefficients:
        case ():
            return _Entry(None, offset)
        case ((index, 1),):
            return _Entry(index, offset)
        case _:
            return None


def _back_by(node: Expr, own: _Entry) -> int | None:
    form: Affine | None = affine(node)
    if form is None or own.index is None or form.coefficients != ((own.index, 1),):
        return None
    return (Size.of(own.offset) - form.offset).constant


def _read(program: Program, scan: Scan) -> Iterator[str]:
    """What the program reads, or must have, beside what a scan itself reads."""
    yield from needed(program)
    others = (unit for unit in program.cyclic if unit is not scan)
    yield from (name for unit in others for name in unit.reads)
    for definition in program.definitions:
        for piece in definition.pieces:
            for node in (piece.value, *piece.left):
                yield from (read.tensor for read in reads(node))


def _sum(left: Expr, right: Expr) -> Expr:
    return left if right is number(0) else Apply("add", (left, right))


def _times(node: Expr, by: int) -> Expr:
    return node if by == 1 else Apply("neg", (node,)) if by == -1 else product(number(by), node)
