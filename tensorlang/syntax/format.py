"""The one way a program is written: ``format_text``.

In: a source that parses. Out: its text with canonical spacing and indentation. Comments stay, single blank lines
stay, and so do the line breaks that the writer chose inside a statement; lines of more than 100 columns are broken
further. It has no options; ``parse(format_text(s)) == parse(s)``, and formatting twice changes nothing.
"""

from __future__ import annotations

from itertools import pairwise

from tensorlang.diagnostics import Problems
from tensorlang.records import dataclass, field
from tensorlang.source import Source
from tensorlang.syntax import spacing
from tensorlang.syntax.layout import Statement
from tensorlang.syntax.lexemes import Lexeme
from tensorlang.syntax.parse import read
from tensorlang.syntax.spacing import Piece

WIDTH = 100
STEP = 4


def format_text(source: Source) -> str:
    """The canonical text of a program; raises ``CompileError`` if it cannot be read."""
    problems = Problems()
    lexemes, statements = read(source, problems)
    problems.raise_errors()
    return _Printer(source, [each for each in lexemes if each.kind == "COMMENT"], statements).text()


@dataclass(slots=True)
class _Row:
    """The statements of one logical line, with the comment behind them."""

    statements: list[Statement]
    comment: Lexeme | None = None

    @property
    def start(self) -> int:
        return self.statements[0].start

    @property
    def end(self) -> int:
        return self.statements[-1].end


class _Printer:
    """Prints rows and the comments between them, in the order of the source."""

    def __init__(self, source: Source, comments: list[Lexeme], statements: list[Statement]) -> None:
        self._source = source
        self._comments = comments
        self._rows: list[_Row] = []
        for statement in statements:
            if statement.inline:
                self._rows[-1].statements.append(statement)
            else:
                self._rows.append(_Row([statement]))
        self._out: list[str] = []
        self._last = 0  # where the source is printed up to
        self._after_header = True  # no blank line here
        self._columns: dict[int, int] = {}  # of each open level, in the source

    def text(self) -> str:
        taken = 0
        for at, row in enumerate(self._rows):
            while taken < len(self._comments) and self._comments[taken].start < row.start:
                self._own_line(self._comments[taken], at)
                taken += 1
            inner = []
            while taken < len(self._comments) and self._belongs(self._comments[taken], row):
                inner.append(self._comments[taken])
                taken += 1
            self._row(row, inner)
        for comment in self._comments[taken:]:
            self._own_line(comment, len(self._rows))
        return "".join(line.rstrip() + "\n" for line in self._out)

    def _belongs(self, comment: Lexeme, row: _Row) -> bool:
        """Whether a comment stands inside a row or behind it on its last line."""
        return comment.start < row.end or "\n" not in self._source.text[row.end : comment.start]

    def _own_line(self, comment: Lexeme, following: int) -> None:
        self._blank(comment.start)
        self._out.append(" " * (STEP * self._comment_level(comment, following)) + comment.text.rstrip())
        self._last = comment.end
        self._after_header = False

    def _comment_level(self, comment: Lexeme, following: int) -> int:
        """The block that a comment belongs to: that of the next row, or a deeper one that it is indented like."""
        level = self._rows[following].statements[0].level if following < len(self._rows) else 0
        text = self._source.text
        column = comment.start - text.rfind("\n", 0, comment.start) - 1
        deeper = [open_ for open_, indent in self._columns.items() if open_ > level and indent <= column]
        return max(deeper, default=level)

    def _blank(self, start: int) -> None:
        if not self._after_header and self._source.text.count("\n", self._last, start) > 1:
            self._out.append("")

    def _row(self, row: _Row, comments: list[Lexeme]) -> None:
        first = row.statements[0]
        self._blank(row.start)
        self._columns = {level: column for level, column in self._columns.items() if level < first.level}
        self._columns[first.level] = len(first.indent)
        for pieces in self._lines_of(self._pieces(row, comments), first.level * STEP):
            self._out.extend(_Lines(pieces, first.level * STEP).lines())
        behind = [comment for comment in comments if comment.start >= row.end]
        if behind:
            self._out[-1] += "  " + behind[0].text
        self._last = behind[0].end if behind else row.end
        self._after_header = row.statements[-1].header

    def _lines_of(self, pieces: list[Piece], indent: int) -> list[list[Piece]]:
        """A row that is too long comes apart at its `;`, unless it is the body of a header on the same line."""
        cuts = [at for at, piece in enumerate(pieces) if piece.lexeme.kind == "SEMICOLON"]
        width = indent + sum(len(piece.gap) + len(piece.text) for piece in pieces)
        if not cuts or width <= WIDTH or any(piece.lexeme.kind == "BLOCK" for piece in pieces):
            return [pieces]
        starts = [0, *(cut + 1 for cut in cuts)]
        parts = [pieces[start:end] for start, end in zip(starts, [*cuts, len(pieces)], strict=True)]
        for part in parts[1:]:
            part[0].gap = ""
            part[0].forced = False
        return parts

    def _pieces(self, row: _Row, comments: list[Lexeme]) -> list[Piece]:
        """The row as pieces, with the writer's line breaks and comments in their places."""
        lexemes: list[Lexeme] = []
        for statement in row.statements:
            if lexemes and lexemes[-1].kind != "BLOCK":
                lexemes.append(Lexeme("SEMICOLON", ";", lexemes[-1].end, lexemes[-1].end))
            lexemes.extend(statement.lexemes)
        found = spacing.pieces(lexemes)
        waiting = [comment for comment in comments if comment.start < row.end]
        for before, piece in pairwise(found):
            while waiting and waiting[0].start < piece.lexeme.start:
                piece.comments.append(waiting.pop(0))
            broken = "\n" in self._source.text[before.lexeme.end : piece.lexeme.start]
            piece.forced = bool(piece.comments) or broken
        return found


