"""What a call must satisfy, and what it takes to make it: checked once for each combination of shapes and types.

In: a module with its ``State``, the function that is wanted, the tensors given by name. Out: a ``Ready`` that later
calls of the same combination look up: where each argument comes from, what must be converted, which hold positions to
check.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch

from tensorlang.binding import Bindings, Origin, Shaped, bind, check_program, declared, in_words, known_sizes, numbers
from tensorlang.budget import check_budget
from tensorlang.compiled import Compiled, Function, Kinds
from tensorlang.diagnostics import Diagnostic, RunError, diagnostic, nearest, render, run_error
from tensorlang.draws import stream
from tensorlang.inputs import as_tensor, check_device, check_positions, converted
from tensorlang.ir.domain import Symbol
from tensorlang.ir.pairs import KIND
from tensorlang.ir.plan import every_plan
from tensorlang.ir.program import Program, Tensor
from tensorlang.keeping import need_of, over_budget, parts_within
from tensorlang.passes.vanishing import empty_sizes
from tensorlang.records import dataclass, field
from tensorlang.relations import Held, Maker, as_sparse, held, is_floating, is_sparse, told_on_pairs, weights_of
from tensorlang.stored import Stored, holder, materialise, stored

Given = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that fits. ``sources`` says where each argument is: a dictionary (None: what was given) and its name.

    ``names`` are the arguments' full names. Behind ``outputs``, ``compute`` returns the next values of ``buffers``.
    ``handed`` are the outputs that relations on pairs hold: each with the columns of its places and its sizes.
    """

    outputs: tuple[str, ...]
    only: str | None
    compute: Callable[..., Any]
    sources: tuple[tuple[Mapping[str, Any] | None, str], ...]
    converts: tuple[tuple[str, Tensor], ...]
    positions: tuple[tuple[int, Tensor, int], ...]
    floating: torch.dtype
    random: bool
    names: tuple[str, ...]
    buffers: tuple[str, ...] = ()
    handed: Handed | None = None

    def convert(self, given: Given) -> Given:
        return given | {name: converted(given[name], tensor, self.floating, True) for name, tensor in self.converts}

    def check_positions(self, arguments: Sequence[Any]) -> None:
        for at, tensor, size in self.positions:
            check_positions(arguments[at], tensor, size)


@dataclass(frozen=True, slots=True)
class Handed:
    """Results by the names of the outputs, where some are held on pairs: ``results`` are the names that a function
    returns, ``parts`` for each output on pairs its values, columns, places and sizes; ``dense`` makes them tables."""

    results: tuple[str, ...]
    parts: Mapping[str, tuple[str | None, tuple[torch.Tensor, ...], tuple[int | None, ...], tuple[int, ...]]]
    dense: bool

    def outputs(self, names: Sequence[str], found: Any) -> dict[str, torch.Tensor]:
        values = (
            {}
            if not self.results
            else dict(zip(self.results, (found,) if len(self.results) == 1 else found, strict=True))
        )
        made = {}
        for name in names:
            if name in self.parts:
                held, columns, places, shape = self.parts[name]
                sparse = as_sparse(None if held is None else values[held], columns, places, shape)
                made[name] = sparse.to_dense() if self.dense else sparse
            else:
                made[name] = values[name]
        return made


@dataclass(frozen=True, slots=True)
class Table:
    """A function, and the calls of it that are known to fit."""

    function: Function
    ready: dict[tuple[object, ...], Ready]


@dataclass(slots=True)
class State:
    """What a module knows beside its tensors. ``defaults`` are inputs that the caller of the compiler gave already."""

    compiled: Compiled
    floating: torch.dtype
    device: torch.device
    defaults: dict[str, torch.Tensor] = field(default_factory=dict)
    tables: dict[tuple[object, ...], Table] = field(default_factory=dict)
    mains: dict[bool, Table] = field(default_factory=dict)
    checked: set[tuple[str, int]] = field(default_factory=set)
    generator: torch.Generator | None = None
    told: dict[str, Held] = field(default_factory=dict)

    def told_relations(self) -> dict[str, Held]:
        """The relations that facts and rules define and that are held on pairs, derived when first asked for."""
        for name in self.compiled.on_pairs.keys() - self.told.keys():
            program = self.compiled.program
            tensor = program.tensors[name]
            self.told[name] = told_on_pairs(self.compiled.deduction, tensor, program.sizes, self.device, self.floating)
        return self.told

    def stream(self) -> torch.Generator:
        """Where random functions draw from."""
        if self.generator is None or self.generator.device != self.device:
            self.generator = stream(self.compiled.options.seed, self.device)
        return self.generator

    def forget(self) -> None:
        """Drop the calls that were checked: devices or element types have changed."""
        self.tables, self.mains, self.checked, self.told = {}, {}, set(), {}

    def __reduce__(self) -> tuple[Callable[..., State], tuple[object, ...]]:
        # Calls that were checked hold the tensors' dictionaries of one module, so a copy begins without any.
        return State, (self.compiled, self.floating, self.device, self.defaults)


