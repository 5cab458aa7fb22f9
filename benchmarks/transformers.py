"""Row 2: a transformer's block and a stack of four, causal: 8 heads, 512 wide, 2,048 hidden, 256 long, batches of 4."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tensorlang as tl
from benchmarks.networks import both
from benchmarks.record import Row, Settings

ENCODER = "import transformer\ninput X[b,t,m]\ndim m = 512\nY = transformer.EncoderBlock(X, h=8, k=64, f=2048)\n"
DECODER = ENCODER.replace("EncoderBlock", "DecoderBlock")
STACK = ENCODER.replace("EncoderBlock(X, ", "Decoder(X, layers=4, ")
PARTS = {"N.G": "first.weight", "N.B": "first.bias", "A.WO": "leave.weight", "A.BO": "leave.bias",
         "M.G": "second.weight", "M.B": "second.bias", "F.W1": "wide.weight", "F.B1": "wide.bias",
         "F.W2": "narrow.weight", "F.B2": "narrow.bias"}  # fmt: skip


class Block(nn.Module):
    """The usual way: one matrix for query, key and value, and the library's attention kernel."""

    def __init__(self, state: dict[str, Tensor], causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.first, self.second = nn.LayerNorm(512), nn.LayerNorm(512)
        self.enter, self.leave = nn.Linear(512, 3 * 512), nn.Linear(512, 512)
        self.wide, self.narrow = nn.Linear(512, 2048), nn.Linear(2048, 512)
        mine = self.state_dict()
        filled = {theirs: state[ours].reshape(mine[theirs].shape) for ours, theirs in PARTS.items()}
        filled["enter.weight"] = torch.cat([state[f"A.W{name}"].reshape(512, 512) for name in "QKV"])
        filled["enter.bias"] = torch.cat([state[f"A.B{name}"].reshape(512) for name in "QKV"])
        self.load_state_dict(filled)

    def forward(self, x: Tensor) -> Tensor:
        b, t, m = x.shape
        q, k, v = (part.view(b, t, 8, 64).transpose(1, 2) for part in self.enter(self.first(x)).chunk(3, -1))
        z = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.leave(z.transpose(1, 2).reshape(b, t, m))
        return x + self.narrow(F.gelu(self.wide(self.second(x))))


class Stack(nn.Module):
    """Blocks in a list, and a last normalisation."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        layers = [{name: value[at] for name, value in _under(state, "Y.S.").items()} for at in range(4)]
        self.blocks = nn.ModuleList(Block(layer, causal=True) for layer in layers)
        self.last = nn.LayerNorm(512)
        self.last.load_state_dict({"weight": state["Y.Y.G"], "bias": state["Y.Y.B"]})

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        normal: Tensor = self.last(x)
        return normal


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def compiled(text: str) -> tuple[tl.Program, dict[str, Tensor]]:
    """A program and its parameters, drawn anew: none is all zeros or ones, where a mistake would not show."""
    program = tl.compile(text)
    state = dict(program.state_dict())
    for name, value in state.items():
        if value.ndim < 2 or name.endswith((".G", ".B", ".BQ", ".BK", ".BV", ".BO", ".B1", ".B2")):
            value.add_(0.1 * torch.randn_like(value))
    return program, state


def measure(settings: Settings) -> Iterator[Row]:
    peer = "nn.Linear, F.scaled_dot_product_attention, nn.LayerNorm"
    x = torch.randn(4, 256, 512)
    for name, text, causal in (("encoder", ENCODER, False), ("decoder", DECODER, True)):
        program, state = compiled(text)
        pair = (lambda x, p=program: p(X=x)["Y"], Block(_under(state, "Y."), causal))
        yield from both(2, f"{name} block", peer, 1.05, pair, x, settings)
    program, state = compiled(STACK)
    pair = (lambda x: program(X=x)["Y"], Stack(state))
    rounds = Settings(max(3, settings.repeat // 2), settings.threads)
    yield from both(2, "stack of 4 decoder blocks", peer, 1.05, pair, x, rounds)
