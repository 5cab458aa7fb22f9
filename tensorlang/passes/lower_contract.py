"""Products and sums of products as the cheapest library call: elementwise, ``mv``, ``mm``, ``linear``, ``bmm``.

In: the factors as values and the indices to sum. Out: one value. Two factors are joined at a time (the passes before
have chosen the order; what they left is ordered here by cost). Axes are moved by views; einsum is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tensorlang.ir.code import Call, Code, Infix, Items, Method, Number, call, method
from tensorlang.ir.facts import is_floating
from tensorlang.ir.nodes import Index
from tensorlang.passes.constants import not_finite
from tensorlang.passes.values import (
    Builder,
    Value,
    cast,
    chained,
    common_order,
    conjoined,
    grouped,
    is_positive,
    joined,
    literal,
    promoted,
    size_number,
    tensor_of,
    ungrouped,
)
from tensorlang.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor of a product; ``inverse`` divides by it."""

    value: Value
    inverse: bool = False

    @property
    def axes(self) -> tuple[Index, ...]:
        return self.value.axes


def contract(
    builder: Builder, factors: Sequence[Factor], summed: Sequence[Index], wanted: Sequence[Index], dtype: str
) -> Value:
    """The product of factors, summed over ``summed``, as a value of about ``dtype`` (a truth value may stay one)."""
    numbers = [factor for factor in factors if factor.value.number]
    tensors = [factor for factor in factors if not factor.value.number]
    if summed and any(_endless(factor) for factor in numbers):
        tensors, numbers = _held_inside(builder, tensors, numbers, summed, dtype), []
    uses = {index: sum(index in factor.axes for factor in tensors) for index in summed}
    numbers += [Factor(size_number(index.size)) for index in summed if not uses[index]]
    for at, factor in enumerate(tensors):
        lone = [index for index in factor.axes if uses.get(index) == 1]
        if lone:
            tensors[at] = Factor(summed_out(builder, materialised(builder, factor, dtype), lone, dtype))
    waiting = [index for index in summed if sum(index in factor.axes for factor in tensors) > 1]
    if not waiting:
        return multiplied(builder, [*numbers, *tensors], wanted, dtype)
    if numbers:
        tensors, numbers = _scaled_early(builder, tensors, numbers, waiting, dtype)
    while waiting:
        first, second = _cheapest_pair(tensors, waiting)
        others = [factor for at, factor in enumerate(tensors) if at not in (first, second)]
        here = [index for index in waiting if not any(index in factor.axes for factor in others)]
        waiting = [index for index in waiting if index not in here]
        joint = _pair(builder, tensors[first], tensors[second], here, wanted, dtype)
        tensors = [*others, Factor(joint)]
    return multiplied(builder, [*numbers, *tensors], wanted, dtype)


def _endless(factor: Factor) -> bool:
    code = factor.value.code
    return isinstance(code, Number) and not_finite(code.value)


def _held_inside(
    builder: Builder, tensors: list[Factor], numbers: list[Factor], summed: Sequence[Index], dtype: str
) -> list[Factor]:
    """An infinite number multiplies what is summed, not the sum: a sum over nothing is 0."""
    at = next((k for k, factor in enumerate(tensors) if not set(summed).isdisjoint(factor.axes)), None)
    if at is None:
        return [*numbers, *tensors]
    inside = Factor(multiplied(builder, [*numbers, tensors[at]], tensors[at].axes, dtype))
    return [*tensors[:at], inside, *tensors[at + 1 :]]


def materialised(builder: Builder, factor: Factor, dtype: str) -> Value:
    """A factor as a value that can be summed: its inverse is computed."""
    return multiplied(builder, [factor], (), dtype) if factor.inverse else factor.value


def _volume(axes: Sequence[Index]) -> int:
    return prod(index.size.estimate({}) for index in axes)


