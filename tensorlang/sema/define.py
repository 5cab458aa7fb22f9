"""The definition of one tensor: its equations as pieces, with every sum explicit."""

from __future__ import annotations

from tensorlang.ir.domain import Size
from tensorlang.ir.facts import dtype, is_floating, join, presence
from tensorlang.ir.nodes import Apply, Expr, Index, Position, Where, free_indices, number, size_value
from tensorlang.ir.program import Definition, Piece
from tensorlang.ir.rewrite import bound_once
from tensorlang.ops import AGGREGATES
from tensorlang.sema import messages
from tensorlang.sema.build import BadLeaf, Builder, Table
from tensorlang.sema.domains import Domains, accesses
from tensorlang.sema.project import Projection, Stop
from tensorlang.sema.resolved import (
    Addition,
    Along,
    Extent,
    Flat,
    FromEnd,
    Place,
    Reduction,
    Resolved,
    Statement,
    Value,
    names_free,
    walk,
)
from tensorlang.sema.scope import TensorInfo
from tensorlang.sema.world import World
from tensorlang.source import Span


def statement_names(statement: Statement) -> frozenset[str]:
    """Every index name of a statement, bound ones too."""
    found: set[str] = set()
    for part in (*statement.left, statement.value, *statement.guards):
        for node in walk(part):
            match node:
                case Place(index=index) | Extent(index=index) | Along(index=index):
                    found.add(index)
                case Flat(indices=indices) | Reduction(indices=indices):
                    found.update(indices)
                case _:
                    pass
    return frozenset(found)


def define(world: World, domains: Domains, table: Table, info: TensorInfo) -> Definition | None:
    """Build the pieces of a tensor and enter its element type and presence in the table."""
    aggregate = _aggregate(world, info)
    pieces: list[Piece] = []
    failed = not info.statements
    for statement in info.statements:
        try:
            pieces.append(_piece(world, domains, table, info, statement, aggregate))
        except (Stop, BadLeaf):
            failed = True
    if failed:
        return None
    if info.name in world.conditions and pieces and dtype(pieces[0].value) != "bool":
        messages.not_a_condition(world.problems, info.statements[0].span, dtype(pieces[0].value))
    _whole_twice(world, info, pieces)
    table.dtypes[info.name] = _element(world, info, pieces, aggregate)
    definition = Definition(info.name, aggregate, tuple(pieces))
    condition = presence(pieces[0].value) if definition.direct else None
    if condition is not None:
        table.presence[info.name] = (tuple(_index(e) for e in pieces[0].left), condition)
    return definition


def _index(entry: Expr) -> Index:
    assert isinstance(entry, Position)
    return entry.index


def _aggregate(world: World, info: TensorInfo) -> str:
    """What joins several values of one element: one aggregate a tensor (``=`` and ``+=`` are both sums)."""
    found: dict[str, Span] = {}
    aggregated = any(statement.operator not in ("=", "+=") for statement in info.statements)
    for statement in info.statements:
        if aggregated and is_special(statement):
            continue
        name = AGGREGATES.get(statement.operator, "sum") if statement.operator not in ("=", "+=") else "sum"
        found.setdefault(name, statement.span)
    if len(found) > 1:
        messages.several_aggregates(world.problems, info.name, list(found.items()))
    aggregate = next(iter(found), "sum")
    if aggregate == "mean" and len(info.statements) > 1:
        messages.shared_average(world.problems, info.name, [s.span for s in info.statements])
    if aggregate == "sum" and info.relation:
        return "any"
    return aggregate


def _piece(
    world: World, domains: Domains, table: Table, info: TensorInfo, statement: Statement, aggregate: str
) -> Piece:
    names = statement_names(statement)
    if len(names) > world.setting.limits.indices:
        messages.too_many_indices(world.problems, statement.span, len(names), world.setting.limits.indices)
        raise Stop
    sizes: dict[str, Size] = {}
    for name in names:
        size = domains.size(domains.index(statement, name))
        if size is None:
            raise Stop
        sizes[name] = domains.norm(size)
    _check_ranges(world, domains, table, statement)
    builder = Builder(table, sizes, set(names))
    shape = table.shapes[info.name]
    left = tuple(builder.entry(entry, size) for entry, size in zip(statement.left, shape, strict=True))
    kept = statement.left_names
    explicit = statement.operator not in ("=", "+=")
    projection = Projection(
        builder,
        world.problems,
        kept,
        _guards(builder, domains, statement, names),
        gather_all=explicit,
        lenient=statement.free,
        written=frozenset(n for node in walk(statement.value) for n in _own_names(node)),
    )
    value = projection.top(statement.value, aggregate if explicit else "sum")
    value = bound_once(builder.settle(value))
    if info.relation and dtype(value) != "bool":
        value = _truth(value)
    indices = tuple(dict.fromkeys(builder.index(name) for entry in statement.left for name in _ordered(entry)))
    assert free_indices(value) <= set(indices), f"{info.name}: {free_indices(value)} beyond {indices}"
    return Piece(left, indices, value, is_special(statement), statement.span)


