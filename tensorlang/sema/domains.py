"""Sizes of all axes and indices: unification first, then what arithmetic on indices implies.

In: statements. Out: ``Domains``, which answers the size of any axis and of any index of a statement. An index that
stands alone in some axis has that axis's size; one that stands only in arithmetic ranges over all positions for which
every access is inside (a *valid* convolution), and what is short of 0 there becomes a lower bound (``lower``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field

from tensorlang.ir.domain import Size, Symbol, largest
from tensorlang.ops import STRUCTURED
from tensorlang.sema import messages
from tensorlang.sema.ranges import Linear, linear, valid_range
from tensorlang.sema.resolved import (
    Access,
    Extent,
    Flat,
    FromEnd,
    Function,
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


@dataclass(slots=True, eq=False)
class Var:
    """One class of axes and indices that share a size. ``origin`` says, for messages, where the size comes from."""

    parent: Var | None = None
    size: Size | None = None
    origin: tuple[str, Span] | None = None
    first: Span | None = None


def root(var: Var) -> Var:
    while var.parent is not None:
        if var.parent.parent is not None:
            var.parent = var.parent.parent
        var = var.parent
    return var


@dataclass(slots=True, eq=False)
class Domains:
    world: World
    axes: dict[tuple[str, int], Var] = field(default_factory=dict)
    places: dict[str, Var] = field(default_factory=dict)
    indices: dict[tuple[int, str], Var] = field(default_factory=dict)
    bound: dict[Symbol, Size] = field(default_factory=dict)
    lower: dict[tuple[int, str], Size] = field(default_factory=dict)
    equalities: list[tuple[Size, Size, Span]] = field(default_factory=list)
    waiting: list[Callable[[], bool]] = field(default_factory=list)
    soft: list[tuple[Var, Var, Span]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    failed: bool = False

    # --- variables and unification ---

    def axis(self, tensor: str, at: int) -> Var:
        return root(self.axes.setdefault((tensor, at), Var()))

    def index(self, statement: Statement, name: str) -> Var:
        return root(self.indices.setdefault((id(statement.group), name), Var()))

    def norm(self, size: Size) -> Size:
        for _ in range(64):
            new = size.substitute(self.bound)
            if new == size:
                return size
            size = new
        return size

    def size(self, var: Var) -> Size | None:
        var = root(var)
        if var.size is not None and self.bound:
            var.size = self.norm(var.size)
        return var.size

    def assign(self, var: Var, size: Size, origin: tuple[str, Span], name: str, at: Span | None = None) -> None:
        """Give a class a size; a clash is reported with both origins."""
        var = root(var)
        if var.size is None:
            var.size, var.origin = size, origin
        else:
            self._equate(name, var.size, size, (var.first, var.origin), (at or origin[1], origin))

    def unify(self, a: Var, b: Var, name: str, at: Span) -> None:
        """Make one class of two: ``a`` an index, ``b`` the axis that it stands in at ``at``."""
        a, b = root(a), root(b)
        if a is b:
            a.first = a.first or at
            return
        if a.size is not None and b.size is not None:
            self._equate(name, a.size, b.size, (a.first, a.origin), (at, b.origin))
        keep, drop = (b, a) if a.size is None else (a, b)
        drop.parent = keep
        keep.first = a.first or at

    def _equate(
        self,
        name: str,
        one: Size,
        other: Size,
        here: tuple[Span | None, tuple[str, Span] | None],
        there: tuple[Span | None, tuple[str, Span] | None],
    ) -> None:
        one, other = self.norm(one), self.norm(other)
        gap = (one - other).constant
        if gap == 0:
            return
        values = [self._value(one), self._value(other)]
        if values[0] is not None and values[0] == values[1]:
            return
        clash = (gap is not None and not self._binds(one, other)) or None not in values
        if clash:
            self.failed = True
            shown = [
                size if value is None else Size.of(value) for size, value in zip((one, other), values, strict=True)
            ]
            messages.two_sizes(self.world.problems, name, (shown[0], *here), (shown[1], *there))
        elif not self._bind(one, other) and not self._bind(other, one):
            span = there[0] or here[0]
            if span is not None:
                self.equalities.append((one, other, span))

    def _binds(self, one: Size, other: Size) -> bool:
        return self._bindable(one, other) or self._bindable(other, one)

    def _bindable(self, one: Size, other: Size) -> bool:
        symbol = one.symbol
        return symbol is not None and symbol not in other.symbols and symbol not in self.world.sizes

    def _bind(self, one: Size, other: Size) -> bool:
        """Bind the symbol that ``one`` is to ``other``; of two symbols a declared dim stays, then the shorter name."""
        symbol = one.symbol
        if symbol is None or not self._bindable(one, other):
            return False
        second = other.symbol
        if second is not None and self._bindable(other, one) and self._rank(second) > self._rank(symbol):
            self.bound[second] = one
        else:
            self.bound[symbol] = other
        return True

    def _rank(self, symbol: Symbol) -> int:
        """How little a symbol says to the reader: a dim 0, an axis's own label 1, a label with its tensor 2."""
        return 0 if symbol.name in self.world.root.dims else 1 + ("." in symbol.name)

    def _value(self, size: Size) -> int | None:
        if size.constant is not None:
            return size.constant
        known = self.world.sizes
        return size.value(known) if all(symbol in known for symbol in size.symbols) else None

    def symbol(self, tensor: str, label: str) -> Size:
        """A fresh symbol for an axis that the caller or a file sizes."""
        name = label if label not in self.names and label not in self.world.root.dims else f"{tensor}.{label}"
        while name in self.names:
            name += "'"
        self.names.add(name)
        return Size.of(Symbol(name))


