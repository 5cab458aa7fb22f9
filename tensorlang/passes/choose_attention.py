"""Attention as one call: a softmax along the keys of scaled dot products, times the values.

In: ``Contract((s), (softmax[s](scale Q[.., t, d] K[.., s, d] where ...), V[.., s, e]))``; the weights may also stand in
a definition of their own that nothing else reads. Out: ``scaled_dot_product_attention``, causal by its flag.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Call, Code, Infix, Number, call, extent, method
from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Where,
    contract,
    free_indices,
)
from tensorlang.passes.scopes import apart, put
from tensorlang.passes.values import (
    Builder,
    Value,
    aligned,
    cast,
    expanded,
    grouped,
    tensor_of,
    truth,
    ungrouped,
)
from tensorlang.records import dataclass

_FLOATS = ("float", "float64", "bf16")


@dataclass(frozen=True, slots=True)
class Heads:
    """The indices of attention: of all three factors, of the queries, the keys, their dot product, the values."""

    batch: tuple[Index, ...]
    query: Index
    key: Index
    inner: Index
    outer: Index


@dataclass(frozen=True, slots=True)
class Scores:
    """``scale * Q K``: the two factors, their summed index, and the numbers between them."""

    factors: tuple[Expr, Expr]
    inner: Index
    scale: tuple[Expr, ...]


def attention(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """The rule of ``choose_kernels.py``."""
    if not isinstance(node, Contract) or len(node.summed) != 1 or len(node.factors) != 2:
        return None
    for weights, values in (node.factors, node.factors[::-1]):
        soft = _softmax(weights, node.summed[0], builder)
        if soft is None or dtype_of(node) not in _FLOATS:
            continue
        # The index that scores sum over may have the name of one that the values keep.
        outside = {index.name for index in free_indices(values) | {soft.index}}
        condition, arg = _guarded(apart(soft.arg, outside))
        scores = _scores(_looked_through(arg, condition, outside, builder))
        heads = None if scores is None else _heads(scores, soft.index, values)
        if scores is None or heads is None:
            continue
        if condition is None or free_indices(condition) <= {heads.query, heads.key, *heads.batch}:
            return _call(scores, heads, values, condition, dtype_of(node), builder)
    return None


def _softmax(weights: Expr, key: Index, builder: Builder) -> AlongIndex | None:
    """The softmax that weights are, read from its definition where that is read here only."""
    guard: Expr | None = None
    if isinstance(weights, Where):
        guard, weights = weights.condition, weights.arg
    if isinstance(weights, Read):
        found = definition_of(weights, builder)
        if found is None:
            return None
        weights = found
    if not isinstance(weights, AlongIndex) or weights.op != "softmax" or weights.index != key:
        return None
    return weights if guard is None or guard is presence(weights) else None


def _looked_through(arg: Expr, condition: Expr | None, outside: set[str], builder: Builder) -> Expr:
    """Scores that stand in a definition of their own, guarded by the same condition."""
    if not isinstance(arg, Read):
        return arg
    found = definition_of(arg, builder, (Contract, Where))
    if found is None:
        return arg
    guard, scores = _guarded(apart(found, outside | {index.name for index in free_indices(arg)}))
    return scores if guard is condition or guard is None else arg


def definition_of(read: Read, builder: Builder, kinds: tuple[type[Expr], ...] | type[Expr] = AlongIndex) -> Expr | None:
    """What defines a tensor that is read, over the read's indices, where nothing else reads it and it is of a kind."""
    if read.tensor not in builder.read_once or not all(isinstance(at, Position) for at in read.at):
        return None
    definition = builder.definitions.get(read.tensor)
    if definition is None or not definition.direct or len(set(read.at)) != len(read.at):
        return None
    piece = definition.pieces[0]
    if not isinstance(piece.value, kinds):
        return None
    left = [at.index for at in piece.left if isinstance(at, Position)]
    pairs = dict(zip(left, read.at, strict=True))
    if any(isinstance(at, Position) and old.size != at.index.size for old, at in pairs.items()):
        return None
    return put(piece.value, pairs)


