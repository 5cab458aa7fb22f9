"""Solvers against direct solutions and against loops in torch; their gradients against those of what they solve."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from written_out import agree

import tensorlang as tl


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def wide(*shape: int, seed: int = 0) -> torch.Tensor:
    return drawn(*shape, seed=seed, dtype=torch.float64)


def positive(size: int) -> torch.Tensor:
    a = wide(size, size)
    return a @ a.T + torch.eye(size)


def solve(text: str, *values: torch.Tensor) -> torch.Tensor:
    return tl.function("import solvers\n" + text, dtype="float64")(*values)


# --- systems of equations ------------------------------------------------------------------------------------------

CONJUGATE = "input A[i,j], B[b,i]\nX = solvers.ConjugateGradient(A, B, steps={})"


def test_conjugate_gradients_end_after_as_many_steps_as_unknowns():
    a, b = positive(7), wide(3, 7, seed=1)
    errors = [float((solve(CONJUGATE.format(n), a, b) - np.linalg.solve(a, b.T).T).abs().max()) for n in (1, 3, 6, 7)]
    assert errors[0] > errors[1] > errors[2] > 1e-6
    assert errors[3] < 1e-9


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_conjugate_gradients_rest_when_they_have_arrived(dtype):
    """Far more steps than needed: no 0 / 0, and a right side of 0."""
    close = {"float32": 1e-4, "float64": 1e-10}[dtype]
    a, b = positive(4), torch.stack([wide(4, seed=1), torch.zeros(4, dtype=torch.float64)])
    a, b = a.to(getattr(torch, dtype)), b.to(getattr(torch, dtype))
    ours, theirs = a.clone().requires_grad_(), a.clone().requires_grad_()
    found = tl.function("import solvers\n" + CONJUGATE.format(200), dtype=dtype)(ours, b)
    wanted = torch.linalg.solve(theirs, b.T).T
    torch.testing.assert_close(found, wanted, rtol=0, atol=close)
    found.sum().backward()
    wanted.sum().backward()
    torch.testing.assert_close(ours.grad + ours.grad.T, theirs.grad + theirs.grad.T, rtol=0, atol=10 * close)


def test_conjugate_gradients_have_the_gradient_of_the_solution():
    a, b, weight = positive(5), wide(2, 5, seed=1), wide(2, 5, seed=2)
    ours, theirs = a.clone().requires_grad_(), a.clone().requires_grad_()
    (solve(CONJUGATE.format(5), ours, b) * weight).sum().backward()
    (torch.linalg.solve(theirs, b.T).T * weight).sum().backward()
    # Only the symmetric part means anything: the method supposes that A is symmetric.
    torch.testing.assert_close(ours.grad + ours.grad.T, theirs.grad + theirs.grad.T, rtol=1e-6, atol=1e-7)


def test_all_steps_are_there():
    text = CONJUGATE.format(4) + "\nSteps[n,b,i] = X.Z[n,b,i]\noutput Steps"
    a, b = positive(4), wide(3, 4, seed=1)
    found = solve(text, a, b)
    assert found.shape == (5, 3, 4)
    assert not found[0].any()
    torch.testing.assert_close(found[2], solve(CONJUGATE.format(2), a, b))


def test_gradient_descent():
    def meant(A, B):
        z = torch.zeros(len(B), A.shape[1])
        for _ in range(6):
            z = z - 0.05 * (z @ A.T - B) @ A
        return z

    text = "import solvers\ninput A[m,i], B[b,m]\nY = solvers.GradientDescent(A, B, steps=6, rate=0.05)"
    agree(text, {"A": drawn(5, 3), "B": drawn(2, 5, seed=1)}, meant)
    a, b = wide(6, 3), wide(2, 6, seed=1)
    far = solve("input A[m,i], B[b,m]\nX = solvers.GradientDescent(A, B, steps=3000, rate=0.05)", a, b)
    torch.testing.assert_close(far, torch.linalg.lstsq(a, b.T).solution.T, rtol=0, atol=1e-9)


# --- roots, inverses, eigenvectors ---------------------------------------------------------------------------------

ROOT = (
    "def F(X[...]) -> Y[...]:\n    Y[...] = X[...]^3 - 5\ndef D(X[...]) -> Y[...]:\n    Y[...] = 3 X[...]^2\n"
    "input S[b]\nX = solvers.Newton(F, D, S, steps={})"
)


def test_newton_doubles_the_digits():
    start = torch.tensor([1.5, 2.5], dtype=torch.float64)
    errors = [(solve(ROOT.format(n), start) - 5 ** (1 / 3)).abs() for n in (3, 4, 8)]
    assert (errors[1] < 2 * errors[0] ** 2).all()
    assert (errors[2] < 1e-14).all()


@pytest.mark.parametrize("shape", [(4, 4), (3, 5, 5)])
def test_the_inverse(shape):
    a = wide(*shape) + 2 * torch.eye(shape[-1])
    axes = "i,j" if len(shape) == 2 else "b,i,j"
    ours, theirs = a.clone().requires_grad_(), a.clone().requires_grad_()
    found, wanted = solve(f"input A[{axes}]\nX = solvers.Inverse(A, steps=40)", ours), torch.linalg.inv(theirs)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
    weight = wide(*shape, seed=1)
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-6)


def test_the_largest_eigenvalue():
    a = positive(5)
    text = "input A[i,j], S[b,i]\nX = solvers.PowerIteration(A, S, steps=400)\nL[b] = X.L[b]\noutput X, L"
    found, value = solve(text, a, wide(2, 5, seed=1)).values()
    values, vectors = torch.linalg.eigh(a)
    torch.testing.assert_close(value, values[-1].expand(2), rtol=1e-9, atol=0)
    torch.testing.assert_close((found @ vectors[:, -1]).abs(), torch.ones(2, dtype=torch.float64), rtol=1e-7, atol=0)


# --- sparse solutions ----------------------------------------------------------------------------------------------


def shrunk(x, t):
    return torch.sign(x) * torch.clamp(x.abs() - t, min=0)


def ista(A, B, steps=8, weight=0.2, rate=0.05):
    z = torch.zeros(len(B), A.shape[1], dtype=A.dtype)
    for _ in range(steps):
        z = shrunk(z - rate * (z @ A.T - B) @ A, rate * weight)
    return z


def test_sparse_codes_step_by_step():
    text = "import solvers\ninput A[m,i], B[b,m]\nY = solvers.ISTA(A, B, steps=8, weight=0.2, rate=0.05)"
    agree(text, {"A": drawn(5, 8), "B": drawn(2, 5, seed=1)}, ista)


def test_the_lasso_is_optimal_and_has_the_gradient_of_its_solution():
    a, b = wide(6, 9) / 2, wide(2, 6, seed=1)
    text = "input A[m,i], B[b,m]\nX = solvers.Lasso(A, B, weight=0.3, rate=0.1)"
    ours, theirs = b.clone().requires_grad_(), b.clone().requires_grad_()
    found, wanted = solve(text, a, ours), ista(a, theirs, 4000, 0.3, 0.1)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)
    # Where an element is not 0, the slope of the squares is the weight against its sign; elsewhere it is less.
    slope = (found @ a.T - b) @ a
    chosen = found.detach().abs() > 1e-4
    torch.testing.assert_close(slope[chosen], -0.3 * torch.sign(found[chosen]), rtol=0, atol=1e-4)
    assert (slope[~chosen].abs() <= 0.3 + 1e-4).all()
    assert 0 < chosen.sum() < chosen.numel()
    weight = wide(2, 9, seed=2)
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-3)


def lista(B, W, V, T, steps=3):
    z = shrunk(B @ W.mT, T)
    for _ in range(steps):
        z = shrunk(B @ W.mT + z @ V.mT, T)
    return z


def test_learned_sparse_codes():
    agree("import solvers\ndim m = 5\ninput B[b,m]\nY = solvers.LISTA(B, i=7, steps=3)", {"B": drawn(2, 5)}, lista)


def test_learned_sparse_codes_need_fewer_steps():
    """With the matrices of ISTA it is ISTA; learning them makes the codes of three steps better."""
    a = drawn(8, 12)
    a = a / a.norm(dim=0)
    rate = 1 / float(torch.linalg.matrix_norm(a, 2)) ** 2
    signals = (drawn(64, 12, seed=3) * (drawn(64, 12, seed=4) > 1)) @ a.T
    wanted = ista(a, signals, 2000, 0.05, rate)
    program = tl.compile("import solvers\ndim m = 8\ninput B[b,m]\nY = solvers.LISTA(B, i=12, steps=3)")
    start = {"Y.W": rate * a.T, "Y.V": torch.eye(12) - rate * a.T @ a, "Y.T": torch.full((12,), rate * 0.05)}
    program.load_state_dict(start)
    torch.testing.assert_close(program(B=signals)["Y"], ista(a, signals, 4, 0.05, rate), rtol=0, atol=1e-5)
    before = (program(B=signals)["Y"] - wanted).square().mean().item()
    optimiser = torch.optim.Adam(program.parameters(), lr=5e-3)
    for _ in range(150):
        optimiser.zero_grad()
        (program(B=signals)["Y"] - wanted).square().mean().backward()
        optimiser.step()
    assert (program(B=signals)["Y"] - wanted).square().mean().item() < before / 3


# --- doubly stochastic matrices and fixed points -------------------------------------------------------------------


def test_sinkhorn():
    def meant(L):
        p = torch.exp(L)
        for _ in range(5):
            p = p / p.sum(-1, keepdim=True)
            p = p / p.sum(-2, keepdim=True)
        return p

    agree("import solvers\ninput L[b,i,j]\nY = solvers.Sinkhorn(L, steps=5)", {"L": drawn(2, 4, 4)}, meant)
    far = solve("input L[i,j]\nP = solvers.Sinkhorn(L, steps=300)", 3 * wide(5, 5))
    torch.testing.assert_close(far.sum(0), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(far.sum(1), torch.ones(5, dtype=torch.float64), rtol=0, atol=1e-6)


def test_the_fixed_point_of_a_module_and_its_gradient():
    text = (
        "def Step(Z[..., d], X[..., d]) -> Y[..., d]:\n    param W[d,d'] ~ glorot(0.3)\n"
        "    Y[..., d] = tanh(W[d,d'] Z[..., d']) + X[..., d]\n"
        "dim d = 3\ninput X[b,d]\nZ = solvers.FixedPoint(Step, X)"
    )
    program = tl.compile("import solvers\n" + text, dtype="float64")
    ((name, weights),) = program.named_parameters()
    assert name == "Z.f.W"
    x, direction = wide(2, 3), wide(2, 3, seed=1)
    found = program(X=x)["Z"]
    (found * direction).sum().backward()
    theirs = weights.detach().clone().requires_grad_()
    z = torch.zeros_like(x)
    for _ in range(200):
        z = torch.tanh(z @ theirs.T) + x
    torch.testing.assert_close(found, z, rtol=0, atol=1e-5)
    (z * direction).sum().backward()
    torch.testing.assert_close(weights.grad, theirs.grad, rtol=0, atol=1e-4)