def solve(world: World) -> Domains:
    """Sizes of everything, or reports of what has none or two."""
    domains = Domains(world)
    for info in world.tensors.values():
        _declared(domains, info)
    for tensor, at, size, span in world.ties:
        domains.assign(domains.axis(tensor, at), size, (f"`{span.text}`", span), f"axis {at + 1} of {tensor}")
    for one, other, span in world.same:
        for at, label in enumerate(world.tensors[other].labels or ()):
            domains.unify(domains.axis(one, at), domains.axis(other, at), label, span)
    statements = [statement for info in world.tensors.values() for statement in info.statements]
    for statement in statements:
        _statement(domains, statement)
    for info in world.tensors.values():
        _left_axes(domains, info)
    _run(domains)
    while _softly(domains):
        _run(domains)
    _given_sizes(domains)
    _unresolved(domains, statements)
    return domains


def _softly(domains: Domains) -> bool:
    """Let what nothing else bounds have the size of what it stands with; whether that gave any a size."""
    moved = False
    for a, b, span in domains.soft:
        if (domains.size(a) is None) != (domains.size(b) is None):
            domains.unify(a, b, "", span)
            moved = True
    return moved


def _run(domains: Domains) -> None:
    """Try what waits for sizes again and again, until nothing moves."""
    moved = True
    while moved:
        before = len(domains.waiting)
        domains.waiting = [task for task in domains.waiting if not task()]
        moved = len(domains.waiting) < before


# --- declarations ------------------------------------------------------------------------------------------------


def _declared(domains: Domains, info: TensorInfo) -> None:
    labels = info.labels or ()
    for at, label in enumerate(labels):
        var = domains.axis(info.name, at)
        dim = info.scope.dim(label) if info.declared and at >= len(info.leading) else None
        if dim is not None:
            domains.assign(var, dim[0], (f"`dim {label}`", dim[1]), label)
        if info.relation and info.declared and dim is None:
            place = domains.places.setdefault(label.rstrip("'"), Var(first=info.span))
            domains.unify(place, var, label, info.span)
            var = domains.axis(info.name, at)
        words = f"`{info.kind} {info.name}[{','.join(labels)}]`"
        if info.literal is not None and info.shape is not None:
            domains.assign(var, Size.of(info.shape[at]), (f"`{info.name}`, written out", info.span), label, info.span)
        elif info.kind == "data" and info.shape is not None:
            symbol = domains.symbol(info.name, label)
            domains.world.sizes[next(iter(symbol.symbols))] = info.shape[at]
            path = info.file.path if info.file is not None else ""
            domains.assign(var, symbol, (f"the file {path!r} of {words}", info.span), label, info.span)
        elif info.kind in ("input", "relation", "data") and var.size is None:
            domains.assign(var, domains.symbol(info.name, label), (words, info.span), label)


# --- statements --------------------------------------------------------------------------------------------------


def accesses(statement: Statement) -> Iterator[Access]:
    """Every access of a statement, but for its left side as a whole."""
    for part in (statement.value, *statement.guards, *statement.left):
        for node in walk(part):
            if isinstance(node, Access):
                yield node


