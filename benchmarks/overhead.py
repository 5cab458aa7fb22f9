"""Row 1: what a call costs. Ten equations so small that nothing but overhead is measured."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch.nn import functional as F

import tensorlang as tl
from benchmarks.networks import forward
from benchmarks.record import Row, Settings

PROGRAM = """
input X[b,i]
dim i = 8, h = 8, k = 8, o = 4
param W1[h,i], B1[h], W2[h,i], B2[h], W3[k,h], W4[o,k], B4[o]
H[b,h] = relu(W1[h,i] X[b,i] + B1[h])
G[b,h] = sig(W2[h,i] X[b,i] + B2[h])
M[b,h] = H[b,h] G[b,h]
K[b,k] = tanh(W3[k,h] M[b,h])
S[b,b'] = K[b,k] K[b',k] / sqrt(|k|)
P[b,b'.] = softmax(S[b,b'])
C[b,k] = P[b,b'] K[b',k]
R[b,k] = C[b,k] + K[b,k]
N[b,k.] = lnorm(R[b,k])
Y[b,o] = W4[o,k] N[b,k] + B4[o]
"""


class ByHand(torch.nn.Module):
    """The same ten lines in eager PyTorch."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        super().__init__()
        for name, value in state.items():
            self.register_parameter(name, torch.nn.Parameter(value.clone()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.relu(F.linear(x, self.W1, self.B1))
        g = torch.sigmoid(F.linear(x, self.W2, self.B2))
        m = h * g
        k = torch.tanh(F.linear(m, self.W3))
        s = k @ k.T / math.sqrt(k.shape[1])
        p = torch.softmax(s, -1)
        c = p @ k
        r = c + k
        n = F.layer_norm(r, (r.shape[1],))
        return F.linear(n, self.W4, self.B4)


def measure(settings: Settings) -> Iterator[Row]:
    program = tl.compile(PROGRAM)
    theirs = ByHand(dict(program.state_dict()))
    x = torch.randn(4, 8)
    pair = (lambda x: program(X=x)["Y"], theirs)
    yield forward(1, "call of ten tiny equations", "nn.Module by hand", 1.1, pair, x, settings)
