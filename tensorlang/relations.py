"""Relations that are given on pairs: what a caller gives as sorted columns, and what is made of columns before a call.

In: a sparse tensor of torch, ``tl.pairs(index, sizes)``, or a dense table that is nearly empty. Out: a ``Held``:
distinct rows of positions in rising order, with weights where there are any; and, for the function that is called,
every tensor that it takes of them (row pointers, orders, unions), made once and kept with the relation.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy
import torch
from torch.utils.weak import WeakTensorKeyDictionary

from tensorlang.backends import kernels_pairs
from tensorlang.deduction import Deduction
from tensorlang.diagnostics import RunError, run_error
from tensorlang.inputs import converted
from tensorlang.ir.domain import Symbol
from tensorlang.ir.pairs import KIND, Recipe
from tensorlang.ir.plan import Plan
from tensorlang.ir.program import Tensor
from tensorlang.records import dataclass, field, replace

with warnings.catch_warnings():
    # torch says once that sparse tensors are new to it; that is no concern of a caller's.
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor(torch.tensor([0, 0]), torch.zeros(0, dtype=torch.int64), torch.zeros(0), (1, 1))

# A table of truth values is turned into pairs where it has so many elements, and one in so many of them is true.
_LARGE, _EMPTY = 1 << 18, 16


class Pairs:
    """What ``tl.pairs`` makes: positions ``index`` [places, pairs], the sizes of the places, and perhaps weights.

    Pairs may come in any order and more than once: the weights of one that does are added. What is found out about
    the positions is kept with them.
    """

    def __init__(self, index: Any, sizes: Sequence[int], values: Any = None) -> None:
        self.index = _tensor(index)
        self.values = None if values is None else _tensor(values)
        self.chosen = isinstance(values, torch.Tensor)
        self.sizes = tuple(int(size) for size in sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.sizes

    def __repr__(self) -> str:
        count = self.index.shape[-1] if self.index.dim() else 0
        weighted = "" if self.values is None else ", with weights"
        return f"<{count} pairs of {' x '.join(map(str, self.sizes))}{weighted}>"


def _tensor(value: Any) -> torch.Tensor:
    return value if isinstance(value, torch.Tensor) else torch.from_numpy(numpy.array(value))


@dataclass(eq=False, slots=True, weakref_slot=True)
class Order:
    """Distinct rows of positions, sorted, and where each given row went (None: they stood so)."""

    columns: tuple[torch.Tensor, ...]
    inverse: torch.Tensor | None
    made: dict[tuple[object, ...], tuple[torch.Tensor, list[torch.Tensor]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """A relation on pairs as a call has it; ``weights`` are in the order of its columns.

    Calls are told apart by their tensors' shapes, types and devices: a relation's type is the order of its pairs.
    """

    order: Order
    shape: tuple[int, ...]
    weights: torch.Tensor | None
    chosen: bool = True

    @property
    def count(self) -> int:
        return self.order.columns[0].shape[0]

    @property
    def dtype(self) -> Order:
        return self.order

    @property
    def device(self) -> torch.device:
        return self.order.columns[0].device

    @property
    def requires_grad(self) -> bool:
        return False

    def of_ones(self, floating: torch.dtype) -> Held:
        """The same pairs, each with the weight 1."""
        return replace(self, weights=torch.ones([self.count], dtype=floating, device=self.device))

    def to(self, device: torch.device) -> Held:
        """The same relation on a device."""
        if device == self.device:
            return self
        columns = tuple(column.to(device) for column in self.order.columns)
        inverse = None if self.order.inverse is None else self.order.inverse.to(device)
        weights = None if self.weights is None else self.weights.to(device)
        return Held(Order(columns, inverse), self.shape, weights, self.chosen)


def is_floating(value: Any) -> bool:
    """Whether a table is one of weights."""
    if isinstance(value, torch.Tensor):
        return value.is_floating_point()
    try:
        return numpy.asarray(value).dtype.kind == "f"
    except (ValueError, TypeError, OverflowError, RuntimeError):
        return False  # what is no tensor is told later


def weights_of(relation: Held, tensor: Tensor, floating: torch.dtype) -> torch.Tensor:
    """The weights of a relation as the program's floats."""
    assert relation.weights is not None, "only weights are asked for"
    if relation.weights.dtype == floating:
        return relation.weights
    return converted(relation.weights, replace(tensor, dtype="float"), floating, relation.chosen)


_ORDERS: Any = WeakTensorKeyDictionary()  # by an index: its version, sizes, and their Order
_KEPT: dict[
    int, tuple[Any, tuple[int, ...], Held | None]
] = {}  # by the identity of what was given: a weak reference, its version, a Held


def is_sparse(value: Any) -> bool:
    """Whether what is given says itself that it holds pairs."""
    return isinstance(value, Pairs | Held) or (isinstance(value, torch.Tensor) and value.layout != torch.strided)


