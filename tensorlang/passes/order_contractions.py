"""The order of multiplications: products of three or more factors become nested products of two.

In goes a Program with flat contractions, out comes one in which each has two factors at most, is summed over an index
as soon as no other factor has it, and multiplies by scalars where the fewest elements are. Costs are estimated from the
sizes that are known; any other size counts as 32. Products of two factors without such a lone index stay as they are.

Up to eight factors the order is the cheapest of all, up to twelve the cheapest without outer products (opt_einsum's
dynamic programming); beyond, a greedy order is improved at random for as long as that can pay (cotengra's trees beyond
40 factors). The random choices are seeded: the same program gets the same order.
"""

from __future__ import annotations

import importlib.util
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations

from tensorlang.ir.domain import Symbol
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Contract,
    Expr,
    Index,
    Read,
    Where,
    children,
    contract,
    free_indices,
    with_children,
)
from tensorlang.ir.program import Definition, Piece, Program
from tensorlang.ir.rewrite import rewrite
from tensorlang.passes.canonical import Codes
from tensorlang.passes.constants import endless, value_of
from tensorlang.passes.scopes import change_pieces, every_node, rewrite_pieces
from tensorlang.passes.sound import operators, sound
from tensorlang.passes.trees import Network, Path, Volumes, cost, exhaustive, walk
from tensorlang.records import dataclass, field, replace

EXACT, DYNAMIC, SEARCHED = 8, 12, 40
# Multiplications that take about as long as one trial of a random search over one factor: a search gets a tenth of the
# time that the contraction is expected to take.
_TRIAL = 2e6
_TRIALS = 64


# --- paths -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def find_path(network: Network) -> Path:
    """A good order for any number of operands, none of which has an index of its own that is summed."""
    count = len(network.operands)
    if count <= EXACT:
        return exhaustive(network)[1]
    if count <= DYNAMIC:
        return _dynamic(network)
    best = _greedy(network)
    trials = min(_TRIALS, int(cost(network, best)[1] / (_TRIAL * count)))
    if trials:
        searched = _random_trees(network, trials) if count > SEARCHED else None
        better = _random_greedy(network, trials) if searched is None else searched
        best = min(best, better, key=lambda path: cost(network, path)[0])
    return best


def _labelled(network: Network) -> tuple[list[frozenset[int]], frozenset[int], dict[int, int]]:
    places = range(len(network.extents))
    inputs = [frozenset(bit for bit in places if mask >> bit & 1) for mask in network.operands]
    output = frozenset(bit for bit in places if network.output >> bit & 1)
    return inputs, output, dict(enumerate(network.extents))


def _pairs(linear: Iterable[Sequence[int]], count: int) -> Path:
    """A path that counts places among the operands that are left, as one that counts all operands ever made."""
    left = list(range(count))
    made = count
    pairs: list[tuple[int, int]] = []
    for step in linear:
        taken = [left.pop(place) for place in sorted(step, reverse=True)]
        if len(taken) == 2:
            pairs.append((min(taken), max(taken)))
            left.append(made)
            made += 1
        else:
            left.append(taken[0])
    while len(left) > 1:
        pairs.append((left.pop(0), left.pop(0)))
        left.append(made)
        made += 1
    return tuple(pairs)


def _dynamic(network: Network) -> Path:
    from opt_einsum.paths import dynamic_programming

    inputs, output, extents = _labelled(network)
    return _pairs(dynamic_programming(inputs, output, extents, minimize="combo-16"), len(inputs))


def _greedy(network: Network) -> Path:
    from opt_einsum.paths import greedy

    inputs, output, extents = _labelled(network)
    return _pairs(greedy(inputs, output, extents), len(inputs))


def _random_greedy(network: Network, trials: int) -> Path:
    """opt_einsum seeds Python's own generator for each trial; its state is put back."""
    from opt_einsum.path_random import RandomGreedy

    inputs, output, extents = _labelled(network)
    state = random.getstate()
    try:
        return _pairs(RandomGreedy(max_repeats=trials)(inputs, output, extents), len(inputs))
    finally:
        random.setstate(state)


