"""Random programs over relations: on pairs they give what tables give, values and gradients, in any order of pairs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import lru_cache

import pytest
import torch
from torch import Tensor

import tensorlang as tl
from tensorlang.backends.reference import evaluate
from tensorlang.ir.domain import Symbol

from .related import Related, related

SEEDS = range(120)


@lru_cache(maxsize=4)
def compiled(text: str) -> tl.Module:
    return tl.compile(text, dtype="float64")


def on_pairs(tables: Mapping[str, Tensor]) -> dict[str, tl.Pairs]:
    return {name: tl.pairs(table.nonzero().t(), table.shape) for name, table in tables.items()}


def called(made: Related, relations: Mapping[str, object], inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    module = compiled(made.text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return module(**{k: v for k, v in {**relations, **inputs}.items() if k in module.inputs})


def require_same(meant: Mapping[str, Tensor], got: Mapping[str, Tensor], text: str) -> None:
    for name, value in meant.items():
        other = got[name].to_dense() if got[name].is_sparse else got[name]
        assert value.shape == other.shape, f"{text}\n{name}: {value.shape} and {other.shape}"
        assert value.dtype == other.dtype, f"{text}\n{name}: {value.dtype} and {other.dtype}"
        same = torch.allclose(value.double(), other.double(), atol=1e-8, equal_nan=True)
        assert same, f"{text}\n{name}\n{value}\n{other}"


def total(results: Mapping[str, Tensor]) -> Tensor:
    """A number that depends on all results, each element in its own way."""
    found = torch.zeros((), dtype=torch.float64)
    for value in results.values():
        dense = value.to_dense() if value.is_sparse else value
        if dense.is_floating_point():
            weights = torch.arange(1, dense.numel() + 1, dtype=torch.float64).reshape(dense.shape).sin()
            found = found + (torch.where(torch.isfinite(dense), dense, 0) * weights).sum()
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_give_what_tables_give(seed: int) -> None:
    made = related(seed)
    inputs = {name: value.clone().requires_grad_() for name, value in made.inputs.items()}
    others = {name: value.clone().requires_grad_() for name, value in made.inputs.items()}
    meant, got = called(made, made.relations, inputs), called(made, on_pairs(made.relations), others)
    require_same(meant, got, made.text)
    slopes = [
        torch.autograd.grad(total(results), list(given.values()), allow_unused=True, materialize_grads=True)
        if total(results).requires_grad
        else ()
        for results, given in ((meant, inputs), (got, others))
    ]
    for one, other in zip(*slopes, strict=True):
        assert torch.allclose(one, other, atol=1e-7, equal_nan=True), f"{made.text}\n{one}\n{other}"


@pytest.mark.parametrize("seed", range(0, 120, 8))
def test_pairs_give_what_the_reference_gives(seed: int) -> None:
    made = related(seed, nodes=4)
    module = compiled(made.text)
    values = {k: v.numpy() for k, v in {**made.relations, **made.inputs}.items() if k in module.inputs}
    sizes = {
        axis.size.symbol: length
        for name, array in values.items()
        for axis, length in zip(module.program.tensors[name].axes, array.shape, strict=True)
        if axis.size.symbol is not None
    }
    meant = evaluate(module.program, values, {Symbol("n"): 4, **sizes})
    got = called(made, on_pairs(made.relations), made.inputs)
    require_same({name: torch.as_tensor(meant[name]) for name in module.program.outputs}, got, made.text)


@pytest.mark.parametrize("seed", range(0, 120, 6))
def test_the_order_of_pairs_does_not_matter(seed: int) -> None:
    made = related(seed)
    shuffled: dict[str, tl.Pairs] = {}
    for name, table in made.relations.items():
        index = table.nonzero().t()
        index = torch.cat((index, index[:, ::3]), 1)  # some twice
        order = torch.randperm(index.shape[1], generator=torch.Generator().manual_seed(seed))
        shuffled[name] = tl.pairs(index[:, order], table.shape)
    require_same(
        called(made, on_pairs(made.relations), made.inputs), called(made, shuffled, made.inputs), made.text
    )  # fmt: skip


@pytest.mark.parametrize("density", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(0, 120, 5))
def test_empty_and_full_relations(seed: int, density: float) -> None:
    made = related(seed, density=density)
    require_same(
        called(made, made.relations, made.inputs), called(made, on_pairs(made.relations), made.inputs), made.text
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(0, 120, 10))
def test_a_single_entity(seed: int) -> None:
    made = related(seed, nodes=1)
    require_same(
        called(made, made.relations, made.inputs), called(made, on_pairs(made.relations), made.inputs), made.text
    )  # fmt: skip
