"""Programs with relations on pairs, their recurrences and fixed points too: bodies are moved onto the same pairs.

In: a Program with scans and fixpoints. Out: one with recursions. What a body needs of pairs is fed to it whole, since a
relation is the same at every position and in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tensorlang.ir.pairs import KIND, Stored, Table, table_of, with_table
from tensorlang.ir.program import Program, Tensor, definition_reads
from tensorlang.ir.recursion import Feed, Iteration, Layer, LinearScan, Loop, Opening, Recursion, Scan
from tensorlang.passes.onto_pairs import onto_pairs
from tensorlang.passes.recursions import make_recursions, ordered
from tensorlang.records import replace

Optimise = Callable[[Program], Program]


def moved_onto_pairs(program: Program, optimised: Optimise) -> Program:
    """The program on pairs; ``optimised`` is applied to the bodies of its loops and iterations at last."""
    table = table_of(program)
    made = with_table(_moved(_structured(program), table, optimised), table)
    return replace(made, outputs=_handed_out(made)) if program.pairs_out else made


def _handed_out(program: Program) -> tuple[str, ...]:
    """The outputs, the values at pairs for those that are held on pairs."""
    names: list[str] = []
    for name in program.outputs:
        held = program.stored.get(name)
        names += [name] if held is None else [] if held.values is None else [held.values]
    return tuple(dict.fromkeys(names))


def _structured(program: Program) -> Program:
    """Scans and fixpoints made into recursions, bodies within bodies too; nothing of them is optimised yet."""
    if not program.scans and not program.fixpoints:
        return program
    related = _related(program)
    scans = tuple(_looped(scan) if scan.reads & related else scan for scan in program.scans)
    return make_recursions(replace(program, scans=scans), _structured)


def _related(program: Program) -> frozenset[str]:
    """The tensors that are made of relations on pairs and have as many axes: matrices that no product should fill."""
    found = set(program.stored)
    for definition in program.definitions:
        shape = program.tensors[definition.tensor].shape
        for name in definition_reads(definition) & found:
            places = program.tensors[name].shape
            if all(size in shape for size in places) and len(shape) >= len(places):
                found.add(definition.tensor)
    return frozenset(found)


def _looped(scan: Scan) -> Scan:
    """A recurrence through a relation goes position by position: as one product of matrices it would fill tables."""
    return replace(scan, manner=replace(scan.manner, method="loop")) if scan.manner.method == "auto" else scan


def _moved(program: Program, table: Table, optimised: Optimise) -> Program:
    program = onto_pairs(program, table)
    recursions = tuple(_recursion(unit, program, table, optimised) for unit in program.recursions)
    program = replace(program, recursions=recursions)
    program = replace(program, tensors={**program.tensors, **table.tensors})
    return replace(program, definitions=ordered(program, list(program.definitions)))


def _recursion(unit: Recursion, around: Program, table: Table, optimised: Optimise) -> Recursion:
    match unit:
        case Loop():
            body, feeds = _body(unit.body, unit.feeds, around, table, optimised)
            openings = tuple(Opening(*_body(o.body, o.feeds, around, table, optimised)) for o in unit.openings)
            return replace(unit, body=body, feeds=feeds, openings=openings)
        case Iteration():
            body, feeds = _body(unit.body, unit.feeds, around, table, optimised)
            return replace(unit, body=body, feeds=feeds)
        case LinearScan() | Layer():
            return unit


def _body(
    body: Program, feeds: tuple[Feed, ...], around: Program, table: Table, optimised: Optimise
) -> tuple[Program, tuple[Feed, ...]]:
    """A body on pairs, and what is fed to it: of what stands outside, just what it reads."""
    inner = Table(table.pairs, _visible(body, feeds, table), table.recipes, table.tensors, table.unions)
    moved = _moved(body, inner, lambda program: program)
    outside = {**around.tensors, **table.tensors}
    moved = replace(moved, pairs=dict(table.pairs))
    moved = optimised(_with_inputs(moved, outside))
    reads = _reads(moved)
    kept = {feed.name: feed for feed in feeds if feed.name in reads or feed.kind != "whole"}
    for name in _needed(moved, reads, table):
        if name not in kept and name in outside and moved.tensors[name].kind == "input":
            kept[name] = Feed(name, "whole", name)
    tensors = {n: t for n, t in moved.tensors.items() if t.kind != "input" or n in kept}
    inputs = [name for name, tensor in tensors.items() if tensor.kind == "input"]
    return replace(moved, tensors=tensors), tuple(kept[name] for name in inputs)


def _visible(body: Program, feeds: tuple[Feed, ...], table: Table) -> dict[str, Stored]:
    """What is on pairs of the tensors that a body is given whole."""
    whole = {feed.name for feed in feeds if feed.kind == "whole"}
    return {name: held for name, held in table.stored.items() if name in whole}


def _with_inputs(body: Program, outside: Mapping[str, Tensor]) -> Program:
    """The body with what it reads from outside as inputs."""
    tensors = dict(body.tensors)
    for name in _reads(body):
        if name not in tensors:
            tensors[name] = replace(outside[name], kind="input")
    for name, tensor in list(tensors.items()):
        if tensor.kind == KIND:
            tensors[name] = replace(tensor, kind="input")
    return replace(body, tensors=tensors)


def _reads(program: Program) -> frozenset[str]:
    return frozenset().union(
        *(definition_reads(definition) for definition in program.definitions),
        *(unit.reads for unit in program.recursions),
        program.outputs,
    )


def _needed(body: Program, reads: frozenset[str], table: Table) -> list[str]:
    """What a body reads, and for pairs that it reads all that kernels may ask for."""
    found = dict.fromkeys(sorted(reads))
    for pairs in table.pairs.values():
        if not reads.isdisjoint(pairs.columns):
            found.update(dict.fromkeys(pairs.tensors))
    return [name for name in found if name in body.tensors]
