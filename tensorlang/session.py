"""A program that grows statement by statement: what the REPL and notebooks hold.

In: pieces of text. Out: the values of what they defined or asked. A name that is defined again is replaced, an error
leaves everything as it was, and parameters keep their trained values as long as their shape stays.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tensorlang.diagnostics import Problems, RunError, nearest, render, run_error
from tensorlang.driver import limited
from tensorlang.ir.program import QueryAction
from tensorlang.options import Options
from tensorlang.report import Reporter, Silent, Value, Values, as_problem
from tensorlang.source import Source, Span
from tensorlang.stages import Checked, Home, check_tree, explained, read_source
from tensorlang.statements import ACTIONS, Statements, defined, shown, written
from tensorlang.syntax import ast
from tensorlang.syntax.parse import parse

if TYPE_CHECKING:
    from tensorlang.actions import Run
    from tensorlang.module import Module


class Session:
    """Statements entered so far, the inputs given, and the parameters.

    ``run`` raises ``CompileError``/``RunError`` and then has changed nothing.
    """

    def __init__(self, options: Options | None = None, folder: str | None = None) -> None:
        self.options = options or Options()
        self.folder = folder
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._statements = Statements()
        self._given: dict[str, Any] = {}
        self._parameters: dict[str, Any] = {}
        self._arrays: dict[object, Any] = {}
        self._homes: Mapping[Source, str] = {}
        self._built: Module | None = None
        self._count = 0

    # --- entering --------------------------------------------------------------------------------------------------

    def run(self, text: str, reporter: Reporter | None = None) -> Values:
        """Add statements; returns the values of the tensors they define and of their queries, in order.

        A value that cannot be computed yet has ``data`` None and ``missing`` names what it waits for. ``reporter`` is
        told of notes, progress and failed assertions as they happen; without one a failed assertion is an error.
        """
        self._count += 1
        return self._enter(Source(f"<{self._count}>", text), Home(self.folder, self._homes), reporter, whole=False)

    def load(self, path: str, reporter: Reporter | None = None) -> Values:
        """Add the statements of a file and return its answers, as a run does; it finds its own files beside it."""
        source = read_source(path, self.options)
        home = Home(self.folder, {**self._homes, source: os.path.dirname(os.path.abspath(path))})
        return self._enter(source, home, reporter, whole=True)

    def _enter(self, source: Source, home: Home, reporter: Reporter | None, whole: bool) -> Values:
        problems = Problems()
        file = parse(source, problems, self.options.limits)
        problems.raise_errors()
        statements = self._statements.with_all(file.statements)
        with limited(self.options.limits.time):
            module = self._build(statements, file, home)
            values = self._act(module, file.statements, reporter, whole)
        # Nothing above has changed the session, so an error leaves it as it was.
        self._statements, self._built, self._homes = statements, module, home.others
        self._parameters = _values(module)
        return values

    def _build(self, statements: Statements, new: ast.File, home: Home) -> Module:
        """The whole program with the new actions; what was done before is not done again."""
        from tensorlang.compiled import Compiled
        from tensorlang.module import Module
        from tensorlang.stored import take_values

        actions = tuple(s for s in new.statements if isinstance(s, ACTIONS))
        checked = self._check(statements, actions, new.span, home)
        early = _too_early(statements, checked)
        if early:
            waiting = Statements(tuple(s for s in statements.kept if s not in early))
            without = self._check(waiting, actions, new.span, home)
            checked = checked if without.problems.errors else without
        checked.correct()
        module = Module(Compiled(checked, self.options, home, self._arrays)).eval()
        take_values(module, module.state.compiled, self._parameters)
        return module

    def _check(self, statements: Statements, actions: tuple[ast.Statement, ...], span: Span, home: Home) -> Checked:
        source = Source("<session>", statements.text)
        file = ast.File((*statements.kept, *actions), span=span)
        return check_tree(source, file, Problems(), self.options, home)

    def _act(
        self,
        module: Module,
        new: Sequence[ast.Statement],
        reporter: Reporter | None,
        whole: bool,
    ) -> Values:
        from tensorlang.actions import Run

        program = module.program
        running = Run(module, self._inputs(module), reporter or Silent(), self.options)
        warnings = module.state.compiled.checked.problems.warnings
        if reporter is not None and warnings:
            reporter.note(render(warnings))
        actions = iter(program.actions)
        values: list[Value] = []
        waiting: list[str] = []
        for statement in new:
            if not whole:
                waiting += [name for name in shown(statement) if name in program.tensors]
            if isinstance(statement, ACTIONS):
                values += running.values(_pop(waiting))
                action = next(actions)
                if isinstance(action, QueryAction):
                    values += running.values({action.tensor: action.title})
                else:
                    running.act(action)
        if whole and not program.actions:
            defined_here = {name for statement in new for name in defined(statement)}
            waiting += [name for name in program.outputs if name in defined_here]
        values += running.values(_pop(waiting))
        if reporter is None:
            _raise_failures(running)
        return Values(values)

    # --- asking ----------------------------------------------------------------------------------------------------

    def set(self, name: str, value: Any) -> None:
        """Give an input its value (a tensor, an array or a number)."""
        from tensorlang.binding import Shaped, bind, known_sizes
        from tensorlang.calling import unexpected
        from tensorlang.inputs import as_tensor, converted

        module = self._module()
        state = module.state
        tensor = state.compiled.given.get(name)
        if tensor is None:
            raise unexpected(name, state.compiled)
        made, chosen = as_tensor(value, tensor, state.device)
        bind(module.program, [Shaped(tensor, tuple(made.shape))], known_sizes(module.program, self.options.dims))
        converted(made, tensor, state.floating, chosen)
        self._given[name] = value if hasattr(value, "shape") else made.cpu().numpy()

    def __getitem__(self, name: str) -> Any:
        """The value of a tensor."""
        module = self._module()
        import torch

        with torch.no_grad():
            return module.evaluate((name,), **self._inputs(module))[name]

    def value(self, name: str) -> Value:
        """The value of a tensor with the labels of its axes."""
        from tensorlang.actions import valued

        return valued(self._module(), name, name, self[name])

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that may be used: tensors, dims, consts and modules, in the order of the text."""
        return self._statements.names

    def type(self, name: str) -> str:
        """One line about a name: ``Q[b,t,d]  float  2 x 5 x 64  defined``."""
        module = self._module()
        tensor = module.program.tensors.get(name)
        if tensor is not None:
            return f"{module.describe(name)}  {'defined' if tensor.kind == 'scanned' else tensor.kind}"
        for statement in reversed(self._statements.kept):
            if name in defined(statement):
                return written(statement).split("\n")[0].rstrip(":")
        near = nearest(name, self.names)
        raise run_error("E0609", f"`{name}` is not defined", help=[f"did you mean `{near}`?"] if near else [])

    def explain(self, name: str | None = None, stage: str = "program") -> str:
        """The program, or one tensor, after a stage."""
        return explained(self._module().state.compiled.checked, name, stage)

    @property
    def text(self) -> str:
        """All statements entered so far, as one program (``:save`` writes it)."""
        return self._statements.text

    @property
    def module(self) -> Module:
        """The program so far as a torch module."""
        return self._module()

    def _module(self) -> Module:
        if self._built is None:
            self._built = self._build(self._statements, _empty(), Home(self.folder, self._homes))
        return self._built

    def _inputs(self, module: Module) -> dict[str, Any]:
        return {name: value for name, value in self._given.items() if name in module.state.compiled.given}


