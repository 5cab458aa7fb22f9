"""Queries, training, files and checks: what a program does, with the tensors that each of them needs.

An expression that is asked about becomes a tensor of its own (``?1``, ``?2``...); indices that are left over in it are
kept as its axes, in the order in which they stand.
"""

from __future__ import annotations

from collections import Counter

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.program import (
    Action,
    AssertAction,
    LoadAction,
    MinimizeAction,
    PlotAction,
    QueryAction,
    SaveAction,
    TestAction,
    Update,
)
from tensorlang.records import dataclass, field
from tensorlang.sema import collect, equations, expand, messages, resolve
from tensorlang.sema.relations import asks
from tensorlang.sema.resolved import (
    Along,
    Multiplication,
    Place,
    Poison,
    Raise,
    Reduction,
    Resolved,
    Statement,
    names_free,
    parts,
    walk,
)
from tensorlang.sema.scope import Instance, Scalar, Scope, TensorInfo, View
from tensorlang.sema.world import World, Written, ast_walk, index_words, starless, strip
from tensorlang.source import Span
from tensorlang.syntax import ast


@dataclass(slots=True, eq=False)
class Draft:
    """A ``minimize`` before sizes are known: the batch's index is looked up once they are."""

    action: MinimizeAction
    batch: tuple[str, int, Span] | None


@dataclass(slots=True, eq=False)
class Collector:
    world: World
    count: int = 0
    losses: set[str] = field(default_factory=set)
    updates: list[Update] = field(default_factory=list)
    drafts: dict[int, Draft] = field(default_factory=dict)


def collect_actions(collector: Collector, scope: Scope, statements: tuple[ast.Statement, ...]) -> list[Action]:
    """The actions of a block, in order."""
    found: list[Action] = []
    for statement in statements:
        action = _action(collector, scope, statement)
        if action is not None:
            found.append(action)
    return found


def _action(collector: Collector, scope: Scope, statement: ast.Statement) -> Action | None:
    match statement:
        case ast.Query(value=value, why=why, span=span):
            if why or asks.asks(collector.world, scope, value):
                return asks.action(collector.world, scope, value, why, span)
            name = tensor_of(collector, scope, value)
            return None if name is None else QueryAction(name, _title(value), span)
        case ast.Minimize():
            return _minimize(collector, scope, statement)
        case ast.Plot(value=value, path=path, span=span):
            name = tensor_of(collector, scope, value)
            if name is None:
                return None
            title = _title(value)
            return PlotAction(name, title, path or f"{_file_name(title)}.png", name in collector.losses, span)
        case ast.Save(names=names, path=path, span=span):
            if names == ("params",):
                return SaveAction((), True, path, span)
            tensors = [_named(collector, scope, name, span) for name in names]
            return SaveAction(tuple(name for name in tensors if name is not None), False, path, span)
        case ast.Load(names=names, path=path, span=span):
            return LoadAction(() if names == ("params",) else _params(collector, scope, names, span), path, span)
        case ast.Assert(value=value, span=span):
            return _assert(collector, scope, value, span)
        case ast.Test(name=name, body=body, span=span):
            inner = Scope(scope, prefix=f"{scope.prefix}test{len(collector.world.tensors)}.")
            collect.collect(collector.world, inner, body)
            equations.resolve_equations(collector.world)
            return TestAction(name, tuple(collect_actions(collector, inner, body)), span)
        case _:
            return None


def _title(value: ast.Expression) -> str:
    return " ".join(value.span.text.split())


def _file_name(title: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in title).strip("_").lower() or "plot"


# --- expressions that are asked about ----------------------------------------------------------------------------


def tensor_of(collector: Collector, scope: Scope, value: ast.Expression) -> str | None:
    """The tensor that an expression is: a named one as it is, any other expression under a name of its own."""
    inner = strip(value)
    if isinstance(inner, ast.Name) and isinstance(found := scope.find(inner.name), View) and not found.prefix:
        return found.tensor.name
    world = collector.world
    frame = _frame(collector, scope, inner)
    resolved = resolve.resolve(frame, inner)
    equations.resolve_equations(world)
    return None if _poisoned(resolved) else hidden(collector, frame, resolved, value.span)


