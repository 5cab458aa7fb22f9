"""Gives the lexemes of one statement the kind that their neighbours decide.

In: the lexemes of a statement as scanned. Out: the same ones with keywords, kinds of brackets, aggregates
(``max=``), arrows and virtual indices told apart. A keyword is one only where a statement begins so (``data D[n]``,
not ``data = 3``), or where that statement expects it (``over`` in ``minimize``), so tensors may have the names of
keywords.
"""

from __future__ import annotations

from itertools import pairwise

from tensorlang.records import dataclass, field
from tensorlang.syntax.lexemes import Lexeme

OPERATOR_WORDS = {"and": "AND", "or": "OR", "not": "NOT", "if": "IF", "else": "ELSE", "where": "WHERE"}
KINDS = ("input", "param", "data", "relation", "buffer", "output", "tensor")
ELEMENTS = ("float", "float64", "bf16", "int", "bool", "complex")
AGGREGATES = ("max", "min", "avg", "prod", "or", "and", "logsumexp")

_OPERAND = {"NAME", "NUMBER", "STRING", "SIZE", "LPAR", "GROUP", "SIGN", "UNCLOSED", "LSQB"}
# What a statement's first word must be followed by to be a keyword.
STARTERS: dict[str, tuple[str, set[str]]] = {
    **{word: ("KIND", {"NAME"}) for word in KINDS},
    **{word: ("ELEMENT", {"NAME"}) for word in ELEMENTS},
    **{
        word: (word.upper(), {"NAME"}) for word in ("def", "dim", "const", "update", "fixpoint", "scan", "save", "load")
    },
    **{word: (word.upper(), {"NAME", "STRING", "UNCLOSED"}) for word in ("import", "from")},
    "test": ("TEST", {"STRING", "UNCLOSED"}),
    **{word: (word.upper(), _OPERAND) for word in ("why", "minimize", "plot")},
    "assert": ("ASSERT", _OPERAND | {"APPLY"}),
}
# How a statement with each first word looks, for messages.
EXAMPLES = {
    "input": "input X[b,i]", "param": "param W[o,i] ~ glorot()", "data": 'data D[n,i] = load("d.csv")',
    "relation": "relation Parent(person, person)", "buffer": "buffer R[c] ~ zeros()", "output": "output Y",
    "tensor": "tensor U[x]: complex", **{word: f"{word} U[x]" for word in ELEMENTS}, "dim": "dim d = 64",
    "const": "const L = 6", "update": "update R[c] = 0.9 R[c] + 0.1 M[c]",
    "fixpoint": "fixpoint Z tol 1e-6 max 100", "scan": "scan H method parallel", "import": "import nn",
    "from": "from attention import MultiHead", "why": "why Ancestor(Alice, Dan)?", "plot": 'plot Loss to "loss.png"',
    "minimize": "minimize Loss with adam(lr=1e-3), epochs=20, batch=(n, 64)", "save": 'save Y to "y.npy"',
    "load": 'load params from "model.safetensors"', "assert": "assert S == 1",
    "def": "def Linear(X[..., i], o) -> Y[..., o]:", "test": 'test "rows add up to one": assert S == 1',
}  # fmt: skip
# Words that are keywords further on in a statement of that kind, outside brackets.
INSIDE = {
    "MINIMIZE": {"with": "WITH", "over": "OVER"},
    "PLOT": {"to": "TO"},
    "SAVE": {"to": "TO"},
    "LOAD": {"from": "FROM"},
    "IMPORT": {"as": "AS"},
    "FROM": {"import": "IMPORT", "as": "AS"},
    "KIND": {"in": "IN"},
    "ELEMENT": {"in": "IN"},
}
_BEFORE_NAME = {
    "COMMA",
    "ASSIGN",
    "TILDE",
    "KIND",
    "ELEMENT",
    *(kind for inside in INSIDE.values() for kind in inside.values()),
}
_OPENING = {"LPAR", "APPLY", "GROUP", "LSQB", "LIST"}
_BEFORE_OPERAND = _OPENING | {"COMMA", "SIGN", "TIMES", "COMPARE", "ASSIGN", "POWER", "COLON", "TILDE", "ARROW"}