def _guarded(arg: Expr) -> tuple[Expr | None, Expr]:
    return (arg.condition, arg.arg) if isinstance(arg, Where) else (None, arg)


def _scores(arg: Expr) -> Scores | None:
    """The one product of two factors in ``arg``, and the numbers that it is multiplied by."""
    scale: list[Expr] = []
    inner: list[Contract] = []
    stack = [arg]
    while stack:
        part = stack.pop()
        if isinstance(part, Contract) and not part.summed:
            stack.extend(part.factors)
        elif isinstance(part, Contract):
            inner.append(part)
        else:
            scale.append(part)
    if len(inner) != 1 or len(inner[0].summed) != 1:
        return None
    factors = [factor for factor in inner[0].factors if free_indices(factor)]
    scale += [factor for factor in inner[0].factors if not free_indices(factor)]
    if len(factors) != 2 or not all(_is_number(part) for part in scale):
        return None
    (one, first), (two, second) = _unscaled(factors[0]), _unscaled(factors[1])
    return Scores((one, two), inner[0].summed[0], (*scale, *first, *second))


def _unscaled(node: Expr) -> tuple[Expr, tuple[Expr, ...]]:
    """A product and the numbers in it, however deep: the call takes them as its scale, which costs nothing."""
    if not isinstance(node, Contract):
        return node, ()
    kept: list[Expr] = []
    numbers: list[Expr] = []
    for factor in node.factors:
        if _is_number(factor):
            numbers.append(factor)
        else:
            inner, more = _unscaled(factor)
            kept.append(inner)
            numbers += more
    return (contract(node.summed, tuple(kept)), tuple(numbers)) if kept and numbers else (node, ())


def _is_number(node: Expr) -> bool:
    """A Python number at run time: made of constants and sizes."""
    match node:
        case Const(value=value):
            return isinstance(value, int | float | Size)
        case Apply(op="reciprocal" | "sqrt" | "neg", args=(arg,)):
            return _is_number(arg)
        case Apply(op="pow", args=(base, Const(value=int() | float()))):
            return _is_number(base)
        case _:
            return False


def _heads(scores: Scores, key: Index, values: Expr) -> Heads | None:
    """The roles of the indices, where there is one of each."""
    first, second = (free_indices(factor) for factor in scores.factors)
    if key in first:
        first, second = second, first
    third = free_indices(values)
    if key in first or key not in second or key not in third or scores.inner not in first & second:
        return None
    outer = third - first - second
    queries = first - second - third
    if len(queries) > 1:
        # Several heads share the keys: the queries run over the domain of the keys, the other index is a head.
        queries = frozenset(index for index in queries if index.size == key.size)
    batch = first - {scores.inner} - queries
    if not batch:
        return None  # the call wants batches; for one small matrix its overhead is more than it saves
    if len(queries) != 1 or len(outer) != 1 or not second - {key, scores.inner} | third - {key, *outer} <= batch:
        return None
    ordered = tuple(sorted(batch, key=lambda index: index.name))
    return Heads(ordered, next(iter(queries)), key, scores.inner, next(iter(outer)))


