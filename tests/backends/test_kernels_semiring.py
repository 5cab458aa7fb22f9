"""Products over other semirings against their definition: values, gradients, scripts, special numbers, memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.allocation import peak
from tensorlang.backends import kernels_semiring as kernels

Kernel = Callable[[Tensor, Tensor], Tensor]

INF, NAN = float("inf"), float("nan")
# b, l, k, r: few elements, long and thin ones, many small matrices, vectors on either side.
SHAPES = (
    (1, 5, 7, 6), (3, 70, 80, 90), (1, 600, 3, 600), (500, 16, 16, 16), (700, 20, 20, 1), (700, 1, 20, 20),
    (2, 3, 60000, 2), (1, 1, 700, 700), (1, 700, 700, 1), (1, 3000, 10, 12), (2, 130, 64, 33), (1, 40000, 5, 3),
)  # fmt: skip


def sums(left: Tensor, right: Tensor) -> Tensor:
    return left.unsqueeze(3) + right.unsqueeze(1)


def products(left: Tensor, right: Tensor) -> Tensor:
    return left.unsqueeze(3) * right.unsqueeze(1)


KERNELS: dict[str, Kernel] = {
    name: getattr(kernels, name)
    for name in ("greatest_sums", "least_sums", "greatest_products", "least_products", "logsumexp_sums")
}
DEFINITIONS: dict[str, Kernel] = {
    "greatest_sums": lambda left, right: sums(left, right).amax(2),
    "least_sums": lambda left, right: sums(left, right).amin(2),
    "greatest_products": lambda left, right: products(left, right).amax(2),
    "least_products": lambda left, right: products(left, right).amin(2),
    "logsumexp_sums": lambda left, right: torch.logsumexp(sums(left, right), 2),
}


def operands(shape: tuple[int, ...], ties: bool = False, **kind: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Both sides, ready for gradients, and a gradient of the result."""
    b, rows, depth, columns = shape
    torch.manual_seed(sum(shape))
    left, right, slope = (torch.randn(s, **kind) for s in ((b, rows, depth), (b, depth, columns), (b, rows, columns)))
    if ties:
        left, right = left.round(), right.round()
    return left.requires_grad_(), right.requires_grad_(), slope


def slopes(result: Tensor, left: Tensor, right: Tensor, slope: Tensor, **more: Any) -> tuple[Tensor, ...]:
    return torch.autograd.grad(result, (left, right), slope, **more)


