"""Guards that cannot matter are dropped, conditions that always or never hold are decided.

    sum[n'](H[n',d] * (P[n,n'] where Edge(n,n'))) = sum[n'](H[n',d] P[n,n'])     P is 0 where there is no edge
    (X[i] where i < |n|) = X[i]                                                  i runs over n

In goes a Program, out comes one with fewer ``Where``. A guard goes only where absent counts as 0 and what it guards is
0 without it; the outermost guard of an equation stays, since it says which elements the tensor has. Conditions are
decided from the ranges of indices.
"""

from __future__ import annotations

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype
from tensorlang.ir.nodes import Apply, Contract, Expr, Where, children, conjunction, number, with_children
from tensorlang.ir.program import Definition, Piece, Program
from tensorlang.ir.rewrite import rewrite
from tensorlang.passes.constants import value_of, zero
from tensorlang.passes.contexts import where_presence_matters
from tensorlang.passes.fold import FOLD, normal
from tensorlang.passes.ranges import bounds, not_negative
from tensorlang.passes.scopes import below, change_pieces
from tensorlang.passes.sound import conjuncts, exact, operators, sound
from tensorlang.passes.sums import negated
from tensorlang.passes.zeros import Zeros, finite
from tensorlang.records import dataclass

_COMPARISONS = frozenset(("eq", "ne", "lt", "le", "gt", "ge"))
_DECIDED = _COMPARISONS | {"mod", "floordiv"}


@dataclass(frozen=True, slots=True)
class Ranges:
    """Decisions from the ranges of indices, and of what integer tensors hold."""

    program: Program

    def decide(self, node: Expr) -> Expr | None:
        """i < |n| is true for i over n; i == -1 is false."""
        if not isinstance(node, Apply) or node.op not in _COMPARISONS or not all(map(exact, node.args)):
            return None
        left, right = node.args
        low, high = self._bounds(Apply("add", (left, negated(right))))
        below_zero, above_zero = _below(high), _above(low)
        at_most, at_least = high is not None and not_negative(-high), low is not None and not_negative(low)
        always = {
            "lt": below_zero, "le": at_most, "gt": above_zero, "ge": at_least,
            "ne": below_zero or above_zero, "eq": at_most and at_least,
        }  # fmt: skip
        never = {
            "lt": at_least, "le": above_zero, "gt": at_most, "ge": below_zero,
            "ne": at_most and at_least, "eq": below_zero or above_zero,
        }  # fmt: skip
        return number(True) if always[node.op] else number(False) if never[node.op] else None

    def remainder(self, node: Expr) -> Expr | None:
        """x % n = x and x // n = 0, for x in 0 .. n-1."""
        if not isinstance(node, Apply) or node.op not in ("mod", "floordiv") or dtype(node) != "int":
            return None
        left, right = node.args
        low, _ = self._bounds(left)
        _, gap = self._bounds(Apply("add", (left, negated(right))))
        if low is None or gap is None or not not_negative(low) or not _below(gap):
            return None
        return left if node.op == "mod" else zero("int")

    def _bounds(self, node: Expr) -> tuple[Size | None, Size | None]:
        return bounds(node, self.program.tensors)


def _below(high: Size | None) -> bool:
    return high is not None and not_negative(-1 - high)


def _above(low: Size | None) -> bool:
    return low is not None and not_negative(low - 1)


def _guarded(conditions: list[Expr], arg: Expr) -> Expr:
    condition = conjunction(tuple(conditions))
    return arg if condition is None else Where(condition, arg)


def _unguarded(node: Expr, zeros: Zeros) -> Expr:
    """A guarded value without what cannot matter to it; all of it 0 where the condition never holds."""
    if not isinstance(node, Where):
        return node
    if value_of(node.condition) is False and dtype(zero(dtype(node))) == dtype(node):
        return zero(dtype(node))
    outside = zeros.of(node.arg)
    return _guarded([part for part in conjuncts(node.condition) if part not in outside], node.arg)


def _factors(node: Expr, original: Expr, sensitive: set[Expr], zeros: Zeros) -> Expr:
    """A product without the guards of factors that another factor makes needless."""
    if not isinstance(node, Contract) or not isinstance(original, Contract) or len(node.factors) < 2:
        return node
    factors = list(node.factors)
    for at, (factor, before) in enumerate(zip(factors, original.factors, strict=True)):
        if not isinstance(factor, Where) or before in sensitive or not finite(factor.arg):
            continue
        outside = frozenset[Expr]().union(*(zeros.of(other) for k, other in enumerate(factors) if k != at))
        factors[at] = _guarded([part for part in conjuncts(factor.condition) if part not in outside], factor.arg)
    return with_children(node, tuple(factors))


def _freed(value: Expr, zeros: Zeros) -> Expr:
    sensitive = where_presence_matters(value, True)
    memo: dict[Expr, Expr] = {}
    for node in below(value, set()):
        new = with_children(node, tuple(memo[child] for child in children(node)))
        memo[node] = new if node in sensitive else _unguarded(_factors(new, node, sensitive, zeros), zeros)
    return memo[value]


def guards(program: Program) -> Program:
    """The program without needless guards."""
    ranges, zeros = Ranges(program), Zeros()
    rules = (*FOLD, sound(ranges.remainder), sound(ranges.decide))
    memo: dict[Expr, Expr] = {}
    guarded = any("where" in operators(piece.value) for d in program.definitions for piece in d.pieces)

    def change(piece: Piece, definition: Definition) -> Expr:
        decides = not operators(piece.value).isdisjoint(_DECIDED)
        value = rewrite(piece.value, rules, memo) if decides else piece.value
        freed = _freed(value, zeros) if "where" in operators(value) else value
        if guarded and piece is definition.pieces[-1]:
            zeros.learn(definition, program.tensors[definition.tensor])
        return normal(freed)

    return change_pieces(program, change)
