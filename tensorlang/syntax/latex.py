"""Equations as they were written, in LaTeX.

In: equations of a tree. Out: rows of an ``align*``: the left side with its sign, and the right side. Juxtaposition
stays juxtaposition and no sum is added: that is what ``ir/latex.py`` does.
"""

from __future__ import annotations

from tensorlang import typeset
from tensorlang.syntax import ast

# Precedences, loosest first.
_CHOICE, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _POWER, _ATOM = range(9)
_REDUCTIONS = frozenset(("sum", "max", "min", "mean", "prod", "any", "all", "logsumexp", "count", "norm"))
_SIGNS = {
    "=": "&=", "+=": r"&\mathrel{+}=", "max=": r"&\overset{\max}{=}", "min=": r"&\overset{\min}{=}",
    "avg=": r"&\overset{\mathrm{avg}}{=}", "prod=": r"&\overset{\prod}{=}", "or=": r"&\overset{\lor}{=}",
    "and=": r"&\overset{\land}{=}", "logsumexp=": r"&\overset{\mathrm{lse}}{=}",
}  # fmt: skip


def equation(node: ast.Equation) -> tuple[str, str]:
    """One equation as a row."""
    if node.relation:
        left = f"{typeset.tensor(node.name, ())}({', '.join(_item(item) for item in node.items or ())})"
    else:
        left = typeset.tensor(node.name, [_item(item) for item in node.items or ()])
    right = _at(node.value, _CHOICE)
    if node.where is not None:
        right += rf" \quad \text{{where }} {_at(node.where, _CHOICE)}"
    return f"{left} {_SIGNS[node.operator]}", right


def _item(item: ast.Item) -> str:
    match item:
        case ast.Dotted(name=name):
            return rf"\dot{{{typeset.name(name)}}}"
        case ast.Slice(lower=lower, upper=upper):
            return ":".join("" if end is None else _at(end, _SUM) for end in (lower, upper))
        case ast.Rest():
            return r"\dots"
        case ast.Group(names=names):
            return f"({' '.join(typeset.name(name) for name in names)})"
        case ast.Product():
            return _product(item, flat=True)
        case _:
            return _at(item, _CHOICE)


def _at(node: ast.Expression, least: int) -> str:
    """An expression in a place where it must bind at least so tightly."""
    level, text = _layout(node)
    return text if level >= least else typeset.bracketed(text)


def _layout(node: ast.Expression) -> tuple[int, str]:
    match node:
        case ast.Number() | ast.String() | ast.Name() | ast.Size() | ast.Virtual() | ast.Attribute():
            return _ATOM, _word(node)
        case ast.Subscript(target=target, items=items):
            return _subscript(target, items)
        case ast.Call(target=target, arguments=arguments):
            return _call(target, arguments)
        case ast.Sum() | ast.Product() | ast.Power():
            return _arithmetic(node)
        case ast.Comparison() | ast.Logic() | ast.Not() | ast.IfElse():
            return _condition(node)
        case ast.ListLiteral():
            return _ATOM, _matrix(node)
        case ast.Paren(value=value):
            return _layout(value)


def _word(node: ast.Number | ast.String | ast.Name | ast.Size | ast.Virtual | ast.Attribute) -> str:
    match node:
        case ast.Number(value=value):
            return typeset.number(value)
        case ast.String(value=value):
            return typeset.word(value)
        case ast.Name(name=name):
            return {"pi": r"\pi ", "inf": r"\infty ", "im": r"\mathrm{i}"}.get(name) or typeset.name(name)
        case ast.Size(name="..."):
            return r"\lvert \dots \rvert "
        case ast.Size(name=name):
            return rf"\lvert {typeset.name(name)} \rvert "
        case ast.Virtual(name=name):
            return rf"{{\ast}}{typeset.name(name)}"
        case ast.Attribute():
            return typeset.word(_dotted(node))


def _matrix(node: ast.ListLiteral) -> str:
    """A list as a row, a list of lists as a matrix."""
    rows = [item for item in node.items if isinstance(item, ast.ListLiteral)]
    if not rows or len(rows) < len(node.items):
        return rf"\left[{', '.join(_at(item, _CHOICE) for item in node.items)}\right]"
    lines = r" \\ ".join(" & ".join(_at(item, _CHOICE) for item in row.items) for row in rows)
    return rf"\begin{{bmatrix}} {lines} \end{{bmatrix}}"


def _dotted(node: ast.Expression) -> str:
    match node:
        case ast.Name(name=name):
            return name
        case ast.Attribute(target=target, name=name):
            return f"{_dotted(target)}.{name}"
        case _:
            return _at(node, _ATOM)