def own_domain(world: World, statement: Statement) -> set[str]:
    """The indices of a statement that have a domain of their own: alone in an axis, by a ``dim``, or by a slice."""
    found = {*statement.dims, *statement.ranges}
    for access in accesses(statement):
        if access.tensor not in STRUCTURED:
            along = stepped(world, statement, access)
            found |= {e.index for at, e in enumerate(access.at) if isinstance(e, Place) and at != along}
            found |= {name for entry in access.at if isinstance(entry, Flat) for name in entry.indices}
    if world.tensors[statement.tensor].declared:
        found |= {entry.index for entry in statement.left if isinstance(entry, Place)}
    return found


def stepped(world: World, statement: Statement, access: Access) -> int | None:
    """The axis of an access that a recurrence steps along: it does not bound the index of the step."""
    recurrence = world.recurrence(statement.tensor)
    return None if recurrence is None else recurrence.axes.get(access.tensor)


def _statement(domains: Domains, statement: Statement) -> None:
    for name, (size, span) in statement.dims.items():
        var = domains.index(statement, name)
        domains.assign(var, size, (f"`dim {name}`", span), name)
    for name, size in statement.ranges.items():
        domains.assign(domains.index(statement, name), size, ("the slice", statement.span), name)
    own = own_domain(domains.world, statement)
    arithmetic: dict[str, list[tuple[Access, int]]] = {}
    for access in accesses(statement):
        along = stepped(domains.world, statement, access)
        if access.tensor in STRUCTURED:
            _structured(domains, statement, access)
        elif along is not None:
            _recurrent(domains, statement, access, along)
        else:
            for at, entry in enumerate(access.at):
                if _entry(domains, statement, access, at, entry):
                    for name in names_free(entry) - own:
                        arithmetic.setdefault(name, []).append((access, at))
    for name, places in arithmetic.items():
        domains.waiting.append(_range_task(domains, statement, name, places))
    _left_places(domains, statement, arithmetic.keys())


def _left_places(domains: Domains, statement: Statement, arithmetic: Set[str]) -> None:
    """Tie the plain indices of a left side to their axes."""
    for at, entry in enumerate(statement.left):
        if isinstance(entry, Place):
            task = _left_task(domains, statement, entry, at)
            if entry.index in arithmetic:
                domains.waiting.append(task)
            else:
                domains.unify(
                    domains.index(statement, entry.index), domains.axis(statement.tensor, at), entry.index, entry.span
                )


def _recurrent(domains: Domains, statement: Statement, access: Access, along: int) -> None:
    """A read of a tensor's own recurrence: it bounds no index by arithmetic, and that of the step only at last."""
    for at, entry in enumerate(access.at):
        if at != along:
            _entry(domains, statement, access, at, entry)
        elif isinstance(entry, Place):
            pair = domains.index(statement, entry.index), domains.axis(access.tensor, at)
            domains.soft.append((*pair, entry.span))


def _entry(domains: Domains, statement: Statement, access: Access, at: int, entry: Resolved) -> bool:
    """Tie the indices of one entry to the axis it stands in; True where it is arithmetic, which only bounds them."""
    if isinstance(entry, Place):
        index = domains.index(statement, entry.index)
        domains.unify(index, domains.axis(access.tensor, at), entry.index, entry.span)
    elif isinstance(entry, Flat):
        _flattened(domains, statement, entry, domains.axis(access.tensor, at))
    elif not isinstance(entry, FromEnd | Value):
        _gathered(domains, entry, access, at)
        return True
    return False


def _left_task(domains: Domains, statement: Statement, entry: Place, at: int) -> Callable[[], bool]:
    """An index that ranges by arithmetic meets the axis of its left side only once its range is known."""

    def task() -> bool:
        var = domains.index(statement, entry.index)
        if domains.size(var) is None:
            return False
        domains.unify(var, domains.axis(statement.tensor, at), entry.index, entry.span)
        return True

    return task


def _structured(domains: Domains, statement: Statement, access: Access) -> None:
    places = [domains.index(statement, e.index) for e in access.at if isinstance(e, Place)]
    if access.tensor == "epsilon":
        for entry in access.at:
            if isinstance(entry, Place):
                origin = (f"`epsilon` with {len(access.at)} places", access.span)
                domains.assign(domains.index(statement, entry.index), Size.of(len(access.at)), origin, entry.index)
    elif len(places) == 2:
        domains.soft.append((places[0], places[1], access.span))


