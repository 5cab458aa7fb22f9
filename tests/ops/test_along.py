"""Every function along an index: the torch template against the numpy meaning, along any axis, gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from templates import KINDS, both_ways, function_of, kind_of

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.nodes import AlongIndex, Index, Read
from tensorlang.ops import ALONG
from tensorlang.ops.record import Along

EVERY = pytest.mark.parametrize("record", list(ALONG.values()), ids=list(ALONG))
VALUES = {
    "float": np.array([[0.7, -1.3, 2.1, 0.1], [1.1, 1.1, -0.4, 0.2], [3.0, 0.5, -2.5, 0.9]]),
    "int": np.array([[3, -1, 0, 2], [4, 4, 1, 1], [-2, 5, 5, 0]]),
    "bool": np.array([[True, False, True, True], [False, False, False, False]]),
    "complex": np.array([[0.7 + 1j, -1.3j, 2.1, 0.5], [1.1, 1.1 - 0.5j, -0.4, 0.2]]),
}
OPTIONS: dict[str, list[tuple[float, ...]]] = {"topk": [(2,), (1,), (7,), (0,)], "shift": [(1,), (-2,), (9,), (0,)]}


def result_of(record: Along, given: str) -> str:
    return dtype_of(AlongIndex(record.name, Index("i", Size.of(4)), Read("X", (), (), given), ()))


def options_of(record: Along) -> list[tuple[float, ...]]:
    return OPTIONS.get(record.name, [tuple(default for _, default in record.options if default is not None)])


@EVERY
@pytest.mark.parametrize("given", ["float", "int", "bool", "complex"])
@pytest.mark.parametrize("dim", [0, 1])
def test_torch_computes_the_meaning(record: Along, given: str, dim: int, tmp_path: Path) -> None:
    if given == "complex" and not record.complex:
        pytest.skip("has no order")
    kind = result_of(record, given) if record.takes == "result" else given
    tensor = torch.as_tensor(VALUES[given]).to(KINDS[kind])
    for options in options_of(record):
        got = both_ways(function_of(tmp_path, record.torch.format("a0", *map(repr, options), dim=dim), 1), tensor)
        rows = [record.numpy(np, row, *options) for row in np.moveaxis(tensor.numpy(), dim, -1)]
        np.testing.assert_allclose(np.moveaxis(got.numpy(), dim, -1), rows, rtol=1e-12, atol=1e-14)
        assert kind_of(got) == result_of(record, given)


@pytest.mark.parametrize("record", [r for r in ALONG.values() if r.differentiable], ids=lambda record: record.name)
def test_the_gradient_is_right(record: Along, tmp_path: Path) -> None:
    tensor = torch.tensor([[0.7, -1.3, 2.1], [1.1, 1.9, -0.4]], dtype=torch.float64, requires_grad=True)
    options = options_of(record)[0]
    function = function_of(tmp_path, record.torch.format("a0", *map(repr, options), dim=1), 1)
    assert torch.autograd.gradcheck(function, (tensor,))


def test_topk_keeps_the_first_of_equal_ones() -> None:
    assert ALONG["topk"].numpy(np, np.array([1.0, 2.0, 1.0]), 2).tolist() == [1.0, 2.0, 0.0]


def test_shift_fills_with_zeros() -> None:
    assert ALONG["shift"].numpy(np, np.array([1, 2, 3]), 1).tolist() == [0, 1, 2]
    assert ALONG["shift"].numpy(np, np.array([1, 2, 3]), -1).tolist() == [2, 3, 0]


@EVERY
def test_the_record_is_whole(record: Along) -> None:
    assert record.doc
    assert record.fill is None or not record.fill.startswith("float") or record.fill == 'float("-inf")'
