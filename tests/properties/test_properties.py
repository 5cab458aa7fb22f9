"""Random well-typed programs: a short run of what ``tests.properties.long`` does at length."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import compare
from .equations import program
from .generate import Generated

SHORT = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
PROGRAMS = st.randoms(use_true_random=False).map(lambda source: program(source, 3))


@SHORT
@given(PROGRAMS)
def test_generated_code_computes_the_meaning(generated: Generated) -> None:
    fault = compare.torch_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@SHORT
@given(PROGRAMS)
def test_no_pass_changes_a_value(generated: Generated) -> None:
    fault = compare.pass_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@SHORT
@given(PROGRAMS)
def test_sums_are_where_the_rule_says(generated: Generated) -> None:
    fault = compare.rule_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(60))
def test_programs_of_more_equations(seed: int) -> None:
    generated = program(random.Random(seed), 6)
    fault = compare.torch_fault(generated) or compare.rule_fault(generated) or compare.pass_fault(generated)
    fault = fault or compare.format_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"


@pytest.mark.parametrize("seed", range(100, 112))
def test_slopes_and_scripts(seed: int) -> None:
    generated = program(random.Random(seed), 4)
    fault = compare.gradient_fault(generated) or compare.script_fault(generated)
    assert fault is None, f"{generated.text}\n{fault}"
