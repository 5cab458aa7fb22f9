"""Virtual indices: of a tensor whose left side has ``*t``, only the last position along that axis is there for others.

In: resolved statements and, later, finished definitions. Out: problems of reads of other positions; and definitions in
which such a tensor ``H`` is the last position of ``H.all``, which is what the equations for ``H`` define. That no other
position is stored is the compiler's doing (``passes/single_positions.py``): a star changes no value.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.nodes import Expr, Index, Position, Read, size_value
from tensorlang.ir.program import Axis, Definition, Piece, Tensor
from tensorlang.ir.recursion import Fixpoint, Scan
from tensorlang.ir.rewrite import map_piece, rewrite
from tensorlang.records import dataclass, replace
from tensorlang.sema import messages
from tensorlang.sema.resolved import Access, FromEnd, Resolved, Star, Statement, names_free, walk
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.world import World


def mark(info: TensorInfo, left: tuple[Resolved, ...]) -> None:
    """Remember the axes of a tensor on which a left side has a star."""
    info.starred |= {at for at, entry in enumerate(left) if any(isinstance(node, Star) for node in walk(entry))}


def check_stars(world: World) -> None:
    """Report reads of positions that are not there, and stars where no left side has one."""
    starred = {info.name: info for info in world.tensors.values() if info.starred}
    for info in world.tensors.values():
        for statement in info.statements:
            for part in (statement.value, *statement.guards, *statement.left):
                for node in walk(part):
                    if isinstance(node, Access):
                        _check(world, starred.get(node.tensor), statement, node)


def _check(world: World, info: TensorInfo | None, statement: Statement, read: Access) -> None:
    axes = info.starred if info is not None else set()
    for at, entry in enumerate(read.at):
        star = next((node for node in walk(entry) if isinstance(node, Star)), None)
        if at not in axes and star is not None:
            if not isinstance(entry, Access):  # a gathered tensor's own entries are looked at by themselves
                messages.star_nowhere(world.problems, read.span, read.tensor, star.index)
        elif at in axes and not _inside(world, statement, read) and not _kept(statement, entry):
            assert info is not None
            label = (info.labels or ())[at]
            messages.position_not_kept(world.problems, read.span, info, at, label, star is not None)


def _inside(world: World, statement: Statement, read: Access) -> bool:
    """Whether a statement belongs to the recurrence of the tensor that it reads."""
    unit = world.units.get(read.tensor)
    return statement.tensor == read.tensor or (unit is not None and world.units.get(statement.tensor) is unit)


def _kept(statement: Statement, entry: Resolved) -> bool:
    """The last position; or one that goes along with the left side's, where that has a star too."""
    if isinstance(entry, FromEnd):
        return entry.distance == 1
    along = {node.index for part in statement.left for node in walk(part) if isinstance(node, Star)}
    return not along.isdisjoint(names_free(entry))


# --- the last position as the tensor itself ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Computed:
    """The parts of a Program that name tensors."""

    tensors: dict[str, Tensor]
    definitions: tuple[Definition, ...]
    scans: tuple[Scan, ...]
    fixpoints: tuple[Fixpoint, ...]


def last_positions(world: World, given: Computed) -> Computed:
    """Each starred tensor as the last position of another one, which its equations define and others read."""
    names = {info.name: _fresh(given, info.name) for info in world.tensors.values() if info.starred}
    if not names:
        return given
    tensors = dict(given.tensors)
    last: dict[str, Definition] = {}
    for name, whole in names.items():
        tensor = given.tensors[name]
        tensors[whole] = replace(tensor, name=whole)
        tensors[name], last[whole] = _last(tensor, whole, world.tensors[name].starred)
    starred = {name: frozenset(world.tensors[name].starred) for name in names}
    renamed = _Renamed(names, starred, {name: len(given.tensors[name].axes) for name in names}, {})
    own = [renamed.definition(definition) for definition in given.definitions]
    ordered = [last[name] for name in last if all(definition.tensor != name for definition in own)]
    for definition in own:
        ordered += [definition, *([last[definition.tensor]] if definition.tensor in last else [])]
    fixpoints = tuple(replace(f, definitions=tuple(map(renamed.definition, f.definitions))) for f in given.fixpoints)
    return Computed(tensors, tuple(ordered), tuple(map(renamed.scan, given.scans)), fixpoints)


def _fresh(given: Computed, name: str) -> str:
    whole = f"{name}.all"
    while whole in given.tensors:
        whole += "'"
    return whole


def _last(tensor: Tensor, whole: str, starred: set[int]) -> tuple[Tensor, Definition]:
    axes = tuple(axis for at, axis in enumerate(tensor.axes) if at not in starred)
    names = iter(_distinct([axis.label for axis in axes]))
    indices: list[Index] = []
    entries: list[Expr] = []
    for at, axis in enumerate(tensor.axes):
        if at in starred:
            entries.append(size_value(axis.size - 1))
        else:
            indices.append(Index(next(names), axis.size))
            entries.append(Position(indices[-1]))
    value = Read(whole, tuple(entries), tensor.shape, tensor.dtype)
    piece = Piece(tuple(map(Position, indices)), tuple(indices), value, False, tensor.span)
    made = Tensor(tensor.name, "defined", tuple(Axis(a.label, a.size) for a in axes), tensor.dtype, tensor.span)
    return made, Definition(tensor.name, "sum", (piece,))


def _distinct(labels: list[str]) -> list[str]:
    found: list[str] = []
    for label in labels:
        while label in found:
            label += "'"
        found.append(label)
    return found


@dataclass(frozen=True, slots=True)
class _Renamed:
    """Definitions in which tensors have other names, unless they are read at their last positions."""

    names: Mapping[str, str]
    starred: Mapping[str, frozenset[int]]
    ranks: Mapping[str, int]
    memo: dict[Expr, Expr]

    def definition(self, definition: Definition) -> Definition:
        pieces = tuple(map_piece(piece, self.expr) for piece in definition.pieces)
        return replace(definition, tensor=self.names.get(definition.tensor, definition.tensor), pieces=pieces)

    def scan(self, scan: Scan) -> Scan:
        return replace(
            scan,
            axes=tuple((self.names.get(name, name), axis) for name, axis in scan.axes),
            definitions=tuple(map(self.definition, scan.definitions)),
            inner=tuple(map(self.scan, scan.inner)),
            resting=tuple(
                replace(r, tensors=tuple(self.names.get(name, name) for name in r.tensors)) for r in scan.resting
            ),
            late=tuple((self.names.get(name, name), steps) for name, steps in scan.late),
            kept=frozenset(self.names[name] for name in scan.members if name in self.names),
        )

    def expr(self, node: Expr) -> Expr:
        return rewrite(node, (self._read,), self.memo)

    def _read(self, node: Expr) -> Expr | None:
        if not isinstance(node, Read) or node.tensor not in self.names:
            return None
        starred = self.starred[node.tensor]
        if len(node.at) < self.ranks[node.tensor]:
            return None
        if any(node.at[at] != size_value(node.shape[at] - 1) for at in starred):
            return Read(self.names[node.tensor], node.at, node.shape, node.dtype)
        at = tuple(entry for k, entry in enumerate(node.at) if k not in starred)
        shape = tuple(size for k, size in enumerate(node.shape) if k not in starred)
        return Read(node.tensor, at, shape, node.dtype)
