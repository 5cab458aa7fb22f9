"""Laws of exp, log and powers that keep digits and spare kernels: each is one function, its equation first.

In: an expression. Out: an equal one that is at least as exact wherever both are defined, or None. The laws look through
names: in ``log(P[b,c])`` with ``P[b,c] = softmax(S[b,c])`` defined elsewhere they see the softmax.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from tensorlang.ir.facts import dtype, is_floating, presence
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Reduce,
    Where,
    contract,
    free_indices,
    number,
)
from tensorlang.ir.program import Tensor
from tensorlang.ops import POINTWISE
from tensorlang.passes.constants import value_of
from tensorlang.passes.definitions import Meaning, at_read
from tensorlang.passes.scopes import put
from tensorlang.passes.signs import nonnegative
from tensorlang.passes.sound import draws
from tensorlang.passes.sums import negated, sum_of
from tensorlang.passes.zeros import finite
from tensorlang.records import dataclass


def one(node: Expr, op: str) -> Expr | None:
    """The argument of a function of one argument, if the node is that function."""
    return node.args[0] if isinstance(node, Apply) and node.op == op and len(node.args) == 1 else None


def without(node: Expr, value: int) -> Expr | None:
    """x, where the node is the sum ``x + value``."""
    if not isinstance(node, Apply) or node.op != "add":
        return None
    rest = [arg for arg in node.args if value_of(arg) != value]
    return sum_of(rest) if len(rest) == len(node.args) - 1 else None


def real(node: Expr) -> bool:
    return dtype(node) != "complex"


# --- laws of one node --------------------------------------------------------------------------------------------


def inverse(node: Expr) -> Expr | None:
    """log(exp(x)) = x;  log1p(expm1(x)) = x;  tan(atan(x)) = x: what the operators' records say, for real x."""
    if not isinstance(node, Apply) or len(node.args) != 1:
        return None
    inner = node.args[0]
    if isinstance(inner, Apply) and len(inner.args) == 1 and POINTWISE[inner.op].inverse == node.op and real(inner):
        return inner.args[0]
    return None


def difference_from_one(node: Expr) -> Expr | None:
    """exp(x) - 1 = expm1(x);  1 - exp(x) = -expm1(x);  1 - sig(x) = sig(-x)."""
    if not real(node):
        return None
    inner = without(node, -1)
    if inner is not None and (x := one(inner, "exp")) is not None:
        return Apply("expm1", (x,))
    inner = without(node, 1)
    if inner is None or (positive := one(inner, "neg")) is None:
        return None
    if (x := one(positive, "exp")) is not None:
        return Apply("neg", (Apply("expm1", (x,)),))
    return Apply("sig", (negated(x),)) if (x := one(positive, "sig")) is not None else None


def logistic(node: Expr) -> Expr | None:
    """1 / (1 + exp(x)) = sig(-x);  1 / exp(x) = exp(-x);  1 / sqrt(x) = rsqrt(x)."""
    inner = one(node, "reciprocal")
    if inner is None or not real(node):
        return None
    if (x := one(inner, "exp")) is not None:
        return Apply("exp", (negated(x),))
    if (x := one(inner, "sqrt")) is not None:
        return Apply("rsqrt", (x,))
    rest = without(inner, 1)
    return Apply("sig", (negated(x),)) if rest is not None and (x := one(rest, "exp")) is not None else None


def powers(node: Expr) -> Expr | None:
    """sqrt(x^2) = abs(x);  (x^a)^b = x^(a b) for whole a, b > 0, or x >= 0;  sqrt(x)^2 = x for x >= 0."""
    if (inner := one(node, "sqrt")) is not None and isinstance(inner, Apply) and inner.op == "pow":
        return Apply("abs", inner.args[:1]) if value_of(inner.args[1]) == 2 and real(inner) else None
    if not isinstance(node, Apply) or node.op != "pow":
        return None
    base, outer = node.args[0], value_of(node.args[1])
    if (x := one(base, "sqrt")) is not None and outer == 2:
        return x if nonnegative(x) else None
    if not isinstance(base, Apply) or base.op != "pow":
        return None
    inside = value_of(base.args[1])
    if not isinstance(inside, int | float) or not isinstance(outer, int | float):
        return None
    whole = inside > 0 and outer > 0 and inside == int(inside) and outer == int(outer)
    if whole or (nonnegative(base.args[0]) and inside * outer > 0 and inside > 0):
        return Apply("pow", (base.args[0], number(inside * outer)))
    return None


