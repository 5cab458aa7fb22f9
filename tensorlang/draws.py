"""Random functions (``rand``, ``normal``, ``bernoulli``) draw from a stream of the program's own, begun by its seed.

In: a function that draws from torch's global generator. Out: its result, that generator untouched. So a program gives
the same numbers whatever else runs in the process, and a checkpoint can keep its place in the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from tensorlang.ir.nodes import Apply, Expr, children
from tensorlang.ir.program import Program
from tensorlang.ops import POINTWISE

RANDOM = frozenset(name for name, record in POINTWISE.items() if record.random)


def draws(program: Program) -> bool:
    """Whether anything in a program is random."""
    seen: set[Expr] = set()
    circles = [unit.definitions for unit in program.scans] + [unit.definitions for unit in program.fixpoints]
    definitions = (d for group in (program.definitions, *circles) for d in group)
    stack = [e for d in definitions for piece in d.pieces for e in (piece.value, *piece.left)]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, Apply) and node.op in RANDOM:
            return True
        stack.extend(children(node))
    return False


def stream(seed: int, device: torch.device) -> torch.Generator:
    """A stream of draws on a device."""
    return torch.Generator(device).manual_seed(seed)


def drawing(compute: Callable[..., Any], arguments: Sequence[Any], generator: torch.Generator) -> Any:
    """Compute with the draws of a stream."""
    on_cuda = generator.device.type == "cuda"
    outer = torch.cuda.get_rng_state(generator.device) if on_cuda else torch.get_rng_state()
    _set(generator.get_state(), generator.device, on_cuda)
    try:
        return compute(*arguments)
    finally:
        generator.set_state(torch.cuda.get_rng_state(generator.device) if on_cuda else torch.get_rng_state())
        _set(outer, generator.device, on_cuda)


def _set(state: torch.Tensor, device: torch.device, on_cuda: bool) -> None:
    if on_cuda:
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
