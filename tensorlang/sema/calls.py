"""What a bracket right behind a name means: a function, a reduction, a relation, or a module applied to tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorlang.ops import ALONG, POINTWISE, REDUCTIONS, STRUCTURED
from tensorlang.sema import expand, messages, resolve
from tensorlang.sema.resolved import (
    Access,
    Along,
    Function,
    Place,
    Poison,
    Reduction,
    Resolved,
    Value,
    names_free,
    walk,
)
from tensorlang.sema.scope import Instance, Library, Module, Scalar, View
from tensorlang.sema.world import strip
from tensorlang.source import Span
from tensorlang.syntax import ast

if TYPE_CHECKING:
    from tensorlang.sema.resolve import Frame

ALIASES = {alias: record.name for record in POINTWISE.values() for alias in record.aliases}
LATER = {"diff", "grad"}
LATER_CONSTANTS = {
    "rdft", "irdft", "dct", "cheb", "hadamard", "toeplitz", "circulant", "cg", "gaunt", "sph", "clifford",
}  # fmt: skip
_HIDDEN = {"neg", "reciprocal", "select", "add", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "floordiv"}
FUNCTIONS = sorted(({*POINTWISE, *ALIASES} - _HIDDEN) | {*REDUCTIONS} | {*ALONG} | {"concat", "one_hot"})


def resolve_call(frame: Frame, node: ast.Call) -> Resolved:
    problems = frame.world.problems
    target = strip(node.target)
    if isinstance(target, ast.Subscript) and isinstance(strip(target.target), ast.Name):
        head = strip(target.target)
        assert isinstance(head, ast.Name)
        if frame.scope.find(head.name) is None or head.name in REDUCTIONS:
            return _indexed_function(frame, head.name, target, node)
    if isinstance(target, ast.Name):
        found = frame.scope.find(target.name)
        if isinstance(found, View):
            return _relation(frame, found, target.name, node)
        if found is None or isinstance(found, Scalar):
            return _function(frame, target.name, node)
    view = application(frame, node)
    if view is None:
        return Poison(node.span)
    remaining = expand.labels(frame.world, view.tensor)[len(view.prefix) :]
    if remaining:
        messages.result_needs_indices(problems, node.span, remaining)
        return Poison(node.span)
    return Access(node.span, view.tensor.name, view.prefix)


def _relation(frame: Frame, view: View, name: str, node: ast.Call) -> Resolved:
    if not view.tensor.relation and not _assigned_relation(frame, view):
        messages.tensor_called(frame.world.problems, node.span, name)
        return Poison(node.span)
    items = []
    for argument in node.arguments:
        if argument.name is not None or argument.where is not None:
            messages.plain_arguments(frame.world.problems, argument.span, name)
        items.append(argument.value)
    return resolve.access(frame, view, tuple(items), node.span)


def _assigned_relation(frame: Frame, view: View) -> bool:
    """Whether a tensor is a relation that a module gives: ``R = Closure(Edge)``."""
    info = view.tensor
    if len(info.equations) != 1 or info.equations[0][0].items is not None:
        return False
    equation, scope = info.equations[0]
    inner = strip(equation.value)
    own = expand.frame_of(frame.world, scope, info.name, equation)
    if not isinstance(inner, ast.Call) or not expand.is_whole(own, inner):
        return False
    found = application(own, inner)
    info.relation = found is not None and found.tensor.relation
    return info.relation


# --- functions ---------------------------------------------------------------------------------------------------


def _function(frame: Frame, name: str, node: ast.Call) -> Resolved:
    problems = frame.world.problems
    name = ALIASES.get(name, name)
    if name == "concat":
        messages.concat_inside(problems, node.span)
        return Poison(node.span)
    if name in ("Even", "Odd"):
        return _parity(frame, name, node)
    if name in ALONG or name == "one_hot":
        index = _understood_index(frame, name, node.span)
        return Poison(node.span) if index is None else _along(frame, name, index, node)
    if name in POINTWISE and name not in _HIDDEN:
        record = POINTWISE[name]
        if name in ("min", "max") and len(node.arguments) == 1:
            messages.reduction_without_index(problems, node.span, name)
            return Poison(node.span)
        args = _plain(frame, name, node.arguments)
        least, most = record.arity
        if not least <= len(args) <= most:
            messages.wrong_arity(problems, node.span, name, record.arity, len(args), record.doc)
            return Poison(node.span)
        return Function(node.span, name, args)
    if name not in LATER:
        _plain(frame, name, node.arguments)
    if name in REDUCTIONS:
        messages.reduction_without_index(problems, node.span, name)
    elif name in LATER:
        messages.derivatives_later(problems, node.span, name)
    elif name in LATER_CONSTANTS:
        messages.constants_later(problems, node.span, name)
    elif name in STRUCTURED:
        messages.tensor_called(problems, node.span, name)
    else:
        modules = [known for known in frame.scope.known() if isinstance(frame.scope.find(known), Module | View)]
        messages.unknown_function(problems, strip(node.target).span, name, (*FUNCTIONS, *modules))
    return Poison(node.span)


def _plain(frame: Frame, name: str, arguments: tuple[ast.Argument, ...]) -> tuple[Resolved, ...]:
    for argument in arguments:
        if argument.name is not None or argument.where is not None:
            messages.plain_arguments(frame.world.problems, argument.span, name)
    return tuple(resolve.resolve(frame, argument.value) for argument in arguments)


def _parity(frame: Frame, name: str, node: ast.Call) -> Resolved:
    """``Even(d)``, ``Odd(d)``: the predicates that the paper's position encoding takes for granted."""
    args = _plain(frame, name, node.arguments)
    if len(args) != 1:
        messages.wrong_arity(frame.world.problems, node.span, name, (1, 1), len(args), "")
        return Poison(node.span)
    half = Function(node.span, "mod", (args[0], Value(node.span, 2)))
    return Function(node.span, "eq", (half, Value(node.span, 0 if name == "Even" else 1)))


