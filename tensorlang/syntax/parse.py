"""Text to tree: cuts the text into statements, feeds them to the machine, and goes on behind one that went wrong.

In: a ``Source``. Out: an ``ast.File`` with every statement that could be read; what was wrong is in ``Problems``.
Nothing here raises for a bad program, and nothing recurses.
"""

from __future__ import annotations

from tensorlang.diagnostics import Problems
from tensorlang.limits import Limits
from tensorlang.source import Source, Span
from tensorlang.syntax import ast, mistakes, tables, words
from tensorlang.syntax.comments import documentation
from tensorlang.syntax.layout import Statement, statements
from tensorlang.syntax.lexemes import Lexeme, scan
from tensorlang.syntax.machine import Machine, Stuck, TooDeep
from tensorlang.syntax.statements import Builder
from tensorlang.syntax.tree import Known, Slip


def parse(source: Source, problems: Problems, limits: Limits | None = None) -> ast.File:
    """Read a program; errors are reported, and the statements they stand in are left out."""
    whole = Span(source, 0, len(source.text))
    lexemes, found, machine = _read(source, problems, limits or Limits())
    if machine is None:
        return ast.File((), span=whole)
    doc, _ = documentation(lexemes, found)
    return ast.File(machine.finish(len(source.text)), doc, span=whole)


def read(source: Source, problems: Problems, limits: Limits | None = None) -> tuple[list[Lexeme], list[Statement]]:
    """The lexemes and statements of a program, checked like ``parse`` does: what the formatter starts from."""
    lexemes, found, _ = _read(source, problems, limits or Limits())
    return lexemes, found


def _read(source: Source, problems: Problems, limits: Limits) -> tuple[list[Lexeme], list[Statement], Machine | None]:
    if len(source.text) > limits.source:
        problems.error(
            "E0921",
            f"the program has {len(source.text)} characters; the limit is {limits.source}",
            help=["put data into files and parts into modules, or raise the limit with --limit-source"],
        )
        return [], [], None
    met = Problems()
    lexemes = scan(source.text)
    found = statements(lexemes, source, met, limits)
    builder = Builder(source, _known(found), documentation(lexemes, found)[1])
    machine = Machine(tables.load(), builder.actions(), limits.nesting)
    _Feeder(machine, source, met).run(found)
    for problem in sorted(met.found, key=lambda problem: problem.labels[0].span.start):
        problems.report(problem)
    return lexemes, found, machine


def _known(found: list[Statement]) -> Known:
    given = [each for statement in found for each in words.given(statement.lexemes)]
    modules = {each.lexemes[1].text for each in found if each.lexemes[0].kind == "DEF"}
    tensors = {name for name, indexed in given if indexed} - modules
    return Known(frozenset(name for name, _ in given), frozenset(tensors))


class _Feeder:
    """Feeds statements with the marks of their blocks, and drops those that go wrong."""

    def __init__(self, machine: Machine, source: Source, problems: Problems) -> None:
        self._machine = machine
        self._source = source
        self._problems = problems
        self._open: list[bool] = []  # for each block around: whether the machine knows of it

    def run(self, found: list[Statement]) -> None:
        last = 0
        for statement in found:
            self._close(statement.level, last)
            self._statement(statement)
            last = statement.end
        self._close(0, last)

    def _close(self, level: int, at: int) -> None:
        while len(self._open) > level:
            if self._open.pop():
                self._machine.feed(Lexeme("DEDENT", "", at, at))

    def _statement(self, statement: Statement) -> None:
        self._machine.feed(Lexeme("BEGIN", "", statement.start, statement.start))
        mark = self._machine.mark() - 1
        good = statement.sound and self._feed(statement)
        if not good:
            self._machine.rewind(mark)
        if statement.header:
            self._open.append(good)

    def _feed(self, statement: Statement) -> bool:
        last = Lexeme("INDENT" if statement.header else "END", "", statement.end, statement.end)
        lexemes = statement.lexemes
        wrong = mistakes.certain(lexemes, self._source)
        for problem in wrong:
            self._problems.report(problem)
        if wrong:
            return False
        try:
            for lexeme in lexemes:
                self._machine.feed(lexeme)
            self._machine.feed(last)
        except Slip as slip:
            self._problems.report(mistakes.instead(lexemes, slip.problem, self._source))
            return False
        except TooDeep as deep:
            self._problems.error(
                "E0922",
                "this is nested too deep",
                Span(self._source, deep.start, deep.end),
                help=["give an inner part a name of its own, or raise the limit with --limit-nesting"],
            )
            return False
        except Stuck as stuck:
            self._problems.report(mistakes.explain(lexemes, stuck.lexeme, self._machine.expected(), self._source))
            return False
        return True
