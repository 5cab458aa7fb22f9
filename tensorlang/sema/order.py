"""The order in which tensors are computed."""

from __future__ import annotations

from itertools import pairwise

from tensorlang.sema.domains import accesses
from tensorlang.sema.recursion import Unit
from tensorlang.sema.reports import source_of
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.world import World


def in_order(world: World) -> list[TensorInfo]:
    """Defined tensors, each after those that it reads, otherwise as in the text; circles have been reported."""
    defined = {info.name: info for info in world.tensors.values() if info.kind == "defined"}
    read = {
        name: [source_of(world, a.tensor) for s in info.statements for a in accesses(s)]
        for name, info in defined.items()
    }
    reads = {name: [other for other in dict.fromkeys(others) if other in defined] for name, others in read.items()}
    for unit in dict.fromkeys(world.units.values()):
        _as_one(unit, reads)
    done: set[str] = set()
    ordered: list[TensorInfo] = []
    for start in defined:
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            name, at = stack.pop()
            if at == 0:
                if name in done:
                    continue
                done.add(name)
            for position in range(at, len(reads[name])):
                other = reads[name][position]
                if other not in done:
                    stack += [(name, position + 1), (other, 0)]
                    break
            else:
                ordered.append(defined[name])
    return ordered


def _as_one(unit: Unit, reads: dict[str, list[str]]) -> None:
    """Let a circle stand at one place: its first tensor waits for what any reads, each other for the one before."""
    members = unit.order
    inside = frozenset(members)
    reads[members[0]] = list(dict.fromkeys(n for member in members for n in reads[member] if n not in inside))
    for before, member in pairwise(members):
        reads[member] = [before]
    for name, others in reads.items():
        if name not in inside and not inside.isdisjoint(others):
            reads[name] = list(dict.fromkeys(members[-1] if other in inside else other for other in others))
