"""Definitions of several equations, partial and special ones, scatters and aggregates, against the reference."""

from __future__ import annotations

import pytest

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Const, Expr, Index, Position
from tensorlang.ir.program import Piece, Program, Tensor
from tests.backends.agreement import agree
from tests.building import add, apply, expr, index, minus, piece, program, read, tensor, times, where

n, k = Size.of(Symbol("n")), Size.of(Symbol("k"))
i, j, c = index("i", n), index("j", k), index("c", 3)
X, Z, M = tensor("X", n), tensor("Z", k), tensor("M", n, 3)
SIZES = ({"n": 6, "k": 2}, {"n": 3, "k": 3}, {"n": 2, "k": 1}, {"n": 1, "k": 4})
AGGREGATES = ("sum", "max", "min", "mean", "prod", "logsumexp")


def general(indices: tuple[Index, ...], value: Expr | float, *left: Expr | Index | int) -> Piece:
    made = piece(indices, value, left)
    return Piece(made.left, made.indices, made.value, False, made.span)


def check(
    shape: tuple[Size | int, ...], pieces: tuple[Piece, ...], *given: Tensor, aggregate: str = "sum",
    dtype: str = "float", sizes: tuple[dict[str, int], ...] = SIZES,
) -> str:  # fmt: skip
    Y = tensor("Y", *shape, kind="defined", dtype=dtype)
    return agree(program(*given, (Y, aggregate, pieces), outputs=("Y",)), *sizes).text


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("offset", [-2, 0, 1, 3])
@pytest.mark.parametrize("stride", [1, 2, -1])
def test_shifted_left_sides(stride: int, offset: int, aggregate: str) -> None:
    check((n,), (general((i,), read(X, i), add(times(stride, i), offset)),), X, aggregate=aggregate)
    check((3, n), (general((i, c), read(M, i, c), c, add(times(stride, i), offset)),), M, aggregate=aggregate)


def test_one_position_more() -> None:
    text = check((n + 1,), (general((i,), read(X, i), add(i, 1)),), X)
    assert "F.pad(X, [1, 0])" in text


def test_concatenation() -> None:
    first, second = general((i,), read(X, i), i), general((j,), read(Z, j), add(j, Const(n, "int")))
    assert "torch.cat([X, Z], 0)" in check((n + k,), (first, second), X, Z)
    assert "torch.cat([X, Z], 0)" in check((n + k,), (second, first), X, Z)
    V = tensor("V", n, 2)
    e = index("e", 2)
    pieces = (general((i, c), read(M, i, c), i, c), general((i, e), read(V, i, e), i, add(e, 3)))
    assert "torch.cat([M, V], 1)" in check((n, 5), pieces, M, V)
    W = tensor("W", 2, 3, n)
    flat = general((e, c, i), read(W, e, c, i), i, add(times(3, e), c))
    assert "torch.cat" in check((n, 9), (flat, general((i, c), read(M, i, c), i, add(c, 6))), W, M)


