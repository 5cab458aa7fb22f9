"""Every pointwise operator, reduction and function along an index through generated code, against the reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tensorlang.backends.reference import evaluate
from tensorlang.backends.torch_module import build
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.plan import empty_domain
from tensorlang.ops import ALONG, POINTWISE, REDUCTIONS
from tensorlang.passes.schedule import schedule
from tests.backends.agreement import agree
from tests.building import along, apply, define, index, read, reduce, tensor, where

n = Size.of(Symbol("n"))
i, j = index("i", n), index("j", 3)
DETERMINISTIC = [record for record in POINTWISE.values() if not record.random]


@pytest.mark.parametrize("name", sorted({record.name for record in DETERMINISTIC}))
def test_pointwise_operators_over_their_samples(name: str) -> None:
    record = POINTWISE[name]
    for count in sorted({len(sample) for sample in record.samples}):
        samples = np.array([sample for sample in record.samples if len(sample) == count])
        given = [tensor(f"X{at}", n) for at in range(count)]
        dtype = {"bool": "bool"}.get(record.result, "float")
        takes = record.takes
        parts = []
        for at, each in enumerate(given):
            part = read(each, i)
            kind = takes[min(at, len(takes) - 1)]
            parts.append(apply("ne", part, 0.0) if kind == "bool" else part)
        program = define("Y", (i,), apply(name, *parts), *given, dtype=dtype)
        made = build(schedule(program))
        values = {each.name: samples[:, at] for at, each in enumerate(given)}
        expected = evaluate(program, values, {Symbol("n"): len(samples)})["Y"]
        tensors = [torch.tensor(column, dtype=torch.float64, requires_grad=True) for column in values.values()]
        for compute in (made.compute, torch.jit.script(made.compute)):
            np.testing.assert_allclose(compute(*tensors).detach().numpy(), expected, rtol=1e-9, err_msg=made.text)
        if record.differentiable and record.result != "bool" and dtype == "float" and 0.0 not in samples[:, 1:]:
            assert torch.autograd.gradcheck(made.compute, tuple(tensors)), made.text


@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("name", sorted(REDUCTIONS))
def test_reductions(name: str, both: bool, guarded: bool) -> None:
    record = REDUCTIONS[name]
    X, M = tensor("X", n, 3), tensor("M", n, 3, dtype="bool")
    of = read(X, i, j)
    of = apply("gt", of, 0.0) if record.takes == "bool" else of
    of = where(read(M, i, j), of) if guarded else of
    dtype = {"bool": "bool", "int": "int"}.get(record.result, "float")
    indices, left = ((i, j), ()) if both else ((j,), (i,))
    program = define("Y", left, reduce(name, *indices, of=of), X, M, dtype=dtype)
    for seed in range(3):
        agree(program, {"n": 5}, {"n": 1}, differentiable=record.differentiable and name not in ("std",), seed=seed)


@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", sorted(ALONG))
def test_functions_along_an_index(name: str, axis: int, guarded: bool) -> None:
    record = ALONG[name]
    X, M = tensor("X", n, 3), tensor("M", n, 3, dtype="bool")
    of = where(read(M, i, j), read(X, i, j)) if guarded else read(X, i, j)
    options = {"topk": (2,), "shift": (1,)}.get(name, tuple(value for _, value in record.options if value is not None))
    dtype = "int" if record.result == "int" else "float"
    program = define("Y", (i, j), along(name, (i, j)[axis], of, *options), X, M, dtype=dtype)
    for seed in range(3):
        agree(program, {"n": 4}, {"n": 2}, differentiable=record.differentiable, seed=seed)


@pytest.mark.parametrize("name", sorted(REDUCTIONS))
def test_reductions_over_a_domain_without_elements(name: str) -> None:
    record = REDUCTIONS[name]
    X, none = tensor("X", n, 0), index("none", 0)
    of = read(X, i, none)
    of = apply("gt", of, 0.0) if record.takes == "bool" else of
    dtype = {"bool": "bool", "int": "int"}.get(record.result, "float")
    agree(define("Y", (i,), reduce(name, none, of=of), X, dtype=dtype), {"n": 3}, differentiable=False)


def test_domains_that_may_be_empty_are_named() -> None:
    X, F = tensor("X", n), tensor("F", 3)
    u = index("u", n - 2)
    plan = schedule(define("Y", (u,), reduce("max", j, of=read(X, apply("add", u, j))), X, F))
    assert empty_domain(plan, {Symbol("n"): 3}) is None
    assert empty_domain(plan, {Symbol("n"): 2}) == n - 2
