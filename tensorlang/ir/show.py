"""Programs and expressions as text, in the words of the language and with every sum written out.

In: an expression or a Program. Out: what ``tensorlang explain`` prints. An expression is laid out as a list of strings
and of sub-expressions with the precedence that they must have at least; a work list flattens it, so nothing recurses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from tensorlang.ir.domain import Largest, Quotient, Size, Symbol
from tensorlang.ir.nodes import (
    AlongIndex,
    Apply,
    Const,
    Contract,
    Expr,
    Index,
    Position,
    Read,
    Reduce,
    Where,
)
from tensorlang.ir.program import Definition, Init, Piece, Program, Tensor
from tensorlang.ir.recursion import LinearScan, Scan
from tensorlang.ops import AGGREGATES, ALONG

# Precedences, loosest first: what stands inside another must bind at least as tightly as its place asks for.
GUARD, CHOICE, OR, AND, NOT, COMPARE, SUM, PRODUCT, POWER, ATOM = range(10)

Item = str | tuple[Expr, int]
Layout = tuple[int, list[Item]]

_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_OPERATORS = {reduction: operator for operator, reduction in AGGREGATES.items()} | {"sum": "="}


def show_expr(node: Expr, relations: frozenset[str] = frozenset()) -> str:
    """An expression in the language's syntax; names in ``relations`` are read with round brackets."""
    return _flatten([(node, GUARD)], relations)


def _flatten(items: list[Item], relations: frozenset[str]) -> str:
    text: list[str] = []
    stack: list[Item] = list(reversed(items))
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            text.append(item)
            continue
        node, least = item
        level, inner = _layout(node, relations)
        if level < least:
            inner = ["(", *inner, ")"]
        stack.extend(reversed(inner))
    return "".join(text)


def _between(separator: str, items: Iterable[Item]) -> list[Item]:
    joined: list[Item] = []
    for item in items:
        joined += [separator, item] if joined else [item]
    return joined


def _layout(node: Expr, relations: frozenset[str]) -> Layout:
    match node:
        case Const(value=value):
            return _constant(value)
        case Position(index=index):
            return ATOM, [index.name]
        case Read(tensor=tensor, at=at):
            opening, closing = "()" if tensor in relations else "[]"
            positions = [_position(position, relations) for position in at]
            return ATOM, [f"{tensor}{opening}{','.join(positions)}{closing}" if at else tensor]
        case Apply(op=op, args=args):
            return _apply(op, args)
        case Contract(summed=summed, factors=factors, semiring=semiring):
            level, body = _product(factors)
            return (ATOM, [f"{semiring}[{_names(summed)}](", *body, ")"]) if summed else (level, body)
        case Reduce(op=op, indices=indices, arg=arg):
            return ATOM, [f"{op}[{_names(indices)}](", (arg, GUARD), ")"]
        case AlongIndex():
            return _along(node)
        case Where(condition=condition, arg=arg):
            return GUARD, [(arg, CHOICE), " where ", (condition, OR)]


def _names(indices: Iterable[Index]) -> str:
    return ",".join(index.name for index in indices)


def _constant(value: bool | int | float | complex | Size) -> Layout:
    if isinstance(value, bool):
        return ATOM, [str(value).lower()]
    if isinstance(value, Size):
        return _size(value)
    if isinstance(value, complex):
        if value.real or not value.imag:
            return SUM, [f"{_real(value.real)[1]} + {_real(value.imag)[1]} im"]
        return PRODUCT, [f"{_real(value.imag)[1]} im" if value.imag != 1 else "im"]
    level, text = _real(value)
    return level, [text]


def _real(value: int | float) -> tuple[int, str]:
    if isinstance(value, float) and abs(value) == math.pi:
        return (SUM, "-pi") if value < 0 else (ATOM, "pi")
    return SUM if math.copysign(1, value) < 0 else ATOM, repr(value)


def _size(size: Size) -> Layout:
    """A size as a value: ``|d|``, ``2*|n| + 1``."""
    items: list[Item] = []
    for monomial, coefficient in size.terms:
        factors = [_atom(atom) for atom in monomial]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, str(abs(coefficient)))
        sign = ("-" if coefficient < 0 else "") if not items else (" - " if coefficient < 0 else " + ")
        items += [sign, "*".join(factors)]
    alone = len(size.terms) == 1 and size.terms[0][1] == 1 and len(size.terms[0][0]) == 1
    return ATOM if alone else SUM, items or ["0"]


