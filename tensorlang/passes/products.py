"""Products in normal form: flat, one number in front, signs outside, no index summed that no factor has.

    2 (x 3) = 6 x        (-a) b = -(a b)        1 x = x        sum[i](a[j]) = |i| a[j]        1 / (2 x) = 0.5 / x

0 times something is 0 only for integers: ``0 x`` is not 0 where x is infinite.
"""

from __future__ import annotations

import math

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype, is_floating
from tensorlang.ir.nodes import Apply, Contract, Expr, Index, bound_indices, contract, free_indices, number, size_value
from tensorlang.passes.constants import Number, constant, not_finite, size_of, value_of, zero
from tensorlang.passes.sound import exact
from tensorlang.passes.sums import negated, scaled
from tensorlang.records import dataclass


@dataclass(slots=True)
class Factors:
    """A product under way: a number, a size known at run time, and the rest."""

    coefficient: Number
    size: Size
    rest: list[Expr]

    def take(self, factor: Expr) -> None:
        """One more factor: into the number where it is one, a sign off it where it has one."""
        value, size = value_of(factor), size_of(factor)
        if value is not None:
            self.coefficient = self.coefficient * value
        elif size is not None:
            self.size = self.size * size
        elif isinstance(factor, Apply) and factor.op == "neg":
            self.coefficient = -self.coefficient
            self.take(factor.args[0])
        elif isinstance(factor, Contract) and factor.semiring == "sum" and not factor.summed:
            for inner in factor.factors:
                self.take(inner)
        else:
            self.rest.append(factor)

    def settle(self) -> None:
        """A whole number and a size are one size; a size that is a number is one."""
        if isinstance(self.coefficient, int) and abs(self.coefficient) != 1:
            self.coefficient, self.size = 1, self.size * int(self.coefficient)
        if self.size.constant is not None:
            self.coefficient, self.size = self.coefficient * self.size.constant, Size.of(1)


def multiply(node: Expr) -> Expr | None:
    """A product brought to normal form; sums inside stay where they are."""
    if not isinstance(node, Contract) or node.semiring != "sum":
        return None
    found = Factors(1, Size.of(1), [])
    for factor in node.factors:
        found.take(factor)
    read: frozenset[Index] = frozenset().union(*map(free_indices, found.rest))
    summed = tuple(index for index in node.summed if index in read)
    for index in node.summed:
        if index not in read:
            found.size = found.size * index.size
    if not_finite(found.coefficient) and (node.summed or any(map(bound_indices, found.rest))):
        return None  # where such a number stands, inside of a sum or outside, it stays
    found.settle()
    new = _product(summed, found, node)
    return None if new is None or new is node else new


def _product(summed: tuple[Index, ...], found: Factors, node: Contract) -> Expr | None:
    rest = found.rest
    size = () if found.size.constant == 1 else (size_value(found.size),)
    if found.coefficient == 0 and all(map(exact, rest)) and dtype(node) == "int":
        return zero("int")
    if not rest:
        return _number_alone(found, dtype(node))
    inner = rest[0] if len(rest) == 1 and not summed else None
    if isinstance(inner, Contract) and inner.semiring == "sum":
        summed, rest = inner.summed, list(inner.factors)
    return _with_number(found.coefficient, contract(summed, (*size, *rest)), dtype(node))


def _with_number(coefficient: Number, core: Expr, of: str) -> Expr | None:
    """The number in front; 1 is left out unless it lends the product its element type."""
    if not isinstance(coefficient, complex) and abs(coefficient) == 1 and dtype(core) == of:
        return core if coefficient > 0 else negated(core)
    if isinstance(coefficient, int) and abs(coefficient) >= 2**63:
        return None
    if coefficient in (1, -1) and isinstance(coefficient, int):
        kept = Contract((), (number(1), core), "sum")
        return kept if coefficient > 0 else negated(kept)
    return scaled(coefficient, core)


def _number_alone(found: Factors, of: str) -> Expr | None:
    if found.size.constant is None:
        size = size_value(found.size)
        return size if found.coefficient == 1 and of == "int" else _with_number(found.coefficient, size, of)
    return constant(found.coefficient, of)


# --- reciprocals and powers --------------------------------------------------------------------------------------


def reciprocal(node: Expr) -> Expr | None:
    """1/(-x) = -(1/x);  1/(1/x) = x;  1/(2 x) = 0.5 (1/x)."""
    if not isinstance(node, Apply) or node.op != "reciprocal":
        return None
    inner = node.args[0]
    if isinstance(inner, Apply) and inner.op == "neg":
        return negated(Apply("reciprocal", inner.args))
    if isinstance(inner, Apply) and inner.op == "reciprocal":
        return inner.args[0]
    if not isinstance(inner, Contract) or inner.summed or inner.semiring != "sum" or len(inner.factors) < 2:
        return None
    value = value_of(inner.factors[0])
    if isinstance(value, int | float) and value != 0 and math.isfinite(1 / value):
        rest = Apply("reciprocal", (contract((), inner.factors[1:]),))
        return Contract((), (number(1 / value), rest), "sum")
    return None


def power(node: Expr) -> Expr | None:
    """x^1 = x;  x^0 = 1;  x^(1/2) = sqrt(x);  x^-1 = 1/x;  x^(-1/2) = rsqrt(x);  (-x)^2 = x^2."""
    if not isinstance(node, Apply) or node.op != "pow":
        return None
    base, exponent = node.args[0], value_of(node.args[1])
    if exponent is None or isinstance(exponent, complex):
        return None
    if isinstance(base, Apply) and base.op == "neg" and exponent % 2 == 0:
        return Apply("pow", (base.args[0], node.args[1]))
    if exponent == 0:
        return constant(1, dtype(node))
    if exponent == 1:
        return base
    name = {-1: "reciprocal", 0.5: "sqrt", -0.5: "rsqrt"}.get(exponent)
    return Apply(name, (base,)) if name and is_floating(dtype(node)) else None