def _subscript(target: ast.Expression, items: tuple[ast.Item, ...]) -> tuple[int, str]:
    indices = [_item(item) for item in items]
    if isinstance(target, ast.Name):
        return _ATOM, typeset.tensor(target.name, indices)
    return _ATOM, f"{_at(target, _ATOM)}_{{{','.join(indices)}}}"


def _call(target: ast.Expression, arguments: tuple[ast.Argument, ...]) -> tuple[int, str]:
    inside = ", ".join(_argument(argument) for argument in arguments)
    if isinstance(target, ast.Subscript) and isinstance(target.target, ast.Name):
        over = [_item(item) for item in target.items]
        large = target.target.name in _REDUCTIONS
        sign = typeset.along(target.target.name, over) if large else _ranged(target.target.name, over)
        return _ATOM, f"{sign} {typeset.bracketed(inside)}"
    if isinstance(target, ast.Name) and len(arguments) == 1 and target.name in ("sqrt", "abs", "exp"):
        value = _at(arguments[0].value, _CHOICE)
        form = {"sqrt": rf"\sqrt{{{value}}}", "abs": rf"\lvert {value} \rvert ", "exp": rf"e^{{{value}}}"}
        return (_POWER if target.name == "exp" else _ATOM), form[target.name]
    called = typeset.function(target.name) if isinstance(target, ast.Name) else typeset.word(_dotted(target))
    return _ATOM, f"{called}{typeset.bracketed(inside)}"


def _ranged(name: str, over: list[str]) -> str:
    return typeset.along(name, over) if name.islower() else f"{typeset.word(name)}_{{{','.join(over)}}}"


def _argument(argument: ast.Argument) -> str:
    value = _at(argument.value, _CHOICE)
    if argument.name is not None:
        return f"{typeset.name(argument.name)}={value}"
    return value if argument.where is None else rf"{value} \;\vert\; {_at(argument.where, _CHOICE)}"


def _arithmetic(node: ast.Sum | ast.Product | ast.Power) -> tuple[int, str]:
    match node:
        case ast.Power(base=base, exponent=exponent):
            under = _at(base, _ATOM)
            return _POWER, f"{{{under}}}^{{{_at(exponent, _CHOICE)}}}"
        case ast.Sum(terms=terms):
            text = ""
            for at, term in enumerate(terms):
                sign = ("-" if term.sign < 0 else "") if at == 0 else (" - " if term.sign < 0 else " + ")
                text += sign + _at(term.value, _PRODUCT)
            return _SUM, text
        case ast.Product():
            return _PRODUCT, _product(node)


def _product(node: ast.Product, flat: bool = False) -> str:
    """Factors side by side; a division is a fraction of what stands before it, or ``flat`` with a slash."""
    text = ""
    for factor in node.factors:
        bare = factor.value.value if isinstance(factor.value, ast.Paren) else factor.value
        if factor.operator == "/":
            text = f"{text}/{_at(factor.value, _ATOM)}" if flat else typeset.fraction(text, _at(bare, _CHOICE))
            continue
        piece = _at(factor.value, _POWER)
        if not text:
            text = piece
        elif factor.operator == "%":
            text = rf"{text} \bmod {piece}"
        else:
            text = rf"{text} \cdot {piece}" if piece[0].isdigit() else rf"{text} \, {piece}"
    return text


def _condition(node: ast.Comparison | ast.Logic | ast.Not | ast.IfElse) -> tuple[int, str]:
    match node:
        case ast.Comparison(operators=operators, values=values):
            text = _at(values[0], _SUM)
            for operator, value in zip(operators, values[1:], strict=True):
                text += f" {typeset.COMPARISONS[operator]} {_at(value, _SUM)}"
            return _COMPARE, text
        case ast.Logic(operator=operator, values=values):
            level, sign = (_AND, r"\land ") if operator == "and" else (_OR, r"\lor ")
            return level, f" {sign}".join(_at(value, level + 1) for value in values)
        case ast.Not(value=value):
            return _NOT, rf"\lnot {_at(value, _NOT)}"
        case ast.IfElse(value=value, condition=condition, otherwise=otherwise):
            rows = (
                rf"{_at(value, _OR)} & \text{{if }} {_at(condition, _OR)} \\ {_at(otherwise, _CHOICE)}"
                r" & \text{otherwise}"
            )
            return _ATOM, rf"\begin{{cases}} {rows} \end{{cases}}"
