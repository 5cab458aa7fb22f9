"""A Program: what a source text means, before anything is decided about how to compute it.

Definitions stand in an order in which each reads only earlier ones. Tensors that read themselves, or each other in a
circle, are statements of their own (``ir/recursion.py``): scans and fixpoints, which a pass turns into what runs them.
Actions (queries, training, files) stand in the order of the text and name the tensors that they need.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tensorlang.ir.domain import Size, Symbol
from tensorlang.ir.nodes import Expr, Index
from tensorlang.records import dataclass, field, replace
from tensorlang.source import Span

if TYPE_CHECKING:
    from tensorlang.ir.pairs import Pairs, Recipe, Stored
    from tensorlang.ir.recursion import Fixpoint, Recursion, Scan
    from tensorlang.ir.rules import Rulebook, Table


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a tensor: the index name it was given (a label), its size, and the domain of its entities, if any."""

    label: str
    size: Size
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Init:
    """An initialiser of ``ops/initializers.py`` with its numbers: ``normal(0, 0.02)``."""

    name: str
    arguments: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRef:
    """``load("digits.npz", "X")[0:1500]``: a file below the program's folder, one array of it, a range of rows."""

    path: str
    key: str | None
    rows: tuple[int | None, int | None] | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named tensor. ``kind`` is input, param, buffer, data, relation (given, dense), mode (whether this is training:
    see ``ir/mode.py``) or defined.

    ``dtype`` is bool, int, float (the program's default), float64, bf16 or complex. ``positions`` is set for an integer
    tensor that holds positions of a domain (``in v``): its values are checked to lie in ``0 .. positions-1``.
    ``literal`` holds the elements, row by row, of a data tensor that is written in the program (``W = [0.2, 1.9]``).
    """

    name: str
    kind: str
    axes: tuple[Axis, ...]
    dtype: str
    span: Span = field(compare=False, repr=False)
    init: Init | None = None
    file: FileRef | None = None
    positions: Size | None = None
    literal: tuple[bool | int | float, ...] | None = None

    @property
    def shape(self) -> tuple[Size, ...]:
        return tuple(axis.size for axis in self.axes)


@dataclass(frozen=True, slots=True)
class Piece:
    """One equation of a definition: for all values of its indices, ``tensor[left] op= value``.

    ``left`` holds one integer-valued expression an axis; positions outside the axis are dropped. The indices of the
    piece are the free indices of ``left`` (in order ``indices``); ``value`` has no other free index. Where ``value`` is
    absent (a guard), the piece defines nothing. ``special`` pieces (constants, repeated indices) win over general ones.
    """

    left: tuple[Expr, ...]
    indices: tuple[Index, ...]
    value: Expr
    special: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Definition:
    """All equations of one tensor.

    ``aggregate`` (sum max min mean prod any all logsumexp) joins what falls on one element.

    Elements that no piece defines are 0 (false), or the aggregate's identity where the tensor is written by an
    explicit aggregate other than a sum.
    """

    tensor: str
    aggregate: str
    pieces: tuple[Piece, ...]

    @property
    def direct(self) -> bool:
        """One piece whose left side is just distinct indices over the whole axes."""
        from tensorlang.ir.nodes import Position

        if len(self.pieces) != 1:
            return False
        left = self.pieces[0].left
        return all(isinstance(e, Position) for e in left) and len(set(left)) == len(left)


@dataclass(frozen=True, slots=True)
class Update:
    """``buffer`` becomes ``value`` after a step of training.

    One that stands in a module belongs to an application of it, whose results are ``of``: it is due in the steps that
    compute one of them. One of the program itself (no ``of``) is due in every step.
    """

    buffer: str
    value: str
    of: tuple[str, ...] = ()


# --- actions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueryAction:
    """Print a tensor; ``title`` is the query as it was written."""

    tensor: str
    title: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AskAction:
    """Print the bindings for which a goal holds: the rows of the relation ``goal`` of the rulebook (``?1``).

    ``variables`` name its places; without any it holds or does not. ``numbers`` is the relation of numbers whose rows
    are asked for, each with its number.
    """

    goal: str
    variables: tuple[str, ...]
    title: str
    span: Span = field(compare=False, repr=False)
    numbers: str | None = None


@dataclass(frozen=True, slots=True)
class WhyAction:
    """Print a proof of the goal's one fact."""

    goal: str
    title: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MinimizeAction:
    """Train: ``over`` names parameters (empty: all that the loss depends on). ``batch`` is (symbol, rows) or None.

    ``options`` are the settings of the method (``lr``, ``beta1``...), ``schedule`` those of the run (``epochs``...).
    """

    loss: str
    method: str
    options: Mapping[str, float]
    schedule: Mapping[str, float]
    over: tuple[str, ...]
    batch: tuple[Symbol, int] | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PlotAction:
    """Plot a tensor of one or two axes, or (``curve``) the training curve of a loss."""

    tensor: str
    title: str
    path: str
    curve: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SaveAction:
    """Save tensors (or, where ``params``, all parameters and buffers) to a file below the program's folder."""

    tensors: tuple[str, ...]
    params: bool
    path: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LoadAction:
    """Load parameters: all, or those named."""

    params: tuple[str, ...]
    path: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AssertAction:
    """``tensor`` is a boolean; all of its elements must hold. ``parts`` are its two sides where it is a comparison."""

    tensor: str
    title: str
    parts: tuple[str, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TestAction:
    name: str
    actions: tuple[Action, ...]
    span: Span = field(compare=False, repr=False)


Action = (
    QueryAction
    | AskAction
    | WhyAction
    | MinimizeAction
    | PlotAction
    | SaveAction
    | LoadAction
    | AssertAction
    | TestAction
)


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is true: rules, the rows that are given, and the entities of each domain in the order of their positions."""

    rulebook: Rulebook
    given: Mapping[str, Table]
    entities: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Program:
    """``sizes`` holds the symbols that are bound already (by declared files or by the caller).

    ``equalities`` are pairs of sizes that must agree once symbols are bound, with the place that demands it.
    ``updates`` say what a step of training writes to buffers. ``scans`` and ``fixpoints`` are as the analysis found
    them; ``make_recursions`` turns both into ``recursions``, which say how they run. ``inlined`` are definitions that
    stand in their readers' place by now, with their tensors: passes change them alike, so that a part that comes
    through gets its name back. ``facts`` are the relations that facts, files and rules define, if any. ``pairs`` are
    the sets of pairs that tensors are held on, ``stored`` the tensors that are (``ir/pairs.py``), ``recipes`` how
    tensors of the kind ``pairs`` are made of others before a call; ``pairs_out``: outputs that are held on pairs are
    handed out so.
    """

    tensors: Mapping[str, Tensor]
    definitions: tuple[Definition, ...]
    outputs: tuple[str, ...]
    actions: tuple[Action, ...] = ()
    dims: Mapping[str, Size] = field(default_factory=dict)
    sizes: Mapping[Symbol, int] = field(default_factory=dict)
    updates: tuple[Update, ...] = ()
    equalities: tuple[tuple[Size, Size, Span], ...] = ()
    scans: tuple[Scan, ...] = ()
    fixpoints: tuple[Fixpoint, ...] = ()
    recursions: tuple[Recursion, ...] = ()
    inlined: tuple[tuple[Tensor, Definition], ...] = ()
    facts: Facts | None = None
    pairs: Mapping[str, Pairs] = field(default_factory=dict)
    stored: Mapping[str, Stored] = field(default_factory=dict)
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    pairs_out: bool = False

    def of_kind(self, *kinds: str) -> tuple[Tensor, ...]:
        return tuple(tensor for tensor in self.tensors.values() if tensor.kind in kinds)

    def definition(self, name: str) -> Definition | None:
        return next((d for d in self.definitions if d.tensor == name), None)

    @property
    def cyclic(self) -> tuple[Scan | Fixpoint | Recursion, ...]:
        """All statements that compute several tensors together, or one from itself."""
        return (*self.scans, *self.fixpoints, *self.recursions)

    def recursion_reads(self, name: str) -> frozenset[str]:
        """What the recursion of a tensor reads from outside; nothing for a tensor without one."""
        return next((unit.reads for unit in self.cyclic if name in unit.members), frozenset())

    def restricted(self, outputs: tuple[str, ...]) -> Program:
        """The part of the program that computes ``outputs``: dead definitions dropped, no actions."""
        reads = {definition.tensor: definition_reads(definition) for definition in self.definitions}
        needed: set[str] = set()
        waiting = list(outputs)
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += reads.get(name) or self.recursion_reads(name)
        kept = tuple(definition for definition in self.definitions if definition.tensor in needed)
        scans = tuple(unit for unit in self.scans if needed.intersection(unit.members))
        fixpoints = tuple(unit for unit in self.fixpoints if needed.intersection(unit.members))
        recursions = tuple(unit for unit in self.recursions if needed.intersection(unit.members))
        needed |= {name for unit in (*scans, *fixpoints, *recursions) for name in unit.members}
        needed |= {tensor.name for tensor in self.of_kind("pairs")}
        tensors = {name: tensor for name, tensor in self.tensors.items() if name in needed}
        return replace(
            self,
            tensors=tensors,
            definitions=kept,
            outputs=outputs,
            actions=(),
            updates=(),
            scans=scans,
            fixpoints=fixpoints,
            recursions=recursions,
        )


def definition_reads(definition: Definition) -> frozenset[str]:
    """The tensors that a definition reads, in its values and in the entries of its left sides."""
    from tensorlang.ir.nodes import tensors_read

    found: frozenset[str] = frozenset()
    for piece in definition.pieces:
        found |= tensors_read(piece.value).union(*(tensors_read(entry) for entry in piece.left))
    return found
