"""An expression as a linear one in the tensors of a recurrence: coefficients times reads, and a rest.

In: an expression, the tensors, and what joins terms: a sum (coefficients multiply), or max, min, logsumexp
(coefficients add up). Out: its ``Terms``, or None where it is not linear. What is absent counts 0 in sums, and is left
out of the others.
"""

from __future__ import annotations

from collections.abc import Iterable

from tensorlang.ir.facts import presence
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
    conjunction,
    contract,
    number,
    tensors_read,
)
from tensorlang.passes.masks import protected
from tensorlang.passes.scopes import apart, below
from tensorlang.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Term:
    """The sum (the largest...) over ``bound`` of a coefficient and the read of a tensor, where ``condition`` holds.

    A coefficient of None is 1 in sums, else 0.
    """

    read: Read
    coefficient: Expr | None = None
    bound: tuple[Index, ...] = ()
    condition: Expr | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """All terms, and what reads none of the tensors (None: nothing)."""

    terms: tuple[Term, ...]
    rest: Expr | None


def split_sum(value: Expr, members: frozenset[str]) -> Terms | None:
    """An expression as a sum of products, each with one read at most."""
    found: dict[Expr, Terms | None] = {}
    for node in below(value, set()):
        found[node] = _sum(node, members, found)
    return found[value]


def _member(node: Read, members: frozenset[str]) -> Terms | None:
    """A read of the recurrence by itself, where its positions read nothing of it."""
    inside = any(tensors_read(entry) & members for entry in node.at)
    return Terms((Term(node),), None) if node.tensor in members and not inside else None


def _sum(node: Expr, members: frozenset[str], found: dict[Expr, Terms | None]) -> Terms | None:
    if not tensors_read(node) & members:
        return Terms((), node)
    match node:
        case Read():
            return _member(node, members)
        case Apply(op="add", args=args):
            parts = [found[arg] for arg in args]
            return None if None in parts else _added([part for part in parts if part is not None])
        case Apply(op="neg", args=(arg,)):
            part = found[arg]
            return None if part is None else _scaled(part, (number(-1),), ())
        case Contract(summed=summed, factors=factors):
            reading = [factor for factor in factors if tensors_read(factor) & members]
            part = found[reading[0]]
            if len(reading) > 1 or part is None:
                return None
            return _scaled(part, tuple(factor for factor in factors if factor is not reading[0]), summed)
        case Reduce(op="sum", indices=indices, arg=arg):
            part = found[arg]
            return None if part is None else _scaled(part, (), indices)
        case Where(condition=condition, arg=arg):
            return None if tensors_read(condition) & members else _limited(found[arg], condition)
        case Apply(op="select", args=(condition, yes, no)) if not tensors_read(condition) & members:
            parts = [_limited(found[yes], condition), _limited(found[no], Apply("not", (condition,)))]
            return None if None in parts else _added([part for part in parts if part is not None])
        case Const() | Position() | Apply() | Reduce() | AlongIndex():
            return None


def _added(parts: Iterable[Terms]) -> Terms:
    parts = list(parts)
    rests = tuple(part.rest for part in parts if part.rest is not None)
    rest = Apply("add", rests) if len(rests) > 1 else rests[0] if rests else None
    return Terms(tuple(term for part in parts for term in part.terms), rest)


def _scaled(part: Terms, factors: tuple[Expr, ...], summed: tuple[Index, ...]) -> Terms:
    """All terms times factors, summed over further indices."""
    terms = []
    for term in part.terms:
        names = {index.name for index in term.bound}
        own = () if term.coefficient is None else (term.coefficient,)
        factored = (*(apart(factor, names) for factor in factors), *own)
        coefficient = contract((), factored) if factored else None
        terms.append(replace(term, coefficient=coefficient, bound=(*summed, *term.bound)))
    rest = None if part.rest is None else contract(summed, (*factors, part.rest))
    return Terms(tuple(terms), rest)


def _limited(part: Terms | None, condition: Expr) -> Terms | None:
    """All terms where a condition holds."""
    if part is None:
        return None
    rest = None if part.rest is None else Where(condition, protected(part.rest, condition))
    return Terms(tuple(_guarded(term, condition) for term in part.terms), rest)


def _guarded(term: Term, condition: Expr) -> Term:
    both = (condition,) if term.condition is None else (condition, term.condition)
    kept = None if term.coefficient is None else protected(term.coefficient, condition)
    return replace(term, coefficient=kept, condition=conjunction(both))


# --- max, min and logsumexp ----------------------------------------------------------------------------------------


def split_best(value: Expr, members: frozenset[str], kind: str) -> Terms | None:
    """An expression as the max (min, logsumexp) of sums, each with one read at most."""
    found: dict[Expr, Terms | None] = {}
    for node in below(value, set()):
        found[node] = _best(node, members, kind, found)
    return found[value]


def _best(node: Expr, members: frozenset[str], kind: str, found: dict[Expr, Terms | None]) -> Terms | None:
    if not tensors_read(node) & members:
        return Terms((), node)
    match node:
        case Read():
            return _member(node, members)
        case Apply(op="add", args=args):
            reading = [arg for arg in args if tensors_read(arg) & members]
            part = found[reading[0]]
            if len(reading) > 1 or part is None or presence(reading[0]) is not None:
                return None
            return _raised(part, tuple(arg for arg in args if arg is not reading[0]))
        case Apply(op="max" | "min" as op, args=args) if op == kind:
            parts = [found[arg] if presence(arg) is None else None for arg in args]
            return None if None in parts else _joined([part for part in parts if part is not None], kind)
        case Reduce(op=op, indices=indices, arg=arg) if op == kind:
            part = found[arg]
            if part is None:
                return None
            terms = tuple(replace(term, bound=(*indices, *term.bound)) for term in part.terms)
            return Terms(terms, None if part.rest is None else Reduce(op, indices, part.rest))
        case Where(condition=condition, arg=arg):
            return None if tensors_read(condition) & members else _limited(found[arg], condition)
        case Const() | Position() | Apply() | Contract() | Reduce() | AlongIndex():
            return None


def _raised(part: Terms, others: tuple[Expr, ...]) -> Terms:
    """All terms plus others."""
    terms = []
    for term in part.terms:
        names = {index.name for index in term.bound}
        own = () if term.coefficient is None else (term.coefficient,)
        addends = (*(apart(other, names) for other in others), *own)
        terms.append(replace(term, coefficient=Apply("add", addends) if len(addends) > 1 else addends[0]))
    rest = None if part.rest is None else Apply("add", (*others, part.rest))
    return Terms(tuple(terms), rest)


def _joined(parts: list[Terms], kind: str) -> Terms | None:
    """The best of all; a rest of several parts is one where it can be said pointwise."""
    rests = tuple(part.rest for part in parts if part.rest is not None)
    if len(rests) > 1 and kind == "logsumexp":
        return None
    rest = Apply(kind, rests) if len(rests) > 1 else rests[0] if rests else None
    return Terms(tuple(term for part in parts for term in part.terms), rest)
