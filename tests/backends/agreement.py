"""Holds generated code to the reference evaluator: values, TorchScript, gradients, and other sizes of the same text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from tensorlang.backends.reference import evaluate
from tensorlang.backends.torch_module import Generated, build
from tensorlang.ir.domain import Symbol
from tensorlang.ir.program import Program, Tensor
from tensorlang.passes.schedule import schedule

TYPES = {
    "bool": torch.bool, "int": torch.int64, "float": torch.float64, "float64": torch.float64, "bf16": torch.bfloat16,
    "complex": torch.complex128,
}  # fmt: skip


def drawn(tensor: Tensor, sizes: Mapping[Symbol, int], random: np.random.Generator) -> Any:
    """Values for a given tensor: small numbers, positions of its domain, truth values."""
    shape = [size.value(sizes) for size in tensor.shape]
    if tensor.dtype == "bool":
        return random.random(shape) < 0.5
    if tensor.dtype == "int":
        high = 5 if tensor.positions is None else max(1, tensor.positions.value(sizes))
        return random.integers(0 if tensor.positions is not None else -2, high, shape)
    values = random.uniform(-1, 1, shape)
    return values + 1j * random.uniform(-1, 1, shape) if tensor.dtype == "complex" else values


def given(program: Program, sizes: Mapping[Symbol, int], seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    kinds = ("input", "param", "buffer", "data", "relation")
    return {tensor.name: drawn(tensor, sizes, random) for tensor in program.of_kind(*kinds)}


def arguments(made: Generated, values: Mapping[str, Any], sizes: Mapping[Symbol, int]) -> list[Any]:
    found: list[Any] = []
    for argument in made.plan.arguments:
        if argument.kind == "size":
            found.append(sizes[Symbol(argument.tensor)])
        else:
            found.append(torch.as_tensor(np.asarray(values[argument.tensor])).to(TYPES[argument.dtype]))
    return found


def results(made: Generated, given: list[Any], compute: Any = None) -> list[torch.Tensor]:
    answer = (compute or made.compute)(*given)
    return [answer] if isinstance(answer, torch.Tensor) else list(answer)


def compare(made: Generated, program: Program, sizes: Mapping[Symbol, int], seed: int, compute: Any = None) -> None:
    values = given(program, sizes, seed)
    expected = evaluate(program, values, sizes)
    found = results(made, arguments(made, values, sizes), compute)
    for (name, _), tensor in zip(made.plan.results, found, strict=True):
        assert tensor.dtype == TYPES[program.tensors[name].dtype], f"{name} is {tensor.dtype}\n{made.text}"
        wanted = expected.get(name, values.get(name))
        assert tuple(tensor.shape) == wanted.shape, f"{name} is {tuple(tensor.shape)}, not {wanted.shape}\n{made.text}"
        np.testing.assert_allclose(tensor.detach().numpy(), wanted, rtol=1e-9, atol=1e-11, err_msg=made.text)


def gradients(made: Generated, program: Program, sizes: Mapping[Symbol, int], seed: int) -> None:
    """Autograd against finite differences, for floating arguments and results; and no NaN."""
    tensors = arguments(made, given(program, sizes, seed), sizes)
    for at, tensor in enumerate(tensors):
        if isinstance(tensor, torch.Tensor) and (tensor.is_floating_point() or tensor.is_complex()):
            tensors[at] = tensor.requires_grad_()
    if not any(isinstance(t, torch.Tensor) and t.requires_grad for t in tensors):
        return

    def compute(*given: Any) -> tuple[torch.Tensor, ...]:
        answers = results(made, list(given))
        finite = [torch.where(torch.isfinite(t), t, torch.zeros_like(t)) for t in answers]
        return tuple(t for t in finite if (t.is_floating_point() or t.is_complex()) and t.requires_grad)

    if compute(*tensors):
        assert torch.autograd.gradcheck(compute, tuple(tensors), atol=1e-6), made.text


def agree(program: Program, *sizes: Mapping[str, int], differentiable: bool = True, seed: int = 0) -> Generated:
    """One text for all sizes: eager and scripted values equal the reference's, gradients are right."""
    made = build(schedule(program), dtype="float64")
    scripted = torch.jit.script(made.compute)
    for number, named in enumerate(sizes or ({},)):
        bound = {Symbol(name): size for name, size in named.items()}
        compare(made, program, bound, seed + number)
        compare(made, program, bound, seed + number, scripted)
        if differentiable and number == 0:
            gradients(made, program, bound, seed)
    return made