def _own_names(node: Resolved) -> frozenset[str]:
    return names_free(node) if not isinstance(node, Reduction) else frozenset(node.indices)


def _ordered(entry: Resolved) -> list[str]:
    found = []
    for node in walk(entry):
        if isinstance(node, Place):
            found.append(node.index)
        elif isinstance(node, Flat):
            found += node.indices
    return found


def _truth(value: Expr) -> Expr:
    """A number as a truth value (the paper's step): true where it is above 0."""
    if isinstance(value, Where):
        return Where(value.condition, _truth(value.arg))
    return Apply("gt", (value, number(0)))


def _guards(
    builder: Builder, domains: Domains, statement: Statement, names: frozenset[str]
) -> tuple[tuple[Expr, frozenset[str], Span], ...]:
    """The conditions of a statement: as written, and the lower ends of ranges that do not start at 0."""
    plain = Projection(builder, builder.table.problems, names, (), lenient=True)
    found = []
    for guard in statement.guards:
        condition, _ = plain.go(guard, names)
        condition = builder.condition(condition, guard.span)
        found.append((condition, plain.names(condition), guard.span))
    for name in sorted(names):
        low = domains.lower.get((id(statement.group), name))
        if low is not None:
            condition = Apply("ge", (Position(builder.index(name)), size_value(domains.norm(low))))
            found.append((condition, frozenset((name,)), statement.span))
    return tuple(found)


def is_special(statement: Statement) -> bool:
    """A left side with constants or repeated indices wins over a general one."""
    places = [entry.index for entry in statement.left if isinstance(entry, Place)]
    constant = any(isinstance(entry, Value | FromEnd) or _range(statement, entry) for entry in statement.left)
    return statement.operator == "=" and (constant or len(set(places)) < len(places))


def _range(statement: Statement, entry: Resolved) -> bool:
    """Whether an entry is a range with an end: constants, many at once."""
    return isinstance(entry, Addition) and not names_free(entry).isdisjoint(statement.ranges)


def _check_ranges(world: World, domains: Domains, table: Table, statement: Statement) -> None:
    """A range on the right that surely leaves its axis is a mistake, as a constant outside it is."""
    for access in accesses(statement):
        for entry, size in zip(access.at, table.shapes.get(access.tensor, ()), strict=False):
            if not _range(statement, entry) or not isinstance(entry, Addition):
                continue
            (name,) = names_free(entry)
            end = domains.norm(statement.ranges[name])
            for _, term in entry.terms:
                end = end + term.value if isinstance(term, Value) and isinstance(term.value, Size) else end
            beyond = (end - size).constant
            if beyond is not None and beyond > 0:
                messages.range_outside(world.problems, entry.span, end - 1, size)
                raise Stop


def _whole_twice(world: World, info: TensorInfo, pieces: list[Piece]) -> None:
    """Warn of two ``=`` equations that both cover the whole tensor: they add up, which may not be meant."""
    plain = [
        statement.span
        for statement, piece in zip(info.statements, pieces, strict=True)
        if statement.operator == "="
        and not is_special(statement)
        and len({e for e in piece.left if isinstance(e, Position)}) == len(piece.left)
        and not isinstance(piece.value, Where)
    ]
    if len(plain) > 1 and not info.relation:
        messages.both_cover(world.problems, info.name, plain[0], plain[1])


def _element(world: World, info: TensorInfo, pieces: list[Piece], aggregate: str) -> str:
    found = join(dtype(piece.value) for piece in pieces)
    collides = len(pieces) > 1 or not all(isinstance(e, Position) for e in pieces[0].left)
    if found == "bool" and aggregate in ("sum", "prod") and collides:
        found = "int"
    if aggregate in ("mean", "logsumexp") and not is_floating(found):
        found = "float"
    if info.element is None or info.element == found:
        return found
    if join((info.element, found)) != info.element:
        messages.too_narrow(world.problems, info.span, info.name, info.element, found)
    return info.element
