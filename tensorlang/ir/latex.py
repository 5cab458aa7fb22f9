"""Definitions in LaTeX, with every sum written out.

In: a Program. Out: rows of an ``align*``. What ``ir/show.py`` is to the screen, this is to a paper.
"""

from __future__ import annotations

from tensorlang import typeset
from tensorlang.ir.domain import Size
from tensorlang.ir.nodes import AlongIndex, Apply, Const, Contract, Expr, Index, Position, Read, Reduce, Where
from tensorlang.ir.program import Definition, Piece, Program

_CHOICE, _OR, _AND, _NOT, _COMPARE, _SUM, _LARGE, _PRODUCT, _POWER, _ATOM = range(10)
_COMPARED = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def rows(program: Program) -> list[tuple[str, str]]:
    """All equations of a program, those of recursions too."""
    together = list(program.definitions)
    together += [definition for scan in program.scans for definition in scan.definitions]
    together += [definition for fixpoint in program.fixpoints for definition in fixpoint.definitions]
    shown = [definition for definition in together if not definition.tensor.startswith("?")]
    return [_row(definition, piece) for definition in shown for piece in definition.pieces]


def _row(definition: Definition, piece: Piece) -> tuple[str, str]:
    left = typeset.tensor(definition.tensor, [_entry(entry) for entry in piece.left])
    sign = "&=" if definition.aggregate == "sum" else rf"&\overset{{{typeset.word(definition.aggregate)}}}{{=}}"
    if isinstance(piece.value, Where):
        value, condition = _at(piece.value.arg, _CHOICE), _at(piece.value.condition, _CHOICE)
        return f"{left} {sign}", rf"{value} \quad \text{{where }} {condition}"
    return f"{left} {sign}", _at(piece.value, _CHOICE)


def _entry(node: Expr) -> str:
    """A position below a tensor, on one line."""
    if isinstance(node, Apply) and node.op == "floordiv":
        return rf"\lfloor {_at(node.args[0], _PRODUCT)}/{_at(node.args[1], _ATOM)} \rfloor "
    return _at(node, _CHOICE)


def _at(node: Expr, least: int) -> str:
    level, text = _layout(node)
    return text if level >= least else typeset.bracketed(text)


def _layout(node: Expr) -> tuple[int, str]:
    match node:
        case Const(value=value):
            return _constant(value)
        case Position(index=index):
            return _ATOM, typeset.name(index.name)
        case Read(tensor=tensor, at=at):
            return _ATOM, typeset.tensor(tensor, [_entry(entry) for entry in at])
        case Apply(op=op, args=args):
            return _apply(op, args)
        case Contract(summed=summed, factors=factors):
            body = _product(factors)
            return (_LARGE, f"{_large('sum', summed)} {body}") if summed else (_PRODUCT, body)
        case Reduce(op=op, indices=indices, arg=arg):
            inside = _at(arg, _CHOICE if op not in ("sum", "max", "min") else _LARGE)
            return (_LARGE, f"{_large(op, indices)} {inside if op in ('sum', 'max', 'min') else _brackets(arg)}")
        case AlongIndex(op=op, index=index, arg=arg):
            return _ATOM, f"{_large(op, (index,))} {_brackets(arg)}"
        case Where(condition=condition, arg=arg):
            return _CHOICE, rf"{_at(arg, _OR)} \;\vert\; {_at(condition, _OR)}"


def _large(op: str, indices: tuple[Index, ...]) -> str:
    return typeset.along(op, [typeset.name(index.name) for index in indices])


def _brackets(node: Expr) -> str:
    return typeset.bracketed(_at(node, _CHOICE))


def _constant(value: bool | int | float | complex | Size) -> tuple[int, str]:
    if isinstance(value, bool):
        return _ATOM, typeset.word(str(value).lower())
    if isinstance(value, Size):
        return (_ATOM if value.symbol else _SUM), rf"\lvert {typeset.escaped(str(value))} \rvert "
    if isinstance(value, complex):
        return _SUM, rf"{typeset.number(value.real)} + {typeset.number(value.imag)}\,\mathrm{{i}}"
    return (_SUM if value < 0 else _ATOM), typeset.number(value)


