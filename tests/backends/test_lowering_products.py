"""Products and sums of products in every role that indices can have, against the reference; and the calls chosen."""

from __future__ import annotations

import itertools

import pytest

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Const, Expr, Index
from tensorlang.ir.program import Program, Tensor
from tests.backends.agreement import agree
from tests.building import add, apply, define, expr, index, minus, read, summed, tensor, times

SIZES = {"b": 2, "h": 3, "t": 4, "s": 5}
AGAIN = {"b": 3, "h": 1, "t": 2, "s": 4}
b, h, t, s = (index(name, Size.of(Symbol(name))) for name in SIZES)
d, e, m = index("d", 3), index("e", 2), index("m", 4)


def over(name: str, *indices: Index, dtype: str = "float") -> tuple[Tensor, Expr]:
    made = tensor(name, *(i.size for i in indices), dtype=dtype)
    return made, read(made, *indices)


def program(left: str, total: str, *factors: str, dtypes: tuple[str, ...] = ()) -> Program:
    """``program("bd", "m", "bm", "dm")`` is Y[b,d] = A[b,m] B[d,m], summed over m."""
    names = {i.name: i for i in (b, h, t, s, d, e, m)}
    kinds = dtypes or ("float",) * len(factors)
    pairs = [
        over(name, *(names[i] for i in f), dtype=kind) for name, f, kind in zip("ABCDE", factors, kinds, strict=False)
    ]
    order = ("bool", "int", "float", "float64", "complex")
    dtype = max(("int", *kinds), key=order.index)
    value = summed(*(names[i] for i in total), of=tuple(value for _, value in pairs))
    return define("Y", tuple(names[i] for i in left), value, *(given for given, _ in pairs), dtype=dtype)


PAIRS = [
    ("bd", "m", "bm", "dm"), ("bd", "m", "dm", "bm"), ("db", "m", "bm", "dm"), ("bd", "m", "bm", "md"),
    ("btd", "m", "btm", "dm"), ("bhtd", "m", "hdm", "btm"), ("bhts", "d", "bhtd", "bhsd"),
    ("bhtd", "s", "bhts", "bhsd"), ("bhtd", "s", "bhts", "bshd"), ("bts", "hd", "bhtd", "hsd"),
    ("bt", "hd", "bhd", "thd"), ("bt", "hd", "bhd", "dth"), ("b", "m", "bm", "m"), ("b", "m", "m", "mb"),
    ("bt", "m", "btm", "m"), ("", "m", "m", "m"), ("", "bm", "bm", "mb"), ("b", "m", "bm", "bm"),
    ("bt", "m", "btm", "tmb"), ("bt", "m", "btm", "bm"), ("bm", "", "b", "m"), ("mb", "", "bm", "b"),
    ("bd", "mt", "bmt", "dt"), ("bd", "mts", "bmt", "dts"), ("bd", "m", "b", "d"), ("", "bm", "b", "m"),
    ("d", "bm", "bd", "bmd"), ("tb", "h", "bht", "bh"), ("th", "", "th", "ht"), ("b", "t", "b", "b"),
    ("bm", "", "b", "b"), ("ts", "b", "bt", "sb"),
]  # fmt: skip


@pytest.mark.parametrize("case", PAIRS, ids="-".join)
def test_pairs(case: tuple[str, ...]) -> None:
    agree(program(*case), SIZES, AGAIN)


@pytest.mark.parametrize(
    "case",
    [
        ("bd", "me", "bm", "me", "ed"), ("b", "me", "bm", "me", "e"), ("bd", "m", "bm", "m", "dm"),
        ("", "bmd", "bm", "md", "db"), ("bd", "", "b", "d", "bd"), ("be", "mdt", "bm", "md", "dt", "te"),
        ("b", "mds", "bm", "md", "d"),
    ],
    ids="-".join,
)  # fmt: skip
def test_more_factors(case: tuple[str, ...]) -> None:
    agree(program(*case), SIZES, AGAIN)


@pytest.mark.parametrize("kinds", list(itertools.product(("bool", "int", "float", "complex"), repeat=2)), ids="-".join)
@pytest.mark.parametrize(
    "case", [("bd", "m", "bm", "dm"), ("bts", "d", "btd", "bsd"), ("", "m", "m", "m"), ("bm", "", "b", "m")]
)
def test_element_types(case: tuple[str, ...], kinds: tuple[str, str]) -> None:
    agree(program(*case, dtypes=kinds), SIZES)