def _cheapest_pair(tensors: Sequence[Factor], waiting: Sequence[Index]) -> tuple[int, int]:
    """The two factors to join next: the least multiplications, then the smallest result."""

    def cost(first: int, second: int) -> tuple[int, int]:
        union = dict.fromkeys((*tensors[first].axes, *tensors[second].axes))
        elsewhere = {i for at, f in enumerate(tensors) if at not in (first, second) for i in f.axes}
        kept = [index for index in union if index in elsewhere or index not in waiting]
        return _volume(tuple(union)), _volume(kept)

    pairs = [(first, second) for first in range(len(tensors)) for second in range(first + 1, len(tensors))]
    return min(pairs, key=lambda pair: cost(*pair))


def _scaled_early(
    builder: Builder, tensors: list[Factor], numbers: list[Factor], summed: Sequence[Index], dtype: str
) -> tuple[list[Factor], list[Factor]]:
    """Numbers go to the smallest factor where the result is larger than that, else to the result."""
    axes = dict.fromkeys(index for factor in tensors for index in factor.axes if index not in summed)
    at = min(range(len(tensors)), key=lambda at: _volume(tensors[at].axes))
    if not is_floating(dtype) or _volume(tuple(axes)) <= _volume(tensors[at].axes):
        return tensors, numbers
    scaled = Factor(multiplied(builder, [*numbers, tensors[at]], tensors[at].axes, dtype))
    return [scaled if position == at else factor for position, factor in enumerate(tensors)], []


# --- nothing summed ----------------------------------------------------------------------------------------------


def multiplied(builder: Builder, factors: Sequence[Factor], wanted: Sequence[Index], dtype: str) -> Value:
    """The elementwise product; smaller factors first, numbers joined before, inverses as divisions."""
    coefficient, divisor = _numbers([factor for factor in factors if factor.value.number])
    over = _scaled_norms([factor.value for factor in factors if not factor.value.number and not factor.inverse])
    under = [factor.value for factor in factors if not factor.value.number and factor.inverse]
    if not over and not under:
        return divided_numbers(coefficient, divisor, dtype)
    if len(over) == len(factors) and joined(over) == "bool":
        return conjoined(builder, over, wanted)
    over.sort(key=lambda value: len(value.axes))
    order = common_order([*over, *under], wanted)
    if over:
        care = _needs_care([*over, *under], coefficient, divisor, dtype)
        over = [value for _, value in promoted(over, dtype)] if care else over
    if coefficient is not None and not (over and divisor is None and _is_one(coefficient)):
        over = [coefficient, *over]
    if not over:
        over, under = [literal(1.0)], [cast(v, dtype) if not is_floating(v.dtype) else v for v in under]
    elif all(value.number for value in over):
        under = [cast(v, dtype) if not is_floating(v.dtype) else v for v in under]
    if divisor is not None:
        under = [divisor if is_positive(divisor) else tensor_of(cast(divisor, dtype)), *under]
    rest = [*(("*", value) for value in over[1:]), *(("/", value) for value in under)]
    return chained(builder, over[0], rest, order, dtype)


def _scaled_norms(values: list[Value]) -> list[Value]:
    """Values with a factor along the last axis of a norm moved into the call of the norm."""
    for at, value in enumerate(values):
        match value.code:
            case Call(function="F.layer_norm" | "F.rms_norm" as function, args=(arg, size), keywords=keywords):
                for other, scale in enumerate(values):
                    if other != at and scale.axes == value.axes[-1:] and scale.dtype == value.dtype:
                        folded = replace(value, code=Call(function, (arg, size, scale.code), keywords))
                        return [folded if p == at else v for p, v in enumerate(values) if p != other]
    return values


def _is_one(value: Value) -> bool:
    return isinstance(value.code, Number) and value.code.value == 1


def _needs_care(tensors: Sequence[Value], coefficient: Value | None, divisor: Value | None, dtype: str) -> bool:
    numbers = [value for value in (coefficient, divisor) if value is not None]
    return any(value.dtype != dtype for value in (*tensors, *numbers))


