"""The invariants of a Program, asserted between passes.

In: a Program and the name of the pass that made it. Out: nothing, or an ``AssertionError`` that names the pass, the
definition and what does not hold. Passes may rely on everything checked here.
"""

from __future__ import annotations

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype, join
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Position,
    Read,
    Reduce,
    Where,
    bound_indices,
    cached,
    children,
    free_indices,
)
from tensorlang.ir.program import Action, Definition, Piece, Program, TestAction
from tensorlang.ir.recursion import Fixpoint, Scan
from tensorlang.ir.rewrite import bound_inside, indices_inside
from tensorlang.ops import AGGREGATES, ALONG, POINTWISE, REDUCTIONS, STRUCTURED

DTYPES = ("bool", "int", "bf16", "float", "float64", "complex")
KINDS = ("input", "param", "buffer", "data", "relation", "pairs", "mode", "defined", "scanned")


def verify(program: Program, after: str) -> None:
    """Assert the invariants; ``after`` is the pass whose result this is."""
    for fault in _faults(program):
        raise AssertionError(f"after {after}: {fault}")


def _faults(program: Program) -> list[str]:
    faults: list[str] = []
    for name, tensor in program.tensors.items():
        if name != tensor.name or tensor.kind not in KINDS or tensor.dtype not in DTYPES:
            faults.append(f"the table holds {name} as {tensor.kind} {tensor.name} of {tensor.dtype}")
    known = {tensor.name for tensor in program.tensors.values() if tensor.kind != "defined"}
    for definition in program.definitions:
        for fault in _definition_faults(program, definition, known):
            faults.append(f"in the definition of {definition.tensor}: {fault}")
        known.add(definition.tensor)
    circles: list[Scan | Fixpoint] = [*program.scans, *program.fixpoints]
    for unit in circles:
        for definition in unit.definitions:
            for fault in _definition_faults(program, definition, known, "scanned"):
                faults.append(f"in the circle of {', '.join(unit.members)}, {definition.tensor}: {fault}")
    wanted = {*program.outputs, *(name for u in program.updates for name in (u.buffer, u.value))}
    wanted.update(*(_needs(action) for action in program.actions))
    faults += [f"{name} is wanted and not defined" for name in sorted(wanted - known)]
    return faults


def _needs(action: Action) -> set[str]:
    if isinstance(action, TestAction):
        return set().union(*(_needs(inner) for inner in action.actions))
    names = {getattr(action, slot) for slot in ("tensor", "loss") if hasattr(action, slot)}
    return names.union(*(getattr(action, slot) for slot in ("tensors", "parts") if hasattr(action, slot)))


def _definition_faults(program: Program, definition: Definition, known: set[str], kind: str = "defined") -> list[str]:
    tensor = program.tensors.get(definition.tensor)
    if tensor is None or tensor.kind != kind:
        return [f"no {kind} tensor of that name"]
    if definition.tensor in known and kind == "defined":
        return ["defined twice"]
    if definition.aggregate not in AGGREGATES.values():
        return [f"unknown aggregate {definition.aggregate}"]
    faults = [fault for piece in definition.pieces for fault in _node_faults(program, piece, known)]
    for piece in () if faults else definition.pieces:
        if len(piece.left) != len(tensor.axes):
            faults.append(f"{len(piece.left)} positions on the left, {len(tensor.axes)} axes")
        given = dtype(piece.value)
        if definition.aggregate not in ("any", "all") and _narrows(given, tensor.dtype):
            faults.append(f"a value of {given} in a tensor of {tensor.dtype}")
        faults += [f"a position of {dtype(at)} on the left" for at in piece.left if dtype(at) != "int"]
        faults += _scope_faults(piece)
    return faults


def _narrows(given: str, to: str) -> bool:
    """Whether a conversion loses more than precision."""
    if given == "complex" or to in ("bool", "int"):
        return join((given, to)) != to
    return False


