"""Lexemes to statements: where lines end, which brackets were never closed, and which block a line stands in.

In: the scanned lexemes of a file. Out: ``Statement``s in order, each with its settled lexemes and its depth of
indentation. What is wrong with lines, brackets or indentation is reported here; a statement with such a fault is
not ``sound`` and is not parsed, so that one slip makes one message.
"""

from __future__ import annotations

from tensorlang.diagnostics import Problems
from tensorlang.limits import Limits
from tensorlang.records import dataclass, field
from tensorlang.source import Source
from tensorlang.syntax import words
from tensorlang.syntax.lexemes import Lexeme

OPENING = {"LPAR": ")", "APPLY": ")", "GROUP": ")", "LSQB": "]"}
CLOSING = {"RPAR": ")", "RSQB": "]"}
# A line that ends in one of these goes on; a line that starts with one goes on with the line before.
OPERATORS = {"SIGN", "TIMES", "POWER", "COMPARE", "ASSIGN", "ARROW", "RESULT", "TILDE", "COMMA"}
_LAST_WORDS = {"and", "or", "not", "if", "else", "where"}
_FIRST_WORDS = {"and", "or", "else", "where"}
_WRONG_OPERATORS = {":=", "**", "&&", "||", "&", "|", "<>", "=/=", "~=", "=>", "=<", "-=", "*=", "/="}


@dataclass(slots=True)
class Statement:
    """One statement, or the header of a block.

    ``level`` counts the blocks around it; ``inline`` says that it stands behind `;` or a header's `:` on the same line;
    ``indent`` is the white space before it.
    """

    lexemes: list[Lexeme]
    level: int
    inline: bool
    indent: str
    header: bool = False
    sound: bool = True

    @property
    def start(self) -> int:
        return self.lexemes[0].start

    @property
    def end(self) -> int:
        return self.lexemes[-1].end


@dataclass(slots=True)
class _Brackets:
    """Which brackets have no partner, by the position of the lexeme; ``deep`` is the first one beyond the limit."""

    unclosed: dict[int, Lexeme] = field(default_factory=dict)
    stray: dict[int, tuple[Lexeme, Lexeme | None]] = field(default_factory=dict)
    deep: Lexeme | None = None

    def faulty(self, at: int) -> bool:
        return at in self.unclosed or at in self.stray


def statements(lexemes: list[Lexeme], source: Source, problems: Problems, limits: Limits) -> list[Statement]:
    """The statements of a file, in order."""
    brackets = _match_brackets(lexemes, limits.nesting)
    if brackets.deep is not None:
        problems.error(
            "E0922",
            f"brackets are nested more than {limits.nesting} deep",
            (brackets.deep.span(source), "one bracket too many"),
            help=["give an inner part a name of its own, or raise the limit with --limit-nesting"],
        )
        return []
    found: list[Statement] = []
    blocks = _Blocks(source, problems)
    for line, faults in _lines(lexemes, brackets):
        sound = not faults or any(lexeme.kind == "UNCLOSED" for lexeme in line)
        if not sound:
            _report_bracket(faults[0], brackets, lexemes, source, problems)
        pieces = _pieces(line)
        indent = source.text[source.text.rfind("\n", 0, line[0].start) + 1 : line[0].start].lstrip("\ufeff")
        sound = blocks.enter(indent, line[0]) and sound
        for number, piece in enumerate(pieces):
            header = piece[-1].kind == "BLOCK" or (number == 0 and words.starter(piece) in ("DEF", "TEST"))
            if not number:
                level = blocks.level
            statement = Statement(words.settle(piece), level, number > 0, indent, header, sound)
            found.append(statement)
            if header:
                level += 1
        blocks.leave(found[-1])
    blocks.close()
    return found


# --- brackets ----------------------------------------------------------------------------------------------------


def _match_brackets(lexemes: list[Lexeme], limit: int) -> _Brackets:
    """Pair the brackets; a line that can only be a new statement ends all open ones."""
    result = _Brackets()
    stack: list[int] = []
    for at, lexeme in enumerate(lexemes):
        if lexeme.kind in OPENING:
            stack.append(at)
            if len(stack) > limit:
                result.deep = lexeme
                return result
        elif lexeme.kind in CLOSING:
            _close(at, lexemes, stack, result)
        elif lexeme.kind == "NEWLINE" and stack and _begins_anew(lexemes, at + 1, stack[0]):
            result.unclosed.update((opened, lexemes[opened]) for opened in stack)
            stack.clear()
    result.unclosed.update((opened, lexemes[opened]) for opened in stack)
    return result


