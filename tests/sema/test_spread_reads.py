"""Reads of any of the last positions of a recurrence: which are in order, and which are refused."""

from __future__ import annotations

import pytest

from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source

BACK = ("t-1-k", "t-k-1", "t-2*k-1", "t-k*2-3", "t-k-l-1", "t-1", "t-0*k-1")
AHEAD = ("t+1+k", "t+2*k+1", "k+t+1")
MIXED = ("t-k", "t+k", "t+k-1", "t-k+1", "t-1-k+l", "t-2*k+k-1", "t-1-D[t]", "t-1-D[k]", "2*t-1-k", "k-1")


def found(read: str) -> list[str]:
    text = f"input X[t], K[k,l]\ninput int D[t]\ndim t = 6, k = 2, l = 2\nY[t] = X[t] + sum[k,l](K[k,l] Y[{read}])\n"
    return [problem.code for problem in check(Source("test.tl", text), Options()).problems.errors]


@pytest.mark.parametrize("read", BACK + AHEAD)
def test_reads_that_stand_on_one_side_are_in_order(read: str) -> None:
    assert found(read) == []


@pytest.mark.parametrize("read", MIXED)
def test_reads_that_may_be_at_the_position_itself_are_refused(read: str) -> None:
    assert found(read)[0] in ("E0409", "E0501")