def _numbers(factors: Sequence[Factor]) -> tuple[Value | None, Value | None]:
    """The product of numbers and of divisors; known ones are multiplied out."""
    over = [factor.value for factor in factors if not factor.inverse]
    under = [factor.value for factor in factors if factor.inverse]
    return _joint_number(over), _joint_number(under)


def _joint_number(values: Sequence[Value]) -> Value | None:
    result: Value | None = None
    for value in sorted(values, key=lambda value: not isinstance(value.code, Number)):
        result = value if result is None else number_product(result, value)
    return result


def number_product(left: Value, right: Value) -> Value:
    if isinstance(left.code, Number) and isinstance(right.code, Number):
        a, b = left.code.value, right.code.value
        assert a is not None
        assert b is not None
        return literal(a * b if isinstance(a * b, int | float | complex) else 0)
    if _is_one(left):
        return replace(right, dtype=joined([left, right]))
    return Value(Infix("*", left.code, right.code), (), joined([left, right]), True)


def divided_numbers(over: Value | None, under: Value | None, dtype: str) -> Value:
    """A quotient of Python numbers; where the divisor may be 0 it is a tensor, whose quotient is infinite."""
    if under is None:
        return over or literal(1)
    top = over or literal(1)
    if isinstance(top.code, Number) and isinstance(under.code, Number) and under.code.value:
        assert top.code.value is not None
        return cast(literal(top.code.value / under.code.value), dtype)
    if is_positive(under):
        return Value(Infix("/", top.code, under.code), (), dtype, True)
    return Value(Infix("/", top.code, tensor_of(cast(under, dtype)).code), (), dtype)


# --- summed ------------------------------------------------------------------------------------------------------


def summed_out(builder: Builder, value: Value, indices: Sequence[Index], dtype: str) -> Value:
    """The value summed over some of its axes."""
    dims = [at for at, index in enumerate(value.axes) if index in indices]
    kept = [index for index in value.axes if index not in indices]
    if len(dims) == len(value.axes):
        return builder.value(Method(value.code, "sum", ()), (), _sum_type(value.dtype))
    which: Code = Number(dims[0] - len(value.axes) if dims[0] == len(value.axes) - 1 else dims[0])
    if len(dims) > 1:
        which = Items(tuple(Number(dim) for dim in dims))
    return builder.value(Method(value.code, "sum", (which,)), kept, _sum_type(value.dtype))


def _sum_type(dtype: str) -> str:
    return "int" if dtype == "bool" else dtype


@dataclass(frozen=True, slots=True)
class Roles:
    """What each index of a pair is: in both and kept, in both and summed, in the first or the second only."""

    batch: tuple[Index, ...]
    summed: tuple[Index, ...]
    left: tuple[Index, ...]
    right: tuple[Index, ...]

    def swapped(self) -> Roles:
        return Roles(self.batch, self.summed, self.right, self.left)


def _roles(first: Value, second: Value, summed: Sequence[Index]) -> Roles:
    return Roles(
        tuple(index for index in first.axes if index in second.axes and index not in summed),
        tuple(index for index in second.axes if index in first.axes and index in summed),
        tuple(index for index in first.axes if index not in second.axes),
        tuple(index for index in second.axes if index not in first.axes),
    )


def _pair(
    builder: Builder, one: Factor, two: Factor, summed: Sequence[Index], wanted: Sequence[Index], dtype: str
) -> Value:
    """Two factors joined, ``summed`` summed (all of them stand in both)."""
    if not summed:
        axes = tuple(dict.fromkeys((*one.axes, *two.axes)))
        return multiplied(builder, [one, two], [index for index in wanted if index in axes], _product_type(one, two))
    first, second = materialised(builder, one, dtype), materialised(builder, two, dtype)
    work = tuple(index.size for index in dict.fromkeys((*first.axes, *second.axes)))
    roles = _roles(first, second, summed)
    if _second_comes_first(first, second, roles, wanted):
        first, second, roles = second, first, roles.swapped()
        roles = replace(roles, summed=_roles(first, second, summed).summed)
    if wanted and all(index in wanted for index in roles.batch):
        roles = replace(roles, batch=tuple(index for index in wanted if index in roles.batch))
    if not roles.left and not roles.right:
        result = _inner(builder, first, second, roles, dtype)
    elif joined([first, second]) in ("bool", "int"):
        result = _integers(builder, first, second, roles)
    else:
        first, second = cast(first, joined([first, second])), cast(second, joined([first, second]))
        result = _matrix(builder, first, second, roles)
    builder.work[result.code] = work
    return result


