"""Random sums of products, nested, guarded and with deltas, of open sizes: costs count them as 32, data has 2 or 3.

So the rewritings that depend on costs happen, and the reference can still say what is meant.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.facts import dtype
from tensorlang.ir.nodes import Contract, Expr, Index
from tensorlang.ir.program import Piece, Program, Tensor
from tensorlang.passes.scopes import settled
from tests.building import add, apply, expr, piece, program, read, tensor, times, where

SIZES = {Symbol("p"): 2, Symbol("q"): 3, Symbol("r"): 2}
POOL = [Index(name, Size.of(Symbol(size))) for name, size in zip("ijklmn", "pqrpqr", strict=True)]


@dataclass(slots=True)
class Writer:
    """Writes expressions; the tensors they read are named by the sizes of their axes."""

    source: random.Random
    tensors: dict[str, Tensor] = field(default_factory=dict)
    defined: list[Tensor] = field(default_factory=list)
    bound: int = 0

    def leaf(self, scope: list[Index]) -> Expr:
        if self.source.random() < 0.1:
            return expr(self.source.choice([2, -1, 0.5, 1, 3.0]))
        at = self.source.sample(scope, min(len(scope), self.source.randint(0, 2)))
        fitting = [t for t in self.defined if t.shape == tuple(index.size for index in at)]
        if fitting and self.source.random() < 0.5:
            return read(self.source.choice(fitting), *at)
        name = "T" + "".join(str(index.size) for index in at) + self.source.choice("AB")
        return read(self.tensors.setdefault(name, tensor(name, *(index.size for index in at))), *at)

    def new(self, scope: list[Index]) -> Index:
        index = self.source.choice(POOL)
        if index in scope:
            self.bound += 1
            index = Index(f"{index.name}_{self.bound}", index.size)
        return index

    def sum_of_product(self, depth: int, scope: list[Index]) -> Expr:
        inner = list(scope)
        for _ in range(self.source.randint(1, 2)):
            inner.append(self.new(inner))
        factors = tuple(self.expression(depth - 1, inner) for _ in range(self.source.randint(1, 3)))
        return Contract(tuple(inner[len(scope) :]), factors, "sum")

    def sum_with_delta(self, depth: int, scope: list[Index]) -> Expr:
        index, other = self.new(scope), self.source.choice(scope)
        inner = [*scope, index]
        return Contract(
            (index,), (apply("eq", index, other), self.expression(depth - 1, inner), self.leaf(inner)), "sum"
        )

    def expression(self, depth: int, scope: list[Index]) -> Expr:
        kind = self.source.random()
        if depth <= 0 or kind < 0.15:
            return self.leaf(scope)
        if kind < 0.45:
            return self.sum_of_product(depth, scope)
        if kind < 0.6:
            return times(*(self.expression(depth - 1, scope) for _ in range(self.source.randint(2, 3))))
        if kind < 0.85:
            terms = [self.expression(depth - 1, scope) for _ in range(self.source.randint(2, 3))]
            return add(*(apply("neg", term) if self.source.random() < 0.2 else term for term in terms))
        if kind < 0.9 and scope:
            op = self.source.choice(["lt", "le", "eq", "ne"])
            condition = apply(op, self.source.choice(scope), self.source.choice([*scope, 1]))
            return where(condition, self.expression(depth - 1, scope))
        if kind < 0.95 and scope:
            return self.sum_with_delta(depth, scope)
        return apply(self.source.choice(["tanh", "relu", "sin"]), self.expression(depth - 1, scope))

    def equation(self, name: str) -> tuple[Tensor, str, tuple[Piece, ...]]:
        left = tuple(self.source.sample(POOL, self.source.randint(0, 2)))
        value = self.expression(self.source.randint(2, 4), list(left))
        made = tensor(name, *(index.size for index in left), kind="defined", dtype=dtype(value))
        self.defined.append(made)
        return made, "sum", (settled(piece(left, value)),)


def network(seed: int) -> Program:
    """A program of one to three such equations, of which the last and perhaps another are wanted."""
    source = random.Random(seed)
    writer = Writer(source)
    equations = [writer.equation(f"D{at}") for at in range(source.randint(1, 3))]
    wanted = dict.fromkeys((equations[-1][0].name, source.choice(equations)[0].name))
    return replace(program(*writer.tensors.values(), *equations), outputs=tuple(wanted))
