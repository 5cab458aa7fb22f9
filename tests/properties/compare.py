"""What must hold for every program: the projection rule sums where it says, no pass and no backend changes a value.

In: a generated program. Out: None, or words on the first difference.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from tensorlang.backends.reference import evaluate
from tensorlang.backends.torch_module import Generated as Built
from tensorlang.backends.torch_module import build
from tensorlang.diagnostics import Problems, render
from tensorlang.ir.domain import Symbol
from tensorlang.ir.plan import Argument
from tensorlang.ir.program import Program
from tensorlang.ir.show import show
from tensorlang.ir.verify import verify
from tensorlang.passes import PIPELINE, optimise
from tensorlang.passes.schedule import schedule
from tensorlang.sema import Setting, analyse
from tensorlang.source import Source
from tensorlang.syntax.format import format_text
from tensorlang.syntax.parse import parse

from .generate import Generated

TOLERANCE = 1e-8
Arrays = Mapping[str, np.ndarray]


def analysed(text: str) -> Program:
    """The Program of a text, or an assertion with the errors that it should not have."""
    problems = Problems()
    file = parse(Source("<generated>", text), problems)
    program = None if problems.errors else analyse(file, Setting(), problems)
    assert program is not None, f"a well-typed program is refused\n{render(problems.errors)}"
    verify(program, "analysis")
    return program


def referred(program: Program, generated: Generated) -> Arrays:
    return evaluate(program, generated.arrays, sizes_of(program, generated))


def sizes_of(program: Program, generated: Generated) -> dict[Symbol, int]:
    """What the inputs' shapes say about the sizes that the program leaves open."""
    sizes = {Symbol(name): size for name, size in generated.sizes.items()}
    for name, array in generated.arrays.items():
        axes = program.tensors[name].axes if name in program.tensors else ()
        for axis, length in zip(axes, array.shape, strict=False):
            if axis.size.symbol is not None:
                sizes[axis.size.symbol] = length
    return sizes


def difference(meant: Arrays, got: Arrays, names: tuple[str, ...]) -> str | None:
    """The first element that differs by more than rounding, relative to the largest element of its tensor."""
    for name in names:
        one, other = 1 * np.asarray(meant[name]), 1 * np.asarray(got[name])
        if one.shape != other.shape:
            return f"{name} has shape {one.shape} and {other.shape}"
        finite = np.abs(one[np.isfinite(one)])
        scale = max(1.0, float(finite.max())) if finite.size else 1.0
        with np.errstate(all="ignore"):
            same = (one == other) | (np.isnan(one) & np.isnan(other)) | (np.abs(one - other) <= TOLERANCE * scale)
        if not same.all():
            at = tuple(int(k) for k in np.argwhere(~same)[0])
            return f"{name}{list(at)} is {one[at]!r} and {other[at]!r}"
    return None


def rule_fault(generated: Generated) -> str | None:
    """The sums that the rule leaves to the reader against the sums written out."""
    short, long = analysed(generated.text), analysed(generated.meant)
    fault = difference(referred(short, generated), referred(long, generated), generated.outputs)
    return fault and f"the projection rule: {fault}\n--- as written ---\n{show(short)}\n--- as meant ---\n{show(long)}"


def format_fault(generated: Generated) -> str | None:
    """The formatter keeps the tree, and has nothing to change in what it gave."""
    once = format_text(Source("<generated>", generated.text))
    trees = [parse(Source("<generated>", text), Problems()) for text in (generated.text, once)]
    if trees[0] != trees[1]:
        return f"the formatter changes the tree:\n{once}"
    again = format_text(Source("<generated>", once))
    return None if again == once else f"the formatter changes its own text:\n{once}\n---\n{again}"


def torch_fault(generated: Generated) -> str | None:
    """The generated torch code against the reference, at the sizes given and at others for those that are open."""
    program = analysed(generated.text)
    with compiled(program) as built:
        for call in (generated, resized(program, generated)):
            if call is not None:
                fault = difference(referred(program, call), ran(built, call), call.outputs)
                if fault is not None:
                    return f"the torch backend: {fault}\n--- program ---\n{show(program)}\n--- code ---\n{built.text}"
    return None


def script_fault(generated: Generated) -> str | None:
    """The generated code in TorchScript against itself."""
    with compiled(analysed(generated.text)) as built:
        scripted = replace(built, compute=torch.jit.script(built.compute))
        fault = difference(ran(built, generated), ran(scripted, generated), generated.outputs)
        return fault and f"TorchScript: {fault}\n--- code ---\n{built.text}"


