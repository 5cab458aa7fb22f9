"""Algebra that would take for ever is not begun."""

from __future__ import annotations

import tensorlang as tl


def test_high_powers_of_circular_functions_are_left_as_written():
    source = tl.compile(
        "input X[i]\nY[i] = sin(X[i])^40 cos(X[i])^30 sin(2 X[i])^20 + tan(X[i])^15 cos(X[i])^12\n"
    ).source
    assert "** 40" in source


def test_a_known_identity_is_still_found():
    assert "sin" not in tl.compile("input X[i]\nZ[i] = sin(3 X[i])^2 + cos(3 X[i])^2\n").source.split("#")[0]
