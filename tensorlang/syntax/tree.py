"""What the machine calls when it has read an expression: the values of a rule to a node of the tree.

``Expressions`` has one method a rule of ``grammar.lark``, named as there; each receives the rule's values (lexemes
and what other methods made) and where the whole starts and ends. A program that fits the grammar but not the
language raises ``Slip``, which the parser reports for that statement. statements.py goes on with the rest of the
grammar.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

from tensorlang.diagnostics import Diagnostic, diagnostic
from tensorlang.source import Source, Span
from tensorlang.syntax import ast
from tensorlang.syntax.lexemes import Lexeme

Values = list[Any]


class Slip(Exception):
    """A statement that cannot be built; ``problem`` says why."""

    def __init__(
        self, code: str, message: str, *places: Span | tuple[Span, str] | None, help: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.problem: Diagnostic = diagnostic(code, message, *places, help=help)


class Known(NamedTuple):
    """The names that a file gives: all of them, and those of tensors with indices."""

    names: frozenset[str]
    tensors: frozenset[str]


def name_of(lexeme: Lexeme) -> str:
    """A name as the program means it: the same letters in one spelling, as Python does with its names."""
    return lexeme.text if lexeme.text.isascii() else unicodedata.normalize("NFKC", lexeme.text)


def nodes(values: Values) -> list[Any]:
    """The values that are no lexemes."""
    return [value for value in values if not isinstance(value, Lexeme)]


def names(values: Values) -> tuple[str, ...]:
    return tuple(name_of(value) for value in values if isinstance(value, Lexeme) and value.kind == "NAME")


_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Expressions:
    """Builds the expressions of one source."""

    def __init__(self, source: Source, known: Known, docs: dict[int, str]) -> None:
        self._source = source
        self._known = known
        self._docs = docs

    def span(self, start: int, end: int) -> Span:
        return Span(self._source, start, end)

    # --- atoms -------------------------------------------------------------------------------------------------

    def name(self, values: Values, start: int, end: int) -> ast.Name:
        return ast.Name(name_of(values[0]), span=self.span(start, end))

    def number(self, values: Values, start: int, end: int) -> ast.Number:
        text = values[0].text
        if len(text) > 1000:
            raise Slip("E0108", "a number of more than 1000 digits", self.span(start, end))
        value = int(text) if text.isdecimal() else float(text)
        if value == float("inf"):
            raise Slip("E0108", f"`{text}` is too large for a floating-point number", self.span(start, end))
        if isinstance(value, int) and value >= 1 << 63:
            short = text if len(text) <= 30 else f"{text[:12]}..."
            raise Slip("E0108", f"`{short}` is too large for an integer of 64 bits", self.span(start, end))
        return ast.Number(value, span=self.span(start, end))

    def string(self, values: Values, start: int, end: int) -> ast.String:
        return ast.String(self._unquoted(values[0]), span=self.span(start, end))

    def _unquoted(self, lexeme: Lexeme) -> str:
        def replace(match: re.Match[str]) -> str:
            if match[1] not in _ESCAPES:
                at = lexeme.start + 1 + match.start()
                raise Slip(
                    "E0107",
                    f"`\\{match[1]}` means nothing in a string",
                    (self.span(at, at + 2), 'known are \\\\, \\", \\n and \\t'),
                    help=("write a backslash as `\\\\`; paths are written with `/`",),
                )
            return _ESCAPES[match[1]]

        return re.sub(r"\\(.)", replace, lexeme.text[1:-1])

    def size(self, values: Values, start: int, end: int) -> ast.Size:
        inner = values[0].text[1:-1].strip()
        name = inner if inner == "..." else name_of(Lexeme("NAME", inner, start, end))
        return ast.Size(name, span=self.span(start, end))

    def virtual(self, values: Values, start: int, end: int) -> ast.Virtual:
        return ast.Virtual(name_of(values[1]), span=self.span(start, end))

    def paren(self, values: Values, start: int, end: int) -> ast.Paren:
        return ast.Paren(values[1], span=self.span(start, end))

    def literal(self, values: Values, start: int, end: int) -> ast.ListLiteral:
        return ast.ListLiteral(tuple(nodes(values)), span=self.span(start, end))

    # --- applications ------------------------------------------------------------------------------------------

    def subscript(self, values: Values, start: int, end: int) -> ast.Subscript:
        return ast.Subscript(values[0], values[2], span=self.span(start, end))

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
                    f"write `[{','.join(written)}]` for {len(written)} axes, "
                    f"`[({' '.join(written)})]` to lay them out as one, `[{'*'.join(written)}]` for their product",
                ),
            )

    def call(self, values: Values, start: int, end: int) -> ast.Call:
        applied = values[0].target if isinstance(values[0], ast.Subscript) else None
        if isinstance(applied, ast.Name) and applied.name in self._known.tensors:
            text = short(values[0])
            raise Slip(
                "E0125",
                f"`{applied.name}` is a tensor and cannot be applied",
                (values[1].span(self._source), "a bracket that touches `]` applies it"),
                help=(f"for a product, write a space: `{text} (...)`",),
            )
        arguments = tuple(value for value in values[1:] if isinstance(value, ast.Argument))
        return ast.Call(values[0], arguments, span=self.span(start, end))

    def argument(self, values: Values, start: int, end: int) -> ast.Argument:
        span = self.span(start, end)
        if len(values) == 1:
            return ast.Argument(values[0], span=span)
        if values[1].kind == "WHERE":
            return ast.Argument(values[0], where=values[2], span=span)
        return ast.Argument(values[2], name=name_of(values[0]), span=span)

    def attribute(self, values: Values, start: int, end: int) -> ast.Attribute:
        return ast.Attribute(values[0], name_of(values[2]), span=self.span(start, end))

    def dotted(self, values: Values, start: int, end: int) -> ast.Dotted:
        return ast.Dotted(name_of(values[0]), span=self.span(start, end))

    def rest(self, values: Values, start: int, end: int) -> ast.Rest:
        return ast.Rest(span=self.span(start, end))

    def group(self, values: Values, start: int, end: int) -> ast.Group:
        return ast.Group(names(values), span=self.span(start, end))

    def slice(self, values: Values, start: int, end: int) -> ast.Slice:
        colon = next(at for at, value in enumerate(values) if isinstance(value, Lexeme))
        lower, upper = values[:colon], values[colon + 1 :]
        return ast.Slice(lower[0] if lower else None, upper[0] if upper else None, span=self.span(start, end))

    # --- operators ---------------------------------------------------------------------------------------------

    def sum(self, values: Values, start: int, end: int) -> ast.Expression:
        terms: list[ast.Term] = []
        sign, begin = 1, -1
        for value in values:
            if isinstance(value, Lexeme):
                sign = -sign if value.text == "-" else sign
                begin = value.start if begin < 0 else begin
            else:
                span = self.span(value.span.start if begin < 0 else begin, value.span.end)
                terms.append(ast.Term(sign, value, span=span))
                sign, begin = 1, -1
        if len(terms) == 1 and terms[0].sign == 1:
            return terms[0].value
        return ast.Sum(tuple(terms), span=self.span(start, end))

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
            span = self.span(begin, value.span.end)
            factors.append(ast.Factor(operator.text if operator else "", value, span=span))
            operator = None
        return ast.Product(tuple(factors), span=self.span(start, end))

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
        if isinstance(value, ast.Paren):
            self._check_function(before.value, value)
        if isinstance(value, ast.ListLiteral):
            raise Slip(
                "E0126",
                "an index bracket must touch what it belongs to",
                (value.span, "a space before it makes this a list of its own"),
                help=(f"write `{before.value.span.text}{value.span.text}`",),
            )

    def _check_function(self, before: ast.Expression, bracket: ast.Paren) -> None:
        """``relu (x)``: the name of a function can be no factor."""
        target = before.target if isinstance(before, ast.Subscript) else before
        if not isinstance(target, ast.Name) or target.name in self._known.names or not is_function(target.name):
            return
        raise Slip(
            "E0124",
            f"`{target.name}` is a function, and its bracket touches it",
            (bracket.span, "a space before it makes this a factor of its own"),
            help=(f"write `{before.span.text}{short(bracket)}`",),
        )

    def power(self, values: Values, start: int, end: int) -> ast.Power:
        return ast.Power(values[0], values[2], span=self.span(start, end))

    def comparison(self, values: Values, start: int, end: int) -> ast.Comparison:
        operators = tuple(value.text for value in values if isinstance(value, Lexeme))
        return ast.Comparison(operators, tuple(nodes(values)), span=self.span(start, end))

    def negation(self, values: Values, start: int, end: int) -> ast.Not:
        return ast.Not(values[1], span=self.span(start, end))

    def logic(self, values: Values, start: int, end: int) -> ast.Logic:
        return ast.Logic(values[1].text, tuple(nodes(values)), span=self.span(start, end))

    def choice(self, values: Values, start: int, end: int) -> ast.IfElse:
        return ast.IfElse(values[0], values[2], values[4], span=self.span(start, end))


def is_function(name: str) -> bool:
    """Whether a name is that of a built-in function."""
    from tensorlang import ops

    return name in ops.POINTWISE or name in ops.REDUCTIONS or name in ops.ALONG


def short(value: ast.Expression) -> str:
    """How a piece of program is quoted in a message: its text on one line, cut where it is long."""
    text = " ".join(value.span.text.split())
    return text if len(text) <= 40 else text[:37] + "..."
