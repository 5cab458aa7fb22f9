"""A program on its way to running: the functions that compute some of its tensors, made when first asked for.

In: a checked program and the caller's options. Out: for any set of tensors (and element type of ``float``) a
``Function``: the generated source, and the callable made from it with what it takes. Copies of a module share one
``Compiled``; pickled, it is its text and options, and is compiled again.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

import torch

from tensorlang.backends.torch_module import Generated, build
from tensorlang.data import read
from tensorlang.deduction import Deduction
from tensorlang.diagnostics import Problems
from tensorlang.draws import draws
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.listing import Listing
from tensorlang.ir.mode import Mode, has_modes, in_mode, of_step
from tensorlang.ir.pairs import stored_on_pairs, told_on_pairs
from tensorlang.ir.plan import Plan
from tensorlang.ir.program import FileRef, Program, Tensor, Update
from tensorlang.options import Options
from tensorlang.passes.in_parts import in_parts
from tensorlang.records import dataclass, replace
from tensorlang.source import Source
from tensorlang.stages import Checked, Home, check, check_tree, planned
from tensorlang.unsettled import told


@dataclass(frozen=True, slots=True)
class Function:
    """Computes ``outputs``: ``compute(*arguments of the plan)`` returns one bare, several as a tuple.

    ``program`` is the part of the program that is needed; ``given`` are the tensors of it that a call gives. Where
    sizes are ``unbound``, data may be given too: a batch of it. ``plain`` is the function of the text itself. That of a
    step of training computes behind ``outputs`` what its ``updates`` write, in their order.
    """

    outputs: tuple[str, ...]
    program: Program
    plan: Plan
    text: str
    compute: Callable[..., Any]
    given: tuple[str, ...]
    unbound: frozenset[Symbol] = frozenset()
    random: bool = False
    plain: Callable[..., Any] | None = None
    mode: Mode = Mode.EVALUATION
    updates: tuple[Update, ...] = ()
    kinds: Kinds = ()

    @property
    def computed(self) -> tuple[str, ...]:
        """All that it computes."""
        return (*self.outputs, *(update.value for update in self.updates))


# How relations are given that are not tables of truth values: on "pairs", on pairs with "weights", as a "table" of
# weights; by name, in order.
Kinds = tuple[tuple[str, str], ...]


def is_given(tensor: Tensor) -> bool:
    """Whether a call gives this tensor: an input, or a relation that the program does not fill."""
    return tensor.kind == "input" or (tensor.kind == "relation" and tensor.file is None and tensor.literal is None)


class Compiled:
    """One checked program with its options; knows no tensors."""

    def __init__(self, checked: Checked, options: Options, home: Home, arrays: dict[object, Any] | None = None) -> None:
        """``arrays`` keeps the contents of data files between programs that load the same ones."""
        self.checked = checked
        self.program = checked.correct()
        self.options = options
        self.home = home
        self.has_modes = has_modes(self.program)
        self.given = {tensor.name: tensor for tensor in self.program.tensors.values() if is_given(tensor)}
        self._arrays = arrays
        self.relations = frozenset(name for name, tensor in self.given.items() if tensor.kind == "relation")
        self.on_pairs = told_on_pairs(self.program)
        self._functions: dict[tuple[object, ...], Function] = {}
        self._weighted: dict[frozenset[str], Program] = {}
        self._lock = threading.Lock()
        self._deduction: Deduction | None = None
        self.listings: dict[tuple[FileRef, tuple[str, ...]], Listing] = {}

    @property
    def deduction(self) -> Deduction:
        """What follows from the program's facts."""
        if self._deduction is None:
            assert self.program.facts is not None, "a program without facts is asked what follows from them"
            self._deduction = Deduction(self.program.facts, self.options.limits)
        return self._deduction

    def function(
        self,
        outputs: tuple[str, ...],
        floating: torch.dtype,
        unbound: frozenset[Symbol] = frozenset(),
        empty: frozenset[Size] = frozenset(),
        mode: Mode = Mode.EVALUATION,
        kinds: Kinds = (),
    ) -> Function:
        """The function of some tensors; ``unbound`` are sizes to leave open although the program's files tell them.

        ``empty`` are sizes that are 0 in the calls that it is for, ``kinds`` how relations are given in them.
        """
        mode = mode if self.has_modes else Mode.EVALUATION
        kinds = tuple(sorted({*kinds, *self.on_pairs.items()}))
        key = (outputs, floating, unbound, empty, mode, kinds)
        with self._lock:
            if key not in self._functions:
                self._functions[key] = self._make(outputs, floating, unbound, empty, mode, kinds)
            return self._functions[key]

    def related(self, kinds: Kinds) -> Program:
        """The program for relations given so; raises ``CompileError`` where it is wrong for weights."""
        weighted = frozenset(name for name, kind in kinds if kind != "pairs" and name not in self.on_pairs)
        if weighted not in self._weighted:
            checked, problems = self.checked, Problems()
            if weighted:
                checked = check_tree(
                    checked.source, checked.file, problems, self.options, self.home, self.listings, weighted
                )
            self._weighted[weighted] = checked.correct()
        program = self._weighted[weighted]
        on_pairs = frozenset(name for name, kind in kinds if kind != "table")
        return replace(stored_on_pairs(program, on_pairs), pairs_out=True) if on_pairs else program

    def _make(
        self,
        outputs: tuple[str, ...],
        floating: torch.dtype,
        unbound: frozenset[Symbol],
        empty: frozenset[Size],
        mode: Mode,
        kinds: Kinds,
    ) -> Function:
        whole, updates = self.in_mode(outputs, mode, self.related(kinds))
        if unbound:
            whole = replace(whole, sizes={s: n for s, n in whole.sizes.items() if s not in unbound})
        computed = (*outputs, *(update.value for update in updates))
        program = whole.restricted(computed)
        made = build(planned(whole, computed, empty), dtype=str(floating).removeprefix("torch."))
        given = tuple(name for name in self.given if name in program.tensors)
        compute = told(in_type(made.compute, made.plan, floating), made.plan) if computed else _nothing
        random = draws(program)
        return Function(
            outputs,
            program,
            made.plan,
            made.text,
            compute,
            given,
            unbound,
            random,
            made.compute,
            mode,
            updates,
            kinds,
        )

    def in_mode(
        self, outputs: tuple[str, ...], mode: Mode, program: Program | None = None
    ) -> tuple[Program, tuple[Update, ...]]:
        """The program in a mode, and the updates that are due when it computes some tensors."""
        whole = program or self.program
        return of_step(whole, outputs) if mode is Mode.STEP else (in_mode(whole, mode), ())

    def in_parts(self, function: Function, every: Mapping[str, int], floating: torch.dtype) -> Function:
        """A function whose loops store one position in ``every`` for the gradient."""
        key = (function.text, floating, function.unbound, function.kinds, tuple(sorted(every.items())))
        with self._lock:
            if key not in self._functions:
                made = build(in_parts(function.plan, every), dtype=str(floating).removeprefix("torch."))
                self._functions[key] = self._around(function, made, floating)
            return self._functions[key]

    def as_loops(self, function: Function, floating: torch.dtype) -> Function:
        """A function whose recurrences all go position by position, unless they were asked to be run otherwise."""
        key = (function.outputs, floating, function.unbound, function.mode, function.kinds, "loops")
        with self._lock:
            if key not in self._functions:
                scans = tuple(
                    replace(scan, manner=replace(scan.manner, method="loop")) if scan.manner.method == "auto" else scan
                    for scan in function.program.scans
                )
                made = build(
                    planned(replace(function.program, scans=scans), function.computed),
                    dtype=str(floating).removeprefix("torch."),
                )
                self._functions[key] = self._around(function, made, floating)
            return self._functions[key]

    def _around(self, function: Function, made: Generated, floating: torch.dtype) -> Function:
        """The same function with another text."""
        compute = told(in_type(made.compute, made.plan, floating), made.plan)
        return replace(function, plan=made.plan, text=made.text, compute=compute, plain=made.compute)

    def read(self, file: FileRef) -> Any:
        """The array of a data file."""
        access = self.home.access(self.options, file.span)
        if self._arrays is None:
            return read(access, file)
        key = (file, access.folder, _facts(os.path.join(access.folder or "", file.path)))
        if key not in self._arrays:
            self._arrays[key] = read(access, file)
        return self._arrays[key]

    def __deepcopy__(self, memo: object) -> Compiled:
        return self

    def __reduce__(self) -> tuple[Callable[..., Compiled], tuple[object, ...]]:
        source = self.checked.source
        return again, (source.name, source.text, self.options, self.home.folder)


def _facts(path: str) -> tuple[int, int] | None:
    """When a file was changed and how large it is: a new one is read again."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


def in_type(compute: Callable[..., Any], plan: Plan, floating: torch.dtype) -> Callable[..., Any]:
    """``compute`` where ``float`` is the program's.

    Generated code takes that type from its arguments; where it has none, it asks for torch's default, which is then
    set.
    """
    if any(argument.dtype in ("float", "complex") for argument in plan.arguments):
        return compute

    def with_default(*arguments: Any) -> Any:
        before = torch.get_default_dtype()
        if before == floating:
            return compute(*arguments)
        torch.set_default_dtype(floating)
        try:
            return compute(*arguments)
        finally:
            torch.set_default_dtype(before)

    return with_default


def _nothing(*arguments: Any) -> tuple[Any, ...]:
    """What a program without outputs computes."""
    return ()


def again(name: str, text: str, options: Options, folder: str | None) -> Compiled:
    """Compile from text: what unpickling does."""
    return Compiled(check(Source(name, text), options, folder), options, Home(folder))
