"""What ``import tensorlang as tl`` offers to Python: compile, function, run (and Session, of its own file).

In: program text or a path. Out: a ``torch.nn.Module`` whose parameters are ordinary ones, a function of tensors, or the
results of a run. Nothing here imports torch before it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from tensorlang.limits import Limits

if TYPE_CHECKING:
    from tensorlang.module import Module


def compile(
    program: str | PathLike[str],
    dims: Mapping[str, int] | None = None,
    dtype: str = "float32",
    device: str = "cpu",
    seed: int = 0,
    *,
    values: Mapping[str, float] | None = None,
    limits: Limits | None = None,
    folder: str | PathLike[str] | None = None,
    allow_read: Sequence[str | PathLike[str]] = (),
    allow_write: Sequence[str | PathLike[str]] = (),
) -> Module:
    """Compile a program to a ``torch.nn.Module``: ``prog(X=x)`` gives a dict from output names to tensors.

    ``program`` is text, or a path: a ``PathLike``, or a string of one line that ends in ``.tl``. ``dims`` are sizes,
    ``values`` numbers for consts. ``folder`` is where a program given as text finds its files (None: it may read none).
    Raises ``CompileError``.
    """
    raise AssertionError(program)


def function(text: str | PathLike[str], **options: Any) -> Callable[..., Any]:
    """A program as a function of its inputs, in declared order or by name; one output comes bare, several as a dict.

    Takes the options of ``compile``. The module behind it is its attribute ``module``.
    """
    raise AssertionError(text)


def run(program: str | PathLike[str], **inputs: Any) -> dict[str, Any]:
    """Run a program with its actions (training, queries, files) as the command line does; returns the values by name.

    Raises ``RunError`` when an assertion fails.
    """
    raise AssertionError(program)