@dataclass(slots=True)
class _State:
    """What is known while going through a statement from left to right."""

    keyword: str | None = None
    brackets: list[str] = field(default_factory=list)
    closed: str = ""  # the kind of bracket that was closed last
    defined: bool = False  # an `=` or `<-` was seen outside brackets
    plain: bool = True  # so far a bare name and its brackets: what may stand left of `<-`


def starter(lexemes: list[Lexeme]) -> str | None:
    """The keyword that a statement begins with, if it does."""
    if not lexemes or lexemes[0].kind != "NAME" or lexemes[0].text not in STARTERS:
        return None
    kind, followers = STARTERS[lexemes[0].text]
    if len(lexemes) < 2 or lexemes[1].kind not in followers:
        return None
    following = lexemes[1]
    if lexemes[0].touches(following) and kind != "ASSERT":
        return None
    if following.text in OPERATOR_WORDS and following.text != "not":
        return None
    aggregate = len(lexemes) > 2 and following.text in AGGREGATES and lexemes[2].text == "="
    return None if aggregate and kind in ("KIND", "ELEMENT") and following.touches(lexemes[2]) else kind


def given(lexemes: list[Lexeme]) -> list[tuple[str, bool]]:
    """The names that a (settled) statement gives, each with whether it stands there as a tensor with indices."""
    first = lexemes[0].kind
    if first == "DEF":
        return [(each.text, behind.kind == "LSQB") for each, behind in pairwise(lexemes) if each.kind == "NAME"]
    declares = first in ("KIND", "ELEMENT")
    if not declares and first not in ("NAME", "DIM", "CONST"):
        return []
    depth = 0
    found: list[tuple[str, bool]] = []
    for at, lexeme in enumerate(lexemes):
        following = lexemes[at + 1].kind if at + 1 < len(lexemes) else ""
        if depth == 0 and lexeme.kind == "NAME" and (first != "NAME" or at == 0):
            found.append((lexeme.text, following == "LSQB"))
        if first == "NAME" and depth == 0 and lexeme.kind in ("ASSIGN", "ARROW"):
            return found
        depth += (lexeme.kind in _OPENING) - (lexeme.kind in ("RPAR", "RSQB"))
    return [] if first == "NAME" else found


def settle(lexemes: list[Lexeme]) -> list[Lexeme]:
    """The lexemes of a statement with their kinds settled."""
    state = _State(keyword=starter(lexemes))
    out: list[Lexeme] = []
    at = 0
    while at < len(lexemes):
        lexeme = lexemes[at]
        following = lexemes[at + 1] if at + 1 < len(lexemes) else None
        taken = 1
        if lexeme.kind == "NAME":
            merged = _aggregate(lexeme, following, out, state)
            if merged is not None:
                out.append(merged)
                taken = 2
            else:
                out.append(lexeme.of(_word(lexeme, at, lexemes, out, state)))
        elif lexeme.kind == "NUMBER" and following and following.kind == "NAME" and lexeme.touches(following):
            out.append(Lexeme("WRONG", lexeme.text + following.text, lexeme.start, following.end))
            taken = 2
        elif lexeme.kind == "ARROW":
            out.extend(_arrow(lexeme, state))
        elif lexeme.kind in ("TIMES", "DOT"):
            out.append(lexeme.of(_mark(lexeme, following, out)))
        else:
            out.append(_bracket(lexeme, out, state))
        _note(out[-1], state)
        at += taken
    return out


def _aggregate(word: Lexeme, following: Lexeme | None, out: list[Lexeme], state: _State) -> Lexeme | None:
    """``max=`` behind a left side, as one lexeme; an unknown one comes out as WRONG."""
    if state.brackets or state.defined or state.keyword not in (None, "UPDATE") or not out:
        return None
    if following is None or following.text != "=" or out[-1].kind not in ("NAME", "RSQB", "RPAR"):
        return None
    if word.text in AGGREGATES:
        return Lexeme("ASSIGN", word.text + "=", word.start, following.end)
    return Lexeme("WRONG", word.text + "=", word.start, following.end) if word.touches(following) else None


