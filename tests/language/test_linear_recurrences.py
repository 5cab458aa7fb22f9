"""Which recurrences are computed at all positions at once, and that hard cases come out right."""

from __future__ import annotations

import math

import pytest
import torch

import tensorlang as tl
from tensorlang.backends import kernels_scan as scans

CALLS = {
    "H[t] = 0.5 H[t-1] + X[t]": "linear_scan(H_a[None], H_b)",
    "H[t] = H[t-1] + X[t]": "torch.cumsum(H_b, 0)",
    "H[t] = X[t] + H[t+1]": "torch.cumsum(H_b.flip(0), 0).flip(0)",
    "H[t] = Z[t] H[t+1] + X[t]": "linear_scan(H_a, H_b, reverse=True)",
    "H[t] = Z[t] H[t-2] + X[t]": "linear_scan(H_a, H_b, lag=2)",
    "H[t] = max(H[t-1] + Z[t], X[t])": "max_scan(H_a, H_b)",
    "H[t] min= H[t-1] + Z[t]; H[t] min= X[t]": "min_scan(H_a, H_b)",
    "H[0] logsumexp= X[0]; H[t] logsumexp= H[t-1] + Z[t]": "logsumexp_scan(H_a, H_b, fresh=True)",
    "H[t] = (X[t] - H[t-1]) Z[t] / 2": "linear_scan(H_a, H_b)",
    "C[t] = Z[t] H[t-1]; H[t] = 2 C[t] - X[t]": "linear_scan(",
    "H[t] = Z[t] H[t-1] + X[t] where t > 1": "linear_scan(H_a, H_b)",
    "V[t,i] = H[t] W[i]; H[t] = W[i] V[t-1,i] + X[t]": "linear_scan(",
    "H[t,i] = M[i,i'] H[t-1,i'] + X[t] W[i]": "linear_scan(H_a.unsqueeze(0), H_b.unsqueeze(-1), matrix=True)",
    "H[t,i,j] = M[i,i'] H[t-1,i',j] + X[t] M[i,j]": "linear_scan(H_a.unsqueeze(0), H_b, matrix=True)",
}
LOOPS = (
    "H[t] = tanh(H[t-1]) + X[t]",
    "H[t] = H[t-1]^2 + X[t]",
    "H[t] = H[t-1] H[t-2] + X[t]",
    "H[t] = Z[t] H[t-1] + Z[t] H[t-2]",
    "H[t] = max(2 H[t-1], X[t])",
    "H[t] = max(H[t-1], -H[t-1]) + X[t]",
    "H[t] = H[t-1] + X[t] where H[t-1] < 3",
    "H[t] = X[t] / (1 + H[t-1])",
    "H[t] prod= H[t-1] + X[t]",
    "H[t,i] = H[t-1,i] H[t-1,i'] W[i'] + X[t]",
    "A[t] = B[t-1] + X[t]; B[t] = A[t-1] + B[t-1]",
)
GIVEN = "input X[t], Z[t], W[i], M[i,i']\ndim t\ndim i = 3, j = 3\n"


@pytest.mark.parametrize("equations", CALLS)
def test_linear_recurrences_are_one_call(equations):
    source = tl.compile(f"{GIVEN}{equations}\noutput H\n").source
    assert CALLS[equations] in source
    assert "one_step" not in source


@pytest.mark.parametrize("equations", LOOPS)
def test_all_others_are_loops(equations):
    name = equations[0]
    assert "one_step" in tl.compile(f"{GIVEN}{equations}\noutput {name}\n").source


def test_an_edit_distance_is_that_of_its_loops():
    text = "input A[i]: int, B[j]: int\nD[0,j] = j\nD[i,0] = i\n"
    text += "D[i+1,j+1] = min(D[i,j+1] + 1, D[i+1,j] + 1, D[i,j] + (A[i] != B[j]))\n"
    program, loops = tl.compile(text), tl.compile(f"{text}scan D method loop\n")
    assert "min_scan" not in loops.source
    words = {"A": torch.tensor([*b"recurrence"]), "B": torch.tensor([*b"current fence"])}
    assert program(**words)["D"][-1, -1] == 7
    assert torch.equal(program(**words)["D"], loops(**words)["D"])


def test_a_program_shows_the_linear_form():
    program = tl.compile("input X[t,i], A[t,i,i']\nH[t,i] = A[t,i,i'] H[t-1,i'] + X[t,i]\n")
    assert "H[t,i] = sum[i'](H.a[t,i,i'] H[t-1,i']) + H.b[t,i]" in program.explain(stage="dead")


