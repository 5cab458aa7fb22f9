"""Scans and fixpoints that compute the same, as two applications of one module do, are computed once.

In: a Program with scans and fixpoints. Out: the same one in which of equal ones only the first is left, and what read
the others reads it. Equal are those whose equations are the same but for the names of the tensors that they define.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.ir.nodes import Expr, Index, Position, Read
from tensorlang.ir.program import Definition, Piece, Program, Tensor
from tensorlang.ir.recursion import Fixpoint, Scan
from tensorlang.ir.rewrite import map_piece, rewrite
from tensorlang.passes.contexts import needed
from tensorlang.passes.sound import draws
from tensorlang.records import replace

Names = Mapping[str, str]
Unit = Scan | Fixpoint


def share_recursions(program: Program) -> Program:
    """The program with equal scans and fixpoints computed once."""
    if len(program.scans) + len(program.fixpoints) < 2 or program.recursions:
        return program
    instead: dict[str, str] = {}
    first: dict[object, tuple[str, ...]] = {}
    same = _whole_copies(program)
    scans = [scan for scan in program.scans if _is_new(program, _scan(scan, _seen(same, instead)), first, instead)]
    fixpoints = [
        unit for unit in program.fixpoints if _is_new(program, _fixpoint(unit, _seen(same, instead)), first, instead)
    ]
    if not instead:
        return program
    copied = [program.tensors[name] for name in sorted(needed(program)) if name in instead]
    return replace(
        program,
        tensors={**program.tensors, **{tensor.name: replace(tensor, kind="defined") for tensor in copied}},
        definitions=(
            *(_definition(definition, instead) for definition in program.definitions),
            *(_copy(tensor, instead[tensor.name]) for tensor in copied),
        ),
        scans=tuple(_scan(scan, instead) for scan in scans),
        fixpoints=tuple(_fixpoint(unit, instead) for unit in fixpoints),
    )


def _whole_copies(program: Program) -> dict[str, str]:
    """Tensors that are another one under a second name, as ``H = GRU(X)`` is, with the first name of each."""
    found: dict[str, str] = {}
    for definition in program.definitions:
        piece, shape = definition.pieces[0], program.tensors[definition.tensor].shape
        whole = definition.direct and definition.aggregate == "sum"
        if whole and isinstance(piece.value, Read) and (piece.value.at, piece.value.shape) == (piece.left, shape):
            found[definition.tensor] = found.get(piece.value.tensor, piece.value.tensor)
    return found


def _seen(same: Names, instead: Names) -> Names:
    """The name under which each tensor is known that has several."""
    return {**instead, **{name: instead.get(source, source) for name, source in same.items()}}


def _is_new(program: Program, unit: Unit, first: dict[object, tuple[str, ...]], instead: dict[str, str]) -> bool:
    """Whether nothing before computes the same; otherwise ``instead`` gets what stands for each of its tensors."""
    numbers = {name: f"{at}" for at, name in enumerate(unit.members)}
    kinds = tuple((program.tensors[name].shape, program.tensors[name].dtype) for name in unit.members)
    meant = (_scan(unit, numbers) if isinstance(unit, Scan) else _fixpoint(unit, numbers), kinds)
    if any(draws(piece.value) for definition in unit.definitions for piece in definition.pieces):
        return True
    if meant in first:
        instead.update(zip(unit.members, first[meant], strict=True))
        return False
    first[meant] = unit.members
    return True


def _copy(tensor: Tensor, source: str) -> Definition:
    """A tensor that must exist under its name, as what is computed instead of it."""
    indices = tuple(Index(f"i{at}", size) for at, size in enumerate(tensor.shape))
    at = tuple(map(Position, indices))
    value = Read(source, at, tensor.shape, tensor.dtype)
    return Definition(tensor.name, "sum", (Piece(at, indices, value, False, tensor.span),))


# --- other names -------------------------------------------------------------------------------------------------


def _scan(scan: Scan, names: Names) -> Scan:
    return replace(
        scan,
        axes=tuple((names.get(tensor, tensor), axis) for tensor, axis in scan.axes),
        definitions=tuple(_definition(definition, names) for definition in scan.definitions),
        inner=tuple(_scan(inner, names) for inner in scan.inner),
        resting=tuple(
            replace(r, tensors=tuple(names.get(tensor, tensor) for tensor in r.tensors)) for r in scan.resting
        ),
        late=tuple((names.get(tensor, tensor), steps) for tensor, steps in scan.late),
        kept=frozenset(names.get(tensor, tensor) for tensor in scan.kept),
    )


def _fixpoint(unit: Fixpoint, names: Names) -> Fixpoint:
    definitions = tuple(_definition(definition, names) for definition in unit.definitions)
    reports = tuple((names.get(tensor, tensor), what) for tensor, what in unit.reports)
    inner = tuple(_scan(scan, names) for scan in unit.inner)
    return replace(unit, definitions=definitions, reports=reports, inner=inner)


def _definition(definition: Definition, names: Names) -> Definition:
    def renamed(node: Expr) -> Expr | None:
        if isinstance(node, Read) and node.tensor in names:
            return Read(names[node.tensor], node.at, node.shape, node.dtype)
        return None

    pieces = tuple(map_piece(piece, lambda node: rewrite(node, (renamed,))) for piece in definition.pieces)
    return replace(definition, tensor=names.get(definition.tensor, definition.tensor), pieces=pieces)
