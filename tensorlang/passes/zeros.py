"""Where values are surely 0: in goes an expression, out come conditions outside each of which its value is 0 or absent.

``P[n,n']`` defined ``where Edge(n,n')`` is 0 unless ``Edge(n,n')``; so is a product with such a factor, if the other
factors are finite; a relation is 0 (false) unless itself.
"""

from __future__ import annotations

from tensorlang.ir.facts import dtype, keeps_zero, presence
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
)
from tensorlang.ir.program import Definition, Tensor
from tensorlang.passes.constants import endless
from tensorlang.passes.definitions import plain_indices
from tensorlang.passes.scopes import put
from tensorlang.passes.sound import conjuncts
from tensorlang.records import dataclass, field

Conditions = frozenset[Expr]
NEVER: Conditions = frozenset()

# Functions that are finite wherever their arguments are.
_FINITE = frozenset((
    "add", "neg", "abs", "sin", "cos", "tanh", "sig", "softplus", "relu", "leaky_relu", "elu", "selu", "gelu", "silu",
    "step", "sign", "floor", "ceil", "round", "min", "max", "clip", "real", "imag", "conj", "erf", "atan",
    "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "select", "stop_gradient",
))  # fmt: skip
_FINITE_ALONG = frozenset(("softmax", "lnorm", "rmsnorm", "normalize", "cumsum", "sort", "flip", "shift"))
_FINITE_REDUCTIONS = frozenset(("mean", "any", "all", "count"))


@cached
def finite(node: Expr) -> bool:
    """Whether a value is finite if all tensors are."""
    match node:
        case Const():
            return not endless(node)
        case Position() | Read():
            return True
        case Apply(op=op):
            own = op in _FINITE
        case Reduce(op=op):
            own = op in _FINITE_REDUCTIONS
        case AlongIndex(op=op):
            own = op in _FINITE_ALONG
        case Contract() | Where():
            own = True
    return own and all(map(finite, children(node)))


@dataclass(slots=True)
class Zeros:
    """What is known of tensors so far (over the indices of their axes) and of expressions."""

    tensors: dict[str, tuple[tuple[Index, ...], Conditions]] = field(default_factory=dict)
    known: dict[Expr, Conditions] = field(default_factory=dict)

    def learn(self, definition: Definition, tensor: Tensor) -> None:
        """Remember outside which conditions a tensor is 0, where each equation defines it over its whole axes."""
        if definition.aggregate != "sum":
            return
        axes: tuple[Index, ...] | None = None
        common: Conditions | None = None
        for piece in definition.pieces:
            indices = plain_indices(piece.left, tensor)
            if indices is None:
                return
            axes = axes or indices
            names = {old: Position(new) for old, new in zip(indices, axes, strict=True) if old != new}
            moved = (put(condition, names) for condition in self.of(piece.value))
            found = frozenset(condition for condition in moved if condition is not None)
            common = found if common is None else common & found
        if axes is not None and common:
            self.tensors[definition.tensor] = axes, common

    def of(self, node: Expr) -> Conditions:
        """The conditions outside which the value is 0."""
        stack = [node]
        while stack:
            top = stack[-1]
            waiting = [child for child in children(top) if child not in self.known]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if top not in self.known:
                self.known[top] = self._of(top)
        return self.known[node]

    def _of(self, node: Expr) -> Conditions:
        own = frozenset(conjuncts(presence(node))) | (frozenset((node,)) if dtype(node) == "bool" else NEVER)
        match node:
            case Const() | Position() | Reduce() | AlongIndex():
                return own
            case Read():
                return own | self._read(node)
            case Where(arg=arg):
                return own | self.known[arg]
            case Contract(summed=summed, factors=factors):
                found = own | self._product(factors)
                return frozenset(c for c in found if free_indices(c).isdisjoint(summed))
            case Apply(op="add", args=args):
                return own.union(frozenset.intersection(*(self.known[arg] for arg in args)))
            case Apply(op="and", args=args):
                return own.union(*(self.known[arg] for arg in args))
            case Apply(op=op, args=args):
                return own | self.known[args[0]] if args and (keeps_zero(node) or op == "neg") else own

    def _read(self, node: Read) -> Conditions:
        if node.tensor not in self.tensors:
            return NEVER
        axes, conditions = self.tensors[node.tensor]
        values = dict(zip(axes, node.at, strict=True))
        return frozenset(new for condition in conditions if (new := put(condition, values)) is not None)

    def _product(self, factors: tuple[Expr, ...]) -> Conditions:
        """A factor makes a product 0 where the others are finite; an absent one always does."""
        wild = [factor for factor in factors if not finite(factor)]
        found: Conditions = NEVER
        for factor in factors:
            others_finite = not wild or (len(wild) == 1 and wild[0] is factor)
            found |= self.known[factor] if others_finite else frozenset(conjuncts(presence(factor)))
        return found
