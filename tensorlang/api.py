"""What ``import tensorlang as tl`` offers to Python: compile, function, run (and Session, of its own file).

In: program text or a path. Out: a ``torch.nn.Module`` whose parameters are ordinary ones, a function of tensors, or the
results of a run. Nothing here imports torch before it is called.
"""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from tensorlang.diagnostics import RunError, diagnostic, render
from tensorlang.handed import givers
from tensorlang.limits import Limits
from tensorlang.options import Options
from tensorlang.source import Source

if TYPE_CHECKING:
    from tensorlang.driver import Checked
    from tensorlang.module import Module
    from tensorlang.relations import Pairs

Program = str | PathLike[str]


def compile(
    program: Program,
    dims: Mapping[str, int] | None = None,
    dtype: str = "float32",
    device: str = "cpu",
    seed: int = 0,
    *,
    values: Mapping[str, float] | None = None,
    limits: Limits | None = None,
    folder: Program | None = None,
    allow_read: Sequence[Program] = (),
    allow_write: Sequence[Program] = (),
    memory_budget: int = 0,
    relations: Mapping[str, Any] | None = None,
) -> Module:
    """Compile a program to a ``torch.nn.Module``: ``prog(X=x)`` gives a dict from output names to tensors.

    ``program`` is text, or a path: a ``PathLike``, or a string of one line that ends in ``.tl``. ``dims`` are sizes,
    ``values`` numbers for consts, ``memory_budget`` the bytes that a gradient may keep (0: all). ``folder`` is where a
    program given as text finds its files (None: it may read none). ``relations`` are rows of declared relations:
    tuples, an integer array, a sparse tensor, a graph, a data frame. The module begins in training mode, as any of
    torch's does: ``.eval()`` for a program with ``training`` or ``update``. Raises ``CompileError``.
    """
    options = Options(
        dims={name: _whole(size) for name, size in (dims or {}).items()},
        values=dict(values or {}),
        dtype=str(dtype).removeprefix("torch."),
        device=str(device),
        seed=seed,
        limits=limits or Limits(),
        allow_read=tuple(os.fspath(path) for path in allow_read),
        allow_write=tuple(os.fspath(path) for path in allow_write),
        memory_budget=_whole(memory_budget),
        relations=givers(relations),
    )
    source, home = located(program, options, folder)
    return _module(source, options, home, 3)


def _whole(size: Any) -> Any:
    """An integer of another library as Python's own; anything else as it is, to be refused in words."""
    return operator.index(size) if hasattr(size, "__index__") and not isinstance(size, bool) else size


def located(program: Program, options: Options, folder: Program | None = None) -> tuple[Source, str | None]:
    """The text of a program, and the folder that its files may lie in."""
    from tensorlang.driver import read_source

    home = None if folder is None else os.fspath(folder)
    text = program if isinstance(program, str) else None
    if text is not None and not ("\n" not in text and text.endswith(".tl")):
        return Source("<string>", text), home
    path = os.fspath(program)
    return read_source(path, options), home or os.path.dirname(os.path.abspath(path))


def _module(source: Source, options: Options, folder: str | None, depth: int) -> Module:
    from tensorlang.compiled import Compiled
    from tensorlang.driver import check
    from tensorlang.module import Module
    from tensorlang.stages import Home

    checked = check(source, options, folder)
    checked.correct()
    _warn(checked, depth + 1)
    module = Module(Compiled(checked, options, Home(folder)))
    module.source  # noqa: B018  # errors of later stages belong to compiling, not to the first call
    return module


def _warn(checked: Checked, depth: int) -> None:
    """Pass the compiler's warnings on as Python's."""
    for problem in checked.problems.warnings:
        warnings.warn(render([problem]), stacklevel=depth)


class Callable:
    """A program as a function; ``module`` is what computes it."""

    def __init__(self, module: Module) -> None:
        self.module = module
        outputs = tuple(module.outputs)
        self._only = outputs[0] if len(outputs) == 1 else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        results = self.module(*args, **kwargs)
        return results if self._only is None else results[self._only]

    def __repr__(self) -> str:
        return f"<tensorlang function ({', '.join(self.module.inputs)}) -> {', '.join(self.module.outputs)}>"


def function(text: Program, **options: Any) -> Callable:
    """A program as a function of its inputs, in declared order or by name; one output comes bare, several as a dict.

    Takes the options of ``compile``. The module behind it is its attribute ``module``, in evaluation mode.
    """
    made = Callable(compile(text, **options))
    made.module.eval()
    return made


def pairs(index: Any, sizes: Sequence[int], *, values: Any = None) -> Pairs:
    """A relation by its pairs, for calls: ``prog(H=h, Edge=tl.pairs(index, (n, n)))``.

    ``index`` holds positions, [places, pairs], in any order; ``sizes`` are those of the places; ``values`` are weights,
    which take the place of truth in arithmetic. What comes more than once counts once, and its weights are added.
    """
    from tensorlang.relations import Pairs

    return Pairs(index, [operator.index(size) for size in sizes], values)


def run(program: Program, options: Options | None = None, /, **inputs: Any) -> dict[str, Any]:
    """Run a program with its actions (training, queries, files) as the command line does; returns the values by name.

    Raises ``RunError`` when an assertion fails.
    """
    from tensorlang import driver
    from tensorlang.report import as_problem

    chosen = options or Options()
    source, folder = located(program, chosen)
    results = driver.run(source, chosen, folder, inputs)
    failures = [*results.failures, *(failure for test in results.tests for failure in test.failures)]
    errors = [test for test in results.tests if test.error is not None]
    if failures or errors:
        problems = [as_problem(failure) for failure in failures]
        problems += [diagnostic("E0617", f"test {test.name!r} stopped", notes=[test.error or ""]) for test in errors]
        raise RunError(problems)
    return results.outputs
