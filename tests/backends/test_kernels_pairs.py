"""Kernels over the pairs of a relation: values and gradients of their definitions, scripts, nothing to compute."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tensorlang.backends import kernels_pairs as kernels

ROWS, OTHERS = 7, 5


def grouped(index: Tensor, place: int, size: int) -> list[Tensor]:
    """How pairs are grouped by a place, as the compiler has it made."""
    column, other = index[place].contiguous(), index[1 - place].contiguous()
    if place == 0:
        return [kernels.pairs_pointers([column], [size]), other]
    order = kernels.pairs_order([column], [0])
    return [kernels.pairs_pointers([column, order], [size]), kernels.pairs_turned([other, order], [0]), order]


@pytest.fixture(params=[0.4, 0.0, 1.0])
def index(request: pytest.FixtureRequest) -> Tensor:
    table = torch.rand(ROWS, OTHERS, generator=torch.Generator().manual_seed(1)) < request.param
    if request.param == 0.4:
        table[2] = False
    return table.nonzero().t().contiguous()


def both(index: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    return grouped(index, 0, ROWS), grouped(index, 1, OTHERS)


def numbers(*sizes: int) -> Tensor:
    draw = torch.Generator().manual_seed(sum(sizes))
    return torch.randn(sizes, generator=draw, dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("heads", [1, 3])
def test_products(index: Tensor, weighted: bool, heads: int) -> None:
    rows, back = both(index)
    weights = numbers(index.shape[1], heads) if weighted else None
    for one, two, size in ((rows, back, OTHERS), (back, rows, ROWS)):
        table = numbers(heads, size, 4)
        found = kernels.pairs_product(weights, table, one, two)
        assert torch.allclose(found, kernels.product_plain(weights, table, one))
        given = (weights, table) if weighted else (table,)

        def product(*given: Tensor, one: list[Tensor] = one, two: list[Tensor] = two) -> Tensor:
            return kernels.pairs_product(given[0] if weighted else None, given[-1], one, two)

        torch.autograd.gradcheck(product, given)


def test_a_gradient_of_a_gradient(index: Tensor) -> None:
    rows, back = both(index)
    given = (numbers(index.shape[1], 2), numbers(2, OTHERS, 3))
    torch.autograd.gradgradcheck(lambda weights, table: kernels.pairs_product(weights, table, rows, back), given)


@pytest.mark.parametrize("heads", [1, 3])
def test_dots(index: Tensor, heads: int) -> None:
    rows, back = both(index)
    for one, two, sizes in ((rows, back, (ROWS, OTHERS)), (back, rows, (OTHERS, ROWS))):
        left, right = numbers(heads, sizes[0], 4), numbers(heads, sizes[1], 4)
        found = kernels.pairs_dots(left, right, one, two)
        assert torch.allclose(found, kernels.dots_plain(left, right, one))
        torch.autograd.gradcheck(
            lambda left, right, one=one, two=two: kernels.pairs_dots(left, right, one, two), (left, right)
        )  # fmt: skip


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("width", [1, 3, 20])
def test_sums_and_rows(index: Tensor, place: int, width: int) -> None:
    rows, column = both(index)[place], index[place].contiguous()
    values, table = numbers(index.shape[1], width), numbers((ROWS, OTHERS)[place], width)
    assert torch.allclose(kernels.pairs_sums(values, column, rows), kernels.sums_plain(values, column, rows))
    assert torch.equal(kernels.pairs_rows(table, column, rows), table[column])
    torch.autograd.gradcheck(lambda values: kernels.pairs_sums(values, column, rows), (values,))
    torch.autograd.gradcheck(lambda table: kernels.pairs_rows(table, column, rows), (table,))


@pytest.mark.parametrize("place", [0, 1])
def test_the_greatest(index: Tensor, place: int) -> None:
    rows, column = both(index)[place], index[place].contiguous()
    table = numbers((OTHERS, ROWS)[place], 3)
    meant = kernels.greatest_rows_plain(table, rows)
    assert torch.equal(kernels.pairs_extreme(table, rows), meant)
    values = numbers(index.shape[1], 3)
    with torch.no_grad():
        alone = kernels.pairs_greatest(values, column, rows)
    assert torch.equal(kernels.pairs_greatest(values, column, rows), alone)
    slopes = [
        torch.autograd.grad(torch.where(torch.isfinite(found), found, 0).square().sum(), table)[0]
        for found in (kernels.pairs_extreme(table, rows), meant)
    ]
    assert torch.allclose(*slopes)


def test_what_is_made_of_columns() -> None:
    one, two = torch.tensor([[0, 0, 2], [1, 3, 2]]), torch.tensor([[0, 1], [3, 0]])
    columns = [kernels.pairs_union([*one, *two], [k, 2, 4, 4, 4]) for k in (0, 1)]
    meant = sorted({(0, 1), (0, 3), (2, 2), (1, 0), *((k, k) for k in range(4))})
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == meant
    assert kernels.pairs_found([*two, *one], [4, 4]).tolist() == [-1, 0, -1]
    assert kernels.pairs_found([*two[:, :0], *one], [4, 4]).tolist() == [-1, -1, -1]
    assert kernels.pairs_pointers([one[0]], [4]).tolist() == [0, 2, 2, 3, 3]


@pytest.mark.parametrize(
    "name", ["pairs_product", "pairs_dots", "pairs_sums", "pairs_rows", "pairs_greatest", "pairs_extreme"]
)
def test_kernels_script(name: str) -> None:
    index = (torch.rand(ROWS, OTHERS, generator=torch.Generator().manual_seed(1)) < 0.4).nonzero().t().contiguous()
    rows, back = both(index)
    scripted, count = torch.jit.script(getattr(kernels, name)), index.shape[1]
    given = {
        "pairs_product": (numbers(count, 2), numbers(2, OTHERS, 3), rows, back),
        "pairs_dots": (numbers(2, ROWS, 3), numbers(2, OTHERS, 3), rows, back),
        "pairs_sums": (numbers(count, 3), index[0].contiguous(), rows),
        "pairs_rows": (numbers(ROWS, 3), index[0].contiguous(), rows),
        "pairs_greatest": (numbers(count, 3), index[0].contiguous(), rows),
        "pairs_extreme": (numbers(OTHERS, 3), rows),
    }[name]
    assert torch.allclose(scripted(*given), getattr(kernels, name)(*given))
