"""Equations to statements: left sides spelled out, ``...`` and ``:`` named, whole assignments and ``concat`` too."""

from __future__ import annotations

from itertools import chain

from tensorlang.ir.domain import Size
from tensorlang.sema import expand, messages, parts, resolve, virtual
from tensorlang.sema.resolved import (
    Access,
    Addition,
    Extent,
    Flat,
    Multiplication,
    Place,
    Poison,
    Resolved,
    Statement,
    Value,
    names_free,
    walk,
)
from tensorlang.sema.scope import Scope, TensorInfo, View
from tensorlang.sema.world import World, ast_walk, strip
from tensorlang.source import Span
from tensorlang.syntax import ast


def resolve_equations(world: World) -> None:
    """Fill ``statements`` of all tensors; applications add tensors on the way, which are taken in turn."""
    while world.resolved < len(world.tensors):
        for info in list(world.tensors.values())[world.resolved :]:
            world.resolved += 1
            for equation, scope in info.equations:
                info.statements += _statements(world, info, equation, scope)
            if info.kind == "defined" and info.labels is None:
                expand.labels(world, info)


def _statements(world: World, info: TensorInfo, equation: ast.Equation, scope: Scope) -> list[Statement]:
    equation = parts.unfolded(scope, equation, info)
    frame = expand.frame_of(world, scope, info.name, equation)
    left = _left(frame, info, equation)
    if left is None:
        return []
    if frame.rest is None and any(isinstance(n, ast.Size) and n.name == "..." for n in ast_walk(equation.value)):
        expand.rest_of(frame, equation.value)
    span = equation.span
    guards = resolve.conditions(frame, equation.where)
    inner = strip(equation.value)
    if equation.items is None and expand.is_whole(frame, inner):
        value = _whole(frame, inner, left)
    elif _is_concat(frame, inner):
        return _concat(frame, info, equation, left, guards)
    else:
        value = resolve.resolve(frame, equation.value)
        if len(frame.colons) > sum(isinstance(item, ast.Slice) for item in equation.items or ()):
            messages.unpaired_colon(world.problems, inner.span, info.name)
            return []
    if any(isinstance(node, Poison) for part in (value, *guards, *left) for node in walk(part)):
        return []
    virtual.mark(info, left)
    statement = Statement(info.name, left, equation.operator, value, guards, span, ranges=frame.ranges)
    statement.dims = dims_of(frame, (value, *guards, *left))
    return [statement]


def dims_of(frame: resolve.Frame, nodes: tuple[Resolved, ...]) -> dict[str, tuple[Size, Span]]:
    """The sizes that a statement's indices have by a ``dim``; those that a slice bounds have their own."""
    names = {word for node in nodes for part in walk(node) for word in _words(part)}
    found = {name: frame.scope.dim(name) for name in sorted(names) if name not in frame.nameless}
    return {name: dim for name, dim in found.items() if dim is not None}


def _words(node: Resolved) -> tuple[str, ...]:
    match node:
        case Place(index=index) | Extent(index=index):
            return (index,)
        case Flat(indices=indices):
            return indices
        case _:
            return getattr(node, "indices", ()) or ((node.index,) if hasattr(node, "index") else ())


def _left(frame: resolve.Frame, info: TensorInfo, equation: ast.Equation) -> tuple[Resolved, ...] | None:
    """The entries of the left side, one an axis."""
    leading = tuple(Place(equation.left, name) for name in info.leading)
    if equation.items is None:
        inner = strip(equation.value)
        labels = expand.labels(frame.world, info) if expand.is_whole(frame, inner) else info.leading
        names = [frame.fresh(label) for label in labels[len(leading) :]]
        return (*leading, *(Place(equation.left, name) for name in names))
    if any(isinstance(item, ast.Rest) for item in equation.items) and frame.rest is None:
        frame.rest = expand.rest_of(frame, equation.value)
        if frame.rest is None:  # `H[..., 0] = 1`: what it stands for in the other equations
            expand.name_rest(frame, equation.items, expand.labels(frame.world, info)[len(leading) :])
        if frame.rest is None:
            if not expand.applied_wrongly(frame, equation.value):
                messages.rest_length(frame.world.problems, equation.left, None, None)
            return None
    items = tuple(ast.Name(i.name, span=i.span) if isinstance(i, ast.Dotted) else i for i in equation.items)
    view = View(info, leading) if any(isinstance(item, ast.Slice) for item in items) else None
    at = resolve.entries(frame, items, view, equation.left)
    if at is None:
        return None
    labels = expand.labels(frame.world, info)
    if len(leading) + len(at) != len(labels):
        messages.wrong_rank(frame.world.problems, equation.left, info, labels[len(leading) :], len(at))
        return None
    frame.left = tuple(name for entry in at for name in sorted(names_free(entry)))
    if frame.dotted is not None and frame.dotted not in frame.left:
        return None
    return (*leading, *at)