def _atom(atom: Symbol | Quotient | Largest) -> str:
    match atom:
        case Symbol(name=name):
            return f"|{name}|"
        case Quotient(numerator=numerator, denominator=denominator):
            return f"floor(({''.join(map(str, _size(numerator)[1]))}) / {denominator})"
        case Largest(sizes=sizes):
            return f"max({', '.join(''.join(map(str, _size(size)[1])) for size in sizes)})"


def _position(node: Expr, relations: frozenset[str]) -> str:
    """A position inside brackets, written closely: ``t-1``, ``2*x+dx``, ``x/2``."""
    text = _flatten([(node, GUARD)], relations)
    if isinstance(node, Apply) and node.op == "floordiv":
        text = _flatten([(node.args[0], PRODUCT), "/", (node.args[1], POWER)], relations)
    return text.replace(" + ", "+").replace(" - ", "-").replace(" * ", "*")


def _apply(op: str, args: tuple[Expr, ...]) -> Layout:
    match op:
        case "add":
            return SUM, [item for at, arg in enumerate(args) for item in _term(arg, at == 0)]
        case "neg":
            return SUM, ["-", (args[0], PRODUCT)]
        case "reciprocal":
            return PRODUCT, ["1 / ", (args[0], POWER)]
        case "pow":
            return POWER, [(args[0], ATOM), "^", (args[1], ATOM)]
        case "mod":
            return PRODUCT, [(args[0], PRODUCT), " % ", (args[1], POWER)]
        case "floordiv":
            return ATOM, ["floor(", (args[0], PRODUCT), " / ", (args[1], POWER), ")"]
        case "and":
            return AND, _between(" and ", ((arg, NOT) for arg in args))
        case "or":
            return OR, _between(" or ", ((arg, AND) for arg in args))
        case "not":
            return NOT, ["not ", (args[0], NOT)]
        case "select":
            return CHOICE, [(args[1], OR), " if ", (args[0], OR), " else ", (args[2], CHOICE)]
    if op in _COMPARISONS:
        return COMPARE, [(args[0], SUM), f" {_COMPARISONS[op]} ", (args[1], SUM)]
    return ATOM, [f"{op}(", *_between(", ", ((arg, CHOICE) for arg in args)), ")"]


def _term(term: Expr, first: bool) -> list[Item]:
    """A summand with the sign before it."""
    if isinstance(term, Apply) and term.op == "neg":
        return ["-" if first else " - ", (term.args[0], PRODUCT)]
    if isinstance(term, Const) and not isinstance(term.value, Size | complex) and term.value < 0:
        return ["-" if first else " - ", repr(-term.value)]
    return [(term, PRODUCT)] if first else [" + ", (term, PRODUCT)]


def _product(factors: tuple[Expr, ...]) -> Layout:
    """Factors, then ``/`` and each denominator; tensors side by side stand without a sign between them."""
    above = [factor for factor in factors if not _is_denominator(factor)]
    below = [factor.args[0] for factor in factors if isinstance(factor, Apply) and _is_denominator(factor)]
    if len(above) == 1 and not below:
        return GUARD, [(above[0], GUARD)]
    items: list[Item] = [] if above else ["1"]
    for at, factor in enumerate(above):
        if at > 0:
            items.append(" " if _stands_close(above[at - 1], at == 1) and isinstance(factor, Read) else " * ")
        items.append((factor, POWER))
    for denominator in below:
        items += [" / ", (denominator, POWER)]
    return PRODUCT, items


def _is_denominator(factor: Expr) -> bool:
    return isinstance(factor, Apply) and factor.op == "reciprocal"


def _stands_close(factor: Expr, first: bool) -> bool:
    return isinstance(factor, Read) or (first and isinstance(factor, Const) and _constant(factor.value)[0] == ATOM)


def _along(node: AlongIndex) -> Layout:
    """Options that have their default value are left out at the end."""
    options = list(node.options)
    defaults = [default for _, default in ALONG[node.op].options]
    while options and isinstance(options[-1], Const) and options[-1].value == defaults[len(options) - 1]:
        options.pop()
    return ATOM, [f"{node.op}[{node.index}](", *_between(", ", ((arg, CHOICE) for arg in (node.arg, *options))), ")"]


# --- programs ----------------------------------------------------------------------------------------------------


