"""Quotients of which numerator and denominator would each sum an index by themselves: readers differ on those.

In ``Q[d] S[d,e] / (Q[d] N[d])`` one reads the quotient of two sums, as it is printed in papers on attention, another a
sum of quotients, as the projection rule has it for a lone ``V[d] / (Q[d] N[d])``. In: a product and an index that it
sums. Out: its two parts in that case.
"""

from __future__ import annotations

from tensorlang.records import dataclass
from tensorlang.sema.resolved import Addition, Function, Multiplication, Raise, Resolved, Value, names_free


@dataclass(frozen=True, slots=True)
class Quotient:
    """The factors above and the arguments below the line; ``split`` are those below that would sum the index."""

    above: tuple[Resolved, ...]
    below: tuple[Resolved, ...]
    split: tuple[Resolved, ...]

    def of_sums(self, name: str) -> str:
        """The quotient of the sums, as text."""
        top = " ".join(map(_factor, self.above))
        top += "".join(f" / {_bracketed(divisor)}" for divisor in self.below if divisor not in self.split)
        if sum(name in names_free(factor) for factor in self.above) > 1:
            top = f"sum[{name}]({top})"
        else:
            top = " ".join(_written_out(factor, name) or _factor(factor) for factor in self.above)
        return top + "".join(f" / {_written_out(divisor, name)}" for divisor in self.split)


def ambiguous(node: Multiplication, name: str) -> Quotient | None:
    """The product as a quotient, where an index that it sums would be summed above and below the line."""
    below = tuple(arg for factor in node.factors if (arg := _divisor(factor)) is not None)
    split = tuple(arg for arg in below if _sums(arg, name))
    if not split:
        return None
    above = tuple(factor for factor in node.factors if _divisor(factor) is None)
    with_it = [factor for factor in above if name in names_free(factor)]
    if len(with_it) < 2 and not any(_sums(factor, name) for factor in with_it):
        return None
    return Quotient(above, below, split)


def _divisor(factor: Resolved) -> Resolved | None:
    match factor:
        case Function(op="reciprocal", args=(arg,)):
            return arg
        case Raise(base=base, exponent=Value(value=int() | float() as power)) if power < 0:
            return base
        case _:
            return None


def _sums(node: Resolved, name: str, under: bool = False) -> tuple[Resolved, ...]:
    """The parts of an expression that would sum an index if nothing else used it: products of two factors that have it.

    A square does so only ``under`` a root or another function: ``(X[d] - M[d])^2 / S[d]^2`` is read in one way.
    """
    match node:
        case Multiplication(factors=factors):
            inside = [_sums(factor, name, under) for factor in factors if name in names_free(factor)]
            return (node,) if len(inside) > 1 and not all(inside) else tuple(part for parts in inside for part in parts)
        case Addition(terms=terms):
            return tuple(part for _, term in terms for part in _sums(term, name, under))
        case Raise(base=base, repeated=repeated):
            own = repeated and under and name in names_free(base)
            return (node,) if own else _sums(base, name, under or not repeated)
        case Function(args=args):
            return tuple(part for arg in args for part in _sums(arg, name, True))
        case _:
            return ()


# --- text ----------------------------------------------------------------------------------------------------------


def _written_out(node: Resolved, name: str) -> str:
    """An expression with its own sums over an index written out, as a factor; empty where it has none."""
    parts = _sums(node, name)
    text = node.span.text
    for part in sorted(parts, key=lambda part: -part.span.start):
        start, end = part.span.start - node.span.start, part.span.end - node.span.start
        text = f"{text[:start]}sum[{name}]({_bare(text[start:end])}){text[end:]}"
    return text if not parts or parts == (node,) or not isinstance(node, Addition | Multiplication) else f"({text})"


def _factor(node: Resolved) -> str:
    return f"({node.span.text})" if isinstance(node, Addition) and not _closed(node.span.text) else node.span.text


def _bracketed(node: Resolved) -> str:
    text = node.span.text
    return f"({text})" if isinstance(node, Addition | Multiplication) and not _closed(text) else text


def _bare(text: str) -> str:
    return text[1:-1] if _closed(text) else text


def _closed(text: str) -> bool:
    """Whether a text is all inside one pair of brackets."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return char == ")" and at == len(text) - 1
    return False