def _too_early(statements: Statements, checked: Checked) -> tuple[ast.Statement, ...]:
    """Declarations that only a later equation will make sense of, where nothing else is wrong: they wait for it.

    A parameter whose size an equation tells; a `fixpoint` or a `scan` before the equations of its tensors.
    """
    kinds = {"E0302": ast.Declaration, "E0201": ast.Fixpoint | ast.Scan}
    found: dict[ast.Statement, None] = {}
    for problem in checked.problems.errors:
        able = [s for s in statements.kept if isinstance(s, kinds.get(problem.code, ()))]
        early = [s for s in able if problem.span is not None and _within(problem.span, s.span)]
        if not early:
            return ()
        found.update(dict.fromkeys(early))
    return tuple(found)


def _within(inner: Span, outer: Span) -> bool:
    return inner.source is outer.source and outer.start <= inner.start and inner.end <= outer.end


def _empty() -> ast.File:
    return ast.File((), span=Span(Source("<session>", ""), 0, 0))


def _pop(waiting: list[str]) -> dict[str, str]:
    """The names that wait to be shown, each once, and no longer waiting."""
    names = {name: name for name in waiting}
    waiting.clear()
    return names


def _values(module: Module) -> dict[str, Any]:
    """Copies of all parameters and buffers that have a size."""
    from torch.nn.parameter import is_lazy

    from tensorlang.stored import learned

    kept = learned(module, module.state.compiled)
    return {name: value.detach().clone() for name, value in kept.items() if not is_lazy(value)}


def _raise_failures(running: Run) -> None:
    failures = [*running.failures, *(failure for test in running.tests for failure in test.failures)]
    if failures:
        raise RunError([as_problem(failure) for failure in failures])
