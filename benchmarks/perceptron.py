"""Row 2: a multilayer perceptron, 784 - 512 - 512 - 10, on batches of 256."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

import tensorlang as tl
from benchmarks.networks import both
from benchmarks.record import Row, Settings

PROGRAM = """
input X[b,i]
dim i = 784, h = 512, k = 512, o = 10
param W1[h,i], B1[h], W2[k,h], B2[k], W3[o,k], B3[o]
H[b,h] = relu(W1[h,i] X[b,i] + B1[h])
K[b,k] = relu(W2[k,h] H[b,h] + B2[k])
Y[b,o] = W3[o,k] K[b,k] + B3[o]
"""


def by_hand(state: dict[str, torch.Tensor]) -> nn.Module:
    layers = [nn.Linear(784, 512), nn.Linear(512, 512), nn.Linear(512, 10)]
    for at, layer in enumerate(layers, 1):
        layer.load_state_dict({"weight": state[f"W{at}"], "bias": state[f"B{at}"]})
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


def measure(settings: Settings) -> Iterator[Row]:
    program = tl.compile(PROGRAM)
    pair = (lambda x: program(X=x)["Y"], by_hand(dict(program.state_dict())))
    yield from both(2, "multilayer perceptron", "nn.Linear", 1.05, pair, torch.randn(256, 784), settings)
