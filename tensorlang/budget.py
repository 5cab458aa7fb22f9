"""The limits on memory and work, checked on the plan before anything runs.

In: a plan, the sizes of a call, the limits. Out: nothing, or a ``RunError`` that names the largest tensor, its shape,
its bytes, the limit and the flag that raises it. What is only another view of a tensor counts for nothing; everything
else counts as long as it lives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from tensorlang.binding import in_words
from tensorlang.diagnostics import RunError, diagnostic
from tensorlang.ir.code import Call
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.plan import LoopPlan, Plan, Step, is_view
from tensorlang.ir.program import Tensor
from tensorlang.limits import Limits
from tensorlang.records import dataclass
from tensorlang.source import Span

Sizes = Mapping[Symbol, int]

_WIDTH = {"bool": 1, "int": 8, "bf16": 2, "float64": 8}
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def in_bytes(number: int) -> str:
    """``1.5 GiB``, in the units that ``--limit-memory`` takes."""
    power = 0 if number < 1024 else min(len(_UNITS) - 1, (number.bit_length() - 1) // 10)
    return f"{number / 1024**power:.3g} {_UNITS[power]}" if power else f"{number} bytes"


@dataclass(frozen=True, slots=True)
class Piece:
    """One tensor of a plan in memory."""

    shape: tuple[int, ...]
    bytes: int
    span: Span | None


def widths(floating: int) -> dict[str, int]:
    """The bytes of one element, ``floating`` those of a float."""
    return {**_WIDTH, "float": floating, "complex": max(8, 2 * floating)}


def check_kept(tensors: Iterable[Tensor], sizes: Sizes, limits: Limits, floating: int) -> None:
    """Raise ``RunError`` where parameters, buffers and data, as far as their sizes are known, need too much memory."""
    width = widths(floating)
    known = [tensor for tensor in tensors if all(size.symbols <= sizes.keys() for size in tensor.shape)]
    pieces = [
        Piece(shape, math.prod(shape) * width[t.dtype], t.span) for t in known for shape in (_shape(t.shape, sizes),)
    ]
    total = sum(piece.bytes for piece in pieces)
    if total > limits.memory:
        raise _too_large(total, max(pieces, key=lambda piece: piece.bytes), limits.memory)


def check_budget(plan: Plan, sizes: Sizes, limits: Limits, floating: int) -> None:
    """Raise ``RunError`` where the plan needs more memory or work than allowed; a float takes ``floating`` bytes."""
    peak, largest = _peak(plan, sizes, widths(floating))
    if peak > limits.memory and largest is not None:
        raise _too_large(peak, largest, limits.memory)
    work = [(sum(_product(factors, sizes) for factors in step.work), step) for step in plan.steps]
    total = sum(count for count, _ in work)
    if total > limits.operations:
        raise _too_long(total, *max(work, key=lambda item: item[0]), limits.operations)


def kept_by_steps(plan: Plan, sizes: Sizes, floating: int) -> int:
    """About what a gradient keeps of a plan, its loops left out: every real tensor that its steps make, once.

    An upper bound for most programs: a sum keeps nothing, a function what it takes or what it gives.
    """
    width = widths(floating)
    slots = {slot.name: slot for slot in plan.slots}
    functions = {loop.function for loop in plan.loops}
    total = 0
    for step in plan.steps:
        if is_view(step.code) or (isinstance(step.code, Call) and step.code.function in functions):
            continue
        made = [*step.scratch, *((slots[step.target].shape, slots[step.target].dtype),)]
        for shape, dtype in made:
            total += 0 if dtype in ("bool", "int") else math.prod(_shape(shape, sizes)) * width[dtype]
    return total


def kept_at_most(plan: Plan, sizes: Sizes, floating: int) -> int:
    """About what a gradient keeps of a plan, its loops included: each step of them at each position."""
    total = kept_by_steps(plan, sizes, floating)
    for loop in plan.loops:
        if isinstance(loop, LoopPlan):
            total += loop.loop.scan.steps.value(sizes) * kept_at_most(loop.body, sizes, floating)
    return total


def training_too_large(total: int, limit: int, span: Span | None, advice: str | None) -> RunError:
    """The error of a training whose gradient keeps more than the limit on memory."""
    message = f"this training needs about {in_bytes(total)} of memory, more than the limit of {in_bytes(limit)}"
    place = (span, "its gradient keeps what it needs of the way to the loss") if span is not None else None
    flag = f"`--limit-memory {_rounded(total)}` (in Python `Limits(memory=...)`) allows it"
    tips = [*([advice] if advice else []), "smaller batches keep less", flag]
    return RunError([diagnostic("E0901", message, place, help=tips)])


def _peak(plan: Plan, sizes: Sizes, width: Mapping[str, int]) -> tuple[int, Piece | None]:
    """The most bytes that are alive at once, and the largest tensor."""
    slots = {slot.name: slot for slot in plan.slots}
    ends: dict[int, int] = {}
    alive = peak = 0
    largest: Piece | None = None
    for at, step in enumerate(plan.steps):
        slot = slots.get(step.target)
        scratch = [_piece(step, shape, width[dtype], sizes) for shape, dtype in step.scratch]
        pieces = list(scratch)
        if slot is not None and not is_view(step.code):
            own = _piece(step, slot.shape, width[slot.dtype], sizes)
            ends[slot.dies] = ends.get(slot.dies, 0) + own.bytes
            alive += own.bytes
            pieces.append(own)
        peak = max(peak, alive + sum(piece.bytes for piece in scratch))
        largest = max((*pieces, *((largest,) if largest else ())), key=lambda piece: piece.bytes, default=None)
        alive -= ends.pop(at, 0)
    return peak, largest


def _piece(step: Step, sizes_of: tuple[Size, ...], width: int, sizes: Sizes) -> Piece:
    shape = _shape(sizes_of, sizes)
    return Piece(shape, math.prod(shape) * width, step.span)


def _shape(shape: tuple[Size, ...], sizes: Sizes) -> tuple[int, ...]:
    return tuple(size.value(sizes) for size in shape)


def _product(factors: tuple[Size, ...], sizes: Sizes) -> int:
    return math.prod(_shape(factors, sizes))


def _too_large(peak: int, largest: Piece, limit: int) -> RunError:
    message = f"the program needs {in_bytes(peak)} of memory, more than the limit of {in_bytes(limit)}"
    label = f"a tensor of {in_words(largest.shape)}, {in_bytes(largest.bytes)}"
    place = (largest.span, label) if largest.span is not None else None
    notes = [] if largest.span is not None else [f"the largest is {label}"]
    flag = f"`--limit-memory {_rounded(peak)}`" if peak < 1 << 50 else "`--limit-memory`"
    tips = [f"{flag} (in Python `Limits(memory=...)`) {'allows it' if peak < 1 << 50 else 'sets the limit'}"]
    return RunError([diagnostic("E0901", message, place, notes=notes, help=tips)])


def _rounded(number: int) -> str:
    """A little more, in the largest unit of the command line that leaves a whole number of two digits or so."""
    for power, unit in ((4, "T"), (3, "G"), (2, "M"), (1, "K")):
        if number >= 4 * 1024**power:
            return f"{-(-number // 1024**power)}{unit}"
    return str(number)


def _too_long(total: int, count: int, step: Step, limit: int) -> RunError:
    message = f"the program would take {total:.3g} multiplications, more than the limit of {limit:.3g}"
    place = (step.span, f"{count:.3g} of them") if step.span is not None else None
    digits = 10 ** (len(str(total)) - 1)
    tips = [f"`--limit-operations {-(-total // digits) * digits}` (in Python `Limits(operations=...)`) allows them"]
    return RunError([diagnostic("E0902", message, place, help=tips)])
