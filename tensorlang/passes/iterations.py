"""A fixed point to an iteration: what does not depend on it is taken out, the rest becomes a body for one step.

In: a Fixpoint. Out: an Iteration, whose body is a small Program that computes the state from the state before; plus
definitions for all that is the same in each step, and for the tensors of the circle that are no state: at the end they
are computed once, from the state that was found.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import Expr, Index, Read, children, with_children
from tensorlang.ir.program import Definition, Piece, Program, Tensor, definition_reads
from tensorlang.ir.recursion import Feed, Fixpoint, Iteration, Scan
from tensorlang.ops import REDUCTIONS
from tensorlang.passes.loop_hoisting import Hoister
from tensorlang.passes.path_bounds import path_axes
from tensorlang.records import replace

_NONE = Index("", Size.of(0))  # no index of an equation: there is none along which the steps go


def make_iteration(
    fixpoint: Fixpoint, program: Program, tensors: dict[str, Tensor]
) -> tuple[Iteration, list[Definition], tuple[Scan, ...]]:
    """The iteration of a fixpoint, and the definitions and recurrences outside of it; ``tensors`` gains theirs."""
    names = frozenset(definition.tensor for definition in fixpoint.definitions)
    hoister = Hoister(names, tensors)
    definitions = tuple(
        replace(d, pieces=tuple(hoister.hoisted(piece, _NONE, d.tensor) for piece in d.pieces))
        for d in fixpoint.definitions
    )
    state = fixpoint.state
    body, feeds = _body(fixpoint, program, tensors, definitions)
    stepped = {name for scan in fixpoint.inner for name in scan.members}
    ends = {d.tensor: d for d in definitions if d.tensor not in state}
    for name in ends.keys() - stepped:
        tensors[name] = replace(tensors[name], kind="defined")
    starts = {d.tensor: _start(fixpoint, d) for d in fixpoint.definitions if d.tensor in state}
    outside = [*hoister.outside, *(d for name, d in ends.items() if name not in stepped)]
    iteration = Iteration(fixpoint, body, feeds, starts, path_axes(fixpoint))
    return iteration, outside, tuple(_over(scan, ends) for scan in fixpoint.inner)


def _body(
    fixpoint: Fixpoint, program: Program, tensors: Mapping[str, Tensor], definitions: tuple[Definition, ...]
) -> tuple[Program, tuple[Feed, ...]]:
    """The Program of one step, and what it is fed."""
    state = fixpoint.state
    once = {definition.tensor: definition for definition in _one_step(definitions, state)}
    stepped = {name for scan in fixpoint.inner for name in scan.members}
    inside = {name: replace(_bare(tensors[name]), kind="scanned" if name in stepped else "defined") for name in once}
    feeds = [Feed(f"{name}.before", "lag", name) for name in state]
    inside |= {feed.name: replace(_bare(tensors[feed.tensor]), name=feed.name, kind="input") for feed in feeds}
    outside = frozenset().union(*map(definition_reads, definitions)) - once.keys()
    for name in sorted(outside & tensors.keys()):
        feeds.append(Feed(name, "whole", name))
        inside[name] = replace(_bare(tensors[name]), kind="input")
    plain = tuple(definition for name, definition in once.items() if name not in stepped)
    scans = tuple(_over(scan, once) for scan in fixpoint.inner)
    whole = Program(inside, plain, state, dims=program.dims, sizes=program.sizes, scans=scans)
    body = whole.restricted(state)
    read = frozenset().union(*map(definition_reads, body.definitions), *(scan.reads for scan in body.scans))
    kept = {name: tensor for name, tensor in inside.items() if tensor.kind != "input" or name in read}
    return replace(body, tensors=kept), tuple(feed for feed in feeds if feed.name in read)


def _over(scan: Scan, definitions: Mapping[str, Definition]) -> Scan:
    """A recurrence with other definitions of its tensors."""
    inner = tuple(_over(deeper, definitions) for deeper in scan.inner)
    return replace(scan, definitions=tuple(definitions[d.tensor] for d in scan.definitions), inner=inner)


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
