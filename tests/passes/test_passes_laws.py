"""Laws one by one: what is rewritten, what is left alone, and that element types and presence stay."""

from __future__ import annotations

import pytest

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.facts import dtype, presence
from tensorlang.ir.nodes import Const, Expr, Where, number, size_value
from tensorlang.ir.rewrite import rewrite
from tensorlang.ir.show import show_expr
from tensorlang.passes.fold import FOLD, normal
from tensorlang.passes.signs import nonnegative
from tensorlang.passes.sound import interchangeable
from tests.building import add, along, apply, index, read, reduce, summed, tensor, times, where

N = Size.of(Symbol("n"))
i, j = index("i", N), index("j", 3)
X, Z, B, C, K = (
    read(tensor("X", N), i), read(tensor("Z", 3), j), read(tensor("B", N, dtype="bool"), i),
    read(tensor("C", N, dtype="bool"), i), read(tensor("K", N, dtype="int"), i),
)  # fmt: skip
H = read(tensor("H", N, dtype="bf16"), i)

REWRITTEN = [
    (times(2, X, 3.0), "6.0 X[i]"),
    (times(X, 1), "X[i]"),
    (times(-1, X), "-X[i]"),
    (times(size_value(N), 2, X), "(2*|n|) * X[i]"),
    (times(apply("neg", X), apply("neg", X)), "X[i] X[i]"),
    (summed(j, of=(X, 2)), "6 X[i]"),
    (summed(i, of=(2,)), "2*|n|"),
    (summed(j, of=(0, K)), "0"),
    (add(X, 1, 2.5), "X[i] + 3.5"),
    (add(1, size_value(N), -1), "|n|"),
    (add(X, apply("neg", add(X, 3))), "X[i] - X[i] - 3"),
    (add(K, apply("neg", K), K), "K[i]"),
    (add(B, B), "2 B[i]"),
    (apply("neg", times(2, X)), "(-2) * X[i]"),
    (apply("neg", number(True)), "-1"),
    (apply("reciprocal", number(4)), "0.25"),
    (apply("reciprocal", times(-2.0, X)), "(-0.5) / X[i]"),
    (apply("pow", X, -0.5), "rsqrt(X[i])"),
    (apply("pow", K, 1), "K[i]"),
    (apply("pow", X, 0), "1.0"),
    (apply("mod", -3, 5), "2"),
    (apply("floordiv", times(size_value(N), 4), 2), "2*|n|"),
    (apply("and", B, number(True), apply("and", C, B)), "B[i] and C[i]"),
    (apply("or", B, number(True)), "true"),
    (apply("not", apply("not", B)), "B[i]"),
    (apply("select", number(False), X, X), "X[i]"),
    (apply("select", B, X, X), "X[i]"),
    (apply("eq", K, K), "true"),
    (apply("gt", B, 0), "B[i]"),
    (apply("sig", 0), "0.5"),
    (apply("sig", 0.3, 0.0), "1.0"),
    (apply("clip", 7, 0, 5.0), "5.0"),
    (apply("round", 2.5), "2.0"),
    (apply("erf", 0.0), "0.0"),
    (apply("max", 1, 2.5, -3), "2.5"),
    (apply("relu", apply("relu", X)), "relu(X[i])"),
    (apply("conj", apply("conj", number(2j))), "2.0 im"),
    (where(where(B, X).condition, where(C, X)), "X[i] where B[i] and C[i]"),
    (where(number(True), X), "X[i]"),
    (reduce("max", i, of=reduce("max", j, of=times(X, Z))), "max[i,j](X[i] Z[j])"),
    (reduce("sum", i, of=where(B, X)), "sum[i](X[i] where B[i])"),
    (along("softmax", i, add(X, 0)), "softmax[i](X[i])"),
]  # fmt: skip

LEFT_ALONE = [
    times(0, X),
    add(X, apply("neg", X)),
    times(1, B),
    times(1.0, K),
    add(where(B, X), 0),
    apply("log", 0),
    apply("exp", 1000.0),
    apply("reciprocal", 0),
    apply("pow", 2, -1),
    apply("pow", -2.0, 0.3),
    apply("pow", 10, 100),
    apply("sqrt", size_value(N)),
    apply("rand"),
    add(apply("rand"), apply("rand")),
    apply("eq", X, X),
    where(number(False), X),
    reduce("max", i, of=where(B, reduce("max", j, of=times(X, Z)))),
    reduce("mean", i, of=X),
    times(0.5, H),
]  # fmt: skip


@pytest.mark.parametrize(("node", "shown"), REWRITTEN, ids=[shown for _, shown in REWRITTEN])
def test_a_law_holds(node: Expr, shown: str) -> None:
    new = rewrite(node, FOLD)
    assert show_expr(new) == shown
    assert interchangeable(node, new)
    assert normal(new) is new


@pytest.mark.parametrize("node", LEFT_ALONE, ids=show_expr)
def test_no_law_applies(node: Expr) -> None:
    assert show_expr(rewrite(node, FOLD)) == show_expr(node)


def test_a_product_of_truth_values_stays_an_integer() -> None:
    assert dtype(rewrite(times(1, B), FOLD)) == "int"


def test_a_guard_that_decides_presence_stays() -> None:
    guarded = add(where(B, X), 0)
    assert presence(guarded) is None
    assert presence(rewrite(guarded, FOLD)) is None
    assert isinstance(rewrite(where(B, add(X, 0)), FOLD), Where)


def test_a_size_that_is_a_number_is_one() -> None:
    assert rewrite(Const(Size.of(3), "int"), FOLD) is number(3)


@pytest.mark.parametrize("node", [apply("exp", X), apply("pow", X, 2), times(apply("abs", X), 2), apply("relu", X)])
def test_what_is_never_negative(node: Expr) -> None:
    assert nonnegative(node)
    assert nonnegative(add(node, apply("sig", X)))
    assert not nonnegative(apply("neg", node))
    assert not nonnegative(times(node, X))
