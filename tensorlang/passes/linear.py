"""Recurrences that are linear in their own earlier positions: all positions at once instead of a loop.

In: a Scan. Out: a ``LinearScan`` H[t] = A[t] (*) H[t-k] (+) B[t], and the definitions of A and B (``H.a`` and ``H.b``),
which read nothing of the recurrence and so are computed for all positions like any others; None where it is not of this
form. One tensor carries the state: others of the recurrence are put into its equation, and defined from it outside.
"""

from __future__ import annotations

from math import prod

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import (
    Apply,
    Const,
    Expr,
    Index,
    Position,
    Read,
    Reduce,
    Where,
    affine,
    conjunction,
    contract,
    free_indices,
    number,
    substitute,
    tensors_read,
)
from tensorlang.ir.program import Axis, Definition, Piece, Tensor
from tensorlang.ir.recursion import LinearScan, Scan
from tensorlang.ir.rewrite import fresh_name, indices_inside
from tensorlang.passes.contexts import unused
from tensorlang.passes.linear_state import State, states
from tensorlang.passes.linear_terms import Term, Terms, split_best, split_sum
from tensorlang.passes.scopes import below, settled
from tensorlang.records import dataclass, field, replace

_BEST = {"max": float("-inf"), "min": float("inf"), "logsumexp": float("-inf")}
_TYPES = {
    "sum": ("int", "bf16", "float", "float64", "complex"),
    "max": ("int", "bf16", "float", "float64"),
    "min": ("int", "bf16", "float", "float64"),
    "logsumexp": ("bf16", "float", "float64"),
}
# Rows of a matrix that may be made anew for each position; what is more costs less in a loop.
_LARGEST = {"sum": 32, "max": 8, "min": 8, "logsumexp": 8}


def make_linear(
    scan: Scan, tensors: dict[str, Tensor], single: frozenset[str]
) -> tuple[LinearScan, list[Definition]] | None:
    """The linear form of a scan, and the definitions of its parts; ``tensors`` gains theirs.

    Of tensors in ``single`` only one position is read: they are not made linear where that would take much more memory.
    """
    if scan.manner.method == "loop" or scan.manner.checkpoint or scan.inner or scan.resting or scan.kept:
        return None
    for state in states(scan):
        for kind in _kinds(state.definition):
            form = _Form(scan, state, kind, tensors[state.definition.tensor])
            if form.understood() and not (state.definition.tensor in single and form.spreads()):
                made = form.definitions(tensors)
                for other in state.others:
                    tensors[other.tensor] = replace(tensors[other.tensor], kind="defined")
                return form.scan_of(made), [*(d for d in made if d is not None), *state.others]
    return None


def _kinds(definition: Definition) -> tuple[str, ...]:
    if definition.aggregate == "sum":
        return ("sum", "max", "min", "logsumexp")
    return (definition.aggregate,) if definition.aggregate in _BEST else ()


def _grows(node: Expr) -> bool:
    """Whether an expression has many more elements than any tensor that it reads."""
    seen: set[Expr] = set()
    reads = [_elements(part) for part in below(node, seen) if isinstance(part, Read)]
    return _elements(node) > 8 * max(reads, default=1)


def _elements(node: Expr) -> int:
    return prod(index.size.estimate({}) for index in free_indices(node))


@dataclass(frozen=True, slots=True)
class _Part:
    """An equation whose terms are known. ``index`` and ``offset`` are its position on the axis of the recurrence."""

    piece: Piece
    terms: tuple[Term, ...]
    rest: Expr | None
    index: Index
    offset: int


