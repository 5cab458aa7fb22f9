"""Library kernels: which call is chosen for what, and that it agrees with the reference on values and gradients."""

from __future__ import annotations

import pytest

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import AlongIndex, Const, Expr, Index
from tensorlang.ir.program import Piece, Program, Tensor
from tests.backends.agreement import agree
from tests.building import add, along, apply, define, expr, index, minus, piece, program, read, reduce, summed, tensor

from tests.building import times, where  # isort: skip

SIZES = ({"b": 2, "t": 5, "n": 6, "m": 7}, {"b": 1, "t": 3, "n": 7, "m": 6})
B, T, N, M = (Size.of(Symbol(name)) for name in "btnm")
b, t, s, h = index("b", B), index("t", T), index("s", T), index("h", 2)
d, e, c, o = index("d", 4), index("e", 3), index("c", 2), index("o", 3)


def check(value: Expr, left: tuple[Index, ...], *given: Tensor, sizes: tuple[dict[str, int], ...] = SIZES) -> str:
    text = agree(define("Y", left, value, *given), *sizes).text
    return next(line.partition("#")[0].strip() for line in text.splitlines() if line.strip().startswith("Y = "))


# --- attention ---------------------------------------------------------------------------------------------------


def heads(*batch: Index) -> tuple[Tensor, Tensor, Tensor, Expr, Expr, Expr]:
    Q, K, V = (tensor(n, *(i.size for i in (*batch, x, y))) for n, x, y in (("Q", t, d), ("K", s, d), ("V", s, e)))
    return Q, K, V, read(Q, *batch, t, d), read(K, *batch, s, d), read(V, *batch, s, e)


def root(of: int) -> Expr:
    return apply("reciprocal", apply("sqrt", expr(of)))


@pytest.mark.parametrize("batch", [(), (b,), (b, h), (b, h, o)], ids=len)
@pytest.mark.parametrize("guard", ["none", "causal", "strict", "lengths"])
def test_attention(batch: tuple[Index, ...], guard: str) -> None:
    Q, K, V, q, k, v = heads(*batch)
    L = tensor("L", B, T, dtype="bool")
    given = [Q, K, V]
    scores: Expr = times(summed(d, of=(q, k)), root(4))
    if guard == "causal":
        scores = where(apply("le", s, t), scores)
    elif guard == "strict":
        scores = where(apply("lt", s, t), scores)
    elif guard == "lengths" and b in batch:
        scores = where(read(L, b, s), scores)
        given.append(L)
    weights = along("softmax", s, scores)
    line = check(summed(s, of=(weights, v)), (*batch, t, e), *given)
    # For one small matrix the call costs more than it saves.
    assert ("F.scaled_dot_product_attention" in line) == bool(batch)
    assert ("is_causal=True" in line) == (guard == "causal" and bool(batch))
    assert "scale" not in line.replace("F.scaled_dot", "")
    swapped = summed(s, of=(v, along("softmax", s, scores)))
    check(swapped, (t, e, *batch), *given)


def test_attention_with_a_scale_of_its_own() -> None:
    Q, K, V, q, k, v = heads(b, h)
    plain = summed(s, of=(along("softmax", s, summed(d, of=(q, k))), v))
    assert "scale=1.0" in check(plain, (b, h, t, e), Q, K, V)
    scaled = times(summed(d, of=(q, k)), apply("reciprocal", apply("sqrt", Const(T, "int"))))
    line = check(summed(s, of=(along("softmax", s, scaled), v)), (b, h, t, e), Q, K, V)
    assert "scale=1.0 / math.sqrt(t)" in line


def test_attention_through_a_definition() -> None:
    Q, K, V, q, k, v = heads(b)
    A = tensor("A", B, T, T, kind="defined")
    Y = tensor("Y", B, T, 3, kind="defined")
    guard = apply("le", s, t)
    weights = along("softmax", s, where(guard, times(summed(d, of=(q, k)), root(4))))
    pieces = (piece((b, t, s), weights), piece((b, t, e), summed(s, of=(where(guard, read(A, b, t, s)), v))))
    parts = (Q, K, V, (A, "sum", pieces[:1]), (Y, "sum", pieces[1:]))
    text = agree(program(*parts, outputs=("Y",)), *SIZES).text
    assert "is_causal=True" in text
    assert "softmax" not in text
    assert "softmax" in agree(program(*parts, outputs=("Y", "A")), *SIZES).text


