"""Reads at every kind of index expression, inside and outside the axis, against the reference."""

from __future__ import annotations

import pytest

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Const, Expr, Index
from tensorlang.ir.program import Tensor
from tests.backends.agreement import agree
from tests.building import add, apply, define, index, minus, read, reduce, summed, tensor, times, where

n, k = Size.of(Symbol("n")), Size.of(Symbol("k"))
i, j, c = index("i", n), index("j", k), index("c", 3)
X = tensor("X", n)
M = tensor("M", n, 3)
SIZES = ({"n": 6, "k": 2}, {"n": 3, "k": 3}, {"n": 2, "k": 1}, {"n": 1, "k": 4})


def check(value: Expr, left: tuple[Index, ...], *given: Tensor, sizes: tuple[dict[str, int], ...] = SIZES) -> str:
    return agree(define("Y", left, value, *given), *sizes).text


@pytest.mark.parametrize("offset", [-5, -2, -1, 0, 1, 2, 5])
@pytest.mark.parametrize("stride", [1, 2, 3, -1, -2])
def test_one_index(stride: int, offset: int) -> None:
    check(read(X, add(times(stride, i), offset)), (i,), X)
    check(read(M, add(times(stride, i), offset), c), (c, i), M)


def test_shifts_are_pads() -> None:
    assert "F.pad(X, [1, 0])[:n]" in check(read(X, minus(i, 1)), (i,), X)
    assert "F.pad(X, [0, 1])[1:n + 1]" in check(read(X, add(i, 1)), (i,), X)


def test_reversed() -> None:
    assert "X.flip([0])" in check(read(X, minus(Const(n - 1, "int"), i)), (i,), X)


def test_numbers() -> None:
    assert "Y = X[0]" in check(read(X, 0), (), X)
    assert "Y = X[n - 1]" in check(read(X, Const(n - 1, "int")), (), X)
    assert "M.select(1, 2)" in check(read(M, i, 2), (i,), M)
    check(read(X, 4), (), X)
    check(read(X, -1), (), X)
    check(read(M, i, 3), (i,), M)
    check(read(M, 1, c), (c,), M)


def test_diagonals() -> None:
    S = tensor("S", n, n)
    assert "S.diagonal(0, 0, 1)" in check(read(S, i, i), (i,), S)
    check(summed(i, of=(read(S, i, i),)), (), S)
    check(read(S, i, add(i, 1)), (i,), S)
    check(read(S, minus(i, 1), i), (i,), S)
    T = tensor("T", n, 3, n)
    check(read(T, i, c, i), (c, i), T)


def test_windows() -> None:
    assert "unfold" in check(read(X, add(i, c)), (i, c), X)
    v = index("v", n - 2)
    text = check(read(X, add(v, c)), (v, c), X, sizes=({"n": 6}, {"n": 3}))
    assert "pad" not in text
    check(read(X, add(times(2, i), c)), (i, c), X)
    check(read(X, add(i, times(2, c))), (i, c), X)
    check(read(X, add(i, c, -1)), (i, c), X)
    check(read(X, add(i, c, j)), (i, c, j), X)
    check(read(X, minus(i, c)), (i, c), X)
    check(reduce("max", c, of=read(X, add(i, c))), (i,), X)


def test_split_axes() -> None:
    F = tensor("F", n * 3)
    assert "unflatten" in check(read(F, add(times(3, i), c)), (i, c), F)
    G = tensor("G", n * k)
    text = check(read(G, add(times(Const(k, "int"), i), j)), (i, j), tensor("K", k), G)
    assert "unflatten" in text
    check(read(F, add(times(3, i), c)), (c, i), F)
    check(read(M, i, c), (c, i), M)
    short = index("short", n - 1)
    check(read(F, add(times(3, short), c)), (short, c), F, sizes=({"n": 4}, {"n": 2}))


def test_divided_and_wrapped() -> None:
    assert "repeat_interleave(2, 0)[:n]" in check(read(X, apply("floordiv", i, 2)), (i,), X)
    whole = index("w", 2 * n)
    text = check(read(M, apply("floordiv", whole, 2), c), (c, whole), M)
    assert "M.repeat_interleave(2, 0)" in text
    check(read(tensor("S", n, n), apply("floordiv", i, 3), apply("floordiv", index("s", n), 2)), (i, index("s", n)),
          tensor("S", n, n))  # fmt: skip
    check(read(tensor("S", n, n), apply("floordiv", i, 2), i), (i,), tensor("S", n, n))
    check(read(X, apply("mod", i, 4)), (i,), X)
    check(read(X, apply("mod", add(i, 1), Const(n, "int"))), (i,), X)
    check(read(M, apply("floordiv", i, 2), c), (i, c), M)
    check(read(M, apply("mod", i, 3), apply("mod", i, 3)), (i,), M)
    check(read(M, i, apply("mod", i, 3)), (i,), M)


