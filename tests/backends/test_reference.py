"""The reference evaluator on programs worked out by hand or by one numpy expression."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from building import (
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

from tensorlang.backends.reference import cast, evaluate
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Expr, Index, Position, Read, size_value
from tensorlang.ir.program import Tensor

i, j, k = (index(name, 3) for name in "ijk")
t = index("t", 4)
A, B, X, Z = tensor("A", 3, 3), tensor("B", 3), tensor("X", 3), tensor("Z", 4)
Edge = tensor("Edge", 3, 3, dtype="bool")
Tok = tensor("Tok", 4, dtype="int")
ARRAYS = {
    "A": np.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5], [3.0, 1.0, 1.0]]),
    "B": np.array([1.0, -2.0, 0.5]),
    "X": np.array([2.0, 1.0, -1.0]),
    "Z": np.array([10.0, 20.0, 30.0, 40.0]),
    "Edge": np.array([[True, True, False], [False, False, False], [True, False, True]]),
    "Tok": np.array([2, 0, 2, 1]),
}
GIVEN = (A, B, X, Z, Edge, Tok)


def value_of(indices: tuple[Index, ...], value: Expr, dtype: str = "float") -> Any:
    return evaluate(define("Y", indices, value, *GIVEN, dtype=dtype), ARRAYS, {})["Y"].tolist()


def test_a_matrix_times_a_vector() -> None:
    meant = (ARRAYS["A"] @ ARRAYS["X"]).tolist()
    assert value_of((i,), summed(j, of=(read(A, i, j), read(X, j)))) == meant


def test_trace_diagonal_and_outer_product() -> None:
    assert value_of((), summed(i, of=(read(A, i, i),))) == 1.5
    assert value_of((i,), read(A, i, i)) == [0.5, 0.0, 1.0]
    assert value_of((i, j), times(read(B, i), read(X, j))) == np.outer(ARRAYS["B"], ARRAYS["X"]).tolist()


def test_each_sum_is_where_it_stands() -> None:
    dots = summed(j, of=(read(A, i, j), read(X, j)))
    assert value_of((), summed(i, of=(apply("relu", dots),))) == np.maximum(ARRAYS["A"] @ ARRAYS["X"], 0).sum()


def test_division_and_powers() -> None:
    ratio = times(read(B, i), apply("reciprocal", apply("pow", read(X, i), 2)))
    assert value_of((i,), ratio) == [0.25, -2.0, 0.5]
    assert value_of((), apply("pow", 2, 10), "int") == 1024


def test_truth_values_count_in_arithmetic() -> None:
    degree = summed(j, of=(read(Edge, i, j),))
    assert value_of((i,), degree, "int") == [2, 0, 2]
    assert value_of((i,), add(apply("gt", read(X, i), 0), apply("lt", i, 1)), "int") == [2, 1, 0]
    assert value_of((i,), apply("exp", apply("eq", i, 0)))[1] == 1.0


def test_positions_and_sizes() -> None:
    assert value_of((i, t), minus(times(2, t), i), "int")[2] == [-2, 0, 2, 4]
    assert value_of((), size_value(Size.of(4) * 2), "int") == 8


def test_outside_its_axis_a_tensor_is_zero() -> None:
    assert value_of((t,), read(Z, minus(t, 1))) == [0.0, 10.0, 20.0, 30.0]
    assert value_of((t,), read(Z, add(t, 2))) == [30.0, 40.0, 0.0, 0.0]


def test_strides_remainders_and_gathers() -> None:
    assert value_of((t,), read(Z, apply("floordiv", t, 2))) == [10.0, 10.0, 20.0, 20.0]
    assert value_of((t,), read(X, apply("mod", t, 3))) == [2.0, 1.0, -1.0, 2.0]
    assert value_of((t,), read(X, read(Tok, t))) == [-1.0, 2.0, -1.0, 1.0]


@pytest.mark.parametrize(
    ("op", "meant"), [("max", 2.0), ("min", -1.0), ("mean", 2 / 3), ("prod", -2.0), ("norm", 6**0.5), ("count", 3),
                      ("argmax", 0), ("argmin", 2), ("any", True), ("all", True), ("var", 14 / 9)],
)  # fmt: skip
def test_reductions(op: str, meant: float) -> None:
    result = value_of((), reduce(op, i, of=read(X, i)), {bool: "bool", int: "int"}.get(type(meant), "float"))
    assert result == pytest.approx(meant)


def test_reductions_over_two_indices_and_their_positions() -> None:
    assert value_of((), reduce("max", i, j, of=read(A, i, j))) == 3.0
    assert value_of((), reduce("argmax", i, j, of=read(A, i, j)), "int") == 6


def test_guarded_reductions_take_the_present_elements() -> None:
    below = where(apply("lt", j, i), read(A, i, j))
    assert value_of((i,), reduce("max", j, of=below)) == [-np.inf, 1.5, 3.0]
    assert value_of((i,), reduce("mean", j, of=below)) == [0.0, 1.5, 2.0]
    assert value_of((i,), summed(j, of=(below,))) == [0.0, 1.5, 4.0]
    assert value_of((i,), reduce("argmax", j, of=where(apply("gt", j, 0), read(A, i, j))), "int") == [2, 1, 1]


def test_over_nothing_integers_have_their_least_value() -> None:
    nothing = where(apply("lt", i, 0), read(Tok, i))
    assert value_of((), reduce("max", i, of=nothing), "int") == -(2**63)
    assert value_of((), reduce("min", i, of=nothing), "int") == 2**63 - 1
    assert value_of((), reduce("any", i, of=nothing), "bool") is False


def test_softmax_over_the_present_ones() -> None:
    scores = where(read(Edge, i, j), read(A, i, j))
    rows = np.array(value_of((i, j), along("softmax", j, scores)))
    weights = np.where(ARRAYS["Edge"], np.exp(ARRAYS["A"]), 0)
    meant = np.divide(weights, weights.sum(1, keepdims=True), where=weights > 0, out=np.zeros((3, 3)))
    np.testing.assert_allclose(rows, meant)
    assert rows[1].tolist() == [0.0, 0.0, 0.0]


def test_functions_along_an_index() -> None:
    assert value_of((t,), along("cumsum", t, read(Z, t))) == [10.0, 30.0, 60.0, 100.0]
    assert value_of((t,), along("shift", t, read(Tok, t), 1), "int") == [0, 2, 0, 2]
    held = where(apply("ne", t, 1), read(Z, t))
    assert value_of((t,), along("cummax", t, held)) == [10.0, 0.0, 30.0, 40.0]
    assert value_of((t,), along("flip", t, held)) == [40.0, 0.0, 0.0, 10.0]


def test_presence_follows_the_expression() -> None:
    """A product needs all factors, a sum any term, f(e) keeps absence where f(0) = 0; the maximum shows which is so."""
    guarded = where(apply("gt", read(X, i), 1), minus(read(X, i), 10))
    cases = {
        "product": (times(guarded, 2), -16.0),
        "sum": (add(guarded, read(B, i)), 0.5),
        "negative": (apply("neg", guarded), 8.0),
        "zero kept": (apply("tanh", guarded), np.tanh(-8.0)),
        "elsewhere": (apply("exp", guarded), 1.0),
        "nested": (where(apply("lt", i, 3), guarded), -8.0),
        "summed": (summed(j, of=(times(guarded, read(B, j)),)), 4.0),
    }
    for name, (node, meant) in cases.items():
        assert value_of((), reduce("max", i, of=node)) == pytest.approx(meant), name


def test_a_choice_takes_one_side() -> None:
    chosen = apply("select", apply("gt", read(X, i), 0), apply("log", read(X, i)), 0.0)
    assert value_of((i,), chosen) == [np.log(2), 0, 0]


def test_complex_numbers_and_the_transform() -> None:
    wave = tensor("Wave", 4, dtype="complex")
    given = np.array([1, 2j, -1, 0.5])
    frequency = index("f", 4)
    transform = Read("dft", (Position(frequency), Position(t)), (t.size, t.size), "complex")
    result = evaluate(
        define("F", (frequency,), summed(t, of=(transform, read(wave, t))), wave, dtype="complex"), {"Wave": given}, {}
    )
    np.testing.assert_allclose(result["F"], np.fft.fft(given))


def defined(size: int, aggregate: str, *pieces: object, dtype: str = "float") -> list[object]:
    made = tensor("Y", size, kind="defined", dtype=dtype)
    return evaluate(program(*GIVEN, (made, aggregate, pieces)), ARRAYS, {})["Y"].tolist()  # type: ignore[arg-type]


def test_equations_of_one_tensor_add_up_and_special_ones_win() -> None:
    general = piece((i,), read(X, i)), piece((i,), read(B, i))
    assert defined(3, "sum", *general) == [3.0, -1.0, -0.5]
    assert defined(3, "sum", *general, piece((), 7.0, (1,))) == [3.0, 7.0, -0.5]
    assert defined(4, "sum", piece((i,), read(X, i), (add(i, 1),))) == [0.0, 2.0, 1.0, -1.0]


def test_elements_that_nothing_defines() -> None:
    assert defined(3, "sum", piece((), 5.0, (1,))) == [0.0, 5.0, 0.0]
    assert defined(3, "max", piece((), 5.0, (1,))) == [-np.inf, 5.0, -np.inf]
    assert defined(3, "mean", piece((), 5.0, (1,))) == [0.0, 5.0, 0.0]
    absent = piece((i,), where(apply("gt", read(X, i), 1), read(X, i)))
    assert defined(3, "min", absent) == [2.0, np.inf, np.inf]
    assert defined(3, "sum", absent, piece((), where(apply("gt", 0, 1), 3.0), (0,))) == [2.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("aggregate", "meant"),
    [("sum", [30.0, 70.0]), ("max", [20.0, 40.0]), ("mean", [15.0, 35.0]), ("prod", [200.0, 1200.0])],
)
def test_what_falls_on_one_element_is_joined(aggregate: str, meant: list[float]) -> None:
    assert defined(2, aggregate, piece((t,), read(Z, t), (apply("floordiv", t, 2),))) == meant


def test_scatter_adds_and_drops_what_is_outside() -> None:
    assert defined(2, "sum", piece((t,), read(Z, t), (read(Tok, t),))) == [20.0, 40.0]


def test_relations_join_by_or() -> None:
    reachable = piece((i,), apply("eq", i, 0)), piece((i,), apply("eq", i, 2))
    assert defined(3, "any", *reachable, dtype="bool") == [True, False, True]


def test_definitions_read_earlier_ones_and_literals() -> None:
    weights = Tensor("W", "data", X.axes, "float", X.span, literal=(1, 2.5, 4))
    first, second = tensor("F", 3, kind="defined"), tensor("G", kind="defined")
    made = program(
        weights, (first, "sum", (piece((i,), times(2, read(weights, i))),)),
        (second, "sum", (piece((), summed(i, of=(read(first, i),))),)),
    )  # fmt: skip
    result = evaluate(made, {}, {})
    assert list(result) == ["F", "G"]
    assert result["G"] == 15.0


def test_sizes_are_bound_by_the_call() -> None:
    n = Size.of(Symbol("n"))
    row = index("r", n)
    given = tensor("D", n)
    mean = times(summed(row, of=(read(given, row),)), apply("reciprocal", size_value(n)))
    assert evaluate(define("M", (), mean, given), {"D": [1.0, 2.0, 6.0]}, {Symbol("n"): 3})["M"] == 3.0
    largest = define("M", (), reduce("max", row, of=read(given, row)), given)
    assert evaluate(largest, {"D": []}, {Symbol("n"): 0})["M"] == -np.inf


def test_integers_wrap_around_as_machine_integers_do() -> None:
    assert cast(2**63, "int") == -(2**63)
    assert cast(-7.0, "int") == -7


def test_it_is_fast_enough_to_be_an_oracle() -> None:
    b, h, m, o = index("b", 8), index("h", 16), index("m", 24), index("o", 10)
    W, V, D = tensor("W", 16, 24), tensor("V", 10, 16), tensor("D", 8, 24)
    hidden = apply("relu", summed(m, of=(read(W, h, m), read(D, b, m))))
    made = define("P", (b, o), along("softmax", o, summed(h, of=(read(V, o, h), hidden))), W, V, D)
    arrays = {"W": np.ones((16, 24)), "V": np.ones((10, 16)), "D": np.ones((8, 24))}
    start = time.perf_counter()
    result = evaluate(made, arrays, {})["P"]
    assert time.perf_counter() - start < 1.0
    np.testing.assert_allclose(result, 0.1)