def _whole(frame: resolve.Frame, value: ast.Expression, left: tuple[Resolved, ...]) -> Resolved:
    view = resolve.find_view(frame, value)
    if view is None:
        return Poison(value.span)
    own = left[len(frame.scope.leading) :]
    return Access(value.span, view.tensor.name, (*view.prefix, *own))


# --- concat ------------------------------------------------------------------------------------------------------


def _is_concat(frame: resolve.Frame, node: ast.Expression) -> bool:
    if not isinstance(node, ast.Call):
        return False
    target = strip(node.target)
    if isinstance(target, ast.Subscript):
        target = strip(target.target)
    return isinstance(target, ast.Name) and target.name == "concat" and frame.scope.find("concat") is None


def _concat(
    frame: resolve.Frame,
    info: TensorInfo,
    equation: ast.Equation,
    left: tuple[Resolved, ...],
    guards: tuple[Resolved, ...],
) -> list[Statement]:
    """One statement for each argument: its own indices, laid out as one axis, stand behind those before it."""
    problems = frame.world.problems
    call = strip(equation.value)
    assert isinstance(call, ast.Call)
    for written in call.arguments:
        if written.name is not None:
            messages.plain_arguments(problems, written.span, "concat")
    limits = [(*guards, *resolve.conditions(frame, written.where)) for written in call.arguments]
    arguments = [resolve.resolve(frame, written.value) for written in call.arguments]
    if not arguments or any(isinstance(n, Poison) for a in (*arguments, *chain(*limits)) for n in walk(a)):
        return []
    inside = frozenset().union(*map(names_free, arguments))
    target = strip(call.target)
    if isinstance(target, ast.Subscript):
        names = [item.name for item in target.items if isinstance(item, ast.Name)]
    else:
        names = [entry.index for entry in left if isinstance(entry, Place) and entry.index not in inside]
    at = [k for k, entry in enumerate(left) if isinstance(entry, Place) and [entry.index] == names]
    if len(at) != 1 or names[0] in inside or equation.operator not in ("=", "+="):
        messages.concat_index(problems, call.span)
        return []
    kept = frozenset().union(*(names_free(entry) for k, entry in enumerate(left) if k != at[0]))
    group = object()
    offset: list[Resolved] = []
    found = []
    for argument, limit in zip(arguments, limits, strict=True):
        own = tuple(dict.fromkeys(n.index for n in walk(argument) if isinstance(n, Place) and n.index not in kept))
        own = tuple(name for name in own if name in names_free(argument))
        flat: Resolved = Flat(argument.span, own)
        if offset:
            flat = Addition(argument.span, tuple((1, term) for term in (*offset, flat)))
        entries = tuple(flat if k == at[0] else entry for k, entry in enumerate(left))
        statement = Statement(
            info.name, entries, "+=", argument, limit, equation.span, ranges=frame.ranges, group=group
        )
        statement.dims = dims_of(frame, (argument, *limit, *(e for k, e in enumerate(left) if k != at[0])))
        found.append(statement)
        sizes: list[Resolved] = [Extent(argument.span, name) for name in own]
        offset.append(Multiplication(argument.span, (Value(argument.span, 1), *sizes)))
    world_dim = frame.scope.dim(names[0])
    if world_dim is not None:
        frame.world.ties.append((info.name, at[0], world_dim[0], call.span))
    return found
