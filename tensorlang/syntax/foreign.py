"""Characters, operators and words that come from other languages, and what is written here instead.

In: a lexeme that no program contains, or the first word of a statement that cannot be read. Out: the problem, in
words.
"""

from __future__ import annotations

import unicodedata

from tensorlang.diagnostics import Diagnostic, diagnostic
from tensorlang.source import Source, Span
from tensorlang.syntax.lexemes import Lexeme

_LOOKALIKES = {
    "×": "`*` or a space", "·": "`*` or a space", "⋅": "`*` or a space", "∙": "`*` or a space", "∗": "`*`", "÷": "`/`",
    "−": "`-`", "–": "`-`", "—": "`-`", "≤": "`<=`", "⩽": "`<=`", "≥": "`>=`", "⩾": "`>=`", "≠": "`!=`", "≡": "`==`",
    "∧": "`and`", "∨": "`or`", "¬": "`not`", "→": "`->`", "⇐": "`<-`", "⟵": "`<-`", "∈": "`in`", "∑": "`sum[i](...)`",
    "∏": "`prod[i](...)`", "√": "`sqrt(...)`", "∞": "`inf`", "′": "`'`", "″": "`''`", "ʹ": "`'`", "…": "`...`",
    "∂": "`diff(...)`", "∇": "`grad(...)`", "⊗": "a space", "⊙": "a space", "²": "`^2`", "³": "`^3`", "⁻": "`^-`",
    "ⁿ": "`^n`", "{": "an indented block, or `(` or `[`", "}": "`)` or `]`",
}  # fmt: skip
_QUOTES = "“”„‟‘’‚«»`´'"
_OPERATORS: dict[str, tuple[str, str, str]] = {
    ":=": ("E0109", "a definition is written with `=`", "write `=`"),
    "**": ("E0112", "a power is written with `^`", "write `^`"),
    "&&": ("E0114", "conditions are joined with words", "write `and`"),
    "&": ("E0114", "conditions are joined with words", "write `and`"),
    "||": ("E0114", "conditions are joined with words", "write `or`"),
    "!": ("E0114", "conditions are negated with a word", "write `not`"),
    "<>": ("E0115", "`<>` is no comparison", "write `!=`"),
    "=/=": ("E0115", "`=/=` is no comparison", "write `!=`"),
    "~=": ("E0115", "`~=` is no comparison", "write `!=`; `~` alone initialises a parameter"),
    "=<": ("E0115", "`=<` is no comparison", "write `<=`"),
    "=>": ("E0111", "`=>` is no arrow of this language", "a rule is `Head(x) <- Body(x)`; the comparison is `>=`"),
    "//": ("E0116", "`//` is no operator", "`/` rounds down between positions; a comment begins with `#`"),
    "|": ("E0145", "bars stand around the name of a domain only", "`|d|` is a size; an absolute value is `abs(...)`"),
}
CONSTRUCTS = {
    "for": "an index ranges over its whole domain by itself",
    "while": "what is repeated is a recurrence (`H[t+1] = ...`) or a `fixpoint`",
    "if": "a condition is `a if c else b` inside an expression, or `where` behind an equation",
    "elif": "a condition is `a if c else b` inside an expression, or `where` behind an equation",
    "else": "a condition is `a if c else b` inside an expression, or `where` behind an equation",
    "return": "a module names what it gives in its first line, behind `->`",
    "print": "to print the value of an expression, write it with `?` behind it",
    "lambda": "a function is a module: `def F(X[i]) -> Y[i]:`",
    "let": "a definition is an equation: `x = 3`",
    "var": "a definition is an equation: `x = 3`",
    "class": "parts that are used again are modules: `def F(X[i]) -> Y[i]:`",
    "fn": "a module is written `def F(X[i]) -> Y[i]:`",
    "func": "a module is written `def F(X[i]) -> Y[i]:`",
    "function": "a module is written `def F(X[i]) -> Y[i]:`",
    "with": "settings stand behind the statement that they belong to",
    "try": "there is nothing to catch",
    "pass": "a block has at least one statement",
}


