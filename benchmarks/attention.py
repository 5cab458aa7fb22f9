"""Row 2: causal self-attention with its projections and the residual: 8 heads, 512 wide, 256 long, batches of 4."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

import tensorlang as tl
from benchmarks.networks import both
from benchmarks.record import Row, Settings

PROGRAM = """
input X[b,t,m]
dim m = 512, h = 8, d = 64
param WQ[h,d,m], WK[h,d,m], WV[h,d,m], WO[m,h,d]
Q[b,h,t,d] = WQ[h,d,m] X[b,t,m]
K[b,h,t,d] = WK[h,d,m] X[b,t,m]
V[b,h,t,d] = WV[h,d,m] X[b,t,m]
A[b,h,t,t'.] = softmax(Q[b,h,t,d] K[b,h,t',d] / sqrt(|d|))   where t' <= t
Z[b,h,t,d] = A[b,h,t,t'] V[b,h,t',d]
Y[b,t,m] = WO[m,h,d] Z[b,h,t,d] + X[b,t,m]
"""


class ByHand(nn.Module):
    """The usual way: one matrix for query, key and value, and the library's attention kernel."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.enter = nn.Linear(512, 3 * 512, bias=False)
        self.leave = nn.Linear(512, 512, bias=False)
        enter = torch.cat([state[name].reshape(512, 512) for name in ("WQ", "WK", "WV")])
        self.enter.load_state_dict({"weight": enter})
        self.leave.load_state_dict({"weight": state["WO"].reshape(512, 512)})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, m = x.shape
        q, k, v = (part.view(b, t, 8, 64).transpose(1, 2) for part in self.enter(x).chunk(3, -1))
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return x + self.leave(z.transpose(1, 2).reshape(b, t, m))


def measure(settings: Settings) -> Iterator[Row]:
    program = tl.compile(PROGRAM)
    pair = (lambda x: program(X=x)["Y"], ByHand(dict(program.state_dict())))
    peer = "nn.Linear, F.scaled_dot_product_attention"
    yield from both(2, "causal attention", peer, 1.05, pair, torch.randn(4, 256, 512), settings)
