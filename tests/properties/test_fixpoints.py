"""Random fixed points: what is generated, its gradient and its script against the reference."""

from __future__ import annotations

import random

import pytest

from . import compare
from .fixpoints import improving, settling


@pytest.mark.parametrize("seed", range(16))
def test_equations_settle_at_their_meaning(seed: int) -> None:
    generated = settling(random.Random(seed))
    fault = compare.torch_fault(generated) or compare.pass_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(100, 106))
def test_slopes_and_scripts_of_fixed_points(seed: int) -> None:
    generated = settling(random.Random(seed))
    fault = compare.gradient_fault(generated) or compare.script_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(200, 216))
def test_aggregates_end_at_their_meaning(seed: int) -> None:
    generated = improving(random.Random(seed))
    fault = compare.torch_fault(generated) or (compare.script_fault(generated) if seed % 5 == 0 else None)
    assert fault is None, f"{generated.text}\n{fault}"
