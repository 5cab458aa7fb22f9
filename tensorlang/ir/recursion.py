"""Tensors that read themselves: what the analysis finds (``Scan``, ``Fixpoint``), and what runs it (``Recursion``).

``Scan`` and ``Fixpoint`` say what is meant, over whole tensors. ``passes/recursions.py`` turns each into a
``Recursion``: a ``Loop`` over positions, an ``Iteration`` until nothing changes (the body of both is a Program of its
own, which computes one step and goes through the same passes), a ``LinearScan`` of all positions at once.

All have ``members``, the tensors that they compute, and ``reads``, the tensors outside that they read.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.domain import Size
from tensorlang.ir.program import Definition, Program, definition_reads
from tensorlang.records import dataclass, field
from tensorlang.source import Span


@dataclass(frozen=True, slots=True)
class Manner:
    """How a ``scan`` declaration asks for a recurrence to be run.

    ``method``: ``auto`` (a linear recurrence as a parallel scan, any other as a loop), ``loop``, or ``parallel``
    (Newton's method over all positions at once, to ``tolerance`` in at most ``most`` rounds). ``checkpoint``: the
    gradient stores one position in so many and computes the others again; 0 stores all.
    """

    method: str = "auto"
    tolerance: float = 1e-6
    most: int = 100
    checkpoint: int = 0


@dataclass(frozen=True, slots=True)
class Resting:
    """Tensors of a scan that at each position are a fixed point: in the order of one step, and how it is found.

    Their definitions are those of the scan.
    """

    tensors: tuple[str, ...]
    fixpoint: Fixpoint


@dataclass(frozen=True, slots=True)
class Scan:
    """Tensors that read each other's earlier positions, computed position by position along one axis of each.

    ``axes`` pairs each tensor with its axis; ``definitions`` stand in the order of one step: a read at the same
    position is of an earlier one. On that axis the entry of a left side is ``t + c`` or a constant, that of a read
    ``t + d``. ``inner`` are those of the tensors that read each other at the same position in a circle: within one
    position they are a scan along a further axis (their definitions stand in ``definitions`` too, side by side).
    ``resting`` are those that at one position are a fixed point. ``kept`` are tensors of which the program asks for the
    memory of a few positions only (``*t``). ``before`` are (tensor, tensor that holds it): what the recurrence starts
    from, one position before its first, where that is not 0. ``late`` are (tensor, steps): step n computes its position
    n - steps; all others stand in step n at position n.
    """

    axes: tuple[tuple[str, int], ...]
    definitions: tuple[Definition, ...]
    steps: Size
    reverse: bool
    inner: tuple[Scan, ...] = ()
    resting: tuple[Resting, ...] = ()
    manner: Manner = field(default_factory=Manner)
    kept: frozenset[str] = frozenset()
    before: tuple[tuple[str, str], ...] = ()
    late: tuple[tuple[str, int], ...] = ()

    def axis(self, tensor: str) -> int | None:
        return next((axis for name, axis in self.axes if name == tensor), None)

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.axes)

    @property
    def reads(self) -> frozenset[str]:
        starts = frozenset(name for _, name in self.before)
        return starts.union(*map(definition_reads, self.definitions)).difference(self.members)


@dataclass(frozen=True, slots=True)
class Fixpoint:
    """Tensors that read each other in a circle, computed over and over until none changes.

    They start from 0, or where ``monotone`` from the identity of their aggregates; a step computes ``definitions`` in
    order, each from what is newest. ``monotone``: aggregates (min max any all) that only ever improve, so the end is
    reached exactly. Otherwise real values: the end is where no element changes by more than ``tolerance`` (times the
    largest, where that is above 1). One that is not reached in ``most`` steps is an error, or (``lenient``) a warning.
    ``method``: ``anderson`` or ``plain``. ``reports`` are scalars that say how it went, as (tensor, what): the number
    of ``steps``, and the ``residual``, the largest change in the last one. ``inner`` are recurrences that each step
    goes through from their beginning; their definitions stand in ``definitions``.
    """

    definitions: tuple[Definition, ...]
    monotone: bool
    tolerance: float
    most: int
    lenient: bool
    method: str
    span: Span = field(compare=False, repr=False)
    reports: tuple[tuple[str, str], ...] = ()
    inner: tuple[Scan, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        return (*(definition.tensor for definition in self.definitions), *(name for name, _ in self.reports))

    @property
    def reads(self) -> frozenset[str]:
        return frozenset().union(*map(definition_reads, self.definitions)).difference(self.members)

    @property
    def state(self) -> tuple[str, ...]:
        """The members that are read before a step has computed them: what goes from one step to the next."""
        together = {name: scan.members for scan in self.inner for name in scan.members}
        found = []
        for at, definition in enumerate(self.definitions):
            inside = together.get(definition.tensor, ())
            readers = (other for other in self.definitions[: at + 1] if other.tensor not in inside)
            if any(definition.tensor in definition_reads(other) for other in readers):
                found.append(definition.tensor)
        return tuple(found)


# --- ready to run ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Feed:
    """What one input of a body is at position p.

    ``lag``: ``tensor`` of the recursion, ``offset`` positions (or steps) before; ``window``: its last ``offset``
    positions, the newest first; ``slice``: ``tensor`` at ``p + offset`` of its ``axis`` (0 outside); ``whole``:
    ``tensor`` as it is; ``step``: p itself.
    """

    name: str
    kind: str
    tensor: str = ""
    axis: int = 0
    offset: Size = field(default_factory=lambda: Size.of(0))


@dataclass(frozen=True, slots=True)
class Single:
    """The one position of a recurrence's ``tensor`` that is read from outside; ``name`` is the tensor that holds it."""

    tensor: str
    position: Size
    name: str


@dataclass(frozen=True, slots=True)
class Opening:
    """One of the first positions of a loop, where other equations hold than behind them."""

    body: Program
    feeds: tuple[Feed, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """All positions of ``tensor`` at once from a guess of them all: ``body`` reads the guess as the input ``guess``.

    A position depends on the guess ``lag`` positions before it (behind it where negative), and there on all elements
    along the axes ``rows`` and on its own place along all others.
    """

    body: Program
    tensor: str
    guess: str
    axis: int
    rows: tuple[int, ...]
    lag: int

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(tensor.name for tensor in self.body.of_kind("input")) - {self.guess}


@dataclass(frozen=True, slots=True)
class Loop:
    """A scan made ready to run: ``body`` computes one position of each tensor from ``feeds``.

    Positions are counted in the order in which they are computed. Those before ``start`` are those of ``first``
    (tensor, position, tensor that holds it), or 0; or, where there are ``openings``, each has a body of its own.
    ``sliced`` are the sizes of the axes that are sliced, by feed; ``lengths`` those of the axes of the recurrence, by
    tensor. Bodies give the tensors of the recurrence that are read at other positions or outside. Stored as a whole is
    what is neither one of ``singles``, of which one position is handed out, nor ``unread`` from outside. ``whole``: all
    positions are found at once by Newton's method, the loop is run where that does not settle.
    """

    scan: Scan
    body: Program
    feeds: tuple[Feed, ...]
    start: int
    first: tuple[tuple[str, int, str], ...]
    sliced: Mapping[str, Size]
    lengths: Mapping[str, Size]
    openings: tuple[Opening, ...] = ()
    singles: tuple[Single, ...] = ()
    unread: frozenset[str] = frozenset()
    whole: Whole | None = None

    @property
    def members(self) -> tuple[str, ...]:
        return (*self.scan.members, *(single.name for single in self.singles))

    @property
    def stored(self) -> tuple[str, ...]:
        """The tensors that are handed out as a whole."""
        apart = {single.tensor for single in self.singles} | self.unread
        return tuple(name for name in self.computed if name not in apart)

    @property
    def computed(self) -> tuple[str, ...]:
        """The tensors that a step gives."""
        return self.body.outputs

    @property
    def bodies(self) -> tuple[tuple[Program, tuple[Feed, ...]], ...]:
        """What is computed at each of the first positions, then at all others."""
        return (*((opening.body, opening.feeds) for opening in self.openings), (self.body, self.feeds))

    @property
    def given(self) -> tuple[Feed, ...]:
        """The tensors outside that are fed, whole or sliced, each once."""
        found = {feed.name: feed for _, feeds in self.bodies for feed in feeds if feed.kind in ("slice", "whole")}
        return tuple(found.values())

    @property
    def windows(self) -> dict[str, Size]:
        """How many of its last positions are kept together, of each tensor that is read at several of them at once."""
        return {feed.tensor: feed.offset for _, feeds in self.bodies for feed in feeds if feed.kind == "window"}

    @property
    def fed(self) -> tuple[str, ...]:
        """The tensors outside that the bodies read."""
        return tuple(dict.fromkeys(feed.tensor for feed in self.given))

    @property
    def reads(self) -> frozenset[str]:
        whole = () if self.whole is None else self.whole.reads
        starts = (name for _, name in self.scan.before)
        return frozenset((*self.fed, *(name for _, _, name in self.first), *starts, *whole))

    @property
    def unequal(self) -> tuple[str, ...]:
        """The tensors whose length is known only when it runs: shorter than the recurrence by no fixed number."""
        return tuple(name for name, size in self.lengths.items() if (size - self.scan.steps).constant is None)


@dataclass(frozen=True, slots=True)
class Iteration:
    """A fixpoint made ready to run: ``body`` computes the ``state`` from what it was before and from what is outside.

    ``feeds`` are of the kinds ``lag`` (a tensor of the state, one step before) and ``whole``. ``starts`` are the values
    that the state begins with, by tensor. The members that are no state are definitions outside, which read it.
    ``paths``: where values are sums along paths, the axes of each tensor of the state along which they go: a change
    after more steps than there are elements along these proves that values improve without end.
    """

    fixpoint: Fixpoint
    body: Program
    feeds: tuple[Feed, ...]
    starts: Mapping[str, float]
    paths: tuple[tuple[int, ...], ...] | None = None

    @property
    def state(self) -> tuple[str, ...]:
        return tuple(self.starts)

    @property
    def members(self) -> tuple[str, ...]:
        return (*self.state, *(name for name, _ in self.fixpoint.reports))

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(feed.tensor for feed in self.feeds if feed.kind == "whole")


@dataclass(frozen=True, slots=True)
class LinearScan:
    """A scan that is computed at all positions at once: H[t] = A[t] (*) H[t-lag] (+) B[t] for a ``tensor`` H.

    ``kind`` is what joins terms: ``sum`` (coefficients multiply), ``max``, ``min``, ``logsumexp`` (they add up).
    A matrix acts on the axes ``rows``, elsewhere coefficients act place by place. ``coefficient`` names A (None: 1
    everywhere); ``layout`` says for each of its axes which axis of H it is, ``~row`` for the columns of a row.
    Outside its axis H is 0; ``fresh``: the first position is B alone.
    """

    scan: Scan
    tensor: str
    axis: int
    kind: str
    lag: int
    rows: tuple[int, ...]
    fresh: bool
    coefficient: str | None
    layout: tuple[int, ...]
    term: str

    @property
    def members(self) -> tuple[str, ...]:
        return (self.tensor,)

    @property
    def reads(self) -> frozenset[str]:
        return frozenset((self.term,) if self.coefficient is None else (self.coefficient, self.term))


@dataclass(frozen=True, slots=True)
class Layer:
    """A scan that is a layer of the library: one kernel computes ``tensor`` at all positions.

    ``kind`` is lstm, gru, rnn_tanh or rnn_relu, ``unit`` the axis of units. ``operands`` name what the kernel takes:
    the input [t, ..., i], the weights of the input [g, h, i] and of the state [g, h, h'], the offsets [g, h], of a gru
    those of the state too; g over the gates, or a tensor for each of them.
    """

    scan: Scan
    kind: str
    tensor: str
    unit: int
    operands: tuple[tuple[str, ...], ...]

    @property
    def members(self) -> tuple[str, ...]:
        return self.scan.members

    @property
    def reads(self) -> frozenset[str]:
        return frozenset(name for names in self.operands for name in names)


Recursion = Loop | Iteration | LinearScan | Layer
