"""The order of operations in other semirings: ``max[j,k](A[i,j] + B[j,k] + C[k,l])`` becomes nested joins of two.

In goes a Program, out comes one in which each reduction of a sum (by ``max``, ``min``, ``logsumexp``), of a product of
values that are 0 or more (by ``max``, ``min``) or of a conjunction (by ``any``) joins two parts at a time, reduces over
an index as soon as no other part has it, and leaves outside what does not have the reduced indices:

    max[j](a + x[j]) = a + max[j](x[j])        any[j](a and x[j]) = a and any[j](x[j])
    max[j](a x[j]) = a max[j](x[j]), a >= 0    logsumexp[j](a + x[j]) = a + logsumexp[j](x[j])

The orders are those of products of numbers (``order_contractions.py``), whose laws these are. A product with a factor
that may be negative is left as it is. ``all`` of a disjunction is what is not ``any`` of the opposites.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tensorlang.ir.facts import dtype, is_floating, presence
from tensorlang.ir.nodes import Apply, Contract, Expr, Index, Read, Reduce, free_indices
from tensorlang.ir.program import Program
from tensorlang.ir.rewrite import bound_inside
from tensorlang.passes.order_contractions import Ordering, find_path
from tensorlang.passes.ranges import positive
from tensorlang.passes.scopes import apart, rewrite_pieces
from tensorlang.passes.signs import nonnegative
from tensorlang.passes.sound import draws, sound
from tensorlang.passes.trees import bits, walk
from tensorlang.records import dataclass

_REDUCTIONS = frozenset(("max", "min", "logsumexp", "any", "all"))
# By what a reduction is joined: + for an `add`, * for a product, & for an `and`.
_JOINS = {"max": "+*", "min": "+*", "logsumexp": "+", "any": "&"}


@dataclass(frozen=True, slots=True)
class Joined:
    """A reduction of what is joined out of parts."""

    op: str
    symbol: str
    indices: tuple[Index, ...]
    parts: tuple[Expr, ...]

    def join(self, parts: Sequence[Expr]) -> Expr:
        if len(parts) == 1:
            return parts[0]
        if self.symbol == "*":
            return Contract((), tuple(parts), "sum")
        return Apply("add" if self.symbol == "+" else "and", tuple(parts))

    def reduce(self, indices: Sequence[Index], arg: Expr) -> Expr:
        return Reduce(self.op, tuple(indices), arg) if indices else arg


def parts_of(op: str, arg: Expr) -> tuple[str, tuple[Expr, ...]] | None:
    """What a reduction's argument is joined out of, and by what."""
    found: tuple[str, tuple[Expr, ...]] | None = None
    match arg:
        case Apply(op="add", args=args):
            found = "+", args
        case Apply(op="and", args=args):
            found = "&", args
        case Contract(summed=(), factors=factors, semiring="sum") if len(factors) > 1:
            found = "*", factors
        case _:
            return None
    return found if found[0] in _JOINS.get(op, "") else None