def sign_known(node: Expr) -> Expr | None:
    """abs(x) = relu(x) = exp(log(x)) = x, for x >= 0."""
    x = one(node, "abs") or one(node, "relu")
    if x is None and (logarithm := one(node, "exp")) is not None:
        x = one(logarithm, "log")
    return x if x is not None and nonnegative(x) else None


def exponentials(node: Expr) -> Expr | None:
    """exp(a) exp(b) = exp(a + b), where one's indices are among the other's;  x sig(x) = silu(x)."""
    if not isinstance(node, Contract) or node.summed or node.semiring != "sum" or not real(node):
        return None
    factors = list(node.factors)
    for at, factor in enumerate(factors):
        if (x := one(factor, "sig")) is not None and x in factors:
            rest = [f for k, f in enumerate(factors) if k not in (at, factors.index(x))]
            return contract((), (*rest, Apply("silu", (x,))))
    inner = [(at, x) for at, factor in enumerate(factors) if (x := one(factor, "exp")) is not None]
    for (first, a), (second, b) in pairwise(inner):
        if free_indices(a) <= free_indices(b) or free_indices(b) <= free_indices(a):
            factors[first] = Apply("exp", (Apply("add", (a, b)),))
            del factors[second]
            return contract((), tuple(factors))
    return None


def shifted_softmax(node: Expr) -> Expr | None:
    """softmax[j](x + c) = softmax[j](x), where c does not depend on j."""
    if not isinstance(node, AlongIndex) or node.op not in ("softmax", "log_softmax"):
        return None
    if not isinstance(node.arg, Apply) or node.arg.op != "add":
        return None
    kept = [term for term in node.arg.args if node.index in free_indices(term) or not _finite(term)]
    moving = sum_of(kept)
    if moving is None or len(kept) == len(node.arg.args):
        return None
    return AlongIndex(node.op, node.index, moving, node.options)


def _finite(term: Expr) -> bool:
    inner = one(term, "neg") or term
    return finite(inner.arg) if isinstance(inner, Reduce) and inner.op in ("max", "min") else finite(inner)


def log_softmax(node: Expr) -> Expr | None:
    """x[j] - logsumexp[k](x[k]) = log_softmax[j](x)."""
    if not isinstance(node, Apply) or node.op != "add":
        return None
    for at, term in enumerate(node.args):
        below = one(term, "neg")
        if isinstance(below, Reduce) and below.op == "logsumexp" and len(below.indices) == 1:
            x = sum_of([arg for k, arg in enumerate(node.args) if k != at])
            found = None if x is None else _softmax(x, below.arg, below.indices[0])
            if isinstance(found, AlongIndex):
                return AlongIndex("log_softmax", found.index, found.arg, ())
    return None


LAWS = (inverse, difference_from_one, logistic, powers, sign_known, exponentials, shifted_softmax, log_softmax)


