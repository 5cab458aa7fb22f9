"""Trying an export: the program and the exported model on the same random inputs, at several sizes.

In: a module with its ``State``, how it is called, and what was exported. Out: the largest difference between their
results, and the sizes tried; where training is something else than evaluation, in both modes, and the buffers that a
step writes are among the results. What is random is drawn from equal streams on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from tensorlang.binding import bind, known_sizes, numbers
from tensorlang.calling import State
from tensorlang.diagnostics import RunError, run_error
from tensorlang.draws import drawing, draws, stream
from tensorlang.exporting import Exported, left_open
from tensorlang.inputs import torch_dtype
from tensorlang.ir.domain import Symbol
from tensorlang.ir.program import Tensor
from tensorlang.records import dataclass
from tensorlang.stored import Stored, stored

Run = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
CPU = torch.device("cpu")
_SIZES = (2, 3, 5, 7, 4, 11, 6, 13)


@dataclass(frozen=True, slots=True)
class Trial:
    """``difference`` is the largest, absolute or relative to the largest result, whichever is smaller."""

    difference: float
    sizes: tuple[Mapping[str, int], ...]

    def passed(self, floating: torch.dtype) -> None:
        """Raise ``RunError`` (E0746) where the difference is more than rounding."""
        if not self.difference <= 100 * torch.finfo(floating).eps:
            raise run_error("E0746", f"the export differs from the program by {self.difference:.2g}", help=[
                "nothing was written; this is a fault of tensorlang: please report it with the program",
            ])  # fmt: skip


def trial(root: Stored, state: State, run: Run, exported: Exported, rounds: int = 3) -> Trial:
    """Compare on ``rounds`` sets of sizes; ``run`` computes the exported part of the program from what is given.

    Raises ``RunError`` (E0744) where no inputs can be made that fit, or two devices draw their own random numbers.
    """
    own = state.generator
    try:
        return _tried(root, state, run, exported, rounds)
    finally:
        # What the program draws afterwards does not depend on whether it was tried.
        state.generator = own


def _tried(root: Stored, state: State, run: Run, exported: Exported, rounds: int) -> Trial:
    if state.device.type != "cpu" and draws(state.compiled.program):
        raise run_error("E0744", f"the program draws random numbers, and other ones on `{state.device}`", help=[
            "try it on the CPU: compile it with `--device cpu`",
        ])  # fmt: skip
    worst = 0.0
    tried: list[Mapping[str, int]] = []
    fault: RunError | None = None
    known = _known(root, state, left_open(state.compiled.program, exported.part))
    for sizes in _choices(state, exported, known):
        generator = torch.Generator().manual_seed(len(tried))
        try:
            given = {t.name: _drawn(state, t.name, known | sizes, generator) for t in exported.signature.inputs}
            state.generator = stream(len(tried), state.device)
            ours = run({name: value.to(state.device) for name, value in given.items()})
        except (RunError, ValueError) as problem:
            fault = problem if isinstance(problem, RunError) else fault
            continue
        results = [value.detach().cpu() for value in ours.values()]
        worst = max(worst, _difference(results, _theirs(exported, given, sizes, stream(len(tried), CPU))))
        tried.append({str(symbol): size for symbol, size in sizes.items()})
        if len(tried) == rounds or not sizes:
            break
    if not tried:
        why = "" if fault is None else f": {fault.diagnostics[0].message}"
        raise run_error("E0744", f"no sizes were found at which the export could be tried{why}", help=[
            "give the sizes with `--dim`, or try it on inputs of your own",
        ])  # fmt: skip
    return Trial(worst, tuple(tried))


def _choices(state: State, exported: Exported, known: Mapping[Symbol, int]) -> Iterator[dict[Symbol, int]]:
    """Sizes for the symbols that a call binds: different ones for each, then others, then equal ones."""
    part = state.compiled.program.restricted(exported.part.outputs)
    needed = {symbol for tensor in part.tensors.values() for size in tensor.shape for symbol in size.symbols}
    open_sizes = sorted(needed - known.keys(), key=str)
    for start in range(len(_SIZES)):
        yield {symbol: _SIZES[(start + at) % len(_SIZES)] for at, symbol in enumerate(open_sizes)}
    for size in (4, 8, 16):
        yield dict.fromkeys(open_sizes, size)


def _known(root: Stored, state: State, unbound: frozenset[Symbol]) -> dict[Symbol, int]:
    """The sizes that the program's files and what the module keeps tell, less those that are left open."""
    program = state.compiled.program
    kept = stored(root, program.of_kind("param", "buffer", "data", "relation"))
    bound = numbers(bind(program, kept, known_sizes(program, {})))
    return {symbol: size for symbol, size in bound.items() if symbol not in unbound}


def _drawn(state: State, name: str, known: Mapping[Symbol, int], generator: torch.Generator) -> torch.Tensor:
    tensor: Tensor = state.compiled.program.tensors[name]
    shape = [size.value(known) for size in tensor.shape]
    if tensor.positions is not None:
        return torch.randint(0, max(1, tensor.positions.value(known)), shape, generator=generator)
    if tensor.dtype == "bool":
        return torch.rand(shape, generator=generator) < 0.5
    if tensor.dtype == "int":
        return torch.randint(0, 4, shape, generator=generator)
    return torch.randn(shape, generator=generator, dtype=torch_dtype(tensor.dtype, state.floating))


def _theirs(
    exported: Exported, given: Mapping[str, torch.Tensor], sizes: Mapping[Symbol, int], source: torch.Generator
) -> list[Any]:
    extra = [sizes[Symbol(name)] for name in exported.signature.numbers]
    tensors = [given[tensor.name] for tensor in exported.signature.inputs]
    buffers = dict(exported.model.named_buffers())
    before = {name: buffers[name].clone() for name in exported.buffers}
    with torch.no_grad():
        result = drawing(exported.model, [*tensors, *extra], source)
        results = list(result) if isinstance(result, tuple) else [result]
        if exported.model.training:
            results += [buffers[name].clone() for name in exported.buffers]
        for name, value in before.items():
            buffers[name].copy_(value)
    return results


def _difference(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    worst = 0.0
    for one, two in zip(ours, theirs, strict=True):
        if one.shape != two.shape or one.dtype != two.dtype:
            return math.inf
        wide = torch.complex128 if one.is_complex() else torch.float64
        one, two = one.to(wide), two.to(wide)
        differs = ~((one == two) | ((one != one) & (two != two)))
        if not bool(differs.any()):
            continue
        gap, finite = (one - two).abs()[differs], one.isfinite()
        if not bool(gap.isfinite().all()):
            return math.inf
        worst = max(worst, float(gap.max()) / max(1.0, float(one[finite].abs().max())))
    return worst
