"""A sound program passes; each broken invariant is named, with the pass that broke it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from building import (
    NOWHERE,
    add,
    along,
    apply,
    define,
    index,
    piece,
    program,
    read,
    reduce,
    summed,
    tensor,
    times,
    where,
)

from tensorlang.ir.nodes import AlongIndex, Apply, Const, Contract, Position, Read, number
from tensorlang.ir.program import AssertAction, Piece, Program, QueryAction, Tensor
from tensorlang.ir.program import TestAction as OfTests
from tensorlang.ir.verify import verify

i, j, k = (index(name, 3) for name in "ijk")
A, X = tensor("A", 3, 3), tensor("X", 3)
Y = tensor("Y", 3, kind="defined")
Tok = tensor("Tok", 3, dtype="int")


def made(value: object, **changes: object) -> Program:
    """``Y[i] = value`` over A, X and Tok."""
    return define("Y", (i,), value, A, X, Tok, **changes)  # type: ignore[arg-type]


SOUND = [
    made(summed(j, of=(read(A, i, j), read(X, j)))),
    made(add(reduce("max", j, of=where(apply("lt", j, i), read(A, i, j))), 1)),
    made(along("softmax", i, read(X, read(Tok, i)))),
    made(times(read(X, add(i, -1)), number(2))),
    made(Read("delta", (Position(i), Position(i)), (i.size, i.size), "int")),
]

BROKEN: dict[str, Program] = {
    "unknown and read": made(read(tensor("Z", 3), i)),
    "free on the right": made(read(A, i, j)),
    "two sizes": made(add(read(X, i), summed(index("j", 4), of=(1.0,)), summed(j, of=(1.0,)))),
    "bound and kept": made(summed(i, of=(read(X, i),))),
    "bound again": made(summed(j, of=(read(X, j), summed(j, of=(read(A, i, j),))))),
    "bound twice": made(Contract((j, j), (read(A, i, j),), "sum")),
    "rank": made(Read("A", (Position(i),), A.shape, "float")),
    "shape": made(Read("X", (Position(i),), (index("q", 4).size,), "float")),
    "element type": made(Read("X", (Position(i),), X.shape, "int")),
    "float position": made(read(X, read(X, i))),
    "operator": made(Apply("frobnicate", (read(X, i),))),
    "arity": made(Apply("neg", (read(X, i), read(X, i)))),
    "reduction": made(reduce("median", j, of=read(A, i, j))),
    "along": made(AlongIndex("softmax", i, read(X, i), (number(1),))),
    "semiring": made(Contract((j,), (read(A, i, j),), "tropical")),
    "guard": made(where(read(X, i), 1.0)),
    "select": made(apply("select", read(X, i), 1, 2)),
    "constant": made(Const(1, "float")),
    "narrowing": made(number(1j)),
    "narrowing to int": made(read(X, i), dtype="int"),
    "structured": made(Read("delta", (Position(i),), (i.size,), "int")),
    "aggregate": program(X, (Y, "median", (piece((i,), read(X, i)),))),
    "left": program(X, (Y, "sum", (Piece((Position(i),), (i, j), read(X, i), False, NOWHERE),))),
    "left rank": program(X, (Y, "sum", (piece((i, j), read(X, i)),))),
    "left type": program(X, (Y, "sum", (piece((i,), read(X, i), (read(X, i),)),))),
    "order": program(X, (tensor("Z", 3, kind="defined"), "sum", (piece((i,), read(Y, i)),)),
                     (Y, "sum", (piece((i,), read(X, i)),))),
    "twice": program(X, (Y, "sum", (piece((i,), read(X, i)),)), (Y, "sum", (piece((i,), read(X, i)),))),
    "not defined": program((X, "sum", (piece((i,), 1.0),))),
    "outputs": replace(made(read(X, i)), outputs=("Q",)),
    "actions": replace(made(read(X, i)), actions=(OfTests("t", (QueryAction("Q", "Q", NOWHERE),), NOWHERE),)),
    "kind": replace(made(read(X, i)), tensors={**SOUND[0].tensors, "Q": Tensor("Q", "odd", (), "float", NOWHERE)}),
}  # fmt: skip


@pytest.mark.parametrize("at", range(len(SOUND)))
def test_sound_programs_pass(at: int) -> None:
    verify(SOUND[at], "building")


def test_actions_of_defined_tensors_pass() -> None:
    verify(replace(SOUND[0], actions=(AssertAction("Y", "Y", ("Y",), NOWHERE),)), "building")


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_what_does_not_hold_is_named_with_the_pass(broken: Program) -> None:
    with pytest.raises(AssertionError, match=r"after the_pass: .+"):
        verify(broken, "the_pass")