def test_the_gradient_keeps_coefficients_and_states_only():
    text = "input X[t]\nparam A[t]\ndim t = 64\nH[t] = A[t] H[t-1] + X[t]\n"
    program = tl.compile(text, dtype="float64")
    held = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: held.append(x) or x, lambda x: x):
        program(X=torch.ones(64, dtype=torch.float64))["H"].sum().backward()
    assert sum(x.numel() for x in held) <= 3 * 64


def test_whole_numbers_stay_exact():
    program = tl.compile("input X[t]: int\nH[t] = 3 H[t-1] + X[t]\nM[t] = max(M[t-1] - 2, X[t])\n")
    x = torch.arange(40)
    state, best = 0, 0
    found = program(X=x)
    for t in range(40):
        state, best = (3 * state + t + 2**63) % 2**64 - 2**63, max(best - 2, t)
        assert found["H"][t] == state
        assert found["M"][t] == best
    assert found["H"].dtype == torch.int64


# --- kernels -------------------------------------------------------------------------------------------------------


def one_by_one(a, b):
    h, states = torch.zeros_like(b[0]), []
    for t in range(len(b)):
        h = a[t] * h + b[t]
        states.append(h)
    return torch.stack(states)


def test_products_that_overflow_do_not_reach_the_states():
    a = torch.tensor([1e200, 1e200, 1e-200, 1e-200], dtype=torch.float64).repeat(250)
    b = torch.full((1000,), 1e-250, dtype=torch.float64)
    torch.testing.assert_close(scans.linear_scan(a, b), one_by_one(a, b), rtol=1e-12, atol=0)


def test_zeros_cut_the_recurrence():
    a = (torch.arange(1000) % 7 != 0).double()
    b = torch.randn(1000, dtype=torch.float64)
    torch.testing.assert_close(scans.linear_scan(a, b), one_by_one(a, b))


@pytest.mark.parametrize("scan", [scans.max_scan, scans.logsumexp_scan])
def test_infinities_shut_ways(scan):
    a = torch.where(torch.arange(600) % 5 == 0, -math.inf, -0.5).double().requires_grad_()
    b = torch.where(torch.arange(600) % 3 == 0, torch.arange(600.0), -math.inf).double().requires_grad_()
    states = scan(a, b)
    h, wanted = 0.0, []
    for t in range(600):
        pair = (a[t].item() + h, b[t].item())
        h = max(pair) if scan is scans.max_scan or -math.inf in pair else math.log(sum(map(math.exp, pair)))
        wanted.append(h)
    torch.testing.assert_close(states, torch.tensor(wanted, dtype=torch.float64))
    slopes = torch.autograd.grad(states[torch.isfinite(states)].sum(), (a, b))
    assert all(bool(torch.isfinite(slope).all()) for slope in slopes)


@pytest.mark.parametrize("scan", [scans.linear_scan, scans.max_scan, scans.min_scan, scans.logsumexp_scan])
@pytest.mark.parametrize("matrix", [False, True])
def test_gradients_and_theirs(scan, matrix):
    torch.manual_seed(0)
    a = torch.randn(99, 1, 2, 2, dtype=torch.float64) if matrix else torch.randn(26, 2, dtype=torch.float64)
    b = torch.randn(99, 2, 2, 1, dtype=torch.float64) if matrix else torch.randn(26, 2, dtype=torch.float64)
    a, b = (0.3 * a).requires_grad_(), b.requires_grad_()

    def states(a, b):
        return scan(a, b, matrix, reverse=True)

    assert torch.autograd.gradcheck(states, (a, b), fast_mode=True)
    if scan in (scans.linear_scan, scans.logsumexp_scan):
        assert torch.autograd.gradgradcheck(states, (a, b), fast_mode=True)


def test_complex_states():
    a = torch.polar(torch.full((300, 2), 0.99, dtype=torch.float64), torch.randn(300, 2, dtype=torch.float64))
    b = torch.randn(300, 2, dtype=torch.complex128)
    torch.testing.assert_close(scans.linear_scan(a, b), one_by_one(a, b))
    leaves = (a[:30].requires_grad_(), b[:30].requires_grad_())
    assert torch.autograd.gradcheck(scans.linear_scan, leaves, fast_mode=True)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 200])
@pytest.mark.parametrize("reverse", [False, True])
def test_any_length_and_lag(count, reverse):
    a, b = torch.rand(count, dtype=torch.float64), torch.randn(count, dtype=torch.float64)
    order = range(count - 1, -1, -1) if reverse else range(count)
    for lag in (1, 2, 3):
        wanted = torch.zeros(count, dtype=torch.float64)
        for t in order:
            before = t + lag if reverse else t - lag
            wanted[t] = a[t] * (wanted[before] if 0 <= before < count else 0) + b[t]
        torch.testing.assert_close(scans.linear_scan(a, b, reverse=reverse, lag=lag), wanted)
