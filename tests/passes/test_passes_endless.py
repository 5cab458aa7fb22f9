"""An infinite number stays where it is written, inside of a sum or outside: nowhere is 0 times it made of nothing."""

from __future__ import annotations

import math

import pytest
import torch

import tensorlang as tl

GIVEN = "input X[i], Z[i], A[j,i]\n"

# Over no i at all, and over values one of which is 0.
SUMS = {
    "Y = inf X[i]": (0.0, math.nan),
    "Y = sum[i](X[i] (-inf))": (0.0, math.nan),
    "Y = inf X[i] Z[i]": (0.0, math.nan),
    "Y = inf sum[i](X[i])": (math.nan, math.inf),
    "Y = inf sum[i](X[i] Z[i])": (math.nan, math.inf),
    "Y = 2 (inf sum[i](X[i] Z[i]))": (math.nan, math.inf),
    "V[j] = inf A[j,i] X[i]\nY = V[j]": (0.0, math.nan),
    "V[j] = A[j,i] X[i]\nY = inf sum[j](V[j])": (math.nan, math.inf),
}


@pytest.mark.parametrize("text", SUMS)
def test_it_is_neither_pulled_out_of_a_sum_nor_pushed_in(text):
    program = tl.compile(f"{GIVEN}{text}\noutput Y\n")
    for values, expected in zip(([], [1.0, 0.0, 2.0]), SUMS[text], strict=True):
        x = torch.tensor(values)
        given = {"X": x, "Z": x, "A": torch.ones(2, len(values))}
        found = float(program(**{name: given[name] for name in program.inputs})["Y"])
        assert found == expected or (math.isnan(found) and math.isnan(expected)), values


def test_a_guarded_product_with_it_is_0_where_nothing_is_present():
    text = "input X[i]\ndim i = 3, j = 3\nY[j] = inf X[i]   where i < j\n"
    assert tl.compile(text)(X=torch.ones(3))["Y"].tolist() == [0.0, math.inf, math.inf]
