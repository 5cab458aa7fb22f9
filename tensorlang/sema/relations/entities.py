"""Entities in equations: ``Emb[Alice, d]``, ``D["New York"] = ...``, ``where x != Alice`` become positions.

In: statements with ``Entity`` in them, once it is known which axes are over which domain. Out: the same statements with
numbers there.
"""

from __future__ import annotations

from collections.abc import Mapping

from tensorlang.records import dataclass, replace
from tensorlang.sema import messages
from tensorlang.sema.domains import Domains, Var, root
from tensorlang.sema.resolved import (
    Access,
    Addition,
    Along,
    Entity,
    Function,
    Multiplication,
    Place,
    Raise,
    Reduction,
    Resolved,
    Statement,
    Value,
    walk,
)
from tensorlang.sema.world import World

Words = Mapping[str, Mapping[str, int]]


@dataclass(slots=True, eq=False)
class Over:
    """Which axes are over which domain of entities: those tied to a place, of a domain's size, or named like one."""

    world: World
    domains: Domains
    words: Words
    classes: dict[int, str]

    def axis(self, tensor: str, at: int) -> str | None:
        """The domain of an axis of a tensor."""
        info = self.world.tensors.get(tensor)
        labels = () if info is None else info.labels or ()
        found = self._of(self.domains.axis(tensor, at))
        if found is None and info is not None and info.declared and at < len(labels):
            base = info.domain(at).rstrip("'")
            found = base if base in self.words and info.scope.dim(base) is not None else None
        return found

    def index(self, statement: Statement, name: str) -> str | None:
        """The domain of an index of a statement."""
        return self._of(self.domains.index(statement, name))

    def _of(self, var: Var) -> str | None:
        found = self.classes.get(id(root(var)))
        size = self.domains.size(var)
        symbol = None if size is None else size.symbol
        return symbol.name if found is None and symbol is not None and symbol.name in self.words else found


def domains_of_axes(world: World, domains: Domains, words: Words) -> Over:
    """What is over which domain, once sizes are solved."""
    classes = {
        id(domains.axis(name, at)): domain for (name, at), (_, domain) in world.places.items() if domain is not None
    }
    return Over(world, domains, words, classes)


def place_entities(world: World, over: Over) -> None:
    """Replace entities in all statements by their positions; unknown ones are reported."""
    for info in world.tensors.values():
        for statement in info.statements:
            parts = (*statement.left, statement.value, *statement.guards)
            if any(isinstance(node, Entity) for part in parts for node in walk(part)):
                _Placing(world, statement, over).statement()


@dataclass(slots=True, eq=False)
class _Placing:
    world: World
    on: Statement
    over: Over

    def statement(self) -> None:
        on = self.on
        on.left = tuple(
            self.entry(entry, self.over.axis(on.tensor, at)) if isinstance(entry, Entity) else entry
            for at, entry in enumerate(on.left)
        )
        on.value = self.placed(on.value)
        on.guards = tuple(map(self.placed, on.guards))

    def entry(self, node: Entity, domain: str | None) -> Resolved:
        """An entity as a position of an axis over a domain."""
        known = {} if domain is None else self.over.words[domain]
        if node.word not in known:
            messages.no_entities_of_axis(self.world.problems, node.span, node.word, known)
        return Value(node.span, known.get(node.word, 0))

    def placed(self, node: Resolved) -> Resolved:
        match node:
            case Access(tensor=tensor, at=at):
                new = tuple(
                    self.entry(entry, self.over.axis(tensor, k)) if isinstance(entry, Entity) else self.placed(entry)
                    for k, entry in enumerate(at)
                )
                return replace(node, at=new)
            case Function(args=args):
                return replace(node, args=self._sides(args))
            case Addition(terms=terms):
                return replace(node, terms=tuple((sign, self.placed(term)) for sign, term in terms))
            case Multiplication(factors=factors):
                return replace(node, factors=tuple(map(self.placed, factors)))
            case Raise(base=base, exponent=exponent):
                return replace(node, base=self.placed(base), exponent=self.placed(exponent))
            case Reduction(arg=arg, where=where):
                return replace(node, arg=self.placed(arg), where=tuple(map(self.placed, where)))
            case Along(arg=arg, options=options, where=where):
                return replace(
                    node,
                    arg=self.placed(arg),
                    options=tuple(map(self.placed, options)),
                    where=tuple(map(self.placed, where)),
                )
            case Entity(word=word, span=span):
                messages.no_entities_of_axis(self.world.problems, span, word, ())
                return Value(span, 0)
            case _:
                return node

    def _sides(self, args: tuple[Resolved, ...]) -> tuple[Resolved, ...]:
        """Arguments of a function; an entity beside an index (``x == Alice``) is of the index's domain."""
        place = next((arg for arg in args if isinstance(arg, Place)), None)
        if place is None:
            return tuple(map(self.placed, args))
        domain = self.over.index(self.on, place.index)
        return tuple(self.entry(arg, domain) if isinstance(arg, Entity) else self.placed(arg) for arg in args)