def related(state: State, given: Given) -> tuple[Given, Kinds, bool]:
    """What is given with relations as they go into a function, of which kinds those of its caller are, and whether
    none of these was given on pairs."""
    changed, kinds, dense = dict(given), list[tuple[str, str]](), True
    for name in sorted(state.compiled.relations & given.keys()):
        tensor, value = state.compiled.given[name], given[name]
        found = held(value, tensor, state.device)
        dense = dense and not is_sparse(value)
        if found is not None:
            if found.weights is None and tensor.dtype != "bool":
                found = found.of_ones(state.floating)
            changed[name] = found
            if found.weights is not None:
                changed[f"{name}.weights"] = weights_of(found, tensor, state.floating)
            kinds.append((name, "pairs" if found.weights is None else "weights"))
        elif is_floating(value):
            kinds.append((name, "table"))
    for name, found in state.told_relations().items() if state.compiled.on_pairs else ():
        changed[name] = found
        if found.weights is not None:
            changed[f"{name}.weights"] = weights_of(found, state.compiled.program.tensors[name], state.floating)
    return changed, tuple(kinds), dense


def as_tensors(state: State, function: Function, given: Given) -> Given:
    """What was given, as tensors on the right device; names that do not fit and missing ones are errors."""
    known = state.compiled.given
    result: Given = {}
    for name, value in given.items():
        if isinstance(value, Held) or name.endswith(".weights"):
            result[name] = value
            continue
        tensor = known.get(name)
        if tensor is None and function.unbound:
            tensor = state.compiled.program.tensors.get(name)
        if tensor is None:
            raise unexpected(name, state.compiled)
        result[name], chosen = as_tensor(value, tensor, state.device)
        check_device(result[name], tensor, state.device)
        if not chosen and not (tensor.kind == "relation" and result[name].is_floating_point()):
            result[name] = converted(result[name], tensor, state.floating, False)
    missing = [name for name in function.given if name not in given and name not in state.defaults]
    if missing:
        raise _missing(missing, function, state.compiled.program)
    return result


def all_converted(state: State, function: Function, given: Given) -> dict[str, torch.Tensor]:
    """What was given, as tensors of the program's element types."""
    tensors = state.compiled.program.tensors
    made = as_tensors(state, function, given)
    return {
        # Weights beside the pairs of a relation have their type already, and are no tensor of the program.
        name: value
        if name not in tensors or is_related(value, tensors[name])
        else converted(value, tensors[name], state.floating, True)
        for name, value in made.items()
    }


def is_related(value: Any, tensor: Tensor) -> bool:
    """Whether a relation is given as pairs, or with weights."""
    return isinstance(value, Held) or (tensor.kind == "relation" and (is_sparse(value) or value.is_floating_point()))


def settle(module: Stored, state: State, function: Function, given: Given) -> Bindings:
    """Check ranks and sizes of a call, and give parameters the sizes that it tells."""
    compiled = state.compiled
    bindings = _bound(module, state, function.program, given)
    check_program(function.program, bindings)
    materialise(module, compiled, bindings, state.floating)
    return bindings


def _bound(module: Stored, state: State, part: Program, given: Given) -> Bindings:
    """Sizes from what is kept first, then from what was given, in the order of the declarations."""
    tensors = state.compiled.program.tensors
    kept = stored(module, [t for t in part.of_kind("param", "buffer", "data", "relation") if t.name not in given])
    defaults = [Shaped(tensors[n], tuple(value.shape)) for n, value in state.defaults.items() if n not in given]
    shaped = [Shaped(tensor, tuple(given[n].shape)) for n, tensor in tensors.items() if n in given]
    known = known_sizes(part, state.compiled.options.dims)
    bindings = bind(state.compiled.program, [*kept, *defaults, *shaped], known)
    for name, relation in given.items():
        if isinstance(relation, Held):
            words = f"the number of pairs of `{name}`"
            bindings[Symbol(f"{name}.pairs")] = Origin(relation.count, words, tensors[name].span, "pair")
    return bindings