def test_attention_with_several_heads_on_one_key() -> None:
    Q, K, V = tensor("Q", B, 2, T, 4), tensor("K", B, T, 4), tensor("V", B, T, 3)
    scores = summed(d, of=(read(Q, b, h, t, d), read(K, b, s, d)))
    line = check(summed(s, of=(along("softmax", s, scores), read(V, b, s, e))), (b, h, t, e), Q, K, V)
    assert "F.scaled_dot_product_attention" in line


# --- convolution and pooling -------------------------------------------------------------------------------------

k3 = index("k", 3)
j2 = index("j", 2)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2, -1])
@pytest.mark.parametrize("offset", [0, -1, 1, -2])
def test_convolution_in_one_dimension(stride: int, dilation: int, offset: int) -> None:
    X, F = tensor("X", B, N, 2), tensor("F", 3, 2, 3)
    x = index("x", N)
    at = add(times(stride, x), times(dilation, k3), offset)
    line = check(summed(k3, c, of=(read(F, o, c, k3), read(X, b, at, c))), (b, x, o), X, F)
    assert "F.conv1d(" in line


def test_convolution_valid_and_same() -> None:
    X, F = tensor("X", B, N, M, 2), tensor("F", 3, 3, 2, 2)
    u, v, x, y = index("u", N - 2), index("v", M - 1), index("x", N), index("y", M)
    valid = summed(k3, j2, c, of=(read(F, o, k3, j2, c), read(X, b, add(u, k3), add(v, j2), c)))
    line = check(valid, (b, o, u, v), X, F)
    assert line == "Y = F.conv2d(X.permute(0, 3, 1, 2), F_.permute(0, 3, 1, 2))"
    q3 = index("q", 3)
    G = tensor("G", 3, 3, 3, 2)
    same = summed(k3, q3, c, of=(read(G, o, k3, q3, c), read(X, b, add(x, k3, -1), add(y, q3, -1), c)))
    assert "padding=1" in check(same, (b, o, x, y), X, G)
    own = summed(k3, q3, c, of=(read(G, o, k3, q3, c), read(X, b, add(x, k3), add(y, q3), c)))
    assert "F.pad" in check(own, (b, o, x, y), X, G)


def test_convolution_without_channels_or_batch() -> None:
    X, F = tensor("X", N), tensor("F", 3)
    u = index("u", N - 2)
    line = check(summed(k3, of=(read(F, k3), read(X, add(u, k3)))), (u,), X, F)
    assert line == "Y = F.conv1d(X.unsqueeze(0), F_.unsqueeze(0).unsqueeze(1)).squeeze(0)"
    G = tensor("G", 3, 3)
    check(summed(k3, of=(read(G, o, k3), read(X, add(u, k3)))), (o, u), X, G)
    check(summed(k3, of=(read(F, k3), read(X, add(u, times(-1, k3), 2)))), (u,), X, F)


def test_convolution_in_groups() -> None:
    X, F = tensor("X", B, 2, N), tensor("F", 2, 3)
    x = index("x", N)
    depthwise = summed(k3, of=(read(F, c, k3), read(X, b, c, add(x, k3, -1))))
    assert "groups=2" in check(depthwise, (b, c, x), X, F)
    G = tensor("G", 2, 3, 4, 3)
    Z = tensor("Z", B, 2, 4, N)
    grouped = summed(k3, d, of=(read(G, c, o, d, k3), read(Z, b, c, d, add(x, k3, -1))))
    assert "groups=2" in check(grouped, (b, c, o, x), Z, G)


def test_convolution_takes_its_bias() -> None:
    X, F, A = tensor("X", B, 2, N), tensor("F", 3, 2, 3), tensor("A", 3)
    u = index("u", N - 2)
    value = add(summed(k3, c, of=(read(F, o, c, k3), read(X, b, c, add(u, k3)))), read(A, o))
    assert check(apply("relu", value), (b, o, u), X, F, A) == "Y = torch.relu(F.conv1d(X, F_, A))"


