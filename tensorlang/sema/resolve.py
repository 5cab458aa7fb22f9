"""Expressions of the tree to resolved ones: each word gets its meaning from the scope it stands in.

In: a tree expression and the ``Frame`` of its equation. Out: a ``Resolved`` expression; what is wrong is reported and
becomes ``Poison``. Applications of modules are expanded on the way (``expand.py``).
"""

from __future__ import annotations

import math

from tensorlang.ir.domain import Size
from tensorlang.ir.mode import TRAINING
from tensorlang.ops import ALONG, POINTWISE, REDUCTIONS, STRUCTURED
from tensorlang.records import dataclass, field
from tensorlang.sema import calls, expand, messages, reports
from tensorlang.sema.resolved import (
    Access,
    Addition,
    Entity,
    Extent,
    Flat,
    FromEnd,
    Function,
    Multiplication,
    Place,
    Poison,
    Raise,
    Resolved,
    Star,
    Value,
    names_free,
)
from tensorlang.sema.scope import Instance, Library, Module, Scalar, Scope, TensorInfo, View
from tensorlang.sema.world import World, strip
from tensorlang.source import Span
from tensorlang.syntax import ast

CONSTANTS: dict[str, float | complex] = {"pi": math.pi, "inf": math.inf, "im": 1j}
_COMPARE = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


@dataclass(slots=True, eq=False)
class Frame:
    """One equation being resolved.

    ``words`` are the words that stand as indices in it, ``left`` the index names of its left side, ``rest`` what
    ``...`` stands for, ``colons`` the names that its ``:`` got so far, ``owner`` what applications are named after.
    ``moving`` are the words of the left side and those that stand anywhere without a star.
    """

    world: World
    scope: Scope
    owner: str
    words: set[str]
    left: tuple[str, ...] = ()
    dotted: str | None = None
    rest: tuple[str, ...] | None = None
    colons: list[str] = field(default_factory=list)
    nameless: set[str] = field(default_factory=set)
    ranges: dict[str, Size] = field(default_factory=dict)
    colon_at: int = 0
    moving: frozenset[str] = frozenset()

    def fresh(self, label: str) -> str:
        """A new index name like ``label`` that the equation does not use yet; no ``dim`` of that name applies to it."""
        name = label
        while name in self.words:
            name += "'"
        self.words.add(name)
        self.nameless.add(name)
        return name


def resolve(frame: Frame, node: ast.Expression, indexing: bool = False) -> Resolved:
    """``indexing`` inside index brackets, where ``/`` is integer division and words are indices first."""
    match node:
        case ast.Paren(value=value):
            return resolve(frame, value, indexing)
        case ast.Number(value=number):
            return Value(node.span, number)
        case ast.Name(name=name):
            return _name(frame, name, node.span, indexing)
        case ast.String():
            return Entity(node.span, node.value)
        case ast.Subscript() | ast.Attribute():
            return _tensor(frame, node)
        case ast.Call():
            return calls.resolve_call(frame, node)
        case ast.Size(name=name):
            return size_of(frame, name, node.span)
        case ast.Virtual(name=name):
            return _star(frame, name, node.span, indexing)
        case ast.Sum() | ast.Product() | ast.Power():
            return _arithmetic(frame, node, indexing)
        case ast.Comparison() | ast.Logic() | ast.Not() | ast.IfElse():
            return _logic(frame, node, indexing)
        case ast.ListLiteral():
            messages.literal_here(frame.world.problems, node.span)
            return Poison(node.span)


def _name(frame: Frame, name: str, span: Span, indexing: bool) -> Resolved:
    found = frame.scope.find(name)
    if isinstance(found, Scalar):
        if found.index and (indexing or name in frame.words):
            return Place(span, name)
        return _at(found.value, span)
    if name in frame.words and not (indexing and isinstance(found, View) and name[0].isupper()):
        return Place(span, name)
    match found:
        case View(tensor=tensor, prefix=prefix):
            if expand.rank(frame.world, tensor) == len(prefix):
                return Access(span, tensor.name, prefix)
            messages.needs_indices(frame.world.problems, span, name, expand.labels(frame.world, tensor)[len(prefix) :])
        case Module() | Instance() | Library():
            messages.not_a_value(frame.world.problems, span, name)
        case None:
            if name == TRAINING:
                return Access(span, _mode(frame.world, span), ())
            if name in CONSTANTS:
                return Value(span, CONSTANTS[name])
            if frame.scope.dim(name) is not None:
                return Place(span, name)
            if name in frame.world.words and name[0].isupper():
                return Entity(span, name)
            known = (*frame.scope.known(), *CONSTANTS, TRAINING, *frame.words)
            messages.unknown_tensor(frame.world.problems, span, name, known)
    return Poison(span)