def joins(arg: Expr) -> bool:
    """Whether an expression joins parts none of which has all of its indices: it is larger than what it is made of."""
    match arg:
        case Apply(op="add" | "and", args=parts) | Contract(summed=(), factors=parts):
            return all(free_indices(part) != free_indices(arg) for part in parts)
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Semirings:
    """The rules for one program; ``positive_tensors`` are those whose elements are known to be 0 or more."""

    ordering: Ordering
    signs: frozenset[str] = frozenset()

    def joined(self, node: Expr) -> Joined | None:
        """A reduction that may be taken apart: nothing guarded or drawn in it, over something, and of one kind."""
        if not isinstance(node, Reduce) or presence(node.arg) is not None or draws(node):
            return None
        found = parts_of(node.op, node.arg)
        if found is None or not all(positive(index.size) for index in node.indices):
            return None
        symbol, parts = found
        if any(presence(part) is not None for part in parts) or not _one_kind(node.op, symbol, parts):
            return None
        if symbol == "*" and not all(map(self._nonnegative, parts)):
            return None
        return Joined(node.op, symbol, node.indices, parts)

    def _nonnegative(self, part: Expr) -> bool:
        return nonnegative(part) or (isinstance(part, Read) and part.tensor in self.signs)

    def flatten(self, node: Expr) -> Expr | None:
        """max[k](c + max[j](a + b)) = max[k,j](c + a + b)."""
        outer = self.joined(node)
        if outer is None:
            return None
        indices, parts = list(outer.indices), list[Expr]()
        names = {index.name for index in free_indices(node).union(outer.indices)}
        taken = names.union(index.name for index in bound_inside(node))
        for part in outer.parts:
            clear = apart(part, names, taken)
            inner = self.joined(clear)
            if inner is None or inner.op != outer.op or inner.symbol != outer.symbol:
                parts.append(part)
                continue
            names.update(index.name for index in inner.indices)
            taken |= names
            indices.extend(inner.indices)
            parts.extend(inner.parts)
        if len(indices) == len(outer.indices):
            return None
        return Reduce(outer.op, tuple(indices), outer.join(parts))

    def order(self, node: Expr) -> Expr | None:
        """A reduction of many parts as nested ones of two."""
        found = self.joined(node)
        if found is None:
            return None
        uses = Counter(index for part in found.parts for index in free_indices(part))
        if any(not uses[index] for index in found.indices):
            return None
        parts = [self._alone(found, part, uses) for part in found.parts]
        outside = [part for part in parts if free_indices(part).isdisjoint(found.indices)]
        inside = [part for part in parts if part not in outside]
        if len(inside) < 3 and not outside and all(new is old for new, old in zip(parts, found.parts, strict=True)):
            return None
        return found.join([*outside, *([self._nested(found, inside)] if inside else [])])

    def _alone(self, found: Joined, part: Expr, uses: Counter[Index]) -> Expr:
        """A part reduced over the indices that no other has."""
        return found.reduce([i for i in found.indices if uses[i] == 1 and i in free_indices(part)], part)

    def _nested(self, found: Joined, parts: list[Expr]) -> Expr:
        """Parts joined two by two, each index reduced as soon as it can be."""
        kept = frozenset[Index]().union(*map(free_indices, parts)).difference(found.indices)
        network, places = self.ordering.network(parts, kept)
        index_at = {place: index for index, place in places.items()}
        made = list(parts)
        path = find_path(network)
        for (first, second), (left, right, result) in zip(path, walk(network, path), strict=True):
            over = [index_at[bit] for bit in bits((left | right) & ~result)]
            made.append(found.reduce(over, found.join([made[first], made[second]])))
        return made[-1]


def _one_kind(op: str, symbol: str, parts: Sequence[Expr]) -> bool:
    """Whether every part may be reduced by itself in its own element type without losing digits or changing meaning."""
    kinds = {dtype(part) for part in parts}
    if symbol == "&":
        return kinds == {"bool"}
    if "bool" in kinds or "complex" in kinds:
        return False
    return len({kind for kind in kinds if is_floating(kind)}) <= 1 and (op != "logsumexp" or len(kinds) == 1)


def opposites(node: Expr) -> Expr | None:
    """all[j](a or b) = not any[j](not a and not b), which can be counted by a product."""
    if not isinstance(node, Reduce) or node.op != "all" or presence(node.arg) is not None:
        return None
    arg = node.arg
    if not isinstance(arg, Apply) or arg.op != "or" or len({free_indices(part) for part in arg.args}) < 2:
        return None
    if any(presence(part) is not None or dtype(part) != "bool" for part in arg.args):
        return None
    inside = Apply("and", tuple(_negation(part) for part in arg.args))
    return Apply("not", (Reduce("any", node.indices, inside),))


def _negation(part: Expr) -> Expr:
    return part.args[0] if isinstance(part, Apply) and part.op == "not" else Apply("not", (part,))


def nonnegative_tensors(program: Program) -> frozenset[str]:
    """The defined tensors all of whose equations give 0 or more."""
    aggregates = ("sum", "mean", "prod", "any", "all")
    return frozenset(
        definition.tensor
        for definition in program.definitions
        if definition.aggregate in aggregates and all(nonnegative(piece.value) for piece in definition.pieces)
    )


def _semirings(program: Program) -> Semirings:
    return Semirings(Ordering(program.sizes), nonnegative_tensors(program))


def flatten_semirings(program: Program) -> Program:
    """The program with reductions of reductions as one, so that all their parts can be put in order."""
    return rewrite_pieces(program, (sound(opposites), sound(_semirings(program).flatten)), _REDUCTIONS)


def order_semirings(program: Program) -> Program:
    """The program with every such reduction in joins of two."""
    return rewrite_pieces(program, (sound(_semirings(program).order),), _REDUCTIONS)
