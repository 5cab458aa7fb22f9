"""Modules applied to tensors: each application becomes equations of its own, named after where it stands.

Also what is known of a tensor before sizes are: its rank and the labels of its axes, found on demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tensorlang.ir.domain import Size, Symbol
from tensorlang.records import replace
from tensorlang.sema import calls, collect, messages, parts, resolve
from tensorlang.sema.resolved import Place, Poison, Resolved, Value
from tensorlang.sema.scope import Instance, Module, Scalar, Scope, TensorInfo, View
from tensorlang.sema.world import World, ast_walk, index_words, item_words, scales, starless, strip
from tensorlang.source import Span
from tensorlang.syntax import ast

if TYPE_CHECKING:
    from tensorlang.sema.resolve import Frame


def labels(world: World, tensor: TensorInfo) -> tuple[str, ...]:
    """The index names that label a tensor's axes, as many as it has."""
    found = _known_labels(world, tensor)
    if found is None:
        messages.rank_unknown(world.problems, tensor.span, tensor.name)
        tensor.labels, tensor.unsure = tensor.leading, True
        return tensor.labels
    return found


def _known_labels(world: World, tensor: TensorInfo) -> tuple[str, ...] | None:
    """The labels, or None where they depend on those of a tensor that is being asked for (which is not settled yet)."""
    if tensor.labels is None and not tensor.resolving:
        tensor.resolving = True
        world.asked.append(tensor)
        found = _labels(world, tensor)
        if tensor.labels is None and found is not None:
            tensor.labels = (*tensor.leading, *found)
        if world.asked[0] is tensor:  # only now may those in vain be asked again: else a circle is walked in all ways
            for other in world.asked:
                other.resolving = False
            world.asked.clear()
    return tensor.labels


def known_labels(tensor: TensorInfo) -> tuple[str, ...] | None:
    """The labels where they are known without looking at equations."""
    return tensor.labels


def rank(world: World, tensor: TensorInfo) -> int:
    return len(labels(world, tensor))


def _labels(world: World, tensor: TensorInfo) -> tuple[str, ...] | None:
    equations = [(parts.unfolded(scope, equation, tensor), scope) for equation, scope in tensor.equations]
    for equation, scope in equations:
        frame = frame_of(world, scope, tensor.name, equation)
        if equation.items is None:
            found_whole = _whole_labels(frame, equation.value)
            tensor.unsure = found_whole is None
            return found_whole or ()
        if not any(isinstance(item, ast.Rest) for item in equation.items):
            return _named_by(tensor, frame, equation.items)
    for equation, scope in equations:
        frame = frame_of(world, scope, tensor.name, equation)
        rest = rest_of(frame, equation.value)
        if rest is not None and equation.items is not None:
            found: list[str] = []
            for at, item in enumerate(equation.items):
                found += rest if isinstance(item, ast.Rest) else [_label(frame, item, at)]
            return tuple(found)
    if any(_circular(frame_of(world, scope, tensor.name, equation), equation) for equation, scope in equations):
        return None
    tensor.unsure = bool(equations)  # nothing says what `...` stands for, which is reported
    return ()


def _circular(frame: Frame, equation: ast.Equation) -> bool:
    """Whether an equation reads, with ``...``, a tensor whose axes are not known yet."""
    views = (resolve.find_view(frame, node.target) for node in _read_with_rest(equation.value))
    return any(view is not None and _known_labels(frame.world, view.tensor) is None for view in views)


def _named_by(tensor: TensorInfo, frame: Frame, items: tuple[ast.Item, ...]) -> tuple[str, ...]:
    """One label an entry: that of the first equation which has an index there (`F[0] = 1` says nothing)."""
    found = [_label(frame, item, at) for at, item in enumerate(items)]
    for at, label in enumerate(found):
        others = (other.items for other, _ in tensor.equations if other.items and len(other.items) == len(items))
        names = (item.name for entries in others if isinstance(item := entries[at], ast.Name | ast.Dotted))
        if label == f"axis{at}":
            found[at] = next((name for name in names if not is_constant(frame.scope, name)), label)
    return tuple(found)


def _label(frame: Frame, item: ast.Item, at: int) -> str:
    """The name that an entry of a left side gives its axis: that of its index."""
    match item:
        case ast.Name(name=name) | ast.Dotted(name=name):
            return name
        case ast.Group(names=names):
            return "_".join(names)
        case _:
            return min(item_words(item) & frame.words, default=f"axis{at}")


