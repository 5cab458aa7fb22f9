"""Every pointwise operator over its samples: the torch template against the numpy meaning, sympy, laws, gradients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch
from templates import KINDS, both_ways, function_of, kind_of

from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.nodes import Apply, Read
from tensorlang.ops import POINTWISE
from tensorlang.ops.record import Pointwise

RECORDS = [record for name, record in POINTWISE.items() if name == record.name]
DRAWN = [record for record in RECORDS if not record.random]
GRID = np.array([-2.0, -1.5, -0.75, -0.25, 0.0, 0.25, 0.5, 1.0, 1.25, 3.0])


def by_name(records: list[Pointwise]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("record", records, ids=[record.name for record in records])


def result_kind(record: Pointwise, given: str, arguments: int) -> str:
    kinds = ["bool" if record.name == "select" and k == 0 else given for k in range(arguments)]
    reads = tuple(Read(f"X{k}", (), (), kind) for k, kind in enumerate(kinds))
    return dtype_of(Apply(record.name, reads))


def converted(record: Pointwise, given: str, values: tuple[object, ...]) -> list[torch.Tensor]:
    """The arguments as ``takes`` asks for them."""
    tensors = []
    for at, value in enumerate(values):
        takes = record.takes[min(at, len(record.takes) - 1)]
        kind = {"any": given, "result": result_kind(record, given, len(values)), "number": given}.get(takes, takes)
        kind = "int" if takes == "number" and given == "bool" else kind
        tensors.append(torch.as_tensor(np.asarray(value)).to(KINDS[kind]))
    return tensors


def template(record: Pointwise, arguments: int) -> str:
    more = record.torch_more is not None and arguments > record.arity[0]
    return (record.torch_more or "") if more else record.torch


def filled(text: str, arguments: int) -> str:
    return text.format(*(f"a{k}" for k in range(arguments)))


def by_length(record: Pointwise) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
    """The samples of one number of arguments, stacked."""
    for length in sorted({len(sample) for sample in record.samples}):
        rows = [sample for sample in record.samples if len(sample) == length]
        yield length, tuple(np.array(column) for column in zip(*rows, strict=True))


def close(got: torch.Tensor, meant: object) -> None:
    np.testing.assert_allclose(got.detach().resolve_conj().numpy(), np.asarray(meant), rtol=1e-12, atol=1e-12)


@by_name(DRAWN)
def test_torch_computes_the_meaning(record: Pointwise, tmp_path: Path) -> None:
    for length, columns in by_length(record):
        arguments = converted(record, "float", columns)
        got = both_ways(function_of(tmp_path, filled(template(record, length), length), length), *arguments)
        close(got, record.numpy(np, *columns))
        assert kind_of(got) == result_kind(record, "float", length)


@by_name([r for r in DRAWN if r.torch_numbers or any(k not in r.tensors for k in range(len(r.samples[0])))])
def test_numbers_may_stand_where_tensors_need_not(record: Pointwise, tmp_path: Path) -> None:
    for sample in record.samples:
        if len(sample) == 1:
            continue
        meant = record.numpy(np, *sample)
        tensors = {0} if record.torch_numbers else set(record.tensors) or {0}
        names = [f"a{k}" if k in tensors else repr(value) for k, value in enumerate(sample)]
        takes = converted(record, "float", sample)
        body = (record.torch_numbers or template(record, len(sample))).format(*names)
        unused = [*takes, *[torch.zeros(())] * (max(tensors) + 1 - len(takes))][: max(tensors) + 1]
        close(both_ways(function_of(tmp_path, body, len(unused)), *unused), meant)


@by_name([record for record in DRAWN if record.name not in ("asin", "acos", "log1p", "pow")])
@pytest.mark.parametrize("given", ["int", "bool"])
def test_whole_numbers_and_truth_values(record: Pointwise, given: str, tmp_path: Path) -> None:
    if record.name == "reciprocal":
        pytest.skip("1/0 has its own test")
    lengths = {len(sample) for sample in record.samples}
    for length in lengths:
        rows = {"int": [(3, 2, 4), (-5, 2, 4), (7, 3, 5)], "bool": [(1, 1, 1), (0, 1, 1)]}[given]
        columns = [np.array([row[k] for row in rows], dtype=bool if given == "bool" else int) for k in range(length)]
        if record.samples[0] == (0.7,) and record.samples[-1][0] > 3:
            columns = [np.abs(column) + (0 if given == "bool" else 1) for column in columns]
        got = both_ways(function_of(tmp_path, filled(template(record, length), length), length),
                        *converted(record, given, tuple(columns)))  # fmt: skip
        with np.errstate(divide="ignore"):
            meant = record.numpy(np, *(1 * column for column in columns))
        np.testing.assert_allclose(got.numpy().astype(float), np.asarray(meant, float), rtol=1e-12, atol=1e-12)
        assert kind_of(got) == result_kind(record, given, length)


@by_name([record for record in DRAWN if record.complex and record.name not in ("select", "and", "or", "not")])
def test_complex_numbers(record: Pointwise, tmp_path: Path) -> None:
    for length, columns in by_length(record):
        given = tuple(column + 0.3j * (k + 1) for k, column in enumerate(columns))
        arguments = converted(record, "complex", given)
        got = both_ways(function_of(tmp_path, filled(template(record, length), length), length), *arguments)
        close(got, record.numpy(np, *given))


@by_name([record for record in DRAWN if record.sympy])
def test_sympy_agrees(record: Pointwise) -> None:
    function = getattr(sympy, record.sympy or "")
    for sample in record.samples:
        given = [sympy.Float(value) for value in sample]
        if record.takes == ("bool",):
            given = [sympy.true if value else sympy.false for value in sample]
        meant = function(*given)
        symbolic = float(bool(meant)) if meant in (sympy.true, sympy.false) else complex(meant.evalf())
        assert complex(record.numpy(np, *sample)) == pytest.approx(symbolic, rel=1e-12)


@by_name([record for record in DRAWN if record.differentiable])
def test_the_gradient_is_right(record: Pointwise, tmp_path: Path) -> None:
    for length, columns in by_length(record):
        if record.name == "sig" and length == 2:
            columns = (columns[0], np.abs(columns[1]) + 0.5)
        arguments = [a if a.dtype == torch.bool else a.requires_grad_() for a in converted(record, "float", columns)]
        function = function_of(tmp_path, filled(template(record, length), length), length)
        assert torch.autograd.gradcheck(function, tuple(arguments))


@by_name([record for record in RECORDS if record.zero])
def test_zero_is_kept(record: Pointwise) -> None:
    for sample in record.samples or ((0.0,),):
        with np.errstate(all="ignore"):
            assert record.numpy(np, 0.0, *sample[1:]) == 0


@by_name([record for record in RECORDS if record.monotone])
def test_monotone_on_its_domain(record: Pointwise) -> None:
    with np.errstate(all="ignore"):
        values = record.numpy(np, GRID)
    values = values[~np.isnan(values)]
    assert len(values) > 2
    assert np.all(np.diff(values) >= 0)


@by_name([record for record in RECORDS if record.idempotent])
def test_twice_is_once(record: Pointwise) -> None:
    once = record.numpy(np, GRID)
    np.testing.assert_array_equal(record.numpy(np, once), once)


@by_name([record for record in RECORDS if record.commutative])
def test_order_does_not_matter_and_the_unit_is_none(record: Pointwise) -> None:
    for x, y in record.samples:
        assert record.numpy(np, x, y) == record.numpy(np, y, x)
        if record.unit is not None:
            assert record.numpy(np, x, record.unit) == x


@by_name([record for record in RECORDS if record.inverse])
def test_the_inverse_undoes_it(record: Pointwise) -> None:
    grid = GRID > 0 if record.takes == ("bool",) else GRID
    np.testing.assert_allclose(POINTWISE[record.inverse or ""].numpy(np, record.numpy(np, grid)), grid, atol=1e-15)


def test_n_ary_operators_take_many() -> None:
    assert POINTWISE["add"].numpy(np, True, True, 2) == 4
    assert POINTWISE["max"].numpy(np, 1.0, 3.0, 2.0) == 3.0
    assert POINTWISE["and"].numpy(np, True, True, False) == np.False_


def test_remainder_and_quotient_follow_the_divisor() -> None:
    assert POINTWISE["mod"].numpy(np, -7, 3) == 2
    assert POINTWISE["floordiv"].numpy(np, -7, 3) == -3
    assert torch.remainder(torch.tensor(-7), 3) == 2
    assert torch.floor_divide(torch.tensor(-7), 3) == -3


def test_integers_to_negative_powers_are_floats() -> None:
    assert POINTWISE["pow"].numpy(np, 2, -1) == 0.5


def test_a_temperature_of_zero_is_the_step(tmp_path: Path) -> None:
    record = POINTWISE["sig"]
    x = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    got = function_of(tmp_path, filled(template(record, 2), 2), 2)(x, torch.zeros((), dtype=torch.float64))
    assert got.tolist() == [0.0, 0.0, 1.0]
    got.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 0.0, 0.0]
    assert record.numpy(np, np.array([-1.0, 0.0, 2.0]), 0.0).tolist() == [0.0, 0.0, 1.0]


def test_relu_is_flat_at_zero_and_sigmoid_is_sig() -> None:
    x = torch.zeros((), requires_grad=True)
    torch.relu(x).backward()
    assert x.grad == 0
    assert POINTWISE["sigmoid"] is POINTWISE["sig"]


def test_no_overflow_of_the_logistic_function_and_softplus() -> None:
    with np.errstate(all="raise", under="ignore"):
        assert POINTWISE["sig"].numpy(np, -800.0) == 0
        assert POINTWISE["softplus"].numpy(np, 800.0) == 800


@by_name([record for record in RECORDS if record.random])
def test_draws_have_the_shape_of_their_argument(record: Pointwise, tmp_path: Path) -> None:
    like = torch.full((50, 4), 0.5, dtype=torch.float64)
    drawn = function_of(tmp_path, filled(template(record, 1), 1), 1)(like)
    assert drawn.shape == like.shape
    assert drawn.unique().numel() > 1
    assert np.shape(record.numpy(np, like.numpy())) == (50, 4)


@by_name(RECORDS)
def test_the_record_is_whole(record: Pointwise) -> None:
    assert record.doc
    assert record.arity[0] <= record.arity[1]
    assert all(record.arity[0] <= len(sample) <= record.arity[1] for sample in record.samples)
