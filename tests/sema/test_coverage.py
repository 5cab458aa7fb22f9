"""Whole numbers joined by minima: they stay whole where every element has an equation, and never wrap around."""

from __future__ import annotations

import numpy as np
import pytest
from analysing import analysed, codes, values

WHOLE = {
    "all at once": "D[i] min= D[i-1] + X[i]\n",
    "a border": "D[0] = 0\nD[i+1] min= D[i] + X[i]\n",
    "two borders": "D[i+1,j+1] min= D[i,j] + X[i]\nD[i+1,j+1] min= D[i+1,j] + X[j]\nD[0,j] = j\nD[i,0] = i\n",
    "a border at the end": "D[-1] = 0\nD[i] min= D[i+1] + X[i]\n",
    "two positions first": "D[0] = 0\nD[1] = 5\nD[i+2] min= D[i] + X[i]\n",
    "a declared length": "dim i = 3\nD[i] min= D[i-1] + X[i]\n",
}
REAL = {
    "no border": "D[i+1] min= D[i] + X[i]\n",
    "one of two borders": "D[i+1,j+1] min= D[i,j] + X[i]\nD[i+1,j+1] min= D[i+1,j] + X[j]\nD[0,j] = j\n",
    "a guard": "D[i] min= D[i-1] + X[i]   where X[i] > 1\n",
    "a corner": "D[i+1,j+1] min= D[i,j] + X[i]\nD[i+1,j+1] min= D[i,j+1] + X[j]\nD[0,0] = 0\n",
    "a gap": "D[0] = 0\nD[i+2] min= D[i] + X[i]\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_it_stays_whole(name):
    assert analysed(f"input X[i]: int\n{WHOLE[name]}").tensors["D"].dtype == "int"


@pytest.mark.parametrize("name", REAL)
def test_it_becomes_real(name):
    text = f"input X[i]: int\n{REAL[name]}"
    assert analysed(text).tensors["D"].dtype == "float"
    assert values(text, X=np.array([1, 2, 3]))["D"].min() >= 0


def test_a_declared_type_is_an_error():
    assert codes("input X[i]: int\nint D[n]\ndim n = 4\nD[i+1] min= D[i] + X[i]\n") == ["E0522"]


def test_labels_without_arithmetic_stay_whole():
    text = "input X[i]: int\nD[i+1] min= D[i]\nD[i+1] min= X[i]\n"
    assert analysed(text).tensors["D"].dtype == "int"