def chosen(value: Expr, left: tuple[Index, ...], *given: Tensor) -> str:
    """The right side of the single line that generated code has for an equation."""
    made = agree(define("Y", left, value, *given), SIZES, AGAIN)
    lines = [line.partition("#")[0].strip() for line in made.text.splitlines()]
    return next(line for line in lines if line.startswith("Y = "))


def test_a_bias_goes_into_the_call() -> None:
    X, x = over("X", b, m)
    W, w = over("W", d, m)
    B, bias = over("B", d)
    value = apply("relu", add(summed(m, of=(w, x)), bias))
    assert chosen(value, (b, d), X, W, B) == "Y = torch.relu(F.linear(X, W, B))"


def test_a_bias_of_several_indices_goes_into_the_call() -> None:
    X, x = over("X", b, t, m)
    W, w = over("W", e, d, m)
    B, bias = over("B", e, d)
    line = chosen(add(summed(m, of=(w, x)), bias), (b, t, e, d), X, W, B)
    assert line == "Y = F.linear(X, W.flatten(0, 1), B.flatten()).unflatten(2, [2, 3])"


def test_a_stored_transpose_takes_addmm() -> None:
    X, x = over("X", b, m)
    W, w = over("W", m, d)
    B, bias = over("B", d)
    assert chosen(add(summed(m, of=(x, w)), bias), (b, d), X, W, B) == "Y = torch.addmm(B, X, W)"
    V, v = over("V", m)
    C, c = over("C", b)
    assert chosen(add(summed(m, of=(x, v)), c), (b,), X, V, C) == "Y = torch.addmv(C, X, V)"


def test_numbers_join_the_smaller_side() -> None:
    X, x = over("X", b, m)
    scale = apply("reciprocal", apply("sqrt", Const(m.size, "int") if False else expr(4)))
    assert "einsum" not in chosen(summed(m, of=(x, x, scale)), (b,), X)


def test_quotients_and_differences() -> None:
    X, x = over("X", b, m)
    C, c = over("C", m)
    assert chosen(times(x, apply("reciprocal", apply("exp", c))), (b, m), X, C) == "Y = X / torch.exp(C)"
    assert chosen(minus(x, c), (b, m), X, C) == "Y = X - C"
    assert chosen(minus(minus(c, x), 1.5), (b, m), X, C) == "Y = C - X - 1.5"
    assert chosen(apply("neg", add(x, c)), (b, m), X, C) == "Y = -(X + C)"
    assert chosen(minus(2.0, x), (b, m), X) == "Y = 2.0 - X"
    assert chosen(times(2.0, x, 3.0), (b, m), X) == "Y = 6.0 * X"


def test_mixed_types_in_sums() -> None:
    X, x = over("X", b, m)
    K, k = over("K", b, dtype="int")
    M, mask = over("M", m, dtype="bool")
    agree(define("Y", (b, m), add(k, mask, x, 0.5), X, K, M), SIZES)
    agree(define("Y", (b, m), add(k, mask, 0.5), K, M), SIZES)
    agree(define("Y", (b, m), add(mask, mask), M, dtype="int"), SIZES)
    agree(define("Y", (b, m), minus(mask, k), K, M, dtype="int"), SIZES)
    agree(define("Y", (b, m), times(mask, k), K, M, dtype="int"), SIZES)
    agree(define("Y", (m,), times(mask, 0.5), M), SIZES)
    agree(define("Y", (b,), times(k, apply("reciprocal", k)), K), {**SIZES}, differentiable=False, seed=5)
    agree(define("Y", (b,), times(0.5, k, k), K), SIZES)
    agree(define("Y", (b,), apply("pow", k, 2), K, dtype="int"), SIZES)
    agree(define("Y", (b,), apply("pow", 2.0, k), K), SIZES)
    agree(define("Y", (b,), apply("exp", k), K), SIZES)


def test_a_number_in_a_maximum_is_a_bound() -> None:
    X, x = over("X", b, m)
    assert chosen(apply("max", 0.5, x), (b, m), X) == "Y = torch.clamp(X, min=0.5)"
    assert chosen(apply("min", x, 0.5, -0.25), (b, m), X) == "Y = torch.clamp(torch.clamp(X, max=0.5), max=-0.25)"
