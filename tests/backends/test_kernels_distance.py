"""Squared distances against their definition: values, gradients of both orders and kinds, scripts, memory, digits."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import tensorlang as tl
from benchmarks.allocation import peak
from tensorlang.backends.kernels_distance import distances_plain, squared_distances

# b, l, k, r: at once, by rows, by columns, by batches, a single row, a k that is longer than a block.
SHAPES = (
    (1, 5, 7, 6), (3, 70, 80, 90), (1, 600, 3, 600), (500, 16, 16, 16), (1, 1, 700, 700), (1, 900, 700, 1),
    (2, 3, 60000, 2), (1, 2, 300000, 2), (1, 40000, 5, 3),
)  # fmt: skip


def operands(shape: tuple[int, ...], **kind: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Both sides, ready for gradients, and a gradient of the result."""
    b, rows, depth, columns = shape
    torch.manual_seed(sum(shape))
    left, right, slope = (torch.randn(s, **kind) for s in ((b, rows, depth), (b, depth, columns), (b, rows, columns)))
    return left.requires_grad_(), right.requires_grad_(), slope


@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_are_those_of_the_definition(shape: tuple[int, ...]) -> None:
    left, right, slope = operands(shape, dtype=torch.float64)
    got, meant = squared_distances(left, right), distances_plain(left, right)
    torch.testing.assert_close(got, meant)
    pairs = [torch.autograd.grad(result, (left, right), slope) for result in (got, meant)]
    torch.testing.assert_close(*pairs)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.script(squared_distances)(left, right), meant)


def test_a_side_that_is_no_parameter_gets_no_gradient() -> None:
    left, right, slope = operands((1, 90, 80, 90))
    constant = right.detach()
    (got,) = torch.autograd.grad(squared_distances(left, constant), left, slope)
    (meant,) = torch.autograd.grad(distances_plain(left, constant), left, slope)
    torch.testing.assert_close(got, meant)


def test_gradients_of_gradients() -> None:
    left, right, slope = operands((1, 90, 80, 90), dtype=torch.float64)
    found = []
    for function in (squared_distances, distances_plain):
        first = torch.autograd.grad(function(left, right), (left, right), slope, create_graph=True)
        total = first[0].pow(3).sum() + (first[1] * left.sum()).sum()
        found.append(torch.autograd.grad(total, (left, right)))
    torch.testing.assert_close(*found)


def test_functional_transforms() -> None:
    left, right, _ = (side.detach() for side in operands((1, 90, 80, 90), dtype=torch.float64))
    forms = (squared_distances, distances_plain)
    tangents = (torch.cos(left), torch.sin(right))
    torch.testing.assert_close(*(torch.func.jvp(f, (left, right), tangents) for f in forms))
    slopes = [torch.func.grad(lambda x, f=f: f(x, right).sin().sum())(left) for f in forms]
    torch.testing.assert_close(*slopes)
    many = torch.stack([left, 2 * left])
    torch.testing.assert_close(*(torch.vmap(f, (0, None))(many, right) for f in forms))


def test_differences_are_not_held() -> None:
    left, right, slope = operands((1, 512, 64, 512))
    differences = 512 * 512 * 64 * 4
    with torch.no_grad():
        assert peak(lambda: squared_distances(left, right)) < differences // 6
    assert peak(lambda: torch.autograd.grad(squared_distances(left, right), (left, right), slope)) < differences // 3


def test_points_close_together_and_far_from_0_keep_their_digits() -> None:
    """By |x|^2 + |z|^2 - 2 x z, a third of these would be negative in float32."""
    torch.manual_seed(0)
    x = 100 + torch.randint(-8, 8, (400, 64)) / 1024
    got = tl.compile("input X[n,i], Z[m,i]\nY[n,m] = (X[n,i] - Z[m,i])^2\n")(X=x, Z=x)["Y"]
    meant = (x.double().unsqueeze(1) - x.double()).square().sum(-1)
    torch.testing.assert_close(got.double(), meant, rtol=1e-6, atol=0.0)
    assert torch.equal(got.diagonal(), torch.zeros(400))


HEAD = "input X[n,i], Z[m,i], U[b,n,i], v[i], P[n,i,j], Q[m,i,j]\ninput int K[m,i]\n"
CHOSEN = {
    "Y[n,m] = (X[n,i] - Z[m,i])^2": lambda g: (g["X"][:, None] - g["Z"]).square().sum(-1),
    "Y[m,n] = exp(-(X[n,i] - Z[m,i])^2 / 64)": lambda g: (-(g["X"] - g["Z"][:, None]).square().sum(-1) / 64).exp(),
    "Y[n,n'] = sqrt(sum[i]((X[n,i] - X[n',i])^2))": lambda g: (g["X"][:, None] - g["X"]).square().sum(-1).sqrt(),
    "Y[m,b,n] = (-Z[m,i] + U[b,n,i])^2": lambda g: (g["U"] - g["Z"][:, None, None]).square().sum(-1),
    "Y[b,n,n'] = (U[b,n,i] - U[b,n',i])^2": lambda g: (g["U"][:, :, None] - g["U"][:, None]).square().sum(-1),
    "Y[n,m] = (P[n,i,j] - Q[m,i,j])^2": lambda g: (g["P"][:, None] - g["Q"]).square().sum((-1, -2)),
    "Y[n,m] = sum[i]((2 X[n,i] - tanh(Z[m,i]))^2)": lambda g: (
        (2 * g["X"][:, None] - g["Z"].tanh()).square().sum(-1)
    ),
    "Y[n,m] = (X[n,i] - K[m,i])^2": lambda g: (g["X"][:, None] - g["K"]).square().sum(-1),
}  # fmt: skip
LEFT = (
    "Y[n] = (X[n,i] - v[i])^2", "Y[n,m] = v[i] (X[n,i] - Z[m,i])^2", "Y[n,m] = (X[n,i] - Z[m,i])^4",
    "Y[n,m] = sum[i]((X[n,i] - Z[m,i])^2 where X[n,i] > 0)", "Y[m,m'] = (K[m,i] - K[m',i])^2",
)  # fmt: skip


@pytest.mark.parametrize("size", [5, 80])
@pytest.mark.parametrize("text", CHOSEN)
def test_the_kernel_is_chosen(text: str, size: int) -> None:
    program = tl.compile(HEAD + text)
    assert "squared_distances(" in program.source.split("def compute")[1]
    torch.manual_seed(size)
    axes = {"X": "ni", "Z": "mi", "U": "bni", "v": "i", "P": "nij", "Q": "mij", "K": "mi"}
    sizes = {"n": size, "m": size + 1, "i": size - 1, "b": 2, "j": 3}
    given = {name: torch.randn([sizes[axis] for axis in axes[name]]) for name in axes}
    given["K"] = given["K"].round().to(torch.int64)
    needed = {name: given[name] for name in program.inputs}
    torch.testing.assert_close(program(**needed)["Y"], CHOSEN[text](given))


@pytest.mark.parametrize("text", LEFT)
def test_what_is_no_squared_distance_of_pairs_is_left(text: str) -> None:
    assert "squared_distances" not in tl.compile(HEAD + text).source


def test_few_differences_are_computed_at_once() -> None:
    assert (
        "squared_distances" not in tl.compile("dim n = 9, i = 3\ninput X[n,i]\nY[n,n'] = (X[n,i] - X[n',i])^2\n").source
    )