def _close(at: int, lexemes: list[Lexeme], stack: list[int], result: _Brackets) -> None:
    wanted = CLOSING[lexemes[at].kind]
    for depth in range(len(stack) - 1, -1, -1):
        if OPENING[lexemes[stack[depth]].kind] == wanted:
            result.unclosed.update((opened, lexemes[opened]) for opened in stack[depth + 1 :])
            del stack[depth:]
            return
    result.stray[at] = (lexemes[at], lexemes[stack[-1]] if stack else None)


def _begins_anew(lexemes: list[Lexeme], at: int, opened: int) -> bool:
    """Whether a statement starts here that the bracket at ``opened`` cannot contain."""
    if _begins_definition(lexemes, at):
        return True
    return words.starter(lexemes[at : at + 3]) is not None and _indent(lexemes, at) <= _indent(lexemes, opened)


def _indent(lexemes: list[Lexeme], at: int) -> int:
    """How far the line of a lexeme is indented."""
    while at and lexemes[at - 1].kind != "NEWLINE":
        at -= 1
    return lexemes[at].start - (lexemes[at - 1].end if at else 0)


def _begins_definition(lexemes: list[Lexeme], at: int) -> bool:
    """Whether ``T[...] =`` or ``R(...) <-`` starts here, which no open bracket could contain."""
    if at + 1 >= len(lexemes) or lexemes[at].kind != "NAME" or lexemes[at + 1].kind not in ("LSQB", "APPLY"):
        return False
    depth = 0
    for here in range(at + 1, len(lexemes)):
        kind = lexemes[here].kind
        if kind == "NEWLINE":
            return False
        depth += (kind in OPENING) - (kind in CLOSING)
        if depth == 0:
            following = lexemes[here + 1 : here + 3]
            if len(following) == 2 and following[0].kind == "NAME":
                return following[0].text in words.AGGREGATES and following[1].text == "="
            return bool(following) and (following[0].kind in ("ASSIGN", "ARROW") or following[0].text == ":=")
    return False


def _report_bracket(at: int, brackets: _Brackets, lexemes: list[Lexeme], source: Source, problems: Problems) -> None:
    if at in brackets.unclosed:
        opened = lexemes[at]
        problems.error(
            "E0104",
            f"this `{opened.text}` is never closed",
            (opened.span(source), f"needs a `{OPENING[opened.kind]}`"),
        )
        return
    closer, opener = brackets.stray[at]
    wanted = f"; the `{opener.text}` before it wants `{OPENING[opener.kind]}`" if opener else ""
    problems.error("E0105", f"this `{closer.text}` closes nothing{wanted}", closer.span(source))


# --- lines -------------------------------------------------------------------------------------------------------


def _lines(lexemes: list[Lexeme], brackets: _Brackets) -> list[tuple[list[Lexeme], list[int]]]:
    """Logical lines without comments and line ends, each with the positions of its faulty brackets."""
    lines: list[tuple[list[Lexeme], list[int]]] = []
    line: list[Lexeme] = []
    faults: list[int] = []
    depth = 0
    for at, lexeme in enumerate(lexemes):
        if lexeme.kind == "COMMENT":
            continue
        if lexeme.kind != "NEWLINE":
            line.append(lexeme)
            if brackets.faulty(at):
                faults.append(at)
            else:
                depth += (lexeme.kind in OPENING) - (lexeme.kind in CLOSING)
        elif line and depth == 0 and not _goes_on(line[-1], lexemes, at + 1):
            lines.append((line, faults))
            line, faults = [], []
    if line:
        lines.append((line, faults))
    return lines


