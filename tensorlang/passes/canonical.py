"""A canonical form of expressions modulo renaming of indices: equal codes mean equal up to names.

In goes a node; out come a number (its code) and its free indices in canonical order. Two nodes of one code become equal
when the first's ordered indices are renamed to the second's. Commutative operands are sorted, so ``A B`` and ``B A``
agree; where several operands look alike the order is a good guess: a code may then miss an equality, it never invents
one.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Reduce,
    Where,
    bound_indices,
    children,
)
from tensorlang.ops import POINTWISE
from tensorlang.records import dataclass, field

# Groups of look-alike operands longer than this keep their written order: choosing among them costs a square.
_LOOK_ALIKE = 8


@dataclass(frozen=True, slots=True)
class Coded:
    """``order`` holds the free indices in canonical order."""

    code: int
    order: tuple[Index, ...]


@dataclass(slots=True)
class Codes:
    """Codes given out so far; comparable only with codes of the same table."""

    table: dict[tuple[object, ...], int] = field(default_factory=dict)
    known: dict[Expr, Coded] = field(default_factory=dict)

    def of(self, node: Expr) -> Coded:
        known = self.known
        if node in known:
            return known[node]
        stack = [node]
        while stack:
            top = stack[-1]
            waiting = [child for child in children(top) if child not in known]
            if waiting:
                stack.extend(waiting)
            else:
                stack.pop()
                if top not in known:
                    known[top] = self._coded(top)
        return known[node]

    def _coded(self, node: Expr) -> Coded:
        if isinstance(node, Const):
            return Coded(self._number((node,)), ())
        if isinstance(node, Position):
            return Coded(self._number((Position, node.index.size)), (node.index,))
        bound = bound_indices(node)
        parts = [self.known[child] for child in children(node)]
        numbers: dict[Index, int] = {}
        if isinstance(node, AlongIndex):
            numbers[node.index] = 0
        pattern = [
            (part.code, *(numbers.setdefault(index, len(numbers)) for index in part.order))
            for part in (_arranged(parts, bound) if _commutes(node) else parts)
        ]
        summed = tuple(sorted((numbers.setdefault(i, len(numbers)), str(i.size)) for i in bound))
        code = self._number((type(node), _label(node), summed, *pattern))
        return Coded(code, tuple(index for index in numbers if index not in bound))

    def _number(self, key: tuple[object, ...]) -> int:
        return self.table.setdefault(key, len(self.table))


def _commutes(node: Expr) -> bool:
    return isinstance(node, Contract) or (isinstance(node, Apply) and POINTWISE[node.op].commutative)


def _label(node: Expr) -> object:
    match node:
        case Const() | Position() | Where():
            return None
        case Read(tensor=tensor, dtype=dtype):
            return (tensor, dtype)
        case Apply(op=op) | Reduce(op=op):
            return op
        case Contract(semiring=semiring):
            return semiring
        case AlongIndex(op=op, index=index):
            return (op, str(index.size))


def _arranged(parts: list[Coded], bound: tuple[Index, ...]) -> Iterable[Coded]:
    """Operands sorted by code; look-alikes by how they hang together with those before them."""
    seen: dict[Index, int] = {}
    for _, group in groupby(sorted(parts, key=lambda part: part.code), key=lambda part: part.code):
        waiting = list(group)
        while waiting:
            at = 0
            if 1 < len(waiting) <= _LOOK_ALIKE:
                at = min(range(len(waiting)), key=lambda k: _looks(waiting[k], seen, bound))
            chosen = waiting.pop(at)
            for index in chosen.order:
                seen.setdefault(index, len(seen))
            yield chosen


def _looks(part: Coded, seen: dict[Index, int], bound: tuple[Index, ...]) -> list[tuple[int, bool]]:
    return [(seen.get(index, len(seen)), index in bound) for index in part.order]
