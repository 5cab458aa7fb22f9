"""How long a tensor of a recurrence is: its own equations say so, whoever reads it."""

from __future__ import annotations

import numpy as np
import pytest
from analysing import codes, values

STATE = "State[0] = 1\nState[k+1] = 2 State[k]\noutput State"

READ = {
    "nobody": "",
    "an equation over the dim": "Y[k] = State[k]\n",
    "an equation with another tensor": "Z[k] = [1, 2, 3]\nY[k] = State[k] Z[k]\n",
    "one position": "Y = State[-1]\n",
    "the next position": "Y[k] = State[k+1]\n",
}


@pytest.mark.parametrize("reader", READ)
def test_a_left_side_that_is_ahead_gives_one_position_more_whoever_reads_it(reader):
    text = f"dim k = 3\n{READ[reader]}{STATE}{', Y' if READ[reader] else ''}\n"
    assert values(text)["State"].tolist() == [1, 2, 4, 8]


def test_an_equation_outside_reads_as_many_positions_as_its_own_index_has():
    assert values(f"dim k = 3\nY[k] = State[k]\n{STATE}, Y\n")["Y"].tolist() == [1, 2, 4]
    assert values(f"dim k = 3\nY[s] = State[s]\n{STATE}, Y\n")["Y"].tolist() == [1, 2, 4, 8]


def test_where_nothing_else_bounds_it_an_equation_outside_says_how_long_it_is():
    given = values(f"input Z[k]\nY[k] = State[k] Z[k]\n{STATE}, Y\n", Z=np.ones(3))
    assert given["State"].tolist() == [1, 2, 4]
    assert given["Y"].tolist() == [1, 2, 4]


def test_an_index_that_fits_neither_way_is_an_error():
    assert codes(f"dim k = 3, t = 6\ninput X[t]\nY[t] = State[t] X[t]\n{STATE}, Y\n") == ["E0301"]


def test_axes_that_are_one_do_not_lose_what_is_ahead_of_them():
    assert codes("input W[i]\nT[i,i+1] max= W[i]\nT[j,k] max= T[k,j]\n") == ["E0301"]
    square = "dim j = 4, k = 4\ninput W[i]\nT[j,k] max= 0 (j + k)\nT[i,i+1] max= W[i]\nT[j,k] max= T[k,j]\n"
    assert codes(square) == []
