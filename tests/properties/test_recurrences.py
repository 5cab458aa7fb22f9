"""Random recurrences: the loop, its gradient and its script against the reference."""

from __future__ import annotations

import random

import pytest

from . import compare
from .recurrences import recurrence, single


@pytest.mark.parametrize("seed", range(60))
def test_a_loop_computes_the_meaning(seed: int) -> None:
    generated = recurrence(random.Random(seed))
    fault = compare.torch_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(100, 112))
def test_slopes_and_scripts_of_loops(seed: int) -> None:
    generated = recurrence(random.Random(seed))
    fault = compare.gradient_fault(generated) or compare.script_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(200, 240))
def test_single_positions_are_those_of_the_whole(seed: int) -> None:
    generated = single(random.Random(seed))
    fault = compare.torch_fault(generated) or (compare.script_fault(generated) if seed % 8 == 0 else None)
    assert fault is None, f"{generated.text}\n{fault}"
