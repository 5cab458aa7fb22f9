"""How much room stands between two lexemes: the canonical spacing of a statement.

In: a statement's settled lexemes. Out: ``Piece``s, each with its text, the room before it, and where a long line
may break. Products are spaced (`W[o,i] X[b,i]`, `a * b`), powers and positions are not (`x^2`, `X[2*t-1]`).
"""

from __future__ import annotations

from tensorlang.records import dataclass, field
from tensorlang.syntax.lexemes import Lexeme

OPENING = {"LPAR", "APPLY", "LSQB", "LIST", "GROUP"}
CLOSING = {"RPAR", "RSQB"}
_ENDS_OPERAND = {"NAME", "NUMBER", "STRING", "SIZE", "RPAR", "RSQB", "REST", "AXIS"}
_CLINGS_BEFORE = {"COMMA", "RPAR", "RSQB", "QUERY", "SEMICOLON", "BLOCK", "APPLY", "LSQB", "DOT", "AXIS", "POWER"}
_CLINGS_BEHIND = OPENING | {"DOT", "VIRTUAL", "POWER"}
# Lines may break before the first and behind the second; the others only inside brackets.
_BREAKS_BEFORE = {"SIGN", "TIMES", "COMPARE", "AND", "OR", "IF", "ELSE", "WHERE", "RESULT", "TILDE"}
_BREAKS_BEHIND = {"COMMA", "ARROW"}


@dataclass(slots=True)
class Piece:
    """One lexeme as it is printed. ``cost`` is that of breaking the line before it, None where it may not break.

    ``forced`` says that the writer broke the line before it; ``comments`` stand between it and the piece before.
    """

    lexeme: Lexeme
    text: str
    gap: str
    cost: int | None
    forced: bool = False
    comments: list[Lexeme] = field(default_factory=list)


def pieces(lexemes: list[Lexeme]) -> list[Piece]:
    """The lexemes of a line with the room before each."""
    found: list[Piece] = []
    brackets: list[int] = []
    learning = False
    roomy = _roomy(lexemes)
    unary = False
    for at, lexeme in enumerate(lexemes):
        before = lexemes[at - 1] if at else None
        learning = lexeme.kind == "MINIMIZE" or (learning and lexeme.kind != "SEMICOLON")
        inside = lexemes[brackets[-1]].kind if brackets else ""
        gap = "" if before is None or unary else _gap(before, lexeme, inside, learning)
        if before is not None and before.kind == "COMMA" and brackets and brackets[-1] in roomy:
            gap = " "
        breakable = before is not None and not unary and inside != "LSQB"
        cost = _cost(before, lexeme, gap, len(brackets)) if breakable and before else None
        found.append(Piece(lexeme, _text(lexeme), gap, cost))
        unary = lexeme.kind == "SIGN" and (before is None or before.kind not in _ENDS_OPERAND)
        if lexeme.kind in OPENING:
            brackets.append(at)
        elif lexeme.kind in CLOSING and brackets:
            brackets.pop()
    return found


def _roomy(lexemes: list[Lexeme]) -> set[int]:
    """The subscripts with ``...`` or a range among their items, by where they open: their commas get a space."""
    found: set[int] = set()
    stack: list[int] = []
    for at, lexeme in enumerate(lexemes):
        if lexeme.kind in OPENING:
            stack.append(at)
        elif lexeme.kind in CLOSING and stack:
            stack.pop()
        elif lexeme.kind in ("REST", "COLON") and stack and lexemes[stack[-1]].kind == "LSQB":
            found.add(stack[-1])
    return found


def _text(lexeme: Lexeme) -> str:
    if lexeme.kind == "ARROW":
        return "<-"
    if lexeme.kind == "SIZE":
        return f"|{lexeme.text[1:-1].strip()}|"
    return lexeme.text


def _gap(before: Lexeme, lexeme: Lexeme, inside: str, learning: bool) -> str:
    """The room between two lexemes, of which the first is no unary sign."""
    kinds = (before.kind, lexeme.kind)
    if kinds[1] in _CLINGS_BEFORE or kinds[0] in _CLINGS_BEHIND:
        return ""
    if kinds[0] == "COMMA":
        return "" if inside == "LSQB" else " "
    if kinds[0] == "COLON" and inside == "APPLY" and kinds[1] == "NAME":
        return " "  # the kind or the domain of a place: `km: int`
    if "COLON" in kinds:
        return "" if inside or kinds[1] == "COLON" else " "
    if "ASSIGN" in kinds and (inside or learning):
        return ""
    if inside == "LSQB" and kinds[1] != "VIRTUAL" and (_tight(before) or _tight(lexeme)):
        return ""
    return " "


def _tight(lexeme: Lexeme) -> bool:
    return lexeme.kind == "SIGN" or (lexeme.kind == "TIMES" and lexeme.text != "%")


def _cost(before: Lexeme, lexeme: Lexeme, gap: str, depth: int) -> int | None:
    """What a line break here costs: little outside brackets and at sums and commas, more inside products."""
    if before.kind in _BREAKS_BEHIND and lexeme.kind not in CLOSING:
        return 3 * depth
    if not gap or (lexeme.kind == "SIGN" and before.kind not in _ENDS_OPERAND):
        return None
    if lexeme.kind in _BREAKS_BEFORE:
        return 3 * depth + (lexeme.kind in ("TIMES", "COMPARE"))
    if depth > 0 and before.kind in _ENDS_OPERAND and lexeme.kind in _ENDS_OPERAND | OPENING:
        return 3 * depth + 2
    return None