def unknown_sizes(module: Stored, state: State, name: str, given: Given) -> tuple[str, ...]:
    """The sizes that a tensor needs and that nothing tells."""
    part = state.compiled.program.restricted((name,))
    known = _bound(module, state, part, given)
    needed = frozenset().union(*(size.symbols for tensor in part.tensors.values() for size in tensor.shape))
    return tuple(sorted(str(symbol) for symbol in needed - known.keys()))


def prepare(module: Stored, state: State, function: Function, given: Given, dense: bool = False) -> Ready:
    """Check a call whose inputs are tensors already, and settle where its arguments come from.

    ``dense``: outputs that are held on pairs are made tables, as those of a caller who gave tables.
    """
    tensors = {
        **state.compiled.program.tensors,
        **{n: function.program.tensors[n] for n, k in function.kinds if k == "table"},
    }
    plain = {name: value for name, value in given.items() if name in tensors and not isinstance(value, Held)}
    converts = tuple(
        (n, tensors[n]) for n in plain if converted(plain[n], tensors[n], state.floating, True) is not plain[n]
    )
    sizes = numbers(settle(module, state, function, given))
    if 0 in sizes.values() and (empty := empty_sizes(function.program, sizes)):
        function = state.compiled.function(
            function.outputs, state.floating, function.unbound, empty, function.mode, function.kinds
        )
    maker = Maker(function.plan.recipes, {n: v for n, v in given.items() if isinstance(v, Held)}, sizes)
    made = maker.arguments(function.plan)
    tell_tables(function, sizes)
    check_budget(function.plan, sizes, state.compiled.options.limits, state.floating.itemsize)
    function = _within_budget(state, function, given, sizes)
    sources: list[tuple[Mapping[str, Any] | None, str]] = []
    positions = []
    for at, argument in enumerate(function.plan.arguments):
        if argument.kind == "size":
            sources.append(({symbol.name: size for symbol, size in sizes.items()}, argument.tensor))
            continue
        if argument.kind == KIND:
            sources.append((made if argument.tensor in made else None, argument.tensor))
            continue
        tensor = tensors[argument.tensor]
        sources.append(_source(module, state, tensor, given))
        if tensor.positions is not None and tensor.name in given:
            positions.append((at, tensor, tensor.positions.value(sizes)))
    _check_stored_positions(module, state, function, sizes)
    only = function.outputs[0] if len(function.computed) == 1 and not function.updates else None
    return Ready(
        function.outputs,
        only,
        function.compute,
        tuple(sources),
        converts,
        tuple(positions),
        state.floating,
        function.random,
        tuple(argument.tensor for argument in function.plan.arguments),
        tuple(update.buffer for update in function.updates),
        _handed(function, maker, sizes, dense),
    )


def count_pairs(function: Function, given: Given, sizes: dict[Symbol, int]) -> None:
    """Add the numbers of pairs that a function computes with to the sizes of a call."""
    relations = {name: value for name, value in given.items() if isinstance(value, Held)}
    Maker(function.plan.recipes, relations, sizes).arguments(function.plan)


def _handed(function: Function, maker: Maker, sizes: Mapping[Symbol, int], dense: bool) -> Handed | None:
    """The outputs that are held on pairs, if any are."""
    plan, parts = function.plan, {}
    for name in function.outputs:
        held = plan.stored.get(name)
        if held is not None:
            columns = [maker.make(c) for c in plan.pairs[held.pairs].columns[: len(held.places) - len(held.own)]]
            shape = tuple(size.value(sizes) for size in function.program.tensors[name].shape)
            parts[name] = (held.values, tuple(columns), held.places, shape)
    return Handed(tuple(name for name, _ in plan.results), parts, dense) if parts else None


