"""The analysis from a tree to a Program: collect, resolve, solve sizes, project, in the order in which tensors depend.

In: the tree of a file and its ``Setting``. Out: a ``Program``, or None where errors were reported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tensorlang.diagnostics import Problems
from tensorlang.ir.program import Action, Axis, Facts, MinimizeAction, Program, Tensor, TestAction, Update
from tensorlang.records import replace
from tensorlang.sema import messages
from tensorlang.sema.actions import Collector, batch_symbol, collect_actions, collect_updates
from tensorlang.sema.collect import collect
from tensorlang.sema.define import define, statement_names
from tensorlang.sema.definitions import definitions, table_of
from tensorlang.sema.domains import Domains, accesses
from tensorlang.sema.equations import resolve_equations
from tensorlang.sema.manners import check_manners, with_manners
from tensorlang.sema.order import in_order
from tensorlang.sema.recursion import find_units
from tensorlang.sema.relations.book import make_book
from tensorlang.sema.relations.entities import Over, domains_of_axes, place_entities
from tensorlang.sema.reports import check_reports
from tensorlang.sema.scope import Scope, TensorInfo, View
from tensorlang.sema.setting import Setting
from tensorlang.sema.solve import solve
from tensorlang.sema.virtual import Computed, check_stars, last_positions
from tensorlang.sema.world import World, strip
from tensorlang.syntax import ast


def analyse(file: ast.File, setting: Setting, problems: Problems) -> Program | None:
    """What a file means. Problems are reported, as many at once as are independent of each other."""
    with _deep():
        root = Scope(None)
        world = World(setting, problems, root)
        world.batch_names = frozenset(_batch_names(file.statements))
        collect(world, root, file.statements)
        resolve_equations(world)
        collector = Collector(world)
        actions = collect_actions(collector, root, file.statements)
        collect_updates(collector)
        book = make_book(world) if world.told else None
        world.places = {} if book is None else book.sizes
        _drop_what_only_rules_read(world)
        for info in world.tensors.values():
            if info.kind == "defined" and not info.equations and not info.statements and not info.unsure:
                messages.never_defined(problems, info)
        world.units = {name: unit for unit in find_units(world) for name in unit.order}
        check_manners(world)
        check_stars(world)
        check_reports(world)
        domains = solve(world)
        words = {} if book is None else {name: domain.places for name, domain in book.domains.items()}
        over = domains_of_axes(world, domains, words)
        place_entities(world, over)
        if domains.failed or problems.errors:
            _build_what_can_be(world, domains)
            return None
        computed = definitions(world, domains)
        outputs = _outputs(world, collector.updates)
        settled = tuple(_settle(world, collector, domains, action) for action in actions)
        if problems.errors:
            return None
        tensors = {info.name: _tensor(world, domains, info, computed.dtypes, over) for info in world.tensors.values()}
        parts = Computed(tensors, computed.definitions, with_manners(world, computed.scans), computed.fixpoints)
        parts = last_positions(world, parts)
        return Program(
            parts.tensors,
            parts.definitions,
            outputs,
            settled,
            {name: domains.norm(size) for name, (size, _) in root.dims.items()},
            dict(world.sizes),
            tuple(collector.updates),
            tuple((domains.norm(a), domains.norm(b), span) for a, b, span in domains.equalities),
            parts.scans,
            parts.fixpoints,
            facts=None if book is None else Facts(book.rulebook, book.given, book.entities()),
        )


def _drop_what_only_rules_read(world: World) -> None:
    """Told relations that no equation reads are no tensors."""
    read = {access.tensor for info in world.tensors.values() for s in info.statements for access in accesses(s)}
    asked = {entity.tensor.name for name, _ in world.root.outputs if isinstance(entity := world.root.find(name), View)}
    for name in world.told.keys() - read - asked:
        del world.tensors[name]


@contextmanager
def _deep() -> Iterator[None]:
    """Room for expressions as deep as the limit on nesting allows (Python frames, not the machine's stack)."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 60_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _batch_names(statements: tuple[ast.Statement, ...]) -> Iterator[str]:
    """The indices of minibatches: their dims stay symbols even where a number is declared."""
    for statement in statements:
        if isinstance(statement, ast.Minimize):
            yield from statement.over
            for option in statement.options:
                value = strip(option.value)
                if isinstance(value, ast.ListLiteral) and value.items and isinstance(value.items[0], ast.Name):
                    yield value.items[0].name


def _build_what_can_be(world: World, domains: Domains) -> None:
    """Find the projection's errors also in a program with other errors, in equations whose sizes are all known."""
    table = table_of(world, domains)
    broken = {info.name for info in world.tensors.values() if info.equations and not info.statements}
    for info in in_order(world):
        sizes = [domains.size(domains.index(s, name)) for s in info.statements for name in statement_names(s)]
        reads = {access.tensor for statement in info.statements for access in accesses(statement)}
        known = bool(info.statements) and None not in sizes and not reads & broken
        if not known or define(world, domains, table, info) is None:
            broken.add(info.name)


def _tensor(world: World, domains: Domains, info: TensorInfo, dtypes: dict[str, str], over: Over) -> Tensor:
    axes = []
    for at, label in enumerate(info.labels or ()):
        size = domains.size(domains.axis(info.name, at))
        assert size is not None, f"{info.name} has an axis without a size"
        axes.append(Axis(label, domains.norm(size), over.axis(info.name, at)))
    positions = None if info.positions is None else domains.norm(info.positions)
    dtype = dtypes.get(info.name, info.element or "float")
    kind = "scanned" if info.name in world.units or info.kind == "report" else info.kind
    kind = "data" if info.name in world.told else kind
    return Tensor(info.name, kind, tuple(axes), dtype, info.span, info.init, info.file, positions, info.literal)


def _outputs(world: World, updates: list[Update]) -> tuple[str, ...]:
    """The declared outputs; without any, every tensor of the file itself that no other equation reads."""
    if world.root.outputs:
        found = []
        for name, span in world.root.outputs:
            entity = world.root.names.get(name)
            if isinstance(entity, View):
                found.append(entity.tensor.name)
            else:
                messages.unknown_tensor(world.problems, span, name, world.root.known())
        return tuple(dict.fromkeys(found))
    asked = [info for info in world.tensors.values() if not info.name.startswith("?")]
    read = {
        access.tensor
        for info in asked
        for s in info.statements
        for access in accesses(s)
        if access.tensor not in getattr(world.units.get(info.name), "order", (info.name,))
    }
    own = [info.name for info in asked if info.scope is world.root and info.kind == "defined"]
    written = {update.value for update in updates}
    return tuple(name for name in own if name not in read and name not in written)


def _settle(world: World, collector: Collector, domains: Domains, action: Action) -> Action:
    """Fill in what of an action waited for sizes."""
    if isinstance(action, TestAction):
        return replace(action, actions=tuple(_settle(world, collector, domains, inner) for inner in action.actions))
    if not isinstance(action, MinimizeAction):
        return action
    draft = collector.drafts[id(action)]
    if draft.batch is None:
        return action
    name, rows, span = draft.batch
    symbol = batch_symbol(world, name, domains.norm, span, domains.names)
    return replace(action, batch=None if symbol is None else (symbol, rows))