def _understood_index(frame: Frame, name: str, span: Span) -> str | None:
    """The index of a function without brackets: the dotted one, or the only one on the left."""
    if frame.dotted is not None:
        return frame.dotted
    candidates = tuple(dict.fromkeys(frame.left))
    if len(candidates) == 1:
        return candidates[0]
    messages.which_index(frame.world.problems, span, name, candidates)
    return None


def _indexed_function(frame: Frame, name: str, target: ast.Subscript, node: ast.Call) -> Resolved:
    problems = frame.world.problems
    if name == "concat":
        messages.concat_inside(problems, node.span)
        return Poison(node.span)
    if name not in REDUCTIONS and name not in ALONG and name != "one_hot":
        words = (*REDUCTIONS, *ALONG, "one_hot", "concat")
        if name in POINTWISE:
            messages.pointwise_with_index(problems, target.span, name)
        else:
            messages.unknown_function(problems, target.target.span, name, (*words, *frame.scope.known()))
        return Poison(node.span)
    names: list[str] = []
    for item in target.items:
        if isinstance(item, ast.Name):
            names.append(item.name)
        elif isinstance(item, ast.Rest) and name in REDUCTIONS:
            rest = expand.rest_of(frame, node)
            if rest is None:
                messages.rest_length(problems, item.span, None, None)
                return Poison(node.span)
            names += rest
        else:
            messages.index_name_needed(problems, item.span, name)
            return Poison(node.span)
    if name in REDUCTIONS:
        return _reduction(frame, name, tuple(dict.fromkeys(names)), node)
    if len(names) != 1:
        messages.one_index_needed(problems, target.span, name)
        return Poison(node.span)
    return _along(frame, name, names[0], node)


_OF_ONE = frozenset(("sum", "mean", "max", "min", "prod", "any", "all", "logsumexp"))  # one value is its own


def _reduction(frame: Frame, name: str, names: tuple[str, ...], node: ast.Call) -> Resolved:
    if len(node.arguments) != 1 or node.arguments[0].name is not None:
        messages.wrong_arity(frame.world.problems, node.span, name, (1, 1), len(node.arguments), "")
        return Poison(node.span)
    if name in ("argmax", "argmin") and len(names) != 1:
        messages.one_index_needed(frame.world.problems, node.span, name)
        return Poison(node.span)
    argument = node.arguments[0]
    where = resolve.conditions(frame, argument.where)
    value = resolve.resolve(frame, argument.value)
    if not names and name in _OF_ONE and not where:
        return value  # `mean[...]` where `...` stands for no axis
    if not names or not _inside(frame, name, names, value, where, node.span):
        if not names:
            messages.index_name_needed(frame.world.problems, node.target.span, name)
        return Poison(node.span)
    return Reduction(node.span, name, names, value, where)