# --- laws that look through names --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Names:
    """What tensors are names for."""

    tensors: Mapping[str, Tensor]
    meanings: Mapping[str, Meaning]

    def opened(self, node: Expr) -> Expr:
        """The expression that a read stands for; other nodes, and reads of what is no mere name, as they are."""
        if isinstance(node, Read) and node.tensor in self.meanings:
            return at_read(self.meanings[node.tensor], node, self.tensors[node.tensor]) or node
        return node

    def logarithm(self, node: Expr) -> Expr | None:
        """The logarithm of what has an exponential in it."""
        arg = one(node, "log")
        if arg is None or not real(node):
            return None
        inner = self.opened(arg)
        if draws(inner):
            return None
        return self._log_softmax(inner) or self._log_sum(inner) or self._log_sum_exp(inner) or self._log_product(inner)

    def _log_softmax(self, inner: Expr) -> Expr | None:
        """log(softmax(x)) = log_softmax(x);  log(sig(x)) = -softplus(-x);  log(1/x) = -log(x)."""
        if isinstance(inner, AlongIndex) and inner.op == "softmax":
            return AlongIndex("log_softmax", inner.index, inner.arg, inner.options)
        if (x := one(inner, "exp")) is not None:
            return x
        if (x := one(inner, "sig")) is not None:
            return Apply("neg", (Apply("softplus", (negated(x),)),))
        return Apply("neg", (Apply("log", (x,)),)) if (x := one(inner, "reciprocal")) is not None else None

    def _log_sum(self, inner: Expr) -> Expr | None:
        """log(1 + exp(x)) = softplus(x);  log(1 + x) = log1p(x)."""
        x = without(inner, 1)
        if x is None:
            return None
        exponent = one(self.opened(x), "exp")
        return Apply("log1p", (x,)) if exponent is None else Apply("softplus", (exponent,))

    def _log_sum_exp(self, inner: Expr) -> Expr | None:
        """log(sum[j](exp(x))) = logsumexp[j](x), guarded too;  log(sum[j](exp(a) exp(b))) = logsumexp[j](a + b)."""
        if not isinstance(inner, Contract) or not inner.summed or inner.semiring != "sum":
            return None
        if len(inner.factors) > 1:
            terms = [one(self.opened(factor), "exp") for factor in inner.factors]
            known = tuple(x for x in terms if x is not None and presence(x) is None and is_floating(dtype(x)))
            whole = len(known) == len(terms) and frozenset(inner.summed) <= frozenset().union(*map(free_indices, known))
            return Reduce("logsumexp", inner.summed, Apply("add", known)) if whole else None
        term = inner.factors[0]
        guard = term.condition if isinstance(term, Where) else None
        x = one(self.opened(term.arg if isinstance(term, Where) else term), "exp")
        if x is None or presence(x) is not None:
            return None
        return Reduce("logsumexp", inner.summed, x if guard is None else Where(guard, x))

    def _log_product(self, inner: Expr) -> Expr | None:
        """log(exp(a) b) = a + log(b)."""
        if not isinstance(inner, Contract) or inner.summed or inner.semiring != "sum":
            return None
        for at, factor in enumerate(inner.factors):
            a = one(self.opened(factor), "exp")
            if a is not None:
                rest = contract((), (*inner.factors[:at], *inner.factors[at + 1 :]))
                return Apply("add", (a, Apply("log", (rest,))))
        return None

    def written_softmax(self, node: Expr) -> Expr | None:
        """exp(x[j]) / sum[k](exp(x[k])) = softmax[j](x);  exp(x) / (1 + exp(x)) = sig(x)."""
        if not isinstance(node, Contract) or node.summed or node.semiring != "sum" or not real(node):
            return None
        below = [(at, inner) for at, f in enumerate(node.factors) if (inner := one(f, "reciprocal")) is not None]
        above = [(at, x) for at, f in enumerate(node.factors) if (x := one(self.opened(f), "exp")) is not None]
        for at, denominator in below:
            for place, x in above:
                new = self._quotient(x, denominator)
                if new is not None:
                    rest = tuple(f for k, f in enumerate(node.factors) if k not in (at, place))
                    return contract((), (*rest, new))
        return None

    def _quotient(self, x: Expr, denominator: Expr) -> Expr | None:
        """exp(x) / denominator as one function of x."""
        below = self.opened(denominator)
        one_more = without(below, 1)
        if one_more is not None and one(self.opened(one_more), "exp") is x:
            return Apply("sig", (x,))
        if not isinstance(below, Contract) or len(below.summed) != 1 or len(below.factors) != 1:
            return None
        if presence(x) is not None:
            return None
        y = one(self.opened(below.factors[0]), "exp")
        return None if y is None else _softmax(x, y, below.summed[0])


def _softmax(x: Expr, y: Expr, summed: Index) -> Expr | None:
    """softmax of x along the index that is ``summed`` in y, if x and y are otherwise the same."""
    for index in sorted(free_indices(x) - free_indices(y) | ({summed} & free_indices(x)), key=lambda i: i.name):
        if index.size == summed.size and (y if index == summed else put(y, {summed: Position(index)})) is x:
            return AlongIndex("softmax", index, x, ())
    return None
