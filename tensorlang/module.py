"""A compiled program as a ``torch.nn.Module``.

In: tensors by name (``prog(X=x)``). Out: a dict from output names to tensors. Parameters and buffers are ordinary ones
under the names that the program gives them (``H.W`` is parameter ``W`` of submodule ``H``), so ``state_dict``,
optimisers, hooks, ``.to()``, ``functional_call`` and ``deepcopy`` work as with any module. What a call must satisfy is
checked once for each combination of shapes, element types and devices; later calls only look that combination up.
In training mode (``.train()``, in which a module begins, as any of torch does) a call is a step: it writes the buffers
that the program updates. In evaluation mode (``.eval()``) it changes nothing.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch

from tensorlang.binding import titled
from tensorlang.calling import Ready, State, Table, as_tensors, prepare
from tensorlang.compiled import Compiled, Kinds
from tensorlang.diagnostics import run_error
from tensorlang.draws import drawing
from tensorlang.inputs import FLOATS, as_tensor, converted, torch_dtype
from tensorlang.ir.domain import Symbol
from tensorlang.ir.mode import Mode
from tensorlang.ir.program import Program
from tensorlang.relations import held, is_floating, is_sparse, weights_of
from tensorlang.results import Outputs
from tensorlang.signature import Description, Signature, described, shown_size
from tensorlang.stages import explained, known_tensor, latex
from tensorlang.stored import Stored, attribute, fill, reset

if TYPE_CHECKING:
    from tensorlang.exporting import Exported
    from tensorlang.exporting.trial import Trial
    from tensorlang.report import Answers

Keep = Callable[[dict[str, torch.Tensor]], None]
_MOST_READY = 4096  # combinations of shapes remembered for one function
_MOST_RELATED = 8  # and of relations on pairs, which are kept with it


class Module(Stored):
    """A program compiled to PyTorch; see the file's head. Make one with ``tensorlang.compile``."""

    def __init__(self, compiled: Compiled) -> None:
        super().__init__()
        options = compiled.options
        # One attribute, set once: a program may have a parameter of any name.
        self._tl = State(compiled, FLOATS[options.dtype], usable_device(options.device))
        fill(self, compiled, self._tl.device, self._tl.floating)
        for name, value in options.values.items():
            if name in compiled.given:
                made, chosen = as_tensor(value, compiled.given[name], self._tl.device)
                self._tl.defaults[name] = converted(made, compiled.given[name], self._tl.floating, chosen)

    # --- calls -----------------------------------------------------------------------------------------------------

    def forward(self, *args: Any, **kwargs: Any) -> Outputs:
        """The outputs for inputs by name, or in declared order. Raises ``RunError`` for what does not fit."""
        if args:
            kwargs = self._named(args, kwargs)
        return self.call(self._tl.mains.get(self.training) or self.main(), kwargs)

    def evaluate(self, names: str | Sequence[str], /, **inputs: Any) -> Outputs:
        """Any tensors of the program, also those that are no outputs; only the inputs that they need must be given.

        They are those of the module's mode, and no buffer is written.
        """
        wanted = (names,) if isinstance(names, str) else tuple(names)
        return self.call(self.table(wanted), inputs)

    def bind(self, *args: Any, **inputs: Any) -> Module:
        """Check inputs as a call does and give parameters their sizes, but compute nothing."""
        table = self.main()
        prepare(self, self._tl, table.function, as_tensors(self._tl, table.function, self._named(args, inputs)))
        return self

    def call(self, table: Table, given: dict[str, Any], keep: Keep | None = None) -> Outputs:
        """What a function of the program computes from what is given.

        That of a step hands the next values of buffers to ``keep``, or writes them.
        """
        if self._tl.compiled.relations or self._tl.compiled.on_pairs:
            table, given, dense = self._related(table, given)
        else:
            dense = False
        try:
            key: list[object] = []
            for name, tensor in given.items():
                key += (name, tensor.shape, tensor.dtype, tensor.device)
            ready = table.ready.get(tuple(key))
        except (AttributeError, TypeError):
            ready = None  # not all of it are tensors
        if ready is None:
            ready, given = self._prepare(table, given, dense)
        if ready.converts:
            given = ready.convert(given)
        try:
            arguments = [(place or given)[name] for place, name in ready.sources]
        except KeyError:
            arguments = self._fetch(ready, given)
        if ready.positions:
            ready.check_positions(arguments)
        compute = ready.compute
        if ready.buffers:
            # The gradient of what reads a buffer needs it as it was.
            arguments = [a.clone() if n in ready.buffers else a for a, n in zip(arguments, ready.names, strict=True)]
        result = drawing(compute, arguments, self._tl.stream()) if ready.random else compute(*arguments)
        if ready.buffers:
            return self._after(ready, result, keep or self.write)
        if ready.handed is not None:
            return Outputs(ready.handed.outputs(ready.outputs, result), self.describe, self.entities)
        named = ((ready.only, result),) if ready.only is not None else zip(ready.outputs, result, strict=True)
        return Outputs(named, self.describe, self.entities)

    def _after(self, ready: Ready, result: Any, keep: Keep) -> Outputs:
        """The outputs of a step, the buffers taken care of."""
        values = result if isinstance(result, tuple) else (result,)
        own = values[: len(values) - len(ready.buffers)]
        if ready.handed is not None:
            outputs = Outputs(
                ready.handed.outputs(ready.outputs, own if len(own) != 1 else own[0]), self.describe, self.entities
            )
        else:
            outputs = Outputs(zip(ready.outputs, own, strict=True), self.describe, self.entities)
        keep({name: v.detach() for name, v in zip(ready.buffers, values[len(own) :], strict=True)})
        return outputs

    def write(self, values: Mapping[str, torch.Tensor]) -> None:
        """Give buffers new values, in place."""
        with torch.no_grad():
            for name, value in values.items():
                attribute(self, name).copy_(value)

    def _related(self, table: Table, given: dict[str, Any]) -> tuple[Table, dict[str, Any], bool]:
        """The function for relations as they are given: on pairs, with weights; and whether none was given so."""
        state, changed, kinds, dense = self._tl, dict(given), [], True
        for name in sorted(state.compiled.relations & given.keys()):
            tensor, value = state.compiled.given[name], given[name]
            found = held(value, tensor, state.device)
            dense = dense and not is_sparse(value)
            if found is not None:
                changed[name] = found
                if found.weights is not None:
                    changed[f"{name}.weights"] = weights_of(found, tensor, state.floating)
                kinds.append((name, "pairs" if found.weights is None else "weights"))
            elif is_floating(value):
                kinds.append((name, "table"))
        function = table.function
        changed |= self.told()
        if not kinds:
            return table, changed, dense
        step = function.mode is Mode.STEP
        return self.table(function.outputs, function.unbound, step, tuple(kinds)), changed, dense

    def told(self) -> dict[str, Any]:
        """What facts and rules define and is held on pairs: the relations, and the weights of those that have some."""
        state, found = self._tl, dict[str, Any]()
        for name, relation in state.told_relations().items() if state.compiled.on_pairs else ():
            found[name] = relation
            if relation.weights is not None:
                found[f"{name}.weights"] = relation.weights
        return found

    def _prepare(self, table: Table, given: dict[str, Any], dense: bool) -> tuple[Ready, dict[str, Any]]:
        """The slow path: what was given as tensors, and the checked call, remembered."""
        tensors = as_tensors(self._tl, table.function, given)
        key: list[object] = []
        for name, tensor in tensors.items():
            key += (name, tensor.shape, tensor.dtype, tensor.device)
        ready = table.ready.get(tuple(key))
        if ready is None:
            ready = prepare(self, self._tl, table.function, tensors, dense)
            if len(table.ready) >= (_MOST_RELATED if table.function.kinds else _MOST_READY):
                table.ready.clear()
            table.ready[tuple(key)] = ready
        return ready, tensors

    def _fetch(self, ready: Ready, given: dict[str, Any]) -> list[Any]:
        """The arguments where a parameter is no plain one any more (torch.nn.utils.parametrize makes properties)."""
        arguments = []
        for full, (place, name) in zip(ready.names, ready.sources, strict=True):
            kept = place if place is not None else given
            arguments.append(kept[name] if name in kept else attribute(self, full))
        return arguments

    def _named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Inputs without names, in the order of the declarations."""
        declared = self._tl.compiled.given
        if len(args) > len(declared):
            takes = ", ".join(f"`{titled(tensor)}`" for tensor in declared.values())
            help = f"it takes {takes}" if takes else "it has no inputs"
            count = f"{len(declared)} input{'s' if len(declared) != 1 else ''}"
            raise run_error("E0608", f"{len(args)} tensors were given, and the program has {count}", help=[help])
        named = dict(zip(declared, args, strict=False))
        twice = next((name for name in named if name in kwargs), None)
        if twice is not None:
            raise run_error("E0608", f"`{twice}` is given twice: by its place and by its name")
        return named | kwargs

    def table(
        self,
        outputs: tuple[str, ...],
        unbound: frozenset[Symbol] = frozenset(),
        step: bool = False,
        kinds: Kinds = (),
    ) -> Table:
        """The function of some tensors in the module's mode, with the calls of it seen so far.

        A ``step`` of training gives the next values of buffers, too; ``kinds`` says how relations are given.
        """
        state = self._tl
        mode = Mode.EVALUATION if not self.training else Mode.STEP if step else Mode.TRAINING
        key = (outputs, unbound, mode if state.compiled.has_modes else Mode.EVALUATION, kinds)
        if key not in state.tables:
            for name in outputs:
                known_tensor(state.compiled.program, name)
            function = state.compiled.function(outputs, state.floating, unbound, mode=mode, kinds=kinds)
            state.tables[key] = Table(function, {})
        return state.tables[key]

    def main(self) -> Table:
        """The function of the outputs."""
        if self.training not in self._tl.mains:
            self._tl.mains[self.training] = self.table(self.program.outputs, step=True)
        return self._tl.mains[self.training]

    # --- being a torch module --------------------------------------------------------------------------------------

    def _apply(self, fn: Any, recurse: bool = True) -> Module:
        super()._apply(lambda tensor: _applied(fn, tensor), recurse)  # type: ignore[no-untyped-call]
        state = self._tl
        probe = fn(torch.empty(0, dtype=state.floating, device=state.device))
        state.device = probe.device
        if probe.dtype.is_floating_point:
            state.floating = probe.dtype
        state.defaults = {name: fn(value) for name, value in state.defaults.items()}
        state.forget()
        return self

    def reset_parameters(self) -> None:
        """Give every parameter and buffer its first value again."""
        reset(self, self._tl.compiled)

    def extra_repr(self) -> str:
        return "\n".join([*(f"in  {d}" for d in self.inputs.values()), *(f"out {d}" for d in self.outputs.values())])

    # --- what it is ------------------------------------------------------------------------------------------------

    @property
    def inputs(self) -> dict[str, Description]:
        """What a call gives, in declared order."""
        return {name: self.describe(name) for name in self._tl.compiled.given}

    @property
    def outputs(self) -> dict[str, Description]:
        """What a call returns."""
        return {name: self.describe(name) for name in self.program.outputs}

    @property
    def dims(self) -> dict[str, int | str]:
        """The sizes of the declared domains; words where a call binds them."""
        program = self.program
        return {name: shown_size(size, program.sizes) for name, size in program.dims.items()}

    @property
    def source(self) -> str:
        """The generated PyTorch source that computes the outputs."""
        return self.main().function.text

    @property
    def text(self) -> str:
        """The program."""
        return self._tl.compiled.checked.source.text

    @property
    def program(self) -> Program:
        """The program as it was analysed."""
        return self._tl.compiled.program

    @property
    def state(self) -> State:
        """What the module knows beside its tensors; for the other parts of tensorlang."""
        return self._tl

    def describe(self, name: str) -> Description:
        """A tensor of the program in words."""
        program = self.program
        return described(program.tensors[known_tensor(program, name)], program.sizes)

    def entities(self, name: str) -> tuple[tuple[str, ...] | None, ...]:
        """For each axis of a tensor its entities, None where it is over none."""
        facts = self.program.facts
        axes = self.program.tensors[known_tensor(self.program, name)].axes
        return tuple(None if a.domain is None or facts is None else facts.entities[a.domain] for a in axes)

    def export(
        self,
        path: str | PathLike[str],
        outputs: Sequence[str] = (),
        given: Sequence[str] = (),
        *,
        check: bool = False,
        force: bool = False,
    ) -> Signature:
        """Write the program with its parameters to a file of its own; returns what the file says about itself.

        ``path`` ends in ``.pt`` (TorchScript) or ``.py`` (plain Python, its weights beside it as ``.safetensors``).
        ``outputs`` are the tensors that it returns (none: the program's), ``given`` data of the program that its
        callers give instead. ``check`` compares both on random inputs first: ``RunError`` where they differ by more
        than rounding. ``force`` replaces files that are there.
        """
        from tensorlang.exporting import Part, export, write

        exported = export(self, self._tl, os.fspath(path), Part(tuple(outputs), tuple(given)))
        if check:
            self.try_export(exported).passed(self._tl.floating)
        write(exported, self._tl.compiled.options.limits, force)
        return exported.signature

    def try_export(self, exported: Exported) -> Trial:
        """Compare an export with this module on random inputs; for the other parts of tensorlang."""
        before = self.training
        modes = (True, False) if self._tl.compiled.has_modes else (False,)
        try:
            trials = [self._tried(exported, mode) for mode in modes]
        finally:
            self.train(before)
            exported.model.eval()
        return max(trials, key=lambda found: found.difference)

    def _tried(self, exported: Exported, training: bool) -> Trial:
        """The trial in one mode; the next values of buffers count as results, and are not written."""
        from tensorlang.exporting.trial import trial

        self.train(training)
        exported.model.train(training)
        shapes = [self.program.tensors[name].shape for name in exported.part.given]
        unbound = frozenset(symbol for shape in shapes for size in shape for symbol in size.symbols)
        table = self.table(exported.part.outputs, unbound.intersection(self.program.sizes), step=True)

        def run(given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            written: dict[str, torch.Tensor] = {}
            outputs = self.call(table, given, written.update)
            return outputs | {f"next {name}": value for name, value in written.items()}

        return trial(self, self._tl, run, exported)

    def latex(self, name: str | None = None, explicit: bool = False) -> str:
        """The equations as an ``align*`` environment, those of one tensor or all; ``explicit`` writes out every sum."""
        return latex(self._tl.compiled.checked, name, explicit)

    def query(self, text: str) -> Answers:
        """The bindings for which conditions over relations hold: ``prog.query("Ancestor(Alice, x), x != Bob")``.

        Answers are iterated as tuples in the order of ``answers.variables``, entities as words; without variables they
        are true or false. Raises ``CompileError``.
        """
        from tensorlang.asking import query

        return query(self._tl.compiled, text)

    def facts(self, name: str) -> Answers:
        """All rows of a relation, given and derived, sorted by the positions of their entities."""
        from tensorlang.asking import facts

        return facts(self._tl.compiled, name)

    def why(self, text: str) -> str | None:
        """A proof of one fact as an indented tree, or None where it does not hold: ``prog.why("Ancestor(Al, Di)")``."""
        from tensorlang.asking import why

        return why(self._tl.compiled, text)

    def _repr_latex_(self) -> str:
        """What a notebook shows."""
        return self.latex()

    def explain(self, name: str | None = None, stage: str = "program") -> str:
        """The program, or one tensor of it, after a stage of the compiler."""
        return explained(self._tl.compiled.checked, name, stage)


def _applied(fn: Any, tensor: torch.Tensor) -> Any:
    """``fn`` of a tensor; complex ones stay complex, in the new floats' precision, where torch would drop a part."""
    if not tensor.is_complex():
        return fn(tensor)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about the part that it would drop
        probes = [
            fn(torch.empty(0, dtype=kind, device=tensor.device)) for kind in (tensor.dtype.to_real(), tensor.dtype)
        ]
    real, whole = probes
    wanted = tensor.dtype if real.dtype == tensor.dtype.to_real() else torch_dtype("complex", real.dtype)
    return fn(tensor) if whole.dtype == wanted == tensor.dtype else tensor.to(device=real.device, dtype=wanted)


def usable_device(name: str) -> torch.device:
    """A device by name, if this machine has it."""
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError):
        help = "devices here: cpu" + (", cuda" if torch.cuda.is_available() else "")
        raise run_error("E0615", f"there is no device `{name}` on this machine", help=[help]) from None
