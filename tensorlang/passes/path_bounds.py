"""How many steps a circle of ``min=`` or ``max=`` can need where its values are sums along paths.

In: a Fixpoint. Out: for each tensor of its state, the axes along which paths go; None where values are no such sums.

After k steps each element has the best sum over derivations at most k deep. One that is deeper than there are elements
meets an element twice, and what lies between adds a number to it. Where no such number is an improvement, to cut it out
is no worse: so a change after that many steps says that going round improves without end. Axes whose index all reads
share with the left side split the elements into groups that know nothing of each other: only the others count.
"""

from __future__ import annotations

from collections.abc import Iterator

from tensorlang.ir.nodes import Apply, Expr, Position, Read, Reduce, Where, children
from tensorlang.ir.program import Definition
from tensorlang.ir.recursion import Fixpoint


def path_axes(fixpoint: Fixpoint) -> tuple[tuple[int, ...], ...] | None:
    """The axes along which paths go, of each tensor of the state; None where the number of steps has no bound."""
    members = frozenset(fixpoint.members)
    kinds = {definition.aggregate for definition in fixpoint.definitions} & {"min", "max"}
    if not fixpoint.monotone or fixpoint.inner or len(kinds) != 1:
        return None
    (kind,) = kinds
    if not all(_is_sums(definition, kind, members) for definition in fixpoint.definitions):
        return None
    ranks = {d.tensor: len(d.pieces[0].left) for d in fixpoint.definitions}
    fixed = _shared(fixpoint.definitions[0]) if len(fixpoint.definitions) == 1 else frozenset()
    return tuple(tuple(axis for axis in range(ranks[name]) if axis not in fixed) for name in fixpoint.state)


def _is_sums(definition: Definition, kind: str, members: frozenset[str]) -> bool:
    """Whether a tensor is the best of sums, or a sum alone."""
    alone = definition.aggregate == "sum" and definition.direct
    return (alone or definition.aggregate == kind) and all(
        _is_sum(piece.value, kind, members) and all(_free(entry, members) for entry in piece.left)
        for piece in definition.pieces
    )


def _is_sum(node: Expr, kind: str, members: frozenset[str]) -> bool:
    """Whether an expression adds up members and what does not depend on them, or takes the best of such sums."""
    if _free(node, members):
        return True
    if isinstance(node, Read):
        return all(_free(entry, members) for entry in node.at)
    if isinstance(node, Where):
        return _free(node.condition, members) and _is_sum(node.arg, kind, members)
    if (isinstance(node, Apply) and node.op == "add") or (isinstance(node, Reduce) and node.op == kind):
        return all(_is_sum(child, kind, members) for child in children(node))
    return False


def _free(node: Expr, members: frozenset[str]) -> bool:
    return not any(read.tensor in members for read in _reads(node))


def _reads(node: Expr) -> Iterator[Read]:
    if isinstance(node, Read):
        yield node
    for child in children(node):
        yield from _reads(child)


def _shared(definition: Definition) -> frozenset[int]:
    """The axes along which no element reads another: every read has the index of the left side there."""
    rank = len(definition.pieces[0].left)
    fixed = set(range(rank))
    for piece in definition.pieces:
        for read in _reads(piece.value):
            if read.tensor == definition.tensor:
                fixed &= {a for a in fixed if isinstance(piece.left[a], Position) and read.at[a] is piece.left[a]}
    return frozenset(fixed)
