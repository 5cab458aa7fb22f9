"""Program to Plan: definitions in order become steps over named slots, each with the axis order that costs least.

In: an optimised Program. Out: a ``Plan``. Parts that occur twice get a slot of their own, what nobody reads is dropped,
and each slot knows the step after which it is dead.
"""

from __future__ import annotations

from collections.abc import Container

from tensorlang.ir.code import Code, Extent, Ref
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Expr, Index, Read, children
from tensorlang.ir.plan import Argument, Binding, IterationPlan, LoopPlan, Plan, Slot, Step
from tensorlang.ir.program import Definition, Program, Tensor, definition_reads
from tensorlang.ir.recursion import Iteration, Layer, LinearScan, Loop
from tensorlang.ir.rewrite import indices_inside
from tensorlang.passes.choose_kernels import RULES
from tensorlang.passes.lower import lower
from tensorlang.passes.lower_definition import define
from tensorlang.passes.name_parts import drop_unread, inside, share_code, shorten
from tensorlang.passes.naming import KERNELS, Names, identifier
from tensorlang.passes.schedule_iterations import add_iteration
from tensorlang.passes.schedule_layers import add_layer
from tensorlang.passes.schedule_linear import add_linear
from tensorlang.passes.schedule_loops import add_loop
from tensorlang.passes.values import Builder, Held, permuted, shapes_of
from tensorlang.records import replace
from tensorlang.source import Span

_KINDS = ("input", "param", "buffer", "data", "relation", "pairs")


def schedule(program: Program, inside: str = "") -> Plan:
    """The plan that computes the program's outputs from its given tensors.

    ``inside`` begins the names of functions in the plan of a body, which stand beside those of the plan around it.
    """
    builder = Builder(program, Names(KERNELS), lower, rules=RULES, read_once=_read_once(program))
    builder.definitions = {definition.tensor: definition for definition in program.definitions}
    arguments = _arguments(program, builder)
    names = {tensor: builder.names.fresh(tensor) for tensor in _computed(program)}
    loops: list[LoopPlan | IterationPlan] = []
    for definition in program.definitions:
        if definition.tensor in names:
            _recursions(builder, program, definition_reads(definition), loops, inside)
            _describe(builder, definition)
            builder.wish = names[definition.tensor]
            define(definition, names[definition.tensor], builder)
    _recursions(builder, program, frozenset(program.outputs), loops, inside)
    share_code(builder)
    results = tuple((name, _result(builder, program.tensors[name])) for name in program.outputs)
    drop_unread(builder, [code for _, code in results])
    shorten(builder)
    steps = tuple(_accounted(builder, step) for step in builder.steps)
    codes = [*(step.code for step in steps), *(code for _, code in results)]
    sizes, given = _bindings(program, arguments, builder, codes)
    arguments = _without_idle(arguments, codes, sizes)
    slots = _lifetimes(builder.slots, steps, [code for _, code in results])
    source = next((step.span.source.name for step in steps if step.span is not None), "<program>")
    domains = _domains(program, names)
    plan = Plan(source, (*arguments, *given), slots, steps, results, sizes, tuple(loops), domains)
    return replace(plan, pairs=program.pairs, stored=program.stored, recipes=program.recipes)


def _recursions(
    builder: Builder,
    program: Program,
    wanted: frozenset[str],
    planned: list[LoopPlan | IterationPlan],
    inside: str,
) -> None:
    """Plan the recursions that compute what is wanted, those that they read first."""

    def logical(tensor: Tensor) -> Code:
        return _result(builder, tensor)

    for unit in program.recursions:
        if wanted.intersection(unit.members) and not builder.held.keys() & set(unit.members):
            _recursions(builder, program, unit.reads, planned, inside)
            match unit:
                case Loop():
                    planned.append(add_loop(builder, unit, logical, schedule, inside))
                case Layer():
                    add_layer(builder, unit, logical)
                case Iteration():
                    planned.append(add_iteration(builder, unit, logical, schedule, inside))
                case LinearScan():
                    add_linear(builder, unit)


def _read_once(program: Program) -> frozenset[str]:
    """The defined tensors that one definition reads, at one place, and that are no outputs."""
    counts: dict[str, int] = {}
    for definition in program.restricted(program.outputs).definitions:
        stack = [node for piece in definition.pieces for node in (piece.value, *piece.left)]
        seen: set[Expr] = set()
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack.extend(children(node))
                if isinstance(node, Read):
                    counts[node.tensor] = counts.get(node.tensor, 0) + 1
    kept = {*program.outputs, *(name for unit in program.recursions for name in unit.reads)}
    once = {name for name, count in counts.items() if count == 1 and name not in kept}
    return frozenset(once & {definition.tensor for definition in program.definitions})


def _domains(program: Program, names: Container[str]) -> tuple[Size, ...]:
    """The sizes of all indices, free and bound, that are no numbers."""
    found: dict[Size, None] = {}
    for definition in program.definitions:
        if definition.tensor in names:
            for piece in definition.pieces:
                for node in (*piece.left, piece.value):
                    found.update((index.size, None) for index in sorted(indices_inside(node), key=str))
    return tuple(size for size in found if size.constant is None)


def _computed(program: Program) -> list[str]:
    """The defined tensors that the outputs depend on."""
    needed = program.restricted(program.outputs)
    return [definition.tensor for definition in needed.definitions]


