"""Kronecker deltas under a sum are a substitution.

    sum[i](delta[i,j] A[i,k]) = A[j,k]          sum[i,j](delta[i,j] A[i,j]) = sum[i](A[i,i])
    sum[v]((v == Tok[b]) E[v,d]) = E[Tok[b],d]  sum[i](A[i] where i == j + 1) = A[j+1]

In goes a Program, out comes one without such sums. The substituted position must be inside the range of the index, or
else every factor that has the index must read an axis of that size at it, which is 0 outside just as the sum would be.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.facts import dtype
from tensorlang.ir.nodes import (
    Apply,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Where,
    conjunction,
    free_indices,
    number,
    tensors_read,
)
from tensorlang.ir.program import Definition, Piece, Program, Tensor
from tensorlang.ir.rewrite import rewrite
from tensorlang.ops import STRUCTURED
from tensorlang.passes.constants import zero
from tensorlang.passes.fold import FOLD
from tensorlang.passes.ranges import inside
from tensorlang.passes.scopes import change_pieces, put
from tensorlang.passes.sound import conjuncts, draws, operators, sound
from tensorlang.records import dataclass

DELTA = STRUCTURED["delta"].name


def comparison(factor: Expr) -> Apply | None:
    """A factor that is an equality: ``i == j``, or ``delta[i,j]`` at positions that are inside by themselves."""
    if isinstance(factor, Apply):
        return factor if factor.op == "eq" else None
    if not isinstance(factor, Read) or factor.tensor != DELTA:
        return None
    indices = [position.index for position in factor.at if isinstance(position, Position)]
    within = len(indices) == 2 and all(i.size == size for i, size in zip(indices, factor.shape, strict=True))
    return Apply("eq", factor.at) if within else None


@dataclass(frozen=True, slots=True)
class Deltas:
    """Elimination, knowing the tensors (the positions that an integer tensor holds)."""

    tensors: Mapping[str, Tensor]

    def eliminate(self, node: Expr) -> Expr | None:
        """A contraction without one of its deltas and without the index that this determines."""
        if not isinstance(node, Contract) or node.semiring != "sum" or not node.summed:
            return None
        for at, factor in enumerate(node.factors):
            for condition, rest in _deltas(factor):
                others = (*node.factors[:at], *rest, *node.factors[at + 1 :])
                for index, position in _solved(condition, node.summed):
                    new = self._substituted(node, others, index, position)
                    if new is not None:
                        return new
        return None

    def _substituted(self, node: Contract, factors: tuple[Expr, ...], index: Index, position: Expr) -> Expr | None:
        having = [factor for factor in factors if index in free_indices(factor)]
        if not self._fits(index, position) and not (having and all(_zero_outside(f, index) for f in having)):
            return None
        if draws(position) or any(map(draws, having)):
            return None
        new = [put(factor, {index: position}) for factor in factors]
        summed = tuple(i for i in node.summed if i != index)
        # The comparison counted as an integer factor: a 1 keeps a product of truth values a number.
        ones = () if any(dtype(f) != "bool" for f in factors) else (number(1),)
        found = tuple(factor if summed else _present(factor) for factor in new if factor is not None)
        return Contract(summed, (*ones, *found), "sum") if len(found) == len(factors) else None

    def _fits(self, index: Index, position: Expr) -> bool:
        """Whether the position is surely in the range of the index."""
        if isinstance(position, Position) and position.index.size == index.size:
            return True
        return all(inside(position, index.size, self.tensors))


def _deltas(factor: Expr) -> list[tuple[Apply, tuple[Expr, ...]]]:
    """The comparisons ``==`` in a factor, each with the factors that are left without it."""
    equality = comparison(factor)
    if equality is not None:
        return [(equality, ())]
    if isinstance(factor, Apply) and factor.op == "and":
        return [(part, _without(factor, part)) for part in factor.args if isinstance(part, Apply) and part.op == "eq"]
    if isinstance(factor, Where):
        parts = conjuncts(factor.condition)
        return [
            (part, (_guarded(tuple(p for p in parts if p is not part), factor.arg),))
            for part in parts
            if isinstance(part, Apply) and part.op == "eq"
        ]
    return []


def _present(factor: Expr) -> Expr:
    """A factor that is 0 where it was absent: a sum is present everywhere, and so must be what it turns into."""
    if not isinstance(factor, Where) or dtype(zero(dtype(factor))) != dtype(factor):
        return factor
    return Apply("select", (factor.condition, factor.arg, zero(dtype(factor))))


def _without(factor: Apply, part: Expr) -> tuple[Expr, ...]:
    rest = conjunction(tuple(arg for arg in factor.args if arg is not part))
    return () if rest is None else (rest,)


def _guarded(conditions: tuple[Expr, ...], arg: Expr) -> Expr:
    condition = conjunction(conditions)
    return arg if condition is None else Where(condition, arg)


def _solved(condition: Apply, summed: tuple[Index, ...]) -> list[tuple[Index, Expr]]:
    """The summed indices that a comparison determines, with the integer that each is equal to."""
    left, right = condition.args
    return [
        (one.index, other)
        for one, other in ((left, right), (right, left))
        if isinstance(one, Position)
        and one.index in summed
        and one.index not in free_indices(other)
        and dtype(other) == "int"
    ]


def _zero_outside(factor: Expr, index: Index) -> bool:
    """Whether a factor is a read that has the index as a position on an axis of its size, and nowhere else."""
    if not isinstance(factor, Read):
        return False
    places = [at for at, position in enumerate(factor.at) if index in free_indices(position)]
    return any(isinstance(factor.at[place], Position) and factor.shape[place] == index.size for place in places)


def delta(program: Program) -> Program:
    """The program without deltas under sums."""
    rules = (*FOLD, sound(Deltas(program.tensors).eliminate))
    memo: dict[Expr, Expr] = {}

    def change(piece: Piece, _: Definition) -> Expr:
        possible = "*" in operators(piece.value) and (
            "eq" in operators(piece.value) or DELTA in tensors_read(piece.value)
        )
        return rewrite(piece.value, rules, memo) if possible else piece.value

    return change_pieces(program, change)
