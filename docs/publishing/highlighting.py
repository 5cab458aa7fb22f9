"""Programs in colour: a lexer for Pygments that cuts and names words as the compiler itself does.

In: a program, or a piece of one; what is no statement is cut all the same. Out: Pygments' tokens. Lines of ``#>`` are
what a program prints.
"""

from __future__ import annotations

from collections.abc import Iterator

from pygments.lexer import Lexer
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, Punctuation, Text, _TokenType

from tensorlang.syntax import words
from tensorlang.syntax.lexemes import Lexeme, scan

_KEYWORDS = {kind for kind, _ in words.STARTERS.values()} | {
    kind for inside in words.INSIDE.values() for kind in inside.values()
}
_WORD_OPERATORS = set(words.OPERATOR_WORDS.values())
_TYPES = {"ELEMENT"}
_KINDS: dict[str, _TokenType] = {
    "COMMENT": Comment.Single, "NUMBER": Number, "STRING": Name.Constant, "SIZE": Name.Variable, "ASSIGN": Operator,
    "ARROW": Operator, "SIGN": Operator, "TIMES": Operator, "POWER": Operator, "COMPARE": Operator, "TILDE": Operator,
    "QUERY": Operator.Word, "RESULT": Operator, "VIRTUAL": Operator, "AXIS": Operator, "NEWLINE": Text,
}  # fmt: skip
_OPENING, _CLOSING = {"LPAR", "APPLY", "GROUP", "LSQB", "LIST"}, {"RPAR", "RSQB"}


class TensorlangLexer(Lexer):
    """Tokens of a program."""

    name = "tensorlang"
    aliases = ("tl",)
    filenames = ("*.tl",)

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        at = 0
        for lexeme, kind in _coloured(scan(text)):
            if lexeme.start > at:
                yield at, Text, text[at : lexeme.start]
            yield lexeme.start, kind, text[lexeme.start : lexeme.end]
            at = lexeme.end
        if at < len(text):
            yield at, Text, text[at:]


def _coloured(lexemes: list[Lexeme]) -> Iterator[tuple[Lexeme, _TokenType]]:
    """The lexemes, in order, with their colours; comments and line ends stand between the words of statements."""
    for statement in _statements(lexemes):
        settled = words.settle([each for each in statement if each.kind not in ("COMMENT", "NEWLINE")])
        colours = dict(_words(settled))
        for each in sorted([*(e for e in statement if e.kind in ("COMMENT", "NEWLINE")), *settled], key=lambda e: e[2]):
            printed = each.kind == "COMMENT" and each.text.startswith("#>")
            yield each, Generic.Output if printed else colours.get(each, _KINDS.get(each.kind, Punctuation))


def _statements(lexemes: list[Lexeme]) -> Iterator[list[Lexeme]]:
    """Lines, those within brackets joined, and each part before a `;` or behind the `:` of a block for itself."""
    statement: list[Lexeme] = []
    depth = 0
    for each in lexemes:
        statement.append(each)
        depth = max(0, depth + (each.kind in _OPENING) - (each.kind in _CLOSING))
        if depth == 0 and each.kind in ("NEWLINE", "SEMICOLON", "COLON"):
            yield statement
            statement = []
    yield statement


def _words(settled: list[Lexeme]) -> Iterator[tuple[Lexeme, _TokenType]]:
    brackets: list[str] = []
    for at, each in enumerate(settled):
        following = settled[at + 1].kind if at + 1 < len(settled) else ""
        if each.kind in _OPENING:
            brackets.append(each.kind)
        elif each.kind in _CLOSING and brackets:
            brackets.pop()
        if each.kind == "NAME":
            yield each, _name(following, brackets)
        elif each.kind in _TYPES:
            yield each, Keyword.Type
        elif each.kind in _WORD_OPERATORS:
            yield each, Operator.Word
        elif each.kind in _KEYWORDS:
            yield each, Keyword


def _name(following: str, brackets: list[str]) -> _TokenType:
    """A function, an index (what stands in square brackets and has none of its own), or a tensor."""
    if following == "APPLY":
        return Name.Function
    within = bool(brackets) and brackets[-1] in ("LSQB", "GROUP")
    return Name.Variable if within and following != "LSQB" else Name
