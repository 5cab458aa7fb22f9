"""What sympy may change: shorter forms that agree at sample points, and are undefined where what was written is."""

from __future__ import annotations

import pytest

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Expr
from tensorlang.ir.rewrite import rewrite
from tensorlang.ir.show import show_expr
from tensorlang.passes.fold import FOLD, normal
from tensorlang.passes.simplify import agree, angles, by_sympy, candidate
from tensorlang.passes.sound import sound
from tests.building import add, apply, index, minus, read, tensor, times

i = index("i", Size.of(Symbol("n")))
X, Z = read(tensor("X", i.size), i), read(tensor("Z", i.size), i)
SIN, COS = apply("sin", X), apply("cos", X)


def square(node: Expr) -> Expr:
    return apply("pow", node, 2)


SIMPLER = [
    (add(square(SIN), square(COS)), "1.0"),
    (times(2, SIN, COS), "sin(2 X[i])"),
    (minus(square(COS), square(SIN)), "cos(2 X[i])"),
    (minus(square(apply("cosh", X)), square(apply("sinh", X))), "1.0"),
    (add(times(Z, square(SIN)), times(Z, square(COS))), "Z[i]"),
]


@pytest.mark.parametrize(("node", "shown"), SIMPLER, ids=[shown for _, shown in SIMPLER])
def test_angles_are_simplified(node: Expr, shown: str) -> None:
    assert show_expr(rewrite(node, (*FOLD, sound(by_sympy)))) == shown


NOT_ASKED = [
    add(times(X, SIN), times(Z, COS)), add(SIN, COS), times(SIN, apply("cos", Z)), apply("tanh", square(X)),
    times(0.5, X, add(1, apply("tanh", times(0.79, add(X, times(0.044, apply("pow", X, 3))))))),
]  # fmt: skip


@pytest.mark.parametrize("node", NOT_ASKED, ids=show_expr)
def test_ordinary_expressions_are_no_candidates(node: Expr) -> None:
    assert not angles(normal(node))
    assert not candidate(normal(node))


def test_another_value_or_another_domain_is_refused() -> None:
    assert agree(add(square(SIN), square(COS)), add(1.0, 0.0), [X])
    assert not agree(times(X, apply("reciprocal", X)), add(1.0, 0.0), [X])
    assert not agree(apply("exp", apply("log", X)), times(1, X), [X])
    assert not agree(apply("sqrt", square(X)), times(1, X), [X])
    assert agree(apply("sqrt", square(X)), apply("abs", X), [X])
