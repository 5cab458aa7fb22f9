"""Relations that are stored on pairs: the positions where they hold, a column of integers a place, instead of a table.

In: a Program and the names of given relations. Out: an equal Program in which each of them is *defined* by its columns,
``Edge[Edge.at0[e], Edge.at1[e]] = true``; ``passes/onto_pairs.py`` then moves what reads it onto the pairs, until
nothing reads the table any more. What is made of columns alone (row pointers, orders, unions) is a tensor of the kind
``pairs`` too, with a ``Recipe``: it is made before a call and kept as long as the relation is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import permutations
from math import prod
from typing import TYPE_CHECKING

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Expr, Index, Position, Read, number
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor
from tensorlang.records import dataclass, field, replace

if TYPE_CHECKING:
    from tensorlang.source import Span

KIND = "pairs"
Part = tuple[str | None, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a tensor is made of columns: a kernel of ``backends/kernels_pairs.py``, given tensors and numbers."""

    kernel: str
    arguments: tuple[str | Size | int, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(argument for argument in self.arguments if isinstance(argument, str))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct rows of positions, in rising order: ``columns`` has one tensor a place, over an axis of ``count``.

    ``pointers[k]`` says where the rows of each position of place k begin, when they are put in the order ``orders[k]``
    (None: they stand so); ``turned[k, q]`` is column q in the order of place k. Two places together count as one, by
    the names ``(k, q)`` in ``joint``: ``position k * size q + position q``.
    """

    name: str
    columns: tuple[str, ...]
    sizes: tuple[Size, ...]
    count: Symbol
    pointers: tuple[str, ...]
    orders: tuple[str | None, ...]
    turned: Mapping[tuple[int, int], str]
    joint: Mapping[tuple[int, int], int] = field(default_factory=dict)

    @property
    def index(self) -> Index:
        """An index over the pairs; its name is no word of a program."""
        return Index(f"{self.name} pair", Size.of(self.count))

    def at(self, place: int, index: Index | None = None) -> Expr:
        """The position at a place of each pair."""
        return Read(self.columns[place], (Position(index or self.index),), (Size.of(self.count),), "int")

    def distinct(self, *places: int) -> bool:
        """Whether no two rows have the same positions at these places: they are all places of the relation."""
        made_of = {place: two for two, place in self.joint.items()}
        covered = {k for place in places for k in made_of.get(place, (place,))}
        return len(covered) == len(self.columns) - len(self.joint)

    @property
    def tensors(self) -> tuple[str, ...]:
        return (*self.columns, *self.pointers, *(name for name in self.orders if name), *self.turned.values())


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor that is held on pairs: axis ``a`` is place ``places[a]`` of them, or one of its own where that is None.

    ``values`` is the tensor [pair, own axes...] of its elements; None where they are all true.
    """

    tensor: str
    pairs: str
    places: tuple[int | None, ...]
    values: str | None

    @property
    def own(self) -> tuple[int, ...]:
        """The axes that are no places."""
        return tuple(axis for axis, place in enumerate(self.places) if place is None)

    def axis(self, place: int) -> int:
        return self.places.index(place)


@dataclass(slots=True, eq=False)
class Table:
    """All that is on pairs, while a program is changed; parts of a program inside others share it.

    ``unions`` says what pairs that are a union are made of.
    """

    pairs: dict[str, Pairs] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    recipes: dict[str, Recipe] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    unions: dict[str, tuple[Part, ...]] = field(default_factory=dict)

    def set_of(self, name: str, sizes: tuple[Size, ...], span: Span, made: Iterable[Recipe | None]) -> Pairs:
        """Pairs of a name; ``made`` says how each column is made (None: it is given)."""
        count = Symbol(f"{name}.pairs")
        known = self.pairs.get(name)
        if known is not None:
            return known
        columns = tuple(f"{name}.at{k}" for k in range(len(sizes)))
        for column, size, recipe in zip(columns, sizes, made, strict=True):
            self._add(column, Size.of(count), span, recipe, size)
        self.pairs[name] = self._indexed(name, columns, sizes, count, span)
        return self.pairs[name]

    def _indexed(
        self, name: str, columns: tuple[str, ...], sizes: tuple[Size, ...], count: Symbol, span: Span
    ) -> Pairs:
        joint: dict[tuple[int, int], int] = {}
        if len(sizes) > 2:
            for one, two in permutations(range(len(sizes)), 2):
                joint[one, two] = len(columns)
                column = f"{name}.at{one}_{two}"
                size = sizes[one] * sizes[two]
                recipe = Recipe("pairs_joint", (columns[one], columns[two], sizes[two]))
                self._add(column, Size.of(count), span, recipe, size)
                columns, sizes = (*columns, column), (*sizes, size)
        pointers, orders, turned = [], list[str | None](), {}
        for place, (column, size) in enumerate(zip(columns, sizes, strict=True)):
            sorted_already = place == 0 or place == joint.get((0, 1))
            order = None if sorted_already else f"{name}.order{place}"
            if order is not None:
                self._add(order, Size.of(count), span, Recipe("pairs_order", (column,)), Size.of(count))
                for other, values in enumerate(columns):
                    if other != place:
                        turned[place, other] = f"{name}.at{other}by{place}"
                        recipe = Recipe("pairs_turned", (values, order))
                        self._add(turned[place, other], Size.of(count), span, recipe, sizes[other])
            else:
                turned |= {(place, other): values for other, values in enumerate(columns) if other != place}
            pointer = f"{name}.rows{place}"
            by_place: tuple[str | Size, ...] = (column, size) if order is None else (column, size, order)
            self._add(pointer, size + 1, span, Recipe("pairs_pointers", by_place), Size.of(count) + 1)
            pointers.append(pointer)
            orders.append(order)
        return Pairs(name, columns, sizes, count, tuple(pointers), tuple(orders), turned, joint)

    def _add(self, name: str, length: Size, span: Span, recipe: Recipe | None, below: Size | None) -> None:
        self.tensors[name] = Tensor(name, KIND, (Axis("pair", length),), "int", span, positions=below)
        if recipe is not None:
            self.recipes[name] = recipe

    def found(self, inner: Pairs, outer: Pairs, places: tuple[int, ...], span: Span) -> str:
        """The tensor that says which pair of ``outer`` each pair of ``inner`` is, or -1; ``places[k]`` is the place of
        ``inner`` that place k of ``outer`` is compared with."""
        name = f"{outer.name} in {inner.name} by {' '.join(map(str, places))}"
        if name not in self.tensors:
            own = outer.columns[: len(places)]
            taken = tuple(inner.columns[place] for place in places)
            sizes = outer.sizes[: len(places)]
            self._add(name, Size.of(inner.count), span, Recipe("pairs_found", (*own, *taken, *sizes)), None)
        return name

    def union(
        self, parts: tuple[tuple[str | None, tuple[int, ...]], ...], sizes: tuple[Size, ...], span: Span
    ) -> Pairs:
        """The pairs that are in any of the parts: pairs of a name with their places in the union's order, or (None)
        those of equal positions."""
        words = [f"{n} {''.join(map(str, order))}" if n else "equal" for n, order in parts]
        name = " or ".join(sorted(words))
        if name in self.pairs:
            return self.pairs[name]
        self.unions[name] = parts
        columns: list[str | Size] = []
        for part, order in parts:
            if part is not None:
                columns += [self.pairs[part].columns[place] for place in order]
        equal = sizes[:1] if any(part is None for part, _ in parts) else ()
        shape = tuple(sizes)
        made = [Recipe("pairs_union", (k, len(sizes), *columns, *shape, *equal)) for k in range(len(sizes))]
        return self.set_of(name, sizes, span, made)


def table_of(program: Program) -> Table:
    """What a program has on pairs."""
    table = Table(dict(program.pairs), dict(program.stored), dict(program.recipes))
    table.tensors = {tensor.name: tensor for tensor in program.of_kind(KIND)}
    return table


def stored_on_pairs(program: Program, names: Collection[str]) -> Program:
    """The program with given relations stored on pairs; those that are floats have weights, ``Edge.weights[e]``."""
    table = table_of(program)
    tensors, definitions = dict(program.tensors), []
    for name in (name for name in program.tensors if name in names):
        tensor = program.tensors[name]
        pairs = table.set_of(name, tensor.shape, tensor.span, [None] * len(tensor.axes))
        weights = None
        value: Expr = number(True)
        if tensor.dtype != "bool":
            weights = f"{name}.weights"
            tensors[weights] = Tensor(weights, KIND, (Axis("pair", Size.of(pairs.count)),), tensor.dtype, tensor.span)
            value = Read(weights, (Position(pairs.index),), (Size.of(pairs.count),), tensor.dtype)
        left = tuple(pairs.at(place) for place in range(len(tensor.axes)))
        definitions.append(Definition(name, "sum", (Piece(left, (pairs.index,), value, False, tensor.span),)))
        tensors[name] = replace(tensor, kind="defined", file=None, literal=None)
        table.stored[name] = Stored(name, name, tuple(range(len(tensor.axes))), weights)
    return with_table(replace(program, tensors=tensors, definitions=(*definitions, *program.definitions)), table)


def with_table(program: Program, table: Table) -> Program:
    """The program with all that a table knows."""
    return replace(
        program,
        tensors={**program.tensors, **table.tensors},
        pairs=dict(table.pairs),
        stored=dict(table.stored),
        recipes=dict(table.recipes),
    )


def dense_elements(tensor: Tensor, sizes: Mapping[Symbol, int]) -> int:
    """How many elements the table of a tensor has."""
    return prod(size.value(sizes) for size in tensor.shape)


# A relation that facts and rules define is held on pairs where its table would have more elements than this.
_LARGE = 1 << 18


def told_on_pairs(program: Program) -> dict[str, str]:
    """The relations of facts and rules that equations read on pairs, and how: as "pairs", or with "weights"."""
    found = {}
    told = program.facts.rulebook.relations if program.facts is not None else {}
    for tensor in program.of_kind("data"):
        known = all(size.symbols <= program.sizes.keys() for size in tensor.shape)
        if tensor.name in told and known and dense_elements(tensor, program.sizes) > _LARGE:
            found[tensor.name] = "pairs" if tensor.dtype == "bool" else "weights"
    return found