def _arguments(program: Program, builder: Builder) -> tuple[Argument, ...]:
    """Inputs, params, buffers, data, relations: all of the program's, in declared order."""
    found = []
    for kind in _KINDS:
        for tensor in program.of_kind(kind):
            name = builder.names.fresh(tensor.name)
            builder.held[tensor.name] = Held(Ref(name), tuple(range(len(tensor.axes))))
            found.append(Argument(name, tensor.name, kind, tensor.shape, tensor.dtype))
    return tuple(found)


def _without_idle(
    arguments: tuple[Argument, ...], codes: list[Code], sizes: tuple[Binding, ...]
) -> tuple[Argument, ...]:
    """The arguments without those of pairs that nothing needs: they would be made for nothing."""
    if all(argument.kind != "pairs" for argument in arguments):
        return arguments
    used = {part.name for code in codes for part in inside(code) if isinstance(part, Ref)}
    used |= {binding.argument for binding in sizes if binding.argument is not None}
    return tuple(argument for argument in arguments if argument.kind != "pairs" or argument.name in used)


def _describe(builder: Builder, definition: Definition) -> None:
    """The note that the steps of a definition carry: where it stands and how it was written."""
    span = definition.pieces[0].span if definition.pieces else None
    builder.span = span
    builder.note = "" if span is None else note(span)


def note(span: Span) -> str:
    text = " ".join(span.text.split())
    return f"{span.source.name.rsplit('/', 1)[-1]}:{span.line}  {text}".rstrip()


def _result(builder: Builder, tensor: Tensor) -> Code:
    """What a call returns for a tensor: its slot with the axes in the tensor's order."""
    held = builder.held[tensor.name]
    labels = [Index(str(axis), size) for axis, size in enumerate(tensor.shape)]
    return permuted(held.code, [labels[axis] for axis in held.order], labels)


# --- accounts ----------------------------------------------------------------------------------------------------


def _accounted(builder: Builder, step: Step) -> Step:
    """A step with what it computes on the way and how much it multiplies."""
    scratch = tuple(shapes_of(builder, step.code).values())
    work = tuple(builder.work[part] for part in inside(step.code) if part in builder.work)
    return replace(step, scratch=scratch, work=work)


def _lifetimes(slots: dict[str, Slot], steps: tuple[Step, ...], results: list[Code]) -> tuple[Slot, ...]:
    last: dict[str, int] = {}
    for at, step in enumerate(steps):
        last[step.target] = at
        for part in inside(step.code):
            if isinstance(part, Ref):
                last[part.name] = at
    for code in results:
        for part in inside(code):
            if isinstance(part, Ref):
                last[part.name] = len(steps)
    targets = [step.target for step in steps]
    return tuple(replace(slots[name], dies=last[name]) for name in targets)


# --- sizes -------------------------------------------------------------------------------------------------------


def _bindings(
    program: Program, arguments: tuple[Argument, ...], builder: Builder, codes: list[Code]
) -> tuple[tuple[Binding, ...], tuple[Argument, ...]]:
    """How each symbol that code needs is found: from an argument's axis, from what is known, or given by the caller."""
    needed = {
        symbol for code in codes for part in inside(code) if isinstance(part, Extent) for symbol in part.size.symbols
    }
    bound: dict[Symbol, Binding] = {}
    given: list[Argument] = []
    for symbol in sorted(needed, key=lambda symbol: symbol.name):
        if symbol not in bound:
            _bind(symbol, program, arguments, builder, bound, given)
    return tuple(bound.values()), tuple(given)


def _bind(
    symbol: Symbol,
    program: Program,
    arguments: tuple[Argument, ...],
    builder: Builder,
    bound: dict[Symbol, Binding],
    given: list[Argument],
) -> None:
    found = _source(symbol, arguments)
    if found is not None:
        argument, axis, rest, factor = found
        for other in sorted(rest.symbols, key=lambda other: other.name):
            if other not in bound:
                _bind(other, program, arguments, builder, bound, given)
        name = builder.names.fresh(_size_name(symbol, program))
        bound[symbol] = Binding(symbol, name, argument.name, axis, rest, factor)
        return
    name = builder.names.fresh(_size_name(symbol, program))
    number = program.sizes.get(symbol)
    if number is None:
        given.append(Argument(name, symbol.name, "size", (), "int"))
    bound[symbol] = Binding(symbol, name, None, 0, Size.of(0), 1, number)


def _source(
    symbol: Symbol, arguments: tuple[Argument, ...], asked: frozenset[Symbol] = frozenset()
) -> tuple[Argument, int, Size, int] | None:
    """An axis that is this symbol; else one that is linear in it with a number as factor, the rest other sizes."""
    for argument in arguments:
        for axis, size in enumerate(argument.shape):
            if size.symbol == symbol:
                return argument, axis, Size.of(0), 1
    for argument in arguments:
        for axis, size in enumerate(argument.shape):
            factor = next((c for monomial, c in size.terms if monomial == (symbol,)), 0)
            rest = size - Size.of(symbol) * factor
            if factor <= 0 or rest.symbols & {symbol, *asked}:
                continue
            if all(_source(other, arguments, asked | {symbol}) for other in rest.symbols):
                return argument, axis, rest, factor
    return None


def _size_name(symbol: Symbol, program: Program) -> str:
    """A dim's own name; for axis 0 of X the label that the axis was given."""
    name, _, axis = symbol.name.rpartition(".")
    tensor = program.tensors.get(name)
    if tensor is not None and axis.isdigit() and int(axis) < len(tensor.axes):
        label = tensor.axes[int(axis)].label
        return label if label.isidentifier() or identifier(label) != label else f"{name}_{axis}"
    return symbol.name
