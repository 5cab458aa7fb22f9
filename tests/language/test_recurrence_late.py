"""Recurrences in which a tensor reads others that are ahead of it: against loops by hand, and what has no order."""

from __future__ import annotations

import pytest
import torch

import tensorlang as tl
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.sema.late import Distance, lateness
from tensorlang.source import Source

AHEAD = """input X[k]
W[0] = 1
W[k+1] = 0.5 W[k] X[k] + Q[k]
Q[k] = 0.1 R[k+1] X[k]
R[k+1] = 0.3 W[k] + X[k]
output W, Q, R
"""


def given(count):
    return torch.randn(count, dtype=torch.float64, generator=torch.Generator().manual_seed(5), requires_grad=True)


def analysed(text):
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    return checked.program


def codes(text):
    return [problem.code for problem in check(Source("test.tl", text), Options()).problems.found]


def by_hand(x):
    w, q, r = [torch.ones((), dtype=torch.float64)], [], [torch.zeros((), dtype=torch.float64)]
    for value in x:
        r.append(0.3 * w[-1] + value)
        q.append(0.1 * r[-1] * value)
        w.append(0.5 * w[-1] * value + q[-1])
    return {"W": torch.stack(w), "Q": torch.stack(q), "R": torch.stack(r)}


@pytest.mark.parametrize("count", [1, 2, 7])
def test_one_ahead_in_the_same_step(count):
    x = given(count)
    found, wanted = tl.compile(AHEAD, dtype="float64")(X=x), by_hand(x)
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value)
    slopes = (torch.autograd.grad(out["W"].sum() + out["Q"].prod(), x)[0] for out in (found, wanted))
    torch.testing.assert_close(*slopes)


def test_which_wait_and_how_long():
    (scan,) = analysed(AHEAD).scans
    assert (dict(scan.late), scan.reverse) == ({"Q": 1}, False)
    (scan,) = analysed("input X[t]\nA[t] = B[t+3] + X[t]\nB[t] = 0.5 A[t-4] + X[t]\noutput A\n").scans
    assert (dict(scan.late), scan.reverse) == ({"A": 3}, False)


def test_backwards():
    x = given(6)
    text = "input X[t]\nA[t] = 0.5 B[t-2] + X[t]\nB[t] = 0.3 A[t+3] X[t]\noutput A, B\n"
    (scan,) = analysed(text).scans
    assert scan.reverse
    found = tl.compile(text, dtype="float64")(X=x)
    none = torch.zeros((), dtype=torch.float64)
    a, b = {}, dict.fromkeys(range(-2, 6), none)
    for t in reversed(range(6)):
        b[t - 2] = 0.3 * a.get(t + 1, none) * x[t - 2] if t >= 2 else none
        a[t] = 0.5 * b[t - 2] + x[t]
    torch.testing.assert_close(found["A"], torch.stack([a[t] for t in range(6)]))
    torch.testing.assert_close(found["B"], torch.stack([0.3 * a.get(t + 3, none) * x[t] for t in range(6)]))


def test_where_nothing_is_found_before_the_first_position_a_read_is_zero():
    text = "input X[t]\nM[t] max= N[t+1] + X[t]\nN[t] min= M[t-2] + 0 X[t]\nM[0] = 0\noutput M, N\n"
    x = torch.tensor([5.0, -3, -4, 2], dtype=torch.float64)
    found = tl.compile(text, dtype="float64")(X=x)
    torch.testing.assert_close(found["M"], torch.tensor([0.0, -3, -7, 2], dtype=torch.float64))
    torch.testing.assert_close(found["N"], torch.tensor([0.0, 0, 0, -3], dtype=torch.float64))


def test_only_the_last_position_of_one_that_waits():
    text = AHEAD.replace("Q[k]", "Q[*k]").replace("output W, Q, R", "output Q")
    x = given(5)
    torch.testing.assert_close(tl.compile(text, dtype="float64")(X=x)["Q"], by_hand(x)["Q"][-1])


def test_what_waits_on_one_axis_has_an_order_on_another():
    text = (
        "input X[t,i]\nA[t,i] = 0.5 A[t,i-1] + B[t+1,i] + X[t,i]\nB[t,i] = 0.3 A[t-2,i] + 0.1 B[t,i+1] X[t,i]\n"
        "output A, B\n"
    )
    x = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = tl.compile(text, dtype="float64")(X=x)
    a, b = (torch.nn.functional.pad(found[name], (1, 1, 2, 1)) for name in "AB")
    here, low = slice(2, 8), slice(1, 5)
    torch.testing.assert_close(found["A"], 0.5 * a[here, 0:4] + b[3:9, low] + x)
    torch.testing.assert_close(found["B"], 0.3 * a[0:6, low] + 0.1 * b[here, 2:6] * x)


@pytest.mark.parametrize("settings", ["method parallel", "method loop", "checkpoint 4"])
def test_what_waits_is_run_as_asked(settings):
    x = given(20)
    found, wanted = tl.compile(f"{AHEAD}scan Q {settings}\n", dtype="float64")(X=x), by_hand(x)
    torch.testing.assert_close(found["W"], wanted["W"])
    slopes = (torch.autograd.grad(out["W"].sum() + out["Q"].sum(), x)[0] for out in (found, wanted))
    torch.testing.assert_close(*slopes)


NO_ORDER = {
    "a way round that stays": "A[t] = B[t+1] + X[t]\nB[t+1] = A[t]\n",
    "one way back and one ahead": "A[t] = B[t+1] + B[t-1] + X[t]\nB[t] = 0.5 A[t]\n",
    "all positions behind": "A[t] = B[t+1+s] V[s] + X[t]\nB[t] = 0.5 A[t-9]\n",
}


@pytest.mark.parametrize("name", NO_ORDER)
def test_what_has_no_order_is_told(name):
    assert codes(f"input X[t], V[s]\n{NO_ORDER[name]}") == ["E0501"]


def test_a_wait_is_the_shortest():
    reads = [Distance("A", "B", -2, 0, False), Distance("B", "C", -1, 0, False), Distance("C", "A", 4, 0, False)]
    assert lateness("ABC", reads, False) == {"A": 3, "B": 1, "C": 0}
    assert lateness("ABC", reads, True) is None
    assert lateness("AB", [Distance("A", "B", 1, -1, False), Distance("B", "A", 0, 0, False)], False) == {
        "A": 0,
        "B": 0,
    }
