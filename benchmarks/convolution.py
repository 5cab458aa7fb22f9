"""Row 2: a convolutional network: two layers of 3 x 3 windows, each with pooling, and a linear one, on 32 x 28 x 28."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

import tensorlang as tl
from benchmarks.networks import both
from benchmarks.record import Row, Settings

PROGRAM = """
import conv, nn
input X[n,i,x,y]
dim i = 32, x = 28, y = 28
A[n,o,x,y] = relu(conv.Same2d(X, o=32, k=3)[n,o,x,y])
P = conv.MaxPool2d(A, s=2)
B[n,o,u,v] = relu(conv.Same2d(P, o=64, k=3)[n,o,u,v])
Q = conv.MaxPool2d(B, s=2)
Flat[n,(o u v)] = Q[n,o,u,v]
Y = nn.Linear(Flat, o=10)
"""


def by_hand(state: dict[str, torch.Tensor]) -> nn.Module:
    layers = (nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1), nn.Linear(64 * 7 * 7, 10))
    for name, layer in zip("ABY", layers, strict=True):
        layer.load_state_dict({"weight": state[f"{name}.W"], "bias": state[f"{name}.B"]})
    first, second, last = layers
    return nn.Sequential(
        first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), last
    )  # fmt: skip


def measure(settings: Settings) -> Iterator[Row]:
    program = tl.compile(PROGRAM)
    pair = (lambda x: program(X=x)["Y"], by_hand(dict(program.state_dict())))
    yield from both(2, "convolutional network", "nn.Conv2d", 1.05, pair, torch.randn(16, 32, 28, 28), settings)