def _whole_labels(frame: Frame, value: ast.Expression) -> tuple[str, ...] | None:
    """The axes of a tensor that is assigned whole: those of the application, tensor or literal; None: it is wrong."""
    inner = strip(value)
    if isinstance(inner, ast.ListLiteral):
        depth = 0
        node: ast.Expression = inner
        while isinstance(node, ast.ListLiteral):
            depth += 1
            node = node.items[0] if node.items else ast.Number(0, span=inner.span)
        return tuple("ijklmnpq"[at % 8] for at in range(depth))
    if is_whole(frame, inner):
        view = resolve.find_view(frame, inner)
        return None if view is None else labels(frame.world, view.tensor)[len(view.prefix) :]
    return ()


def is_whole(frame: Frame, value: ast.Expression) -> bool:
    """Whether a right side is a whole tensor: a module applied, or the bare name of another tensor."""
    if isinstance(value, ast.Name):
        return isinstance(frame.scope.find(value.name), View)
    if isinstance(value, ast.Attribute):
        return True
    return isinstance(value, ast.Call) and names_module(frame.scope, strip(value.target))


def names_module(scope: Scope, target: ast.Expression) -> bool:
    """Whether an expression names a module or an instance (nothing is reported)."""
    if isinstance(target, ast.Subscript):
        target = strip(target.target)
    if isinstance(target, ast.Name):
        return isinstance(scope.find(target.name), Module | Instance)
    return isinstance(target, ast.Attribute)


def frame_of(world: World, scope: Scope, owner: str, equation: ast.Equation) -> Frame:
    """A frame for one equation, its left side not yet resolved."""
    nodes = ast_walk(equation)
    words = {word for word in index_words(nodes, scope) if not is_constant(scope, word) and word not in world.words}
    left = tuple(w for item in equation.items or () for w in sorted(item_words(item)) if w in words)
    dotted = [item.name for item in equation.items or () if isinstance(item, ast.Dotted)]
    if len(dotted) > 1:
        messages.several_dots(world.problems, equation.left, dotted)
    moving = starless(nodes).union(left)
    return resolve.Frame(world, scope, owner, words, left, dotted[0] if dotted else None, moving=moving)


def is_constant(scope: Scope, word: str) -> bool:
    """Whether a word in index brackets is a constant or a tensor (a gathered scalar) rather than an index."""
    found = scope.find(word)
    if isinstance(found, Scalar):
        return not found.index
    return isinstance(found, View) and word[0].isupper()


def rest_of(frame: Frame, value: ast.Expression) -> tuple[str, ...] | None:
    """The names that ``...`` stands for in an equation, from the first tensor of an expression whose axes are known."""
    for node in _read_with_rest(value):
        view = resolve.find_view(frame, node.target)
        found = None if view is None else _known_labels(frame.world, view.tensor)
        if view is not None and found is not None:
            name_rest(frame, node.items, found[len(view.prefix) :])
        if frame.rest is not None:
            return frame.rest
    return frame.rest


def _read_with_rest(value: ast.Expression) -> Iterator[ast.Subscript]:
    """Tensors that are read at ``...``; ``mean[...]`` is none."""
    functions = {id(node.target) for node in ast_walk(value) if isinstance(node, ast.Call)}
    for node in ast_walk(value):
        read = isinstance(node, ast.Subscript) and id(node) not in functions
        if isinstance(node, ast.Subscript) and read and any(isinstance(item, ast.Rest) for item in node.items):
            yield node


def name_rest(frame: Frame, items: tuple[ast.Item, ...], axes: tuple[str, ...]) -> None:
    """Let ``...`` among the entries stand for the axes that the others leave, if there are as many."""
    count = len(axes) - (len(items) - 1)
    if frame.rest is None and count >= 0:
        at = [isinstance(item, ast.Rest) for item in items].index(True)
        frame.rest = tuple(frame.fresh(label) for label in axes[at : at + count])


def applied_wrongly(frame: Frame, value: ast.Expression) -> bool:
    """Whether a right side is an application that was refused, so that nothing is known of its axes."""
    inner = strip(value)
    call = strip(inner.target) if isinstance(inner, ast.Subscript) else inner
    return (
        isinstance(call, ast.Call) and names_module(frame.scope, call.target) and calls.application(frame, call) is None
    )


