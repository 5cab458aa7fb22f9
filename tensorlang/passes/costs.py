"""What one node costs to compute, its parts being at hand: multiplications and elements moved, from estimated sizes.

The unit is one multiplication of a matrix product; an element moved counts ``trees.MEMORY``. Only ratios matter: passes
compare two ways of writing one thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

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
    free_indices,
)
from tensorlang.passes.order_contractions import EXACT, Ordering
from tensorlang.passes.trees import MEMORY, exhaustive
from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    ordering: Ordering

    def elements(self, indices: Iterable[Index]) -> float:
        total = 1.0
        for index in indices:
            total *= index.size.estimate(self.ordering.sizes)
        return total

    def of(self, node: Expr) -> float:
        """The cost of a node alone, without what it is made of."""
        match node:
            case Const() | Position():
                return 0.0
            case Read(at=at):
                return 0.0 if all(isinstance(e, Position) for e in at) else self._moved(node, 2)
            case Contract(factors=factors):
                return self.contraction(node.summed, factors)
            case Apply(args=args):
                return self._moved(node, len(args) + 1)
            case Reduce(arg=arg):
                return self._moved(arg, 1)
            case AlongIndex() | Where():
                return self._moved(node, 3)

    def _moved(self, node: Expr, times: int) -> float:
        return MEMORY * times * self.elements(free_indices(node))

    def contraction(self, summed: tuple[Index, ...], factors: tuple[Expr, ...]) -> float:
        """The cost of a product in its best order; of a very long one, as if it were computed at once."""
        if len(factors) == 1:
            return self._moved(factors[0], 1) if summed else 0.0
        everything: frozenset[Index] = frozenset().union(*map(free_indices, factors))
        if len(factors) > EXACT:
            return self.elements(everything) * len(factors)
        network, _ = self.ordering.network(factors, everything.difference(summed))
        uses = Counter(index for factor in factors for index in free_indices(factor))
        alone = {index for index in summed if uses[index] == 1}
        first = sum(self._moved(factor, 1) for factor in factors if free_indices(factor) & alone)
        return exhaustive(network)[0] + first