def _scope_faults(piece: Piece) -> list[str]:
    faults: list[str] = []
    names = [index.name for index in piece.indices]
    on_left = frozenset().union(*(free_indices(position) for position in piece.left))
    if len(set(names)) != len(names) or on_left != frozenset(piece.indices):
        faults.append(f"indices {names}, on the left {sorted(i.name for i in on_left)}")
    loose = free_indices(piece.value) - frozenset(piece.indices)
    if loose:
        faults.append(f"free on the right only: {sorted(i.name for i in loose)}")
    everywhere = indices_inside(piece.value).union(*(indices_inside(position) for position in piece.left))
    if len({index.name for index in everywhere}) != len(everywhere):
        faults.append(f"an index of two sizes: {sorted(f'{i.name}: {i.size}' for i in everywhere)}")
    shadowed = {i.name for i in bound_inside(piece.value)} & set(names)
    if shadowed:
        faults.append(f"bound inside and kept on the left: {sorted(shadowed)}")
    return faults


def _node_faults(program: Program, piece: Piece, known: set[str]) -> list[str]:
    faults: list[str] = []
    for root in (*piece.left, piece.value):
        fault = _fault_inside(root)
        if fault is not None:
            faults.append(fault)
        else:
            faults += [fault for read in _reads(root) if (fault := _read_fault(program, read, known)) is not None]
    return faults


@cached
def _reads(node: Expr) -> frozenset[Read]:
    """All reads in an expression."""
    own = frozenset((node,)) if isinstance(node, Read) else frozenset()
    return own.union(*(_reads(child) for child in children(node)))


@cached
def _fault_inside(node: Expr) -> str | None:
    """What is wrong with an expression in itself, whatever the program; known of a node once for all."""
    for child in children(node):
        fault = _fault_inside(child)
        if fault is not None:
            return fault
    return _fault(node) or _binding_fault(node)


def _binding_fault(node: Expr) -> str | None:
    bound = bound_indices(node)
    if not bound:
        return None
    inside = frozenset().union(*(bound_inside(child) for child in children(node)))
    if len(set(bound)) != len(bound):
        return f"an index bound twice: {[i.name for i in bound]}"
    if {i.name for i in bound} & {i.name for i in inside}:
        return f"bound again inside: {sorted(i.name for i in inside.intersection(bound))}"
    return None


def _fault(node: Expr) -> str | None:
    match node:
        case Const(value=value, dtype=own):
            fits = {bool: "bool", int: "int", Size: "int", float: "float", complex: "complex"}[type(value)] == own
            return None if fits else f"a constant {value!r} of {own}"
        case Position():
            return None
        case Read(tensor=tensor, at=at, shape=shape):
            if any(dtype(position) != "int" for position in at):
                return f"{tensor} read at a position of {[dtype(position) for position in at]}"
            return None if len(at) == len(shape) else f"{tensor} read at {len(at)} positions of {len(shape)} axes"
        case Apply(op=op, args=args):
            return _apply_fault(op, args)
        case Contract(semiring=semiring):
            return None if semiring == "sum" else f"unknown semiring {semiring}"
        case Reduce(op=op):
            return None if op in REDUCTIONS else f"unknown reduction {op}"
        case AlongIndex(op=op, options=options):
            fits = op in ALONG and len(options) <= len(ALONG[op].options)
            return None if fits else f"{op} along an index, with {len(options)} options"
        case Where(condition=condition):
            return None if dtype(condition) == "bool" else f"a condition of {dtype(condition)}"


def _apply_fault(op: str, args: tuple[Expr, ...]) -> str | None:
    if op not in POINTWISE:
        return f"unknown operator {op}"
    least, most = POINTWISE[op].arity
    if not least <= len(args) <= most:
        return f"{op} of {len(args)} arguments"
    if op == "select" and dtype(args[0]) != "bool":
        return f"a condition of {dtype(args[0])}"
    return None


def _structured_fault(node: Read) -> str | None:
    record = STRUCTURED.get(node.tensor)
    if record is None:
        return f"{node.tensor} is read and unknown"
    fits = record.places[0] <= len(node.at) <= record.places[1] and record.dtype == node.dtype
    return None if fits else f"{node.tensor} of {node.dtype} read at {len(node.at)} positions"


def _read_fault(program: Program, node: Read, known: set[str]) -> str | None:
    tensor = program.tensors.get(node.tensor)
    if tensor is None:
        return _structured_fault(node)
    if node.tensor not in known:
        return f"{node.tensor} is read before it is defined"
    if tensor.shape != node.shape or tensor.dtype != node.dtype:
        own, read = (", ".join(map(str, shape)) for shape in (tensor.shape, node.shape))
        return f"{node.tensor} is ({own}) of {tensor.dtype}, read as ({read}) of {node.dtype}"
    return None
