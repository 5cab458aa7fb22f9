"""Program to Plan: definitions in order become steps over named slots, each with the axis order that costs least.

In: an optimised Program. Out: a ``Plan``. Parts that occur twice get a slot of their own, what nobody reads is dropped,
and each slot knows the step after which it is dead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tensorlang.ir.code import Code, Extent, Ref, is_view, parts, with_parts
from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Expr, Index, Read, children
from tensorlang.ir.plan import Argument, Binding, Plan, Slot, Step
from tensorlang.ir.program import Definition, Program, Tensor
from tensorlang.ops import POINTWISE
from tensorlang.passes.choose_kernels import RULES
from tensorlang.passes.lower import lower
from tensorlang.passes.lower_definition import define
from tensorlang.passes.naming import KERNELS, Names, identifier
from tensorlang.passes.values import Builder, Held, permuted, shapes_of
from tensorlang.source import Span

_KINDS = ("input", "param", "buffer", "data", "relation")
_RANDOM = tuple(
    text for op in POINTWISE.values() if op.random for text in (op.torch, op.torch_more) if text is not None
)


def schedule(program: Program) -> Plan:
    """The plan that computes the program's outputs from its given tensors."""
    builder = Builder(program, Names(KERNELS), lower, rules=RULES, read_once=_read_once(program))
    arguments = _arguments(program, builder)
    names = {tensor: builder.names.fresh(tensor) for tensor in _computed(program)}
    for definition in program.definitions:
        if definition.tensor in names:
            _describe(builder, definition)
            builder.wish = names[definition.tensor]
            define(definition, names[definition.tensor], builder)
    _share(builder)
    results = tuple((name, _result(builder, program.tensors[name])) for name in program.outputs)
    _drop_unread(builder, [code for _, code in results])
    steps = tuple(_accounted(builder, step) for step in builder.steps)
    codes = [*(step.code for step in steps), *(code for _, code in results)]
    sizes, given = _bindings(program, arguments, builder, codes)
    slots = _lifetimes(builder.slots, steps, [code for _, code in results])
    source = next((step.span.source.name for step in steps if step.span is not None), "<program>")
    return Plan(source, (*arguments, *given), slots, steps, results, sizes)


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
    once = {name for name, count in counts.items() if count == 1 and name not in program.outputs}
    return frozenset(once & {definition.tensor for definition in program.definitions})


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


# --- common parts ------------------------------------------------------------------------------------------------


def _share(builder: Builder) -> None:
    """Code that occurs in several places, and computes something, is computed once: a step before its first use."""
    counts: dict[Code, int] = {}
    for step in builder.steps:
        _count(step.code, counts)
    shared = {code for code, count in counts.items() if count > 1 and code in builder.known and _worth_a_name(code)}
    if not shared:
        return
    steps, builder.steps = builder.steps, []
    named: dict[Code, Code] = {}
    for step in steps:
        builder.note, builder.span = step.note, step.span
        code = _with_names(step.code, step.target, shared, named, builder)
        builder.steps.append(replace(step, code=code))
        if step.code in shared and step.code not in named:
            named[step.code] = Ref(step.target)


def _count(code: Code, counts: dict[Code, int]) -> None:
    """Count uses; what is inside a code that was met before is not counted again."""
    stack = [code]
    while stack:
        top = stack.pop()
        counts[top] = counts.get(top, 0) + 1
        if counts[top] == 1:
            stack.extend(parts(top))


def _worth_a_name(code: Code) -> bool:
    return not is_view(code) and not any(getattr(part, "text", None) in _RANDOM for part in _inside(code))


def _inside(code: Code) -> Iterable[Code]:
    stack, seen = [code], {code}
    while stack:
        top = stack.pop()
        yield top
        for part in parts(top):
            if part not in seen:
                seen.add(part)
                stack.append(part)


def _with_names(code: Code, target: str, shared: set[Code], named: dict[Code, Code], builder: Builder) -> Code:
    """A step's code with shared parts replaced by their names; parts met first are named before it."""

    def renamed(part: Code, top: bool) -> Code:
        if part in named:
            return named[part]
        new = with_parts(part, tuple(renamed(inner, False) for inner in parts(part)))
        if top or part not in shared:
            if part in builder.known:
                builder.known.setdefault(new, builder.known[part])
            if part in builder.work:
                builder.work.setdefault(new, builder.work[part])
            return new
        name = builder.names.fresh(f"{target}_1")
        shape, dtype = builder.known[part]
        builder.known.setdefault(new, (shape, dtype))
        labels = tuple("" for _ in shape)
        builder.slots[name] = Slot(name, None, labels, tuple(range(len(shape))), shape, dtype, 0)
        builder.steps.append(Step(name, new, builder.note, builder.span))
        named[part] = Ref(name)
        return named[part]

    return renamed(code, True)


def _drop_unread(builder: Builder, results: list[Code]) -> None:
    """Steps whose slot nobody reads are left out (kernel rules may have computed what they read another way)."""
    needed = {part.name for code in results for part in _inside(code) if isinstance(part, Ref)}
    kept: list[Step] = []
    for step in reversed(builder.steps):
        if step.target in needed:
            kept.append(step)
            needed |= {part.name for part in _inside(step.code) if isinstance(part, Ref)}
    builder.steps = kept[::-1]


# --- accounts ----------------------------------------------------------------------------------------------------


def _accounted(builder: Builder, step: Step) -> Step:
    """A step with what it computes on the way and how much it multiplies."""
    scratch = tuple(shapes_of(builder, step.code).values())
    work = tuple(builder.work[part] for part in _inside(step.code) if part in builder.work)
    return replace(step, scratch=scratch, work=work)


def _lifetimes(slots: dict[str, Slot], steps: tuple[Step, ...], results: list[Code]) -> tuple[Slot, ...]:
    last: dict[str, int] = {}
    for at, step in enumerate(steps):
        last[step.target] = at
        for part in _inside(step.code):
            if isinstance(part, Ref):
                last[part.name] = at
    for code in results:
        for part in _inside(code):
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
        symbol for code in codes for part in _inside(code) if isinstance(part, Extent) for symbol in part.size.symbols
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
