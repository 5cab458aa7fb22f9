"""Where in a program a node stands: as a value (absent counts as 0) or where presence matters; who reads which tensor.

In: a Program or an equation. Out: sets and counts that passes ask before they move something across a guard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator

from tensorlang.ir.facts import keeps_zero
from tensorlang.ir.nodes import AlongIndex, Apply, Const, Contract, Expr, Position, Read, Reduce, Where, children
from tensorlang.ir.program import Action, Definition, Piece, Program, TestAction


def presence_matters_to(piece: Piece, definition: Definition) -> bool:
    """Whether an absent value differs from 0 at the top of an equation."""
    return piece.special or definition.aggregate != "sum"


def _sensitive_children(node: Expr) -> tuple[Expr, ...]:
    """The children whose presence decides the presence of the node."""
    match node:
        case Const() | Position() | Read() | Reduce():
            return ()
        case Where(arg=arg) | AlongIndex(arg=arg):
            return (arg,)
        case Contract(summed=summed, factors=factors):
            return () if summed else factors
        case Apply(op="add", args=args):
            return args
        case Apply(args=args):
            return args[:1] if keeps_zero(node) else ()


def where_presence_matters(value: Expr, at_top: bool) -> set[Expr]:
    """The nodes of a value that stand somewhere where absent is not the same as 0."""
    found: set[Expr] = set()
    seen: set[Expr] = set()
    stack = [value]
    sensitive = [value] if at_top else []
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, Reduce | AlongIndex):
            sensitive.append(node.arg)
        stack.extend(children(node))
    while sensitive:
        node = sensitive.pop()
        if node not in found:
            found.add(node)
            sensitive.extend(_sensitive_children(node))
    return found


def reads(value: Expr, seen: set[Expr] | None = None) -> Iterator[Read]:
    """The reads in an expression, one for each place: a node that two parents share is entered once."""
    done = set() if seen is None else seen
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, Read):
            yield node
        if node not in done:
            done.add(node)
            stack.extend(children(node))


def unused(tensors: Container[str], name: str) -> str:
    """The name, with primes where a tensor has it already."""
    while name in tensors:
        name += "'"
    return name


def read_counts(program: Program) -> Counter[str]:
    """How many places read each tensor; left sides count twice, since nothing can be put there."""
    counts: Counter[str] = Counter()
    for definition in program.definitions:
        for piece in definition.pieces:
            counts.update(read.tensor for read in reads(piece.value))
            for position in piece.left:
                counts.update({read.tensor: 2 for read in reads(position)})
    return counts


def needed(program: Program) -> set[str]:
    """The tensors that must exist under their names: outputs, those of actions, and those of updates."""
    names = {*program.outputs, *(name for u in program.updates for name in (u.buffer, u.value))}
    return names.union(*(_named(action) for action in program.actions))


def _named(action: Action) -> set[str]:
    if isinstance(action, TestAction):
        return set().union(*(_named(inner) for inner in action.actions))
    names = {getattr(action, slot) for slot in ("tensor", "loss") if hasattr(action, slot)}
    return names.union(
        *(getattr(action, slot) for slot in ("tensors", "parts", "over", "params") if _lists(action, slot))
    )


def _lists(action: Action, slot: str) -> bool:
    return isinstance(getattr(action, slot, None), tuple)