def _mode(world: World, span: Span) -> str:
    """The truth value that holds in training; it belongs to the programs that read it."""
    name = TRAINING
    while name in world.tensors:
        if world.tensors[name].kind == "mode":
            return name
        name += "'"
    return world.add(TensorInfo(name, "mode", span, world.root, labels=(), element="bool")).name


def _star(frame: Frame, name: str, span: Span, indexing: bool) -> Resolved:
    """``*t``; where no left side moves it and nothing else has ``t``, it is the last position."""
    if not indexing:
        messages.star_outside(frame.world.problems, span, name)
        return Poison(span)
    return Star(span, name) if name in frame.moving else FromEnd(span, 1)


def _at(node: Resolved, span: Span) -> Resolved:
    """A constant's value, at the place where its name stands."""
    return Value(span, node.value) if isinstance(node, Value) else node


def size_of(frame: Frame, name: str, span: Span) -> Resolved:
    """``|name|``; ``|...|`` is a product of sizes."""
    if name == "...":
        if frame.rest is None:
            messages.rest_length(frame.world.problems, span, None, None)
            return Poison(span)
        sizes = [Extent(span, index) for index in frame.rest]
        return _multiply(span, [Value(span, 1), *sizes])
    known = frame.scope.dim(name)
    if known is not None:
        return Value(span, known[0])
    if name in frame.words:
        return Extent(span, name)
    labelled = expand.extent_of_formal(frame.world, frame.scope, name)
    if labelled is not None:
        return Value(span, labelled)
    messages.unknown_size(frame.world.problems, span, name, frame.words)
    return Poison(span)


# --- arithmetic --------------------------------------------------------------------------------------------------


def _arithmetic(frame: Frame, node: ast.Sum | ast.Product | ast.Power, indexing: bool) -> Resolved:
    match node:
        case ast.Sum(terms=terms):
            if len(terms) == 1 and isinstance(strip(terms[0].value), ast.Number):
                only = resolve(frame, terms[0].value, indexing)
                assert isinstance(only, Value)
                assert not isinstance(only.value, Size)
                return Value(node.span, only.value * terms[0].sign)
            return Addition(node.span, tuple((t.sign, resolve(frame, t.value, indexing)) for t in terms))
        case ast.Product():
            return _product(frame, node, indexing)
        case ast.Power(base=base, exponent=exponent):
            power = resolve(frame, exponent)
            return Raise(node.span, resolve(frame, base), power, _repeats(power))


def _repeats(exponent: Resolved) -> bool:
    """Whether a power is a product of its base with itself: a positive integer or a symbolic exponent."""
    if isinstance(exponent, Value):
        if isinstance(exponent.value, Size):
            return True
        return isinstance(exponent.value, int) and exponent.value > 0
    return isinstance(exponent, Access | Extent) and not names_free(exponent)


def _product(frame: Frame, node: ast.Product, indexing: bool) -> Resolved:
    factors: list[Resolved] = []
    for factor in node.factors:
        value = resolve(frame, factor.value, indexing)
        if factor.operator == "%":
            factors = [Function(node.span, "mod", (_multiply(node.span, factors), value))]
        elif factor.operator == "/" and indexing:
            factors = [Function(node.span, "floordiv", (_multiply(node.span, factors), value))]
        elif factor.operator == "/":
            factors.append(Function(factor.value.span, "reciprocal", (value,)))
        else:
            factors.append(value)
    return _multiply(node.span, factors)


def _multiply(span: Span, factors: list[Resolved]) -> Resolved:
    return factors[0] if len(factors) == 1 else Multiplication(span, tuple(factors))


def _logic(frame: Frame, node: ast.Comparison | ast.Logic | ast.Not | ast.IfElse, indexing: bool) -> Resolved:
    match node:
        case ast.Comparison(operators=operators, values=values):
            sides = [resolve(frame, value, indexing) for value in values]
            pairs = zip(operators, sides, sides[1:], strict=False)
            tests = tuple(Function(node.span, _COMPARE[op], (a, b)) for op, a, b in pairs)
            return tests[0] if len(tests) == 1 else Function(node.span, "and", tests)
        case ast.Logic(operator=operator, values=values):
            return Function(node.span, operator, tuple(resolve(frame, value, indexing) for value in values))
        case ast.Not(value=value):
            return Function(node.span, "not", (resolve(frame, value, indexing),))
        case ast.IfElse(value=value, condition=condition, otherwise=otherwise):
            args = (condition, value, otherwise)
            return Function(node.span, "select", tuple(resolve(frame, arg, indexing) for arg in args))


