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
    children,
    free_indices,
)
from tensorlang.ir.program import Action, Definition, Piece, Program, TestAction
from tensorlang.ir.rewrite import bound_inside, indices_inside
from tensorlang.ops import AGGREGATES, ALONG, POINTWISE, REDUCTIONS, STRUCTURED

DTYPES = ("bool", "int", "bf16", "float", "float64", "complex")
KINDS = ("input", "param", "buffer", "data", "relation", "defined")


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
    wanted = {*program.outputs, *(name for pair in program.updates for name in pair)}
    wanted.update(*(_needs(action) for action in program.actions))
    faults += [f"{name} is wanted and not defined" for name in sorted(wanted - known)]
    return faults


def _needs(action: Action) -> set[str]:
    if isinstance(action, TestAction):
        return set().union(*(_needs(inner) for inner in action.actions))
    names = {getattr(action, slot) for slot in ("tensor", "loss") if hasattr(action, slot)}
    return names.union(*(getattr(action, slot) for slot in ("tensors", "parts") if hasattr(action, slot)))


def _definition_faults(program: Program, definition: Definition, known: set[str]) -> list[str]:
    tensor = program.tensors.get(definition.tensor)
    if tensor is None or tensor.kind != "defined":
        return ["no defined tensor of that name"]
    if definition.tensor in known:
        return ["defined twice"]
    if definition.aggregate not in AGGREGATES.values():
        return [f"unknown aggregate {definition.aggregate}"]
    faults = [fault for piece in definition.pieces for fault in _vocabulary_faults(piece)]
    for piece in () if faults else definition.pieces:
        if len(piece.left) != len(tensor.axes):
            faults.append(f"{len(piece.left)} positions on the left, {len(tensor.axes)} axes")
        given = dtype(piece.value)
        if definition.aggregate not in ("any", "all") and _narrows(given, tensor.dtype):
            faults.append(f"a value of {given} in a tensor of {tensor.dtype}")
        faults += _scope_faults(piece)
        faults += _node_faults(program, piece, known)
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


def _nodes(piece: Piece) -> dict[Expr, None]:
    """Every expression in a piece, once."""
    seen: dict[Expr, None] = {}
    stack: list[Expr] = [*piece.left, piece.value]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen[node] = None
            stack.extend(children(node))
    return seen


def _vocabulary_faults(piece: Piece) -> list[str]:
    """Names that no record has: checked first, since element types come from the records."""
    faults: list[str] = []
    for node in _nodes(piece):
        table = POINTWISE if isinstance(node, Apply) else REDUCTIONS if isinstance(node, Reduce) else ALONG
        if isinstance(node, Apply | Reduce | AlongIndex) and node.op not in table:
            faults.append(f"unknown operator {node.op}")
    return faults


def _node_faults(program: Program, piece: Piece, known: set[str]) -> list[str]:
    faults = [f"a position of {dtype(position)} on the left" for position in piece.left if dtype(position) != "int"]
    for node in _nodes(piece):
        fault = _node_fault(program, node, known) or _binding_fault(node)
        if fault is not None:
            faults.append(fault)
    return faults


def _binding_fault(node: Expr) -> str | None:
    bound = bound_indices(node)
    inside = frozenset().union(*(bound_inside(child) for child in children(node)))
    if len(set(bound)) != len(bound):
        return f"an index bound twice: {[i.name for i in bound]}"
    if {i.name for i in bound} & {i.name for i in inside}:
        return f"bound again inside: {sorted(i.name for i in inside.intersection(bound))}"
    return None


def _node_fault(program: Program, node: Expr, known: set[str]) -> str | None:
    match node:
        case Const(value=value, dtype=own):
            fits = {bool: "bool", int: "int", Size: "int", float: "float", complex: "complex"}[type(value)] == own
            return None if fits else f"a constant {value!r} of {own}"
        case Position() | Reduce():
            return None
        case Read():
            return _read_fault(program, node, known)
        case Apply(op=op, args=args):
            return _apply_fault(op, args)
        case Contract(semiring=semiring):
            return None if semiring == "sum" else f"unknown semiring {semiring}"
        case AlongIndex(op=op, options=options):
            return None if len(options) <= len(ALONG[op].options) else f"{op} with {len(options)} options"
        case Where(condition=condition):
            return None if dtype(condition) == "bool" else f"a condition of {dtype(condition)}"


def _apply_fault(op: str, args: tuple[Expr, ...]) -> str | None:
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
    if any(dtype(position) != "int" for position in node.at):
        return f"{node.tensor} read at a position of {[dtype(position) for position in node.at]}"
    if len(node.at) != len(node.shape):
        return f"{node.tensor} read at {len(node.at)} positions of {len(node.shape)} axes"
    tensor = program.tensors.get(node.tensor)
    if tensor is None:
        return _structured_fault(node)
    if node.tensor not in known:
        return f"{node.tensor} is read before it is defined"
    if tensor.shape != node.shape or tensor.dtype != node.dtype:
        own, read = (", ".join(map(str, shape)) for shape in (tensor.shape, node.shape))
        return f"{node.tensor} is ({own}) of {tensor.dtype}, read as ({read}) of {node.dtype}"
    return None