def _random_trees(network: Network, trials: int) -> Path | None:
    """The best of some greedy trees with its subtrees put in order exactly; None where cotengra is not at hand."""
    if importlib.util.find_spec("cotengra") is None:
        return None
    import cotengra

    inputs, output, extents = _labelled(network)
    count = len(inputs)
    search = cotengra.RandomGreedyOptimizer(max_repeats=max(1, trials // 4), seed=0, accel=False, parallel=False)
    path = search.ssa_path(inputs, output, extents)
    tree = cotengra.ContractionTree.from_path(inputs, output, extents, ssa_path=path)
    tree.subtree_reconfigure_(subtree_size=8 if count <= 200 else 6, seed=0)
    linear = tree.get_path()
    return _pairs(linear, count)


# --- building ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Ordering:
    """How the contractions of one program are ordered. ``pairs`` counts products of two factors by their code."""

    sizes: Mapping[Symbol, int]
    codes: Codes = field(default_factory=Codes)
    pairs: Counter[int] = field(default_factory=Counter)

    def order(self, node: Expr) -> Expr | None:
        """A contraction as nested ones of two factors; a scalar goes where the fewest elements are."""
        if not isinstance(node, Contract) or node.semiring != "sum" or len(node.factors) == 1:
            return None
        scalars, factors = _parted(node)
        if len(node.factors) == 2 and all(factor in node.factors for factor in factors):
            return None
        scalar = _chain(scalars) if scalars else None
        return self._nested(node, factors, scalar) if factors else scalar

    def network(self, factors: Sequence[Expr], output: frozenset[Index]) -> tuple[Network, dict[Index, int]]:
        """The numbers that an order depends on; indices are numbered as they come, so that equal networks meet."""
        places: dict[Index, int] = {}
        for factor in factors:
            for index in sorted(free_indices(factor), key=lambda index: index.name):
                places.setdefault(index, len(places))
        masks = tuple(sum(1 << places[index] for index in free_indices(factor)) for factor in factors)
        kept = sum(1 << place for index, place in places.items() if index in output)
        return Network(masks, kept, tuple(index.size.estimate(self.sizes) for index in places)), places

    def _nested(self, node: Contract, factors: list[Expr], scalar: Expr | None) -> Expr:
        network, places = self.network(factors, free_indices(node))
        if len(factors) > 2 and self.pairs:
            wanted = frozenset(mask for mask, code in self._pair_codes(node, factors) if self.pairs[code] > 1)
            network = replace(network, shared=wanted)
        path = find_path(network)
        results = [result for _, _, result in walk(network, path)]
        at = _place((*network.operands, *results), Volumes(network.extents)) if scalar is not None else -1
        summed = {1 << places[index]: index for index in node.summed if index in places}
        return _build(factors, path, [*network.operands, *results], summed, (at, scalar))

    def count_pairs(self, nodes: Iterable[Expr]) -> None:
        """Count the products of two that a program's contractions could make, up to the names of indices."""
        contractions = [node for node in nodes if isinstance(node, Contract) and 2 <= len(node.factors) <= EXACT]
        if sum(len(node.factors) > 2 for node in contractions) and len(contractions) > 1:
            for node in contractions:
                self.pairs.update({code for _, code in self._pair_codes(node, _parted(node)[1])})

    def _pair_codes(self, node: Contract, factors: Sequence[Expr]) -> Iterator[tuple[int, int]]:
        """The products of two connected factors, each as a mask of the two and a code."""
        uses = Counter(index for factor in factors for index in free_indices(factor))
        for first, second in combinations(range(len(factors)), 2):
            one, two = free_indices(factors[first]), free_indices(factors[second])
            if one & two:
                alone = [i for i in node.summed if i in one | two and uses[i] == (i in one) + (i in two)]
                pair = Contract(tuple(alone), (factors[first], factors[second]), "sum")
                yield 1 << first | 1 << second, self.codes.of(pair).code


def _parted(node: Contract) -> tuple[list[Expr], list[Expr]]:
    """The scalar factors, numbers first, and the others, each summed over the indices that no other has."""
    uses = Counter(index for factor in node.factors for index in free_indices(factor))
    stays = [factor for factor in node.factors if node.summed and endless(factor)]
    scalars = [factor for factor in node.factors if not free_indices(factor) and factor not in stays]
    others: list[Expr] = []
    for factor in node.factors:
        if free_indices(factor):
            if stays and not free_indices(factor).isdisjoint(node.summed):
                factor, stays = Contract((), (*stays, factor), "sum"), []
            alone = tuple(i for i in node.summed if uses[i] == 1 and i in free_indices(factor))
            others.append(contract(alone, (factor,)))
    still = [factor for factor in others if not free_indices(factor)]
    return sorted(scalars, key=lambda f: value_of(f) is None) + still, [f for f in others if free_indices(f)]


def _chain(factors: Sequence[Expr]) -> Expr:
    result = factors[0]
    for factor in factors[1:]:
        result = Contract((), (result, factor), "sum")
    return result


def _place(masks: Sequence[int], volume: Volumes) -> int:
    """Which operand, given or made, to multiply by a scalar: that with the fewest elements, of equal ones the last."""
    return min(range(len(masks)), key=lambda at: (volume(masks[at]), -at))


def _build(
    factors: list[Expr], path: Path, masks: list[int], summed: Mapping[int, Index], scaling: tuple[int, Expr | None]
) -> Expr:
    """The nested products along a path. ``masks`` are the indices of all operands, ``summed`` the indices to sum."""
    made = list(factors)
    at, scalar = scaling
    for step in range(len(factors) + len(path)):
        if step >= len(factors):
            first, second = path[step - len(factors)]
            gone = (masks[first] | masks[second]) & ~masks[step]
            over = tuple(index for bit, index in summed.items() if bit & gone)
            made.append(Contract(over, (made[first], made[second]), "sum"))
        if step == at and scalar is not None:
            made[step] = Contract((), (scalar, made[step]), "sum")
    return made[-1]


def keep_scale(program: Program) -> Program:
    """softmax(sum[d](c q k)) = softmax(c sum[d](q k)), through names: attention kernels take the scale for nothing."""
    softmaxes = [node for node in every_node(program) if isinstance(node, AlongIndex) and node.op == "softmax"]
    scores = {read.tensor for node in softmaxes for read in _direct(node.arg) if isinstance(read, Read)}

    def scaled_outside(node: Expr) -> Expr | None:
        if not isinstance(node, AlongIndex) or node.op != "softmax":
            return None
        arg = _scale_outside(node.arg)
        return None if arg is node.arg else AlongIndex(node.op, node.index, arg, node.options)

    def change(piece: Piece, definition: Definition) -> Expr:
        value = _scale_outside(piece.value) if definition.tensor in scores else piece.value
        return rewrite(value, (scaled_outside,)) if "softmax" in operators(value) else value

    return change_pieces(program, change) if softmaxes else program


def _direct(node: Expr) -> Iterator[Expr]:
    """What an expression is made of by guards and sums."""
    if isinstance(node, Where):
        yield from _direct(node.arg)
    elif isinstance(node, Apply) and node.op == "add":
        yield from node.args
    else:
        yield node


def _scale_outside(node: Expr) -> Expr:
    if isinstance(node, Where) or (isinstance(node, Apply) and node.op == "add"):
        return with_children(node, tuple(map(_scale_outside, children(node))))
    if isinstance(node, Contract) and node.summed and len(node.factors) > 2 and _scales(node.factors[0]):
        return Contract((), (node.factors[0], Contract(node.summed, node.factors[1:], node.semiring)), "sum")
    return node


def _scales(node: Expr) -> bool:
    return value_of(node) is not None and not endless(node)


def order_contractions(program: Program) -> Program:
    """The program with every contraction in nested products of two."""
    ordering = Ordering(program.sizes)
    program = keep_scale(program)
    ordering.count_pairs(every_node(program))
    return rewrite_pieces(program, (sound(ordering.order),), frozenset("*"))
