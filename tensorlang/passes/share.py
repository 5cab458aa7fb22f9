"""Common parts: what several equations compute, or one computes twice, becomes a tensor of its own.

In goes a Program, out comes one in which expressions that are equal up to the names of their indices are computed
once. They are given names like ``_1``, or that of a definition that is just such an expression. Shared is what costs
more than a cheap pointwise operation, as large as possible; masks are left where they are for kernels to recognise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count

from tensorlang.ir.facts import dtype, presence
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
    cached,
    children,
    free_indices,
    tensors_read,
    with_children,
)
from tensorlang.ir.program import Axis, Definition, Piece, Program, Tensor
from tensorlang.ops import POINTWISE
from tensorlang.passes.canonical import Coded, Codes
from tensorlang.passes.contexts import where_presence_matters
from tensorlang.passes.definitions import meaning
from tensorlang.passes.order_semirings import joins, parts_of
from tensorlang.passes.scopes import settled
from tensorlang.passes.sound import draws
from tensorlang.records import dataclass, field, replace

_CHEAP = frozenset(("add", "neg", "select", "relu", "abs", "step", "sign", "min", "max", "clip", "real", "imag"))
_WORTH = 2
# A tensor of more axes than this would cost more to keep than to compute twice.
_AXES = 8


@cached
def effort(node: Expr) -> int:
    """The elementwise kernels that an expression takes, up to 2; sums and functions along an index count 2."""
    match node:
        case Const() | Position() | Read():
            return 0
        case Reduce() | AlongIndex():
            return _WORTH
        case Where(arg=arg):
            return effort(arg)
        case Contract(summed=summed, factors=factors):
            own = _WORTH if summed else len(factors) - 1
        case Apply(op=op):
            own = 1 if op in _CHEAP or POINTWISE[op].result == "bool" else _WORTH
    return min(_WORTH, own + sum(map(effort, children(node))))


@cached
def _combines(node: Expr) -> bool:
    """Whether there is a sum, a reduction or a function along an index in an expression."""
    own = isinstance(node, Reduce | AlongIndex) or (isinstance(node, Contract) and bool(node.summed))
    return own or any(_combines(child) for child in children(node))


def worthy(node: Expr) -> bool:
    """Whether computing an expression once is worth a tensor of its own."""
    if effort(node) < _WORTH or draws(node) or len(free_indices(node)) > _AXES:
        return False
    of = dtype(node)
    return _combines(node) or not (of == "bool" or (of == "int" and not tensors_read(node)))


def parts(node: Expr) -> tuple[Expr, ...]:
    """What may be shared directly below a node: nothing at which a tensor is read."""
    return () if isinstance(node, Read) else children(node)


def joined_parts(node: Expr) -> tuple[Expr, ...]:
    """What a reduction joins: the whole of it is larger than any part, and never held, so it is not for sharing."""
    found = parts_of(node.op, node.arg) if isinstance(node, Reduce) and joins(node.arg) else None
    return () if found is None else found[1]


def shared_codes(program: Program, codes: Codes) -> set[int]:
    """The codes of expressions that stand in two places or more, a shared whole counting as one place for its parts."""
    uses: Counter[int] = Counter()
    first: dict[int, Expr] = {}
    stack = [piece.value for definition in program.definitions for piece in definition.pieces]
    while stack:
        node = stack.pop()
        code = codes.of(node).code
        uses[code] += 1
        if code not in first:
            first[code] = node
            stack.extend(joined_parts(node) or parts(node))
    return {code for code, places in uses.items() if places > 1 and worthy(first[code])}


@dataclass(slots=True)
class Sharing:
    """Definitions in the making. ``providers`` are those whose value is a shared part; ``homes``: where each lives."""

    program: Program
    codes: Codes
    shared: set[int]
    providers: dict[int, Definition] = field(default_factory=dict)
    homes: dict[int, tuple[Tensor, tuple[int, ...]]] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def find_providers(self) -> None:
        for definition in self.program.definitions:
            known = meaning(definition, self.program.tensors[definition.tensor])
            if known is not None and free_indices(known.value) == frozenset(known.indices):
                code = self.codes.of(known.value).code
                if code in self.shared:
                    self.providers.setdefault(code, definition)

    def define(self, definition: Definition) -> None:
        """A definition with its shared parts read from where they live; those that have no home yet get one before."""
        if definition.tensor in self.definitions:
            return
        pieces: list[Piece] = []
        for piece in definition.pieces:
            code = self.codes.of(piece.value).code
            own = self.providers.get(code) is definition
            value = self._value(piece, own)
            pieces.append(piece if value is piece.value else settled(replace(piece, value=value)))
            if own:
                order = self.codes.of(piece.value).order
                tensor = self.program.tensors[definition.tensor]
                self.homes[code] = tensor, tuple(order.index(index) for index in _left(piece))
        self.definitions[definition.tensor] = replace(definition, pieces=tuple(pieces))

    def _value(self, piece: Piece, own: bool) -> Expr:
        """A value with reads in the place of shared parts; ``own``: the whole is the shared part that lives here."""
        sensitive = where_presence_matters(piece.value, True)
        memo: dict[Expr, Expr] = {}
        for node in _parts_first(piece.value):
            new = with_children(node, tuple(memo[part] for part in parts(node))) if parts(node) else node
            code = self.codes.of(node).code
            if code in self.shared and not (own and node is piece.value):
                new = self._read(node, new, piece, node in sensitive)
            memo[node] = new
        return memo[piece.value]

    def _read(self, node: Expr, new: Expr, piece: Piece, sensitive: bool) -> Expr:
        coded = self.codes.of(node)
        if coded.code not in self.homes:
            provider = self.providers.get(coded.code)
            if provider is not None and provider.tensor not in self.definitions:
                self.define(provider)
            else:
                self._settle_down(coded, new, piece)
        tensor, axes = self.homes[coded.code]
        read = Read(tensor.name, tuple(Position(coded.order[at]) for at in axes), tensor.shape, tensor.dtype)
        present = presence(new) if sensitive else None
        return read if present is None else Where(present, read)

    def _settle_down(self, coded: Coded, value: Expr, piece: Piece) -> None:
        """A new tensor for a shared part."""
        taken = self.program.tensors.keys() | self.tensors.keys()
        name = next(name for name in (f"_{n}" for n in count(len(self.tensors) + 1)) if name not in taken)
        # The axes stand as on the left of the equation that comes first: most likely the layout that is wanted.
        order = tuple(sorted(coded.order, key=lambda i: piece.indices.index(i) if i in piece.indices else _AXES))
        axes = tuple(Axis(index.name, index.size) for index in order)
        tensor = Tensor(name, "defined", axes, dtype(value), piece.span)
        left = tuple(map(Position, order))
        self.definitions[name] = Definition(name, "sum", (Piece(left, order, value, False, piece.span),))
        self.tensors[name] = tensor
        self.homes[coded.code] = tensor, tuple(coded.order.index(index) for index in order)


def _left(piece: Piece) -> Iterator[Index]:
    return (position.index for position in piece.left if isinstance(position, Position))


def _parts_first(value: Expr) -> Iterator[Expr]:
    seen: set[Expr] = set()
    stack = [(value, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((part, False) for part in parts(node))


def share(program: Program) -> Program:
    """The program with common parts computed once."""
    codes = Codes()
    shared = shared_codes(program, codes)
    if not shared:
        return program
    sharing = Sharing(program, codes, shared)
    sharing.find_providers()
    for definition in program.definitions:
        sharing.define(definition)
    tensors = {**program.tensors, **sharing.tensors}
    return replace(program, tensors=tensors, definitions=tuple(sharing.definitions.values()))
