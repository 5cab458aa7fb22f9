"""Whether a circle of aggregates only ever improves: which way its tensors move from step to step.

In: a circle cut by `min= max= or= and=`. Out: reports. A tensor of `min=` or `and=` only falls, one of `max=` or `or=`
only rises, and what each reads must move it the same way. Where a sign depends on data (`W[x,y] D[y]`) it is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tensorlang.records import dataclass
from tensorlang.sema import messages
from tensorlang.sema.resolved import (
    Access,
    Addition,
    Along,
    Entity,
    Extent,
    Flat,
    FromEnd,
    Function,
    Multiplication,
    Place,
    Poison,
    Raise,
    Reduction,
    Resolved,
    Statement,
    Value,
    walk,
)
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.world import World
from tensorlang.source import Span

RISING, FALLING = 1, -1

_KEEP = {
    "exp", "log", "log1p", "expm1", "sqrt", "asin", "atan", "sinh", "tanh", "sig", "softplus", "relu", "leaky_relu",
    "elu", "selu", "step", "sign", "floor", "ceil", "round", "clip", "min", "max", "erf", "and", "or", "real",
}  # fmt: skip
_REDUCED = {"sum", "max", "min", "mean", "any", "all", "logsumexp", "count"}
_COMPARED = {"lt": (-1, 1), "le": (-1, 1), "gt": (1, -1), "ge": (1, -1)}


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A tensor read somewhere in an expression: ``sign`` says how the expression moves with it; 0 is unknown."""

    tensor: str
    sign: int
    span: Span


def sights(node: Resolved, sign: int = 1) -> Iterator[Sight]:
    """Every access of an expression, with how the expression moves with it."""
    stack = [(node, sign)]
    while stack:
        top, own = stack.pop()
        if isinstance(top, Access):
            yield Sight(top.tensor, own, top.span)
        stack += [(part, own * factor) for part, factor in reversed(list(_signed(top)))]


def _signed(node: Resolved) -> Iterator[tuple[Resolved, int]]:
    """The parts of an expression and the sign with which each counts; 0 where that is not known."""
    match node:
        case Value() | Extent() | Place() | Flat() | FromEnd() | Poison() | Entity():
            return
        case Access(at=at):
            yield from ((entry, 0) for entry in at)
        case Addition(terms=terms):
            yield from ((term, sign) for sign, term in terms)
        case Multiplication(factors=factors):
            yield from ((factor, _rest(factors, factor)) for factor in factors)
        case Raise(base=base, exponent=exponent):
            yield from ((base, 0), (exponent, 0))
        case Function(op=op, args=args):
            yield from zip(args, _function(op, len(args)), strict=True)
        case Reduction(op=op, arg=arg, where=where):
            yield from ((arg, int(op in _REDUCED)), *((condition, 0) for condition in where))
        case Along(arg=arg, options=options, where=where):
            yield from ((part, 0) for part in (arg, *options, *where))


def _rest(factors: Sequence[Resolved], factor: Resolved) -> int:
    """The sign of the other factors of a product, where all are numbers."""
    sign = 1
    for other in factors:
        if other is factor:
            continue
        if not isinstance(other, Value) or not isinstance(other.value, int | float):
            return 0
        sign *= (other.value > 0) - (other.value < 0)
    return sign


def _function(op: str, count: int) -> Sequence[int]:
    if op in _COMPARED:
        return _COMPARED[op]
    if op in ("neg", "not"):
        return (-1,)
    if op == "select":
        return (0, 1, 1)
    return (1 if op in _KEEP else 0,) * count


def check_circle(world: World, group: Mapping[str, TensorInfo], order: Sequence[str], state: frozenset[str]) -> None:
    """Report what of a circle does not move one way; ``state`` are the tensors that aggregates move."""
    ways = {name: _way(group[name]) for name in group if name in state}
    for name in order:
        found = [sight for s in group[name].statements for sight in _seen(s, ways.get(name)) if sight.tensor in group]
        moved = {sight.sign * ways.get(sight.tensor, 0) for sight in found} - {0}
        if name not in state:
            ways[name] = moved.pop() if len(moved) == 1 else 0
    denied = any(check_not(world, group, name) for name in order)
    moving = (name for name in order if name in state and not denied)
    next((name for name in moving if _check_moves(world, group[name], ways, name)), None)


def _way(info: TensorInfo) -> int:
    falls = any(statement.operator in ("min=", "and=") for statement in info.statements)
    return FALLING if falls else RISING


def _seen(statement: Statement, way: int | None) -> Iterator[Sight]:
    """The reads of an equation; a guard that comes to hold moves the tensor the way that it goes."""
    yield from sights(statement.value)
    for guard in statement.guards:
        yield from sights(guard, way or 0)


def _check_moves(world: World, info: TensorInfo, ways: Mapping[str, int], name: str) -> bool:
    """Report a read that would move a tensor back; whether there is one."""
    for statement in info.statements:
        for sight in _seen(statement, ways[name]):
            if sight.sign * ways.get(sight.tensor, 0) == -ways[name]:
                messages.moves_back(world.problems, sight.span, name, sight.tensor, ways[name], ways[sight.tensor])
                return True
    return False


def check_not(world: World, group: Mapping[str, TensorInfo], name: str) -> bool:
    """Report the first ``not`` of a tensor's equations that is of a tensor of the circle; whether there is one."""
    for statement in group[name].statements:
        for part in (statement.value, *statement.guards):
            for node in walk(part):
                if isinstance(node, Function) and node.op == "not":
                    inside = [n for n in walk(node) if isinstance(n, Access) and n.tensor in group]
                    if inside:
                        messages.not_in_a_circle(world.problems, node.span, name, inside[0].tensor)
                        return True
    return False