def _frame(collector: Collector, scope: Scope, value: ast.Expression) -> resolve.Frame:
    collector.count += 1
    nodes = ast_walk(value)
    known = collector.world.words
    words = {
        word for word in index_words(nodes, scope) if not isinstance(scope.find(word), Scalar) and word not in known
    }
    return resolve.Frame(collector.world, scope, f"?{collector.count}", words, moving=starless(nodes))


def _poisoned(node: Resolved) -> bool:
    return any(isinstance(part, Poison) for part in walk(node))


def hidden(collector: Collector, frame: resolve.Frame, value: Resolved, span: Span, suffix: str = "") -> str:
    """A tensor for an expression, its axes the indices that are left over."""
    world = collector.world
    kept = left_over(value, frozenset())
    order = [name for node in walk(value) for name in _places(node) if name in kept]
    names = tuple(dict.fromkeys(order))
    info = TensorInfo(f"{frame.owner}{suffix}", "defined", span, frame.scope, labels=names)
    left = tuple(Place(span, name) for name in names)
    statement = Statement(info.name, left, "=", value, (), span, ranges=frame.ranges, free=True)
    statement.dims = equations.dims_of(frame, (value,))
    info.statements.append(statement)
    world.add(info)
    return info.name


def _places(node: Resolved) -> tuple[str, ...]:
    if isinstance(node, Place):
        return (node.index,)
    return getattr(node, "indices", ()) if not isinstance(node, Reduction) else ()


def left_over(node: Resolved, outside: frozenset[str]) -> frozenset[str]:
    """The indices that the projection rule leaves in an expression of which nothing is on a left side."""
    match node:
        case Multiplication(factors=factors):
            carriers = Counter(name for factor in factors for name in names_free(factor))
            count: Counter[str] = Counter()
            for factor in factors:
                own = names_free(factor)
                others = frozenset(name for name, number in carriers.items() if number > (name in own))
                count.update(left_over(factor, outside | others))
            return frozenset(name for name, number in count.items() if number == 1 or name in outside)
        case Raise(base=base, repeated=True):
            return left_over(base, outside) & (outside | names_free(node.exponent)) | left_over(node.exponent, outside)
        case Reduction(indices=indices):
            inside = frozenset().union(*(left_over(part, outside | frozenset(indices)) for part in parts(node)))
            return inside - frozenset(indices)
        case Along(index=index):
            return frozenset().union(*(left_over(part, outside | {index}) for part in parts(node))) | {index}
        case _:
            own = names_free(node) if not parts(node) else frozenset()
            return own.union(*(left_over(part, outside) for part in parts(node)))


def _named(collector: Collector, scope: Scope, name: str, span: Span) -> str | None:
    found = scope.find(name)
    if isinstance(found, View):
        return found.tensor.name
    if name in collector.world.tensors:
        return name
    messages.unknown_tensor(collector.world.problems, span, name, scope.known())
    return None


def _params(collector: Collector, scope: Scope, names: tuple[str, ...], span: Span) -> tuple[str, ...]:
    """Parameters by name; a module's instance stands for all of its own."""
    found: list[str] = []
    for name in names:
        entity = scope.find(name)
        prefix = entity.prefix if isinstance(entity, Instance) else f"{name}."
        tensors = collector.world.tensors.values()
        own = [
            t.name for t in tensors if t.kind in ("param", "buffer") and (t.name == name or t.name.startswith(prefix))
        ]
        if not own:
            known = [t.name for t in tensors if t.kind in ("param", "buffer")]
            messages.unknown_parameter(collector.world.problems, span, name, known)
        found += own
    return tuple(found)


# --- assert, update, minimize ------------------------------------------------------------------------------------


def _assert(collector: Collector, scope: Scope, value: ast.Expression, span: Span) -> Action | None:
    inner = strip(value)
    frame = _frame(collector, scope, inner)
    resolved = resolve.resolve(frame, inner)
    equations.resolve_equations(collector.world)
    if _poisoned(resolved):
        return None
    name = hidden(collector, frame, resolved, value.span)
    collector.world.conditions.add(name)
    sides: tuple[str, ...] = ()
    if isinstance(inner, ast.Comparison) and len(inner.operators) == 1:
        arguments = getattr(resolved, "args", ())
        sides = tuple(
            hidden(collector, frame, side, value.span, suffix)
            for side, suffix in zip(arguments, (".left", ".right"), strict=True)
        )
    return AssertAction(name, _title(value), sides, span)


