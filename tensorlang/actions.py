"""A program's actions, done where they stand: queries, assertions, tests, training, files, plots.

In: a compiled module, the inputs, a ``Reporter``. Out: what the reporter was told, and the values and failures for the
caller. Nothing is computed that no action asks for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from tensorlang.binding import Shaped, bind, known_sizes
from tensorlang.calling import unknown_sizes
from tensorlang.data import Access, chosen, load_params, plot, read_tensors, save, save_params
from tensorlang.deduction import answered
from tensorlang.diagnostics import CompileError, render, run_error
from tensorlang.ir.program import (
    Action,
    AskAction,
    AssertAction,
    LoadAction,
    MinimizeAction,
    PlotAction,
    QueryAction,
    SaveAction,
    TestAction,
    WhyAction,
)
from tensorlang.module import Module
from tensorlang.options import Options
from tensorlang.records import dataclass, field, replace
from tensorlang.report import Answers, Failure, Reporter, TestResult, Value
from tensorlang.results import Outputs
from tensorlang.signature import Description
from tensorlang.source import Span
from tensorlang.stored import attribute, learned, materialise
from tensorlang.training import minimize
from tensorlang.unsettled import noting


@dataclass(slots=True)
class Run:
    """A run in progress. ``curves`` are the losses of trainings so far, ``outputs`` the values that were shown."""

    module: Module
    given: dict[str, Any]
    reporter: Reporter
    options: Options
    curves: dict[str, list[float]] = field(default_factory=dict)
    outputs: Outputs = field(init=False)
    described: dict[str, Description] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    tests: list[TestResult] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outputs = Outputs((), self.described.__getitem__)

    def access(self, span: Span) -> Access:
        """What an action may touch."""
        return self.module.state.compiled.home.access(self.options, span)

    def evaluate(self, *names: str) -> dict[str, torch.Tensor]:
        """Tensors of the program, without gradients."""
        with torch.no_grad(), noting(self.module.program, self.reporter.note, self.options.memory_budget):
            return self.module.evaluate(names, **self.given)

    def act(self, action: Action) -> None:
        """Do one action."""
        match action:
            case QueryAction():
                self.show(action.tensor, action.title)
            case AskAction():
                self.ask(action)
            case WhyAction():
                lines = self.module.state.compiled.deduction.proof(action.goal)
                self.reporter.proof(action.title, tuple(lines or ("it does not hold",)))
            case AssertAction():
                failure = self.failure(action)
                if failure is not None:
                    self.failures.append(failure)
                    self.reporter.failed(failure)
            case TestAction():
                self.test(action)
            case MinimizeAction():
                with noting(self.module.program, self.reporter.note, self.options.memory_budget):
                    curve = minimize(self.module, self.given, action, self.options, self.reporter)
                self.curves[action.loss] = curve
            case SaveAction():
                self.save(action)
            case LoadAction():
                load(self.module, self.access(action.span), action.path, action.span, action.params)
                self.reporter.note(f"loaded {action.path}")
            case PlotAction():
                self.plot(action)

    def show(self, name: str, title: str) -> None:
        value = valued(self.module, name, title, self.evaluate(name)[name])
        self.outputs[title] = value.data
        self.described[title] = self.module.describe(name)
        self.reporter.query(value)

    def ask(self, action: AskAction) -> None:
        """Answer a query over relations."""
        answers = answered(self.module.state.compiled.deduction, action)
        self.outputs[action.title] = answers.rows if action.variables else answers.count > 0
        self.reporter.answers(answers)

    def values(self, asked: Mapping[str, str]) -> list[Value]:
        """Values of tensors (name and title) as far as what they need is given."""
        ready = {name: self.missing(name) for name in asked}
        able = [name for name, missing in ready.items() if not missing]
        known = self.evaluate(*able) if able else {}
        return [valued(self.module, name, title, known.get(name), ready[name]) for name, title in asked.items()]

    def missing(self, name: str) -> tuple[str, ...]:
        """The inputs that a tensor needs and that are not given, and the sizes that nothing tells."""
        needed = self.module.program.restricted((name,)).tensors
        state = self.module.state
        waits = tuple(
            n for n in state.compiled.given if n in needed and n not in self.given and n not in state.defaults
        )
        return waits or unknown_sizes(self.module, state, name, self.given)

    # --- assertions ------------------------------------------------------------------------------------------------

    def failure(self, action: AssertAction) -> Failure | None:
        """What is wrong with an assertion, or None where it holds."""
        names = (action.tensor, *action.parts)
        values = self.evaluate(*dict.fromkeys(names))
        holds = values[action.tensor] != 0
        if bool(holds.all()):
            return None
        labels = self.labels(action.tensor)
        sides = [aligned(values[part], self.labels(part), labels, tuple(holds.shape)) for part in action.parts]
        at = _worst(holds, sides)
        return Failure(
            action.title,
            action.span.place,
            int((~holds).sum()),
            holds.numel(),
            tuple(zip(labels, at, strict=True)),
            tuple(side[at].item() for side in sides),
            operator_of(action.title) if sides else None,
        )

    def labels(self, name: str) -> tuple[str, ...]:
        return tuple(axis.label for axis in self.module.program.tensors[name].axes)

    def test(self, action: TestAction) -> None:
        """Run a test; its failures and errors count for it alone, and what it trains does not stay."""
        failures, self.failures = self.failures, []
        quiet = _Quiet(self.reporter)
        inner = replace(self, reporter=quiet)
        error = None
        before = {name: kept.clone() for name, kept in self.learned().items() if not is_lazy(kept)}
        try:
            for step in action.actions:
                inner.act(step)
        except CompileError as problem:
            error = render(problem.diagnostics)
        finally:
            with torch.no_grad():
                for name, kept in before.items():
                    attribute(self.module, name).copy_(kept)
            self.failures, found = failures, tuple(inner.failures)
        result = TestResult(action.name, action.span.place, found, error)
        self.tests.append(result)
        self.reporter.tested(result)

    def learned(self) -> dict[str, torch.Tensor]:
        return learned(self.module, self.module.state.compiled)

    # --- files -----------------------------------------------------------------------------------------------------

    def save(self, action: SaveAction) -> None:
        if action.params:
            save_params(self.access(action.span), action.path, ready_params(self.module, action.span), action.span)
        else:
            save(self.access(action.span), action.path, self.evaluate(*action.tensors), action.span)
        self.reporter.note(f"saved {action.path}")

    def plot(self, action: PlotAction) -> None:
        if action.curve and action.tensor in self.curves:
            values = torch.tensor(self.curves[action.tensor])
            plot(self.access(action.span), action.path, action.title, values, ("step",), True, action.span)
        else:
            value = self.evaluate(action.tensor)[action.tensor]
            plot(
                self.access(action.span),
                action.path,
                action.title,
                value,
                self.labels(action.tensor),
                False,
                action.span,
            )
        self.reporter.note(f"drew {action.path}")


class _Quiet:
    """The reporter inside a test: what fails is told with the test's result, answers and notes are not."""

    def __init__(self, outer: Reporter) -> None:
        self._outer = outer

    def query(self, value: Value) -> None:
        """Left out."""

    def answers(self, answers: Answers) -> None:
        """Left out."""

    def proof(self, title: str, lines: tuple[str, ...]) -> None:
        """Left out."""

    def note(self, text: str) -> None:
        """Left out."""

    def progress(self, loss: str, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        self._outer.progress(loss, step, steps, numbers)

    def failed(self, failure: Failure) -> None:
        """Told with the test's result."""

    def tested(self, result: TestResult) -> None:
        self._outer.tested(result)


def valued(module: Module, name: str, title: str, data: torch.Tensor | None, missing: tuple[str, ...] = ()) -> Value:
    """A tensor with the labels of its axes."""
    description = module.describe(name)
    shown = name if name.isidentifier() else title
    sizes = description.sizes if data is None else tuple(data.shape)
    return Value(shown, title, description.axes, sizes, description.dtype, data, missing, words_of(module, name))


def words_of(module: Module, name: str) -> tuple[tuple[str, ...] | None, ...]:
    """The entities of a tensor's axes, as far as they are over some."""
    program = module.program
    entities = program.facts.entities if program.facts is not None else {}
    return tuple(None if axis.domain is None else entities[axis.domain] for axis in program.tensors[name].axes)


def aligned(value: torch.Tensor, own: Sequence[str], labels: Sequence[str], shape: tuple[int, ...]) -> torch.Tensor:
    """A side of a comparison over the axes of the whole comparison."""
    present = [label for label in labels if label in own]
    ordered = value.permute([list(own).index(label) for label in present])
    spread = [size if label in own else 1 for label, size in zip(labels, shape, strict=True)]
    return ordered.reshape(spread).expand(shape)


def _worst(holds: torch.Tensor, sides: Sequence[torch.Tensor]) -> tuple[int, ...]:
    """The failing element where two sides are furthest apart; the first one where they cannot be compared."""
    if holds.dim() == 0:
        return ()
    wrong = (~holds).flatten()
    at = int(wrong.nonzero()[0])
    if len(sides) == 2:
        gap = (sides[0].to(torch.complex128) - sides[1].to(torch.complex128)).abs().flatten()
        gap = torch.where(wrong, gap.nan_to_num(nan=math.inf), -1.0)
        at = int(gap.argmax())
    return tuple(int(k) for k in torch.unravel_index(torch.tensor(at), holds.shape))


def operator_of(title: str) -> str | None:
    """The comparison of an assertion as it was written, outside of brackets."""
    depth = 0
    for at, char in enumerate(title):
        depth += (char in "([") - (char in ")]")
        if depth == 0 and char in "<>=!":
            return title[at : at + 2] if title[at + 1 : at + 2] == "=" else char
    return None


# --- parameters --------------------------------------------------------------------------------------------------


def ready_params(module: Module, span: Span | None) -> dict[str, torch.Tensor]:
    """Parameters and buffers, all of which must have a size."""
    params = learned(module, module.state.compiled)
    waiting = [name for name, kept in params.items() if is_lazy(kept)]
    if waiting:
        help = "a call with inputs, or `--dim`, gives it one"
        raise run_error("E0610", f"parameter `{waiting[0]}` has no size yet, so it cannot be saved", span, help=[help])
    return params


def load(module: Module, access: Access, path: str, span: Span | None, names: Sequence[str] = ()) -> None:
    """Fill parameters from a file; those without a size take it from there."""
    params = learned(module, module.state.compiled)
    wanted = {name: params[name] for name in names or params}
    if any(is_lazy(kept) for kept in wanted.values()):
        found, _ = read_tensors(access, path, span)
        shapes = {name: tuple(found[name].shape) for name in wanted if name in found}
        program = module.program
        shaped = [Shaped(program.tensors[name], shape, "loaded") for name, shape in shapes.items()]
        bindings = bind(program, shaped, known_sizes(program, {}))
        materialise(module, module.state.compiled, bindings, module.state.floating)
        params = learned(module, module.state.compiled)
        missing = [name for name in wanted if is_lazy(params[name])]
        if missing:
            raise run_error("E0610", f"`{path}` does not say the size of parameter `{missing[0]}`", span)
    load_params(access, path, params, span, names)


def load_chosen(module: Module, path: str) -> None:
    """Fill parameters from a file that the caller named."""
    access, name = chosen(path, module.state.compiled.options.limits)
    load(module, access, name, None)