def _word(word: Lexeme, at: int, lexemes: list[Lexeme], out: list[Lexeme], state: _State) -> str:
    """The kind of a word: a keyword of its place, or a name."""
    if at == 0 and state.keyword:
        return state.keyword
    if out and out[-1].kind == "DOT":
        return "NAME"
    if at == 1 and _names_follow(lexemes):
        if state.keyword == "KIND" and word.text in ELEMENTS:
            return "ELEMENT"
        if state.keyword == "ELEMENT" and word.text in KINDS:
            return "KIND"
    if word.text in OPERATOR_WORDS:
        return OPERATOR_WORDS[word.text]
    if at > 1 and not state.brackets and state.keyword and out[-1].kind not in _BEFORE_NAME:
        return INSIDE.get(state.keyword, {}).get(word.text, "NAME")
    return "NAME"


def _names_follow(lexemes: list[Lexeme]) -> bool:
    """Whether the second word of a declaration goes before a name, rather than being it (`complex data in v`)."""
    if len(lexemes) < 3 or lexemes[2].kind != "NAME":
        return False
    return not (lexemes[2].text == "in" and len(lexemes) > 3 and lexemes[3].kind == "NAME")


def _arrow(lexeme: Lexeme, state: _State) -> list[Lexeme]:
    """``<-`` is the arrow of a rule behind its head; anywhere else it is a comparison with something negative."""
    if lexeme.text == "←" or (state.plain and not state.brackets and state.keyword is None):
        return [lexeme]
    middle = lexeme.start + 1
    return [Lexeme("COMPARE", "<", lexeme.start, middle), Lexeme("SIGN", "-", middle, lexeme.end)]


def _mark(lexeme: Lexeme, following: Lexeme | None, out: list[Lexeme]) -> str:
    """``*t`` (a virtual index) and ``t.`` (the index that a function runs along)."""
    if lexeme.kind == "DOT":
        behind = bool(out) and out[-1].kind == "NAME" and out[-1].touches(lexeme)
        return "AXIS" if behind and following is not None and following.kind in ("COMMA", "RSQB") else "DOT"
    prefix = lexeme.text == "*" and bool(out) and out[-1].kind in _BEFORE_OPERAND
    return "VIRTUAL" if prefix and following is not None and lexeme.touches(following) else "TIMES"


def _bracket(lexeme: Lexeme, out: list[Lexeme], state: _State) -> Lexeme:
    """Whether a bracket applies what it touches, opens a group or a list, or only binds."""
    if lexeme.kind in ("LPAR", "APPLY", "GROUP"):
        if _applies(lexeme, out, state):
            return lexeme.of("APPLY")
        in_subscript = bool(state.brackets) and state.brackets[-1] == "LSQB" and out[-1].kind in ("LSQB", "COMMA")
        return lexeme.of("GROUP" if lexeme.kind == "GROUP" and in_subscript else "LPAR")
    if lexeme.kind == "LSQB":
        behind = bool(out) and out[-1].touches(lexeme) and out[-1].kind in ("NAME", "RSQB", "RPAR")
        return lexeme.of("LSQB" if behind else "LIST")
    return lexeme


def _applies(lexeme: Lexeme, out: list[Lexeme], state: _State) -> bool:
    if not out or not out[-1].touches(lexeme):
        return False
    kind = out[-1].kind
    return kind == "NAME" or (kind == "RSQB" and state.closed == "LSQB") or (kind == "RPAR" and state.closed == "APPLY")


def _note(lexeme: Lexeme, state: _State) -> None:
    """Keep the state in step with the lexeme just settled."""
    if lexeme.kind in _OPENING:
        state.brackets.append(lexeme.kind)
    elif lexeme.kind in ("RPAR", "RSQB"):
        state.closed = state.brackets.pop() if state.brackets else ""
    elif not state.brackets:
        state.defined = state.defined or lexeme.kind in ("ASSIGN", "ARROW")
        state.plain = state.plain and lexeme.kind == "NAME"
