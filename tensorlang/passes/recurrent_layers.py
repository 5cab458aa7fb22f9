"""Recurrences that are a layer of the library: long short-term memory, gated recurrent units.

In: a scan and the program around it. Out: a ``Layer``, whose kernel computes all positions, and the definitions of what
it takes: the input, and weights with an axis for the gates; or None. What is looked at is the structure alone: the
equations of one step are put into one another, and must be just those of the layer, whatever the names, the order of
gates and terms, the number of axes in front, one tensor for all weights or several.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype
from tensorlang.ir.nodes import (
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    children,
    number,
    rename,
    with_children,
)
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor, definition_reads
from tensorlang.ir.recursion import Layer, Manner, Scan
from tensorlang.ir.rewrite import fresh_name, indices_inside
from tensorlang.passes.contexts import needed, unused
from tensorlang.passes.contexts import reads as every_read
from tensorlang.passes.definitions import Meaning, meaning
from tensorlang.passes.layer_cells import Cell, Gated, shifted_by
from tensorlang.passes.scopes import put
from tensorlang.passes.sound import operators
from tensorlang.records import dataclass, field

_TYPES = ("float", "float64")


def make_layer(
    scan: Scan, program: Program, tensors: dict[str, Tensor], wanted: Collection[str]
) -> tuple[Layer, list[Definition]] | None:
    """The layer that a scan is, with the definitions of what it takes; ``tensors`` gains theirs."""
    shown = [name for name in scan.members if name in wanted]
    if (
        scan.manner != Manner()
        or scan.inner
        or scan.resting
        or scan.kept
        or len(shown) != 1
        or tensors[shown[0]].dtype not in _TYPES
    ):
        return None
    step = _Step(scan, program)
    known = step.meanings()
    if known is None:
        return None
    value = step.inlined(known[shown[0]].value, shown[0])
    if value is None or operators(value) & {"where"}:
        return None
    left = tuple(map(Position, known[shown[0]].indices))
    time = step.axis(shown[0])
    for unit in range(len(left)):
        if unit != time and all(isinstance(entry, Position) for entry in left):
            cell = Cell(shown[0], left, time, unit, step.lag, frozenset(scan.members), step.is_memory, step.opened)
            gated = cell.gated(value)
            if gated is not None:
                return _Layout(scan, cell, gated, tensors).layer()
    return None


@dataclass(slots=True, eq=False)
class _Step:
    """One step of a scan: what its tensors are at a position, and how they were read there."""

    scan: Scan
    program: Program
    seen: dict[str, tuple[Expr, ...]] = field(default_factory=dict)

    @property
    def lag(self) -> int:
        return -1 if self.scan.reverse else 1

    def axis(self, tensor: str) -> int:
        found = self.scan.axis(tensor)
        assert found is not None, f"{tensor} is not of this recurrence"
        return found

    def meanings(self) -> dict[str, Meaning] | None:
        """What each tensor is, if each is defined by one equation for all of its elements, as long as the others."""
        found: dict[str, Meaning] = {}
        for definition in self.scan.definitions:
            tensor = self.program.tensors[definition.tensor]
            known = meaning(definition, tensor)
            if known is None or tensor.shape[self.axis(tensor.name)] != self.scan.steps:
                return None
            found[definition.tensor] = known
        return found

    def inlined(self, value: Expr, of: str) -> Expr | None:
        """A value with what it reads of other tensors at the same position put in its place."""
        known = self.meanings()
        assert known is not None, "the tensors of a step are plain"
        time = known[of].indices[self.axis(of)]
        memo: dict[Expr, Expr | None] = {}

        def visit(node: Expr) -> Expr | None:
            if node not in memo:
                memo[node] = self._visited(node, known, time, visit)
            return memo[node]

        return visit(value)

    def _visited(self, node: Expr, known: dict[str, Meaning], time: Index, visit: object) -> Expr | None:
        assert callable(visit)
        if isinstance(node, Read):
            if node.tensor not in known or node.at[self.axis(node.tensor)] is not Position(time):
                return node
            if self.seen.setdefault(node.tensor, node.at) != node.at and self._is_state(node.tensor):
                return None
            value = _at(known[node.tensor], node)
            result: Expr | None = None if value is None else visit(value)
            return result
        new = [visit(child) for child in children(node)]
        return None if any(part is None for part in new) else with_children(node, tuple(new))

    def _is_state(self, tensor: str) -> bool:
        """Whether a tensor is read at another position."""
        axis = self.axis(tensor)
        own = [p for d in self.scan.definitions for p in d.pieces]
        found = (read for piece in own for read in every_read(piece.value) if read.tensor == tensor)
        return any(not isinstance(read.at[axis], Position) for read in found)

    def is_memory(self, node: Read) -> bool:
        """Whether a read is of what a tensor was one position before, all else as it is read at this one."""
        now = self.seen.get(node.tensor)
        if now is None:
            return False
        time = self.axis(node.tensor)
        same = all(a is b for at, (a, b) in enumerate(zip(node.at, now, strict=True)) if at != time)
        return same and shifted_by(node.at[time], now[time], -self.lag)

    def opened(self, node: Read) -> Expr | None:
        """What an outside tensor is made of, if only this recurrence reads it."""
        definition = self.program.definition(node.tensor)
        if definition is None or node.tensor in needed(self.program):
            return None
        others = [d for d in self.program.definitions if node.tensor in definition_reads(d)]
        units = [unit for unit in self.program.cyclic if unit is not self.scan and node.tensor in unit.reads]
        known = meaning(definition, self.program.tensors[node.tensor])
        if others or units or known is None or not isinstance(known.value, Contract | Apply):
            return None
        return _at(known, node)


def _at(known: Meaning, read: Read) -> Expr | None:
    """The value of a tensor where it is read: at whole axes, or at single positions inside."""
    for entry, size in zip(read.at, read.shape, strict=True):
        match entry:
            case Position(index=index) if index.size == size:
                continue
            case Const(value=int() as place) if 0 <= place < (size.constant or 0):
                continue
            case _:
                return None
    return put(known.value, dict(zip(known.indices, read.at, strict=True)))


@dataclass(slots=True, eq=False)
class _Layout:
    """A cell that was found, and the definitions that lay out what its kernel takes."""

    scan: Scan
    cell: Cell
    found: Gated
    tensors: dict[str, Tensor]
    outside: list[Definition] = field(default_factory=list)

    def layer(self) -> tuple[Layer, list[Definition]] | None:
        gates = self.found.gates
        xs = [gate.x for gate in gates]
        states = [gate.u for gate in gates[:-1]] + [self.found.inner.u if self.found.inner is not None else gates[-1].u]
        first, state = xs[0], states[0]
        assert first is not None, "every gate has an input"
        assert state is not None, "every gate has a state"
        i, k = first[1], state[1]
        inputs = {rename(x[0], {x[1]: i}) for x in xs if x is not None}
        weights = [rename(gate.w, {gate.x[1]: i}) for gate in gates if gate.w is not None and gate.x is not None]
        recurrent = [rename(u[0], {u[1]: k}) for u in states if u is not None]
        if len(inputs) != 1 or len(weights) != len(gates) or k.size != self.cell.units.size:
            return None
        parts = [*inputs, *weights, *recurrent, *(e for gate in gates for e in gate.offsets)]
        if any(dtype(part) != self.kind for part in parts):
            return None
        order = [self.cell.left[self.cell.time], *self.batch, Position(i)]
        h = self.cell.units
        turned = [gate.turned for gate in gates]
        offsets = [_sum(gate.offsets) for gate in gates]
        operands = [
            (self._defined("input", order, *inputs),),
            self._gates("weights", [Position(h), Position(i)], weights, turned),
            self._gates("state", [Position(h), Position(k)], recurrent, turned),
            self._gates("offsets", [Position(h)], offsets, turned),
        ]
        if self.found.inner is not None:
            inner = [number(0.0)] * (len(gates) - 1) + [_sum(self.found.inner.offsets)]
            operands.append(self._gates("inner", [Position(h)], inner, turned))
        return Layer(self.scan, self.found.kind, self.cell.tensor, self.cell.unit, tuple(operands)), self.outside

    @property
    def kind(self) -> str:
        return self.tensors[self.cell.tensor].dtype

    @property
    def batch(self) -> list[Expr]:
        return [e for at, e in enumerate(self.cell.left) if at not in (self.cell.time, self.cell.unit)]

    def _gates(
        self, word: str, left: Sequence[Expr], values: Sequence[Expr], turned: Sequence[bool]
    ) -> tuple[str, ...]:
        """One tensor with the gates in front, or one for each gate; ``turned`` says which gates are negated."""
        values = [Apply("neg", (value,)) if over else value for value, over in zip(values, turned, strict=True)]
        taken = {index.name for node in (*values, *left) for index in indices_inside(node)}
        gate = Index(fresh_name("gate", taken), Size.of(len(values)))
        together = _together(values, gate)
        if together is not None:
            return (self._defined(word, (Position(gate), *left), together),)
        return tuple(self._defined(f"{word}{at}", left, value) for at, value in enumerate(values))

    def _defined(self, word: str, left: Sequence[Expr], value: Expr) -> str:
        """A tensor that is a value at indices; one that there is already where it is no more than that."""
        indices = tuple(entry.index for entry in left if isinstance(entry, Position))
        sizes = tuple(index.size for index in indices)
        if isinstance(value, Read) and value.at == tuple(left) and value.shape == sizes:
            return value.tensor
        name = unused(self.tensors, f"{self.cell.tensor}.{word}")
        span = self.scan.definitions[0].pieces[0].span
        self.outside.append(Definition(name, "sum", (Piece(tuple(left), indices, value, False, span),)))
        axes = tuple(Axis(index.name, index.size) for index in indices)
        self.tensors[name] = Tensor(name, "defined", axes, self.kind, span)
        return name


def _sum(terms: tuple[Expr, ...]) -> Expr:
    return Apply("add", terms) if len(terms) > 1 else terms[0] if terms else number(0.0)


def _together(nodes: Sequence[Expr], gate: Index) -> Expr | None:
    """One expression that is each of several at the positions of an index."""
    first = nodes[0]
    if all(node is first for node in nodes):
        return first
    if isinstance(first, Read):
        return _read_together(first, nodes, gate)
    same = all(type(node) is type(first) and len(children(node)) == len(children(first)) for node in nodes)
    if not same or not children(first):
        return None
    parts = [_together(column, gate) for column in zip(*map(children, nodes), strict=True)]
    if any(part is None for part in parts):
        return None
    made = [with_children(node, tuple(part for part in parts if part is not None)) for node in nodes]
    return made[0] if all(other is made[0] for other in made) else None


def _read_together(first: Read, nodes: Sequence[Expr], gate: Index) -> Expr | None:
    """Reads of one tensor at positions 0, 1, 2... of an axis of as many as a read of the whole axis."""
    if not all(isinstance(node, Read) and node.tensor == first.tensor for node in nodes):
        return None
    at: list[Expr] = []
    for axis, column in enumerate(zip(*map(children, nodes), strict=True)):
        counted = [number(place) for place in range(len(nodes))]
        if all(entry is column[0] for entry in column):
            at.append(column[0])
        elif list(column) == counted and first.shape[axis] == gate.size:
            at.append(Position(gate))
        else:
            return None
    return Read(first.tensor, tuple(at), first.shape, first.dtype)
