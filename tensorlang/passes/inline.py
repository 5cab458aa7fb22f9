"""Intermediates read once are put where they are read, so that a contraction or a kernel may span several equations.

In goes a Program, out comes one in which a tensor that is only a name for an expression, and is read in one place over
its whole axes, has given its expression to that place, if it is worth more there: products inside products, what a
logarithm is of. Other equations stay, so that the source has a line for each. Nothing is computed twice.
Comparisons of positions (a mask, a Kronecker delta under a name) cost nothing and go wherever they are read; diagonal
matrices go into products, where they scale; what is read on a diagonal only is computed there only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Position,
    Read,
    Reduce,
    Where,
    cached,
    children,
    tensors_read,
    with_children,
)
from tensorlang.ir.program import Definition, Piece, Program
from tensorlang.ir.rewrite import indices_inside
from tensorlang.passes.contexts import needed, presence_matters_to, read_counts, where_presence_matters
from tensorlang.passes.definitions import Meaning, at_read, diagonal, meaning
from tensorlang.passes.fold import normal
from tensorlang.passes.order_semirings import joins
from tensorlang.passes.scopes import below, settled
from tensorlang.passes.sound import conjuncts
from tensorlang.records import dataclass, field, replace

# An expression grows by inlining up to this many nodes: longer ones are no use to a reader, and would make passes slow.
_NODES = 48
_RECALLED = 24
_SMALL = 4
# The diagonal of a matrix that is read more than once; equal copies are shared again later.
_SCALES = 12


@cached
def weight(node: Expr) -> int:
    """The number of nodes of an expression written out; indices by which a tensor is read do not count."""
    inner = (child for child in children(node) if not isinstance(child, Position))
    return 1 + sum(map(weight, inner))


@cached
def _of_positions(node: Expr) -> bool:
    """Whether an expression is made of positions, numbers and operators only."""
    return isinstance(node, Const | Position | Apply) and all(_of_positions(child) for child in children(node))


@dataclass(slots=True)
class Inliner:
    """``once`` and ``often``: what may be put where it is read. ``gone``: the tensors that nothing reads any more."""

    program: Program
    once: dict[str, Meaning] = field(default_factory=dict)
    often: dict[str, Meaning] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def piece(self, definition: Definition, piece: Piece) -> Piece:
        """An equation with the reads in it that have a meaning replaced by it."""
        known = {name: found for name in tensors_read(piece.value) if (found := self._meaning(name))}
        if not known:
            return piece
        taken = {index.name for index in indices_inside(piece.value).union(piece.indices)}
        size, values = weight(piece.value), dict[Expr, Expr]()
        around = _surroundings(piece.value, known.keys())
        for read in _outer_reads(piece.value, known.keys()):
            if not around[read] <= _places(known[read.tensor], read):
                continue
            value = at_read(known[read.tensor], read, self.program.tensors[read.tensor], taken)
            if value is None or size + weight(value) > _NODES:
                continue
            if presence(value) is None or self._absent_is_zero(definition, piece, read, value):
                values[read] = value
                size += weight(value)
                if read.tensor in self.once:
                    self.gone.add(read.tensor)
        if not values:
            return piece
        return settled(replace(piece, value=normal(_replaced(piece.value, values))))

    def _absent_is_zero(self, definition: Definition, piece: Piece, read: Read, value: Expr) -> bool:
        """Whether a value that may be absent can stand for a read, which is 0 there."""
        sensitive = where_presence_matters(piece.value, presence_matters_to(piece, definition))
        return read not in sensitive or _present_alike(read, value, piece.value)

    def _meaning(self, name: str) -> Meaning | None:
        return self.once.get(name) or self.often.get(name)


# Directly below a reduction, and below what it joins: a place of its own for each semiring.
_JOINING = {"max": "+*", "min": "+*", "logsumexp": "+", "any": "&"}
_SYMBOLS = {"add": "+", "and": "&"}
_PLACES = frozenset((*_JOINING, *(f"{op} {symbol}" for op, symbols in _JOINING.items() for symbol in symbols)))
_SURROUNDINGS = _PLACES.union(("product", "sum", "reduction", "log", "other"))


def _places(known: Meaning, read: Read) -> frozenset[str]:
    """Where a meaning is worth more than a read: that of a diagonal matrix in products, part of a diagonal anywhere."""
    if known.diagonal:
        return frozenset(("product",))
    return _SURROUNDINGS if len(set(read.at)) < len(read.at) else _welcome(known.value)


def _welcome(value: Expr) -> frozenset[str]:
    """Where an expression is worth more inside its reader than under a name of its own.

    A product inside a product can be put in another order, a sum of products takes a bias along, and a logarithm may be
    computed together with what it is of; the same in other semirings (``order_semirings.py``). Everything else stays an
    equation that a reader of the source finds again.
    """
    match value:
        case Const() | Position() | Read():
            return _SURROUNDINGS
        case Contract(summed=summed):
            joining = {place for place in _PLACES if summed or not place.endswith("+")}
            return frozenset(("product", "reduction", "log", *joining, *(("sum",) if summed else ())))
        case Apply(op=op):
            if _of_positions(value):
                return _SURROUNDINGS
            if op in _SYMBOLS and joins(value):
                return frozenset(("log", *(p for p in _PLACES if p in _joined_by(op) or p.endswith(_SYMBOLS[op]))))
            return frozenset(("product", "log")) if op in ("neg", "reciprocal") else frozenset(("log",))
        case Reduce(op=op, arg=arg) if op in _JOINING and joins(arg):
            return frozenset(("log", op, *(f"{op} {symbol}" for symbol in _JOINING[op])))
        case AlongIndex() | Reduce():
            return frozenset(("log",))
        case Where(arg=arg):
            return _welcome(arg)


def _joined_by(op: str) -> frozenset[str]:
    """The reductions that join by an operator."""
    return frozenset(name for name, symbols in _JOINING.items() if _SYMBOLS[op] in symbols)


def _surroundings(value: Expr, names: Collection[str]) -> dict[Expr, set[str]]:
    """What stands around each read of some tensors: conditions around it do not count."""
    found: dict[Expr, set[str]] = {}
    stack: list[tuple[Expr, str]] = [(value, "other")]
    seen: set[tuple[Expr, str]] = set()
    while stack:
        node, around = stack.pop()
        if (node, around) in seen:
            continue
        seen.add((node, around))
        match node:
            case Read(tensor=tensor) if tensor in names:
                found.setdefault(node, set()).add(around)
            case Where(condition=condition, arg=arg):
                stack += [(arg, around), (condition, "other")]
            case Const() | Position() | Read() | AlongIndex() | Apply() | Contract() | Reduce():
                stack += [(child, _around(node, around)) for child in children(node)]
    return found


def _around(node: Expr, outside: str) -> str:
    """What a node is to its children, given what stands around itself."""
    match node:
        case Contract(summed=summed):
            return "product" if summed or f"{outside} *" not in _PLACES else f"{outside} *"
        case Reduce(op=op):
            return op if op in _JOINING else "reduction"
        case Apply(op="add" | "and" as op) if f"{outside} {_SYMBOLS[op]}" in _PLACES:
            return f"{outside} {_SYMBOLS[op]}"
        case Apply(op="add"):
            return "sum"
        case Apply(op="log"):
            return "log"
        case Const() | Position() | Read() | AlongIndex() | Apply() | Where():
            return "other"


def _outer_reads(value: Expr, names: Collection[str]) -> Iterator[Read]:
    """The reads of some tensors, but for those at which other tensors are read."""
    seen: set[Expr] = set()
    stack = [value]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if not isinstance(node, Read):
            stack.extend(reversed(children(node)))
        elif node.tensor in names:
            yield node


def _present_alike(read: Read, value: Expr, around: Expr) -> bool:
    """Whether a value is present wherever its tensor, which always is, would have been taken as present."""
    needed_conditions = set(conjuncts(presence(value)))
    parents = [node for node in below(around, set()) if read in children(node)]
    return all(isinstance(p, Where) and needed_conditions <= set(conjuncts(p.condition)) for p in parents)


def _replaced(value: Expr, values: Mapping[Expr, Expr]) -> Expr:
    """The expression with reads replaced; positions inside reads stay as they are."""
    memo = dict(values)
    stack = [value]
    while stack:
        top = stack[-1]
        inner = () if isinstance(top, Read) else children(top)
        waiting = [child for child in inner if child not in memo]
        if waiting and top not in memo:
            stack.extend(waiting)
            continue
        stack.pop()
        if top not in memo:
            memo[top] = with_children(top, tuple(memo[child] for child in inner)) if inner else top
    return memo[value]


def _often(known: Meaning) -> bool:
    """Whether a meaning is next to nothing to compute anew for each reader."""
    return known.diagonal or _of_positions(known.value)


def _recalled(definition: Definition) -> bool:
    """Whether a definition that is read nowhere any more is worth keeping in mind for its name."""
    return all(weight(piece.value) <= _RECALLED for piece in definition.pieces)


def inline(program: Program) -> Program:
    """The program with single-use intermediates inside their readers."""
    counts, kept, inliner = read_counts(program), needed(program), Inliner(program)
    definitions: list[Definition] = []
    for definition in program.definitions:
        new = replace(definition, pieces=tuple(inliner.piece(definition, piece) for piece in definition.pieces))
        definitions.append(new)
        tensor = program.tensors[definition.tensor]
        known = meaning(new, tensor) or diagonal(new, tensor)
        if known is None or definition.tensor in kept:
            continue
        if counts[definition.tensor] == 1:
            inliner.once[definition.tensor] = known
        elif weight(known.value) <= (_SCALES if known.diagonal else _SMALL) and _often(known):
            inliner.often[definition.tensor] = known
    tensors = {name: tensor for name, tensor in program.tensors.items() if name not in inliner.gone}
    remaining = tuple(definition for definition in definitions if definition.tensor not in inliner.gone)
    gone = tuple((program.tensors[d.tensor], d) for d in definitions if d.tensor in inliner.gone and _recalled(d))
    return replace(program, tensors=tensors, definitions=remaining, inlined=(*program.inlined, *gone))
