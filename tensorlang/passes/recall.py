"""Names given back: intermediates that were inlined and came through all rewriting as they were stand alone again.

In goes a Program whose contractions are in order, out comes one in which a factor of a sum of products that is (up to
names of indices) an inlined definition is read from it. Where algebra has found something better there is no such
factor. What kernels take together with the product around it (a softmax, a guard) stays where it is.
"""

from __future__ import annotations

from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Contract,
    Expr,
    Position,
    Read,
    Where,
    children,
    free_indices,
    with_children,
)
from tensorlang.ir.program import Definition, Program, Tensor
from tensorlang.passes.canonical import Codes
from tensorlang.passes.definitions import meaning
from tensorlang.passes.scopes import below
from tensorlang.records import dataclass, field, replace


def _stands_alone(value: Expr) -> bool:
    """Whether no kernel takes a value together with the product that it is a factor of."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, Where) or (isinstance(node, AlongIndex) and node.op == "softmax"):
            return False
        if isinstance(node, Apply) or (isinstance(node, Contract) and not node.summed):
            stack.extend(children(node))
    return presence(value) is None and not isinstance(value, Read)


@dataclass(slots=True)
class Recalling:
    """``known``: the definitions to recall by the code of their value, with the place of each axis in its order."""

    codes: Codes = field(default_factory=Codes)
    known: dict[int, tuple[Tensor, Definition, tuple[int, ...]]] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)

    def learn(self, tensor: Tensor, definition: Definition) -> None:
        found = meaning(definition, tensor)
        if found is not None and free_indices(found.value) == frozenset(found.indices) and _stands_alone(found.value):
            coded = self.codes.of(found.value)
            axes = tuple(coded.order.index(index) for index in found.indices)
            self.known.setdefault(coded.code, (tensor, definition, axes))

    def define(self, definition: Definition) -> None:
        pieces = tuple(replace(piece, value=self._value(piece.value)) for piece in definition.pieces)
        self.definitions.append(replace(definition, pieces=pieces))

    def _value(self, value: Expr) -> Expr:
        memo: dict[Expr, Expr] = {}
        for node in below(value, set()):
            parts = tuple(memo[child] for child in children(node))
            if isinstance(node, Contract) and node.summed:
                parts = tuple(self._factor(old, new) for old, new in zip(node.factors, parts, strict=True))
            memo[node] = with_children(node, parts)
        return memo[value]

    def _factor(self, old: Expr, new: Expr) -> Expr:
        """A factor as a read of the definition that it once was."""
        coded = self.codes.of(old)
        if coded.code not in self.known:
            return new
        tensor, definition, axes = self.known[coded.code]
        if tensor.name not in self.tensors:
            self.tensors[tensor.name] = tensor
            self.define(definition)
        return Read(tensor.name, tuple(Position(coded.order[at]) for at in axes), tensor.shape, tensor.dtype)


def recall(program: Program) -> Program:
    """The program with the names of inlined definitions given back where nothing is lost by it."""
    recalling = Recalling()
    for tensor, definition in program.inlined:
        recalling.learn(tensor, definition)
    if not recalling.known:
        return replace(program, inlined=())
    for definition in program.definitions:
        recalling.define(definition)
    tensors = {**program.tensors, **recalling.tensors}
    return replace(program, tensors=tensors, definitions=tuple(recalling.definitions), inlined=())