def tell_tables(function: Function, sizes: Mapping[Symbol, int]) -> None:
    """Warn of tensors on pairs of which a table is made after all."""
    plan = function.plan
    made = {slot.tensor for part in every_plan(plan) for slot in part.slots}
    for name in plan.stored:
        tensor = function.program.tensors.get(name)
        if name in made and tensor is not None and len(tensor.axes) > 1:
            shape = tuple(size.value(sizes) for size in tensor.shape)
            message = (
                f"`{name}` is on pairs, and a table of {in_words(shape)} = {prod(shape):,} elements is made of it: "
                "an equation reads it where its pairs do not lead"
            )
            told = diagnostic("W0904", message, tensor.span, severity="warning")
            warnings.warn(DenseTable(told), stacklevel=7)


class DenseTable(UserWarning):
    """A table is made of what is held on pairs."""

    def __init__(self, told: Diagnostic) -> None:
        super().__init__(render([told]))
        self.code = told.code


def _within_budget(state: State, function: Function, given: Given, sizes: Mapping[Symbol, int]) -> Function:
    """The function with its loops in parts where their gradient would keep more than the budget.

    Where that is not enough, recurrences that need no loop become loops too.
    """
    budget, compiled = state.compiled.options.memory_budget, state.compiled
    learned = {name for name, value in given.items() if value.requires_grad}
    learned |= {argument.tensor for argument in function.plan.arguments if argument.kind == "param"} - given.keys()
    if not budget or function.plain is None or not learned:
        return function
    need = need_of(function.plan, function.plain, learned, sizes, state.floating)
    parts = parts_within(need, budget)
    if need.within(parts) > budget and any(scan.manner.method == "auto" for scan in function.program.scans):
        other = compiled.as_loops(function, state.floating)
        assert other.plain is not None, "it has a text of its own"
        looped = need_of(other.plan, other.plain, learned, sizes, state.floating)
        if looped.within(parts_within(looped, budget)) < need.within(parts):
            function, need, parts = other, looped, parts_within(looped, budget)
    over = over_budget(need, parts, budget)
    if over is not None:
        warnings.warn(over, stacklevel=6)
    return compiled.in_parts(function, parts, state.floating) if parts else function


def _source(module: Stored, state: State, tensor: Tensor, given: Given) -> tuple[Mapping[str, Any] | None, str]:
    if tensor.name in given:
        return None, tensor.name
    if tensor.name in state.defaults:
        return state.defaults, tensor.name
    return holder(module, tensor), tensor.name.rpartition(".")[2]


def _check_stored_positions(module: Stored, state: State, function: Function, sizes: Mapping[Symbol, int]) -> None:
    """Positions that the program's own files hold, checked once for each size of their domain."""
    for tensor in function.program.of_kind("data", "relation"):
        if tensor.positions is None:
            continue
        kept = holder(module, tensor).get(tensor.name.rpartition(".")[2])
        mark = (tensor.name, tensor.positions.value(sizes))
        if kept is not None and mark not in state.checked:
            check_positions(kept, tensor, mark[1])
            state.checked.add(mark)


def unexpected(name: str, compiled: Compiled) -> RunError:
    """A name that the program takes no input by."""
    tensor = compiled.program.tensors.get(name)
    if tensor is not None:
        does = {"param": "learns", "buffer": "keeps", "data": "loads", "relation": "loads"}.get(tensor.kind, "computes")
        return run_error("E0601", f"`{name}` cannot be given: the program {does} it", (tensor.span, "here"))
    near = nearest(name, compiled.given)
    takes = ", ".join(f"`{declared(tensor)}`" for tensor in compiled.given.values())
    help = f"did you mean `{near}`?" if near else f"it takes {takes}" if takes else "it has no inputs"
    return run_error("E0601", f"the program has no input `{name}`", help=[help])


def _missing(names: Sequence[str], function: Function, program: Program) -> RunError:
    tensors = [program.tensors[name] for name in names]
    wanted = ", ".join(f"`{name}`" for name in function.outputs[:3] if name.isidentifier()) or "what is asked for"
    words = " and ".join(f"`{tensor.name}`" for tensor in tensors)
    message = f"input{'s' if len(names) > 1 else ''} {words} must be given to compute {wanted}"
    places = [(tensor.span, "declared here") for tensor in tensors]
    first = tensors[0].name
    help = f"`{first}=...` in a call, `--input {first}={first}.npy` on the command line"
    return run_error("E0602", message, *places, help=[help])
