"""Recurrent layers by torch's own kernels, all positions in one call.

In: the input [t, b, i], weights with an axis g for the gates: of the input [g, h, i], of the state [g, h, h], offsets
[g, h]. Out: the state at all positions, [t, b, h]; before the first it is 0. ``torch.is_grad_enabled()`` stands
for training, without which the library for GPUs keeps nothing for the gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor


def packed(parts: list[Tensor]) -> list[Tensor]:
    """The weights as they are; on a GPU one behind the other in memory, where its library wants them."""
    if not parts[0].is_cuda:
        return parts
    whole = torch.cat([part.reshape(-1) for part in parts])
    found: list[Tensor] = []
    at = 0
    for part in parts:
        found.append(whole.narrow(0, at, part.numel()).view(part.shape))
        at += part.numel()
    return found


def no_positions(x: Tensor, units: int) -> Tensor:
    """The state where there are no positions, or no sequences."""
    return x.sum(-1, keepdim=True).expand(x.size(0), x.size(1), units)


def lstm_layer(x: Tensor, weights: Tensor, state: Tensor, offsets: Tensor) -> Tensor:
    """Long short-term memory: gates of input and forgetting, candidate, gate of output."""
    if x.size(0) == 0 or x.size(1) == 0:
        return no_positions(x, state.size(1))
    zero = torch.zeros([1, x.size(1), state.size(1)], dtype=x.dtype, device=x.device)
    flat = offsets.reshape(-1)
    parts = packed([weights.flatten(0, 1), state.flatten(0, 1), flat, torch.zeros_like(flat)])
    return torch.lstm(x, [zero, zero], parts, True, 1, 0.0, torch.is_grad_enabled(), False, False)[0]


def gru_layer(x: Tensor, weights: Tensor, state: Tensor, offsets: Tensor, inner: Tensor) -> Tensor:
    """The gated recurrent unit: gates of reset and update, candidate; ``inner`` is added to the state's part of it."""
    if x.size(0) == 0 or x.size(1) == 0:
        return no_positions(x, state.size(1))
    zero = torch.zeros([1, x.size(1), state.size(1)], dtype=x.dtype, device=x.device)
    parts = packed([weights.flatten(0, 1), state.flatten(0, 1), offsets.reshape(-1), inner.reshape(-1)])
    return torch.gru(x, zero, parts, True, 1, 0.0, torch.is_grad_enabled(), False, False)[0]


def rnn_tanh_layer(x: Tensor, weights: Tensor, state: Tensor, offsets: Tensor) -> Tensor:
    """The simple recurrent network, through tanh."""
    if x.size(0) == 0 or x.size(1) == 0:
        return no_positions(x, state.size(1))
    zero = torch.zeros([1, x.size(1), state.size(1)], dtype=x.dtype, device=x.device)
    flat = offsets.reshape(-1)
    parts = packed([weights.flatten(0, 1), state.flatten(0, 1), flat, torch.zeros_like(flat)])
    return torch.rnn_tanh(x, zero, parts, True, 1, 0.0, torch.is_grad_enabled(), False, False)[0]


def rnn_relu_layer(x: Tensor, weights: Tensor, state: Tensor, offsets: Tensor) -> Tensor:
    """The simple recurrent network, through relu."""
    if x.size(0) == 0 or x.size(1) == 0:
        return no_positions(x, state.size(1))
    zero = torch.zeros([1, x.size(1), state.size(1)], dtype=x.dtype, device=x.device)
    flat = offsets.reshape(-1)
    parts = packed([weights.flatten(0, 1), state.flatten(0, 1), flat, torch.zeros_like(flat)])
    return torch.rnn_relu(x, zero, parts, True, 1, 0.0, torch.is_grad_enabled(), False, False)[0]
