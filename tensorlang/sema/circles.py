"""Tensors that read each other in a circle, with no axis that orders them: computed until nothing changes.

In: a group of tensors, each of which needs all. Out: a ``Circle``, the order of one step in it chosen so that as few
tensors as possible are read before the step has computed them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from tensorlang.records import dataclass
from tensorlang.sema.declared import Asked
from tensorlang.sema.define import is_special
from tensorlang.sema.resolved import Access, Addition, Multiplication, Raise, walk
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.well_founded import Recurrence, components, well_founded

IDEMPOTENT = ("min=", "max=", "or=", "and=")

Reads = Mapping[str, list[str]]

# Above this many tensors in one circle the smallest set that cuts it is not searched for.
SEARCHED = 12


@dataclass(slots=True, eq=False)
class Circle:
    """``order`` are the tensors in the order of one step; ``monotone``: each circle passes through min max or and.

    ``inner`` are tensors that each step computes position by position.
    """

    order: tuple[str, ...]
    monotone: bool
    asked: Asked | None
    inner: tuple[Recurrence, ...] = ()


def find_circle(group: Mapping[str, TensorInfo], reads: Reads, asked: Asked | None) -> Circle | None:
    """The group as a circle; None where no declaration asks for it and aggregates do not cut it.

    Aggregates that cut it make it monotone, unless its declaration has it settle.
    """
    improving = [name for name, info in group.items() if idempotent(info)]
    cut = None if asked is not None and asked.settles else _cut(reads, improving)
    if cut is not None:
        return Circle(_step_order(reads, cut), True, asked)
    if asked is None:
        return None
    named = [name for name in group if name in asked.names]
    stepping = _with_recurrences(group, reads, named, asked)
    if stepping is not None:
        return stepping
    cut = _cut(reads, [*named, *(name for name in group if name not in named)])
    assert cut is not None
    return Circle(_step_order(reads, cut), False, asked)


def _with_recurrences(group: Mapping[str, TensorInfo], reads: Reads, named: list[str], asked: Asked) -> Circle | None:
    """The circle where all that is left of circles between its declared tensors is computed position by position."""
    rest = {name: [other for other in reads[name] if other not in named] for name in group if name not in named}
    found = []
    for part in components(rest):
        if len(part) > 1 or part[0] in rest[part[0]]:
            recurrence = well_founded({name: group[name] for name in part})
            if recurrence is None:
                return None
            found.append(recurrence)
    together = {name: recurrence.order for recurrence in found for name in recurrence.order}
    apart = {name: [other for other in reads[name] if other not in together.get(name, ())] for name in reads}
    cut = _cut(apart, named) if found else None
    return None if cut is None else Circle(_step_order(apart, cut), False, asked, tuple(found))


def idempotent(info: TensorInfo) -> bool:
    """Whether a tensor only ever takes the best of what falls on an element: to be told twice changes nothing."""
    general = [statement.operator for statement in info.statements if not is_special(statement)]
    if info.relation and all(operator in ("=", "+=") for operator in general):
        return True
    return bool(general) and all(operator in IDEMPOTENT for operator in general)


def counted(group: Mapping[str, TensorInfo]) -> set[str]:
    """The tensors on which arithmetic is done inside a group: their start, an infinity, must be a real number then."""
    return {
        part.tensor
        for info in group.values()
        for statement in info.statements
        for node in walk(statement.value)
        if isinstance(node, Addition | Multiplication | Raise)
        for part in walk(node)
        if isinstance(part, Access) and part.tensor in group
    }


def _cut(reads: Reads, candidates: list[str]) -> frozenset[str] | None:
    """As few of the candidates as possible so that every circle passes through one; None where all do not do."""
    must = {name for name in reads if name in reads[name]}
    if not must <= set(candidates) or not _cuts(reads, frozenset(candidates)):
        return None
    free = [name for name in candidates if name not in must]
    if len(free) <= SEARCHED:
        for count in range(len(free) + 1):
            for chosen in combinations(free, count):
                if _cuts(reads, frozenset(must.union(chosen))):
                    return frozenset(must.union(chosen))
    kept = frozenset(candidates)
    for name in reversed(free):
        if _cuts(reads, kept - {name}):
            kept -= {name}
    return kept


def _cuts(reads: Reads, removed: frozenset[str]) -> bool:
    """Whether no circle is left without these tensors."""
    return len(_sorted(reads, removed)) == len(reads)


def _sorted(reads: Reads, before: frozenset[str]) -> list[str]:
    """Tensors, each behind those that it reads, but for reads of ``before``; what waits for a circle is left out."""
    waiting = {name: {other for other in found if other not in before} for name, found in reads.items()}
    readers: dict[str, list[str]] = {name: [] for name in reads}
    for name, found in waiting.items():
        for other in found:
            readers[other].append(name)
    order = [name for name, found in waiting.items() if not found]
    for name in order:
        for reader in readers[name]:
            waiting[reader].discard(name)
            if not waiting[reader]:
                order.append(reader)
    return order


def _step_order(reads: Reads, cut: frozenset[str]) -> tuple[str, ...]:
    """Each tensor behind those that it reads, but for the tensors of the cut, which are read as they were before."""
    return tuple(_sorted(reads, cut))
