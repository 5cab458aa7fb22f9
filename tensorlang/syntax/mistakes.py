"""What is said about a statement that cannot be read: the common slips by name, anything else as found and expected.

In: the lexemes of the statement, where the machine got stuck and what it would have taken. Out: one ``Diagnostic``.
The slips stand in ``SLIPS`` and are tried in order; each looks at the statement and answers with a problem or None.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

from tensorlang.diagnostics import Diagnostic, diagnostic, nearest
from tensorlang.records import dataclass
from tensorlang.source import Source, Span
from tensorlang.syntax import foreign, words
from tensorlang.syntax.lexemes import Lexeme

_OPERATORS = {
    "SIGN",
    "TIMES",
    "POWER",
    "COMPARE",
    "ASSIGN",
    "ARROW",
    "AND",
    "OR",
    "NOT",
    "IF",
    "ELSE",
    "WHERE",
    "TILDE",
}
_OPENING = {"LPAR", "APPLY", "GROUP", "LSQB", "LIST"}
_ENDS = {"END", "INDENT"}
_RESERVED = set(words.OPERATOR_WORDS.values())


@dataclass(frozen=True, slots=True)
class Scene:
    """A statement that went wrong at ``lexemes[at]`` (its end, where that is past the last one)."""

    lexemes: list[Lexeme]
    at: int
    expected: set[str]
    source: Source

    @property
    def found(self) -> Lexeme:
        if self.at < len(self.lexemes):
            return self.lexemes[self.at]
        end = self.lexemes[-1].end
        return Lexeme("END", "", end, end)

    @property
    def before(self) -> Lexeme | None:
        return self.lexemes[self.at - 1] if self.at else None

    @property
    def after(self) -> Lexeme | None:
        return self.lexemes[self.at + 1] if self.at + 1 < len(self.lexemes) else None

    def span(self, lexeme: Lexeme) -> Span:
        return lexeme.span(self.source)

    def brackets(self) -> list[Lexeme]:
        """The brackets that are open where the statement went wrong."""
        stack: list[Lexeme] = []
        for lexeme in self.lexemes[: self.at]:
            if lexeme.kind in _OPENING:
                stack.append(lexeme)
            elif lexeme.kind in ("RPAR", "RSQB") and stack:
                stack.pop()
        return stack


def certain(lexemes: list[Lexeme], source: Source) -> list[Diagnostic]:
    """What is wrong wherever it stands: characters and operators that the language does not have."""
    found: list[Diagnostic] = []
    seen: set[str] = set()
    for at, lexeme in enumerate(lexemes):
        problem: Diagnostic | None = None
        if lexeme.kind in ("WRONG", "UNCLOSED", "UNKNOWN"):
            problem = None if lexeme.text in seen else foreign.unknown(lexeme, lexemes, source)
            seen.add(lexeme.text)
        elif lexeme.kind == "NAME":
            problem = foreign.bad_letter(lexeme, source)
        elif lexeme.kind == "AXIS":
            problem = _dot_on_the_right(lexemes, at, source)
        if problem is not None:
            found.append(problem)
    if any(problem.code in ("E0102", "E0103", "E0106") for problem in found):
        return found[:1]
    return (found and [foreign.foreign_word(lexemes, source) or found[0], *found[1:]]) or found


def _dot_on_the_right(lexemes: list[Lexeme], at: int, source: Source) -> Diagnostic | None:
    if not any(each.kind == "ASSIGN" for each in lexemes[:at]):
        return None
    index = lexemes[at - 1]
    return diagnostic(
        "E0136",
        f"the dot of `{index.text}.` stands on the left of an equation only",
        Span(source, index.start, lexemes[at].end),
        help=(f"on the right, the function names its index: `softmax[{index.text}](...)`",),
    )


def explain(lexemes: list[Lexeme], stuck: Lexeme, expected: set[str], source: Source) -> Diagnostic:
    """What is wrong with a statement that no rule goes on with."""
    at = next((at for at, lexeme in enumerate(lexemes) if lexeme is stuck), len(lexemes))
    scene = Scene(lexemes, at, expected, source)
    for slip in SLIPS:
        problem = slip(scene)
        if problem is not None:
            return problem
    return _generic(scene)


def instead(lexemes: list[Lexeme], problem: Diagnostic, source: Source) -> Diagnostic:
    """A better word for a statement that the grammar knows and the language does not."""
    if problem.code not in ("E0129", "E0130"):
        return problem
    scene = Scene(lexemes, len(lexemes), set(), source)
    for slip in (_foreign, _misspelt, _keyword, _arrow, _equals):
        better = slip(scene)
        if better is not None:
            return better
    return problem


# --- the slips ---------------------------------------------------------------------------------------------------


def _foreign(scene: Scene) -> Diagnostic | None:
    return foreign.foreign_word(scene.lexemes, scene.source)


def _misspelt(scene: Scene) -> Diagnostic | None:
    first = scene.lexemes[0]
    if first.kind != "NAME" or len(scene.lexemes) < 2 or scene.lexemes[1].kind not in ("NAME", "STRING"):
        return None
    close = nearest(first.text, words.STARTERS)
    if close is None or first.text in words.STARTERS:
        return None
    return diagnostic("E0131", f"there is no `{first.text}`", (scene.span(first), f"did you mean `{close}`?"))


def _keyword(scene: Scene) -> Diagnostic | None:
    """``dim 3``: a first word that is a keyword, but not with this behind it."""
    first = scene.lexemes[0]
    if first.kind != "NAME" or first.text not in words.STARTERS:
        return None
    second = scene.lexemes[1] if len(scene.lexemes) > 1 else Lexeme("END", "", first.end, first.end)
    if first.touches(second) and second.kind != "END":
        return None
    if second.kind in _OPERATORS | {"DOT", "COMMA"}:
        return None
    return diagnostic(
        "E0101",
        f"found {word_for(second)} behind `{first.text}`",
        scene.span(second),
        help=(f"like this: `{words.EXAMPLES[first.text]}`",),
    )


def _colon(scene: Scene) -> Diagnostic | None:
    if scene.found.kind not in _ENDS or "BLOCK" not in scene.expected:
        return None
    end = scene.lexemes[-1].end
    return diagnostic(
        "E0119",
        f"the first line of a `{scene.lexemes[0].text}` ends in `:`",
        (Span(scene.source, end, end), "expected `:`"),
    )


def _arrow(scene: Scene) -> Diagnostic | None:
    """Another sign where a head of a rule is followed by ``<-``."""
    lexemes = scene.lexemes
    if len(lexemes) < 2 or lexemes[0].kind != "NAME" or lexemes[1].kind != "APPLY":
        return None
    depths = list(accumulate((each.kind in _OPENING) - (each.kind in ("RPAR", "RSQB")) for each in lexemes))
    behind = lexemes[depths.index(0, 1) + 1 :] if 0 in depths[1:] else []
    if not behind:
        return None
    sign = behind[0]
    written, end = sign.text, sign.end
    if sign.kind == "COLON" and len(behind) > 1 and behind[1].text == "-" and sign.touches(behind[1]):
        written, end = ":-", behind[1].end
    elif sign.kind != "RESULT" and sign.text != "<=":
        return None
    return diagnostic(
        "E0111",
        f"`{written}` is no arrow of a rule",
        (Span(scene.source, sign.start, end), "expected `<-`"),
        help=("what follows stands on the left: `Head(x,z) <- Body(x,y), Other(y,z)`",),
    )


def _equals(scene: Scene) -> Diagnostic | None:
    depth = 0
    for at, lexeme in enumerate(scene.lexemes):
        depth += (lexeme.kind in _OPENING) - (lexeme.kind in ("RPAR", "RSQB"))
        if depth == 0 and lexeme.kind not in ("NAME", "RSQB", "RPAR"):
            if lexeme.text == "==" and at and scene.lexemes[0].kind == "NAME":
                return diagnostic("E0110", "a definition has one `=`", (scene.span(lexeme), "this only compares"))
            return None
    return None


def _why(scene: Scene) -> Diagnostic | None:
    if scene.found.kind == "END" and scene.lexemes[0].kind == "WHY" and "QUERY" in scene.expected:
        return diagnostic("E0132", "a question ends in `?`", (scene.span(scene.found), "expected `?`"))
    return None


def _full_stop(scene: Scene) -> Diagnostic | None:
    for at, lexeme in enumerate(scene.lexemes):
        following = scene.lexemes[at + 1] if at + 1 < len(scene.lexemes) else None
        if lexeme.kind == "DOT" and (following is None or not lexeme.touches(following)):
            return diagnostic(
                "E0137", "statements do not end in a full stop", (scene.span(lexeme), "end the line, or write `;`")
            )
    return None


def _reserved(scene: Scene) -> Diagnostic | None:
    """``where = 3``, ``X[if]``: a word of the language where a name belongs."""
    found, after = scene.found, scene.after
    declared = scene.at == 1 and scene.lexemes[0].text in words.STARTERS
    if found.kind not in _RESERVED or not ("NAME" in scene.expected or declared):
        return None
    follows = after is None or after.kind in ("ASSIGN", "LSQB", "APPLY", "COMMA", "RSQB", "RPAR", "SIGN", "TIMES")
    follows = follows or (after is not None and after.kind in ("LIST", "LPAR") and found.touches(after))
    if found.kind == "NOT" or not follows or (scene.before and scene.before.kind in _OPERATORS and after is None):
        return None
    return diagnostic("E0134", f"`{found.text}` is a word of the language and cannot be a name", scene.span(found))


def _spaced_bracket(scene: Scene) -> Diagnostic | None:
    """``Parent (Alice, Bob)``, ``def F (x)``: a bracket that should touch the name before it."""
    brackets = scene.brackets()
    opened = scene.found if scene.found.kind == "LPAR" and "APPLY" in scene.expected else None
    if scene.found.kind == "COMMA" and brackets and brackets[-1].kind == "LPAR":
        opened = brackets[-1]
    if opened is None:
        return None
    at = next(at for at, lexeme in enumerate(scene.lexemes) if lexeme is opened)
    before = scene.lexemes[at - 1] if at else None
    if before is None or before.kind not in ("NAME", "RSQB"):
        return None
    return diagnostic(
        "E0124",
        "a bracket that applies a name touches it",
        (scene.span(opened), "a space before it makes this a factor of its own"),
    )


def _empty(scene: Scene) -> Diagnostic | None:
    before, found = scene.before, scene.found
    if before is None or (before.kind, found.kind) not in (("LSQB", "RSQB"), ("LPAR", "RPAR"), ("APPLY", "RPAR")):
        return None
    return diagnostic(
        "E0138",
        "there is nothing in these brackets",
        Span(scene.source, before.start, found.end),
        help=("a tensor without indices has no brackets; all of an axis is `:`, all axes `...`",),
    )


def _else(scene: Scene) -> Diagnostic | None:
    """``a if c`` without an ``else``."""
    if "ELSE" not in scene.expected or scene.found.kind in _OPERATORS:
        return None
    word = next((each for each in reversed(scene.lexemes[: scene.at]) if each.kind == "IF"), None)
    if word is None:
        return None
    return diagnostic(
        "E0143",
        "this `if` has no `else`",
        scene.span(word),
        help=("write `a if c else b`; to define only some elements, write `where` behind the equation",),
    )


def _where(scene: Scene) -> Diagnostic | None:
    if scene.found.kind != "WHERE" or "NAME" in scene.expected:
        return None
    if any(lexeme.kind == "WHERE" for lexeme in scene.lexemes[: scene.at]) and not scene.brackets():
        return diagnostic(
            "E0144", "a second `where`", (scene.span(scene.found), "join the conditions with `and`, or with a comma")
        )
    if any(lexeme.kind == "ARROW" for lexeme in scene.lexemes):
        return diagnostic(
            "E0144", "a rule has no `where`", (scene.span(scene.found), "write the condition behind a comma")
        )
    return diagnostic(
        "E0144",
        "`where` cannot stand here",
        scene.span(scene.found),
        help=("it stands at the end of an equation, or in the brackets of a function: `sum[j](e where j < i)`",),
    )


def _second_equals(scene: Scene) -> Diagnostic | None:
    if scene.found.kind != "ASSIGN" or scene.brackets():
        return None
    first = next((lexeme for lexeme in scene.lexemes[: scene.at] if lexeme.kind == "ASSIGN"), None)
    if scene.lexemes[0].kind in ("FIXPOINT", "SCAN"):
        message = f"a setting of `{scene.lexemes[0].text}` is a word and a value"
        return diagnostic("E0147", message, (scene.span(scene.found), "write `tol 1e-6`"))
    if first is None:
        return None
    return diagnostic(
        "E0146",
        "a second `=` in one statement",
        (scene.span(scene.found), "to compare, write `==`; before a new statement, `;`"),
        (scene.span(first), "the first one"),
    )


def _step(scene: Scene) -> Diagnostic | None:
    brackets = scene.brackets()
    if scene.found.kind != "COLON" or not brackets or brackets[-1].kind != "LSQB" or "COLON" in scene.expected:
        return None
    return diagnostic(
        "E0142", "a range has no step", scene.span(scene.found), help=("every second element: `Y[i] = X[2*i]`",)
    )


def _operand(scene: Scene) -> Diagnostic | None:
    """Something that is no operand where one must stand."""
    found, before = scene.found, scene.before
    if not {"NAME", "NUMBER"} <= scene.expected or before is None:
        return None
    if before.kind not in _OPERATORS | {"COMMA", "LPAR", "APPLY", "LIST", "ASSERT", "WHY", "PLOT", "MINIMIZE"}:
        return None
    if found.kind not in _ENDS | _OPERATORS | {"COMMA", "RPAR", "RSQB", "QUERY", "COLON", "BLOCK"}:
        return None
    return diagnostic(
        "E0139",
        f"something is missing behind `{before.text}`",
        (scene.span(found), f"found {word_for(found)}, expected a tensor, an index or a number"),
    )


def _comma(scene: Scene) -> Diagnostic | None:
    if scene.found.kind != "COMMA" or scene.brackets() or scene.lexemes[0].kind not in ("NAME", "ASSERT"):
        return None
    return diagnostic(
        "E0128",
        "a comma cannot stand between the parts of an expression",
        (scene.span(scene.found), "the factors of a product have a space or `*` between them"),
    )


SLIPS: tuple[Callable[[Scene], Diagnostic | None], ...] = (
    _foreign, _misspelt, _keyword, _colon, _arrow, _why, _full_stop, _reserved, _spaced_bracket, _empty, _else, _where,
    _second_equals, _step, _operand, _comma,
)  # fmt: skip


# --- found and expected ------------------------------------------------------------------------------------------

_OPERAND = {"NAME", "NUMBER", "STRING", "LPAR"}
_MARKS = {
    "RPAR": "`)`", "RSQB": "`]`", "ASSIGN": "`=`", "ARROW": "`<-`", "RESULT": "`->`", "BLOCK": "`:`", "QUERY": "`?`",
    "TO": "`to`", "FROM": "`from`", "IMPORT": "`import`", "WITH": "`with`", "ELSE": "`else`",
    "END": "the end of the line", "INDENT": "the end of the line",
}  # fmt: skip


def word_for(lexeme: Lexeme) -> str:
    """How a message calls a piece of program."""
    if lexeme.kind in ("END", "INDENT"):
        return "the end of the line"
    return f"`{lexeme.text if len(lexeme.text) <= 40 else lexeme.text[:37] + '...'}`"


def _expectations(expected: set[str]) -> list[str]:
    """At most three things that could stand there, the most telling first."""
    said = [text for kind, text in _MARKS.items() if kind in expected]
    if expected >= _OPERAND:
        said.insert(0, "a tensor, an index or a number")
    elif "NAME" in expected and "SIGN" not in expected:
        said.insert(0, "a name")
    elif "STRING" in expected and "SIGN" not in expected:
        said.insert(0, 'a text in quotation marks, such as `"y.npy"`')
    if "SIGN" in expected and not expected >= _OPERAND | {"VIRTUAL"}:
        said.append("an operator")
    if "COMMA" in expected:
        said.append("`,`")
    return list(dict.fromkeys(said))[:3]


def _generic(scene: Scene) -> Diagnostic:
    said = _expectations(scene.expected)
    text = f"expected {' or '.join([', '.join(said[:-1]), said[-1]] if len(said) > 1 else said)}" if said else ""
    example = words.EXAMPLES.get(scene.lexemes[0].text) if scene.lexemes[0].kind != "NAME" else None
    return diagnostic(
        "E0101",
        f"found {word_for(scene.found)} where it cannot stand",
        (scene.span(scene.found), text),
        help=(f"like this: `{example}`",) if example else (),
    )
