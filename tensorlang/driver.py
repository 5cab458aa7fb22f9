"""The stages in order: text to tree to Program to Plan to source, and a program's actions from top to bottom.

In: a source, the caller's options and the program's folder. Out: what was found (``check``), a stage as text
(``explain``), or the results of a run. Importing this file and ``check``/``explain`` import no torch: only ``run`` and
``test`` do. Errors leave as ``CompileError`` or ``RunError``.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tensorlang.diagnostics import render, run_error
from tensorlang.ir.program import (
    Action,
    AskAction,
    AssertAction,
    FileRef,
    LoadAction,
    MinimizeAction,
    Program,
    QueryAction,
    TestAction,
    WhyAction,
)
from tensorlang.options import Options
from tensorlang.records import dataclass, field
from tensorlang.report import Failure, Reporter, Silent, TestResult
from tensorlang.source import Source
from tensorlang.stages import Checked, Home, check, explain, explained, read_source, stages
from tensorlang.syntax import ast

if TYPE_CHECKING:
    from tensorlang.actions import Run
    from tensorlang.exporting.trial import Trial

__all__ = [
    "Checked", "Compiling", "Options", "Results", "check", "compile_file", "explain", "explained", "read_source", "run",
    "stages", "test",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Results:
    """A finished run. ``outputs`` holds what queries and outputs gave; ``exit_code`` is 1 when an assertion failed."""

    outputs: dict[str, Any] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    tests: tuple[TestResult, ...] = ()

    @property
    def exit_code(self) -> int:
        return 1 if self.failures or any(not test.passed for test in self.tests) else 0


def run(
    source: Source,
    options: Options,
    folder: str | None,
    inputs: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> Results:
    """Compile and act from top to bottom; one that asks for nothing shows its outputs.

    ``inputs`` are tensors, arrays or numbers by name (``options.inputs`` adds files). ``reporter`` is told everything
    as it happens (None: nothing is printed). Raises ``CompileError`` or ``RunError``.
    """
    checked = check(source, options, folder)
    program = checked.correct()
    with limited(options.limits.time):
        running = _begin(checked, options, folder, inputs or {}, reporter or Silent())
        for action in program.actions:
            running.act(action)
        if _shows_outputs(checked):
            for name in program.outputs:
                running.show(name, name)
    return Results(running.outputs, tuple(running.failures), tuple(running.tests))


def _shows_outputs(checked: Checked) -> bool:
    """Whether a run ends with the outputs: nothing was asked for, and the program only defines, or declares some."""
    actions = checked.correct().actions
    declared = any(isinstance(s, ast.Declaration) and s.kind == "output" for s in checked.file.statements)
    asks = any(isinstance(action, QueryAction | AskAction | WhyAction) for action in actions)
    return not actions or (declared and not asks)


def test(
    source: Source,
    options: Options,
    folder: str | None,
    inputs: Mapping[str, Any] | None = None,  # noqa: PT028
    reporter: Reporter | None = None,  # noqa: PT028
) -> Results:
    """Run only the ``test`` blocks and the assertions, and the trainings and loads above them that they depend on.

    An assertion outside of a block counts as a test of its own.
    """
    checked = check(source, options, folder)
    program = checked.correct()
    with limited(options.limits.time):
        running = _begin(checked, options, folder, inputs or {}, reporter or Silent())
        for at, action in enumerate(program.actions):
            if isinstance(action, AssertAction):
                running.act(TestAction(action.title, (action,), action.span))
            elif isinstance(action, TestAction) or _prepares(program, action, program.actions[at + 1 :]):
                running.act(action)
    return Results(running.outputs, tuple(running.failures), tuple(running.tests))


@dataclass(frozen=True, slots=True)
class Compiling:
    """A finished export: the files written, the trial of it, where one was asked for, and of its tensors those that
    hold numbers which are not finite."""

    files: tuple[str, ...]
    trial: Trial | None
    strange: tuple[str, ...] = ()


def compile_file(
    source: Source,
    options: Options,
    folder: str | None,
    path: str,
    outputs: tuple[str, ...] = (),
    given: tuple[str, ...] = (),
    tried: bool = False,
    force: bool = False,
) -> Compiling:
    """Write a program with its parameters to ``path``: see ``Module.export``. ``tried`` compares both first."""
    from tensorlang.actions import load_chosen
    from tensorlang.compiled import Compiled
    from tensorlang.exporting import Part, export, form, write
    from tensorlang.module import Module

    form(path)
    module = Module(Compiled(check(source, options, folder), options, Home(folder))).eval()
    if options.load is not None:
        load_chosen(module, options.load)
    exported = export(module, module.state, path, Part(outputs, given))
    found = module.try_export(exported) if tried else None
    if found is not None:
        found.passed(module.state.floating)
    write(exported, options.limits, force)
    return Compiling(tuple(exported.files), found, exported.strange)


def _begin(
    checked: Checked, options: Options, folder: str | None, inputs: Mapping[str, Any], reporter: Reporter
) -> Run:
    """The compiled program with its data, inputs and first parameters."""
    from tensorlang.actions import Run, load_chosen
    from tensorlang.compiled import Compiled
    from tensorlang.module import Module

    if checked.problems.warnings:
        reporter.note(render(checked.problems.warnings))
    module = Module(Compiled(checked, options, Home(folder))).eval()  # training is what `minimize` does
    if options.load is not None:
        load_chosen(module, options.load)
    return Run(module, {**_from_files(module, options), **inputs}, reporter, options)


def _from_files(module: Any, options: Options) -> dict[str, Any]:
    """The inputs that the caller named files for."""
    from tensorlang.calling import unexpected
    from tensorlang.data import chosen, read

    given: dict[str, Any] = {}
    for name, path in options.inputs.items():
        tensor = module.state.compiled.given.get(name)
        facts = module.program.facts
        if tensor is None and facts is not None and name in facts.rulebook.relations:
            continue  # its rows were read when the program was checked
        if tensor is None:
            raise unexpected(name, module.state.compiled)
        access, inner = chosen(path, options.limits)
        given[name] = read(access, FileRef(inner, None, None, tensor.span))
    return given


def _prepares(program: Program, action: Action, later: tuple[Action, ...]) -> bool:
    """Whether a training or a load changes parameters that a later test or assertion depends on."""
    if isinstance(action, MinimizeAction):
        changed = set(action.over) or _params(program, (action.loss,))
    elif isinstance(action, LoadAction):
        changed = set(action.params) or {tensor.name for tensor in program.of_kind("param", "buffer")}
    else:
        return False
    return any(
        changed & _params(program, _asked(test)) for test in later if isinstance(test, TestAction | AssertAction)
    )


def _asked(action: Action) -> tuple[str, ...]:
    if isinstance(action, TestAction):
        return tuple(name for step in action.actions for name in _asked(step))
    return (action.tensor,) if isinstance(action, AssertAction) else ()


def _params(program: Program, names: tuple[str, ...]) -> set[str]:
    return {tensor.name for tensor in program.restricted(names).of_kind("param", "buffer")}


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Stop what runs inside after so many seconds (0: never), where the system can interrupt us.

    Running out of memory in spite of the estimate is an error in words, too.
    """
    with _memory_told(), _time_told(seconds):
        yield


@contextlib.contextmanager
def _memory_told() -> Iterator[None]:
    """An allocation that failed although the estimate had allowed it, in words."""
    try:
        yield
    except (MemoryError, RuntimeError) as problem:
        words = str(problem).lower()
        if not isinstance(problem, MemoryError) and "out of memory" not in words and "allocate memory" not in words:
            raise
        help = "use smaller sizes or minibatches (`batch=(n, 64)`); `--limit-memory` refuses such a program at once"
        raise run_error("E0901", "the machine has no more memory to give", help=[help]) from None


@contextlib.contextmanager
def _time_told(seconds: float) -> Iterator[None]:
    able = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if seconds <= 0 or not able:
        yield
        return

    def stop(signum: int, frame: object) -> None:
        help = f"`--limit-time {2 * seconds:g}` allows more"
        raise run_error("E0912", f"stopped after {seconds:g} seconds, the limit of a run", help=[help])

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