def foreign_word(lexemes: list[Lexeme], source: Source) -> Diagnostic | None:
    """What to say about a statement of another language, by its first word (or ``lambda`` and ``for`` within)."""
    first = lexemes[0]
    word = first if first.text in CONSTRUCTS and _looks_like_statement(lexemes) else None
    if word is None:
        word = next((each for each in lexemes if each.kind == "NAME" and each.text in ("lambda", "for")), None)
    if word is None:
        return None
    return diagnostic(
        "E0118",
        f"there is no `{word.text}`: equations are the only construct",
        (word.span(source), CONSTRUCTS[word.text]),
    )


def _looks_like_statement(lexemes: list[Lexeme]) -> bool:
    if lexemes[0].kind != "NAME" or len(lexemes) == 1:
        return True
    following = lexemes[1]
    if following.kind == "APPLY":
        return lexemes[0].text in ("print", "return", "while", "for")
    return following.kind in ("NAME", "NUMBER", "STRING", "LPAR", "LIST", "NOT", "COLON", "SIGN")


def unknown(lexeme: Lexeme, lexemes: list[Lexeme], source: Source) -> Diagnostic:
    """What to say about a lexeme that no program contains."""
    span = lexeme.span(source)
    if lexeme.kind == "UNCLOSED":
        return diagnostic(
            "E0103", "this text has no closing quotation mark", (span, 'expected `"` before the line ends')
        )
    if lexeme.text in _OPERATORS:
        code, message, remedy = _OPERATORS[lexeme.text]
        return diagnostic(code, message, (span, remedy))
    if lexeme.kind == "WRONG":
        return _wrong_word(lexeme, lexemes, span)
    if lexeme.text in _QUOTES:
        return diagnostic(
            "E0106", 'texts stand in straight double quotation marks, `"..."`', (span, f"found `{lexeme.text}`")
        )
    if lexeme.text == "@":
        return diagnostic(
            "E0113",
            "there is no sign for a matrix product: the indices say it",
            span,
            help=("write `Y[o,b] = W[o,i] X[i,b]`; the index that is not on the left is summed",),
        )
    return diagnostic("E0102", *_character(lexeme.text, span))


def _wrong_word(lexeme: Lexeme, lexemes: list[Lexeme], span: Span) -> Diagnostic:
    if lexeme.text[0].isdecimal():
        number = lexeme.text[: len(lexeme.text) - len(lexeme.text.lstrip("0123456789."))]
        rest = lexeme.text[len(number) :]
        return diagnostic(
            "E0108",
            f"`{lexeme.text}` is neither a number nor a name",
            span,
            help=(f"a product needs a space: `{number} {rest}`; a name may not begin with a digit",),
        )
    if lexeme.text in ("-=", "*=", "/="):
        remedy = f"tensors are defined, not changed; known are {_AGGREGATES}"
    elif lexeme.text == "sum=":
        remedy = "`=` sums what is not on the left; `+=` adds to other equations"
    elif lexeme.text == "mean=":
        remedy = "the mean is `avg=`"
    else:
        remedy = f"known are {_AGGREGATES}"
    return diagnostic("E0117", f"there is no `{lexeme.text}`", (span, remedy))


_AGGREGATES = "`+=`, `max=`, `min=`, `avg=`, `prod=`, `or=`, `and=`, `logsumexp=`"


def _character(char: str, span: Span) -> tuple[str, tuple[Span, str]]:
    """The message and the marked place for one unknown character."""
    if char in _LOOKALIKES:
        return f"`{char}` is no part of the language", (span, f"write {_LOOKALIKES[char]}")
    if char == "\\":
        return "`\\` is no part of the language", (span, "a line goes on by itself behind an operator or in a bracket")
    plain = unicodedata.normalize("NFKC", char)
    if not char.isprintable() or char.isspace():
        name = unicodedata.name(char, "a control character").lower()
        return f"an invisible character, U+{ord(char):04X} ({name})", (span, "remove it, or write an ordinary space")
    if plain != char and plain.isascii():
        return f"`{char}` is no part of the language", (span, f"write `{plain}`")
    return f"`{char}` is no part of the language", (span, "")


def bad_letter(lexeme: Lexeme, source: Source) -> Diagnostic | None:
    """The first character of a name that is no letter, digit, `_` or prime (such as a raised 2)."""
    if lexeme.text.isascii():
        return None
    for at, char in enumerate(lexeme.text.rstrip("'")):
        if not ("a" + char).isidentifier():
            start = lexeme.start + at
            return diagnostic("E0102", *_character(char, Span(source, start, start + 1)))
    return None
