"""Expressions and programs as text."""

from __future__ import annotations

import pytest
from building import (
    NOWHERE,
    add,
    along,
    apply,
    define,
    index,
    minus,
    piece,
    program,
    read,
    reduce,
    summed,
    tensor,
    times,
    where,
)

from tensorlang.ir.domain import Size, Symbol, largest
from tensorlang.ir.nodes import Expr, Position, Read, number, size_value
from tensorlang.ir.program import Axis, FileRef, Init, Tensor
from tensorlang.ir.show import show, show_expr

b, h, i, j, o, t, n = (index(name, 3) for name in "bhijotn")
V, W, X, A = (tensor(name, 3, 3) for name in "VWXA")
B, C = tensor("B", 3), tensor("C", 3)
Tok = tensor("Tok", 3, dtype="int")
Edge = Tensor("Edge", "relation", X.axes, "bool", X.span)
S = tensor("S")
d = Size.of(Symbol("d"))
inner = summed(i, of=(read(W, h, i), read(X, b, i)))

CASES: list[tuple[Expr, str]] = [
    (
        summed(h, of=(read(V, o, h), apply("relu", add(inner, read(B, h))))),
        "sum[h](V[o,h] * relu(sum[i](W[h,i] X[b,i]) + B[h]))",
    ),
    (apply("neg", summed(b, i, of=(read(X, b, i), apply("log", read(A, b, i))))), "-sum[b,i](X[b,i] * log(A[b,i]))"),
    (summed(b, of=(apply("pow", minus(read(B, b), read(C, b)), 2),)), "sum[b]((B[b] - C[b])^2)"),
    (apply("pow", times(read(B, b), read(C, b)), apply("neg", read(S))), "(B[b] C[b])^(-S)"),
    (summed(j, of=(add(read(A, i, j), read(B, j)), add(read(C, i), 1))), "sum[j]((A[i,j] + B[j]) * (C[i] + 1))"),
    (times(read(B, b), apply("reciprocal", add(read(C, b), 1.5))), "B[b] / (C[b] + 1.5)"),
    (times(apply("reciprocal", read(B, b)), 2, read(C, b)), "2 C[b] / B[b]"),
    (apply("reciprocal", read(B, b)), "1 / B[b]"),
    (add(-2, read(B, b), -3.0), "-2 + B[b] - 3.0"),
    (minus(apply("neg", read(B, b)), add(read(C, b), 1)), "-B[b] - (C[b] + 1)"),
    (times(-2, read(B, b)), "(-2) * B[b]"),
    (times(read(B, b), Position(b)), "B[b] * b"),
    (reduce("max", j, of=where(apply("le", j, i), read(A, i, j))), "max[j](A[i,j] where j <= i)"),
    (reduce("max", j, of=read(A, i, j)), "max[j](A[i,j])"),
    (along("softmax", j, where(read(Edge, i, j), read(A, i, j))), "softmax[j]((A[i,j] where Edge[i,j]))"),
    (along("lnorm", j, read(A, i, j), 1e-5), "lnorm[j](A[i,j])"),
    (along("topk", j, read(A, i, j), 2), "topk[j](A[i,j], 2)"),
    (apply("select", apply("gt", read(S), 0), 1.0, read(B, b)), "1.0 if S > 0 else B[b]"),
    (apply("or", apply("and", apply("eq", i, j), apply("not", read(Edge, i, j))), apply("ne", i, 0)),
     "i == j and not Edge[i,j] or i != 0"),
    (apply("and", apply("or", read(Edge, i, j), read(Edge, j, i)), apply("lt", i, j)),
     "(Edge[i,j] or Edge[j,i]) and i < j"),
    (apply("mod", add(read(Tok, t), 1), 4), "(Tok[t] + 1) % 4"),
    (apply("floordiv", t, 2), "floor(t / 2)"),
    (read(X, minus(t, 1), add(times(2, i), Position(j))), "X[t-1,2*i+j]"),
    (read(X, apply("floordiv", add(t, 1), 2), read(Tok, apply("mod", t, 4))), "X[(t+1)/2,Tok[t % 4]]"),
    (times(0.5, read(B, b), number(2j)), "0.5 B[b] * (2.0 im)"),
    (number(1 + 2j), "1.0 + 2.0 im"),
    (number(True), "true"),
    (number(3.141592653589793), "pi"),
    (number(float("inf")), "inf"),
    (apply("sqrt", size_value(d)), "sqrt(|d|)"),
    (times(size_value(2 * d + 1), read(S)), "(2*|d| + 1) * S"),
    (size_value((d + 1) // 2), "floor((|d| + 1) / 2)"),
    (size_value(largest([d, Size.of(Symbol("e"))])), "max(|d|, |e|)"),
    (size_value(d * -1 + d * d), "|d|*|d| - |d|"),
    (apply("sig", read(S), read(S)), "sig(S, S)"),
    (Read("dft", (Position(i), Position(j)), (i.size, j.size), "complex"), "dft[i,j]"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "text"), CASES, ids=[text for _, text in CASES])
def test_expressions(node: Expr, text: str) -> None:
    assert show_expr(node) == text


def test_relations_have_round_brackets() -> None:
    assert show_expr(read(Edge, i, j), frozenset(("Edge",))) == "Edge(i,j)"


def test_depth_and_width_are_no_problem() -> None:
    deep: Expr = read(S)
    for _ in range(3000):
        deep = apply("sin", add(deep, 1))
    assert show_expr(deep).count("sin(") == 3000
    assert show_expr(add(*(read(B, k) for k in range(10_000)))).count("+") == 9999


def test_a_program() -> None:
    rows = Size.of(Symbol("b"))
    given = Tensor("X", "input", (Axis("b", rows), Axis("i", Size.of(3))), "float", NOWHERE)
    param = Tensor("W", "param", X.axes, "float", X.span, init=Init("normal", (0.0, 0.02)))
    data = Tensor("D", "data", B.axes, "float", X.span, file=FileRef("d.csv", None, None, NOWHERE))
    row, k = index("b", rows), index("k", 3)
    made = tensor("Y", rows, 3, kind="defined")
    scores = tensor("F", 2 * rows + 1, kind="defined", dtype="int")
    value = where(apply("lt", k, row), summed(i, of=(read(param, k, i), read(given, row, i))))
    shown = program(
        given, param, Edge, data, (made, "max", (piece((row, k), value),)), (scores, "sum", (piece((), 1, (0,)),)),
        outputs=("Y", "F"),
    )  # fmt: skip
    assert show(shown) == (
        "input X[b,i]  # float b x 3\n"
        "param W[i0,i1] ~ normal(0.0, 0.02)  # float 3 x 3\n"
        "relation Edge(i0,i1)  # bool 3 x 3\n"
        'data D[i0] = load("d.csv")  # float 3\n'
        "Y[b,k] max= sum[i](W[k,i] X[b,i])   where k < b  # float b x 3\n"
        "F[0] = 1  # int (2 b + 1)\n"
        "output Y, F\n"
    )


def test_a_scalar_definition() -> None:
    assert show(define("T", (), summed(i, of=(read(A, i, i),)), A)).splitlines()[1] == "T = sum[i](A[i,i])  # float"
