"""Normalisation and dropout of nn.tl and conv.tl: equal to torch's layers in training and in evaluation."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import tensorlang as tl


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


LAYERS = {
    "nn.BatchNorm(X)": ("b,i", lambda: torch.nn.BatchNorm1d(4), (7, 4)),
    "nn.BatchNorm(X, momentum=0.3, eps=0.01)": ("b,i", lambda: torch.nn.BatchNorm1d(4, 0.01, 0.3), (7, 4)),
    "conv.BatchNorm1d(X)": ("b,i,x", lambda: torch.nn.BatchNorm1d(4), (3, 4, 6)),
    "conv.BatchNorm2d(X)": ("b,i,x,y", lambda: torch.nn.BatchNorm2d(4), (3, 4, 6, 5)),
    "conv.BatchNorm3d(X)": ("b,i,x,y,z", lambda: torch.nn.BatchNorm3d(4), (3, 4, 3, 5, 2)),
    "conv.GroupNorm2d(X, groups=2)": ("b,i,x,y", lambda: torch.nn.GroupNorm(2, 4), (3, 4, 6, 5)),
    "conv.InstanceNorm2d(X)": ("b,i,x,y", lambda: torch.nn.InstanceNorm2d(4), (3, 4, 6, 5)),
}


@pytest.mark.parametrize("call", LAYERS)
def test_a_norm_is_that_of_torch_in_both_modes(call):
    """Values, gradients of parameters and input, and running statistics, over several steps of training."""
    axes, made, shape = LAYERS[call]
    program = tl.compile(f"import nn, conv\ninput X[{axes}]\ndim i = 4\nY = {call}\n", dtype="float64")
    theirs = made().double()
    with torch.no_grad():
        for mine, other in zip(program.parameters(), theirs.parameters(), strict=True):
            mine.copy_(draw(*other.shape, seed=len(other.shape)))
            other.copy_(mine)
    for step in range(6):
        if step == 4:
            program.eval()
            theirs.eval()
        x = (2 * draw(*shape, seed=step) + 1).requires_grad_()
        found, wanted = program(X=x)["Y"], theirs(x)
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10)
        weight = draw(*shape, seed=step + 10)
        mine = torch.autograd.grad((found * weight).sum(), [x, *program.parameters()])
        others = torch.autograd.grad((wanted * weight).sum(), [x, *theirs.parameters()])
        for one, other in zip(mine, others, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-9)
        kept = [buffer for buffer in theirs.buffers() if buffer.is_floating_point()]
        for one, other in zip(program.buffers(), kept, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def test_the_statistics_of_several_axes_in_front():
    program = tl.compile("import nn\ninput X[a,b,i]\ndim i = 4\nY = nn.BatchNorm(X)\n", dtype="float64")
    theirs, x = torch.nn.BatchNorm1d(4).double(), draw(3, 5, 4)
    torch.testing.assert_close(program(X=x)["Y"], theirs(x.flatten(0, 1)).unflatten(0, (3, 5)))
    torch.testing.assert_close(program.get_buffer("Y.Var"), theirs.running_var)


def test_a_residual_block_with_norms():
    program = tl.compile("import conv\ninput X[b,i,x,y]\ndim i = 3\nY = conv.ResidualNorm2d(X)\n", dtype="float64")
    one, two = torch.nn.BatchNorm2d(3).double(), torch.nn.BatchNorm2d(3).double()
    program.bind(X=draw(2, 3, 6, 5))
    first, second = program.get_parameter("Y.W1"), program.get_parameter("Y.W2")
    for mode in (True, True, False):
        program.train(mode)
        one.train(mode)
        two.train(mode)
        x = draw(2, 3, 6, 5, seed=int(mode)).requires_grad_()
        wanted = F.relu(x + two(F.conv2d(F.relu(one(F.conv2d(x, first, padding=1))), second, padding=1)))
        found = program(X=x)["Y"]
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10)
        mine = torch.autograd.grad(found.square().sum(), [x, first, second])
        others = torch.autograd.grad(wanted.square().sum(), [x, first, second])
        for a, b in zip(mine, others, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-8)
    torch.testing.assert_close(program.get_buffer("Y.M.N.Mean"), two.running_mean)


def test_a_single_row_keeps_the_statistics_finite():
    program = tl.compile("import nn\ninput X[b,i]\nY = nn.BatchNorm(X)\n")
    program(X=torch.ones(1, 3))
    assert all(buffer.isfinite().all() for buffer in program.buffers())


# --- dropout -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9])
def test_dropout_is_that_of_torch_in_distribution(p):
    program = tl.compile(f"import nn\ninput X[b,i]\nY = nn.Dropout(X, p={p})\n", seed=4)
    x = (1 + draw(400, 500).abs().float()).requires_grad_()
    found = program(X=x)["Y"]
    kept = found != 0
    torch.testing.assert_close(found[kept], (x / (1 - p))[kept])
    count = x.numel()
    spread = 5 * (p * (1 - p) / count) ** 0.5
    assert abs(kept.float().mean().item() - (1 - p)) <= spread
    # Neighbours are independent: both are kept with the product of the probabilities.
    both = (kept[:, 1:] & kept[:, :-1]).float().mean().item()
    assert both == pytest.approx((1 - p) ** 2, abs=0.01)
    (gradient,) = torch.autograd.grad(found.sum(), x)
    torch.testing.assert_close(gradient, kept / (1 - p))
    assert torch.equal(program.eval()(X=x)["Y"], x)


def test_dropout_of_everything():
    program = tl.compile("import nn\ninput X[i]\nY = nn.Dropout(X, p=1)\n")
    x = torch.ones(5, requires_grad=True)
    found = program(X=x)["Y"]
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert found.tolist() == gradient.tolist() == [0] * 5


def test_two_layers_draw_apart():
    program = tl.compile("import nn\ninput X[i]\nA = nn.Dropout(X)\nB = nn.Dropout(X)\noutput A, B")
    found = program(X=torch.ones(200))
    assert not torch.equal(found["A"], found["B"])


def test_dropout_of_channels():
    program = tl.compile("import conv\ninput X[b,i,x,y]\nY = conv.Dropout2d(X, p=0.25)\n")
    x = torch.ones(40, 50, 3, 2)
    found = program(X=x)["Y"]
    assert torch.equal(found.amin((2, 3)), found.amax((2, 3)))
    assert found.mean().item() == pytest.approx(1, abs=0.05)
    assert torch.equal(program.eval()(X=x)["Y"], x)
