"""Random recurrences with equations for parts of them: the loop, its gradient and its script against the reference."""

from __future__ import annotations

import random

import pytest

from . import compare
from .positions import joined, positions


@pytest.mark.parametrize("seed", range(80))
def test_first_positions_windows_and_unequal_starts(seed: int) -> None:
    generated = joined(random.Random(seed))
    fault = compare.torch_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(100, 110))
def test_their_slopes_and_scripts(seed: int) -> None:
    generated = positions(random.Random(seed))
    fault = compare.gradient_fault(generated) or compare.script_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"
