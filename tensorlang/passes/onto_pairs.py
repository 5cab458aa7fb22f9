"""Equations over relations that are stored on pairs are moved onto the pairs.

    Z[n,d] = sum[n'](P[n,n'] H[n',d])      Z[Edge.at0[e],d] += P.on[e] H[Edge.at1[e],d]
    S[n,n'] = f(H[n], H[n']) where Edge(n,n')      S.on[e] = f(H[Edge.at0[e]], H[Edge.at1[e]])

In goes a Program in which some relations are defined by their pairs, out comes one over the same kinds of nodes. Sums,
reductions and softmax over an index that pairs determine run over the pairs (``pairs_reductions.py``); a tensor that is
0 or absent elsewhere is held on pairs itself; what depends on one place only is computed once for each position of it.
The table of such a tensor is still defined, from its pairs, for what cannot do without; unread, it goes.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.facts import dtype
from tensorlang.ir.nodes import Expr, Index, Position, Read, bound_indices, children, free_indices, with_children
from tensorlang.ir.pairs import Stored, Table
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor
from tensorlang.passes.constants import value_of
from tensorlang.passes.contexts import unused
from tensorlang.passes.definitions import plain_indices
from tensorlang.passes.pairs_reductions import moved
from tensorlang.passes.scopes import below, settled
from tensorlang.passes.sound import draws
from tensorlang.passes.spots import AtPairs, Chooser, Spot, UnmovableError
from tensorlang.passes.supports import Support, Supports
from tensorlang.records import dataclass, field, replace


@dataclass(slots=True, eq=False)
class Mover:
    """What has been moved so far: definitions in order, and the tensors that they are of."""

    table: Table
    tensors: dict[str, Tensor]
    sizes: Mapping[Symbol, int]
    definitions: list[Definition] = field(default_factory=list)
    supports: Supports = field(init=False)
    chooser: Chooser = field(init=False)
    named: dict[Expr, Expr] = field(default_factory=dict)
    wish: str = ""
    piece: Piece | None = None

    def __post_init__(self) -> None:
        self.supports, self.chooser = Supports(self.table), Chooser(self.table)

    # --- equations ---

    def move(self, definition: Definition) -> None:
        """Add a definition, and before it what it is made of."""
        self.wish = definition.tensor
        pieces = []
        for piece in definition.pieces:
            self.piece = piece
            pieces.append(settled(replace(piece, value=self.value(piece.value))))
        new = replace(definition, pieces=tuple(pieces))
        self.definitions.append(self._held(new) or new)

    def _held(self, definition: Definition) -> Definition | None:
        """A tensor that is 0 outside pairs as a table of its values at the pairs; those are a definition before it."""
        tensor = self.tensors[definition.tensor]
        piece = definition.pieces[0] if len(definition.pieces) == 1 else None
        indices = None if piece is None or piece.special else plain_indices(piece.left, tensor)
        if (
            piece is None
            or indices is None
            or definition.aggregate not in ("sum", "any")
            or tensor.name in self.table.stored
        ):
            return None
        spot = self.spot(self.supports.of(piece.value), piece.value)
        if spot is None or spot.extra or len(spot.places) < 2 or draws(piece.value):
            return None
        try:
            value = self.at(spot)(piece.value)
        except UnmovableError:
            return None
        places = tuple(spot.places.get(index) for index in indices)
        name: str | None = None
        if tensor.dtype != "bool" or value_of(value) is not True:
            own = tuple(index for index in indices if index not in spot.places)
            value = self.held(f"{tensor.name}.on", (spot.index, *own), value, tensor.dtype)
            name = value.tensor
        self.table.stored[tensor.name] = Stored(tensor.name, spot.pairs.name, places, name)
        left = tuple(spot.column(index) if index in spot.places else Position(index) for index in indices)
        rest = tuple(index for index in indices if index not in spot.places)
        return Definition(
            tensor.name, definition.aggregate, (replace(piece, left=left, indices=(spot.index, *rest), value=value),)
        )

    # --- expressions ---

    def value(self, node: Expr) -> Expr:
        """An expression with all sums, reductions and functions along indices that pairs determine moved onto them."""
        if not self._concerned(node):
            return node
        new = with_children(node, tuple(self.value(child) for child in children(node)))
        return moved(new, self)

    def _concerned(self, node: Expr) -> bool:
        return any(isinstance(part, Read) and part.tensor in self.table.stored for part in below(node, set()))

    def spot(self, support: Support, node: Expr) -> Spot | None:
        assert self.piece is not None, "an expression stands in an equation"
        return self.chooser.spot(support, node, self.piece.span, bound_indices(node))

    def at(self, spot: Spot) -> AtPairs:
        assert self.piece is not None, "an expression stands in an equation"
        return AtPairs(spot, self.table, self.supports, self.piece.span, self.apart)

    def apart(self, node: Expr) -> Expr:
        """A read of a tensor that holds an expression, which is computed by itself."""
        if node not in self.named:
            indices = tuple(sorted(free_indices(node), key=lambda index: (index.name, str(index.size))))
            name = self.define(f"{self.wish}.by {' '.join(i.name for i in indices)}", indices, node, dtype(node))
            self.named[node] = self.read(name, indices)
        return self.named[node]

    # --- new tensors ---

    def define(self, wish: str, indices: tuple[Index, ...], value: Expr, of: str) -> str:
        """A new tensor over whole axes."""
        return self.aggregate(wish, tuple(map(Position, indices)), indices, value, "sum", of)

    def held(self, wish: str, indices: tuple[Index, ...], value: Expr, of: str) -> Read:
        """A read of a tensor over whole axes that holds a value: of one that is there, where the value is no more."""
        tensor = self.tensors.get(value.tensor) if isinstance(value, Read) else None
        if isinstance(value, Read) and tensor is not None and tensor.dtype == of:
            return value if plain_indices(value.at, tensor) == indices else self._anew(wish, indices, value, of)
        return self._anew(wish, indices, value, of)

    def _anew(self, wish: str, indices: tuple[Index, ...], value: Expr, of: str) -> Read:
        return self.read(self.define(wish, indices, value, of), indices)

    def aggregate(
        self, wish: str, left: tuple[Expr, ...], indices: tuple[Index, ...], value: Expr, op: str, of: str
    ) -> str:
        """A new tensor: what falls on each element joined by an aggregate."""
        assert self.piece is not None, "an expression stands in an equation"
        name = unused({*self.tensors, *self.table.tensors}, wish)
        axes = tuple(_axis(entry, self.table) for entry in left)
        self.tensors[name] = Tensor(name, "defined", axes, of, self.piece.span)
        used = frozenset[Index]().union(*map(free_indices, left))
        kept = tuple(index for index in indices if index in used)
        piece = settled(Piece(left, kept, value, False, self.piece.span))
        self.definitions.append(Definition(name, op, (piece,)))
        return name

    def read(self, name: str, indices: tuple[Index, ...]) -> Read:
        tensor = self.tensors[name]
        return Read(name, tuple(map(Position, indices)), tensor.shape, tensor.dtype)

    def estimate(self, indices: frozenset[Index]) -> int:
        """How many elements some indices have, as far as sizes are known."""
        total = 1
        for index in indices:
            total *= index.size.estimate(self.sizes)
        return total


def _axis(entry: Expr, table: Table) -> Axis:
    """The axis that an entry of a left side runs over: that of its index, or the place that a column is of."""
    if isinstance(entry, Position):
        return Axis(entry.index.name, entry.index.size)
    assert isinstance(entry, Read), "an entry is an index or a column"
    size = table.tensors[entry.tensor].positions
    return Axis(entry.tensor, size if size is not None else Size.of(1))


def onto_pairs(program: Program, table: Table) -> Program:
    """The definitions of a program moved onto the pairs of a table, which learns what is held on them."""
    mover = Mover(table, dict(program.tensors), program.sizes)
    for definition in program.definitions:
        mover.move(definition)
    return replace(program, tensors=mover.tensors, definitions=tuple(mover.definitions))