def gradient_fault(generated: Generated) -> str | None:
    """The slope of the outputs along a random direction, by differentiation and by a small step."""
    with compiled(analysed(generated.text)) as built:
        random = np.random.default_rng(len(generated.text))
        moved = [k for k, a in enumerate(built.plan.arguments) if a.kind != "size" and a.dtype == "float"]
        given = [argument(a, generated) for a in built.plan.arguments]
        for k in moved:
            given[k] = given[k] + torch.as_tensor(random.uniform(0.01, 0.1, given[k].shape))
        steps = [torch.as_tensor(random.normal(size=given[k].shape)) for k in moved]
        leaves = [given[k].clone().requires_grad_() for k in moved]
        value = weighted(built, _with(given, moved, leaves))
        if not moved or not value.requires_grad or not value.isfinite():
            return None
        slopes = torch.autograd.grad(value, leaves, allow_unused=True)
        slope = sum(float((g * step).sum()) for g, step in zip(slopes, steps, strict=True) if g is not None)
        differences = []
        for size in (1e-5, 1e-6):
            ends = [weighted(built, _with(given, moved, _stepped(given, moved, steps, s * size))) for s in (1, -1)]
            differences.append(float((ends[0] - ends[1]) / (2 * size)))
        scale = max(1.0, abs(slope), *map(abs, differences))
        if abs(differences[0] - differences[1]) > 1e-4 * scale:
            return None
        wrong = abs(slope - differences[1]) > 1e-3 * scale or slope != slope
        return f"the gradient: {slope} and {differences}\n--- code ---\n{built.text}" if wrong else None


def _stepped(given: list[Any], places: list[int], steps: list[torch.Tensor], size: float) -> list[torch.Tensor]:
    return [given[place] + size * step for place, step in zip(places, steps, strict=True)]


def _with(given: list[Any], places: list[int], values: list[torch.Tensor]) -> list[Any]:
    changed = list(given)
    for place, value in zip(places, values, strict=True):
        changed[place] = value
    return changed


def weighted(built: Built, given: list[Any]) -> torch.Tensor:
    """One number of all real outputs."""
    results = built.compute(*given)
    many = results if isinstance(results, tuple) else (results,)
    total = torch.zeros(())
    for k, result in enumerate(many):
        if result.is_floating_point():
            total = total + torch.tanh(result * 0.1).sum() * (1 + 0.1 * k)
    return total


@contextmanager
def compiled(program: Program) -> Iterator[Built]:
    """The generated code of a program in float64; nothing of it is left behind."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    built = build(schedule(optimise(program)), dtype="float64")
    try:
        yield built
    finally:
        torch.set_default_dtype(before)
        module = sys.modules.pop(built.compute.__module__)
        linecache.cache.pop(str(module.__file__), None)


def ran(built: Built, generated: Generated) -> Arrays:
    results = built.compute(*(argument(a, generated) for a in built.plan.arguments))
    many = results if isinstance(results, tuple) else (results,)
    names = [name for name, _ in built.plan.results]
    return {name: value.resolve_conj().numpy() for name, value in zip(names, many, strict=True)}


def argument(wanted: Argument, generated: Generated) -> Any:
    """The tensor of an argument, or the number where it is a size."""
    if wanted.kind == "size":
        return generated.sizes[wanted.tensor]
    array = generated.arrays[wanted.tensor]
    return torch.as_tensor(np.array(array, dtype=complex if wanted.dtype == "complex" else array.dtype))


def resized(program: Program, generated: Generated) -> Generated | None:
    """Other arrays, of other sizes where the program leaves them open; None where it leaves none."""
    sizes = {symbol: size + 1 for symbol, size in sizes_of(program, generated).items()}
    tensors = [program.tensors[name] for name in generated.arrays if name in program.tensors]
    shapes = {tensor.name: [size.value(sizes) for size in tensor.shape] for tensor in tensors}
    every = [size.value(sizes) for tensor in program.tensors.values() for size in tensor.shape]
    agreeing = all(left.value(sizes) == right.value(sizes) for left, right, _ in program.equalities)
    if not sizes or not agreeing or min(every, default=1) < 1:
        return None
    draw = np.random.default_rng(7)
    arrays = {}
    for tensor in tensors:
        values = draw.integers(-8, 9, shapes[tensor.name])
        if tensor.positions is not None:
            values = values % tensor.positions.value(sizes)
        kinds = {"bool": values > 0, "complex": values / 4 + 0.5j, "int": values}
        arrays[tensor.name] = np.asarray(kinds.get(tensor.dtype, values / 4))
    return replace(generated, arrays=arrays, sizes={symbol.name: size for symbol, size in sizes.items()})


def pass_fault(generated: Generated) -> str | None:
    """Every pass against none, by the reference."""
    program = analysed(generated.text)
    meant = referred(program, generated)
    # As the passes are run: what a circle reads is needed, though its own equations are not among the definitions.
    circles = frozenset().union(*(unit.reads for unit in program.cyclic))
    program = replace(program, outputs=(*program.outputs, *sorted(circles - set(program.outputs))))
    for name, step in PIPELINE:
        after = step(program)
        verify(after, name)
        fault = difference(meant, referred(after, generated), generated.outputs)
        if fault is not None:
            return f"the pass {name}: {fault}\n--- before ---\n{show(program)}\n--- after ---\n{show(after)}"
        program = after
    return None
