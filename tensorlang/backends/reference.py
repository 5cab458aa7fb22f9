"""The meaning of the language: slow, obvious loops over index values; the oracle that the tests hold backends to.

In: a Program, arrays for its given tensors, numbers for its sizes. Out: the arrays of its defined tensors, in float64,
complex128, int64 or bool whatever the declared precision. Every element is a plain number, or ``None`` where it is
*absent* (a guard that does not hold); an absent element that is read as a value counts as 0.

An expression is turned into a function from an assignment (index name to value) to an element. Its results are kept by
the values of the indices that it depends on, so that an inner sum is not repeated for every outer element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

import numpy as np

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.facts import dtype, join, keeps_zero
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
    free_indices,
)
from tensorlang.ir.program import Definition, Piece, Program, Tensor, definition_reads
from tensorlang.ir.recursion import Fixpoint, Resting, Scan
from tensorlang.ops import ALONG, POINTWISE, REDUCTIONS, STRUCTURED

Array = np.ndarray[Any, Any]
Element = Any  # bool, int, float or complex; None where absent
Assignment = dict[str, int]
Evaluate = Callable[[Assignment], Element]
Unit = Definition | Scan | Fixpoint

# A fixed point is followed until it changes by this much less than was asked for, in so many rounds at most.
SETTLED, MOST_ROUNDS = 1e-6, 20_000

_KINDS: Mapping[str, type[Any]] = {
    "bool": bool, "int": int, "bf16": float, "float": float, "float64": float, "complex": complex,
}  # fmt: skip


def evaluate(program: Program, values: Mapping[str, Any], sizes: Mapping[Symbol, int]) -> dict[str, Array]:
    """All defined tensors by name. ``values`` holds the inputs, parameters, buffers, data and relations read.

    It may hold the mode, too (``training``: true or false); without it this is evaluation.
    """
    values = {name: False for name, tensor in program.tensors.items() if tensor.kind == "mode"} | dict(values)
    bindings = {**program.sizes, **sizes}
    given = [t for t in program.tensors.values() if t.name in values or t.literal is not None]
    arrays = {tensor.name: _given(tensor, values, bindings) for tensor in given}
    with np.errstate(all="ignore"):
        for unit in _in_order(program):
            match unit:
                case Scan():
                    _scan(unit, program, arrays, bindings)
                case Fixpoint():
                    _fixpoint(unit, program, arrays, bindings)
                case Definition():
                    tensor = program.tensors[unit.tensor]
                    arrays[tensor.name] = _Evaluator(arrays, bindings).define(unit, tensor)
    scanned = [name for scan in program.scans for name in scan.members]
    scanned += [name for fixpoint in program.fixpoints for name in fixpoint.members]
    return {name: arrays[name] for name in (*(d.tensor for d in program.definitions), *scanned)}


def _in_order(program: Program) -> list[Unit]:
    """Definitions, recurrences and fixed points, each behind what it reads."""
    units: dict[str, Unit] = {d.tensor: d for d in program.definitions}
    units |= {name: scan for scan in program.scans for name in scan.members}
    units |= {name: fixpoint for fixpoint in program.fixpoints for name in fixpoint.members}
    done: dict[int, Unit] = {}

    def add(unit: Unit) -> None:
        if id(unit) not in done:
            for name in sorted(definition_reads(unit) if isinstance(unit, Definition) else unit.reads):
                if name in units:
                    add(units[name])
            done[id(unit)] = unit

    for unit in list(units.values()):
        add(unit)
    return list(done.values())


def _scan(scan: Scan, program: Program, arrays: dict[str, Array], bindings: Mapping[Symbol, int]) -> None:
    """A recurrence: position by position, each tensor in turn is computed anew and only that position of it is kept."""
    for name in scan.members:
        tensor = program.tensors[name]
        arrays[name] = np.zeros([size.value(bindings) for size in tensor.shape], dtype=_KINDS[tensor.dtype])
    _positions(scan, program, arrays, bindings, {})


def _positions(
    scan: Scan,
    program: Program,
    arrays: dict[str, Array],
    bindings: Mapping[Symbol, int],
    outer: Mapping[str, Mapping[int, int]],
) -> None:
    """All positions of a scan; ``outer`` are those of the scans around it, by tensor and axis."""
    inside = {name: inner for inner in scan.inner for name in inner.members}
    resting = {name: rest for rest in scan.resting for name in rest.tensors}
    late = dict(scan.late)
    numbers = range(scan.steps.value(bindings))
    for number in reversed(numbers) if scan.reverse else numbers:
        here = {name: {**outer.get(name, {}), axis: number - late.get(name, 0)} for name, axis in scan.axes}
        for definition in scan.definitions:
            name = definition.tensor
            if name in resting:
                if name == resting[name].tensors[0]:
                    _rest(resting[name], scan, program, arrays, bindings, here)
            elif name not in inside:
                _keep(definition, program.tensors[name], arrays, bindings, here[name])
            elif name == inside[name].members[0]:
                _positions(inside[name], program, arrays, bindings, here)


def _rest(
    rest: Resting,
    scan: Scan,
    program: Program,
    arrays: dict[str, Array],
    bindings: Mapping[Symbol, int],
    here: Mapping[str, Mapping[int, int]],
) -> None:
    """A fixed point at one position: its tensors are computed over and over there."""
    definitions = [definition for definition in scan.definitions if definition.tensor in rest.tensors]
    definitions.sort(key=lambda definition: rest.tensors.index(definition.tensor))
    for definition in definitions if rest.fixpoint.monotone else ():
        if definition.aggregate != "sum":
            whole, positions = arrays[definition.tensor], here[definition.tensor]
            place = tuple(positions.get(axis, slice(None)) for axis in range(whole.ndim))
            whole[place] = cast(REDUCTIONS[definition.aggregate].identity, program.tensors[definition.tensor].dtype)
    for _ in range(MOST_ROUNDS):
        change = 0.0
        for definition in definitions:
            before = arrays[definition.tensor].copy()
            _keep(definition, program.tensors[definition.tensor], arrays, bindings, here[definition.tensor])
            change = max(change, _distance(before, arrays[definition.tensor]))
        if change <= (0 if rest.fixpoint.monotone else SETTLED * rest.fixpoint.tolerance):
            return
    raise ArithmeticError(f"no fixed point of {', '.join(rest.tensors)} in {MOST_ROUNDS} rounds")


def _keep(
    definition: Definition,
    tensor: Tensor,
    arrays: dict[str, Array],
    bindings: Mapping[Symbol, int],
    here: Mapping[int, int],
) -> None:
    """Compute a tensor anew, and keep of it what stands at the given positions of its axes."""
    kept = arrays[tensor.name]
    if all(0 <= number < kept.shape[axis] for axis, number in here.items()):
        place = tuple(here.get(axis, slice(None)) for axis in range(kept.ndim))
        kept[place] = _Evaluator(arrays, bindings).define(definition, tensor)[place]


def _fixpoint(fixpoint: Fixpoint, program: Program, arrays: dict[str, Array], bindings: Mapping[Symbol, int]) -> None:
    """Equations computed over and over in turn, far beyond the tolerance that was asked for."""
    for definition in fixpoint.definitions:
        tensor = program.tensors[definition.tensor]
        start = REDUCTIONS[definition.aggregate].identity if fixpoint.monotone and definition.aggregate != "sum" else 0
        shape = [size.value(bindings) for size in tensor.shape]
        arrays[tensor.name] = np.full(shape, cast(start, tensor.dtype), dtype=_KINDS[tensor.dtype])
    for steps in range(1, MOST_ROUNDS + 1):
        change = 0.0
        for definition in fixpoint.definitions:
            before = arrays[definition.tensor]
            after = _Evaluator(arrays, bindings).define(definition, program.tensors[definition.tensor])
            arrays[definition.tensor] = after
            change = max(change, _distance(before, after))
        if not fixpoint.monotone and not all(np.isfinite(arrays[d.tensor]).all() for d in fixpoint.definitions):
            break
        if change <= (0 if fixpoint.monotone else SETTLED * fixpoint.tolerance):
            arrays |= {name: np.array(steps if what == "steps" else change) for name, what in fixpoint.reports}
            return
    raise ArithmeticError(f"no fixed point of {', '.join(fixpoint.members)} within {MOST_ROUNDS} rounds")


def _distance(before: Array, after: Array) -> float:
    """The largest change of an element, in units of the largest element where that is above 1."""
    changed = before != after
    if not changed.any():
        return 0.0
    gap = np.abs(after[changed] - before[changed]) if before.dtype != bool else np.ones(1)
    scale = np.abs(after)[np.isfinite(after)].max(initial=1.0)
    return float(np.nan_to_num(gap / scale, nan=np.inf).max())


def _given(tensor: Tensor, values: Mapping[str, Any], bindings: Mapping[Symbol, int]) -> Array:
    array: Array = np.asarray(values.get(tensor.name, tensor.literal), dtype=_KINDS[tensor.dtype])
    return array.reshape([size.value(bindings) for size in tensor.shape])


def cast(value: Any, to: str) -> Any:
    """A number as one of an element type: integers wrap around; an infinity is the least or greatest of its type."""
    if to == "int":
        least = -(2**63)
        return (least if value < 0 else -least - 1) if abs(value) == np.inf else (int(value) - least) % 2**64 + least
    return False if to == "bool" and value == -np.inf else _KINDS[to](value)


def _number(element: Element) -> Any:
    """An element that is read as a value: absent is 0, truth values are 0 and 1."""
    return int(bool(element)) if element is None or isinstance(element, bool) else element


def _row(values: list[Any], of: str) -> Array:
    """Values as an array, truth values as 0 and 1."""
    return np.array(values, dtype=int if of == "bool" else _KINDS[of])


def _reduce(name: str, values: list[Element], argument: str, result: str) -> Any:
    """A reduction over the present ones of the values."""
    record = REDUCTIONS[name]
    places = [place for place, value in enumerate(values) if value is not None]
    if not places:
        return cast(record.identity, result)
    reduced = record.numpy(np, _row([values[place] for place in places], argument))
    return cast(places[int(reduced)] if record.position else reduced, result)


def _along(name: str, values: list[Element], options: list[Any], argument: str, result: str) -> list[Element]:
    """A function along a row of elements; absent ones stay absent."""
    record = ALONG[name]
    places = [place for place, value in enumerate(values) if value is not None]
    fill = cast(float((record.fill or "0").removeprefix('float("').removesuffix('")')), argument)
    whole = [fill if value is None else value for value in values]
    taken = whole if record.whole else [values[place] for place in places]
    row: list[Element] = [None] * len(values)
    if places:
        computed = record.numpy(np, _row(taken, argument), *options)
        for rank, place in enumerate(places):
            row[place] = cast(computed[place if record.whole else rank], result)
    return row


class _Evaluator:
    """Evaluates pieces over the arrays known so far."""

    def __init__(self, arrays: Mapping[str, Array], bindings: Mapping[Symbol, int]) -> None:
        self.arrays = arrays
        self.bindings = bindings
        self.known: dict[Expr, Evaluate] = {}

    def size(self, size: Size) -> int:
        return size.value(self.bindings)

    def assignments(self, indices: tuple[Index, ...], outer: Assignment) -> Iterator[Assignment]:
        """The outer assignment with every choice of values of the indices, the last one fastest."""
        for chosen in product(*(range(self.size(index.size)) for index in indices)):
            yield outer | {index.name: value for index, value in zip(indices, chosen, strict=True)}

    def define(self, definition: Definition, tensor: Tensor) -> Array:
        """The array of a definition: what falls on one element is joined by the aggregate; special pieces win."""
        shape = [self.size(size) for size in tensor.shape]
        explicit = definition.aggregate != "sum"
        empty = cast(REDUCTIONS[definition.aggregate].identity if explicit else 0, tensor.dtype)
        result: Array = np.full(shape, empty, dtype=_KINDS[tensor.dtype])
        for special in (False, True):
            found: dict[tuple[int, ...], list[Element]] = {}
            for piece in definition.pieces:
                if piece.special is special:
                    self.collect(piece, shape, found)
            argument = join(dtype(piece.value) for piece in definition.pieces)
            for place, values in found.items():
                result[place] = _reduce(definition.aggregate, values, argument, tensor.dtype)
        return result

    def collect(self, piece: Piece, shape: list[int], found: dict[tuple[int, ...], list[Element]]) -> None:
        """Every present value of a piece under the element that it falls on; elements outside the axes are dropped."""
        left = [self.function(position) for position in piece.left]
        value = self.function(piece.value)
        for at in self.assignments(piece.indices, {}):
            element = value(at)
            place = tuple(_number(position(at)) for position in left)
            if element is not None and all(0 <= p < n for p, n in zip(place, shape, strict=True)):
                found.setdefault(place, []).append(element)

    def function(self, node: Expr) -> Evaluate:
        """The node as a function that remembers its results."""
        if node not in self.known:
            compute = self.build(node)
            self.known[node] = compute if isinstance(node, Const | Position) else self.remember(node, compute)
        return self.known[node]

    def remember(self, node: Expr, compute: Evaluate) -> Evaluate:
        names = sorted(index.name for index in free_indices(node))
        memory: dict[tuple[int, ...], Element] = {}

        def remembered(at: Assignment) -> Element:
            key = tuple([at[name] for name in names])
            if key not in memory:
                memory[key] = compute(at)
            return memory[key]

        return remembered

    def build(self, node: Expr) -> Evaluate:
        match node:
            case Const(value=value):
                constant = self.size(value) if isinstance(value, Size) else value
                return lambda at: constant
            case Position(index=index):
                return lambda at: at[index.name]
            case Read():
                return self.read(node)
            case Apply():
                return self.apply(node)
            case Contract():
                return self.contract(node)
            case Reduce(op=op, indices=indices, arg=arg):
                of, argument, result = self.function(arg), dtype(arg), dtype(node)
                return lambda at: _reduce(op, [of(inner) for inner in self.assignments(indices, at)], argument, result)
            case AlongIndex():
                return self.along(node)
            case Where(condition=condition, arg=arg):
                holds, of = self.function(condition), self.function(arg)
                return lambda at: of(at) if holds(at) else None

    def read(self, node: Read) -> Evaluate:
        """The element at the positions; 0 outside the axes."""
        at_axes = [self.function(position) for position in node.at]
        shape = [self.size(size) for size in node.shape]
        structured = STRUCTURED.get(node.tensor)
        array = np.empty(shape) if structured else self.arrays[node.tensor]
        assert list(array.shape) == shape, f"{node.tensor} is {array.shape}, read as {shape}"

        def element(at: Assignment) -> Element:
            place = tuple([_number(position(at)) for position in at_axes])
            if not all(0 <= p < n for p, n in zip(place, shape, strict=True)):
                return cast(0, node.dtype)
            found = structured.numpy(np, place, tuple(shape)) if structured else array.item(place)
            return cast(found, node.dtype)

        return element

    def apply(self, node: Apply) -> Evaluate:
        """A sum is present where any term is; f(e) where e is if f(0) = 0, and everywhere otherwise."""
        record, result, args = POINTWISE[node.op], dtype(node), [self.function(arg) for arg in node.args]
        zero = keeps_zero(node)

        def element(at: Assignment) -> Element:
            found = [arg(at) for arg in args]
            if all(value is None for value in found) if node.op == "add" else zero and found[0] is None:
                return None
            return cast(record.numpy(np, *(_number(value) for value in found)), result)

        return element

    def contract(self, node: Contract) -> Evaluate:
        """A product is present where all factors are; a sum of products always is, and takes the present ones."""
        assert node.semiring == "sum", f"unknown semiring {node.semiring}"
        factors, result = [self.function(factor) for factor in node.factors], dtype(node)

        def multiplied(at: Assignment) -> Any:
            found = [factor(at) for factor in factors]
            return None if any(value is None for value in found) else prod(found)

        def element(at: Assignment) -> Element:
            if not node.summed:
                alone = multiplied(at)
                return None if alone is None else cast(alone, result)
            terms = [multiplied(inner) for inner in self.assignments(node.summed, at)]
            return cast(sum(term for term in terms if term is not None), result)

        return element

    def along(self, node: AlongIndex) -> Evaluate:
        """The whole row is computed at once and kept for the other positions on it."""
        of, options = self.function(node.arg), [self.function(option) for option in node.options]
        others = sorted(index.name for index in free_indices(node) if index != node.index)
        rows: dict[tuple[int, ...], list[Element]] = {}

        def element(at: Assignment) -> Element:
            key = tuple([at[name] for name in others])
            if key not in rows:
                values = [of(inner) for inner in self.assignments((node.index,), at)]
                given = [option(at) for option in options]
                rows[key] = _along(node.op, values, given, dtype(node.arg), dtype(node))
            return rows[key][at[node.index.name]]

        return element
