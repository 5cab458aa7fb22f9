"""What a recurrence need not compute position by position: taken out, for all positions at once or once for all.

In: an equation of a recurrence. Out: the equation with its parts that read nothing of the recurrence as reads of new
tensors, and the definitions of these. Terms of one sum, and factors of one product, are taken out together where their
sum or product is no larger than one of them.
"""

from __future__ import annotations

from tensorlang.ir.facts import dtype, is_floating, presence
from tensorlang.ir.nodes import (
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Where,
    affine,
    children,
    free_indices,
    product,
    tensors_read,
    with_children,
)
from tensorlang.ir.program import Axis, Definition, Piece, Tensor
from tensorlang.passes.masks import protected
from tensorlang.records import dataclass, field, replace


@dataclass(slots=True, eq=False)
class Hoister:
    """``outside`` are the definitions taken out of one recurrence; ``tensors`` gains theirs."""

    members: frozenset[str]
    tensors: dict[str, Tensor]
    outside: list[Definition] = field(default_factory=list)
    count: int = 0

    def hoisted(self, piece: Piece, index: Index, of: str) -> Piece:
        """An equation of tensor ``of``, which moves with ``index``, less what can be computed outside."""
        return replace(piece, value=_Visit(self, piece, index, of).value(piece.value))

    def independent(self, node: Expr) -> bool:
        return not tensors_read(node) & self.members

    def take_out(self, node: Expr, piece: Piece, first: Index, of: str) -> Expr:
        """A part as a tensor of its own, the position in front; what is read instead."""
        indices = sorted(free_indices(node), key=lambda index: (index != first, index.name))
        self.count += 1
        name = f"{of}.part{self.count}"
        while name in self.tensors or any(known.startswith(f"{name}.") for known in self.tensors):
            self.count += 1  # a loop around this one may read slices of a part of that name
            name = f"{of}.part{self.count}"
        left = tuple(Position(index) for index in indices)
        self.outside.append(Definition(name, "sum", (Piece(left, tuple(indices), node, False, piece.span),)))
        axes = tuple(Axis(index.name, index.size) for index in indices)
        self.tensors[name] = Tensor(name, "defined", axes, dtype(node), piece.span)
        return Read(name, left, tuple(index.size for index in indices), dtype(node))


@dataclass(slots=True, eq=False)
class _Visit:
    """One walk over the value of one equation."""

    hoister: Hoister
    piece: Piece
    index: Index
    of: str
    memo: dict[Expr, Expr] = field(default_factory=dict)

    def value(self, node: Expr) -> Expr:
        if node not in self.memo:
            self.memo[node] = self._visited(node)
        return self.memo[node]

    def _visited(self, node: Expr) -> Expr:
        if isinstance(node, Where):
            # What is taken out leaves its guard behind: an infinity there would make gradients NaN. A guard of
            # positions stays: kernels know it (a causal mask), and it costs little.
            fixed = not tensors_read(node.condition) and self.index not in free_indices(node.condition)
            condition = node.condition if fixed else self.value(node.condition)
            return Where(condition, self.value(protected(node.arg, node.condition)))
        if self.hoister.independent(node):
            return self._outside(node)
        if isinstance(node, Read):
            return node
        node = _joined(node, self.hoister)
        return with_children(node, tuple(self.value(child) for child in children(node)))

    def _outside(self, node: Expr) -> Expr:
        if sliceable(node, self.index):
            return node
        taken = self.hoister.take_out(node, self.piece, self.index, self.of)
        condition = presence(node)
        return taken if condition is None else Where(self.value(condition), taken)


def _joined(node: Expr, hoister: Hoister) -> Expr:
    """A sum or product whose independent parts stand together, so that they are taken out as one."""
    match node:
        case Apply(op="add", args=args) if is_floating(dtype(node)):
            found = _together(args, hoister)
            return node if found is None else Apply("add", (Apply("add", found[0]), *found[1]))
        case Contract(summed=summed, factors=factors, semiring="sum") if is_floating(dtype(node)):
            found = _together(factors, hoister)
            return node if found is None else Contract(summed, (product(*found[0]), *found[1]), "sum")
        case _:
            return node


def _together(parts: tuple[Expr, ...], hoister: Hoister) -> tuple[tuple[Expr, ...], tuple[Expr, ...]] | None:
    """The independent parts that are no larger together than the largest of them, and the rest; None for less than 2.

    What they are together has the type of the whole, or a part would be rounded before it is needed.
    """
    free = [part for part in parts if hoister.independent(part) and presence(part) is None]
    widest = max(free, key=lambda part: len(free_indices(part)), default=None)
    if widest is None or isinstance(widest, Const) or not is_floating(dtype(widest)):
        return None
    group = tuple(part for part in free if free_indices(part) <= free_indices(widest))
    if len(group) < 2:
        return None
    rest = list(parts)
    for part in group:
        rest.remove(part)
    return group, tuple(rest)


def sliceable(node: Expr, index: Index) -> bool:
    """Whether an expression costs nothing at each position: a number, an index, a slice of a tensor."""
    if not tensors_read(node) and not free_indices(node):
        return True
    match node:
        case Const() | Position():
            return True
        case Read(at=at):
            return all(_slices(entry, index) for entry in at)
        case _:
            return False


def _slices(entry: Expr, index: Index) -> bool:
    """Whether an entry of a read stands still at each position, or moves with it by whole positions."""
    form = affine(entry)
    if form is None:
        return False
    return index not in dict(form.coefficients) or form.coefficients == ((index, 1),)
