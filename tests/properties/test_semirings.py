"""Random semiring equations alone: values pass by pass, generated code, gradients, scripts."""

from __future__ import annotations

import random

import pytest

from . import compare
from .equations import program
from .generate import Generated
from .semirings import SEMIRINGS


def generated(seed: int) -> Generated:
    return program(random.Random(seed), 3, SEMIRINGS)


@pytest.mark.parametrize("seed", range(150))
def test_no_pass_changes_a_value(seed: int) -> None:
    made = generated(seed)
    fault = compare.pass_fault(made) or compare.torch_fault(made)
    assert fault is None, f"{made.text}\n{fault}"


@pytest.mark.parametrize("seed", range(150, 200))
def test_slopes_and_scripts(seed: int) -> None:
    made = generated(seed)
    fault = compare.gradient_fault(made) or compare.script_fault(made)
    assert fault is None, f"{made.text}\n{fault}"