def _goes_on(last: Lexeme, lexemes: list[Lexeme], at: int) -> bool:
    """Whether the statement goes on behind a line end."""
    while at < len(lexemes) and lexemes[at].kind in ("NEWLINE", "COMMENT"):
        at += 1
    if at == len(lexemes):
        return False
    defines = _begins_definition(lexemes, at) or (
        lexemes[at].kind == "NAME" and at + 1 < len(lexemes) and lexemes[at + 1].text == "="
    )
    if defines and last.kind != "COMMA":
        return False
    if last.kind in OPERATORS or (last.kind == "NAME" and last.text in _LAST_WORDS) or last.text in _WRONG_OPERATORS:
        return True
    first = lexemes[at]
    return (
        first.kind in OPERATORS
        or (first.kind == "NAME" and first.text in _FIRST_WORDS)
        or first.text in _WRONG_OPERATORS
        or (first.kind == "NAME" and first.text == "if" and not _opens_block(lexemes, at))
    )


def _opens_block(lexemes: list[Lexeme], at: int) -> bool:
    """Whether the line that starts here ends in a colon (an `if` of another language)."""
    last = lexemes[at]
    while at < len(lexemes) and lexemes[at].kind != "NEWLINE":
        last = last if lexemes[at].kind == "COMMENT" else lexemes[at]
        at += 1
    return last.kind == "COLON"


def _pieces(line: list[Lexeme]) -> list[list[Lexeme]]:
    """Cut a line at `;` and behind the `:` of a header; that colon becomes a BLOCK."""
    pieces: list[list[Lexeme]] = [[]]
    depth = 0
    header = words.starter(line) in ("DEF", "TEST")
    for lexeme in line:
        depth += (lexeme.kind in OPENING) - (lexeme.kind in CLOSING)
        if lexeme.kind == "SEMICOLON" and depth <= 0:
            pieces.append([])
        elif lexeme.kind == "COLON" and depth <= 0 and header:
            pieces[-1].append(lexeme.of("BLOCK"))
            pieces.append([])
            header = False
        else:
            pieces[-1].append(lexeme)
    return [piece for piece in pieces if piece] or [line]


# --- blocks ------------------------------------------------------------------------------------------------------


class _Blocks:
    """The indentation of the open blocks, outermost first."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._indents: list[str] = []
        self._awaits: Statement | None = None
        self._loose = False  # the last statement had a block's look but is none
        self._odd: str | None = None  # white space that was complained about and may go on

    @property
    def level(self) -> int:
        return len(self._indents) - 1

    def enter(self, indent: str, first: Lexeme) -> bool:
        """Find the block of a line that starts with this white space; False if it hangs in the air."""
        fits = True
        if not self._indents:
            self._indents.append(indent)
        elif self._awaits is not None and self._deeper(indent):
            self._indents.append(indent)
            self._odd = None
        else:
            self._missing_body()
            fits = self._place(indent, first)
        self._awaits = None
        return fits

    def leave(self, last: Statement) -> None:
        """Note whether the line just read opens a block."""
        self._awaits = last if last.header else None
        self._loose = last.lexemes[-1].kind in ("COLON", "BLOCK") or not last.sound

    def close(self) -> None:
        self._missing_body()

    def _deeper(self, indent: str) -> bool:
        return len(indent) > len(self._indents[-1]) and indent.startswith(self._indents[-1])

    def _missing_body(self) -> None:
        if self._awaits is not None and self._awaits.lexemes[-1].kind == "BLOCK":
            word = self._awaits.lexemes[0]
            self._problems.error(
                "E0122",
                f"this `{word.text}` has no body",
                (word.span(self._source), "the lines that belong to it are indented, or stand behind the `:`"),
            )

    def _place(self, indent: str, first: Lexeme) -> bool:
        if indent in self._indents:
            del self._indents[self._indents.index(indent) + 1 :]
            self._odd = None
            return True
        outer = sum(indent.startswith(known) for known in self._indents)
        deeper = outer == len(self._indents)
        mixed = not deeper and not self._indents[outer].startswith(indent)
        del self._indents[max(outer, 1) :]
        if indent == self._odd or (deeper and self._loose):
            return True
        self._odd = indent
        span = first.span(self._source)
        if mixed:
            self._problems.error("E0121", "tabs and spaces are mixed in the indentation", span)
        elif deeper:
            self._problems.error(
                "E0120",
                "this line is indented, but no block is open that it could belong to",
                (span, "only the body of a `def` or a `test` is indented"),
            )
        else:
            self._problems.error("E0120", "the indentation of this line is that of no block around it", span)
        return False