def _apply(op: str, args: tuple[Expr, ...]) -> tuple[int, str]:
    match op:
        case "add":
            return _SUM, _sum(args)
        case "neg":
            return _SUM, f"-{_at(args[0], _PRODUCT)}"
        case "reciprocal":
            return _PRODUCT, typeset.fraction("1", _at(args[0], _CHOICE))
        case "pow":
            return _POWER, f"{{{_at(args[0], _ATOM)}}}^{{{_at(args[1], _CHOICE)}}}"
        case "sqrt":
            return _ATOM, rf"\sqrt{{{_at(args[0], _CHOICE)}}}"
        case "exp":
            return _POWER, f"e^{{{_at(args[0], _CHOICE)}}}"
        case "abs":
            return _ATOM, rf"\lvert {_at(args[0], _CHOICE)} \rvert "
        case "floordiv":
            return _ATOM, rf"\lfloor {typeset.fraction(_at(args[0], _CHOICE), _at(args[1], _CHOICE))} \rfloor "
        case "mod":
            return _PRODUCT, rf"{_at(args[0], _PRODUCT)} \bmod {_at(args[1], _POWER)}"
        case _:
            return _condition(op, args)


def _condition(op: str, args: tuple[Expr, ...]) -> tuple[int, str]:
    if op in _COMPARED:
        return _COMPARE, f"{_at(args[0], _SUM)} {typeset.COMPARISONS[_COMPARED[op]]} {_at(args[1], _SUM)}"
    if op == "and":
        return _AND, r" \land ".join(_at(arg, _NOT) for arg in args)
    if op == "or":
        return _OR, r" \lor ".join(_at(arg, _AND) for arg in args)
    if op == "not":
        return _NOT, rf"\lnot {_at(args[0], _NOT)}"
    if op == "select":
        first = rf"{_at(args[1], _OR)} & \text{{if }} {_at(args[0], _OR)}"
        rest = rf"{_at(args[2], _CHOICE)} & \text{{otherwise}}"
        return _ATOM, rf"\begin{{cases}} {first} \\ {rest} \end{{cases}}"
    inside = ", ".join(_at(arg, _CHOICE) for arg in args)
    return _ATOM, f"{typeset.function(op)}{typeset.bracketed(inside)}"


def _sum(terms: tuple[Expr, ...]) -> str:
    text = ""
    for at, term in enumerate(terms):
        bare, negative = _unsigned(term)
        least = _PRODUCT if negative or at < len(terms) - 1 else _LARGE
        text += (("-" if negative else "") if at == 0 else (" - " if negative else " + ")) + _at(bare, least)
    return text


def _unsigned(term: Expr) -> tuple[Expr, bool]:
    """A term without its minus sign, and whether it had one."""
    if isinstance(term, Apply) and term.op == "neg":
        return term.args[0], True
    if isinstance(term, Const) and not isinstance(term.value, bool | complex | Size) and term.value < 0:
        return Const(-term.value, term.dtype), True
    return term, False


def _product(factors: tuple[Expr, ...]) -> str:
    """Factors side by side, reciprocals below a fraction."""
    below = [f.args[0] for f in factors if isinstance(f, Apply) and f.op == "reciprocal"]
    above = [f for f in factors if not (isinstance(f, Apply) and f.op == "reciprocal")]
    text = "1" if not above else ""
    for at, factor in enumerate(above):
        # A sum sign reaches as far as it can: only the last factor may be one without brackets.
        piece = _at(factor, _LARGE if at == len(above) - 1 and not below and len(above) == 1 else _POWER)
        gap = "" if not text else r" \cdot " if piece[0].isdigit() else r" \, "
        text += gap + piece
    if not below:
        return text
    under = _at(below[0], _CHOICE) if len(below) == 1 else r" \, ".join(_at(part, _POWER) for part in below)
    return typeset.fraction(text, under)
