"""One driver for all rewriting: rules are plain functions ``Expr -> Expr | None``, grouped in lists by the passes.

In: an expression (or all values of a Program) and rules. Out: an equal one to which no rule applies any more, or the
one reached when the fuel is spent: since every rule keeps the meaning, stopping early is safe. Nothing here recurses,
so expressions may be of any depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count

from tensorlang.ir.nodes import Expr, Index, bound_indices, cached, children, free_indices, rename, with_children
from tensorlang.ir.program import Definition, Piece, Program
from tensorlang.records import replace

Rule = Callable[[Expr], Expr | None]
FUEL = 100_000


def rewrite(node: Expr, rules: Sequence[Rule], memo: dict[Expr, Expr] | None = None, fuel: int = FUEL) -> Expr:
    """Children first, then the node by the first rule that gives something else; what a rule gives is rewritten too.

    ``memo`` maps expressions to their final form; hand the same one in to share work between expressions under the same
    rules.
    """
    final = {} if memo is None else memo
    stack: list[tuple[str, Expr, Expr]] = [("visit", node, node)]
    while stack:
        task, top, new = stack.pop()
        if task == "settle":
            final[top] = final[new]
        elif top in final:
            continue
        elif task == "visit" and (waiting := [part for part in children(top) if part not in final]):
            stack.append(("build", top, top))
            stack.extend(("visit", part, part) for part in waiting)
        else:
            built = with_children(top, tuple(final[part] for part in children(top)))
            changed = _first(rules, built) if fuel > 0 and built not in final else None
            if changed is None:
                final[top] = final.setdefault(built, built)
            else:
                fuel -= 1
                stack += [("settle", top, changed), ("settle", built, changed), ("visit", changed, changed)]
    return final[node]


def _first(rules: Sequence[Rule], node: Expr) -> Expr | None:
    for rule in rules:
        changed = rule(node)
        if changed is not None and changed is not node:
            return changed
    return None


def map_values(program: Program, change: Callable[[Expr], Expr]) -> Program:
    """The program with every value of its equations changed."""
    return replace(program, definitions=tuple(map_definition(d, change) for d in program.definitions))


def map_definition(definition: Definition, change: Callable[[Expr], Expr]) -> Definition:
    """A definition with every value of its equations changed."""
    pieces = tuple(replace(piece, value=change(piece.value)) for piece in definition.pieces)
    return replace(definition, pieces=pieces)


def map_piece(piece: Piece, change: Callable[[Expr], Expr]) -> Piece:
    """An equation with its value and the entries of its left side changed."""
    return replace(piece, left=tuple(map(change, piece.left)), value=change(piece.value))


def rewrite_program(program: Program, rules: Sequence[Rule]) -> Program:
    """The program with every value rewritten."""
    memo: dict[Expr, Expr] = {}
    return map_values(program, lambda value: rewrite(value, rules, memo))


# --- names -------------------------------------------------------------------------------------------------------


@cached
def bound_inside(node: Expr) -> frozenset[Index]:
    """All indices that are bound in an expression, at any depth."""
    return frozenset(bound_indices(node)).union(*(bound_inside(child) for child in children(node)))


@cached
def indices_inside(node: Expr) -> frozenset[Index]:
    """All indices of an expression, free and bound."""
    return free_indices(node) | bound_inside(node)


def fresh_name(stem: str, taken: Iterable[str]) -> str:
    """A name that is not taken, made from the stem."""
    used = set(taken)
    base = stem.rstrip("'").rstrip("0123456789").rstrip("_") or stem
    return next(name for name in (f"{base}_{n}" for n in count(1)) if name not in used)


def rename_apart(node: Expr, avoid: Iterable[str]) -> Expr:
    """The expression with the bound indices whose names are in ``avoid`` renamed to fresh ones.

    Do so before an expression is put into the scope of other indices (by ``substitute``, or as a factor of a product
    whose sum is about to move).
    """
    names = frozenset(avoid)
    clashing = sorted((i for i in bound_inside(node) if i.name in names), key=lambda i: i.name)
    if not clashing:
        return node
    taken = set(names).union(index.name for index in indices_inside(node))
    mapping: dict[Index, Index] = {}
    for index in clashing:
        mapping[index] = Index(fresh_name(index.name, taken), index.size)
        taken.add(mapping[index].name)
    return rename(node, mapping)


def bound_once(node: Expr) -> Expr:
    """The expression with every index that is bound again inside of where it is bound renamed there."""
    if not _rebound(node):
        return node
    own = frozenset(index.name for index in bound_indices(node))
    return with_children(node, tuple(_unbinding(bound_once(child), own) for child in children(node)))


@cached
def _rebound(node: Expr) -> bool:
    """Whether an index is bound inside of where it is bound already."""
    own = {index.name for index in bound_indices(node)}
    inside = children(node)
    return any(_rebound(child) for child in inside) or any(
        index.name in own for child in inside for index in bound_inside(child)
    )


def _unbinding(node: Expr, avoid: frozenset[str]) -> Expr:
    """The expression with other names where it binds one of these; as free indices they stay."""
    if avoid.isdisjoint(index.name for index in bound_inside(node)):
        return node
    clashing = [index for index in bound_indices(node) if index.name in avoid]
    taken = avoid.union(index.name for index in indices_inside(node))
    mapping = {index: Index(fresh_name(index.name, taken), index.size) for index in clashing}
    named = rename(node, mapping)
    return with_children(named, tuple(_unbinding(child, avoid) for child in children(named)))
