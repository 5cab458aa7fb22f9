"""Substitution that respects scopes: in goes an expression and what to put for its free indices, out comes the result.

``nodes.substitute`` replaces an index wherever it stands. Here bound indices are first renamed apart where they would
capture, and a function along an index keeps running along a plain index, or the substitution is refused. ``settled``
gives a changed equation index names that are bound once on every path, as the verifier asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tensorlang.ir.nodes import (
    AlongIndex,
    Expr,
    Index,
    Position,
    bound_indices,
    cached,
    children,
    free_indices,
    rename,
    substitute,
    with_children,
)
from tensorlang.ir.program import Definition, Piece, Program
from tensorlang.ir.rewrite import Rule, bound_inside, fresh_name, indices_inside, rewrite


@cached
def runs_along(node: Expr) -> frozenset[Index]:
    """The indices, free or bound, that functions inside an expression run along (softmax, cumsum...)."""
    below: frozenset[Index] = frozenset().union(*(runs_along(child) for child in children(node)))
    return below | {node.index} if isinstance(node, AlongIndex) else below


def fresh(index: Index, taken: set[str]) -> Index:
    """An index of the same domain under a name that is not taken; the name is taken from then on."""
    new = Index(fresh_name(index.name, taken), index.size)
    taken.add(new.name)
    return new


def apart(node: Expr, names: Iterable[str], taken: Iterable[str] = ()) -> Expr:
    """The same expression with no bound index of one of the given names; new names are not among ``taken`` either."""
    avoided = set(names)
    if not any(index.name in avoided for index in bound_inside(node)):
        return node
    used = avoided.union(taken, (index.name for index in indices_inside(node)))
    memo: dict[Expr, Expr] = {}
    stack = [node]
    while stack:
        top = stack[-1]
        waiting = [child for child in children(top) if child not in memo]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        if top not in memo:
            memo[top] = _rebound(with_children(top, tuple(memo[child] for child in children(top))), avoided, used)
    return memo[node]


def _rebound(node: Expr, avoided: set[str], taken: set[str]) -> Expr:
    """What stands below holds no binder of these names any more, so they may be replaced wherever they stand."""
    clashing = [index for index in bound_indices(node) if index.name in avoided]
    return rename(node, {index: fresh(index, taken) for index in clashing}) if clashing else node


def put(node: Expr, values: Mapping[Index, Expr]) -> Expr | None:
    """``node`` with free indices replaced by expressions; None where a function along an index forbids it."""
    used = {index: value for index, value in values.items() if index in free_indices(node)}
    if not used:
        return node
    arriving = frozenset[Index]().union(*(free_indices(value) for value in used.values()))
    clear = apart(node, {index.name for index in arriving.union(used)})
    if not runs_along(clear) & arriving.union(used):
        return substitute(clear, used)
    names = _renaming(clear, used)
    return None if names is None else rename(clear, names)


def _renaming(node: Expr, values: Mapping[Index, Expr]) -> dict[Index, Index] | None:
    """The values as a renaming to distinct indices that are new to the node, if they are one."""
    names = {index: value.index for index, value in values.items() if isinstance(value, Position)}
    if len(names) < len(values) or len(set(names.values())) < len(names):
        return None
    staying = free_indices(node) - values.keys()
    same_domains = all(old.size == new.size for old, new in names.items())
    return names if same_domains and not staying.intersection(names.values()) else None


def every_node(program: Program) -> Iterator[Expr]:
    """The distinct nodes of all values, those of the first definition first, children before parents."""
    seen: set[Expr] = set()
    for definition in program.definitions:
        for piece in definition.pieces:
            yield from below(piece.value, seen)


def below(node: Expr, seen: set[Expr]) -> Iterator[Expr]:
    """A node and what is below it, children first, without those seen before."""
    stack = [(node, False)]
    while stack:
        top, ready = stack.pop()
        if ready:
            yield top
        elif top not in seen:
            seen.add(top)
            stack.append((top, True))
            stack.extend((child, False) for child in children(top))


def rewrite_pieces(program: Program, rules: Sequence[Rule]) -> Program:
    """The program with every value rewritten, for rules that move sums: names of indices are settled afterwards."""
    memo: dict[Expr, Expr] = {}
    definitions: list[Definition] = []
    for definition in program.definitions:
        pieces: list[Piece] = []
        for piece in definition.pieces:
            value = rewrite(piece.value, rules, memo)
            pieces.append(piece if value is piece.value else settled(replace(piece, value=value)))
        definitions.append(replace(definition, pieces=tuple(pieces)))
    return replace(program, definitions=tuple(definitions))


def settled(piece: Piece) -> Piece:
    """The equation with its bound indices renamed where names clash with the left side, each other, or another size."""
    clashes = _clashes(piece.value, {index.name for index in piece.indices})
    if not clashes:
        return piece
    return replace(piece, value=apart(piece.value, clashes, {index.name for index in piece.indices}))


def _clashes(value: Expr, left: Collection[str]) -> set[str]:
    sizes: dict[str, set[object]] = {}
    for index in indices_inside(value):
        sizes.setdefault(index.name, set()).add(index.size)
    clashes = {name for name, several in sizes.items() if len(several) > 1}
    clashes.update(index.name for index in bound_inside(value) if index.name in left)
    seen: set[Expr] = set()
    stack = [value]
    while stack:
        node = stack.pop()
        if node in seen or not bound_inside(node):
            continue
        seen.add(node)
        inner: frozenset[Index] = frozenset().union(*(bound_inside(child) for child in children(node)))
        clashes.update(index.name for index in bound_indices(node) if index in inner)
        stack.extend(children(node))
    return clashes