def _gathered(domains: Domains, entry: Resolved, access: Access, at: int) -> None:
    """``E[Tok[b,t], d]`` with ``Tok in v``: the gathered axis is over v."""
    if isinstance(entry, Access):
        info = domains.world.tensors.get(entry.tensor)
        if info is not None and info.positions is not None:
            origin = (f"`{info.name}`, whose values are positions of it", info.span)
            domains.assign(
                domains.axis(access.tensor, at), info.positions, origin, f"axis {at + 1} of {access.tensor}", entry.span
            )


def _flattened(domains: Domains, statement: Statement, entry: Flat, axis: Var) -> None:
    def task() -> bool:
        total = domains.size(axis)
        sizes = [domains.size(domains.index(statement, name)) for name in entry.indices]
        unknown = [name for name, size in zip(entry.indices, sizes, strict=True) if size is None]
        known = Size.of(1)
        for size in sizes:
            known = known * size if size is not None else known
        name = f"({' '.join(entry.indices)})"
        if not unknown:
            domains.assign(axis, known, (f"`{name}`", entry.span), name, entry.span)
            return True
        if total is None or len(unknown) > 1:
            return False
        missing = _quotient(domains, total, known)
        if missing is None:
            messages.flatten_remainder(domains.world.problems, entry.span, name, total, known)
            missing = Size.of(1)
        var = domains.index(statement, unknown[0])
        domains.assign(var, missing, (f"`{name}` over an axis of {total}", entry.span), unknown[0], entry.span)
        return True

    domains.waiting.append(task)


def _quotient(domains: Domains, total: Size, known: Size) -> Size | None:
    """``total / known`` where it comes out even, or is not known not to."""
    number, divisor = domains._value(total), known.constant
    if divisor is None:
        return None
    if number is not None and number % divisor:
        return None
    return total // divisor


# --- ranges of indices that stand only in arithmetic ---


def _range_task(
    domains: Domains, statement: Statement, name: str, places: list[tuple[Access, int]]
) -> Callable[[], bool]:
    def size_of(index: str) -> Size | None:
        return domains.size(domains.index(statement, index))

    def task() -> bool:
        var = domains.index(statement, name)
        if domains.size(var) is not None:
            return True
        lows: list[Size] = []
        highs: list[Size] = []
        for access, at in places:
            size = domains.size(domains.axis(access.tensor, at))
            if size is None:
                return False
            bounds = valid_range(access.at[at], name, size, size_of)
            if bounds == "unknown":
                return False
            if isinstance(bounds, tuple):
                lows.append(bounds[0])
                highs.append(bounds[1])
        if not highs:
            return False
        _set_range(domains, statement, name, lows, highs, places[0][0].span)
        return True

    return task


def _set_range(
    domains: Domains, statement: Statement, name: str, lows: list[Size], highs: list[Size], span: Span
) -> None:
    low = largest([Size.of(0), *lows])
    high = -largest([-size for size in highs])
    count = domains._value(domains.norm(high - low + 1))
    size = high + 1
    if count is not None and count < 1:
        messages.empty_range(domains.world.problems, span, name)
        size = Size.of(1)
    domains.assign(domains.index(statement, name), size, (f"`{span.text}`", span), name, span)
    if low.constant is None or low.constant > 0:
        domains.lower[id(statement.group), name] = low


# --- axes of defined tensors ---


def _left_axes(domains: Domains, info: TensorInfo) -> None:
    """Axes that no plain index gives: the furthest position that an equation names, plus one."""
    for at in range(len(info.labels or ())):
        entries = [(statement, statement.left[at]) for statement in info.statements]
        if info.declared or not entries or any(isinstance(entry, Place) for _, entry in entries):
            continue
        domains.waiting.append(_extent_task(domains, info, at, entries))


def _extent_task(
    domains: Domains, info: TensorInfo, at: int, entries: list[tuple[Statement, Resolved]]
) -> Callable[[], bool]:
    def task() -> bool:
        axis = domains.axis(info.name, at)
        if domains.size(axis) is not None:
            return True
        ends: list[Size] = []
        for statement, entry in entries:
            if isinstance(entry, FromEnd):
                continue
            end = _furthest(domains, statement, entry)
            if end is None:
                return False
            ends.append(end + 1)
        moving = [end for end, (_, entry) in zip(ends, entries, strict=False) if names_free(entry)] or ends
        if moving:
            domains.assign(
                axis, largest(moving if len(moving) < len(ends) else ends), ("its equations", info.span), info.name
            )
        return bool(moving)

    return task


