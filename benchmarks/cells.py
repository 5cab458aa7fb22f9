"""Row 2: a long short-term memory over 256 steps, written as equations: 32 sequences, 64 features, 128 units."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

import tensorlang as tl
from benchmarks.networks import both
from benchmarks.record import Row, Settings

PROGRAM = "import recurrent\ninput X[b,t,i]\ndim i = 64\nY = recurrent.LSTM(X, h=128)\n"


class ByHand(nn.Module):
    """nn.LSTM with the same weights; one of its two offsets is 0."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.layer = nn.LSTM(64, 128, batch_first=True)
        flat = {name: value.flatten(0, 1) for name, value in state.items()}
        weights = (flat["Y.W"], flat["Y.U"], flat["Y.B"], torch.zeros_like(flat["Y.B"]))
        with torch.no_grad():
            for parameter, value in zip(self.layer.parameters(), weights, strict=True):
                parameter.copy_(value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layer(x)[0]
        return result


def measure(settings: Settings) -> Iterator[Row]:
    program = tl.compile(PROGRAM)
    pair = (lambda x: program(X=x)["Y"], ByHand(dict(program.state_dict())))
    yield from both(2, "long short-term memory, 256 steps", "nn.LSTM", 1.3, pair, torch.randn(32, 256, 64), settings)
