"""What is known of integer expressions before anything runs: their affine form with sizes, and their bounds.

In: the index expressions of a Read or of a left side. Out: ``linear`` forms, ``bounds``, and proofs that an access
stays inside its axis (then no mask is needed). Sizes are taken to be 1 or more: where one is 0 there are no elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from tensorlang.ir.domain import Largest, Quotient, Size
from tensorlang.ir.nodes import AlongIndex, Apply, Const, Contract, Expr, Index, Position, Read, Reduce, Where, cached
from tensorlang.ir.program import Tensor
from tensorlang.records import dataclass

Bounds = tuple[Size | None, Size | None]


@dataclass(frozen=True, slots=True)
class Linear:
    """``sum(coefficient * index) + offset``; coefficients and offset are sizes, no coefficient is 0."""

    terms: tuple[tuple[Index, Size], ...]
    offset: Size

    def span(self) -> tuple[Size, Size] | None:
        """The least and the greatest value; None where the sign of a coefficient is unknown."""
        least = greatest = self.offset
        for index, coefficient in self.terms:
            if not_negative(coefficient):
                greatest = greatest + coefficient * (index.size - 1)
            elif not_negative(-coefficient):
                least = least + coefficient * (index.size - 1)
            else:
                return None
        return least, greatest


@cached
def linear(node: Expr) -> Linear | None:
    """The affine form of an integer-valued expression with sizes as coefficients, or None."""
    match node:
        case Const(value=value):
            return Linear((), Size.of(value)) if isinstance(value, int | Size) else None
        case Position(index=index):
            return Linear(((index, Size.of(1)),), Size.of(0))
        case Apply(op="add", args=args):
            forms = [linear(arg) for arg in args]
            return None if None in forms else _total([form for form in forms if form is not None])
        case Apply(op="neg", args=(arg,)):
            form = linear(arg)
            return None if form is None else _scaled(form, Size.of(-1))
        case Contract(summed=(), factors=factors):
            return _multiplied(factors)
        case Read() | Apply() | Contract() | Reduce() | AlongIndex() | Where():
            return None


def _total(forms: list[Linear]) -> Linear:
    terms: dict[Index, Size] = {}
    offset = Size.of(0)
    for form in forms:
        offset = offset + form.offset
        for index, coefficient in form.terms:
            terms[index] = terms.get(index, Size.of(0)) + coefficient
    return Linear(tuple((i, c) for i, c in terms.items() if c.terms), offset)


def _scaled(form: Linear, scale: Size) -> Linear:
    return Linear(tuple((i, c * scale) for i, c in form.terms), form.offset * scale)


def _multiplied(factors: tuple[Expr, ...]) -> Linear | None:
    result = Linear((), Size.of(1))
    for factor in factors:
        form = linear(factor)
        if form is None or (form.terms and result.terms):
            return None
        result = _scaled(form, result.offset) if form.terms else _scaled(result, form.offset)
    return result


@lru_cache(maxsize=4096)
def not_negative(size: Size) -> bool:
    """Whether a size is proven to be 0 or more, all symbols being 1 or more.

    With s = 1 + s' for each symbol, a polynomial in the s' without negative coefficients is.
    """
    if size.constant is not None:
        return size.constant >= 0
    shifted = _without_quotients(size)
    shifted = shifted.substitute({symbol: Size.of(symbol) + 1 for symbol in shifted.symbols})
    return all(coefficient > 0 for _, coefficient in shifted.terms) or any(
        not_negative(case) for case in _largest_cases(size)
    )


def _without_quotients(size: Size) -> Size:
    """A lower bound of a size in which quotients of one atom are replaced by their bounds.

    ``n // d`` lies in ``(n - d + 1) / d .. n / d``; it is replaced where the coefficient takes the fraction away.
    """
    total = Size.of(0)
    for monomial, coefficient in size.terms:
        quotients = [atom for atom in monomial if isinstance(atom, Quotient)]
        if len(monomial) == 1 and quotients and coefficient % quotients[0].denominator == 0:
            bound = quotients[0].numerator
            if coefficient > 0:
                bound = bound - quotients[0].denominator + 1
            total = total + bound * (coefficient // quotients[0].denominator)
        else:
            total = total + Size(((monomial, coefficient),))
    return total


def _largest_cases(size: Size) -> list[Size]:
    """Lower bounds of a size with a single ``max``: each of its arguments in its place."""
    for monomial, coefficient in size.terms:
        if len(monomial) == 1 and isinstance(monomial[0], Largest) and coefficient > 0:
            rest = size - Size(((monomial, coefficient),))
            return [rest + option * coefficient for option in monomial[0].sizes]
    return []


def positive(size: Size) -> bool:
    return not_negative(size - 1)


def bounds(node: Expr, tensors: Mapping[str, Tensor]) -> Bounds:
    """The least and the greatest value of an integer expression; None where nothing is known."""
    form = linear(node)
    if form is not None:
        return form.span() or (None, None)
    match node:
        case Read(tensor=name):
            positions = tensors[name].positions if name in tensors else None
            if name in tensors and tensors[name].dtype == "bool":
                return Size.of(0), Size.of(1)
            return (None, None) if positions is None else (Size.of(0), positions - 1)
        case Apply(op="add", args=args):
            return _sum_bounds([bounds(arg, tensors) for arg in args])
        case Apply(op="neg", args=(arg,)):
            low, high = bounds(arg, tensors)
            return (None if high is None else -high), (None if low is None else -low)
        case Apply(op="floordiv", args=(arg, Const(value=int(divisor)))) if divisor > 0:
            low, high = bounds(arg, tensors)
            return (None if low is None else low // divisor), (None if high is None else high // divisor)
        case Apply(op="mod", args=(_, divisor_node)):
            form = linear(divisor_node)
            if form is not None and not form.terms and positive(form.offset):
                return Size.of(0), form.offset - 1
            return None, None
        case Contract(summed=(), factors=factors):
            return _product_bounds([bounds(factor, tensors) for factor in factors])
        case Const() | Position() | Apply() | Contract() | Reduce() | AlongIndex() | Where():
            return None, None


def _sum_bounds(each: list[Bounds]) -> Bounds:
    lows, highs = zip(*each, strict=True)
    low = None if None in lows else sum((least for least in lows if least is not None), Size.of(0))
    high = None if None in highs else sum((most for most in highs if most is not None), Size.of(0))
    return low, high


def _product_bounds(each: list[Bounds]) -> Bounds:
    """Bounds of a product of factors that are 0 or more."""
    low = high = Size.of(1)
    for least, greatest in each:
        if least is None or greatest is None or not not_negative(least):
            return None, None
        low, high = low * least, high * greatest
    return low, high


def inside(node: Expr, size: Size, tensors: Mapping[str, Tensor]) -> tuple[bool, bool]:
    """Whether an index expression is proven to be 0 or more, and less than an axis's size."""
    low, high = bounds(node, tensors)
    return low is not None and not_negative(low), high is not None and not_negative(size - 1 - high)


def outside(node: Expr, size: Size, tensors: Mapping[str, Tensor]) -> bool:
    """Whether an index expression is proven to lie outside its axis throughout."""
    low, high = bounds(node, tensors)
    return (high is not None and not_negative(-1 - high)) or (low is not None and not_negative(low - size))