def conditions(frame: Frame, guard: ast.Expression | None) -> tuple[Resolved, ...]:
    """The conditions of a ``where``, one each."""
    if guard is None:
        return ()
    inner = strip(guard)
    if isinstance(inner, ast.Logic) and inner.operator == "and":
        return tuple(c for value in inner.values for c in conditions(frame, value))
    if isinstance(inner, ast.Comparison) and len(inner.operators) > 1:
        resolved = _logic(frame, inner, False)
        return resolved.args if isinstance(resolved, Function) else (resolved,)
    return (resolve(frame, guard),)


# --- tensors with indices ----------------------------------------------------------------------------------------


def find_view(frame: Frame, node: ast.Expression) -> View | None:
    """The tensor that an expression names: ``X``, ``nn.Table``, ``net.W``, ``Linear(X, o=3)``; reports otherwise."""
    world = frame.world
    match strip(node):
        case ast.Name(name=name, span=span):
            found = frame.scope.find(name)
            if isinstance(found, View):
                return found
            if found is not None and not isinstance(found, Scalar):
                messages.not_a_value(world.problems, span, name)
            elif name in POINTWISE or name in REDUCTIONS or name in ALONG:
                messages.function_needs_brackets(world.problems, span, name)
            else:
                messages.unknown_tensor(world.problems, span, name, (*frame.scope.known(), *STRUCTURED))
        case ast.Attribute(target=ast.Name(name=head), name=name, span=span):
            return _inside(frame, head, name, span)
        case ast.Attribute(target=ast.Call() as call, name=name, span=span):
            first = calls.application(frame, call)
            return None if first is None else _beside(frame, first, name, span)
        case ast.Call() as call:
            return calls.application(frame, call)
        case other:
            messages.not_a_tensor(world.problems, other.span)
    return None


def _beside(frame: Frame, first: View, name: str, span: Span) -> View | None:
    """``net(X).H``: another tensor that the same application defines."""
    prefix = first.tensor.name.rpartition(".")[0]
    found = frame.world.tensors.get(f"{prefix}.{name}")
    if found is None:
        inside = [known.removeprefix(f"{prefix}.") for known in frame.world.tensors if known.startswith(f"{prefix}.")]
        messages.not_in_module(frame.world.problems, span, prefix, name, inside)
        return None
    return View(found, first.prefix)


def _inside(frame: Frame, head: str, name: str, span: Span) -> View | None:
    """``head.name``: a tensor of an imported file, or one that an application or an instance made."""
    found = frame.scope.find(head)
    if isinstance(found, Library):
        inner = found.scope.names.get(name)
        if isinstance(inner, View):
            return inner
        messages.not_in_module(frame.world.problems, span, head, name, found.scope.names)
        return None
    if isinstance(found, View | Instance):
        prefix = found.prefix if isinstance(found, Instance) else f"{found.tensor.name}."
        tensor = frame.world.tensors.get(f"{prefix}{name}")
        if tensor is not None:
            return View(tensor)
        if isinstance(found, View) and name in reports.REPORTS:
            return View(reports.report_on(frame.world, found.tensor, name, span))
        inside = [known.removeprefix(prefix) for known in frame.world.tensors if known.startswith(prefix)]
        messages.not_in_module(frame.world.problems, span, head, name, inside)
        return None
    messages.unknown_tensor(frame.world.problems, span, head, frame.scope.known())
    return None


def _tensor(frame: Frame, node: ast.Subscript | ast.Attribute) -> Resolved:
    if isinstance(node, ast.Attribute):
        view = find_view(frame, node)
        if view is None:
            return Poison(node.span)
        remaining = expand.labels(frame.world, view.tensor)[len(view.prefix) :]
        if remaining:
            messages.needs_indices(frame.world.problems, node.span, node.span.text, remaining)
            return Poison(node.span)
        return Access(node.span, view.tensor.name, view.prefix)
    target = strip(node.target)
    if isinstance(target, ast.Name) and frame.scope.find(target.name) is None and target.name in STRUCTURED:
        at = entries(frame, node.items, None, node.span)
        return Poison(node.span) if at is None else calls.structured(frame, target.name, at, node.span)
    if isinstance(target, ast.Name) and frame.scope.find(target.name) is None and target.name in calls.LATER_CONSTANTS:
        messages.constants_later(frame.world.problems, target.span, target.name)
        return Poison(node.span)
    view = find_view(frame, node.target)
    if view is None:
        for item in node.items:
            if not isinstance(item, ast.Dotted | ast.Slice | ast.Rest | ast.Group):
                resolve(frame, item, indexing=True)
        return Poison(node.span)
    return access(frame, view, node.items, node.span)