@pytest.mark.parametrize("ties", [False, True], ids=["apart", "ties"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", KERNELS)
def test_values_and_gradients_are_those_of_the_definition(name: str, shape: tuple[int, ...], ties: bool) -> None:
    left, right, slope = operands(shape, ties, dtype=torch.float64)
    meant, got = DEFINITIONS[name](left, right), KERNELS[name](left, right)
    torch.testing.assert_close(got, meant, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        slopes(got, left, right, slope), slopes(meant, left, right, slope), rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_single_precision(shape: tuple[int, ...]) -> None:
    left, right, slope = operands(shape)
    for name, kernel in KERNELS.items():
        meant, got = DEFINITIONS[name](left, right), kernel(left, right)
        torch.testing.assert_close(got, meant, rtol=1e-5, atol=3e-5)
        torch.testing.assert_close(
            slopes(got, left, right, slope), slopes(meant, left, right, slope), rtol=1e-4, atol=1e-3
        )


@pytest.mark.parametrize("name", KERNELS)
def test_scripts_compute_the_same_with_and_without_gradients(name: str) -> None:
    script = torch.jit.script(KERNELS[name])
    for shape in SHAPES[:7]:
        left, right, slope = operands(shape, dtype=torch.float64)
        meant = KERNELS[name](left, right)
        torch.testing.assert_close(script(left.detach(), right.detach()), meant.detach(), rtol=1e-12, atol=1e-12)
        got = script(left, right)
        torch.testing.assert_close(got, meant, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(
            slopes(got, left, right, slope), slopes(meant, left, right, slope), rtol=1e-9, atol=1e-10
        )


@pytest.mark.parametrize("kind", [torch.int64, torch.int32])
def test_integers(kind: torch.dtype) -> None:
    for shape in SHAPES:
        left, right = (x.detach().mul(9).to(kind) for x in operands(shape)[:2])
        for name in ("greatest_sums", "least_sums", "greatest_products", "least_products"):
            assert torch.equal(KERNELS[name](left, right), DEFINITIONS[name](left, right)), (name, shape)


# --- infinities, and what is no number -----------------------------------------------------------------------------


def special(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Small matrices over many magnitudes, with none, some or nearly all elements infinite or no number."""
    random = torch.Generator().manual_seed(seed)
    values = torch.tensor([-INF] * 4 + [INF, NAN, 1000.0, -1000.0], dtype=torch.float64)
    share, kinds = (0.0, 0.1, 0.5, 0.9)[seed % 4], (4, 5, 8)[seed % 3]
    sides = []
    for shape in ((2, 5, 4), (2, 4, 6)):
        side = torch.randn(shape, generator=random, dtype=torch.float64) * 10 ** (seed // 4 % 4)
        drawn = values[torch.randint(0, kinds, shape, generator=random)]
        sides.append(torch.where(torch.rand(shape, generator=random) < share, drawn, side).requires_grad_())
    return sides[0], sides[1], torch.randn((2, 5, 6), generator=random, dtype=torch.float64)


@pytest.mark.parametrize("seed", range(96))
def test_logsumexp_of_special_numbers(seed: int) -> None:
    left, right, slope = special(seed)
    meant, got = DEFINITIONS["logsumexp_sums"](left, right), kernels.logsumexp_sums(left, right)
    torch.testing.assert_close(got, meant, rtol=1e-11, atol=1e-11, equal_nan=True)
    found, wanted = slopes(got, left, right, slope), slopes(meant, left, right, slope)
    for one, other in zip(found, wanted, strict=True):
        # torch has no gradient where all terms are -inf; here it is 0, the share of what is nothing.
        known = ~torch.isnan(other)
        torch.testing.assert_close(one[known], other[known], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(96))
def test_extremes_of_special_numbers(seed: int) -> None:
    left, right, slope = special(seed)
    for largest in (False, True):
        for product in (False, True):
            meant = kernels.extreme_plain(left, right, largest, product)
            got: Tensor = kernels.ExtremeJoin.apply(left, right, largest, product)  # type: ignore[no-untyped-call]
            torch.testing.assert_close(got, meant, equal_nan=True, rtol=0, atol=0)
            torch.testing.assert_close(
                slopes(got, left, right, slope), slopes(meant, left, right, slope), equal_nan=True, rtol=1e-9, atol=1e-9
            )


def test_nothing_but_minus_infinity_has_no_gradient() -> None:
    left = torch.full((1, 3, 4), -INF, requires_grad=True)
    right = torch.randn(1, 4, 5, requires_grad=True)
    result = kernels.logsumexp_sums(left, right)
    assert bool((result == -INF).all())
    assert all(not bool(x.any()) for x in slopes(result, left, right, torch.ones_like(result)))


def test_terms_that_underflow_beside_others_are_not_lost() -> None:
    """Each result is the sum of terms far below the largest of its row and of its column."""
    left = torch.tensor([[[0.0, -200.0, -210.0]]], requires_grad=True)
    right = torch.tensor([[[-300.0], [0.0], [5.0]]], requires_grad=True)
    result = kernels.logsumexp_sums(left, right)
    meant = DEFINITIONS["logsumexp_sums"](left.double(), right.double()).float()
    torch.testing.assert_close(result, meant, rtol=1e-6, atol=1e-6)
    found = slopes(result, left, right, torch.ones_like(result))
    torch.testing.assert_close(found[0].flatten(), torch.softmax(torch.tensor([-300.0, -200.0, -205.0]), 0))


# --- derivatives and memory ----------------------------------------------------------------------------------------


def test_first_and_second_derivatives() -> None:
    left, right, _ = operands((2, 3, 4, 5), dtype=torch.float64)
    for function, form in (
        (kernels.LogSumExpJoin, ()),
        (kernels.ExtremeJoin, (True, False)),
        (kernels.ExtremeJoin, (False, True)),
    ):

        def joined(one: Tensor, two: Tensor, function: Any = function, form: tuple[bool, ...] = form) -> Any:
            return function.apply(one, two, *form)

        assert torch.autograd.gradcheck(joined, (left, right))
        assert torch.autograd.gradgradcheck(joined, (left, right))
        assert torch.autograd.gradgradcheck(lambda one, j=joined: j(one, right.detach()), (left,))


@pytest.mark.parametrize("name", KERNELS)
def test_a_tenth_of_the_memory(name: str) -> None:
    left, right, slope = operands((1, 256, 200, 256))
    ours, plain = (
        peak(lambda kernel=kernel: slopes(kernel(left, right), left, right, slope))
        for kernel in (KERNELS[name], DEFINITIONS[name])
    )
    assert ours <= 0.1 * plain
    with torch.no_grad():
        assert peak(lambda: KERNELS[name](left, right)) <= 0.1 * peak(lambda: DEFINITIONS[name](left, right))
