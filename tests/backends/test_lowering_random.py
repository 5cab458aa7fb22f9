"""Random expressions: generated code, eager and scripted, against the reference on several sizes."""

from __future__ import annotations

import random

import pytest

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Apply, Const, Expr, Index, Position
from tensorlang.ir.program import Program, Tensor
from tests.backends.agreement import agree
from tests.building import add, along, apply, expr, index, piece, program, read, reduce, summed, tensor, times, where

n, k = Size.of(Symbol("n")), Size.of(Symbol("k"))
INDICES = [index("i", n), index("s", n), index("j", k), index("c", 3)]
SIZES = ({"n": 4, "k": 2}, {"n": 2, "k": 3})
GIVEN = {
    "X": tensor("X", n), "M": tensor("M", n, 3), "S": tensor("S", n, n), "Z": tensor("Z", k, 3), "A": tensor("A"),
    "G": tensor("G", n, 3, dtype="bool"), "E": tensor("E", n, n, dtype="bool"), "V": tensor("V", k, dtype="int"),
    "T": Tensor("T", "input", tensor("T", k).axes, "int", tensor("T").span, positions=n),
}  # fmt: skip


class Maker:
    """Draws well-formed expressions: a bounded depth, indices bound only where nothing outside uses them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0

    def position(self, size: Size, scope: list[Index]) -> Expr:
        """An integer expression for an axis: mostly an index of its size, now and then something else."""
        fitting = [i for i in scope if i.size == size]
        roll = self.random.random()
        if roll < 0.7 and fitting:
            return expr(self.random.choice(fitting))
        if roll < 0.8 and fitting:
            return add(self.random.choice(fitting), self.random.randint(-2, 2))
        if roll < 0.85 and scope:
            return add(
                *(times(self.random.choice((1, 1, 2, -1)), i) for i in self.random.sample(scope, min(2, len(scope)))), 0
            )
        if roll < 0.9 and scope:
            return apply(self.random.choice(("floordiv", "mod")), self.random.choice(scope), 2)
        if roll < 0.95 and any(i.size == k for i in scope):
            name = self.random.choice(("T", "V"))
            return read(GIVEN[name], next(i for i in scope if i.size == k))
        return expr(self.random.randint(0, 2))

    def leaf(self, scope: list[Index]) -> Expr:
        roll = self.random.random()
        if roll < 0.1:
            return expr(self.random.choice((2.0, 0.5, -1.0, 3, 1)))
        if roll < 0.15 and scope:
            return Position(self.random.choice(scope))
        if roll < 0.18:
            return Const(self.random.choice((n, k, n + 1)), "int")
        made = GIVEN[self.random.choice(("X", "M", "S", "Z", "A", "X", "M", "S", "G", "V"))]
        return read(made, *(self.position(size, scope) for size in made.shape))

    def condition(self, scope: list[Index], depth: int) -> Expr:
        roll = self.random.random()
        if roll < 0.4 and len(scope) > 1:
            one, two = self.random.sample(scope, 2)
            return apply(self.random.choice(("le", "lt", "ne", "eq", "ge")), one, two)
        if roll < 0.6:
            made = GIVEN[self.random.choice(("G", "E"))]
            return read(made, *(self.position(size, scope) for size in made.shape))
        if roll < 0.75 and depth > 0:
            return apply(self.random.choice(("and", "or")), self.condition(scope, depth - 1), self.condition(scope, 0))
        if roll < 0.85 and depth > 0:
            return apply("not", self.condition(scope, depth - 1))
        return apply("gt", self.value(scope, 0), 0.1)

    def bound(self, scope: list[Index]) -> Index:
        self.count += 1
        return Index(f"r{self.count}", self.random.choice(INDICES).size)

    def value(self, scope: list[Index], depth: int) -> Expr:
        if depth <= 0:
            return self.leaf(scope)
        kind = self.random.choice(
            ("add", "times", "apply", "sum", "reduce", "along", "where", "select", "leaf", "sum", "times")
        )
        one = depth - 1
        if kind == "add":
            terms = [self.value(scope, one) for _ in range(self.random.randint(2, 3))]
            return add(*(apply("neg", t) if self.random.random() < 0.3 else t for t in terms))
        if kind == "times":
            factors = [self.value(scope, one) for _ in range(self.random.randint(2, 3))]
            if self.random.random() < 0.2:
                factors[0] = apply("reciprocal", add(apply("abs", factors[0]), 1.0))
            return times(*factors)
        if kind == "apply":
            op = self.random.choice(("tanh", "relu", "sig", "abs", "sin", "step", "exp", "max", "min", "gelu", "pow"))
            arg = apply("tanh", self.value(scope, one)) if op == "exp" else self.value(scope, one)
            if op == "pow":
                return apply("pow", arg, self.random.choice((2, 2.0, 3)))
            return apply(op, arg, self.value(scope, one)) if op in ("max", "min") else apply(op, arg)
        if kind == "sum":
            new = [self.bound(scope) for _ in range(self.random.randint(1, 2))]
            inner = [*scope, *new]
            return summed(*new, of=tuple(self.value(inner, one) for _ in range(self.random.randint(1, 3))))
        if kind == "reduce":
            new = [self.bound(scope) for _ in range(self.random.randint(1, 2))]
            op = self.random.choice(("max", "min", "mean", "sum", "prod", "logsumexp", "count", "norm"))
            of = self.condition([*scope, *new], one) if op == "count" else self.value([*scope, *new], one)
            found = reduce(op, *new, of=of)
            # Over nothing these are infinite: kept out of products, where 0 times an infinity is no number.
            return apply("tanh", found) if op in ("max", "min", "logsumexp") else found
        if kind == "along" and scope:
            at = self.random.choice(scope)
            op = self.random.choice(("softmax", "cumsum", "lnorm", "flip", "sort", "softmax"))
            return along(op, at, self.value(scope, one), *((1e-5,) if op == "lnorm" else ()))
        if kind == "where":
            return where(self.condition(scope, 1), self.value(scope, one))
        if kind == "select":
            return Apply("select", (self.condition(scope, 1), self.value(scope, one), self.value(scope, one)))
        return self.leaf(scope)


def made(seed: int, depth: int = 3) -> Program:
    """Two equations over the same given tensors."""
    from tensorlang.ir.facts import dtype

    maker = Maker(seed)
    names = dict(GIVEN)
    parts = []
    for name in ("P", "Q"):
        left = maker.random.sample(INDICES, maker.random.randint(0, 3))
        value = maker.value(left, depth)
        kind = dtype(value)
        Y = tensor(name, *(i.size for i in left), kind="defined", dtype=kind)
        parts.append((Y, "sum", (piece(tuple(left), value),)))
    return program(*names.values(), *parts, outputs=("P", "Q"))


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int) -> None:
    agree(made(seed), *SIZES, differentiable=False, seed=seed)
