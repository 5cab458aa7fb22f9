"""Random linear recurrences: all positions at once against the reference and against the loop; gradients, scripts."""

from __future__ import annotations

import random

import pytest
import torch

from . import compare
from .linear_recurrences import linear_recurrence


def at_once(text: str) -> bool:
    """Whether generated code has no loop over positions of its own."""
    return ("_scan(" in text or "torch.cumsum" in text) and "one_step" not in text


@pytest.mark.parametrize("seed", range(120))
def test_all_positions_at_once_are_what_is_meant(seed: int) -> None:
    generated = linear_recurrence(random.Random(seed))
    with compare.compiled(compare.analysed(generated.text)) as built:
        assert at_once(built.text), generated.text
    fault = compare.torch_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(200, 260))
def test_values_and_gradients_are_those_of_the_loop(seed: int) -> None:
    found = []
    for loop in (False, True):
        generated = linear_recurrence(random.Random(seed), loop)
        with compare.compiled(compare.analysed(generated.text)) as built:
            assert at_once(built.text) is not loop, generated.text
            leaves = [compare.argument(a, generated).requires_grad_() for a in built.plan.arguments if a.kind != "size"]
            value = compare.weighted(built, leaves)
            slopes = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
            found.append((value, slopes))
    (value, slopes), (wanted, others) = found
    torch.testing.assert_close(value, wanted, rtol=1e-9, atol=1e-9)
    for slope, other in zip(slopes, others, strict=True):
        torch.testing.assert_close(slope, other, rtol=1e-7, atol=1e-8, msg=generated.text)


@pytest.mark.parametrize("seed", range(300, 330))
def test_scripts(seed: int) -> None:
    generated = linear_recurrence(random.Random(seed))
    fault = compare.script_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"