def held(value: Any, tensor: Tensor, device: torch.device) -> Held | None:
    """What was given for a relation as pairs, where it is that or is better so; None: as a table."""
    if isinstance(value, Held):
        return value
    if not is_sparse(value) and (not isinstance(value, torch.Tensor) or value.numel() < _LARGE):
        return None
    known = _known(value)
    if known is not None:
        return known[0]
    made = _made(value, tensor, device)
    if not (isinstance(value, torch.Tensor) and value.requires_grad):
        _keep(value, made)
    return made


def _known(value: Any) -> tuple[Held | None] | None:
    entry = _KEPT.get(id(value))
    if entry is None:
        return None
    reference, version, found = entry
    return (found,) if reference() is value and version == _version(value) else None


def _keep(value: Any, made: Held | None) -> None:
    if isinstance(value, Pairs) and value.values is not None and value.values.requires_grad:
        return
    key = id(value)
    _KEPT[key] = (weakref.ref(value, lambda _: _KEPT.pop(key, None)), _version(value), made)


def _version(value: Any) -> tuple[int, ...]:
    if isinstance(value, Pairs):
        parts = [value.index, *([] if value.values is None else [value.values])]
        return tuple(version for part in parts for version in (id(part), part._version))
    return (value._version,)


def _made(value: Any, tensor: Tensor, device: torch.device) -> Held | None:
    if isinstance(value, Pairs):
        return replace(normal(value.index.to(device), value.sizes, value.values, tensor), chosen=value.chosen)
    if value.layout == torch.strided:
        count = int(torch.count_nonzero(value))
        if count * _EMPTY > value.numel() or value.dim() != len(tensor.axes) or value.dim() == 0:
            return None
        index = value.nonzero().t()
        weights = value[tuple(index)] if value.is_floating_point() else None
        return normal(index, tuple(value.shape), weights, tensor)
    if value.layout != torch.sparse_coo:
        value = value.to_sparse_coo()
    if value.dense_dim():
        raise run_error("E0612", f"`{tensor.name}` was given with dense axes beside its pairs", (tensor.span, "here"))
    if value.is_coalesced() or value.requires_grad:
        value = value.coalesce()
        index, weights = value.indices(), value.values()
    else:
        index, weights = value._indices(), value._values()
    if not weights.is_floating_point():
        return normal(index[:, weights != 0].to(device), tuple(value.shape), None, tensor)
    return normal(index.to(device), tuple(value.shape), weights, tensor)


def normal(index: torch.Tensor, sizes: tuple[int, ...], weights: torch.Tensor | None, tensor: Tensor) -> Held:
    """Positions checked, sorted and each pair once."""
    _check(index, sizes, weights, tensor)
    order = _order(index, sizes)
    if weights is not None and not weights.is_floating_point():
        weights = weights.to(torch.get_default_dtype())
    if weights is not None and order.inverse is not None:
        weights = torch.zeros_like(weights[:1]).expand(order.columns[0].shape[0]).index_add(0, order.inverse, weights)
    return Held(order, sizes, weights)


def told_on_pairs(
    deduction: Deduction, tensor: Tensor, known: Mapping[Symbol, int], device: torch.device, floating: torch.dtype
) -> Held:
    """A relation that facts and rules define, from its rows; ``known`` are the sizes of its places."""
    rows, weights = deduction.pairs(tensor.name)
    index = torch.stack([torch.from_numpy(numpy.ascontiguousarray(column)) for column in rows])
    sizes = tuple(size.value(known) for size in tensor.shape)
    inside = torch.stack([(column >= 0) & (column < size) for column, size in zip(index, sizes, strict=True)]).all(0)
    values = None if weights is None else torch.from_numpy(weights)[inside].to(device, floating)
    return normal(index[:, inside].to(device), sizes, values, tensor)


def _order(index: torch.Tensor, sizes: tuple[int, ...]) -> Order:
    known = _ORDERS.get(index)
    if known is not None and known[:2] == (index._version, sizes):
        found: Order = known[2]
        return found
    made = _sorted(index.to(torch.int64), sizes)
    _ORDERS[index] = (index._version, sizes, made)
    return made


def _sorted(index: torch.Tensor, sizes: tuple[int, ...]) -> Order:
    code = kernels_pairs.pairs_code(list(index), list(sizes))
    if bool((code[1:] > code[:-1]).all()):
        return Order(tuple(column.contiguous() for column in index), None)
    distinct, inverse = torch.unique(code, return_inverse=True)
    columns = []
    for size in reversed(sizes[1:]):
        columns.append(torch.remainder(distinct, size))
        distinct = torch.div(distinct, size, rounding_mode="floor")
    return Order((distinct, *reversed(columns)), inverse)


