"""The equations of one step of a recurrence, read as those of a gated cell.

In: what a tensor is at one position, as one expression. Out: a ``Gated`` for long short-term memory, a gated recurrent
unit, or a simple network: the linear parts that go into its gates, in the order of torch's own; or None. Terms and
factors may stand in any order. H' and C' are one position before:

    rnn    H = tanh(n) or relu(n)
    lstm   H = sig(o) tanh(C),  C = sig(f) C' + sig(i) tanh(g)
    gru    H = (1 - sig(z)) n + sig(z) H',  n = tanh(a + sig(r) (s));  n + sig(z) (H' - n);  sig(z) n + (1 - sig(z)) H'
"""

from __future__ import annotations

from collections.abc import Callable

from tensorlang.ir.nodes import (
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    affine,
    free_indices,
    product,
    tensors_read,
)
from tensorlang.records import dataclass


@dataclass(frozen=True, slots=True)
class Linear:
    """sum[i](x w) + sum[k](H' u) + the offsets; x and u with their summed index, where there are any."""

    x: tuple[Expr, Index] | None = None
    w: Expr | None = None
    u: tuple[Expr, Index] | None = None
    offsets: tuple[Expr, ...] = ()
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Gated:
    """``gates`` in torch's order; ``inner`` is what the reset gate of a gru multiplies."""

    kind: str
    gates: tuple[Linear, ...]
    inner: Linear | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a step takes place: ``tensor`` at ``left``, its axis of time and of units; ``lag`` positions before is H'.

    ``memory`` says how other tensors are read at this position, ``opened`` what an outside tensor is made of.
    """

    tensor: str
    left: tuple[Expr, ...]
    time: int
    unit: int
    lag: int
    members: frozenset[str]
    memory: Callable[[Read], bool]
    opened: Callable[[Read], Expr | None]

    @property
    def units(self) -> Index:
        return _index(self.left[self.unit])

    def gated(self, value: Expr) -> Gated | None:
        return self._lstm(value) or self._gru(value) or self._rnn(value)

    # --- kinds ---

    def _lstm(self, value: Expr) -> Gated | None:
        parts = factors(value)
        o, seen = _argument(parts, "sig"), _argument(parts, "tanh")
        terms = [factors(term) for term in sum_terms(seen)] if seen is not None and len(parts) == 2 else []
        if len(terms) != 2 or any(len(term) != 2 for term in terms):
            return None
        kept, new = terms if any(self._is_memory(part) for part in terms[0]) else terms[::-1]
        if not any(self._is_memory(part) for part in kept):
            return None
        found = [_argument(new, "sig"), _argument(kept, "sig"), _argument(new, "tanh"), o]
        return self._with_gates("lstm", found)

    def _rnn(self, value: Expr) -> Gated | None:
        function = _called(value)
        if function not in ("tanh", "relu"):
            return None
        return self._with_gates(f"rnn_{function}", [_argument([value], function)])

    def _gru(self, value: Expr) -> Gated | None:
        found = _mixed(sum_terms(value), self._is_before)
        if found is None or not isinstance(found[1], Apply) or found[1].op != "tanh":
            return None
        update, turned = found[0], found[2]
        candidate = self._candidate(found[1].args[0])
        if candidate is None:
            return None
        reset, inner, outer = candidate
        made = self._with_gates("gru", [reset, update])
        if made is None:
            return None
        z = made.gates[1]
        z = Linear(z.x, z.w, z.u, z.offsets, turned)
        return Gated("gru", (made.gates[0], z, outer), inner)

    def _candidate(self, node: Expr) -> tuple[Expr, Linear, Linear] | None:
        """The argument of the reset gate, what it multiplies, and what is added to that."""
        outer: list[Expr] = []
        found: tuple[Expr, Linear] | None = None
        for term in self._terms(node):
            parts = _with_sum_inside(term)
            reset = _argument(parts, "sig") if tensors_read(term) & self.members else None
            if reset is None:
                outer.append(term)
                continue
            inner = self.linear(product(*(part for part in parts if _called(part) != "sig")))
            if found is not None or inner is None or inner.u is None or inner.x is not None:
                return None
            found = reset, inner
        added = self.linear(Apply("add", tuple(outer))) if len(outer) > 1 else self.linear(outer[0]) if outer else None
        if found is None or added is None or added.u is not None or added.x is None:
            return None
        return found[0], found[1], added

    def _with_gates(self, kind: str, arguments: list[Expr | None]) -> Gated | None:
        gates = [None if argument is None else self.linear(argument) for argument in arguments]
        whole = tuple(gate for gate in gates if gate is not None and gate.x is not None and gate.u is not None)
        return Gated(kind, whole) if len(whole) == len(gates) else None

    # --- parts ---

    def linear(self, node: Expr) -> Linear | None:
        """A sum of an input, the state and offsets, each at most once (offsets may be several)."""
        x: tuple[Expr, Index] | None = None
        w: Expr | None = None
        u: tuple[Expr, Index] | None = None
        offsets: list[Expr] = []
        for term in self._terms(node):
            if free_indices(term) <= {self.units} and not tensors_read(term) & self.members:
                offsets.append(term)
            elif tensors_read(term) & self.members:
                state = self._state(term)
                if state is None or u is not None:
                    return None
                u = state
            else:
                given = self._input(term)
                if given is None or x is not None:
                    return None
                x, w = (given[0], given[2]), given[1]
        return Linear(x, w, u, tuple(offsets))

    def _terms(self, node: Expr) -> list[Expr]:
        """The terms of a sum, those of sums that are computed outside too."""
        found: list[Expr] = []
        waiting = [node]
        while waiting:
            term = waiting.pop(0)
            opened = self.opened(term) if isinstance(term, Read) and term.tensor not in self.members else None
            if opened is not None:
                waiting.append(opened)
            elif isinstance(term, Apply) and term.op == "add":
                waiting += term.args
            else:
                found.append(term)
        return found

    def _state(self, term: Expr) -> tuple[Expr, Index] | None:
        """sum[k](u[h,k] H'[k])."""
        if not isinstance(term, Contract) or len(term.summed) != 1 or term.semiring != "sum":
            return None
        (k,) = term.summed
        parts = [part for factor in term.factors for part in factors(factor)]
        before = [part for part in parts if tensors_read(part) & self.members]
        rest = [part for part in parts if part not in before]
        if len(before) != 1 or not self._is_before(before[0], k) or not rest:
            return None
        u = product(*rest)
        return (u, k) if k in free_indices(u) and free_indices(u) <= {self.units, k} else None

    def _input(self, term: Expr) -> tuple[Expr, Expr, Index] | None:
        """sum[i](x[t,i] w[h,i])."""
        if not isinstance(term, Contract) or len(term.summed) != 1 or term.semiring != "sum":
            return None
        (i,) = term.summed
        outer = frozenset(_index(entry) for at, entry in enumerate(self.left) if at != self.unit)
        parts = [part for factor in term.factors for part in factors(factor)]
        xs = [part for part in parts if free_indices(part) & outer]
        ws = [part for part in parts if not free_indices(part) & outer]
        if not xs or not ws:
            return None
        x, w = product(*xs), product(*ws)
        fits = free_indices(x) <= {*outer, i} and free_indices(w) <= {self.units, i}
        return (x, w, i) if fits and i in free_indices(x) & free_indices(w) else None

    def _is_before(self, node: Expr, unit: Index | None = None) -> bool:
        """Whether a node is H', at the same unit or at another."""
        if not isinstance(node, Read) or node.tensor != self.tensor:
            return False
        for axis, (entry, own) in enumerate(zip(node.at, self.left, strict=True)):
            if axis == self.time:
                if not shifted_by(entry, own, -self.lag):
                    return False
            elif entry is not (Position(unit) if axis == self.unit and unit is not None else own):
                return False
        return True

    def _is_memory(self, node: Expr) -> bool:
        return isinstance(node, Read) and node.tensor != self.tensor and self.memory(node)


def sum_terms(node: Expr) -> list[Expr]:
    """The terms of a sum, sums in it taken apart."""
    if isinstance(node, Apply) and node.op == "add":
        return [term for arg in node.args for term in sum_terms(arg)]
    return [node]


def factors(node: Expr) -> list[Expr]:
    """The factors of a product, products in it taken apart."""
    if isinstance(node, Contract) and not node.summed and node.semiring == "sum":
        return [part for factor in node.factors for part in factors(factor)]
    return [node]


def shifted_by(entry: Expr, own: Expr, by: int) -> bool:
    """Whether a position is another one and a number."""
    one, two = affine(entry), affine(own)
    if one is None or two is None:
        return False
    return one.coefficients == two.coefficients and (one.offset - two.offset).constant == by


def _index(entry: Expr) -> Index:
    assert isinstance(entry, Position), "a layer is computed at plain positions"
    return entry.index


def _called(node: Expr) -> str:
    return node.op if isinstance(node, Apply) and len(node.args) == 1 else ""


def _argument(parts: list[Expr], function: str) -> Expr | None:
    """The argument of the one part that is a call of a function."""
    found = [part.args[0] for part in parts if isinstance(part, Apply) and _called(part) == function]
    return found[0] if len(found) == 1 else None


def _with_sum_inside(term: Expr) -> list[Expr]:
    """The factors of a term; those of a sum that do not depend on what it sums stand before it."""
    if not isinstance(term, Contract) or not term.summed or term.semiring != "sum":
        return factors(term)
    parts = [part for factor in term.factors for part in factors(factor)]
    outside = [part for part in parts if not free_indices(part).intersection(term.summed)]
    inside = tuple(part for part in parts if part not in outside)
    return [*outside, Contract(term.summed, inside, "sum")]


def _mixed(terms: list[Expr], is_before: Callable[[Expr], bool]) -> tuple[Expr, Expr, bool] | None:
    """``(1 - sig(z)) n + sig(z) H'`` as (z, n, False); with 1 - sig(z) and sig(z) exchanged as (z, n, True)."""
    if len(terms) != 2:
        return None
    for one, two in (terms, terms[::-1]):
        kept = factors(two)
        weight = [part for part in kept if not is_before(part)]
        new = factors(one)
        if len(kept) == 2 and len(weight) == 1 and len(new) == 2:
            for gate, other in (new, new[::-1]):
                if _complement(gate) is weight[0] and _called(weight[0]) == "sig":
                    return _argument([weight[0]], "sig"), other, False  # type: ignore[return-value]
                if _complement(weight[0]) is gate and _called(gate) == "sig":
                    return _argument([gate], "sig"), other, True  # type: ignore[return-value]
    for n, two in (terms, terms[::-1]):
        parts = factors(two)
        z = _argument(parts, "sig")
        rest = [part for part in parts if _called(part) != "sig"]
        if z is None or len(rest) != 1:
            continue
        inside = sum_terms(rest[0])
        if len(inside) == 2 and any(is_before(a) and b is Apply("neg", (n,)) for a, b in (inside, inside[::-1])):
            return z, n, False
    return None


def _complement(node: Expr) -> Expr | None:
    """e of 1 - e."""
    match node:
        case Apply(op="add", args=(Const(value=int() | float() as one), Apply(op="neg", args=(arg,)))) if one == 1:
            return arg
        case _:
            return None
