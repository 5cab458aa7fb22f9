"""Orders of operations in other semirings: as few indices at once as can be, and nothing unsound."""

from __future__ import annotations

import numpy as np
import pytest

from tensorlang.backends.reference import evaluate
from tensorlang.ir.nodes import Apply, Contract, Reduce, free_indices
from tensorlang.ir.show import show
from tensorlang.passes import optimise
from tensorlang.passes.scopes import every_node
from tests.building import add, define, index, read, reduce, tensor
from tests.passes.meaning import assert_same, data_for, load, values_of


def widest(text: str) -> int:
    """The most indices of anything that a program joins or holds."""
    joins = (node for node in every_node(optimise(load(text))) if isinstance(node, Apply | Contract | Reduce))
    return max(len(free_indices(node)) for node in joins)


CHAIN = "A[a,b] + B[b,c] + C[c,d] + D[d,e] + E[e,f]"
INPUTS = "input A[a,b], B[b,c], C[c,d], D[d,e], E[e,f]\n"


@pytest.mark.parametrize("op", ["max=", "min=", "logsumexp="])
def test_a_chain_never_has_more_than_three_indices_at_once(op: str) -> None:
    for left in ("Y", "Y[a]", "Y[c]", "Y[a,f]"):
        assert widest(f"{INPUTS}{left} {op} {CHAIN}\n") <= 3


def test_a_tree_costs_what_it_allows() -> None:
    star = "input A[x,a], B[x,b], C[x,c], D[c,d], E[c,e]\n"
    assert widest(f"{star}Y max= A[x,a] + B[x,b] + C[x,c] + D[c,d] + E[c,e]\n") == 2
    assert widest(f"{star}Y[x] logsumexp= A[x,a] + B[x,b] + C[x,c] + D[c,d] + E[c,e]\n") == 2


def test_relations_are_joined_two_by_two() -> None:
    text = "relation R(a,b), S(b,c), T(c,d), U(d,e)\nY(a,e) or= R(a,b) and S(b,c) and T(c,d) and U(d,e)\n"
    assert widest(text) <= 3


def test_products_are_reordered_only_where_no_factor_may_be_negative() -> None:
    head = "input A[a,b], B[b,c], C[c,d]\n"
    assert widest(f"{head}Y[a,d] max= exp(A[a,b]) sig(B[b,c]) abs(C[c,d])\n") <= 3
    assert widest(f"{head}Y[a,d] max= exp(A[a,b]) B[b,c] abs(C[c,d])\n") == 4
    assert widest(f"{head}param W[c,d]\ndim d = 3\nY[a,d] max= exp(A[a,b]) sig(B[b,c]) W[c,d]\n") == 4


def test_what_is_drawn_is_drawn_as_often_as_written() -> None:
    text = "input A[i,j], B[j,k]\nY[i] = max[j,k](A[i,j] + normal(A[i,j]) + B[j,k])\n"
    assert "max[j,k](" in show(optimise(load(text)))


def test_over_nothing_integers_keep_their_least_value() -> None:
    """A term left outside of an empty maximum would be added to the least integer."""
    i, j = index("i", 3), index("j", 0)
    N, C = tensor("N", 3, 0, dtype="int"), tensor("C", 3, dtype="int")
    program = define("Y", (i,), reduce("max", j, of=add(read(N, i, j), read(C, i))), N, C)
    given = {"N": np.zeros((3, 0), dtype=np.int64), "C": np.ones(3, dtype=np.int64)}
    before, after = (evaluate(p, given, {})["Y"] for p in (program, optimise(program)))
    np.testing.assert_array_equal(before, after)
    assert (before == np.iinfo(np.int64).min).all()


@pytest.mark.parametrize("op", ["max=", "min=", "logsumexp="])
def test_a_reduction_of_a_reduction_is_put_in_order_with_it(op: str) -> None:
    text = f"input A[i,j], B[j,k], v[k]\nM[i,k] {op} A[i,j] + B[j,k]\nY[i] {op} M[i,k] + v[k]\noutput Y\n"
    assert widest(text) == 2  # a matrix times a vector, twice, in the place of a product of matrices
    program = load(text)
    data = data_for(program)
    assert_same(values_of(program, data, ["Y"]), values_of(optimise(program), data, ["Y"]), text)


def test_two_reductions_of_one_join_do_not_hold_it() -> None:
    text = (
        "input A[i,j], B[j,k]\nX[i,k] = max[j](exp(A[i,j]) + sin(B[j,k]))\nY[i,k] = min[j](exp(A[i,j]) + sin(B[j,k]))\n"
    )
    held = [len(tensor.axes) for tensor in optimise(load(text)).tensors.values()]
    assert max(held) == 2


@pytest.mark.parametrize("op", ["max=", "min=", "logsumexp="])
def test_a_join_with_a_name_of_its_own_is_not_held(op: str) -> None:
    text = f"input A[i,j], B[j,k]\nS[i,j,k] = A[i,j] + B[j,k]\nY[i,k] {op} S[i,j,k]\noutput Y\n"
    assert "S" not in optimise(load(text)).tensors
    kept = optimise(load(text.replace("output Y", "output Y, S")))
    assert "S" in kept.tensors