def _inside(
    frame: Frame, op: str, names: tuple[str, ...], value: Resolved, where: tuple[Resolved, ...], span: Span
) -> bool:
    """Whether the indices that a function runs over stand in its argument; reports otherwise."""
    if any(isinstance(node, Poison) for part in (value, *where) for node in walk(part)):
        return False
    missing = frozenset(names) - frozenset().union(*map(names_free, (value, *where)))
    if missing:
        messages.index_not_inside(frame.world.problems, span, op, min(missing))
    return not missing


def _along(frame: Frame, name: str, index: str, node: ast.Call) -> Resolved:
    problems = frame.world.problems
    if name == "one_hot":
        args = _plain(frame, name, node.arguments)
        if len(args) != 1:
            messages.wrong_arity(problems, node.span, name, (1, 1), len(args), "")
            return Poison(node.span)
        hit = Function(node.span, "eq", (args[0], Place(node.span, index)))
        return Function(node.span, "select", (hit, Value(node.span, 1), Value(node.span, 0)))
    record = ALONG[name]
    if not node.arguments or node.arguments[0].name is not None:
        messages.wrong_arity(problems, node.span, name, (1, 1 + len(record.options)), 0, record.doc)
        return Poison(node.span)
    options: dict[str, Resolved] = {}
    order = [option for option, _ in record.options]
    for at, argument in enumerate(node.arguments[1:]):
        key = argument.name or (order[at] if at < len(order) else "")
        if key not in order or key in options:
            messages.unknown_option(problems, argument.span, name, key, order)
            return Poison(node.span)
        if argument.where is not None:
            messages.plain_arguments(problems, argument.span, name)
        options[key] = resolve.resolve(frame, argument.value)
    given = []
    for key, default in record.options:
        if key not in options and default is None:
            messages.wrong_arity(problems, node.span, name, (2, 1 + len(order)), len(node.arguments), record.doc)
            return Poison(node.span)
        given.append(options[key] if default is None or key in options else Value(node.span, default))
    where = resolve.conditions(frame, node.arguments[0].where)
    value = resolve.resolve(frame, node.arguments[0].value)
    if not _inside(frame, name, (index,), value, where, node.span):
        return Poison(node.span)
    return Along(node.span, name, index, value, tuple(given), where)


def structured(frame: Frame, name: str, at: tuple[Resolved, ...], span: Span) -> Resolved:
    """``delta[i,j]`` and its kin: read like tensors."""
    if name == "delta" and len(at) != 2:
        messages.wrong_places(frame.world.problems, span, name, 2, len(at))
        return Poison(span)
    if name in ("dft", "idft") and len(at) != 2:
        messages.wrong_places(frame.world.problems, span, name, 2, len(at))
        return Poison(span)
    return Access(span, name, at)


# --- modules -----------------------------------------------------------------------------------------------------


def application(frame: Frame, node: ast.Call) -> View | None:
    """The tensor that ``nn.Linear(X, o=3)``, ``Block[l](X)``, ``net(X)`` gives; None where it is wrong (reported)."""
    target = strip(node.target)
    lead: tuple[ast.Item, ...] = ()
    if isinstance(target, ast.Subscript):
        lead = target.items
        target = strip(target.target)
    found = module_of(frame, target)
    if found is None:
        return None
    return expand.apply(frame, found, lead, node)


def module_of(frame: Frame, target: ast.Expression) -> Module | Instance | None:
    """The module or instance that an expression names; reports where it names none."""
    problems = frame.world.problems
    match target:
        case ast.Name(name=name, span=span):
            found = frame.scope.find(name)
            if isinstance(found, Module | Instance):
                return found
            if isinstance(found, View):
                messages.tensor_called(problems, span, name)
            else:
                modules = [k for k in frame.scope.known() if isinstance(frame.scope.find(k), Module | Instance)]
                messages.unknown_function(problems, span, name, (*FUNCTIONS, *modules))
        case ast.Attribute(target=ast.Name(name=head), name=name, span=span):
            library = frame.scope.find(head)
            if isinstance(library, Library):
                inner = library.scope.names.get(name)
                if isinstance(inner, Module | Instance):
                    return inner
                messages.not_in_module(problems, span, head, name, library.scope.names)
            elif library is None:
                messages.unknown_module(problems, span, head, frame.scope.known())
            else:
                messages.not_a_module(problems, span, head)
        case other:
            messages.applied_to_bracket(problems, other.span)
    return None
