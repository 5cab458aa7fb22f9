"""A fixed point to an iteration: what does not depend on it is taken out, the rest becomes a body for one step.

In: a Fixpoint. Out: an Iteration, whose body is a small Program that computes the state from the state before; plus
definitions for all that is the same in each step, and for the tensors of the circle that are no state: at the end they
are computed once, from the state that was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import Expr, Index, Read, children, with_children
from tensorlang.ir.program import Definition, Piece, Program, Tensor, definition_reads
from tensorlang.ir.recursion import Feed, Fixpoint, Iteration
from tensorlang.ops import REDUCTIONS
from tensorlang.passes.loop_hoisting import Hoister

_NONE = Index("", Size.of(0))  # no index of an equation: there is none along which the steps go


def make_iteration(
    fixpoint: Fixpoint, program: Program, tensors: dict[str, Tensor]
) -> tuple[Iteration, list[Definition]]:
    """The iteration of a fixpoint, and the definitions taken out of it; ``tensors`` gains theirs."""
    names = frozenset(definition.tensor for definition in fixpoint.definitions)
    hoister = Hoister(names, tensors)
    definitions = tuple(
        replace(d, pieces=tuple(hoister.hoisted(piece, _NONE, d.tensor) for piece in d.pieces))
        for d in fixpoint.definitions
    )
    state = fixpoint.state
    inside = {name: replace(_bare(tensors[name]), kind="defined") for name in names}
    feeds = [Feed(f"{name}.before", "lag", name) for name in state]
    inside |= {feed.name: replace(_bare(tensors[feed.tensor]), name=feed.name, kind="input") for feed in feeds}
    outside = frozenset().union(*map(definition_reads, definitions)) - names
    for name in sorted(outside & tensors.keys()):
        feeds.append(Feed(name, "whole", name))
        inside[name] = replace(_bare(tensors[name]), kind="input")
    body = Program(inside, _one_step(definitions, state), state, dims=program.dims, sizes=program.sizes)
    read = body.restricted(state)
    used = frozenset().union(*map(definition_reads, read.definitions))
    fed = tuple(feed for feed in feeds if feed.name in used)
    kept = {name: tensor for name, tensor in inside.items() if tensor.kind == "defined" or name in used}
    body = replace(read, tensors=kept)
    ends = [definition for definition in definitions if definition.tensor not in state]
    for definition in ends:
        tensors[definition.tensor] = replace(tensors[definition.tensor], kind="defined")
    starts = {d.tensor: _start(fixpoint, d) for d in fixpoint.definitions if d.tensor in state}
    return Iteration(fixpoint, body, fed, starts), [*hoister.outside, *ends]


def _one_step(definitions: tuple[Definition, ...], state: tuple[str, ...]) -> tuple[Definition, ...]:
    """Definitions that read the state before where the step has not computed it yet."""
    made = []
    done: set[str] = set()
    for definition in definitions:
        before = {name: f"{name}.before" for name in state if name not in done}
        pieces = tuple(_renamed_piece(piece, before) for piece in definition.pieces)
        made.append(replace(definition, pieces=pieces))
        done.add(definition.tensor)
    return tuple(made)


def _renamed_piece(piece: Piece, names: Mapping[str, str]) -> Piece:
    memo: dict[Expr, Expr] = {}
    left = tuple(_renamed(entry, names, memo) for entry in piece.left)
    return replace(piece, left=left, value=_renamed(piece.value, names, memo))


def _renamed(node: Expr, names: Mapping[str, str], memo: dict[Expr, Expr]) -> Expr:
    """An expression that reads other tensors of the same shapes and types."""
    if node not in memo:
        made = with_children(node, tuple(_renamed(child, names, memo) for child in children(node)))
        if isinstance(made, Read) and made.tensor in names:
            made = Read(names[made.tensor], made.at, made.shape, made.dtype)
        memo[node] = made
    return memo[node]


def _start(fixpoint: Fixpoint, definition: Definition) -> float:
    """What every element begins with: 0, or the identity of the aggregate where values only improve."""
    return float(REDUCTIONS[definition.aggregate].identity) if fixpoint.monotone else 0.0


def _bare(tensor: Tensor) -> Tensor:
    """A tensor without where it comes from."""
    return Tensor(tensor.name, tensor.kind, tensor.axes, tensor.dtype, tensor.span)