@pytest.mark.parametrize("op", ["max", "mean", "sum", "min"])
def test_window_pooling(op: str) -> None:
    X = tensor("X", B, N, 2)
    half = index("p", N // 2)
    at = add(times(2, half), j2)
    line = check(reduce(op, j2, of=read(X, b, at, c)), (b, c, half), X, sizes=SIZES)
    assert ("pool1d" in line) == (op in ("max", "mean"))
    u = index("u", N - 2)
    check(reduce(op, k3, of=read(X, b, add(u, k3), c)), (b, u, c), X)
    x = index("x", N)
    check(reduce(op, k3, of=read(X, b, add(x, k3), c)), (b, x, c), X)


@pytest.mark.parametrize("op", ["max", "mean", "sum", "min"])
def test_block_pooling(op: str) -> None:
    X = tensor("X", B, 2, N, M)
    x, y = index("x", N), index("y", M)
    Y = tensor("Y", B, (N + 1) // 2, (M + 1) // 2, 2, kind="defined")
    places = (expr(b), apply("floordiv", x, 2), apply("floordiv", y, 2), expr(c))
    made = Piece(places, (b, c, x, y), read(X, b, c, x, y), False, X.span)
    text = agree(program(X, (Y, op, (made,)), outputs=("Y",)), *SIZES).text
    assert ("pool2d" in text) == (op in ("max", "mean"))


# --- norms and transforms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("op", "call"), [("lnorm", "F.layer_norm"), ("rmsnorm", "F.rms_norm")])
def test_norms_take_their_scale_and_shift(op: str, call: str) -> None:
    X, G, A = tensor("X", B, T, 4), tensor("G", 4), tensor("A", 4)
    x, g, a = read(X, b, t, d), read(G, d), read(A, d)
    eps = 1e-5 if op == "lnorm" else 1e-6
    normed = along(op, d, x, eps)
    assert check(normed, (b, t, d), X) == f"Y = {call}(X, [4], eps={eps!r})"
    assert check(times(g, normed), (b, t, d), X, G) == f"Y = {call}(X, [4], G, eps={eps!r})"
    line = check(add(times(normed, g), a), (b, t, d), X, G, A)
    assert line == {
        "lnorm": "Y = F.layer_norm(X, [4], G, A, eps=1e-05)", "rmsnorm": "Y = F.rms_norm(X, [4], G, eps=1e-06) + A",
    }[op]  # fmt: skip
    if op == "lnorm":
        assert check(add(normed, a), (b, t, d), X, A) == "Y = F.layer_norm(X, [4], None, A, eps=1e-05)"
    check(along(op, t, x, eps), (b, t, d), X)
    check(AlongIndex(op, t, x, (expr(1e-3),)), (d, b, t), X)


def matrix(name: str, rows: Index, columns: Index) -> Expr:
    from tensorlang.ir.nodes import Position, Read

    return Read(name, (Position(rows), Position(columns)), (rows.size, columns.size), "complex")


def transformed(value: Expr, left: tuple[Index, ...], *given: Tensor) -> str:
    made: Program = define("Y", left, value, *given, dtype="complex")
    return agree(made, *SIZES).text


def test_transforms() -> None:
    x, k, q = index("x", N), index("k", N), index("q", 3)
    U, Z = tensor("U", B, N, 2), tensor("Z", B, N, dtype="complex")
    u, z = read(U, b, x, c), read(Z, b, k)
    assert "torch.fft.fft(U, dim=1)" in transformed(summed(x, of=(matrix("dft", k, x), u)), (b, k, c), U)
    assert "torch.fft.ifft(Z, dim=-1)" in transformed(summed(k, of=(matrix("idft", x, k), z)), (b, x), Z)
    few = transformed(summed(x, of=(matrix("dft", q, x), u)), (b, q, c), U)
    assert ".narrow(1, 0, 3)" not in few  # three modes may be more than there are points
    y = index("y", N + 3)
    W = tensor("W", B, N + 3)
    text = transformed(summed(y, of=(matrix("dft", q, y), read(W, b, y))), (b, q), W)
    assert "torch.fft.fft(W, dim=-1).narrow(1, 0, 3)" in text
    R = tensor("R", 3, dtype="complex")
    text = transformed(summed(q, of=(matrix("idft", y, q), read(R, q))), (y,), R, W)
    assert "torch.fft.ifft(R, n=n + 3, dim=-1)" in text


def test_a_fourier_layer_is_two_transforms() -> None:
    x, y, k = index("x", N), index("x'", N), index("k", N)
    U, R = tensor("U", B, N, 2), tensor("R", N, 3, 2, dtype="complex")
    value = summed(k, y, c, of=(matrix("idft", x, k), read(R, k, o, c), matrix("dft", k, y), read(U, b, y, c)))
    text = transformed(value, (b, x, o), U, R)
    assert "torch.fft.fft(" in text
    assert "torch.fft.ifft(" in text
    assert "unit_circle" not in text


def test_structured_constants_without_a_transform() -> None:
    x, k = index("x", N), index("k", N)
    X = tensor("X", N)
    transformed(matrix("dft", k, x), (k, x), X)
    transformed(matrix("idft", x, k), (k, x), X)
    from tensorlang.ir.nodes import Position, Read

    delta = Read("delta", (Position(x), Position(k)), (N, N), "int")
    agree(define("Y", (x, k), delta, X, dtype="int"), *SIZES)
    i, j, l = (index(name, 3) for name in "ijl")  # noqa: E741
    epsilon = Read("epsilon", tuple(Position(a) for a in (i, j, l)), (Size.of(3),) * 3, "int")
    agree(define("Y", (i, j, l), epsilon, dtype="int"))
    V, W = tensor("V", 3), tensor("W", 3)
    agree(define("Y", (i,), summed(j, l, of=(epsilon, read(V, j), read(W, l))), V, W))


def test_a_difference_of_attention_and_values_keeps_both() -> None:
    Q, K, V, q, k, v = heads(b)
    attended = summed(s, of=(along("softmax", s, summed(d, of=(q, k))), v))
    O = tensor("O", B, T, 3)  # noqa: E741
    check(minus(attended, read(O, b, t, e)), (b, t, e), Q, K, V, O)


# --- products in disguise ----------------------------------------------------------------------------------------


def test_sums_and_means_of_products_are_matrix_products() -> None:
    X, W = tensor("X", B, T), tensor("W", T, 4)
    x, w = read(X, b, t), read(W, t, d)
    assert check(reduce("sum", t, of=times(x, w)), (b, d), X, W) == "Y = torch.mm(X, W)"
    assert check(reduce("mean", t, of=times(x, w)), (b, d), X, W) == "Y = torch.mm(X, W) / t"
    assert check(reduce("mean", t, of=x), (b,), X) == "Y = torch.mean(X, dim=-1)"
    check(reduce("sum", t, of=where(apply("gt", x, 0.0), times(x, w))), (b, d), X, W)
    check(reduce("mean", t, of=where(apply("gt", x, 0.0), times(x, w))), (b, d), X, W)


def test_matches_are_counted_by_a_product() -> None:
    P, Q = tensor("P", B, T, dtype="bool"), tensor("Q", T, N, dtype="bool")
    x = index("x", N)
    p, q = read(P, b, t), read(Q, t, x)
    made = agree(define("Y", (b, x), reduce("any", t, of=apply("and", p, q)), P, Q, dtype="bool"), *SIZES)
    assert "torch.mm(" in made.text
    three = apply("and", p, q, apply("ne", t, 1))
    agree(define("Y", (b, x), reduce("any", t, of=three), P, Q, dtype="bool"), *SIZES)
    guarded = where(apply("ne", t, 1), apply("and", p, q))
    agree(define("Y", (b, x), reduce("any", t, of=guarded), P, Q, dtype="bool"), *SIZES)
    agree(define("Y", (b,), reduce("any", t, of=apply("and", p, apply("not", p))), P, dtype="bool"), *SIZES)


@pytest.mark.parametrize("op", ["min", "max"])
@pytest.mark.parametrize("dtype", ["float", "int"])
def test_shortest_and_longest_paths(op: str, dtype: str) -> None:
    D, W = tensor("D", T, T, dtype=dtype), tensor("W", T, N, dtype=dtype)
    x = index("x", N)
    value = reduce(op, s, of=add(read(D, t, s), read(W, s, x)))
    made = agree(define("Y", (t, x), value, D, W, dtype=dtype), *SIZES)
    assert "_sums(" in made.text
    E = tensor("E", B, T, T, dtype=dtype)
    agree(define("Y", (x, b, t), reduce(op, s, of=add(read(E, b, t, s), read(W, s, x))), E, W, dtype=dtype), *SIZES)
    G = tensor("G", B, T, 2, dtype=dtype)
    agree(define("Y", (b, t, h), reduce(op, s, of=add(read(E, b, t, s), read(G, b, s, h))), E, G, dtype=dtype), *SIZES)
