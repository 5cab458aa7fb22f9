"""Which parts of code get a name of their own: what occurs twice, and the halves of what is too long to read.

In: the steps of a builder. Out: the same steps with further ones before them, and without those that nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterable

from tensorlang.ir.code import Call, Code, Infix, Method, Prefix, Ref, Subscript, Template, is_view, parts, with_parts
from tensorlang.ir.plan import Slot, Step
from tensorlang.ops import POINTWISE
from tensorlang.passes.values import Builder
from tensorlang.records import replace

_RANDOM = tuple(
    text for op in POINTWISE.values() if op.random for text in (op.torch, op.torch_more) if text is not None
)
_LONGEST = 16  # calls and operators of one line


def share_code(builder: Builder) -> None:
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
        if step.code in named and builder.slots[step.target].tensor is None:
            named[Ref(step.target)] = named[step.code]
            continue
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
    return not is_view(code) and not any(getattr(part, "text", None) in _RANDOM for part in inside(code))


def inside(code: Code) -> Iterable[Code]:
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
            _remember(new, part, builder)
            return new
        _remember(new, part, builder)
        name = _named(new, target, builder)
        builder.steps.append(Step(name, new, builder.note, builder.span))
        named[part] = Ref(name)
        return named[part]

    return renamed(code, True)


def drop_unread(builder: Builder, results: list[Code]) -> None:
    """Steps whose slot nobody reads are left out (kernel rules may have computed what they read another way)."""
    needed = {part.name for code in results for part in inside(code) if isinstance(part, Ref)}
    kept: list[Step] = []
    for step in reversed(builder.steps):
        if step.target in needed:
            kept.append(step)
            needed |= {part.name for part in inside(step.code) if isinstance(part, Ref)}
    builder.steps = kept[::-1]


def _remember(new: Code, old: Code, builder: Builder) -> None:
    """What is known of a code holds for the same code over other names."""
    if old in builder.known:
        builder.known.setdefault(new, builder.known[old])
    if old in builder.work:
        builder.work.setdefault(new, builder.work[old])


def _named(code: Code, target: str, builder: Builder) -> str:
    """A slot for a part of what ``target`` is made of."""
    name = builder.names.fresh(f"{target}_1")
    shape, dtype = builder.known[code]
    builder.slots[name] = Slot(name, None, tuple("" for _ in shape), tuple(range(len(shape))), shape, dtype, 0)
    return name


# --- long lines --------------------------------------------------------------------------------------------------


def shorten(builder: Builder) -> None:
    """Steps that are too long to read are cut in two, at the part nearest to half of them."""
    lengths: dict[Code, int] = {}
    waiting, builder.steps = builder.steps[::-1], []
    while waiting:
        step = waiting.pop()
        part = _half(step.code, lengths, builder)
        if part is None:
            builder.steps.append(step)
            continue
        builder.note, builder.span = step.note, step.span
        name = _named(part, step.target, builder)
        waiting.append(replace(step, code=_replaced(step.code, part, Ref(name), builder)))
        waiting.append(Step(name, part, step.note, step.span))


def _half(code: Code, lengths: dict[Code, int], builder: Builder) -> Code | None:
    """The part to name, or None where the code is short enough."""
    total = _length(code, lengths)
    if total <= _LONGEST:
        return None
    options = [part for part in inside(code) if part is not code and part in builder.known]
    options = [part for part in options if 2 < lengths[part] < total - 1]
    options.sort(key=lambda part: abs(2 * lengths[part] - total))
    return next((part for part in options if _worth_a_name(part)), None)


def _length(code: Code, lengths: dict[Code, int]) -> int:
    """How many calls and operators a code has."""
    if code not in lengths:
        own = isinstance(code, Call | Infix | Method | Prefix | Subscript | Template)
        lengths[code] = own + sum(_length(part, lengths) for part in parts(code))
    return lengths[code]


def _replaced(code: Code, part: Code, name: Code, builder: Builder) -> Code:
    if code is part:
        return name
    new = with_parts(code, tuple(_replaced(inner, part, name, builder) for inner in parts(code)))
    _remember(new, code, builder)
    return new
