"""The tree of a program: one frozen class a production, every node with the span it was read from.

Sums, products, comparisons and logic are n-ary and flat, so that a sum of 10,000 terms is one node. Spans do not
count in equality: ``parse(format(text)) == parse(text)``.
"""

from __future__ import annotations

from tensorlang.records import dataclass, field
from tensorlang.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    span: Span = field(compare=False, repr=False)


# --- expressions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number(Node):
    """``2``, ``1e-3``: an ``int`` when written without point and exponent."""

    value: int | float


@dataclass(frozen=True, slots=True)
class String(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A bare word: a scalar, an index as a value, a constant (``pi``), an entity, or a whole tensor in a call."""

    name: str


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """``nn.Linear``: a name inside a module or an instance."""

    target: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Subscript(Node):
    """``T[i, j-1]``, ``sum[j]``, ``nn.Linear(X, o=3)[b,h]``, ``Block[l]``."""

    target: Expression
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """``X``, ``o=128``, or (inside a reduction) ``e where j < i``."""

    value: Expression
    name: str | None = None
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A bracket right behind a name or ``]``: ``relu(x)``, ``Edge(n,n')``, ``sum[j](e)``, ``Block[l](X)``."""

    target: Expression
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Size(Node):
    """``|d|``, the size of a domain; ``|...|``, the number of positions in all axes that ``...`` stands for."""

    name: str


@dataclass(frozen=True, slots=True)
class Virtual(Node):
    """``*t`` inside an index expression: only the last position is kept."""

    name: str


@dataclass(frozen=True, slots=True)
class Term(Node):
    """A summand; ``sign`` is 1 or -1."""

    sign: int
    value: Expression


@dataclass(frozen=True, slots=True)
class Sum(Node):
    """Two or more terms, or one that carries a minus sign."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Factor(Node):
    """``operator`` is ``"*"``, ``"/"``, ``"%"`` or ``""`` (juxtaposition); the first factor of a product has ``""``."""

    operator: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Product(Node):
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Power(Node):
    base: Expression
    exponent: Expression


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """``a <= b < c``: ``operators[k]`` stands between ``values[k]`` and ``values[k+1]``."""

    operators: tuple[str, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """``operator`` is ``"and"`` or ``"or"``. A comma between conditions of a ``where`` is an ``and``."""

    operator: str
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    value: Expression


@dataclass(frozen=True, slots=True)
class IfElse(Node):
    """``value if condition else otherwise``."""

    value: Expression
    condition: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    """``[0.2, 1.9]``, nested for more axes; a statement's right side only."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Paren(Node):
    """Brackets that the writer put; kept, since they bound a product."""

    value: Expression


Expression = (
    Number | String | Name | Attribute | Subscript | Call | Size | Virtual | Sum | Product | Power
    | Comparison | Logic | Not | IfElse | ListLiteral | Paren
)  # fmt: skip


# --- index items -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dotted(Node):
    """``t'.`` on the left: the index that a function without brackets runs along."""

    name: str


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """``:``, ``0:5``, ``2:``."""

    lower: Expression | None
    upper: Expression | None


@dataclass(frozen=True, slots=True)
class Rest(Node):
    """``...``."""


@dataclass(frozen=True, slots=True)
class Group(Node):
    """``(h d)``: several indices laid out as one axis, the last one fastest."""

    names: tuple[str, ...]


Item = Expression | Dotted | Slice | Rest | Group


# --- statements --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dimension(Node):
    name: str
    size: Expression | None


@dataclass(frozen=True, slots=True)
class DimDeclaration(Node):
    """``dim d = 64, t``."""

    items: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class ConstDeclaration(Node):
    """``const L = 6``."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Declared(Node):
    """One tensor of a declaration.

    ``W[o,i] ~ glorot()``, ``Tok[b,t] in v``, ``D[n,i] = load("digits.csv")``, ``X: complex``.

    ``axes`` is None for a bare name. ``relation`` places use round brackets (``Parent(person, person)``).
    """

    name: str
    axes: tuple[Item, ...] | None
    element: str | None = None
    init: Expression | None = None
    domain: str | None = None
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Declaration(Node):
    """``kind`` is input, param, data, relation, buffer, output, or tensor (a bare ``complex U[x]``)."""

    kind: str
    element: str | None
    items: tuple[Declared, ...]


@dataclass(frozen=True, slots=True)
class Equation(Node):
    """``left op right where guard``.

    ``operator`` is ``=`` or an aggregate (``max= min= avg= prod= or= and= logsumexp= +=``). ``items`` is None where the
    left side is a bare name; ``relation`` says that it had round brackets.
    """

    name: str
    items: tuple[Item, ...] | None
    operator: str
    value: Expression
    where: Expression | None
    relation: bool
    left: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rule(Node):
    """``Head(x,z) <- Body(x,y), not Other(y), x != z``; a fact is a rule without a body."""

    head: Call
    body: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Query(Node):
    """``e?``; ``why`` asks for a proof."""

    value: Expression
    why: bool


@dataclass(frozen=True, slots=True)
class Update(Node):
    """``update R[c] = ...`` after each training step."""

    equation: Equation


@dataclass(frozen=True, slots=True)
class Option(Node):
    """``tol 1e-6`` or ``epochs=20``."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Fixpoint(Node):
    """``fixpoint Z, U tol 1e-6 max 100``."""

    names: tuple[str, ...]
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Scan(Node):
    """``scan H method parallel tol 1e-6 checkpoint 64``: how a recurrence is run."""

    names: tuple[str, ...]
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Formal(Node):
    """A formal of a module: ``X[..., i]`` (a tensor) or ``o`` / ``o=3`` (a size or a scalar, with a default)."""

    name: str
    axes: tuple[Item, ...] | None
    default: Expression | None = None


@dataclass(frozen=True, slots=True)
class Def(Node):
    name: str
    formals: tuple[Formal, ...]
    results: tuple[Formal, ...]
    body: tuple[Statement, ...]
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Import(Node):
    """``import nn``, ``import nn as layers``, ``import "./mine.tl"``, ``from attention import MultiHead``."""

    module: str
    path: bool
    names: tuple[tuple[str, str], ...]
    alias: str | None


@dataclass(frozen=True, slots=True)
class Minimize(Node):
    """``minimize Loss with adam(lr=1e-3), epochs=20, batch=(n, 64) over W, B``.

    ``batch=(n, 64)`` arrives as an option whose value is a ``ListLiteral`` of the two.
    """

    loss: Expression
    method: str | None
    settings: tuple[Option, ...]
    options: tuple[Option, ...]
    over: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plot(Node):
    value: Expression
    path: str | None


@dataclass(frozen=True, slots=True)
class Save(Node):
    """``save Y, Z to "y.npz"``; ``names`` is ``("params",)`` for ``save params``."""

    names: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Load(Node):
    """``load params from "model.safetensors"``."""

    names: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Assert(Node):
    value: Expression


@dataclass(frozen=True, slots=True)
class Test(Node):
    """``test "name": statement``, or an indented block of them."""

    name: str
    body: tuple[Statement, ...]


Statement = (
    DimDeclaration | ConstDeclaration | Declaration | Equation | Rule | Query | Update | Fixpoint | Scan | Def
    | Import | Minimize | Plot | Save | Load | Assert | Test
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class File(Node):
    """A whole source file; ``doc`` is the comment block at its head."""

    statements: tuple[Statement, ...]
    doc: str | None = None
