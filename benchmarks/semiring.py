"""Row 12: products of matrices over other semirings, against the form that holds the joined tensor, in time and memory.

Products of 512 x 512 matrices, thin ones, many small ones, a matrix and a vector. The gradient by a matrix is as large
as what a product with a vector joins, so its memory has no goal there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

import tensorlang as tl
from benchmarks.allocation import peak
from benchmarks.networks import require_equal
from benchmarks.record import Row, Settings
from benchmarks.timing import in_turn

Product = Callable[[Tensor, Tensor], Tensor]
TIME, MEMORY = 0.5, 0.1


@dataclass(frozen=True, slots=True)
class Case:
    """An equation over A[b,i,j] and B[b,j,k] (or less), the same by broadcasting, and the shapes to run it at."""

    name: str
    program: str
    plain: Product
    left: tuple[int, ...]
    right: tuple[int, ...]


def _program(operator: str, batch: str = "", last: str = "k") -> str:
    left, right, result = (",".join(filter(None, (batch, *names))) for names in (("i", "j"), ("j", last), ("i", last)))
    return f"input A[{left}], B[{right}]\nY[{result}] {operator} A[{left}] + B[{right}]\n"


def _greatest(left: Tensor, right: Tensor) -> Tensor:
    return (left.unsqueeze(-1) + right.unsqueeze(-3)).amax(-2)


def _total(left: Tensor, right: Tensor) -> Tensor:
    return torch.logsumexp(left.unsqueeze(-1) + right.unsqueeze(-3), -2)


CASES = (
    Case("max-plus 512 x 512 x 512", _program("max="), _greatest, (512, 512), (512, 512)),
    Case("logsumexp-plus 512 x 512 x 512", _program("logsumexp="), _total, (512, 512), (512, 512)),
    Case("max-plus 2048 x 2048 x 8", _program("max="), _greatest, (2048, 2048), (2048, 8)),
    Case("max-plus matrix 4096 x 4096 and vector", _program("max=", last=""), lambda a, b: (a + b).amax(-1),
         (4096, 4096), (4096,)),
    Case("max-plus 256 of 64 x 64 x 64", _program("max=", "b"), _greatest, (256, 64, 64), (256, 64, 64)),
    Case("logsumexp-plus 256 of 64 x 64 x 64", _program("logsumexp=", "b"), _total, (256, 64, 64), (256, 64, 64)),
)  # fmt: skip


def measure(settings: Settings) -> Iterator[Row]:
    for case in CASES:
        yield from _rows(case, settings)
    yield from _by_library(settings)


def _rows(case: Case, settings: Settings) -> Iterator[Row]:
    """Forward, and forward with backward; the time, then the memory."""
    program = tl.compile(case.program)
    left, right = torch.randn(case.left), torch.randn(case.right)
    pair: tuple[Product, Product] = (lambda a, b: program(A=a, B=b)["Y"], case.plain)
    with torch.no_grad():
        require_equal(pair[0](left, right), pair[1](left, right), case.name)
        yield from _measured(f"{case.name}, forward", [_call(f, left, right) for f in pair], settings)
    left, right = left.requires_grad_(), right.requires_grad_()
    steps = [_step(function, left, right) for function in pair]
    require_equal(steps[0](), steps[1](), f"{case.name}, gradient")
    yield from _measured(f"{case.name}, forward + backward", steps, settings)


def _measured(name: str, calls: list[Callable[[], Tensor]], settings: Settings) -> Iterator[Row]:
    ours, theirs, ratio = in_turn(calls[0], calls[1], max(3, settings.repeat // 6))
    yield Row(12, name, ours, TIME, "broadcasting", theirs, ratio)
    held = [float(peak(call)) for call in calls]
    goal = None if "vector" in name and "backward" in name else MEMORY
    yield Row(12, f"{name}, memory", held[0], goal, "broadcasting", held[1], held[0] / held[1], unit="B")


def _call(function: Product, left: Tensor, right: Tensor) -> Callable[[], Tensor]:
    return lambda: function(left, right)


def _step(function: Product, left: Tensor, right: Tensor) -> Callable[[], Tensor]:
    """One evaluation with its gradients; the result is the gradient by the left matrix."""
    slope = torch.linspace(-1, 1, function(left, right).numel())

    def run() -> Tensor:
        result = function(left, right)
        first, _ = torch.autograd.grad(result, (left, right), slope.view(result.shape))
        return first

    return run


def _by_library(settings: Settings) -> Iterator[Row]:
    """``torch-semiring-einsum``, in blocks of the size that is best for it, where it is installed."""
    if importlib.util.find_spec("torch_semiring_einsum") is None:
        return
    import torch_semiring_einsum as library

    form = library.compile_equation("ij,jk->ik")
    left, right = torch.randn(512, 512), torch.randn(512, 512)
    theirs: dict[str, Product] = {
        "max=": lambda a, b: library.log_viterbi_einsum_forward(form, a, b, block_size=32)[0],
        "logsumexp=": lambda a, b: library.log_einsum(form, a, b, block_size=1),
    }
    for operator, function in theirs.items():
        program = tl.compile(_program(operator))
        pair = [_call(lambda a, b, p=program: p(A=a, B=b)["Y"], left, right), _call(function, left, right)]
        require_equal(pair[0](), pair[1](), operator)
        times = in_turn(pair[0], pair[1], 3)
        name = f"{operator[:-1]}-plus 512 x 512 x 512, forward"
        yield Row(12, name, times[0], TIME, "torch-semiring-einsum", times[1], times[2])