def size_of_expression(world: World, scope: Scope, node: ast.Expression) -> Size | None:
    """A size given by numbers, constants, dims and ``|d|`` with ``+ - * /`` (rounded down); None if it is none."""
    match strip(node):
        case ast.Number(value=int() as number):
            return Size.of(number)
        case ast.Size(name=name):
            known = scope.dim(name)
            return known[0] if known is not None else extent_of_formal(world, scope, name)
        case ast.Name(name=name):
            found = scope.find(name)
            if isinstance(found, Scalar) and isinstance(found.value, Value):
                value = found.value.value
                return Size.of(value) if isinstance(value, int | Size) else None
            known = scope.dim(name)
            rounded = isinstance(found, Scalar) and found.index
            return known[0] if known is not None and (found is None or rounded) else None
        case ast.Sum(terms=terms):
            total = Size.of(0)
            for term in terms:
                part = size_of_expression(world, scope, term.value)
                if part is None:
                    return None
                total = total + part * term.sign
            return total
        case ast.Product(factors=factors):
            return _size_product(world, scope, factors)
        case ast.Power(base=base, exponent=exponent):
            low, high = size_of_expression(world, scope, base), size_of_expression(world, scope, exponent)
            if low is None or high is None or high.constant is None or not 0 <= high.constant <= 64:
                return None
            result = Size.of(1)
            for _ in range(high.constant):
                result = result * low
            return result
        case _:
            return None


def extent_of_formal(world: World, scope: Scope | None, name: str) -> Size | None:
    """``|d|`` inside a module where d labels an axis of a formal: the size of that axis, whatever it will be."""
    while scope is not None:
        if name in scope.extents:
            return scope.extents[name]
        for view, at, span in labelled_axes(world, scope, name):
            size = Size.of(Symbol(f"{scope.prefix}{name}"))
            world.ties.append((view.tensor.name, at, size, span))
            scope.extents[name] = size
            return size
        scope = scope.parent
    return None


def labelled_axes(world: World, scope: Scope, name: str) -> Iterator[tuple[View, int, Span]]:
    """The axes of a module's formals that are labelled so: the tensor, its axis, where it was given."""
    for view, axes, span in scope.formal_axes:
        found = _known_labels(world, view.tensor)
        have = 0 if found is None else len(found)
        rest = [isinstance(axis, ast.Rest) for axis in axes]
        split = rest.index(True) if True in rest else len(axes)
        for at, axis in enumerate(axes):
            if isinstance(axis, ast.Name) and axis.name == name:
                position = len(view.prefix) + at if at < split else have - (len(axes) - at)
                if 0 <= position < have:
                    yield view, position, span


def _size_product(world: World, scope: Scope, factors: tuple[ast.Factor, ...]) -> Size | None:
    result = Size.of(1)
    for factor in factors:
        part = size_of_expression(world, scope, factor.value)
        if part is None:
            return None
        if factor.operator in ("*", ""):
            result = result * part
        elif factor.operator == "/" and part.constant is not None and part.constant > 0:
            result = result // part.constant
        else:
            return None
    return result


# --- application -------------------------------------------------------------------------------------------------


def apply(frame: Frame, target: Module | Instance, lead: tuple[ast.Item, ...], node: ast.Call) -> View | None:
    """Expand one application; asked twice for the same place, it answers the same tensor."""
    world = frame.world
    key = (id(node), id(frame.scope))
    if key not in world.applied:
        world.applied[key] = None
        world.kept.append(node)
        view = _expand(frame, target, lead, node)
        world.applied[key] = view
    return world.applied[key]


def _expand(frame: Frame, target: Module | Instance, lead: tuple[ast.Item, ...], node: ast.Call) -> View | None:
    world = frame.world
    module = target.module if isinstance(target, Instance) else target
    definition = module.definition
    if frame.scope.depth + 1 > world.setting.limits.modules:
        messages.modules_too_deep(world.problems, node.span, definition.name, world.setting.limits.modules)
        return None
    names = _lead_names(frame, lead)
    if names is None:
        return None
    bound = bind(
        world, definition, (*(target.arguments if isinstance(target, Instance) else ()), *node.arguments), node.span
    )
    if bound is None:
        return None
    prefix = _instance_prefix(frame, definition.name)
    given = set(target.arguments) if isinstance(target, Instance) else set()
    outside = target.scope if isinstance(target, Instance) else frame.scope
    callers = {formal.name: _caller(frame, outside if bound.get(formal.name) in given else frame.scope)
               for formal in definition.formals}  # fmt: skip
    views = _views(definition, bound, callers, prefix)
    if views is None:
        return None
    own = tuple(dict.fromkeys((*names, *parts.argument_names(frame, views.values()))))
    body, renamed = _body(frame, target, prefix, tuple(names), own)
    for formal in definition.formals:
        view = parts.renamed_view(views[formal.name], renamed) if formal.name in views else None
        if not _bind_formal(callers[formal.name], body, formal, bound.get(formal.name), view, node.span):
            return None
    _tie_formals(world, body)
    collect.collect(world, body, definition.body, inside=definition)
    return _result(frame, body, definition, own, node)