def positions(name: str, *sizes: Size | int, within: Size | int | None = None) -> Tensor:
    made = tensor(name, *sizes, dtype="int")
    return (
        made if within is None else Tensor(made.name, made.kind, made.axes, "int", made.span, positions=Size.of(within))
    )


def test_gathers() -> None:
    T = positions("T", k, within=n)
    assert "F.embedding(T, M)" in check(read(M, read(T, j), c), (j, c), M, T)
    assert "X.index_select(0, T)" in check(read(X, read(T, j)), (j,), X, T)
    U = positions("U", k, 3, within=n)
    assert "F.embedding(U, M)" in check(read(M, read(U, j, c), index("e", 3)), (j, c, index("e", 3)), M, U)
    check(read(X, read(U, j, c)), (c, j), X, U)
    check(read(M, read(U, j, c), c), (c, j), M, U)
    P = positions("P", n, within=3)
    assert "M.gather(1, P.unsqueeze(1)).squeeze(1)" in check(read(M, i, read(P, i)), (i,), M, P)
    check(summed(i, of=(read(M, i, read(P, i)),)), (), M, P)
    check(read(M, read(T, j), read(positions("Q", k, within=3), j)), (j,), M, T, positions("Q", k, within=3))
    D = tensor("D", 3, n, 2)
    e = index("e", 2)
    check(read(D, c, read(T, j), e), (j, c, e), D, T)
    check(read(D, read(positions("Q", k, within=3), j), i, read(positions("R", k, within=2), j)), (i, j), D,
          positions("Q", k, within=3), positions("R", k, within=2))  # fmt: skip


def test_gathers_outside_give_zero() -> None:
    T = positions("T", k)
    assert "clamp" in check(read(X, read(T, j)), (j,), X, T)
    check(read(M, read(T, j), c), (j, c), M, T)
    check(read(M, i, read(T, j)), (i, j), M, T)
    check(read(M, add(read(T, j), 1), c), (j, c), M, T)
    check(read(M, read(T, j), read(T, j)), (j,), M, T)


def test_chained_gathers() -> None:
    T, S = positions("T", k, within=3), positions("S", 3, within=n)
    check(read(X, read(S, read(T, j))), (j,), X, S, T)


def test_positions_as_values() -> None:
    agree(define("Y", (i,), times(0.5, i)), *SIZES)
    agree(define("Y", (i, c), add(i, c), dtype="int"), *SIZES)
    check(times(read(X, i), i), (i,), X)
    check(times(read(X, i), apply("eq", i, c)), (i, c), X)
    check(
        apply("sin", times(i, apply("reciprocal", apply("pow", 10000.0, times(c, apply("reciprocal", 3)))))), (i, c), X
    )


def test_guards() -> None:
    s = index("s", n)
    check(where(apply("le", s, i), read(X, s)), (i, s), X)
    check(summed(s, of=(where(apply("lt", s, i), read(X, s)), read(X, i))), (i,), X)
    check(where(apply("ne", read(X, i), 0.0), apply("log", apply("abs", read(X, i)))), (i,), X)


def test_gradients_are_finite_where_a_guard_hides_a_singularity() -> None:
    import torch

    from tensorlang.backends.torch_module import build
    from tensorlang.passes.schedule import schedule

    for op in ("log", "sqrt", "reciprocal", "rsqrt"):
        value = where(apply("gt", read(X, i), 0.0), apply(op, read(X, i)))
        for whole in (
            value,
            reduce("max", i, of=value),
            reduce("mean", i, of=value),
            summed(i, of=(value, read(X, i))),
        ):
            left = (i,) if whole is value else ()
            made = build(schedule(define("Y", left, whole, X)))
            x = torch.tensor([0.0, 1.0, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
            made.compute(x).sum().backward()
            assert x.grad is not None
            assert torch.isfinite(x.grad).all(), made.text