def _product_type(one: Factor, two: Factor) -> str:
    dtype = joined([one.value, two.value])
    return "float" if (one.inverse or two.inverse) and not is_floating(dtype) else _sum_type(dtype)


def _second_comes_first(first: Value, second: Value, roles: Roles, wanted: Sequence[Index]) -> bool:
    """Whether the second factor gives the leading axes of the result."""
    if not roles.left or not roles.right:
        return not roles.left
    ranked = [index for index in wanted if index in roles.left or index in roles.right]
    return bool(ranked) and ranked[0] in roles.right


def _inner(builder: Builder, first: Value, second: Value, roles: Roles, dtype: str) -> Value:
    """All indices stand in both factors."""
    kind = joined([first, second])
    if not roles.batch and is_floating(kind):
        one, two = cast(first, kind), cast(second, kind)
        return builder.value(call("torch.dot", grouped(one, (roles.summed,)), grouped(two, (roles.summed,))), (), kind)
    whole = multiplied(builder, [Factor(first), Factor(second)], (), _sum_type(kind))
    return summed_out(builder, whole, roles.summed, dtype)


def _integers(builder: Builder, first: Value, second: Value, roles: Roles) -> Value:
    """Products of integers and truth values, by kernels that are exact on every device."""
    kernel = "count_product" if joined([first, second]) == "bool" else "integer_product"
    left, right = _sides(first, second, roles)
    code: Code = call(kernel, left, right)
    if not roles.right:
        code = method(code, "squeeze", -1)
    groups = [*((index,) for index in roles.batch), roles.left, roles.right]
    return builder.value(ungrouped(code, groups), (*roles.batch, *roles.left, *roles.right), "int")


def _sides(first: Value, second: Value, roles: Roles) -> tuple[Code, Code]:
    """The factors as ``[batch..., left, summed]`` and ``[batch..., summed, right]``, groups flattened."""
    batch = [(index,) for index in roles.batch]
    left = grouped(first, [*batch, roles.left, roles.summed])
    right = grouped(second, [*batch, roles.summed, roles.right])
    return left, (right if roles.right else method(right, "unsqueeze", -1))


def _matrix(builder: Builder, first: Value, second: Value, roles: Roles) -> Value:
    if roles.batch:
        left, right = _sides(first, second, roles)
        code: Code = call("torch.bmm" if len(roles.batch) == 1 else "torch.matmul", left, right)
        if not roles.right:
            code = method(code, "squeeze", -1)
        groups = [*((index,) for index in roles.batch), roles.left, roles.right]
        code = ungrouped(code, groups)
    elif not roles.right:
        left = grouped(first, [*((index,) for index in roles.left), roles.summed])
        vector = grouped(second, [roles.summed])
        code = call("torch.mv" if len(roles.left) == 1 else "torch.matmul", left, vector)
    else:
        code = _linear(first, second, roles)
    return builder.value(code, (*roles.batch, *roles.left, *roles.right), first.dtype)


def _linear(first: Value, second: Value, roles: Roles) -> Code:
    """``[left..., summed]`` times a matrix that is stored ``[right, summed]`` (linear) or ``[summed, right]`` (mm)."""
    singles = [(index,) for index in roles.left]
    left = grouped(first, [*singles, roles.summed])
    if second.axes[-1] in roles.summed:
        code: Code = Call("F.linear", (left, grouped(second, [roles.right, roles.summed])), ())
    else:
        function = "torch.mm" if len(singles) == 1 else "torch.matmul"
        code = call(function, left, grouped(second, [roles.summed, roles.right]))
    return ungrouped(code, [*singles, roles.right])
