"""Sizes of all axes and indices: unification first, then what arithmetic on indices implies.

In: statements. Out: ``Domains``, which answers the size of any axis and of any index of a statement. An index that
stands alone in some axis has that axis's size; one that stands only in arithmetic ranges over all positions for which
every access is inside (a *valid* convolution), and what is short of 0 there becomes a lower bound (``lower``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tensorlang.ir.domain import Size, Symbol
from tensorlang.records import dataclass, field
from tensorlang.sema import messages
from tensorlang.sema.resolved import (
    Access,
    Statement,
    walk,
)
from tensorlang.sema.world import World
from tensorlang.source import Span


@dataclass(slots=True, eq=False)
class Var:
    """One class of axes and indices that share a size. ``origin`` says, for messages, where the size comes from."""

    parent: Var | None = None
    size: Size | None = None
    origin: tuple[str, Span] | None = None
    first: Span | None = None


def root(var: Var) -> Var:
    while var.parent is not None:
        if var.parent.parent is not None:
            var.parent = var.parent.parent
        var = var.parent
    return var


@dataclass(slots=True, eq=False)
class Domains:
    world: World
    axes: dict[tuple[str, int], Var] = field(default_factory=dict)
    places: dict[str, Var] = field(default_factory=dict)
    indices: dict[tuple[int, str], Var] = field(default_factory=dict)
    bound: dict[Symbol, Size] = field(default_factory=dict)
    lower: dict[tuple[int, str], Size] = field(default_factory=dict)
    equalities: list[tuple[Size, Size, Span]] = field(default_factory=list)
    waiting: list[Callable[[], bool]] = field(default_factory=list)
    soft: list[tuple[Var, Var, Span]] = field(default_factory=list)
    steps: list[tuple[Statement, str, str, int, int, Span]] = field(default_factory=list)
    beside: list[tuple[Statement, str, str, int, Span]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    failed: bool = False

    # --- variables and unification ---

    def axis(self, tensor: str, at: int) -> Var:
        return root(self.axes.setdefault((tensor, at), Var()))

    def index(self, statement: Statement, name: str) -> Var:
        return root(self.indices.setdefault((id(statement.group), name), Var()))

    def norm(self, size: Size) -> Size:
        for _ in range(64):
            new = size.substitute(self.bound)
            if new == size:
                return size
            size = new
        return size

    def size(self, var: Var) -> Size | None:
        var = root(var)
        if var.size is not None and self.bound:
            var.size = self.norm(var.size)
        return var.size

    def assign(self, var: Var, size: Size, origin: tuple[str, Span], name: str, at: Span | None = None) -> None:
        """Give a class a size; a clash is reported with both origins."""
        var = root(var)
        if var.size is None:
            var.size, var.origin = size, origin
        else:
            self._equate(name, var.size, size, (var.first, var.origin), (at or origin[1], origin))

    def unify(self, a: Var, b: Var, name: str, at: Span) -> None:
        """Make one class of two: ``a`` an index, ``b`` the axis that it stands in at ``at``."""
        a, b = root(a), root(b)
        if a is b:
            a.first = a.first or at
            return
        if a.size is not None and b.size is not None:
            self._equate(name, a.size, b.size, (a.first, a.origin), (at, b.origin))
        keep, drop = (b, a) if a.size is None else (a, b)
        drop.parent = keep
        keep.first = a.first or at

    def _equate(
        self,
        name: str,
        one: Size,
        other: Size,
        here: tuple[Span | None, tuple[str, Span] | None],
        there: tuple[Span | None, tuple[str, Span] | None],
    ) -> None:
        one, other = self.norm(one), self.norm(other)
        gap = (one - other).constant
        if gap == 0:
            return
        values = [self.value(one), self.value(other)]
        if values[0] is not None and values[0] == values[1]:
            return
        clash = (gap is not None and not self._binds(one, other)) or None not in values
        if clash:
            self.failed = True
            shown = [
                size if value is None else Size.of(value) for size, value in zip((one, other), values, strict=True)
            ]
            messages.two_sizes(self.world.problems, name, (shown[0], *here), (shown[1], *there))
        elif not self._bind(one, other) and not self._bind(other, one):
            span = there[0] or here[0]
            if span is not None:
                self.equalities.append((one, other, span))

    def _binds(self, one: Size, other: Size) -> bool:
        return self._bindable(one, other) or self._bindable(other, one)

    def _bindable(self, one: Size, other: Size) -> bool:
        symbol = one.symbol
        return symbol is not None and symbol not in other.symbols and symbol not in self.world.sizes

    def _bind(self, one: Size, other: Size) -> bool:
        """Bind the symbol that ``one`` is to ``other``; of two symbols a declared dim stays, then the shorter name."""
        symbol = one.symbol
        if symbol is None or not self._bindable(one, other):
            return False
        second = other.symbol
        if second is not None and self._bindable(other, one) and self._rank(second) > self._rank(symbol):
            self.bound[second] = one
        else:
            self.bound[symbol] = other
        return True

    def _rank(self, symbol: Symbol) -> int:
        """How little a symbol says to the reader: a dim 0, an axis's own label 1, a label with its tensor 2."""
        return 0 if symbol.name in self.world.root.dims else 1 + ("." in symbol.name)

    def value(self, size: Size) -> int | None:
        if size.constant is not None:
            return size.constant
        known = self.world.sizes
        return size.value(known) if all(symbol in known for symbol in size.symbols) else None

    def symbol(self, tensor: str, label: str) -> Size:
        """A fresh symbol for an axis that the caller or a file sizes."""
        name = label if label not in self.names and label not in self.world.root.dims else f"{tensor}.{label}"
        while name in self.names:
            name += "'"
        self.names.add(name)
        return Size.of(Symbol(name))


def accesses(statement: Statement) -> Iterator[Access]:
    """Every access of a statement, but for its left side as a whole."""
    for part in (statement.value, *statement.guards, *statement.left):
        for node in walk(part):
            if isinstance(node, Access):
                yield node
