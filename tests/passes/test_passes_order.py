"""Orders of contractions: the cheapest for a few factors, good ones for many, the same result always."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from tensorlang.backends.reference import evaluate
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Contract, Expr, Index, children
from tensorlang.ir.program import Program
from tensorlang.passes.order_contractions import find_path, order_contractions
from tensorlang.passes.scopes import every_node
from tensorlang.passes.trees import Network, Path, cost, exhaustive
from tests.building import define, index, number, read, summed, tensor, where


def every_path(count: int, made: int, left: tuple[int, ...]) -> list[Path]:
    """All orders there are, for a handful of operands."""
    if len(left) == 1:
        return [()]
    paths: list[Path] = []
    for one, two in combinations(left, 2):
        rest = (*(operand for operand in left if operand not in (one, two)), made)
        paths += [((one, two), *path) for path in every_path(count, made + 1, rest)]
    return paths


def drawn(source: random.Random, count: int, indices: int, output: int) -> Network:
    """A random network; no operand has an index of its own that is summed."""
    extents = tuple(source.randint(2, 9) for _ in range(indices))
    kept = sum(1 << bit for bit in source.sample(range(indices), output))
    masks = [0] * count
    for bit in range(indices):
        least = 1 if kept >> bit & 1 else 2
        for at in source.sample(range(count), source.randint(least, max(least, min(3, count)))):
            masks[at] |= 1 << bit
    return Network(tuple(masks), kept, extents)


@pytest.mark.parametrize("seed", range(12))
def test_no_order_of_a_few_factors_is_cheaper(seed: int) -> None:
    network = drawn(random.Random(seed), 3 + seed % 3, 5, 2)
    count = len(network.operands)
    least = min(cost(network, path)[0] for path in every_path(count, count, tuple(range(count))))
    found, path = exhaustive(network)
    assert found == pytest.approx(least)
    assert cost(network, path)[0] == pytest.approx(least)


@pytest.mark.parametrize("count", [9, 11, 14, 30, 60])
def test_many_factors_are_ordered(count: int) -> None:
    network = drawn(random.Random(count), count, count + 3, 2)
    path = find_path(network)
    assert len(path) == count - 1
    assert sorted(at for pair in path for at in pair) == list(range(2 * count - 2))
    naive = tuple((0 if at == 0 else count + at - 1, at + 1) for at in range(count - 1))
    assert cost(network, path)[0] <= cost(network, naive)[0]


def test_the_random_search_is_the_same_each_time() -> None:
    state = random.getstate()
    network = drawn(random.Random(3), 20, 24, 1)
    wide = Network(network.operands, network.output, (40,) * len(network.extents))
    first = find_path(wide)
    find_path.cache_clear()
    assert find_path(wide) == first
    assert random.getstate() == state


def network_program(network: Network) -> tuple[Program, dict[str, np.ndarray], list[object]]:
    """A network as a program, with data and the arguments of numpy.einsum for it."""
    indices = [index(f"i{bit}", size) for bit, size in enumerate(network.extents)]
    generator = np.random.default_rng(len(network.operands))
    tensors, reads, data, arguments = [], [], {}, []
    for at, mask in enumerate(network.operands):
        own = [i for bit, i in enumerate(indices) if mask >> bit & 1]
        tensors.append(tensor(f"T{at}", *(i.size for i in own)))
        reads.append(read(tensors[-1], *own))
        data[f"T{at}"] = generator.integers(-2, 3, [i.size.constant for i in own]).astype(float)
        arguments += [data[f"T{at}"], [bit for bit in range(len(indices)) if mask >> bit & 1]]
    kept = [bit for bit in range(len(indices)) if network.output >> bit & 1]
    gone = tuple(i for bit, i in enumerate(indices) if bit not in kept)
    program = define("Y", tuple(indices[bit] for bit in kept), summed(*gone, of=tuple(reads)), *tensors)
    return program, data, [*arguments, kept]


@pytest.mark.parametrize("seed", range(8))
def test_the_value_stays(seed: int) -> None:
    source = random.Random(seed)
    count = 3 + seed
    network = drawn(source, count, count + 1, 2)
    program, data, arguments = network_program(Network(network.operands, network.output, (2,) * (count + 1)))
    ordered = order_contractions(program)
    assert all(len(node.factors) <= 2 for node in every_node(ordered) if isinstance(node, Contract))
    np.testing.assert_allclose(evaluate(ordered, data, {})["Y"], np.einsum(*arguments), atol=1e-9)


def factors_of(node: Expr) -> list[Expr]:
    return [child for child in children(node) if isinstance(child, Contract)]


def value_of(program: Program) -> Expr:
    return program.definitions[-1].pieces[0].value


def test_sizes_that_are_known_decide() -> None:
    """A chain of two matrices and a matrix of few columns, from the other side where there are few rows."""
    for sizes, inner in (((2, 50, 50, 50), {"A", "B"}), ((50, 50, 50, 2), {"B", "C"})):
        symbols = [Symbol(name) for name in "ijkl"]
        i, j, k, m = (Index(s.name, Size.of(s)) for s in symbols)
        a, b, c = tensor("A", i.size, j.size), tensor("B", j.size, k.size), tensor("C", k.size, m.size)
        program = define("Y", (i, m), summed(j, k, of=(read(a, i, j), read(b, j, k), read(c, k, m))), a, b, c)
        bound = replace(program, sizes=dict(zip(symbols, sizes, strict=True)))
        (pair,) = factors_of(value_of(order_contractions(bound)))
        assert {factor.tensor for factor in children(pair)} == inner


def test_two_factors_stay_as_they_are() -> None:
    i, j, k = index("i", 3), index("j", 4), index("k", 5)
    a, b = tensor("A", 3, 4), tensor("B", 4, 5)
    program = define("Y", (i, k), summed(j, of=(read(a, i, j), read(b, j, k))), a, b)
    assert order_contractions(program) is program


def test_guarded_factors_and_scalars_keep_the_value() -> None:
    i, j, k = index("i", 3), index("j", 4), index("k", 5)
    a, b, s, e = tensor("A", 3, 4), tensor("B", 4, 5), tensor("S"), tensor("E", 3, 4, dtype="bool")
    value = summed(j, k, of=(number(2), where(read(e, i, j), read(a, i, j)), read(s), read(b, j, k)))
    program = define("Y", (i,), value, a, b, s, e)
    generator = np.random.default_rng(0)
    data = {"A": generator.normal(size=(3, 4)), "B": generator.normal(size=(4, 5)), "S": np.array(0.5)}
    data["E"] = generator.random((3, 4)) < 0.5
    meant = 2 * 0.5 * np.einsum("ij,ij,jk->i", data["A"], data["E"], data["B"])
    np.testing.assert_allclose(evaluate(order_contractions(program), data, {})["Y"], meant)


WATCH = """
import sys
from tests.passes.meaning import load
from tensorlang.passes import optimise
before = set(sys.modules)
optimise(load({text!r}))
found = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(sorted(found & {{"sympy", "opt_einsum", "cotengra", "quimb", "torch"}}))
"""
NETWORK = """
input X[b,t,m]
param WQ[h,d,m], WK[h,d,m], WV[h,d,m], WO[m,h,d], P[t,m]
dim d = 4, h = 2, m = 8
Even[t,m] = sin(t / 10000^(m/|m|)) cos(t) + P[t,m]
Q[b,h,t,d] = WQ[h,d,m] (X[b,t,m] + Even[t,m])
K[b,h,t,d] = WK[h,d,m] X[b,t,m]
V[b,h,t,d] = WV[h,d,m] X[b,t,m]
A[b,h,t,t'.] = softmax(Q[b,h,t,d] K[b,h,t',d] / sqrt(|d|))   where t' <= t
O[b,h,t,d] = A[b,h,t,t'] V[b,h,t',d]
Y[b,t,m] = gelu(WO[m,h,d] O[b,h,t,d]) + X[b,t,m]
Loss = -sum[b,t,m](log(sig(Y[b,t,m])))
output Y, Loss
"""


def test_ordinary_networks_import_no_library() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WATCH.format(text=NETWORK)], capture_output=True, text=True, check=False
    )
    assert ran.stdout.strip() == "[]", ran.stderr