def show(program: Program) -> str:
    """All declarations with element types and shapes, then one line an equation."""
    lines = [f"dim {name}{'' if size.symbol else f' = {size}'}" for name, size in program.dims.items()]
    lines += [_declaration(tensor) for tensor in program.tensors.values() if tensor.kind not in ("defined", "scanned")]
    relations = frozenset(tensor.name for tensor in program.of_kind("relation"))
    for definition in program.definitions:
        lines += _definition(definition, program.tensors[definition.tensor], relations)
    for scan in program.scans:
        for definition in scan.definitions:
            tensor = program.tensors[definition.tensor]
            way = ", at each position ".join(_ways(scan, tensor))
            lines += [f"{line}  # step by step {way}" for line in _definition(definition, tensor, relations)]
    for fixpoint in program.fixpoints:
        end = "nothing changes" if fixpoint.monotone else f"it changes by less than {fixpoint.tolerance}"
        for definition in fixpoint.definitions:
            shown = _definition(definition, program.tensors[definition.tensor], relations)
            lines += [f"{line}  # over and over, until {end}" for line in shown]
    for unit in program.recursions:
        if isinstance(unit, LinearScan):
            lines.append(_linear(unit, program.tensors[unit.tensor]))
    if program.outputs:
        lines.append(f"output {', '.join(program.outputs)}")
    return "\n".join(lines) + "\n"


def _ways(scan: Scan, tensor: Tensor) -> list[str]:
    """The axes along which a tensor is computed, the outermost first."""
    along = tensor.axes[scan.axis(tensor.name) or 0].label
    inside = [_ways(inner, tensor) for inner in scan.inner if tensor.name in inner.members]
    return [f"along {along}{', from its end' if scan.reverse else ''}", *(way for found in inside for way in found)]


def _linear(unit: LinearScan, tensor: Tensor) -> str:
    """A linear scan as one equation over its coefficients and terms."""
    labels = [axis.label for axis in tensor.axes]
    columns = {at: f"{labels[at]}'" for at in unit.rows}
    before = [columns.get(at, label) for at, label in enumerate(labels)]
    before[unit.axis] += f"{'+' if unit.scan.reverse else '-'}{unit.lag}"
    held = f"{tensor.name}[{','.join(before)}]"
    if unit.coefficient is not None:
        places = ",".join(labels[at] if at >= 0 else columns[~at] for at in unit.layout)
        held = f"{unit.coefficient}{f'[{places}]' if places else ''}{' ' if unit.kind == 'sum' else ' + '}{held}"
    held = f"{unit.kind}[{','.join(columns.values())}]({held})" if columns else held
    term = f"{unit.term}[{','.join(labels)}]"
    value = f"{held} + {term}" if unit.kind == "sum" else f"{unit.kind}({held}, {term})"
    return f"{tensor.name}[{','.join(labels)}] = {value}  # {_kind(tensor)}  # all positions at once"


def _declaration(tensor: Tensor) -> str:
    opening, closing = "()" if tensor.kind == "relation" else "[]"
    axes = f"{opening}{','.join(axis.label for axis in tensor.axes)}{closing}" if tensor.axes else ""
    init = f" ~ {_init(tensor.init)}" if tensor.init else ""
    file = f' = load("{tensor.file.path}")' if tensor.file else ""
    return f"{tensor.kind} {tensor.name}{axes}{init}{file}  # {_kind(tensor)}"


def _init(init: Init) -> str:
    return f"{init.name}({', '.join(map(repr, init.arguments))})"


def _kind(tensor: Tensor) -> str:
    shape = " x ".join(f"({size})" if len(size.terms) > 1 else str(size) for size in tensor.shape)
    return f"{tensor.dtype} {shape}".rstrip()


def _definition(definition: Definition, tensor: Tensor, relations: frozenset[str]) -> list[str]:
    lines = []
    for piece in definition.pieces:
        left = ",".join(_position(position, relations) for position in piece.left)
        operator = _OPERATORS[definition.aggregate]
        name = f"{tensor.name}[{left}]" if piece.left else tensor.name
        lines.append(f"{name} {operator} {_value(piece, relations)}  # {_kind(tensor)}")
    return lines or [f"{tensor.name} = 0  # {_kind(tensor)}"]


def _value(piece: Piece, relations: frozenset[str]) -> str:
    if isinstance(piece.value, Where):
        value, condition = show_expr(piece.value.arg, relations), show_expr(piece.value.condition, relations)
        return f"{value}   where {condition}"
    return show_expr(piece.value, relations)