def _caller(frame: Frame, place: Scope) -> Frame:
    """A frame for an argument: of the equation, or of where an instance was named."""
    return resolve.Frame(frame.world, place, frame.owner, set(frame.words), frame.left, moving=frame.moving)


def _views(
    definition: ast.Def, bound: dict[str, ast.Argument], callers: dict[str, Frame], prefix: str
) -> dict[str, View] | None:
    """The tensors among the arguments, by formal; None where one is wrong (reported)."""
    found: dict[str, View] = {}
    for formal in definition.formals:
        value = bound[formal.name].value if formal.name in bound else formal.default
        if formal.axes is not None and value is not None:
            view = parts.argument_view(callers[formal.name], value, f"{prefix}{formal.name}")
            if view is None:
                return None
            found[formal.name] = view
    return found


def _body(
    frame: Frame, target: Module | Instance, prefix: str, names: tuple[str, ...], own: tuple[str, ...]
) -> tuple[Scope, dict[str, str]]:
    """The scope of a module's body, and what the indices ``own`` are called in it; parameters have ``names`` only."""
    module = target.module if isinstance(target, Instance) else target
    definition = module.definition
    params = target.prefix if isinstance(target, Instance) else _params_prefix(frame.scope, prefix)
    outer = target.leading if isinstance(target, Instance) else frame.scope.weights
    nodes = [part for statement in definition.body for part in ast_walk(statement)]
    used = index_words(nodes, module.scope)
    renamed = {name: _unused(name, used) for name in own}
    axes = frozenset(name.rstrip("'") for f in definition.formals for axis in f.axes or () for name in item_words(axis))
    leading = tuple(dict.fromkeys((*frame.scope.leading, *renamed.values())))
    weights = tuple(dict.fromkeys((*outer, *(renamed[name] for name in names))))
    depth = frame.scope.depth + 1
    body = Scope(module.scope, prefix, params, hidden=axes, leading=leading, weights=weights, depth=depth)
    body.scales = frozenset(scales(nodes, module.scope))
    for name in (*frame.scope.leading, *own):
        # An index that stands in front keeps its domain inside: of `Block[l](S[l])`, that of the layers.
        dim = frame.scope.dim(name)
        if dim is not None:
            body.dims[renamed.get(name, name)] = dim
    return body, renamed


def _unused(name: str, used: set[str]) -> str:
    while name in used:
        name += "'"
    return name


def _lead_names(frame: Frame, lead: tuple[ast.Item, ...]) -> list[str] | None:
    names = []
    for item in lead:
        if not isinstance(item, ast.Name) or is_constant(frame.scope, item.name):
            messages.lead_must_be_index(frame.world.problems, item.span)
            return None
        names.append(item.name)
    return names


def _instance_prefix(frame: Frame, module: str) -> str:
    """``H.`` for the first application in the equation of H, then ``H.Linear.``, ``H.Linear2.``..."""
    counter = frame.world.root.counter
    name = frame.owner
    if counter.get(name):
        name = f"{frame.owner}.{module}"
        while counter.get(name):
            counter[name] += 1
            name = f"{frame.owner}.{module}{counter[name]}"
    counter[name] = 1
    return f"{name}."


def _params_prefix(scope: Scope, prefix: str) -> str:
    """Parameters of a module inside a named instance belong to the instance, wherever that is applied."""
    return f"{scope.params}{prefix.removeprefix(scope.prefix)}"


def bind(
    world: World, definition: ast.Def, arguments: tuple[ast.Argument, ...], span: Span
) -> dict[str, ast.Argument] | None:
    """Arguments to formals: by name, then by position over the formals that are left, in their order."""
    formals = [formal.name for formal in definition.formals]
    bound: dict[str, ast.Argument] = {}
    for argument in arguments:
        if argument.name is not None:
            if argument.name not in formals or argument.name in bound:
                messages.unknown_argument(
                    world.problems, argument.span, definition, argument.name, argument.name in bound
                )
                return None
            bound[argument.name] = argument
    for argument in arguments:
        if argument.name is None:
            left = [name for name in formals if name not in bound]
            if not left:
                messages.too_many_arguments(world.problems, argument.span, definition, len(arguments))
                return None
            bound[left[0]] = argument
    missing = [f.name for f in definition.formals if f.name not in bound and f.default is None]
    if missing:
        messages.missing_arguments(world.problems, span, definition, missing)
        return None
    return bound


