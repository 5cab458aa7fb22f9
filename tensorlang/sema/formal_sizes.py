"""Sizes that a module's formals tell: the name of an axis of a formal stands for its size where nothing else gives one.

In: domains in which some axes of parameters and some indices have no size yet. Out: whether any got one.
``def Block(X[..., t, m]) -> Y[..., t, m]`` with ``param W[m,k]``: the ``m`` of W is that of X.
"""

from __future__ import annotations

from tensorlang.sema.domains import Domains, Var
from tensorlang.sema.expand import labelled_axes
from tensorlang.sema.scope import Scope
from tensorlang.sema.unsolved import index_places


def by_formals(domains: Domains) -> bool:
    """Give axes of parameters and buffers, and indices, the size of the formal's axis of their name."""
    moved = False
    for info in domains.world.tensors.values():
        if not info.scope.formal_axes:
            continue
        if info.kind in ("param", "buffer"):
            for at, label in enumerate(info.labels or ()):
                moved |= _tied(domains, info.scope, domains.axis(info.name, at), label)
        for statement in info.statements:
            for name, _ in index_places(statement):
                moved |= _tied(domains, info.scope, domains.index(statement, name), name)
    return moved


def _tied(domains: Domains, scope: Scope, var: Var, label: str) -> bool:
    if domains.size(var) is not None:
        return False
    for view, at, span in labelled_axes(domains.world, scope, label):
        if domains.size(domains.axis(view.tensor.name, at)) is not None:
            domains.unify(var, domains.axis(view.tensor.name, at), label, span)
            return True
    return False
