"""Substitution that respects scopes: in goes an expression and what to put for its free indices, out comes the result.

``nodes.substitute`` replaces an index wherever it stands. Here bound indices are first renamed apart where they would
capture, and a function along an index keeps running along a plain index, or the substitution is refused. ``settled``
gives a changed equation index names that are bound once on every path, as the verifier asks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Reduce,
    Where,
    bound_indices,
    cached,
    children,
    free_indices,
    with_children,
)
from tensorlang.ir.program import Definition, Piece, Program
from tensorlang.ir.rewrite import Rule, bound_inside, fresh_name, indices_inside, rewrite
from tensorlang.passes.sound import operators
from tensorlang.records import replace


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
    if not _binds(node, avoided):
        return node
    used = avoided.union(taken, (index.name for index in indices_inside(node)))
    memo: dict[Expr, Expr] = {}
    stack = [node]
    while stack:
        top = stack[-1]
        waiting = [child for child in children(top) if child not in memo and _binds(child, avoided)]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        if top not in memo:
            parts = tuple(memo.get(child, child) for child in children(top))
            memo[top] = _rebound(with_children(top, parts), avoided, used)
    return memo[node]


def _binds(node: Expr, names: set[str]) -> bool:
    return any(index.name in names for index in bound_inside(node))


def _rebound(node: Expr, avoided: set[str], taken: set[str]) -> Expr:
    """What stands below holds no binder of these names any more, so they may be replaced wherever they stand."""
    clashing = [index for index in bound_indices(node) if index.name in avoided]
    if not clashing:
        return node
    names = {index: fresh(index, taken) for index in clashing}
    values: dict[Index, Expr] = {old: Position(new) for old, new in names.items()}
    body = with_children(node, tuple(_replace_free(child, values, names) for child in children(node)))
    return with_bound(body, names)


def with_bound(node: Expr, names: Mapping[Index, Index]) -> Expr:
    """A sum or reduction over other indices; its parts are as they were."""
    match node:
        case Contract(summed=summed, factors=factors, semiring=semiring):
            return Contract(tuple(names.get(i, i) for i in summed), factors, semiring)
        case Reduce(op=op, indices=indices, arg=arg):
            return Reduce(op, tuple(names.get(i, i) for i in indices), arg)
        case Const() | Read() | Position() | Apply() | AlongIndex() | Where():
            return node


def _replace_free(node: Expr, values: Mapping[Index, Expr], along: Mapping[Index, Index]) -> Expr:
    """Free indices replaced, in the parts that have them; functions run along new indices as ``along`` says.

    Nothing inside binds an index that is replaced or that comes in.
    """
    memo: dict[Expr, Expr] = {}
    stack = [node]
    while stack:
        top = stack[-1]
        if isinstance(top, Position):
            memo[stack.pop()] = values.get(top.index, top)
            continue
        waiting = [c for c in children(top) if c not in memo and not free_indices(c).isdisjoint(values)]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        if top not in memo:
            new = with_children(top, tuple(memo.get(child, child) for child in children(top)))
            if isinstance(new, AlongIndex) and new.index in along:
                new = AlongIndex(new.op, along[new.index], new.arg, new.options)
            memo[top] = new
    return memo[node]


def put(node: Expr, values: Mapping[Index, Expr]) -> Expr | None:
    """``node`` with free indices replaced by expressions; None where a function along an index forbids it."""
    used = {index: value for index, value in values.items() if index in free_indices(node)}
    if not used:
        return node
    arriving = frozenset[Index]().union(*(free_indices(value) for value in used.values()))
    clear = apart(node, {index.name for index in arriving.union(used)})
    if not runs_along(clear) & arriving.union(used):
        return _replace_free(clear, used, {})
    names = _renaming(clear, used)
    return None if names is None else _replace_free(clear, used, names)


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


def rewrite_pieces(program: Program, rules: Sequence[Rule], where: frozenset[str]) -> Program:
    """The program with those values rewritten that have one of some operators."""
    memo: dict[Expr, Expr] = {}
    return change_pieces(
        program,
        lambda piece, _: piece.value if operators(piece.value).isdisjoint(where) else rewrite(piece.value, rules, memo),
    )


def change_pieces(program: Program, change: Callable[[Piece, Definition], Expr]) -> Program:
    """The program with new values in its equations, names settled; the same object where no value is new."""
    definitions = tuple(_changed(definition, change) for definition in program.definitions)
    inlined = tuple((tensor, _changed(definition, change)) for tensor, definition in program.inlined)
    kept = all(new is old for new, old in zip(definitions, program.definitions, strict=True)) and all(
        new is old for (_, new), (_, old) in zip(inlined, program.inlined, strict=True)
    )
    return program if kept else replace(program, definitions=definitions, inlined=inlined)


def _changed(definition: Definition, change: Callable[[Piece, Definition], Expr]) -> Definition:
    values = [change(piece, definition) for piece in definition.pieces]
    if all(value is piece.value for value, piece in zip(values, definition.pieces, strict=True)):
        return definition
    pairs = zip(definition.pieces, values, strict=True)
    pieces = tuple(p if v is p.value else settled(replace(p, value=v)) for p, v in pairs)
    return replace(definition, pieces=pieces)


def settled(piece: Piece) -> Piece:
    """The equation with its bound indices renamed where names clash with the left side, each other, or another size."""
    clashes = _clashes(piece.value, {index.name for index in piece.indices})
    if not clashes:
        return piece
    return replace(piece, value=apart(piece.value, clashes, {index.name for index in piece.indices}))


def _clashes(value: Expr, left: Collection[str]) -> set[str]:
    clashes = set(bound_again(value)).union(index.name for index in bound_inside(value) if index.name in left)
    sizes: dict[str, object] = {}
    for index in indices_inside(value):
        if sizes.setdefault(index.name, index.size) != index.size:
            clashes.add(index.name)
    return clashes


@cached
def bound_again(node: Expr) -> frozenset[str]:
    """The names of indices that are bound, and bound again inside."""
    below: frozenset[str] = frozenset().union(*map(bound_again, children(node)))
    own = bound_indices(node)
    if not own:
        return below
    inner: frozenset[Index] = frozenset().union(*map(bound_inside, children(node)))
    return below.union(index.name for index in own if index in inner)