def _check(index: torch.Tensor, sizes: tuple[int, ...], weights: torch.Tensor | None, tensor: Tensor) -> None:
    place = (tensor.span, "declared here")
    if index.dim() != 2 or index.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8):
        found = f"{' x '.join(map(str, index.shape)) or 'one number'} of {str(index.dtype).removeprefix('torch.')}"
        raise run_error(
            "E0612", f"the pairs of `{tensor.name}` are whole numbers in a row a place, not {found}", place,
            help=["`tl.pairs(index, sizes)` takes an `index` of shape [places, pairs]"],
        )  # fmt: skip
    if index.shape[0] != len(sizes) or len(sizes) != len(tensor.axes):
        raise run_error(
            "E0603",
            f"relation `{tensor.name}` has {len(tensor.axes)} places, "
            f"but was given {index.shape[0]} rows of positions and {len(sizes)} sizes",
            place,
        )
    if weights is not None and weights.shape != index.shape[1:]:
        raise run_error(
            "E0612",
            f"`{tensor.name}` was given {index.shape[1]} pairs, and weights of shape {list(weights.shape)}",
            place,
        )
    if index.numel() == 0 or torch.compiler.is_compiling():
        return
    for k, size in enumerate(sizes):
        wrong = (index[k] < 0) | (index[k] >= size)
        if bool(wrong.any()):
            row = int(wrong.nonzero()[0])
            raise _outside(tensor, k, row, int(index[k, row]), size)


def _outside(tensor: Tensor, k: int, row: int, found: int, size: int) -> RunError:
    label = tensor.axes[k].label
    return run_error(
        "E0607",
        f"pair {row} of `{tensor.name}` has {found} at place {k + 1} (`{label}`), "
        f"but positions go from 0 to {size - 1}",
        (tensor.span, f"`{label}` has size {size}"),
    )


# --- what a function takes of them ---------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _told_that_csr_is_new() -> None:
    """Let torch say once, to nobody, that compressed sparse rows are in beta: users have not asked for them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor(torch.tensor([0, 1]), torch.tensor([0]), torch.ones(1), (1, 1))


@dataclass(slots=True)
class Maker:
    """Makes what recipes say, from relations in a call; ``sizes`` learns how many pairs there are."""

    recipes: Mapping[str, Recipe]
    given: Mapping[str, Held]
    sizes: dict[Symbol, int]

    def arguments(self, plan: Plan) -> dict[str, torch.Tensor]:
        """All tensors of the kind ``pairs`` that a plan takes, weights left out."""
        if any(argument.kind == KIND for argument in plan.arguments):
            _told_that_csr_is_new()
        found = {}
        for argument in plan.arguments:
            if argument.kind == KIND and not argument.tensor.endswith(".weights"):
                found[argument.tensor] = self.make(argument.tensor)
                for size, number in zip(argument.shape, found[argument.tensor].shape, strict=True):
                    if size.symbol is not None:
                        self.sizes.setdefault(size.symbol, number)
        return found

    def make(self, name: str) -> torch.Tensor:
        recipe = self.recipes.get(name)
        if recipe is None:
            relation, _, place = name.rpartition(".at")
            return self.given[relation].order.columns[int(place)]
        numbers = [a if isinstance(a, int) else a.value(self.sizes) for a in recipe.arguments if not isinstance(a, str)]
        tensors = [self.make(read) for read in recipe.reads]
        keeper = self._keeper(recipe)
        key = (recipe.kernel, *numbers, *(id(tensor) for tensor in tensors))
        if key not in keeper:
            # What it is made of stays alive beside it, so that the key is of nothing else.
            keeper[key] = getattr(kernels_pairs, recipe.kernel)(tensors, numbers), tensors
        return keeper[key][0]

    def _keeper(self, recipe: Recipe) -> dict[tuple[object, ...], tuple[torch.Tensor, list[torch.Tensor]]]:
        """Where what a recipe makes is kept: with the first relation that it is made of."""
        name = recipe.reads[0]
        while name in self.recipes:
            name = self.recipes[name].reads[0]
        return self.given[name.rpartition(".at")[0]].order.made


def as_sparse(values: torch.Tensor | None, columns: Sequence[torch.Tensor], places: Sequence[int | None],
              shape: Sequence[int]) -> torch.Tensor:  # fmt: skip
    """A tensor on pairs as a sparse tensor of torch: ``values`` [pairs, own axes...], ``places`` one for each axis."""
    own = [size for size, place in zip(shape, places, strict=True) if place is None]
    count, inner = columns[0].shape[0], prod(own)
    if values is None:
        values = torch.ones([count], dtype=torch.bool, device=columns[0].device)
    grid = torch.cartesian_prod(*(torch.arange(size, device=values.device) for size in own)) if own else None
    if grid is not None and grid.dim() == 1:
        grid = grid.unsqueeze(1)
    rows, at = [], 0
    for place in places:
        if place is None:
            assert grid is not None, "own axes have a grid"
            rows.append(grid[:, at].repeat(count))
            at += 1
        else:
            rows.append(columns[place].repeat_interleave(inner))
    index = torch.stack(rows)
    made = torch.sparse_coo_tensor(index, values.reshape(-1), tuple(shape), check_invariants=False)
    return made.coalesce()
