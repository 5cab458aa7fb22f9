"""Every reduction: the torch template against the numpy meaning, over one index and two, over nothing, gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from templates import KINDS, both_ways, function_of, kind_of

from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.nodes import Read, Reduce
from tensorlang.ops import AGGREGATES, REDUCTIONS
from tensorlang.ops.record import Reduction

RECORDS = list(REDUCTIONS.values())
EVERY = pytest.mark.parametrize("record", RECORDS, ids=list(REDUCTIONS))
VALUES = {
    "float": np.array([[0.7, -1.3, 2.1, 0.0], [1.1, 1.1, -0.4, 0.2], [3.0, 0.5, -2.5, 0.9]]),
    "int": np.array([[3, -1, 0, 2], [4, 4, 1, 1], [-2, 5, 5, 0]]),
    "bool": np.array([[True, False, True, True], [False, False, False, False], [True, True, True, True]]),
    "complex": np.array([[0.7 + 1j, -1.3j, 2.1, 0.5], [1.1, 1.1 - 0.5j, -0.4, 0.2]]),
}


def argument(record: Reduction, given: str) -> torch.Tensor:
    """The values as ``takes`` asks for them."""
    kind = given
    if record.takes == "result":
        kind = dtype_of(Reduce(record.name, (), Read("X", (), (), given)))
    elif record.takes == "number":
        kind = "int" if given == "bool" else given
    elif record.takes == "float":
        kind = "complex" if given == "complex" else "float"
    elif record.takes != "any":
        kind = record.takes
    return torch.as_tensor(VALUES[given]).to(KINDS[kind])


def over(record: Reduction, dims: list[int]) -> str:
    if record.torch is not None:
        return record.torch.format("a0", dims=dims)
    assert record.torch_one is not None
    flat = "a0" if len(dims) == 1 else "a0.flatten()"
    return record.torch_one.format(flat, dim=dims[0])


def close(got: torch.Tensor, meant: object) -> None:
    np.testing.assert_allclose(got.detach().numpy(), np.asarray(meant), rtol=1e-12, atol=1e-14)


@EVERY
@pytest.mark.parametrize("given", ["float", "int", "bool", "complex"])
def test_torch_computes_the_meaning(record: Reduction, given: str, tmp_path: Path) -> None:
    if given == "complex" and not record.complex:
        pytest.skip("has no order")
    tensor = argument(record, given)
    rows = both_ways(function_of(tmp_path, over(record, [1]), 1), tensor)
    values = 1 * VALUES[given]
    close(rows, [record.numpy(np, row) for row in values])
    assert kind_of(rows) == dtype_of(Reduce(record.name, (), Read("X", (), (), given)))
    close(both_ways(function_of(tmp_path, over(record, [0, 1]), 1), tensor), record.numpy(np, values.ravel()))


@pytest.mark.parametrize("record", [r for r in RECORDS if r.fill is not None], ids=lambda record: record.name)
def test_the_fill_takes_no_part(record: Reduction) -> None:
    literal = (record.fill or "").removeprefix('float("').removesuffix('")')
    fill = {"False": 0.0, "True": 1.0}.get(literal) if record.takes == "bool" else float(literal)
    row = 1.0 * VALUES["bool" if record.takes == "bool" else "float"][0]
    assert record.numpy(np, np.append(row, fill)) == pytest.approx(record.numpy(np, row))
    if not record.position:
        assert record.numpy(np, np.array([fill])) == record.identity


@pytest.mark.parametrize("record", [r for r in RECORDS if r.differentiable], ids=lambda record: record.name)
def test_the_gradient_is_right(record: Reduction, tmp_path: Path) -> None:
    tensor = torch.tensor([[0.7, -1.3, 2.1], [1.1, 1.9, -0.4]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function_of(tmp_path, over(record, [1]), 1), (tensor,))


def test_logsumexp_of_nothing_much() -> None:
    meaning = REDUCTIONS["logsumexp"].numpy
    assert meaning(np, np.array([-np.inf, -np.inf])) == -np.inf
    assert meaning(np, np.array([1000.0, 1000.0])) == pytest.approx(1000 + np.log(2))


def test_assignments_name_reductions() -> None:
    assert set(AGGREGATES.values()) <= set(REDUCTIONS)
    assert set(AGGREGATES) == {"=", "+=", "max=", "min=", "avg=", "prod=", "or=", "and=", "logsumexp="}
    assert all(REDUCTIONS[name].aggregate == operator for operator, name in AGGREGATES.items() if operator != "=")


def test_only_sum_and_mean_are_no_functions() -> None:
    assert {record.name for record in RECORDS if not record.function} == {"sum", "mean"}
