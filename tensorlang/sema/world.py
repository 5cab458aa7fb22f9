"""The state of one analysis: the tensors found so far, what was imported, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tensorlang.diagnostics import Problems
from tensorlang.ir.domain import Size, Symbol
from tensorlang.records import dataclass, field, fields
from tensorlang.sema.scope import Library, Scope, TensorInfo, View
from tensorlang.sema.setting import Setting
from tensorlang.source import Span
from tensorlang.syntax import ast

if TYPE_CHECKING:
    from tensorlang.sema.declared import Asked
    from tensorlang.sema.manners import Wish
    from tensorlang.sema.recursion import Unit
    from tensorlang.sema.relations.book import Goal
    from tensorlang.sema.relations.collect import Told


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """An ``update`` of the program, or of one application of the module ``inside``."""

    statement: ast.Update
    scope: Scope
    inside: ast.Def | None


@dataclass(slots=True, eq=False)
class World:
    """``applied`` remembers the result of each application by where it stands, so that looking twice expands once.

    ``settling`` are the declarations of fixed points, ``manners`` those of recurrences; ``units`` says how tensors that
    need themselves are computed. ``reports`` are tensors that say how a fixed point went: of which one, and what.
    ``told`` are relations that facts, files and rules say everything of, ``goals`` the queries over them, ``listed``
    the domains whose entities a ``dim`` lists; ``words`` are all entities that facts and files name, ``places`` the
    sizes and domains of told relations' places.
    """

    setting: Setting
    problems: Problems
    root: Scope
    tensors: dict[str, TensorInfo] = field(default_factory=dict)
    libraries: dict[int, Library] = field(default_factory=dict)
    loading: dict[int, str] = field(default_factory=dict)
    applied: dict[tuple[int, int], View | None] = field(default_factory=dict)
    sizes: dict[Symbol, int] = field(default_factory=dict)
    kept: list[object] = field(default_factory=list)
    equations: int = 0
    batch_names: frozenset[str] = frozenset()
    ties: list[tuple[str, int, Size, Span]] = field(default_factory=list)
    same: list[tuple[str, str, Span]] = field(default_factory=list)
    resolved: int = 0
    settling: list[Asked] = field(default_factory=list)
    manners: list[Wish] = field(default_factory=list)
    units: dict[str, Unit] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    reports: dict[str, tuple[str, str]] = field(default_factory=dict)
    conditions: set[str] = field(default_factory=set)
    updates: list[Written] = field(default_factory=list)
    asked: list[TensorInfo] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    listed: dict[str, tuple[tuple[str, ...], Span]] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    places: dict[tuple[str, int], tuple[Size, str | None]] = field(default_factory=dict)

    def add(self, info: TensorInfo) -> TensorInfo:
        self.tensors[info.name] = info
        return info


# The fields of each kind of tree node that may hold others: not places, and not words and numbers.
_FIELDS: dict[type, tuple[str, ...]] = {}
_PLAIN = ("Span", "str", "str | None", "int", "int | float", "bool", "tuple[str, ...]")


def _fields(kind: type[ast.Node]) -> tuple[str, ...]:
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(f.name for f in fields(kind) if f.name not in ("span", "left") and f.type not in _PLAIN)
    return _FIELDS[kind]


def ast_parts(node: ast.Node) -> list[ast.Node]:
    """The direct parts of a tree node."""
    found: list[ast.Node] = []
    for name in _fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, tuple):
            found.extend(item for item in value if isinstance(item, ast.Node))
        elif isinstance(value, ast.Node):
            found.append(value)
    return found


def ast_walk(node: ast.Node) -> list[ast.Node]:
    """A tree node and everything in it, outermost first, in the order of the text."""
    found: list[ast.Node] = []
    stack = [node]
    while stack:
        top = stack.pop()
        found.append(top)
        stack.extend(reversed(ast_parts(top)))
    return found


def index_words(nodes: list[ast.Node], scope: Scope) -> set[str]:
    """The words that stand as indices somewhere in an equation: alone or in arithmetic inside index brackets."""
    return set().union(*(item_words(item) for item in _entries(nodes, scope)))


def scales(nodes: list[ast.Node], scope: Scope) -> set[str]:
    """The words that stand inside index brackets as factors of other words only: numbers, as the `s` of ``X[s*x]``."""
    multiplied: set[str] = set()
    alone: set[str] = set()
    for item in _entries(nodes, scope):
        inside = set().union(*(_multiplied(part) for part in ast_walk(item)))
        multiplied |= inside
        alone |= item_words(item) - inside
    return multiplied - alone


def _multiplied(node: ast.Node) -> set[str]:
    """The names among the factors of a product, where there are several, and divisors."""
    if not isinstance(node, ast.Product):
        return set()
    names = [(factor.operator, factor.value.name) for factor in node.factors if isinstance(factor.value, ast.Name)]
    return {name for operator, name in names if len(names) > 1 or operator in ("/", "%")}


def _entries(nodes: list[ast.Node], scope: Scope) -> Iterator[ast.Node]:
    """Everything that stands inside index brackets."""
    for node in nodes:
        items: tuple[ast.Node, ...] = ()
        if isinstance(node, ast.Subscript):
            items = node.items
        elif isinstance(node, ast.Call) and isinstance(node.target, ast.Name):
            if isinstance(scope.find(node.target.name), View):
                items = tuple(argument.value for argument in node.arguments)
        elif isinstance(node, ast.Equation):
            items = node.items or ()
        yield from items


def starless(nodes: list[ast.Node]) -> frozenset[str]:
    """The words that stand somewhere without a star."""
    found = {node.name for node in nodes if isinstance(node, ast.Name | ast.Dotted)}
    return frozenset(found.union(*(node.names for node in nodes if isinstance(node, ast.Group))))


def item_words(item: ast.Node) -> set[str]:
    """The index words of one entry (those inside a gathered tensor's own brackets are found by themselves)."""
    match item:
        case ast.Name(name=name) | ast.Dotted(name=name) | ast.Virtual(name=name):
            return {name}
        case ast.Group(names=names):
            return set(names)
        case ast.Subscript():
            return set()
        case ast.Call(arguments=arguments):
            return set().union(*(item_words(argument.value) for argument in arguments))
        case _:
            return set().union(*map(item_words, ast_parts(item)))


def strip(node: ast.Expression) -> ast.Expression:
    """An expression without the brackets around it."""
    while isinstance(node, ast.Paren):
        node = node.value
    return node