def _furthest(domains: Domains, statement: Statement, entry: Resolved) -> Size | None:
    """The largest value of an entry of a left side; None while it is unknown."""
    if isinstance(entry, Access):
        info = domains.world.tensors.get(entry.tensor)
        return info.positions - 1 if info is not None and info.positions is not None else None
    if isinstance(entry, Function) and entry.op == "floordiv" and isinstance(entry.args[1], Value):
        inner = _furthest(domains, statement, entry.args[0])
        divisor = entry.args[1].value
        return inner // divisor if inner is not None and isinstance(divisor, int) and divisor > 0 else None
    if isinstance(entry, Function) and entry.op == "mod" and isinstance(entry.args[1], Value):
        return Size.of(entry.args[1].value) - 1 if isinstance(entry.args[1].value, int | Size) else None
    form = linear(entry, lambda name: domains.size(domains.index(statement, name)))
    return form.high if isinstance(form, Linear) else None


# --- the end -----------------------------------------------------------------------------------------------------


def _given_sizes(domains: Domains) -> None:
    """``--dim b=32`` for a size that only an input's axis has."""
    world = domains.world
    for name, value in world.setting.dims.items():
        if name in world.root.dims:
            continue
        if name in domains.names:
            symbol = Symbol(name)
            size = domains.norm(Size.of(symbol))
            if size.symbol is not None:
                world.sizes[size.symbol] = value
        else:
            messages.unknown_dim_option(world.problems, name, (*world.root.dims, *domains.names))


def _laid_with(statement: Statement, name: str) -> set[str]:
    """The indices that are laid out along an axis together with one."""
    entries = (entry for access in accesses(statement) for entry in access.at if isinstance(entry, Flat))
    return {other for entry in entries if name in entry.indices for other in entry.indices}


def _unresolved(domains: Domains, statements: list[Statement]) -> None:
    world = domains.world
    broken = _broken(world)
    told: set[int] = set()

    def untold(var: Var) -> bool:
        if domains.size(var) is not None or id(root(var)) in told:
            return False
        told.add(id(root(var)))
        return True

    for info, at, label in _axes(world, "param", "buffer"):
        if not broken and untold(domains.axis(info.name, at)):
            messages.param_axis_unknown(world.problems, info, at, label)
    for statement in statements:
        if not broken & {statement.tensor, *(access.tensor for access in accesses(statement))}:
            for name, span in _index_places(statement):
                if untold(domains.index(statement, name)):
                    messages.unsafe_index(world.problems, span, name, statement.tensor)
                    # With the size of one index of `(h d)` that of the other follows.
                    told.update(id(root(domains.index(statement, other))) for other in _laid_with(statement, name))
    if not told and not broken:
        for info, at, label in _axes(world, "defined"):
            if domains.size(domains.axis(info.name, at)) is None:
                messages.axis_unknown(world.problems, info, at, label)


def _axes(world: World, *kinds: str) -> Iterator[tuple[TensorInfo, int, str]]:
    for info in world.tensors.values():
        if info.kind in kinds:
            for at, label in enumerate(info.labels or ()):
                yield info, at, label


def _broken(world: World) -> set[str]:
    """The tensors with an equation that could not be read, and all that are computed from them."""
    tensors = [info for info in world.tensors.values() if info.kind == "defined"]
    broken = {info.name for info in tensors if not info.statements or len(info.statements) < len(info.equations)}
    grown = bool(broken)
    while grown:
        reading = {
            s.tensor for info in tensors for s in info.statements if any(a.tensor in broken for a in accesses(s))
        }
        grown = not reading <= broken
        broken |= reading
    return broken


def _index_places(statement: Statement) -> Iterator[tuple[str, Span]]:
    for part in (*statement.left, statement.value, *statement.guards):
        for node in walk(part):
            match node:
                case Place(index=index, span=span) | Extent(index=index, span=span):
                    yield index, span
                case Flat(indices=indices, span=span):
                    for index in indices:
                        yield index, span
                case Reduction(indices=indices, span=span):
                    for index in indices:
                        yield index, span
                case _:
                    pass
