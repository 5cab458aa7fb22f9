"""Sizes: small integer polynomials over symbols that the first call binds.

A size is a number, a declared dim, the size of an input's axis, or arithmetic on them (``n - k + 1`` for a valid
convolution, ``(n + 1) // 2`` for a pooling). Symbols are shown in messages by the words they were given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Symbol:
    """An unknown size. ``name`` is unique in a program: a dim's name, or ``X.0`` for axis 0 of input X."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Quotient:
    """``numerator // denominator``, rounded down."""

    numerator: Size
    denominator: int

    def __str__(self) -> str:
        return f"({self.numerator}) // {self.denominator}"


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest of several sizes."""

    sizes: tuple[Size, ...]

    def __str__(self) -> str:
        return f"max({', '.join(map(str, self.sizes))})"


Atom = Symbol | Quotient | Largest
Monomial = tuple[Atom, ...]


@dataclass(frozen=True)
class Size:
    """A polynomial: monomials (sorted atoms; ``()`` is 1) with their non-zero integer coefficients, in fixed order."""

    terms: tuple[tuple[Monomial, int], ...]

    @cached_property
    def _hash(self) -> int:
        return hash(self.terms)

    def __hash__(self) -> int:
        return self._hash

    @staticmethod
    def of(value: Size | Atom | int) -> Size:
        if isinstance(value, Size):
            return value
        if isinstance(value, int):
            return Size((((), value),) if value else ())
        return Size((((value,), 1),))

    @staticmethod
    def _sum(pairs: Iterable[tuple[Monomial, int]]) -> Size:
        total: dict[Monomial, int] = {}
        for monomial, coefficient in pairs:
            total[monomial] = total.get(monomial, 0) + coefficient
        kept = [(monomial, c) for monomial, c in total.items() if c]
        return Size(tuple(sorted(kept, key=lambda term: (-len(term[0]), [str(a) for a in term[0]]))))

    def __add__(self, other: Size | int) -> Size:
        return Size._sum((*self.terms, *Size.of(other).terms))

    __radd__ = __add__

    def __neg__(self) -> Size:
        return Size(tuple((monomial, -c) for monomial, c in self.terms))

    def __sub__(self, other: Size | int) -> Size:
        return self + -Size.of(other)

    def __rsub__(self, other: int) -> Size:
        return Size.of(other) - self

    def __mul__(self, other: Size | int) -> Size:
        right = Size.of(other)
        return Size._sum((tuple(sorted((*m, *n), key=str)), c * d) for m, c in self.terms for n, d in right.terms)

    __rmul__ = __mul__

    def __floordiv__(self, denominator: int) -> Size:
        if denominator == 1:
            return self
        if all(c % denominator == 0 for _, c in self.terms):
            return Size(tuple((m, c // denominator) for m, c in self.terms))
        # Whole multiples of the denominator come out, so that equal quotients are one: (n - 2) // 2 is n // 2 - 1.
        rest = Size(tuple((m, c % denominator) for m, c in self.terms if c % denominator))
        whole = Size(tuple((m, c // denominator) for m, c in self.terms if c // denominator))
        if rest.constant is not None:
            return whole + rest.constant // denominator
        return whole + Size.of(Quotient(rest, denominator))

    @property
    def constant(self) -> int | None:
        """The number that this size is, if it is one."""
        if not self.terms:
            return 0
        if len(self.terms) == 1 and not self.terms[0][0]:
            return self.terms[0][1]
        return None

    @property
    def symbol(self) -> Symbol | None:
        """The symbol that this size is, if it is just one."""
        if len(self.terms) == 1 and self.terms[0][1] == 1 and len(self.terms[0][0]) == 1:
            atom = self.terms[0][0][0]
            return atom if isinstance(atom, Symbol) else None
        return None

    @cached_property
    def symbols(self) -> frozenset[Symbol]:
        found: set[Symbol] = set()
        for monomial, _ in self.terms:
            for atom in monomial:
                if isinstance(atom, Symbol):
                    found.add(atom)
                elif isinstance(atom, Quotient):
                    found |= atom.numerator.symbols
                else:
                    found.update(*(size.symbols for size in atom.sizes))
        return frozenset(found)

    def substitute(self, known: Mapping[Symbol, Size]) -> Size:
        """This size with symbols replaced by sizes."""
        if not self.symbols & known.keys():
            return self
        total = Size(())
        for monomial, coefficient in self.terms:
            product = Size.of(coefficient)
            for atom in monomial:
                product = product * _substitute_atom(atom, known)
            total = total + product
        return total

    def value(self, bindings: Mapping[Symbol, int]) -> int:
        """The number under bindings of all symbols (KeyError where one is missing)."""
        total = 0
        for monomial, coefficient in self.terms:
            for atom in monomial:
                coefficient *= _atom_value(atom, bindings)
            total += coefficient
        return total

    def estimate(self, bindings: Mapping[Symbol, int], unknown: int = 256) -> int:
        """A number for cost models: unbound symbols count as ``unknown``."""
        return max(1, self.value({s: bindings.get(s, unknown) for s in self.symbols}))

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        text = ""
        for monomial, c in self.terms:
            factors = " ".join(map(str, monomial))
            magnitude = factors if monomial and abs(c) == 1 else f"{abs(c)} {factors}".rstrip()
            text += f"{' - ' if c < 0 else ' + '}{magnitude}" if text else f"{'-' if c < 0 else ''}{magnitude}"
        return text

    def __repr__(self) -> str:
        return f"Size({self})"


def _substitute_atom(atom: Atom, known: Mapping[Symbol, Size]) -> Size:
    if isinstance(atom, Symbol):
        return known.get(atom, Size.of(atom))
    if isinstance(atom, Quotient):
        return atom.numerator.substitute(known) // atom.denominator
    return largest([size.substitute(known) for size in atom.sizes])


def _atom_value(atom: Atom, bindings: Mapping[Symbol, int]) -> int:
    if isinstance(atom, Symbol):
        return bindings[atom]
    if isinstance(atom, Quotient):
        return atom.numerator.value(bindings) // atom.denominator
    return max(size.value(bindings) for size in atom.sizes)


def largest(sizes: Iterable[Size]) -> Size:
    """The largest of sizes; those that differ by a number are compared at once."""
    kept: list[Size] = []
    for size in sizes:
        for at, other in enumerate(kept):
            gap = (size - other).constant
            if gap is not None:
                kept[at] = size if gap > 0 else other
                break
        else:
            kept.append(size)
    return kept[0] if len(kept) == 1 else Size.of(Largest(tuple(sorted(kept, key=str))))
