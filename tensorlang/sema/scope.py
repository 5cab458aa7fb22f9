"""What names mean at a place: scopes of a file, a module's body or a test, and the tensors of the whole program."""

from __future__ import annotations

from tensorlang.ir.domain import Size
from tensorlang.ir.program import FileRef, Init
from tensorlang.records import dataclass, field
from tensorlang.sema.resolved import Resolved, Statement
from tensorlang.source import Span
from tensorlang.syntax import ast


@dataclass(slots=True, eq=False)
class TensorInfo:
    """A tensor of the program. ``labels`` names the axes (None until the rank is known).

    ``leading`` are the indices that an indexed application (``Block[l](X)``) puts before the written ones. ``unsure``
    where the rank could not be told because of a reported problem. ``starred`` are axes with a virtual index (``*t``).
    ``over`` are the domains of a relation's places where they have names of their own (``parent: person``).
    """

    name: str
    kind: str
    span: Span
    scope: Scope
    labels: tuple[str, ...] | None = None
    element: str | None = None
    init: Init | None = None
    file: FileRef | None = None
    positions: Size | None = None
    leading: tuple[str, ...] = ()
    declared: bool = False
    relation: bool = False
    equations: list[tuple[ast.Equation, Scope]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    literal: tuple[bool | int | float, ...] | None = None
    shape: tuple[int, ...] | None = None
    resolving: bool = False
    unsure: bool = False
    starred: set[int] = field(default_factory=set)
    over: tuple[str, ...] = ()

    def domain(self, at: int) -> str:
        """The name of a declared axis's domain: ``person`` for the place ``parent: person``, else the axis's label."""
        return (self.over or self.labels or ())[at]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A tensor as it is seen under a formal's name: entries put before those that are written."""

    tensor: TensorInfo
    prefix: tuple[Resolved, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A constant, or a formal bound to a number, a size or a scalar expression.

    ``index`` says that the name is an index where it stands in index brackets (a formal that gives a size).
    """

    value: Resolved
    index: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    definition: ast.Def
    scope: Scope


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """``enc = nn.Linear(o=128)``: a module with its own parameters under ``prefix``, applied as often as wanted."""

    module: Module
    arguments: tuple[ast.Argument, ...]
    scope: Scope
    prefix: str
    leading: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """An imported file."""

    scope: Scope


Entity = View | Scalar | Module | Instance | Library


@dataclass(slots=True, eq=False)
class Scope:
    """``prefix`` goes before the names of tensors defined here, ``params`` before those of parameters and buffers.

    ``hidden`` are index names that mean nothing outside: those that label the axes of a module's formals. The tensors
    of a module's body have the axes ``leading`` in front, its parameters and buffers ``weights``.
    ``scales`` are words that are numbers inside index brackets: the `s` of ``X[s*x]``.
    """

    parent: Scope | None
    prefix: str = ""
    params: str = ""
    names: dict[str, Entity] = field(default_factory=dict)
    dims: dict[str, tuple[Size, Span]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    scales: frozenset[str] = frozenset()
    leading: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    depth: int = 0
    counter: dict[str, int] = field(default_factory=dict)
    formal_axes: list[tuple[View, tuple[ast.Item, ...], Span]] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)
    extents: dict[str, Size] = field(default_factory=dict)
    outputs: list[tuple[str, Span]] = field(default_factory=list)

    def find(self, name: str) -> Entity | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def dim(self, name: str) -> tuple[Size, Span] | None:
        """The size of the domain that an index of this name is over (primes do not count)."""
        base = name.rstrip("'")
        scope: Scope | None = self
        while scope is not None:
            for key in (name, base):
                if key in scope.dims:
                    return scope.dims[key]
            if base in scope.hidden:
                return None
            scope = scope.parent
        return None

    def known(self) -> list[str]:
        """All names that can be seen from here."""
        names: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            names += scope.names
            scope = scope.parent
        return names