@dataclass(slots=True, eq=False)
class _Form:
    """One way to see a tensor as a linear recurrence, joined by ``kind``; ``understood`` fills it or says no."""

    scan: Scan
    state: State
    kind: str
    tensor: Tensor
    parts: list[_Part] = field(default_factory=list)
    free: list[Piece] = field(default_factory=list)
    fixed: list[Piece] = field(default_factory=list)
    rows: tuple[int, ...] = ()
    lag: int = 0
    fresh: bool = False

    @property
    def axis(self) -> int:
        return self.state.axis

    def understood(self) -> bool:
        """Whether all equations are of the form."""
        if self.tensor.dtype not in _TYPES[self.kind]:
            return False
        if not all(self._sorted(piece) for piece in self.state.definition.pieces) or not self.parts:
            return False
        general = [piece for piece in self.free if not piece.special]
        if self.kind != self.state.definition.aggregate and (len(self.parts) > 1 or general):
            return False
        found = {row for part in self.parts for term in part.terms for row in self._contracted(part, term)}
        self.rows = tuple(sorted(found))
        return self._steps_alike() and self._identity_stays_out() and self._small()

    def _sorted(self, piece: Piece) -> bool:
        """Put an equation where it belongs; False where it fits nowhere."""
        form = affine(piece.left[self.axis])
        if form is None:
            return False
        if not tensors_read(piece.value) & {self.tensor.name}:
            if piece.special and presence(piece.value) is not None:
                return False
            whole = self._whole(piece)
            if not form.coefficients:
                self.fixed.append(replace(piece, special=True))
                return whole
            self.free.append(piece)
            return True
        if piece.special or form.offset.constant is None or len(form.coefficients) != 1 or not self._whole(piece):
            return False
        ((index, coefficient),) = form.coefficients
        split = self._split(piece)
        if coefficient != 1 or split is None or not split.terms:
            return False
        part = _Part(piece, split.terms, split.rest, index, form.offset.constant)
        self.parts.append(part)
        return all(self._readable(part, term) for term in split.terms)

    def _whole(self, piece: Piece) -> bool:
        """Whether the left side is distinct indices over the whole of all axes but that of the recurrence."""
        rest = [(entry, size) for at, (entry, size) in enumerate(zip(piece.left, self.tensor.shape, strict=True))
                if at != self.axis]  # fmt: skip
        indices = [entry.index for entry, size in rest if isinstance(entry, Position) and entry.index.size == size]
        moving = free_indices(piece.left[self.axis])
        return len(set(indices)) == len(rest) and not moving & set(indices)

    def _split(self, piece: Piece) -> Terms | None:
        members = frozenset((self.tensor.name,))
        if self.kind == "sum":
            return split_sum(piece.value, members)
        if self.kind != self.state.definition.aggregate and presence(piece.value) is not None:
            return None
        return split_best(piece.value, members, self.kind)

    def _readable(self, part: _Part, term: Term) -> bool:
        """Whether a read is so many positions before, and on each other axis at the same place or at all places."""
        form = affine(term.read.at[self.axis])
        if form is None or form.coefficients != ((part.index, 1),) or form.offset.constant is None:
            return False
        lag = part.offset - form.offset.constant
        lag = -lag if self.scan.reverse else lag
        if lag < 1 or self.lag not in (0, lag):
            return False
        self.lag = lag
        seen: set[Index] = set()
        for at, (entry, own) in enumerate(zip(term.read.at, part.piece.left, strict=True)):
            if at == self.axis or entry is own:
                continue
            if not isinstance(entry, Position) or entry.index not in term.bound or entry.index in seen:
                return False
            if entry.index.size != self.tensor.shape[at]:
                return False
            seen.add(entry.index)
        return True

    def _contracted(self, part: _Part, term: Term) -> list[int]:
        pairs = enumerate(zip(term.read.at, part.piece.left, strict=True))
        return [at for at, (entry, own) in pairs if at != self.axis and entry is not own]

    # --- which positions are said by what ---

    def _steps_alike(self) -> bool:
        """Several steps back at once are for sums alone; note whether the first position is given by itself."""
        first = {p for p in map(self._position, self.fixed) if p is not None}
        given = Size.of(0) in first if not self.scan.reverse else self.tensor.shape[self.axis] - 1 in first
        late = not self.scan.reverse and all(part.offset >= 1 for part in self.parts)
        self.fresh = self.kind != "sum" and (given or late)
        return self.lag == 1 or self.kind == "sum"

    def _position(self, piece: Piece) -> Size | None:
        form = affine(piece.left[self.axis])
        return None if form is None else form.offset

    def _outside(self, piece: Piece) -> bool:
        """Whether a fixed position is one whose state before is outside: its coefficients do not matter."""
        position = self._position(piece)
        if position is None:
            return False
        back = (self.tensor.shape[self.axis] - 1 - position) if self.scan.reverse else position
        place = back.constant
        return place is not None and place < self.lag and (self.kind == "sum" or self.fresh)

    def _blanks(self) -> list[Piece]:
        """Special equations whose elements have no coefficient."""
        inner = [piece for piece in self.free if piece.special]
        return inner + [piece for piece in self.fixed if not self._outside(piece)]

    def _covered(self) -> bool:
        """Whether each position has coefficients, but for those that start from nothing."""
        size = self.tensor.shape[self.axis]
        for part in self.parts:
            above = (size - part.index.size - part.offset).constant
            low, high = (above, part.offset) if self.scan.reverse else (part.offset, above)
            if low is None or high is None or high > 0:
                return False
            if low > 0 and not (low <= self.lag and (self.kind == "sum" or self.fresh)):
                return False
        return True

    def _identity_stays_out(self) -> bool:
        """Integers have no infinity: each position and each element must have a coefficient and a term of its own."""
        if self.tensor.dtype != "int" or self.kind == "sum":
            return True
        guarded = any(term.condition is not None for part in self.parts for term in part.terms)
        joined = len(self.parts) > 1 or any(part.rest is None for part in self.parts)
        return not (guarded or joined or self._mixed() or self._blanks()) and self._covered()

    def _small(self) -> bool:
        """Whether matrices are small, or not made anew for each position."""
        if not self.rows or not self._moves():
            return True
        count = Size.of(1)
        for row in self.rows:
            count = count * self.tensor.shape[row]
        if count.constant is not None and count.constant <= _LARGEST[self.kind]:
            return True
        made = any(term.coefficient is None or _grows(term.coefficient) for part in self.parts for term in part.terms)
        return not made and not self._mixed() and not self._blanks()

    def _mixed(self) -> bool:
        """Whether some terms act place by place on an axis where others do not."""
        return any(len(self._contracted(part, term)) < len(self.rows) for part in self.parts for term in part.terms)

    def spreads(self) -> bool:
        """Whether terms or coefficients of all positions are much larger than all that they are made of."""
        for part in self.parts:
            nodes = [part.rest, *(term.coefficient for term in part.terms)]
            if any(node is not None and _grows(node) for node in nodes):
                return True
        return False

    def _moves(self) -> bool:
        """Whether the coefficients differ from position to position."""
        alike = len(self.parts) == 1 and not self._blanks() and self._covered()
        return not alike or self.parts[0].index in self._used(self.parts[0])

    def _used(self, part: _Part) -> frozenset[Index]:
        """The indices of an equation that its coefficients depend on."""
        found: frozenset[Index] = frozenset()
        for term in part.terms:
            for node in (term.coefficient, term.condition):
                found |= frozenset() if node is None else free_indices(node)
        return found & frozenset(part.piece.indices)

    # --- what is made ---

    def _axes(self) -> tuple[int, ...]:
        """The axes of the state that the coefficients have; the columns of matrices come behind them."""
        everything = tuple(range(len(self.tensor.axes)))
        if len(self.parts) > 1 or self._blanks() or not self._covered():
            return everything
        left, used = self.parts[0].piece.left, self._used(self.parts[0])
        return tuple(at for at in everything if at in self.rows or free_indices(left[at]) & used)

    def definitions(self, tensors: dict[str, Tensor]) -> tuple[Definition | None, Definition]:
        """The definitions of coefficients (None: they are all 1) and terms."""
        definition = self.state.definition
        rests = tuple(replace(part.piece, value=self._nothing() if part.rest is None else part.rest)
                      for part in self.parts)  # fmt: skip
        term = self._define("b", definition.aggregate, (*rests, *self.free, *self.fixed), self.tensor.axes, tensors)
        if self._is_plain_sum():
            return None, term
        axes = self._axes()
        columns = {id(part): self._columns(part) for part in self.parts}
        pieces = [piece for part in self.parts for piece in self._coefficients(part, axes, columns[id(part)])]
        pieces += [self._blank(piece, columns[id(self.parts[0])]) for piece in self._blanks()]
        labels = [self.tensor.axes[at] for at in axes]
        labels += [Axis(f"{self.tensor.axes[at].label}'", self.tensor.axes[at].size) for at in self.rows]
        return self._define("a", self.kind, tuple(pieces), tuple(labels), tensors), term

    def _is_plain_sum(self) -> bool:
        """Whether each state is the one before and a term: a running sum."""
        if self.kind != "sum" or self.rows or self.lag != 1 or self._axes() or len(self.parts[0].terms) != 1:
            return False
        (only,) = self.parts[0].terms
        one = only.coefficient is None or (isinstance(only.coefficient, Const) and only.coefficient.value == 1)
        return one and not only.bound

    def _define(
        self, stem: str, aggregate: str, pieces: tuple[Piece, ...], axes: tuple[Axis, ...], tensors: dict[str, Tensor]
    ) -> Definition:
        name = unused(tensors, f"{self.tensor.name}.{stem}")
        tensors[name] = Tensor(name, "defined", axes, self.tensor.dtype, self.tensor.span)
        return Definition(name, aggregate, tuple(settled(piece) for piece in pieces))

    def _nothing(self) -> Expr:
        if self.kind != "sum":
            return number(_BEST[self.kind])
        return number(0) if self.tensor.dtype == "int" else number(0.0)

    def _columns(self, part: _Part) -> dict[int, Index]:
        """An index for the columns of each axis on which matrices act."""
        nodes = [term.coefficient for term in part.terms] + [term.condition for term in part.terms]
        taken = {index.name for node in nodes if node is not None for index in indices_inside(node)}
        taken |= {index.name for index in part.piece.indices}
        columns = {}
        for row in self.rows:
            name = fresh_name(next(iter(free_indices(part.piece.left[row]))).name, taken)
            taken.add(name)
            columns[row] = Index(name, self.tensor.shape[row])
        return columns

    def _coefficients(self, part: _Part, axes: tuple[int, ...], columns: dict[int, Index]) -> list[Piece]:
        """The equations of the coefficients of one equation: one for sums, else one a term."""
        values = [self._coefficient(part, term, columns) for term in part.terms]
        if self.kind == "sum" and len(values) > 1:
            values = [Apply("add", tuple(values))]
        left = (*(part.piece.left[at] for at in axes), *(Position(index) for index in columns.values()))
        indices = tuple(index for entry in left for index in free_indices(entry))
        return [Piece(left, indices, value, False, part.piece.span) for value in values]

    def _coefficient(self, part: _Part, term: Term, columns: dict[int, Index]) -> Expr:
        """One coefficient over rows and columns; a term that acts on an axis place by place is a diagonal there."""
        renamed: dict[Index, Expr] = {}
        conditions = []
        for row, column in columns.items():
            entry, own = term.read.at[row], part.piece.left[row]
            if entry is own:
                conditions.append(Apply("eq", (own, Position(column))))
            elif isinstance(entry, Position):
                renamed[entry.index] = Position(column)
        one = number(1) if self.kind == "sum" else number(0)
        value = one if term.coefficient is None else term.coefficient
        own_condition = () if term.condition is None else (term.condition,)
        guard = conjunction((*own_condition, *conditions))
        value = substitute(value if guard is None else Where(guard, value), renamed)
        summed = tuple(index for index in term.bound if index not in renamed)
        if not summed:
            return value
        return contract(summed, (value,)) if self.kind == "sum" else Reduce(self.kind, summed, value)

    def _blank(self, piece: Piece, columns: dict[int, Index]) -> Piece:
        left = (*piece.left, *(Position(index) for index in columns.values()))
        return Piece(left, (*piece.indices, *columns.values()), self._nothing(), True, piece.span)

    def scan_of(self, made: tuple[Definition | None, Definition]) -> LinearScan:
        coefficient, term = made
        layout = (*self._axes(), *(~row for row in self.rows))
        return LinearScan(
            self.scan, self.tensor.name, self.axis, self.kind, self.lag, self.rows, self.fresh,
            None if coefficient is None else coefficient.tensor, layout, term.tensor,
        )  # fmt: skip