def access(frame: Frame, view: View, items: tuple[ast.Item, ...], span: Span) -> Resolved:
    """A tensor at the entries that are written."""
    at = entries(frame, items, view, span)
    if at is None:
        return Poison(span)
    full = expand.labels(frame.world, view.tensor)
    if len(view.prefix) + len(at) != len(full):
        if view.tensor.unsure:
            return Poison(span)
        messages.wrong_rank(frame.world.problems, span, view.tensor, full[len(view.prefix) :], len(at))
        return Poison(span)
    return Access(span, view.tensor.name, (*view.prefix, *at))


def entries(frame: Frame, items: tuple[ast.Item, ...], view: View | None, span: Span) -> tuple[Resolved, ...] | None:
    """The entries of index brackets, ``...`` and ``:`` spelled out; None where that is impossible (reported)."""
    found: list[Resolved] = []
    frame.colon_at = 0
    for item in items:
        match item:
            case ast.Rest():
                spelled = _rest(frame, items, view, item.span)
                if spelled is None:
                    return None
                found += spelled
            case ast.Slice():
                at = len(found) + (len(view.prefix) if view is not None else 0)
                found.append(_slice(frame, item, view.tensor if view is not None else None, at))
            case ast.Dotted(name=name):
                messages.dot_on_the_right(frame.world.problems, item.span, name)
                found.append(Place(item.span, name))
            case ast.Group(names=names):
                found.append(Flat(item.span, names))
            case _:
                found.append(_entry(frame, item))
    return tuple(found)


def _entry(frame: Frame, item: ast.Expression) -> Resolved:
    if isinstance(item, ast.Name) and _unknown_capital(frame, item.name):
        if item.name in frame.world.words:
            return Entity(item.span, item.name)
        known = (*frame.scope.known(), *frame.world.words)
        messages.not_an_entity(frame.world.problems, item.span, item.name, known)
        return Poison(item.span)
    value = resolve(frame, item, indexing=True)
    if isinstance(value, Value) and isinstance(value.value, int) and value.value < 0:
        return FromEnd(value.span, -value.value)
    return value


def _unknown_capital(frame: Frame, name: str) -> bool:
    """Whether a capitalised word in index brackets means nothing: no constant, tensor, domain or index of the left."""
    known = frame.scope.find(name) is not None or frame.scope.dim(name) is not None or name in frame.left
    return name[0].isupper() and not known


def _rest(frame: Frame, items: tuple[ast.Item, ...], view: View | None, span: Span) -> list[Resolved] | None:
    """What ``...`` stands for: the axes that the other entries leave, named as on the left side."""
    count = None
    if view is not None:
        axes = expand.labels(frame.world, view.tensor)[len(view.prefix) :]
        count = len(axes) - (len(items) - 1)
        expand.name_rest(frame, items, axes)
    if frame.rest is None or (count is not None and count != len(frame.rest)):
        messages.rest_length(frame.world.problems, span, count, frame.rest)
        return None
    return [Place(span, name) for name in frame.rest]


def _slice(frame: Frame, item: ast.Slice, tensor: TensorInfo | None, at: int) -> Resolved:
    """``:`` and ``a:b`` as an index of their own; those on the right pair with those on the left in their order."""
    if frame.colon_at < len(frame.colons):
        name = frame.colons[frame.colon_at]
    else:
        known = expand.labels(frame.world, tensor) if tensor is not None else ()
        name = frame.fresh(known[at] if at < len(known) else "r")
        frame.colons.append(name)
    frame.colon_at += 1
    lower = _bound(frame, item.lower)
    upper = _bound(frame, item.upper)
    place = Place(item.span, name)
    if upper is not None:
        if (length := (upper - (lower or 0)).constant) is not None and length < 1:
            messages.range_without_positions(frame.world.problems, item.span)
            upper = (lower or Size.of(0)) + 1
        frame.ranges[name] = upper - (lower or 0)
    elif lower is not None:
        messages.open_slice(frame.world.problems, item.span)
    if lower is not None and lower.constant != 0:
        return Addition(item.span, ((1, place), (1, Value(item.span, lower))))
    # A range that starts at 0 is arithmetic too: alone it would be the whole axis.
    return place if upper is None else Addition(item.span, ((1, place),))


def _bound(frame: Frame, node: ast.Expression | None) -> Size | None:
    if node is None:
        return None
    size = expand.size_of_expression(frame.world, frame.scope, node)
    if size is None or (size.constant is not None and size.constant < 0):
        messages.bad_slice(frame.world.problems, node.span)
        return Size.of(0)
    return size
