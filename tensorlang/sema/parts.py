"""Modules and parts of tensors: ``Block(S[l])``, ``nn.Linear(A[0:2,:])``, ``S[0] = X``.

In: the arguments of an application, or an equation that assigns to a part. Out: what each formal is seen as, in the
indices of the caller; an equation with what it leaves out written as ``...``. An application is made for each value of
the indices in its arguments, but has one set of parameters; those in its own brackets (``Block[l]``) count for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tensorlang.records import replace
from tensorlang.sema import expand, messages, resolve
from tensorlang.sema.resolved import Place
from tensorlang.sema.scope import Scope, TensorInfo, View
from tensorlang.sema.world import ast_walk, index_words, item_words, strip
from tensorlang.syntax import ast

if TYPE_CHECKING:
    from tensorlang.sema.resolve import Frame


# --- parts on the left -------------------------------------------------------------------------------------------


def unfolded(scope: Scope, equation: ast.Equation, tensor: TensorInfo) -> ast.Equation:
    """``S[0] = X`` as ``S[0, ...] = X[...]``, ``S[l+1] = Block(S[l])`` alike: what is not written is assigned whole."""
    whole = strip(equation.value)
    if not equation.items or any(isinstance(item, ast.Rest | ast.Slice) for item in equation.items):
        return equation
    written = frozenset().union(*map(item_words, equation.items)) - _fixed(scope, equation.items)
    if isinstance(whole, ast.Call) and expand.names_module(scope, strip(whole.target)):
        if not written <= _applied_at(whole, scope):
            return equation
    elif written or not isinstance(whole, ast.Name | ast.Attribute) or not _has_axes(scope, whole):
        return equation
    if not written and _written_out(scope, tensor, len(equation.items)):
        return equation
    rest = ast.Rest(span=equation.left)
    value = ast.Subscript(whole, (rest,), span=whole.span)
    return replace(equation, items=(*equation.items, rest), value=value)


def _fixed(scope: Scope, items: tuple[ast.Item, ...]) -> set[str]:
    """The words among entries that are no indices."""
    return {word for item in items for word in item_words(item) if expand.is_constant(scope, word)}


def _applied_at(call: ast.Call, scope: Scope) -> set[str]:
    """The indices for each value of which an application is made."""
    target = strip(call.target)
    own = set().union(*map(item_words, target.items)) if isinstance(target, ast.Subscript) else set()
    return own | index_words([node for a in call.arguments for node in ast_walk(a)], scope)


def _has_axes(scope: Scope, value: ast.Name | ast.Attribute) -> bool:
    """Whether a name is that of a tensor which is not a single number, as far as is known."""
    if isinstance(value, ast.Attribute):
        return True
    found = scope.find(value.name)
    return isinstance(found, View) and expand.known_labels(found.tensor) != tuple(found.tensor.leading)


def _written_out(scope: Scope, tensor: TensorInfo, count: int) -> bool:
    """Whether another equation says that the tensor has no more axes than are written here."""
    for equation, _ in tensor.equations:
        items = equation.items or ()
        names = {word for item in items for word in item_words(item)} - _fixed(scope, items)
        if len(items) == count and names and not any(isinstance(item, ast.Rest) for item in items):
            return not isinstance(strip(equation.value), ast.Call)
    return False


# --- parts as arguments ------------------------------------------------------------------------------------------


def argument_view(caller: Frame, value: ast.Expression, name: str) -> View | None:
    """What a formal is seen as, in the caller's indices: a whole tensor, one at indices, or a part under a new name."""
    inner = strip(value)
    if isinstance(inner, ast.Subscript):
        view = resolve.find_view(caller, inner.target)
        if view is None:
            return None
        if all(isinstance(item, ast.Name) and _is_index(caller, item.name) for item in inner.items):
            names = [item for item in inner.items if isinstance(item, ast.Name)]
            return View(view.tensor, (*view.prefix, *(Place(item.span, item.name) for item in names)))
        return _part(caller, inner, view, name)
    if isinstance(inner, ast.Name | ast.Attribute | ast.Call):
        return resolve.find_view(caller, inner)
    messages.whole_tensor_needed(caller.world.problems, inner.span)
    return None


def _is_index(caller: Frame, word: str) -> bool:
    return word in caller.words and not expand.is_constant(caller.scope, word)


def _part(caller: Frame, value: ast.Subscript, view: View, name: str) -> View:
    """``A[0:2,:]`` under a name of its own; the indices in it come first."""
    outer = caller.scope.leading
    before = [place.index for place in view.prefix if isinstance(place, Place) and place.index not in outer]
    inside = [item for item in value.items if not isinstance(item, ast.Slice | ast.Rest)]
    words = [node.name for item in inside for node in ast_walk(item) if isinstance(node, ast.Name)]
    names = tuple(dict.fromkeys((*before, *(word for word in words if _is_index(caller, word)))))
    span = value.span
    shape: list[ast.Item] = [ast.Name(word, span=span) for word in names]
    for item in value.items:
        if isinstance(item, ast.Slice):
            shape.append(ast.Slice(None, None, span=item.span))
        elif isinstance(item, ast.Rest):
            shape.append(item)
    if not any(isinstance(item, ast.Rest) for item in value.items):
        shape.append(ast.Rest(span=span))
        value = replace(value, items=(*value.items, ast.Rest(span=span)))
    equation = ast.Equation(name, tuple(shape), "=", value, None, False, left=span, span=span)
    info = TensorInfo(name, "defined", span, Scope(caller.scope), leading=outer, equations=[(equation, caller.scope)])
    caller.world.add(info)
    caller.world.kept.append(equation)
    return View(info, tuple(Place(span, index) for index in (*outer, *names)))


def argument_names(caller: Frame, views: Iterable[View]) -> list[str]:
    """The indices at which arguments stand, in order; those of the module that the caller is in are not new."""
    places = [place for view in views for place in view.prefix if isinstance(place, Place)]
    return list(dict.fromkeys(place.index for place in places if place.index not in caller.scope.leading))


def renamed_view(view: View, renamed: Mapping[str, str]) -> View:
    """A view in the indices of a module's body."""
    prefix = tuple(
        Place(place.span, renamed.get(place.index, place.index)) if isinstance(place, Place) else place
        for place in view.prefix
    )
    return View(view.tensor, prefix)
