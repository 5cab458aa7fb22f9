"""Element types: what the arguments are, the results are; constants widen nothing; devices are the arguments'."""

from __future__ import annotations

import pytest
import torch

from tensorlang.backends.torch_module import build
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Const, Expr, Index
from tensorlang.ir.program import Tensor
from tensorlang.passes.schedule import schedule
from tests.building import add, along, apply, define, index, read, reduce, summed, tensor, times, where

n = Size.of(Symbol("n"))
i, j, c = index("i", n), index("j", n), index("c", 3)
X, M, K, W = tensor("X", n, 3), tensor("M", n, dtype="bool"), tensor("K", n, dtype="int"), tensor("W", 3, 3)
x, mask, k = read(X, i, c), read(M, i), read(K, i)
d = index("d", 3)

VALUES: dict[str, tuple[Expr, tuple[Index, ...], tuple[Tensor, ...]]] = {
    "constants": (add(times(2.5, x), 1, times(3, x), apply("sqrt", Const(n, "int"))), (i, c), (X,)),
    "integers": (times(x, k), (i, c), (X, K)),
    "scaled integers": (times(0.5, k), (i,), (X, K)),
    "quotients of integers": (times(k, apply("reciprocal", add(times(k, k), 1))), (i,), (X, K)),
    "positions": (times(i, 0.25), (i,), (X,)),
    "truth values": (times(mask, 0.5), (i,), (X, M)),
    "guards": (where(mask, apply("exp", x)), (i, c), (X, M)),
    "guarded numbers": (where(mask, times(0.5, i)), (i,), (X, M)),
    "selections": (apply("select", mask, 0.5, 2), (i,), (X, M)),
    "products": (summed(c, of=(x, read(W, d, c))), (i, d), (X, W)),
    "products with integers": (summed(i, of=(x, k)), (c,), (X, K)),
    "dot products": (summed(i, of=(k, mask, times(0.5, k))), (), (X, K, M)),
    "functions of integers": (apply("exp", times(-1, k)), (i,), (X, K)),
    "softmax": (along("softmax", c, where(apply("ne", c, 1), x)), (i, c), (X,)),
    "means": (reduce("mean", i, of=k), (), (X, K)),
    "means of guarded": (reduce("mean", i, of=where(mask, x)), (c,), (X, M)),
    "powers": (apply("pow", 2.0, times(k, 0.5)), (i,), (X, K)),
    "norms": (along("lnorm", c, x, 1e-5), (i, c), (X,)),
    "clipped": (apply("clip", x, -0.5, 0.5), (i, c), (X,)),
    "scalars": (times(summed(i, c, of=(x,)), k), (i,), (X, K)),
}  # fmt: skip
DRAWN = {
    "X": lambda kind: torch.linspace(-1, 1, 12).reshape(4, 3).to(kind),
    "W": lambda kind: torch.linspace(0, 1, 9).reshape(3, 3).to(kind),
    "K": lambda kind: torch.tensor([1, -2, 3, 2]),
    "M": lambda kind: torch.tensor([True, False, True, True]),
}


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", VALUES)
def test_float_is_the_type_of_the_arguments(name: str, kind: torch.dtype) -> None:
    value, left, given = VALUES[name]
    made = build(schedule(define("Y", left, value, *given)))
    exact = made.compute(*(DRAWN[argument.tensor](torch.float64) for argument in made.plan.arguments))
    assert exact.dtype == torch.float64
    for compute in (made.compute, torch.jit.script(made.compute)):
        found = compute(*(DRAWN[argument.tensor](kind) for argument in made.plan.arguments))
        assert found.dtype == kind, made.text
        loose = 1e-2 if kind in (torch.bfloat16, torch.float16) else 1e-5
        torch.testing.assert_close(found.to(torch.float64), exact, rtol=4 * loose, atol=4 * loose)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_complex_follows_float(kind: torch.dtype) -> None:
    Z = tensor("Z", n, 3, dtype="complex")
    value = add(times(2j, x), read(Z, i, c), times(0.5, read(Z, i, c)))
    made = build(schedule(define("Y", (i, c), value, X, Z, dtype="complex")))
    z = torch.ones(4, 3, dtype=kind.to_complex())
    assert made.compute(DRAWN["X"](kind), z).dtype == kind.to_complex()
    product = summed(c, of=(x, read(W, d, c), 1j))
    made = build(schedule(define("Y", (i, d), product, X, W, dtype="complex")))
    assert made.compute(DRAWN["X"](kind), DRAWN["W"](kind)).dtype == kind.to_complex()


def test_declared_types_stay() -> None:
    B, D = tensor("B", n, 3, dtype="bf16"), tensor("D", n, 3, dtype="float64")
    half, double = read(B, i, c), read(D, i, c)
    b, f = torch.ones(2, 3, dtype=torch.bfloat16), torch.ones(2, 3)
    e = torch.ones(2, 3, dtype=torch.float64)
    only = build(schedule(define("Y", (i, c), times(0.3, apply("exp", half)), B, dtype="bf16")))
    assert only.compute(b).dtype == torch.bfloat16
    both = build(schedule(define("Y", (i, c), times(half, x), B, X)))
    assert both.compute(b, f).dtype == torch.float32
    wide = build(schedule(define("Y", (i, c), add(double, x), D, X, dtype="float64")))
    assert wide.compute(e, f).dtype == torch.float64
    scalar = build(schedule(define("Y", (i, c), times(summed(i, c, of=(double,)), x), D, X, dtype="float64")))
    assert scalar.compute(e, f).dtype == torch.float64
    product = build(schedule(define("Y", (i, j), summed(c, of=(half, read(X, j, c))), B, X)))
    assert product.compute(b, f).dtype == torch.float32


def test_without_a_tensor_the_caller_says() -> None:
    plan = schedule(define("Y", (c,), times(0.5, c)))
    assert build(plan).compute().dtype == torch.float32
    assert build(plan, dtype="float64").compute().dtype == torch.float64
    assert "meta" in str(build(plan, device="meta").compute().device)


def test_new_tensors_are_made_where_the_arguments_are() -> None:
    for value, left, given in VALUES.values():
        made = build(schedule(define("Y", left, value, *given)))
        meta = [DRAWN[argument.tensor](torch.float32).to("meta") for argument in made.plan.arguments]
        assert made.compute(*meta).device.type == "meta", made.text