def collect_updates(collector: Collector) -> None:
    """What steps of training write to buffers; equations that apply modules bring more of them."""
    for written in collector.world.updates:
        _update(collector, written)


def _update(collector: Collector, written: Written) -> None:
    world, scope, equation = collector.world, written.scope, written.statement.equation
    found = scope.find(equation.name)
    if not isinstance(found, View) or found.tensor.kind != "buffer":
        messages.only_buffers_update(world.problems, equation.left, equation.name)
        return
    target = found.tensor
    if set(scope.leading) - set(target.leading):
        along = sorted(set(scope.leading) - set(target.leading))
        messages.updated_along(world.problems, equation.left, equation.name, along)
        return
    name = f"{target.name}.next"
    while name in world.tensors:
        name += "'"
    info = TensorInfo(name, "defined", equation.left, scope, labels=target.labels, leading=target.leading)
    info.equations.append((equation, scope))
    world.add(info)
    world.same.append((info.name, target.name, equation.left))
    equations.resolve_equations(world)
    results = () if written.inside is None else written.inside.results
    views = [scope.names.get(result.name) for result in results]
    of = tuple(view.tensor.name for view in views if isinstance(view, View))
    collector.updates.append(Update(target.name, info.name, of))


def _minimize(collector: Collector, scope: Scope, statement: ast.Minimize) -> Action | None:
    world = collector.world
    loss = tensor_of(collector, scope, statement.loss)
    if loss is None:
        return None
    if world.tensors[loss].kind == "defined" and expand.rank(world, world.tensors[loss]) != 0:
        messages.loss_not_scalar(world.problems, statement.loss.span, expand.labels(world, world.tensors[loss]))
        return None
    collector.losses.add(loss)
    settings = {o.name: v for o in statement.settings if (v := _number(world, scope, o)) is not None}
    schedule: dict[str, float] = {}
    batch: tuple[str, int, Span] | None = None
    index = [name for name in statement.over if _is_index(scope, name)]
    for option in statement.options:
        value = strip(option.value)
        if option.name == "batch" and isinstance(value, ast.ListLiteral) and len(value.items) == 2:
            batch = _batch(world, scope, value)
        elif (number := _number(world, scope, option)) is not None:
            schedule[option.name] = number
    if index and "batch" in schedule:
        batch = (index[0], int(schedule.pop("batch")), statement.span)
    elif "batch" in schedule:
        messages.batch_needs_index(world.problems, statement.span)
    over = _params(collector, scope, tuple(n for n in statement.over if n not in index), statement.span)
    method = statement.method or "adam"
    action = MinimizeAction(loss, method, settings, schedule, over, None, statement.span)
    collector.drafts[id(action)] = Draft(action, batch)
    world.kept.append(action)
    return action


def _is_index(scope: Scope, name: str) -> bool:
    return scope.find(name) is None and (scope.dim(name) is not None or name[0].islower())


def _number(world: World, scope: Scope, option: ast.Option) -> float | None:
    number = collect.number_of(scope, option.value)
    if number is None:
        messages.option_number(world.problems, option.span, option.name)
    return number


def _batch(world: World, scope: Scope, value: ast.ListLiteral) -> tuple[str, int, Span] | None:
    index, rows = strip(value.items[0]), collect.number_of(scope, value.items[1])
    if not isinstance(index, ast.Name) or not isinstance(rows, int) or rows < 1:
        messages.bad_batch(world.problems, value.span)
        return None
    return index.name, rows, value.span


def batch_symbol(world: World, name: str, norm: object, span: Span, known: set[str]) -> Symbol | None:
    """The symbol of the batch's index once sizes are solved."""
    assert callable(norm)
    dim = world.root.dims.get(name)
    if dim is None and name not in known:
        messages.batch_index_unknown(world.problems, span, name, sorted({*world.root.dims, *known}))
        return None
    size = norm(dim[0] if dim is not None else Size.of(Symbol(name)))
    assert isinstance(size, Size)
    if size.symbol is None:
        messages.batch_index_fixed(world.problems, span, name, size)
    return size.symbol
