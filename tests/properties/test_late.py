"""Random recurrences whose reads go both ways: values, gradients and scripts against the reference."""

from __future__ import annotations

import random

import pytest

from . import compare
from .late import late


@pytest.mark.parametrize("seed", range(40))
def test_tensors_that_wait_have_their_meaning(seed: int) -> None:
    generated = late(random.Random(seed))
    fault = compare.torch_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(100, 108))
def test_slopes_and_scripts_of_what_waits(seed: int) -> None:
    generated = late(random.Random(seed))
    fault = compare.gradient_fault(generated) or compare.script_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"
