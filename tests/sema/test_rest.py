"""What `...` stands for is found wherever a tensor says it: behind those that are not known yet, in other equations."""

from __future__ import annotations

import pytest

from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source

RANKS = {
    "behind the tensor itself": ("input X[a,b,t]\nH[..., t] = 0.5 H[..., t-1] + X[..., t]\n", "H", 3),
    "in another equation": ("input X[a,t]\nH[..., t] = 0.5 H[..., t+1] + X[..., t]\nH[..., -1] = 1\n", "H", 2),
    "through a circle": (
        "input X[a,t]\nA[..., t] = B[..., t-1] + C[..., t]\nB[..., t] = 0.5 A[..., t]\nC[..., t] = X[..., t]\n",
        "A",
        2,
    ),
    "none at all": ("input X[t]\nH[..., t] = 0.5 H[..., t-1] + X[..., t]\n", "H", 1),
    "behind an index that is gathered": (
        "input int N[a,t]\nV[..., t] = N[..., V[..., t+1]] + N[..., t]\nV[..., -1] = N[..., 0]\n",
        "V",
        2,
    ),
}


@pytest.mark.parametrize("name", RANKS)
def test_the_axes_in_front_are_found(name):
    text, tensor, rank = RANKS[name]
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    assert len(checked.program.tensors[tensor].shape) == rank


def codes(text):
    return [problem.code for problem in check(Source("test.tl", text), Options()).problems.errors]


def test_a_circle_without_a_beginning_is_refused():
    assert "E0217" in codes("A[..., t] = B[..., t-1]\nB[..., t] = A[..., t-1]\n")


def test_many_ways_around_are_not_walked_one_by_one():
    names = [f"A{n}" for n in range(25)]
    lines = [f"{name}[...] = {' + '.join(f'{other}[...]' for other in names if other != name)}" for name in names]
    assert "E0217" in codes("\n".join(lines))
