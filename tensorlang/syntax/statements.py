"""What the machine calls when it has read a statement: the values of a rule to a node of the tree.

``Builder`` has one method a rule of ``grammar.lark``, named as there, and inherits those of expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tensorlang.diagnostics import nearest
from tensorlang.source import Span
from tensorlang.syntax import ast, foreign, words
from tensorlang.syntax.lexemes import Lexeme
from tensorlang.syntax.tree import Expressions, Slip, Values, name_of, names, nodes, short


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


class Builder(Expressions):
    """Builds the tree of one source."""

    def actions(self) -> dict[str, Callable[[Values, int, int], Any]]:
        """The methods by the names of the rules."""
        return {name: getattr(self, name) for name in dir(self) if not name.startswith("_") and name not in _TOOLS}

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
            span=self.span(start, end),
        )

    def _places(self, head: ast.Call) -> tuple[ast.Expression, ...]:
        for argument in head.arguments:
            if argument.name is not None or argument.where is not None:
                raise Slip("E0129", "a place of a relation is an index or a constant", argument.span)
        return tuple(argument.value for argument in head.arguments)

    def _bad_left(self, left: ast.Expression) -> Slip:
        return Slip(
            "E0129",
            f"`{short(left)}` cannot stand on the left of an equation",
            (left.span, "expected one tensor with its indices, such as `Y[b,o]`, or a bare name"),
        )

    def update(self, values: Values, start: int, end: int) -> ast.Update:
        inner = values[1:]
        return ast.Update(self.equation(inner, inner[0].span.start, end), span=self.span(start, end))

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
                help=(f"to print it, write `{short(values[0])}?`; to keep it, write `Name[...] = {short(values[0])}`",),
            )
        for part in parts:
            self._check_fact(part.target)
        facts = [self._head(part, part.span) for part in parts]
        return facts[0] if len(facts) == 1 else facts

    def _check_fact(self, target: ast.Name) -> None:
        """``plot(Loss)`` is no fact."""
        if target.name in self._known.names:
            return
        if target.name in foreign.CONSTRUCTS:
            raise Slip(
                "E0118",
                f"there is no `{target.name}`: equations are the only construct",
                (target.span, foreign.CONSTRUCTS[target.name]),
            )
        if target.name in words.STARTERS:
            message = f"`{target.name}` is a statement and takes no brackets"
            raise Slip("E0148", message, target.span, help=(f"write `{words.EXAMPLES[target.name]}`",))

    def _head(self, head: ast.Expression, span: Span, body: tuple[ast.Expression, ...] = ()) -> ast.Rule:
        if not isinstance(head, ast.Call) or not isinstance(head.target, ast.Name):
            bare = head
            while isinstance(bare, ast.Subscript | ast.Call):
                bare = bare.target
            name = bare.name if isinstance(bare, ast.Name) else "Head"
            raise Slip(
                "E0135",
                "the head of a rule is a relation with round brackets",
                (head.span, f"expected `{name}(...)`"),
                help=("a tensor with square brackets is defined with `=`",),
            )
        self._places(head)
        return ast.Rule(head, body, span=span)

    def rule(self, values: Values, start: int, end: int) -> ast.Rule:
        return self._head(values[0], self.span(start, end), values[2])

    def query(self, values: Values, start: int, end: int) -> ast.Query:
        value = self._all_of(nodes(values)[0])
        return ast.Query(value, isinstance(values[0], Lexeme), span=self.span(start, end))

    # --- declarations ------------------------------------------------------------------------------------------

    def dimension(self, values: Values, start: int, end: int) -> ast.Dimension:
        return ast.Dimension(name_of(values[0]), values[2] if len(values) > 1 else None, span=self.span(start, end))

    def dims(self, values: Values, start: int, end: int) -> ast.DimDeclaration:
        return ast.DimDeclaration(tuple(nodes(values)), span=self.span(start, end))

    def constant(self, values: Values, start: int, end: int) -> ast.ConstDeclaration:
        return ast.ConstDeclaration(name_of(values[0]), values[2], span=self.span(start, end))

    def constants(self, values: Values, start: int, end: int) -> list[ast.ConstDeclaration]:
        return nodes(values)

    def axes(self, values: Values, start: int, end: int) -> _Axes:
        return _Axes(values[1], values[0].kind == "APPLY")

    def suffix(self, values: Values, start: int, end: int) -> _Suffix:
        mark, value = values
        if mark.kind == "COLON" and value.text not in words.ELEMENTS:
            near = nearest(value.text, words.ELEMENTS)
            raise Slip(
                "E0133",
                f"`{value.text}` is no element type",
                (value.span(self._source), f"did you mean `{near}`?" if near else ""),
                help=(f"element types are {', '.join(words.ELEMENTS)}",),
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
            span=self.span(start, end),
        )

    def declaration(self, values: Values, start: int, end: int) -> ast.Declaration:
        marks = {value.kind: value.text for value in values if isinstance(value, Lexeme)}
        items = tuple(nodes(values))
        return ast.Declaration(marks.get("KIND", "tensor"), marks.get("ELEMENT"), items, span=self.span(start, end))

    # --- modules -----------------------------------------------------------------------------------------------

    def formal(self, values: Values, start: int, end: int) -> ast.Formal:
        axes = next((value.items for value in values if isinstance(value, _Axes)), None)
        default = values[-1] if len(values) > 2 else None
        return ast.Formal(name_of(values[0]), axes, default, span=self.span(start, end))

    def signature(self, values: Values, start: int, end: int) -> _Signature:
        arrow = next(
            (at for at, value in enumerate(values) if isinstance(value, Lexeme) and value.kind == "RESULT"), None
        )
        if arrow is None:
            raise Slip(
                "E0140",
                f"module `{values[1].text}` does not say what it gives",
                (values[1].span(self._source), "expected `-> Y[...]` before the `:`"),
            )
        return _Signature(name_of(values[1]), tuple(nodes(values[:arrow])), tuple(nodes(values[arrow:])))

    def definition(self, values: Values, start: int, end: int) -> ast.Def:
        name, formals, results = values[0]
        body = _flat(nodes(values[1:]))
        return ast.Def(name, formals, results, body, self._docs.get(start), span=self.span(start, end))

    def title(self, values: Values, start: int, end: int) -> str:
        return self._unquoted(values[1])

    def test(self, values: Values, start: int, end: int) -> ast.Test:
        return ast.Test(values[0], _flat(nodes(values[1:])), span=self.span(start, end))

    def start(self, values: Values, start: int, end: int) -> tuple[ast.Statement, ...]:
        return _flat(nodes(values))

    def module(self, values: Values, start: int, end: int) -> ast.Import:
        alias = name_of(values[-1]) if len(values) > 1 and values[-2].kind == "AS" else None
        path = values[0].kind == "STRING"
        named = self._unquoted(values[0]) if path else ".".join(names(values[: -2 if alias else None]))
        return ast.Import(named, path, (), alias, span=self.span(start, end))

    def imports(self, values: Values, start: int, end: int) -> list[ast.Import]:
        return nodes(values)

    def local(self, values: Values, start: int, end: int) -> tuple[str, str]:
        return name_of(values[0]), name_of(values[-1])

    def from_import(self, values: Values, start: int, end: int) -> ast.Import:
        path = values[1].kind == "STRING"
        cut = next(at for at, value in enumerate(values) if isinstance(value, Lexeme) and value.kind == "IMPORT")
        named = self._unquoted(values[1]) if path else ".".join(names(values[:cut]))
        return ast.Import(named, path, tuple(nodes(values)), None, span=self.span(start, end))

    # --- actions -----------------------------------------------------------------------------------------------

    def tolerance(self, values: Values, start: int, end: int) -> ast.Option:
        return ast.Option(name_of(values[0]), values[1], span=self.span(start, end))

    def fixpoint(self, values: Values, start: int, end: int) -> ast.Fixpoint:
        return ast.Fixpoint(names(values), tuple(nodes(values)), span=self.span(start, end))

    def scan(self, values: Values, start: int, end: int) -> ast.Scan:
        return ast.Scan(names(values), tuple(nodes(values)), span=self.span(start, end))

    def over(self, values: Values, start: int, end: int) -> _Over:
        return _Over(names(values))

    def pair(self, values: Values, start: int, end: int) -> ast.ListLiteral:
        return ast.ListLiteral((values[1], values[3]), span=self.span(start, end))

    def setting(self, values: Values, start: int, end: int) -> Any:
        if len(values) == 1:
            return values[0]
        return ast.Option(name_of(values[0]), values[2], span=self.span(start, end))

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
                raise Slip("E0141", f"`{short(value)}` has no name; options are written as `epochs=20`", value.span)
        return ast.Minimize(values[1], method, settings, tuple(options), over, span=self.span(start, end))

    def _method(self, value: ast.Expression) -> tuple[str, tuple[ast.Option, ...]]:
        if isinstance(value, ast.Name):
            return value.name, ()
        if not isinstance(value, ast.Call) or not isinstance(value.target, ast.Name):
            raise Slip("E0141", f"expected a method such as `adam(lr=1e-3)`, found `{short(value)}`", value.span)
        settings = []
        for argument in value.arguments:
            if argument.name is None:
                message = f"`{argument.span.text}` has no name; settings are written as `{value.target.name}(lr=1e-3)`"
                raise Slip("E0141", message, argument.span)
            settings.append(ast.Option(argument.name, argument.value, span=argument.span))
        return value.target.name, tuple(settings)

    def plot(self, values: Values, start: int, end: int) -> ast.Plot:
        path = self._unquoted(values[3]) if len(values) > 2 else None
        return ast.Plot(values[1], path, span=self.span(start, end))

    def save(self, values: Values, start: int, end: int) -> ast.Save:
        return ast.Save(names(values), self._unquoted(values[-1]), span=self.span(start, end))

    def load(self, values: Values, start: int, end: int) -> ast.Load:
        return ast.Load(names(values), self._unquoted(values[-1]), span=self.span(start, end))

    def check(self, values: Values, start: int, end: int) -> ast.Assert:
        return ast.Assert(values[1], span=self.span(start, end))


_TOOLS = {"actions", "span"}


def _flat(values: list[Any]) -> tuple[ast.Statement, ...]:
    """Statements in a row; one line may have made several."""
    flat: list[ast.Statement] = []
    for value in values:
        flat.extend(value if isinstance(value, list) else [value])
    return tuple(flat)
