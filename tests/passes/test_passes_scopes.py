"""Substitution keeps scopes, codes are equal exactly up to names, and what is surely 0 is."""

from __future__ import annotations

import random

import pytest

from tensorlang.ir.nodes import Contract, Expr, Index, Position, free_indices
from tensorlang.ir.rewrite import bound_inside
from tensorlang.ir.show import show_expr
from tensorlang.passes.canonical import Codes
from tensorlang.passes.contexts import where_presence_matters
from tensorlang.passes.guards import guards
from tensorlang.passes.scopes import apart, put, settled
from tensorlang.passes.share import share
from tensorlang.passes.zeros import Zeros, finite
from tests.building import add, along, apply, define, expr, index, piece, read, reduce, summed, tensor, times, where
from tests.passes.meaning import load

i, j, k, m = index("i", 3), index("j", 3), index("k", 3), index("m", 3)
long = index("n", 7)
A, B, V = tensor("A", 3, 3), tensor("B", 3, 3), tensor("V", 3)
E = tensor("E", 3, 3, dtype="bool")


def test_a_bound_index_makes_room() -> None:
    node = summed(k, of=(read(A, i, k), read(V, k)))
    assert show_expr(put(node, {i: Position(k)}) or node) == "sum[k_1](A[k,k_1] V[k_1])"


def test_only_free_indices_are_replaced() -> None:
    node = add(read(V, i), summed(i, of=(read(V, i),)))
    assert show_expr(put(node, {i: expr(2)}) or node) == "V[2] + sum[i_1](V[i_1])"


def test_indices_change_places_at_once() -> None:
    node = add(read(A, i, j), reduce("max", k, of=read(B, i, k)))
    assert show_expr(put(node, {i: Position(j), j: Position(i)}) or node) == "A[j,i] + max[k](B[j,k])"


def test_a_function_runs_along_a_plain_index_or_not_at_all() -> None:
    node = along("softmax", j, read(A, i, j))
    assert show_expr(put(node, {j: Position(k)}) or node) == "softmax[k](A[i,k])"
    assert show_expr(put(node, {i: expr(1)}) or node) == "softmax[j](A[1,j])"
    assert put(node, {j: expr(1)}) is None
    assert put(node, {j: Position(i)}) is None
    assert put(node, {i: Position(j)}) is None
    assert put(node, {j: Position(long)}) is None


def test_a_function_under_a_sum_keeps_to_its_scope() -> None:
    node = summed(j, of=(along("softmax", j, read(A, i, j)), read(V, j)))
    assert show_expr(put(node, {i: Position(j)}) or node) == "sum[j_1](softmax[j_1](A[j,j_1]) V[j_1])".replace(
        ") V", ") * V"
    )


def test_binders_of_a_name_are_told_apart() -> None:
    inner = summed(k, of=(read(V, k),))
    node = times(summed(k, of=(read(A, i, k),)), inner)
    new = apart(node, {"k"})
    assert "k" not in {index.name for index in bound_inside(new)}
    assert free_indices(new) == free_indices(node)
    assert apart(node, {"m"}) is node


def test_settled_names_are_bound_once() -> None:
    shadowing = settled(piece((i,), summed(i, of=(read(V, i), summed(k, of=(summed(k, of=(read(V, k),)),))))))
    names = [index.name for index in bound_inside(shadowing.value)]
    assert len(names) == len(set(names)) == 3
    assert "i" not in names


def renamed(node: Expr, names: dict[Index, Index]) -> Expr:
    return put(node, {old: Position(new) for old, new in names.items()}) or node


@pytest.mark.parametrize("seed", range(20))
def test_codes_do_not_see_names_or_the_order_of_factors(seed: int) -> None:
    source = random.Random(seed)
    factors = [read(A, i, k), read(B, k, j), read(V, k), apply("exp", add(read(V, i), read(V, j)))]
    node = Contract((k,), tuple(factors), "sum")
    other = renamed(Contract((k,), tuple(source.sample(factors, 4)), "sum"), {i: m, j: index("z", 3)})
    codes = Codes()
    assert codes.of(node).code == codes.of(other).code
    places = dict(zip(codes.of(node).order, codes.of(other).order, strict=True))
    assert places == {i: m, j: index("z", 3)}


def test_codes_see_everything_else() -> None:
    nodes = [
        read(A, i, j), read(A, i, i), read(B, i, j), read(A, i, 1), add(read(A, i, j), read(V, i)),
        add(read(A, i, j), read(V, j)), summed(i, of=(read(A, i, j),)), summed(j, of=(read(A, i, j),)),
        reduce("max", i, of=read(A, i, j)), along("softmax", i, read(A, i, j)), along("softmax", j, read(A, i, j)),
        where(apply("lt", i, j), read(A, i, j)), where(apply("lt", j, i), read(A, i, j)), apply("exp", read(A, i, j)),
        times(read(V, i), read(V, i)), times(read(V, i), read(V, j)), Position(i), Position(long), expr(1), expr(1.0),
        expr(True),
    ]  # fmt: skip
    codes = Codes()
    assert len({codes.of(node).code for node in nodes}) == len(nodes)


def test_zeros_of_products_need_finite_factors() -> None:
    zeros, edge = Zeros(), read(E, i, j)
    guarded = where(edge, read(A, i, j))
    assert edge in zeros.of(times(guarded, read(V, i)))
    assert edge in zeros.of(times(guarded, apply("log", read(V, i))))
    assert edge in zeros.of(times(edge, read(V, i)))
    assert edge not in zeros.of(times(edge, apply("log", read(V, i))))
    assert edge not in zeros.of(apply("exp", guarded))
    assert edge in zeros.of(apply("tanh", guarded))
    assert edge not in zeros.of(summed(j, of=(guarded,)))
    assert finite(apply("sig", read(V, i)))
    assert not finite(apply("reciprocal", read(V, i)))


def test_a_guard_stays_on_what_may_be_infinite() -> None:
    text = "input X[n]\nrelation Edge(n,n')\nY[n] = sum[n'](Edge(n,n') log(X[n']) where Edge(n,n'))\n"
    assert "where Edge[n,n']" in show_expr(guards(load(text)).definitions[0].pieces[0].value)


def test_presence_matters_under_reductions_only() -> None:
    guarded = where(read(E, i, j), read(A, i, j))
    assert guarded in where_presence_matters(reduce("max", j, of=apply("neg", guarded)), False)
    assert guarded not in where_presence_matters(summed(j, of=(guarded, read(V, j))), True)
    assert guarded not in where_presence_matters(reduce("max", j, of=apply("exp", guarded)), True)
    assert guarded in where_presence_matters(add(guarded, read(V, i)), True)


def test_nothing_is_shared_where_nothing_is_common() -> None:
    program = define("Y", (i,), summed(k, of=(read(A, i, k), read(V, k))), A, V)
    assert share(program) is program
