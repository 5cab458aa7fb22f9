"""Random recurrences along two axes: the analysis and the reference against elements computed on demand, then torch."""

from __future__ import annotations

import random

import numpy as np
import pytest

from . import compare
from .nested import Nested, nested


def asked_for(program: Nested, meant: compare.Arrays) -> compare.Arrays:
    """The elements of every output, each computed when it is asked for."""
    found = {}
    for name in program.generated.outputs:
        found[name] = np.zeros(meant[name].shape)
        for at in np.ndindex(meant[name].shape):
            found[name][at] = program.element(name, *at)
    return found


@pytest.mark.parametrize("seed", range(150))
def test_an_order_is_found_and_right(seed: int) -> None:
    program = nested(random.Random(seed))
    meant = compare.referred(compare.analysed(program.generated.text), program.generated)
    fault = compare.difference(asked_for(program, meant), meant, program.generated.outputs)
    assert fault is None, f"{program.generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(40))
def test_loops_in_loops_compute_the_meaning(seed: int) -> None:
    generated = nested(random.Random(seed)).generated
    fault = compare.torch_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(200, 208))
def test_slopes_and_scripts_of_loops_in_loops(seed: int) -> None:
    generated = nested(random.Random(seed)).generated
    fault = compare.gradient_fault(generated) or compare.script_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"