def _call(
    scores: Scores, heads: Heads, values: Expr, condition: Expr | None, dtype: str, builder: Builder
) -> Value | None:
    one, two = scores.factors
    if heads.key in free_indices(one):
        one, two = two, one
    query = builder.lower(one, builder, (*heads.batch, heads.query, heads.inner))
    batch = tuple(index for index in query.axes if index in heads.batch)
    batch = batch if len(batch) == len(heads.batch) else heads.batch
    parts = [(query, heads.query, heads.inner)]
    parts += [(builder.lower(two, builder, (*batch, heads.key, heads.inner)), heads.key, heads.inner)]
    parts += [(builder.lower(values, builder, (*batch, heads.key, heads.outer)), heads.key, heads.outer)]
    args = []
    for value, row, column in parts:
        full = expanded(builder, cast(value, dtype), (*batch, row, column))
        args.append(_headed(full, batch, row, column))
    scale = _scale(scores, builder)
    if scale is None:
        return None
    keywords = dict(_mask(condition, heads, batch, builder))
    if scale.code != _usual_scale(heads.inner):
        keywords["scale"] = scale.code
    code: Code = Call("F.scaled_dot_product_attention", tuple(args), tuple(keywords.items()))
    axes = (*batch, heads.query, heads.outer)
    result = builder.value(_headless(code, batch), axes, dtype)
    sizes = [index.size for index in (*batch, heads.query, heads.key)]
    builder.work[result.code] = (*sizes, heads.inner.size + heads.outer.size)
    return result


def _headed(value: Value, batch: tuple[Index, ...], row: Index, column: Index) -> Code:
    """A factor as [batch, head, row, column]: the fast kernels take four axes."""
    if len(batch) <= 2:
        code = grouped(value, [*((index,) for index in batch), (row,), (column,)])
        for _ in range(2 - len(batch)):
            code = method(code, "unsqueeze", 0)
        return code
    return grouped(value, [batch[:-1], (batch[-1],), (row,), (column,)])


def _headless(code: Code, batch: tuple[Index, ...]) -> Code:
    """The inverse on the result."""
    for _ in range(2 - len(batch)):
        code = method(code, "squeeze", 0)
    return code if len(batch) <= 2 else ungrouped(code, [batch[:-1], (batch[-1],), (), ()])


def _scale(scores: Scores, builder: Builder) -> Value | None:
    """The number that the dot products are multiplied by, as a float."""
    scale = Contract((), (Const(1.0, "float"), *scores.scale), "sum")
    value = builder.lower(scale, builder, ())
    return value if value.number else None


def _usual_scale(inner: Index) -> Code:
    """What the call multiplies by when it is not told: 1 / sqrt(the size of the summed index)."""
    constant = inner.size.constant
    if constant is not None:
        return Number(1.0 / constant**0.5)
    return Infix("/", Number(1.0), call("math.sqrt", extent(inner.size)))


def _mask(condition: Expr | None, heads: Heads, batch: tuple[Index, ...], builder: Builder) -> list[tuple[str, Code]]:
    if condition is None:
        return []
    if _is_causal(condition, heads):
        return [("is_causal", Number(True))]
    mask = tensor_of(truth(builder.lower(condition, builder, (*batch, heads.query, heads.key))))
    if heads.query not in mask.axes or heads.key not in mask.axes:
        rest = tuple(index for index in mask.axes if index not in (heads.query, heads.key))
        mask = expanded(builder, mask, (*rest, heads.query, heads.key))
    if len(batch) > 2 and any(index in mask.axes for index in batch):
        mask = expanded(builder, mask, (*batch, heads.query, heads.key))
        return [("attn_mask", _headed(mask, batch, heads.query, heads.key))]
    return [("attn_mask", _mask_code(mask, batch, heads))]


def _mask_code(mask: Value, batch: tuple[Index, ...], heads: Heads) -> Code:
    """The mask with the axes of the scores; a lone batch axis stands second in them."""
    return aligned(mask, (*batch, heads.query, heads.key))


def _is_causal(condition: Expr, heads: Heads) -> bool:
    """``s <= t`` in any spelling, over one size."""
    if heads.query.size != heads.key.size:
        return False
    query, key = Position(heads.query), Position(heads.key)
    match condition:
        case Apply(op="le", args=args):
            return args == (key, query)
        case Apply(op="ge", args=args):
            return args == (query, key)
        case Apply(op="not", args=(Apply(op="gt", args=args),)):
            return args == (key, query)
        case Apply(op="not", args=(Apply(op="lt", args=args),)):
            return args == (query, key)
        case _:
            return False
