"""What the machine calls at each reduction: the values of a rule to a node of the tree.

``Builder`` has one method a rule of ``grammar.lark``, named as there; each receives the rule's values (lexemes and what
other methods made) and where the whole starts and ends. A program that fits the grammar but not the language raises
``Slip``, which the parser reports for that statement.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple

from tensorlang.diagnostics import Diagnostic, diagnostic
from tensorlang.source import Source, Span
from tensorlang.syntax import ast, words
from tensorlang.syntax.lexemes import Lexeme

Values = list[Any]


class Slip(Exception):
    """A statement that cannot be built; ``problem`` says why."""

    def __init__(self, code: str, message: str, *places: Span | tuple[Span, str] | None, help: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problem: Diagnostic = diagnostic(code, message, *places, help=help)


class _Suffix(NamedTuple):
    """``: complex``, ``in v``, ``~ init`` or ``= value`` of a declared tensor."""

    mark: Lexeme
    value: Any


class _Over(NamedTuple):
    names: tuple[str, ...]


class _Signature(NamedTuple):
    name: str
    formals: tuple[ast.Formal, ...]
    results: tuple[ast.Formal, ...]


class _Axes(NamedTuple):
    items: tuple[ast.Item, ...]
    round: bool


def name_of(lexeme: Lexeme) -> str:
    """A name as the program means it: the same letters in one spelling, as Python does with its names."""
    return lexeme.text if lexeme.text.isascii() else unicodedata.normalize("NFKC", lexeme.text)


def nodes(values: Values) -> list[Any]:
    """The values that are no lexemes."""
    return [value for value in values if not isinstance(value, Lexeme)]


def names(values: Values) -> tuple[str, ...]:
    return tuple(name_of(value) for value in values if isinstance(value, Lexeme) and value.kind == "NAME")


_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Builder:
    """Builds the tree of one source."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def actions(self) -> dict[str, Callable[[Values, int, int], Any]]:
        return {name: getattr(self, name) for name in dir(self) if not name.startswith("_") and name != "actions"}

    def _span(self, start: int, end: int) -> Span:
        return Span(self._source, start, end)

    # --- atoms -------------------------------------------------------------------------------------------------

    def name(self, values: Values, start: int, end: int) -> ast.Name:
        return ast.Name(name_of(values[0]), span=self._span(start, end))

    def number(self, values: Values, start: int, end: int) -> ast.Number:
        text = values[0].text
        if len(text) > 1000:
            raise Slip("E0108", "a number of more than 1000 digits", self._span(start, end))
        value = int(text) if text.isdecimal() else float(text)
        return ast.Number(value, span=self._span(start, end))

    def string(self, values: Values, start: int, end: int) -> ast.String:
        return ast.String(self._unquoted(values[0]), span=self._span(start, end))

    def _unquoted(self, lexeme: Lexeme) -> str:
        def replace(match: re.Match[str]) -> str:
            if match[1] not in _ESCAPES:
                at = lexeme.start + 1 + match.start()
                raise Slip(
                    "E0107",
                    f"`\\{match[1]}` means nothing in a string",
                    (self._span(at, at + 2), 'known are \\\\, \\", \\n and \\t'),
                    help=("write a backslash as `\\\\`; paths are written with `/`",),
                )
            return _ESCAPES[match[1]]

        return re.sub(r"\\(.)", replace, lexeme.text[1:-1])

    def size(self, values: Values, start: int, end: int) -> ast.Size:
        inner = values[0].text[1:-1].strip()
        return ast.Size(name_of(Lexeme("NAME", inner, start, end)), span=self._span(start, end))

    def virtual(self, values: Values, start: int, end: int) -> ast.Virtual:
        return ast.Virtual(name_of(values[1]), span=self._span(start, end))

    def paren(self, values: Values, start: int, end: int) -> ast.Paren:
        return ast.Paren(values[1], span=self._span(start, end))

    def list(self, values: Values, start: int, end: int) -> ast.ListLiteral:
        return ast.ListLiteral(tuple(nodes(values)), span=self._span(start, end))

    # --- applications ------------------------------------------------------------------------------------------

    def subscript(self, values: Values, start: int, end: int) -> ast.Subscript:
        return ast.Subscript(values[0], values[2], span=self._span(start, end))

    def items(self, values: Values, start: int, end: int) -> tuple[ast.Item, ...]:
        items = tuple(nodes(values))
        for item in items:
            self._missing_comma(item)
        return items

    def _missing_comma(self, item: ast.Item) -> None:
        if not isinstance(item, ast.Product):
            return
        factors = [factor.value for factor in item.factors if isinstance(factor.value, ast.Name)]
        if len(factors) == len(item.factors) and not any(factor.operator for factor in item.factors):
            written = [factor.name for factor in factors]
            raise Slip(
                "E0127",
                f"indices `{'` and `'.join(written)}` need a comma between them",
                item.span,
                help=(
                    f"write `[{','.join(written)}]` for {len(written)} axes, `[({' '.join(written)})]` to lay them out as one, "
                    f"`[{'*'.join(written)}]` for their product",
                ),
            )

    def call(self, values: Values, start: int, end: int) -> ast.Call:
        arguments = tuple(value for value in values[1:] if isinstance(value, ast.Argument))
        return ast.Call(values[0], arguments, span=self._span(start, end))

    def argument(self, values: Values, start: int, end: int) -> ast.Argument:
        span = self._span(start, end)
        if len(values) == 1:
            return ast.Argument(values[0], span=span)
        if values[1].kind == "WHERE":
            return ast.Argument(values[0], where=values[2], span=span)
        return ast.Argument(values[2], name=name_of(values[0]), span=span)

    def attribute(self, values: Values, start: int, end: int) -> ast.Attribute:
        return ast.Attribute(values[0], name_of(values[2]), span=self._span(start, end))

    def dotted(self, values: Values, start: int, end: int) -> ast.Dotted:
        return ast.Dotted(name_of(values[0]), span=self._span(start, end))

    def rest(self, values: Values, start: int, end: int) -> ast.Rest:
        return ast.Rest(span=self._span(start, end))

    def group(self, values: Values, start: int, end: int) -> ast.Group:
        return ast.Group(names(values), span=self._span(start, end))

    def slice(self, values: Values, start: int, end: int) -> ast.Slice:
        colon = next(at for at, value in enumerate(values) if isinstance(value, Lexeme))
        lower, upper = values[:colon], values[colon + 1 :]
        return ast.Slice(lower[0] if lower else None, upper[0] if upper else None, span=self._span(start, end))

    # --- operators ---------------------------------------------------------------------------------------------

    def sum(self, values: Values, start: int, end: int) -> ast.Expression:
        terms: list[ast.Term] = []
        sign, begin = 1, -1
        for value in values:
            if isinstance(value, Lexeme):
                sign = -sign if value.text == "-" else sign
                begin = value.start if begin < 0 else begin
            else:
                span = self._span(value.span.start if begin < 0 else begin, value.span.end)
                terms.append(ast.Term(sign, value, span=span))
                sign, begin = 1, -1
        if len(terms) == 1 and terms[0].sign == 1:
            return terms[0].value
        return ast.Sum(tuple(terms), span=self._span(start, end))

    def product(self, values: Values, start: int, end: int) -> ast.Product:
        factors: list[ast.Factor] = []
        operator: Lexeme | None = None
        for value in values:
            if isinstance(value, Lexeme):
                operator = value
                continue
            begin = operator.start if operator else value.span.start
            if operator is None and factors:
                self._check_juxtaposed(factors, value)
            span = self._span(begin, value.span.end)
            factors.append(ast.Factor(operator.text if operator else "", value, span=span))
            operator = None
        return ast.Product(tuple(factors), span=self._span(start, end))

    def _check_juxtaposed(self, factors: list[ast.Factor], value: ast.Expression) -> None:
        before = factors[-1]
        if before.operator in ("/", "%"):
            over, under, more = factors[-2].value.span.text, before.value.span.text, value.span.text
            raise Slip(
                "E0123",
                f"`{before.operator} {under} {more}` can be read in two ways",
                (value.span, "does this stand below the line or beside it?"),
                help=(
                    f"write `{over} {before.operator} ({under} {more})` or `({over} {before.operator} {under}) {more}`",
                ),
            )
        if isinstance(value, ast.ListLiteral):
            raise Slip(
                "E0126",
                "an index bracket must touch what it belongs to",
                (value.span, "a space before it makes this a list of its own"),
                help=(f"write `{before.value.span.text}{value.span.text}`",),
            )

    def power(self, values: Values, start: int, end: int) -> ast.Power:
        return ast.Power(values[0], values[2], span=self._span(start, end))

    def comparison(self, values: Values, start: int, end: int) -> ast.Comparison:
        operators = tuple(value.text for value in values if isinstance(value, Lexeme))
        return ast.Comparison(operators, tuple(nodes(values)), span=self._span(start, end))

    def negation(self, values: Values, start: int, end: int) -> ast.Not:
        return ast.Not(values[1], span=self._span(start, end))

    def logic(self, values: Values, start: int, end: int) -> ast.Logic:
        return ast.Logic(values[1].text, tuple(nodes(values)), span=self._span(start, end))

    def choice(self, values: Values, start: int, end: int) -> ast.IfElse:
        return ast.IfElse(values[0], values[2], values[4], span=self._span(start, end))

    # --- equations, rules, queries -----------------------------------------------------------------------------

    def conditions(self, values: Values, start: int, end: int) -> tuple[ast.Expression, ...]:
        """Conditions with a comma or a bare ``and`` between them, in one flat row."""
        flat: list[ast.Expression] = []
        for value in nodes(values):
            flat.extend(value.values if isinstance(value, ast.Logic) and value.operator == "and" else [value])
        return tuple(flat)

    def _all_of(self, conditions: tuple[ast.Expression, ...]) -> ast.Expression:
        if len(conditions) == 1:
            return conditions[0]
        return ast.Logic("and", conditions, span=conditions[0].span.to(conditions[-1].span))

    def equation(self, values: Values, start: int, end: int) -> ast.Equation:
        left, operator, right = values[:3]
        items: tuple[ast.Item, ...] | None = None
        target = left
        if isinstance(left, ast.Subscript):
            target, items = left.target, left.items
        elif isinstance(left, ast.Call):
            target, items = left.target, self._places(left)
        if not isinstance(target, ast.Name):
            raise self._bad_left(left)
        return ast.Equation(
            target.name,
            items,
            operator.text,
            right,
            self._all_of(values[4]) if len(values) > 3 else None,
            isinstance(left, ast.Call),
            left=left.span,
            span=self._span(start, end),
        )

    def _places(self, head: ast.Call) -> tuple[ast.Expression, ...]:
        for argument in head.arguments:
            if argument.name is not None or argument.where is not None:
                raise Slip("E0129", "a place of a relation is an index or a constant", argument.span)
        return tuple(argument.value for argument in head.arguments)

    def _bad_left(self, left: ast.Expression) -> Slip:
        return Slip(
            "E0129",
            f"`{_short(left)}` cannot stand on the left of an equation",
            (left.span, "expected one tensor with its indices, such as `Y[b,o]`, or a bare name"),
        )

    def update(self, values: Values, start: int, end: int) -> ast.Update:
        inner = values[1:]
        return ast.Update(self.equation(inner, inner[0].span.start, end), span=self._span(start, end))

    def bare(self, values: Values, start: int, end: int) -> Any:
        """An expression alone: a fact, or several in a row."""
        parts = values
        if isinstance(values[0], ast.Product) and not any(factor.operator for factor in values[0].factors):
            parts = [factor.value for factor in values[0].factors]
        if not all(isinstance(part, ast.Call) and isinstance(part.target, ast.Name) for part in parts):
            raise Slip(
                "E0130",
                "an expression by itself does nothing",
                values[0].span,
                help=(f"to print it, write `{_short(values[0])}?`; to keep it, write `Name[...] = {_short(values[0])}`",),
            )
        facts = [self._head(part, part.span) for part in parts]
        return facts[0] if len(facts) == 1 else facts

    def _head(self, head: ast.Expression, span: Span, body: tuple[ast.Expression, ...] = ()) -> ast.Rule:
        if not isinstance(head, ast.Call) or not isinstance(head.target, ast.Name):
            name = head.target.span.text if isinstance(head, ast.Subscript) else "Head"
            raise Slip(
                "E0135",
                "the head of a rule is a relation with round brackets",
                (head.span, f"expected `{name}(...)`"),
                help=("a tensor with square brackets is defined with `=`",),
            )
        self._places(head)
        return ast.Rule(head, body, span=span)

    def rule(self, values: Values, start: int, end: int) -> ast.Rule:
        return self._head(values[0], self._span(start, end), values[2])

    def query(self, values: Values, start: int, end: int) -> ast.Query:
        value = nodes(values)[0]
        return ast.Query(value, isinstance(values[0], Lexeme), span=self._span(start, end))

    # --- declarations ------------------------------------------------------------------------------------------

    def dimension(self, values: Values, start: int, end: int) -> ast.Dimension:
        return ast.Dimension(name_of(values[0]), values[2] if len(values) > 1 else None, span=self._span(start, end))

    def dims(self, values: Values, start: int, end: int) -> ast.DimDeclaration:
        return ast.DimDeclaration(tuple(nodes(values)), span=self._span(start, end))

    def constant(self, values: Values, start: int, end: int) -> ast.ConstDeclaration:
        return ast.ConstDeclaration(name_of(values[0]), values[2], span=self._span(start, end))

    def constants(self, values: Values, start: int, end: int) -> list[ast.ConstDeclaration]:
        return nodes(values)

    def axes(self, values: Values, start: int, end: int) -> _Axes:
        return _Axes(values[1], values[0].kind == "APPLY")

    def suffix(self, values: Values, start: int, end: int) -> _Suffix:
        mark, value = values
        if mark.kind == "COLON" and value.text not in words.ELEMENTS:
            raise Slip(
                "E0133",
                f"`{value.text}` is no element type",
                (value.span(self._source), f"known are {', '.join(words.ELEMENTS)}"),
            )
        return _Suffix(mark, name_of(value) if isinstance(value, Lexeme) else value)

    def declared(self, values: Values, start: int, end: int) -> ast.Declared:
        axes = next((value.items for value in values if isinstance(value, _Axes)), None)
        given: dict[str, Any] = {}
        for value in values:
            if isinstance(value, _Suffix):
                if value.mark.text in given:
                    raise Slip("E0133", f"`{value.mark.text}` is given twice", value.mark.span(self._source))
                given[value.mark.text] = value.value
        return ast.Declared(
            name_of(values[0]),
            axes,
            element=given.get(":"),
            init=given.get("~"),
            domain=given.get("in"),
            value=given.get("=", given.get("+=")),
            span=self._span(start, end),
        )

    def declaration(self, values: Values, start: int, end: int) -> ast.Declaration:
        marks = {value.kind: value.text for value in values if isinstance(value, Lexeme)}
        items = tuple(nodes(values))
        return ast.Declaration(marks.get("KIND", "tensor"), marks.get("ELEMENT"), items, span=self._span(start, end))

    # --- modules -----------------------------------------------------------------------------------------------

    def formal(self, values: Values, start: int, end: int) -> ast.Formal:
        axes = next((value.items for value in values if isinstance(value, _Axes)), None)
        default = values[-1] if len(values) > 2 else None
        return ast.Formal(name_of(values[0]), axes, default, span=self._span(start, end))

    def signature(self, values: Values, start: int, end: int) -> _Signature:
        arrow = next((at for at, value in enumerate(values) if isinstance(value, Lexeme) and value.kind == "RESULT"), None)
        if arrow is None:
            raise Slip(
                "E0140",
                f"module `{values[1].text}` does not say what it gives",
                (values[1].span(self._source), "expected `-> Y[...]` before the `:`"),
            )
        return _Signature(name_of(values[1]), tuple(nodes(values[:arrow])), tuple(nodes(values[arrow:])))

    def definition(self, values: Values, start: int, end: int) -> ast.Def:
        name, formals, results = values[0]
        return ast.Def(name, formals, results, _flat(nodes(values[1:])), span=self._span(start, end))

    def title(self, values: Values, start: int, end: int) -> str:
        return self._unquoted(values[1])

    def test(self, values: Values, start: int, end: int) -> ast.Test:
        return ast.Test(values[0], _flat(nodes(values[1:])), span=self._span(start, end))

    def start(self, values: Values, start: int, end: int) -> tuple[ast.Statement, ...]:
        return _flat(nodes(values))

    def module(self, values: Values, start: int, end: int) -> ast.Import:
        alias = name_of(values[-1]) if len(values) > 1 and values[-2].kind == "AS" else None
        path = values[0].kind == "STRING"
        named = self._unquoted(values[0]) if path else ".".join(names(values[: -2 if alias else None]))
        return ast.Import(named, path, (), alias, span=self._span(start, end))

    def imports(self, values: Values, start: int, end: int) -> list[ast.Import]:
        return nodes(values)

    def local(self, values: Values, start: int, end: int) -> tuple[str, str]:
        return name_of(values[0]), name_of(values[-1])

    def from_import(self, values: Values, start: int, end: int) -> ast.Import:
        path = values[1].kind == "STRING"
        cut = next(at for at, value in enumerate(values) if isinstance(value, Lexeme) and value.kind == "IMPORT")
        named = self._unquoted(values[1]) if path else ".".join(names(values[:cut]))
        return ast.Import(named, path, tuple(nodes(values)), None, span=self._span(start, end))

    # --- actions -----------------------------------------------------------------------------------------------

    def tolerance(self, values: Values, start: int, end: int) -> ast.Option:
        return ast.Option(name_of(values[0]), values[1], span=self._span(start, end))

    def fixpoint(self, values: Values, start: int, end: int) -> ast.Fixpoint:
        return ast.Fixpoint(names(values), tuple(nodes(values)), span=self._span(start, end))

    def over(self, values: Values, start: int, end: int) -> _Over:
        return _Over(names(values))

    def pair(self, values: Values, start: int, end: int) -> ast.ListLiteral:
        return ast.ListLiteral((values[1], values[3]), span=self._span(start, end))

    def setting(self, values: Values, start: int, end: int) -> Any:
        if len(values) == 1:
            return values[0]
        return ast.Option(name_of(values[0]), values[2], span=self._span(start, end))

    def minimize(self, values: Values, start: int, end: int) -> ast.Minimize:
        method: str | None = None
        settings: tuple[ast.Option, ...] = ()
        options: list[ast.Option] = []
        over: tuple[str, ...] = ()
        for value in nodes(values[2:]):
            if isinstance(value, _Over):
                over += value.names
            elif isinstance(value, ast.Option):
                options.append(value)
            elif method is None:
                method, settings = self._method(value)
            else:
                raise Slip("E0141", f"`{_short(value)}` has no name; options are written as `epochs=20`", value.span)
        return ast.Minimize(values[1], method, settings, tuple(options), over, span=self._span(start, end))

    def _method(self, value: ast.Expression) -> tuple[str, tuple[ast.Option, ...]]:
        if isinstance(value, ast.Name):
            return value.name, ()
        if not isinstance(value, ast.Call) or not isinstance(value.target, ast.Name):
            raise Slip("E0141", f"expected a method such as `adam(lr=1e-3)`, found `{_short(value)}`", value.span)
        settings = []
        for argument in value.arguments:
            if argument.name is None:
                message = f"`{argument.span.text}` has no name; settings are written as `{value.target.name}(lr=1e-3)`"
                raise Slip("E0141", message, argument.span)
            settings.append(ast.Option(argument.name, argument.value, span=argument.span))
        return value.target.name, tuple(settings)

    def plot(self, values: Values, start: int, end: int) -> ast.Plot:
        path = self._unquoted(values[3]) if len(values) > 2 else None
        return ast.Plot(values[1], path, span=self._span(start, end))

    def save(self, values: Values, start: int, end: int) -> ast.Save:
        return ast.Save(names(values), self._unquoted(values[-1]), span=self._span(start, end))

    def load(self, values: Values, start: int, end: int) -> ast.Load:
        return ast.Load(names(values), self._unquoted(values[-1]), span=self._span(start, end))

    def check(self, values: Values, start: int, end: int) -> ast.Assert:
        return ast.Assert(values[1], span=self._span(start, end))


def _flat(values: list[Any]) -> tuple[ast.Statement, ...]:
    """Statements in a row; one line may have made several."""
    flat: list[ast.Statement] = []
    for value in values:
        flat.extend(value if isinstance(value, list) else [value])
    return tuple(flat)


def _short(value: ast.Expression) -> str:
    """How a piece of program is quoted in a message: its text on one line, cut where it is long."""
    text = " ".join(value.span.text.split())
    return text if len(text) <= 40 else text[:37] + "..."
