"""Sums in normal form: flat, the constants in one last term, equal terms collected with their coefficients.

    a + (b - c) + 2 = a + b - c + 2        2 x + 3 x = 5 x        x + x = 2 x        1 + x + 2 = x + 3

Terms that cancel stay unless they are integers: ``x - x`` is not 0 where x is infinite.
"""

from __future__ import annotations

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype
from tensorlang.ir.nodes import Apply, Const, Contract, Expr, contract, number, size_value
from tensorlang.passes.constants import Number, size_of, value_of, zero
from tensorlang.passes.sound import draws, exact
from tensorlang.records import dataclass


def sum_of(terms: list[Expr]) -> Expr | None:
    """The sum of terms; a lone term is itself, no term no sum."""
    if not terms:
        return None
    return terms[0] if len(terms) == 1 else Apply("add", tuple(terms))


def negated(node: Expr) -> Expr:
    """The negative, without a double sign."""
    value = value_of(node)
    if isinstance(value, bool):
        return number(-int(value))
    if value is not None:
        return number(-value)
    return node.args[0] if isinstance(node, Apply) and node.op == "neg" else Apply("neg", (node,))


@dataclass(frozen=True, slots=True)
class Term:
    """``coefficient * core``; the core has no number of its own."""

    coefficient: Number
    core: Expr


def split(node: Expr) -> Term:
    """A summand as a number times the rest."""
    if isinstance(node, Apply) and node.op == "neg":
        inner = split(node.args[0])
        return Term(-inner.coefficient, inner.core)
    if isinstance(node, Contract) and node.semiring == "sum" and len(node.factors) > 1:
        value = value_of(node.factors[0])
        if value is not None:
            return Term(value, contract(node.summed, node.factors[1:]))
    return Term(1, node)


def scaled(coefficient: Number, core: Expr) -> Expr:
    """``coefficient * core``, the number in front of the product."""
    if not isinstance(coefficient, complex) and abs(coefficient) == 1 and isinstance(coefficient, int):
        return core if coefficient == 1 else Apply("neg", (core,))
    if isinstance(core, Contract) and core.semiring == "sum":
        return Contract(core.summed, (number(coefficient), *core.factors), "sum")
    return Contract((), (number(coefficient), core), "sum")


def collect(node: Expr) -> Expr | None:
    """A sum brought to normal form."""
    if not isinstance(node, Apply) or node.op != "add":
        return None
    flat = _flat(node.args)
    terms = _joined([term for term in flat if not _is_number(term)])
    terms.extend(_total([term for term in flat if _is_number(term)]))
    if len(terms) == len(node.args) and all(new is old for new, old in zip(terms, node.args, strict=True)):
        return None
    return sum_of(terms) or zero(dtype(node))


def _flat(args: tuple[Expr, ...]) -> list[Expr]:
    terms: list[Expr] = []
    for arg in args:
        if isinstance(arg, Apply) and arg.op == "add":
            terms.extend(arg.args)
        elif isinstance(arg, Apply) and arg.op == "neg" and isinstance(arg.args[0], Apply) and arg.args[0].op == "add":
            terms.extend(negated(inner) for inner in arg.args[0].args)
        else:
            terms.append(arg)
    return terms


def _is_number(node: Expr) -> bool:
    return isinstance(node, Const)


def _total(numbers: list[Expr]) -> list[Expr]:
    """Constants as one term, or as two where one is a size and the other is no integer; 0 is no term."""
    sizes = [size for size in map(size_of, numbers) if size is not None]
    others = [value for value in map(value_of, numbers) if value is not None and not _is_int(value)]
    whole = sum(sizes, Size.of(0))
    total: Number = sum(others) if others else 0
    if whole.constant is not None and others:
        total, whole = total + whole.constant, Size.of(0)
    terms: list[Expr] = [size_value(whole)] if whole.terms else []
    return terms + ([number(total)] if total != 0 else [])


def _is_int(value: Number) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _joined(terms: list[Expr]) -> list[Expr]:
    """Terms of one core become one term, where the first of them stood."""
    parts = [split(term) for term in terms]
    groups: dict[Expr, list[int]] = {}
    for at, part in enumerate(parts):
        groups.setdefault(part.core, []).append(at)
    if len(groups) == len(terms):
        return terms
    result: list[Expr] = []
    for at, (term, part) in enumerate(zip(terms, parts, strict=True)):
        places = groups[part.core]
        if len(places) == 1 or draws(part.core):
            result.append(term)
            continue
        total = sum(parts[place].coefficient for place in places)
        if total == 0 and not exact(part.core):
            result.append(term)
        elif total != 0 and at == places[0]:
            result.append(scaled(total, part.core))
    return result