@dataclass(slots=True)
class _Lines:
    """Lays the pieces of one row out on lines."""

    pieces: list[Piece]
    indent: int
    _out: list[str] = field(default_factory=list)
    _line: str = ""
    _brackets: list[tuple[str, int, bool]] = field(default_factory=list)  # kind, column, whether a line ends behind it

    def lines(self) -> list[str]:
        first = 0
        for at in range(1, len(self.pieces) + 1):
            if at == len(self.pieces) or self.pieces[at].forced:
                self._stretch(self.pieces[first:at], first == 0)
                first = at
        return self._out

    def _stretch(self, stretch: list[Piece], leading: bool) -> None:
        """Print what stands between two breaks of the writer, broken further where it is too long."""
        if not leading:
            self._comments(stretch[0])
        while stretch:
            start = self.indent if leading else self._margin(stretch[0])
            cut = _cut(stretch, start)
            self._emit(stretch[:cut], start)
            stretch = stretch[cut:]
            leading = False

    def _comments(self, piece: Piece) -> None:
        """Comments before a break: the first one may stand behind the line above."""
        for comment in piece.comments:
            if comment is piece.comments[0] and self._out:
                self._out[-1] += "  " + comment.text.rstrip()
            else:
                self._out.append(" " * (self.indent + STEP) + comment.text.rstrip())

    def _margin(self, piece: Piece) -> int:
        """Where a line that goes on begins: under the first number of a list, else one step in."""
        closing = piece.lexeme.kind in spacing.CLOSING
        if self._brackets:
            kind, column, ends_line = self._brackets[-1]
            if kind == "LIST" and not ends_line:
                return column if closing else column + 1
        return self.indent if closing else self.indent + STEP

    def _emit(self, line: list[Piece], start: int) -> None:
        text = " " * start
        for at, piece in enumerate(line):
            text += (piece.gap if at else "") + piece.text
            if piece.lexeme.kind in spacing.OPENING:
                self._brackets.append((piece.lexeme.kind, len(text) - 1, at == len(line) - 1))
            elif piece.lexeme.kind in spacing.CLOSING and self._brackets:
                self._brackets.pop()
        self._out.append(text)


def _cut(stretch: list[Piece], start: int) -> int:
    """How many pieces go on the line that begins in column ``start``: all, or those before the best break.

    The best break is the last one that fits among the cheapest; where none fits, the first of all.
    """
    column = start
    fitting: dict[int, int] = {}
    beyond = 0
    for at, piece in enumerate(stretch):
        gap = len(piece.gap) if at else 0
        if at and piece.cost is not None:
            if column <= WIDTH:
                fitting[piece.cost] = at
            elif not beyond:
                beyond = at
        column += gap + len(piece.text)
        if column > WIDTH and (fitting or beyond):
            return fitting[min(fitting)] if fitting else beyond
    return len(stretch)