def _bind_formal(
    caller: Frame, body: Scope, formal: ast.Formal, argument: ast.Argument | None, view: View | None, span: Span
) -> bool:
    world = caller.world
    value = formal.default if argument is None else argument.value
    assert value is not None
    where = span if argument is None else argument.span
    if formal.axes is not None and view is not None:
        body.names[formal.name] = view
        body.formal_axes.append((view, formal.axes, where))
        return _fits_formal(caller, formal, view, where)
    if argument is None:
        caller = replace(caller, scope=body.parent or body)
    size = size_of_expression(world, caller.scope, value)
    if size is not None:
        if formal.name not in body.scales:
            body.dims[formal.name] = (size, where)
        number = _number(caller, value, size, where)
        body.names[formal.name] = Scalar(number, index=formal.name not in body.scales)
        return True
    inner = strip(value)
    if isinstance(inner, ast.Name | ast.Attribute) and names_module(caller.scope, inner):
        entity = calls.module_of(caller, inner)
        if entity is not None:
            body.names[formal.name] = entity
        return entity is not None
    if isinstance(inner, ast.Call) and names_module(caller.scope, strip(inner.target)):
        entity = calls.module_of(caller, strip(inner.target))
        if isinstance(entity, Module):
            prefix = f"{body.prefix}{formal.name}."
            body.names[formal.name] = Instance(entity, inner.arguments, caller.scope, prefix, body.weights)
            return True
    resolved: Resolved = resolve.resolve(caller, value)
    body.names[formal.name] = Scalar(resolved)
    return not isinstance(resolved, Poison)


def _number(caller: Frame, value: ast.Expression, size: Size, span: Span) -> Resolved:
    """What a size is where it is used as a number: only as a size is a quotient rounded down."""
    for node in ast_walk(value):
        found = caller.scope.find(node.name) if isinstance(node, ast.Name) else None
        quotient = isinstance(node, ast.Product) and any(factor.operator == "/" for factor in node.factors)
        if quotient or (isinstance(found, Scalar) and not isinstance(found.value, Value)):
            return resolve.resolve(caller, value)
    return Value(span, size.constant if size.constant is not None else size)


def _fits_formal(frame: Frame, formal: ast.Formal, view: View, span: Span) -> bool:
    """Whether a tensor has as many axes as the formal; reported otherwise, unless its rank is not known anyway.

    It is not known yet where the module's result says it (`Z = F(Z, X)`): then the reads in the body are checked.
    """
    assert formal.axes is not None
    found = _known_labels(frame.world, view.tensor)
    if found is None:
        return True
    have = len(found) - len(view.prefix)
    open_ended = any(isinstance(axis, ast.Rest) for axis in formal.axes)
    least = len(formal.axes) - (1 if open_ended else 0)
    fits = have == least or (have > least and open_ended)
    if have < 0:
        messages.rank_unknown(frame.world.problems, view.tensor.span, view.tensor.name)
    elif not fits and not view.tensor.unsure:
        messages.formal_rank(frame.world.problems, span, formal, least, have, open_ended)
    return fits


def _tie_formals(world: World, body: Scope) -> None:
    """A formal's axis that is labelled like one of the module's sizes (``X[n,o], o``) has that size."""
    for name, (size, _) in body.dims.items():
        for view, at, span in labelled_axes(world, body, name):
            world.ties.append((view.tensor.name, at, size, span))


def _result(frame: Frame, body: Scope, definition: ast.Def, own: tuple[str, ...], node: ast.Call) -> View | None:
    if not definition.results:
        messages.no_result(frame.world.problems, definition.span, definition.name)
        return None
    first = definition.results[0]
    found = body.names.get(first.name)
    told = isinstance(found, View) and found.tensor.name in frame.world.told
    if not isinstance(found, View) or (found.tensor.kind != "defined" and not told):
        messages.result_not_defined(frame.world.problems, first.span, definition.name, first.name)
        return None
    return View(found.tensor, tuple(Place(node.span, name) for name in (*frame.scope.leading, *own)))