def test_flattening() -> None:
    A = tensor("A", n, 2, 3)
    e = index("e", 2)
    text = check((n, 6), (general((i, e, c), read(A, i, e, c), i, add(times(3, e), c)),), A)
    assert "A.flatten(1, 2)" in text
    check((6, n), (general((i, e, c), read(A, i, e, c), add(times(3, e), c), i),), A)
    check((6, n), (general((i, e, c), read(A, i, e, c), add(times(2, c), e), i),), A)
    K = tensor("K", k)
    B = tensor("B", n, k)
    value = times(read(B, i, j), read(K, j))
    check((n * k,), (general((i, j), value, add(times(Const(k, "int"), i), j)),), B, K)


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_pooling(aggregate: str) -> None:
    half = (n + 1) // 2
    check((half,), (general((i,), read(X, i), apply("floordiv", i, 2)),), X, aggregate=aggregate)
    H = tensor("H", n, n)
    s = index("s", n)
    left = (apply("floordiv", i, 2), apply("floordiv", s, 3))
    check((half, (n + 2) // 3), (general((i, s), read(H, i, s), *left),), H, aggregate=aggregate)


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_scatters(aggregate: str) -> None:
    T = Tensor("T", "input", tensor("T", n).axes, "int", X.span, positions=k)
    U = tensor("U", n, dtype="int")
    check((k,), (general((i,), read(X, i), read(T, i)),), Z, X, T, aggregate=aggregate)
    check((k, 3), (general((i, c), read(M, i, c), read(T, i), c),), Z, M, T, aggregate=aggregate)
    check((3, k), (general((i, c), read(M, i, c), c, read(U, i)),), Z, M, U, aggregate=aggregate)
    check((k, 4), (general((i,), read(X, i), read(T, i), read(U, i)),), Z, X, T, U, aggregate=aggregate)
    check((2,), (general((i, c), read(M, i, c), apply("mod", add(i, c), 2)),), M, aggregate=aggregate)
    check((n,), (general((i, c), read(M, i, c), add(i, c)),), M, aggregate=aggregate)
    check((n,), (general((i,), read(X, i), 0),), X, aggregate=aggregate)
    check((n,), (general((), 2.0, 1),), X, aggregate=aggregate)


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_absent_elements_define_nothing(aggregate: str) -> None:
    G = tensor("G", n, 3, dtype="bool")
    T = Tensor("T", "input", tensor("T", n).axes, "int", X.span, positions=k)
    guarded = where(read(G, i, c), read(M, i, c))
    check((n, 3), (general((i, c), guarded, i, c),), M, G, aggregate=aggregate)
    check((n, 4), (general((i, c), guarded, i, add(c, 1)),), M, G, aggregate=aggregate)
    check((k, 3), (general((i, c), guarded, read(T, i), c),), Z, M, G, T, aggregate=aggregate)
    check((k,), (general((i, c), guarded, read(T, i)),), Z, M, G, T, aggregate=aggregate)
    check(((n + 1) // 2, 3), (general((i, c), guarded, apply("floordiv", i, 2), c),), M, G, aggregate=aggregate)
    check(
        (n, 3), (general((i, c), where(apply("gt", read(X, i), 0.0), read(M, i, c)), i, c),), X, M, aggregate=aggregate
    )


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_equal_equations_join(aggregate: str) -> None:
    pieces = (general((i,), read(X, i), i), general((j,), read(Z, j), j), general((j,), read(Z, j), add(j, 1)))
    check((n,), pieces, X, Z, aggregate=aggregate)
    T = Tensor("T", "input", tensor("T", n).axes, "int", X.span, positions=k)
    check((k,), (general((j,), read(Z, j), j), general((i,), read(X, i), read(T, i))), X, Z, T, aggregate=aggregate)


def test_special_equations_win() -> None:
    base = general((i,), read(X, i), i)
    text = check((n,), (base, piece((), expr(1.0), (0,))), X)
    assert "torch.select_scatter" in text
    check((n,), (base, piece((), 1.0, (0,)), piece((), 2.0, (1,))), X)
    check((n,), (base, piece((), 1.0, (0,)), piece((), 2.0, (0,))), X)
    check((n,), (base, piece((), 1.0, (0,)), piece((), 2.0, (Const(n - 1, "int"),))), X)
    check((n, 3), (general((i, c), read(M, i, c), i, c), piece((c,), times(2.0, c), (0, c))), M)
    check((n, 3), (general((i, c), read(M, i, c), i, c), piece((i,), read(X, i), (i, 1))), M, X)
    check((n, 3), (general((i, c), read(M, i, c), i, c), piece((), 7.0, (0, 1))), M)
    S, D = tensor("S", n, n), tensor("D", n)
    s = index("s", n)
    check((n, n), (general((i, s), read(S, i, s), i, s), piece((i,), read(D, i), (i, i))), S, D)
    check((n, n), (piece((i,), read(D, i), (i, i)),), D)
    check((n, n), (piece((i,), read(D, i), (i, minus(i, 1))),), D)
    guarded = where(apply("gt", read(X, 0), 0.0), expr(3.0))
    check((n,), (base, piece((), guarded, (0,))), X)
    check(
        (n,), (base, piece((i,), where(apply("gt", read(X, i), 0.0), expr(3.0)), (minus(Const(n - 1, "int"), i),))), X
    )


def test_only_special_equations() -> None:
    check((n,), (piece((), 1.0, (0,)), piece((), 1.0, (1,))), X)
    check((3,), (piece((), 1.0, (0,)), piece((), 4.0, (2,))))
    check((), (general((), 1.0), general((), 2.0)))


@pytest.mark.parametrize("aggregate", ["sum", "any", "all"])
def test_relations(aggregate: str) -> None:
    G = tensor("G", n, dtype="bool")
    T = Tensor("T", "input", tensor("T", n).axes, "int", X.span, positions=k)
    check((k,), (general((i,), read(G, i), read(T, i)),), Z, G, T, aggregate=aggregate, dtype="bool")
    check(
        (n,), (general((i,), read(G, i), add(i, 1)), general((i,), read(G, i), i)), G, aggregate=aggregate, dtype="bool"
    )
    check(((n + 1) // 2,), (general((i,), read(G, i), apply("floordiv", i, 2)),), G, aggregate=aggregate, dtype="bool")
    check((3,), (piece((), True, (0,)), piece((), True, (2,))), aggregate=aggregate, dtype="bool")


@pytest.mark.parametrize("aggregate", ["sum", "max", "min", "prod"])
def test_integers(aggregate: str) -> None:
    V = tensor("V", n, dtype="int")
    G = tensor("G", n, dtype="bool")
    T = Tensor("T", "input", tensor("T", n).axes, "int", X.span, positions=k)
    check((k,), (general((i,), read(V, i), read(T, i)),), Z, V, T, aggregate=aggregate, dtype="int")
    check((n,), (general((i,), read(V, i), add(i, 1)),), V, aggregate=aggregate, dtype="int")
    check((n,), (general((i,), where(read(G, i), read(V, i)), i),), V, G, aggregate=aggregate, dtype="int")
    check((n,), (general((i,), read(V, i), i), general((i,), read(V, i), i)), V, aggregate=aggregate, dtype="int")


def test_a_value_that_lacks_an_index_is_repeated() -> None:
    check((n, 3), (general((i, c), read(X, i), i, c),), X)
    check((3, n), (general((c, i), expr(2.0), c, i),), X)
    check((3, n), (general((c, i), Position(i), c, i),), X, dtype="int")


def test_programs_of_several_definitions() -> None:
    A, B = tensor("A", n, kind="defined"), tensor("B", n, kind="defined")
    made: Program = program(
        X, (A, "sum", (piece((i,), times(2.0, read(X, i))),)), (B, "sum", (piece((i,), add(read(A, i), read(X, i))),)),
        outputs=("B", "A", "X"),
    )  # fmt: skip
    agree(made, *SIZES)
