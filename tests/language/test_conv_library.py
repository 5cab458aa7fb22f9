"""stdlib/conv.tl: equal to torch.nn's layers with the same weights; values and gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import tensorlang as tl


def made(call, axes="b,i,x,y"):
    program = tl.compile(f"import conv\ninput X[{axes}]\ndim i = 3\nY = conv.{call}\n")
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in program.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return program, {name.removeprefix("Y."): value for name, value in program.named_parameters()}


CASES = {
    "Conv2d(X, o=5, kx=3, ky=2)": lambda x, p: F.conv2d(x, p["W"], p["B"]),
    "Same2d(X, o=5, k=3)": lambda x, p: F.conv2d(x, p["W"], p["B"], padding=1),
    "Same2d(X, o=2, k=5)": lambda x, p: F.conv2d(x, p["W"], p["B"], padding=2),
    "Strided2d(X, o=5, k=3, stride=2)": lambda x, p: F.conv2d(x, p["W"], p["B"], stride=2),
    "Strided2d(X, o=4, k=2, stride=3)": lambda x, p: F.conv2d(x, p["W"], p["B"], stride=3),
    "Depthwise2d(X, k=3)": lambda x, p: F.conv2d(x, p["W"][:, None], p["B"], groups=3),
    "Pointwise2d(X, o=4)": lambda x, p: F.conv2d(x, p["W"][:, :, None, None], p["B"]),
    "Separable2d(X, o=4, k=3)": lambda x, p: F.conv2d(
        F.conv2d(x, p["D.W"][:, None], p["D.B"], groups=3), p["Y.W"][:, :, None, None], p["Y.B"]
    ),
    "NiN(X, o=4, k=3)": lambda x, p: F.relu(
        F.conv2d(
            F.relu(F.conv2d(F.relu(F.conv2d(x, p["A.W"], p["A.B"])), p["B.W"][:, :, None, None], p["B.B"])),
            p["Y.W"][:, :, None, None],
            p["Y.B"],
        )
    ),
    "Residual2d(X, k=3)": lambda x, p: F.relu(
        x + F.conv2d(F.relu(F.conv2d(x, p["A.W"], p["A.B"], padding=1)), p["B.W"], p["B.B"], padding=1)
    ),
    "MaxPool2d(X, s=2)": lambda x, p: F.max_pool2d(x, 2),
    "AvgPool2d(X, s=3)": lambda x, p: F.avg_pool2d(x, 3),
    "GlobalPool2d(X)": lambda x, p: x.mean((2, 3)),
}
OTHER = {
    ("Conv1d(X, o=5, k=3)", "b,i,x"): lambda x, p: F.conv1d(x, p["W"], p["B"]),
    ("Same1d(X, o=5, k=3)", "b,i,x"): lambda x, p: F.conv1d(x, p["W"], p["B"], padding=1),
    ("Conv3d(X, o=2, kx=2, ky=3, kz=2)", "b,i,x,y,z"): lambda x, p: F.conv3d(x, p["W"], p["B"]),
}


def compare(program, parameters, wanted, x):
    x.requires_grad_()
    found, expected = program(X=x)["Y"], wanted(x, parameters)
    scale = float(expected.abs().max().detach())
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-5)
    weight = torch.randn_like(expected) / scale
    leaves = [x, *parameters.values()]
    mine = torch.autograd.grad((found * weight).sum(), leaves)
    theirs = torch.autograd.grad((expected * weight).sum(), leaves)
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [(7, 6), (8, 9)])
@pytest.mark.parametrize("call", CASES)
def test_layers_of_images(call, size):
    program, parameters = made(call)
    compare(program, parameters, CASES[call], torch.randn(2, 3, *size))


@pytest.mark.parametrize(("call", "axes"), OTHER)
def test_signals_and_volumes(call, axes):
    program, parameters = made(call, axes)
    shape = (2, 3, 7, 6, 5)[: len(axes.split(","))]
    compare(program, parameters, OTHER[call, axes], torch.randn(shape))


def test_any_axes_may_stand_in_front():
    program, parameters = made("Same2d(X, o=5, k=3)", "a,b,i,x,y")
    x = torch.randn(2, 2, 3, 5, 4)
    wanted = F.conv2d(x.flatten(0, 1), parameters["W"], parameters["B"], padding=1).unflatten(0, (2, 2))
    torch.testing.assert_close(program(X=x)["Y"], wanted, rtol=0, atol=1e-4)
