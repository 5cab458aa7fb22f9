"""Random programs: good ones survive the formatter, broken ones get a report and never a traceback."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from programs import programs
from reading import formatted, read, same

from tensorlang.diagnostics import CompileError, render, to_json
from tensorlang.syntax.lexemes import scan

CORPUS = [path.read_bytes().decode() for path in sorted((Path(__file__).parent / "corpus").glob("*.tl"))]
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
PIECES = [
    "(", ")", "[", "]", "|", '"', "'", "#", "\n", "\n    ", "\t", ";", ":", ",", ".", "...", "=", "==", "<-",
    "->", "+", "-", "*", "**", "/", "//", "^", "?", "~", "!", "@", "<", ">=", "and ", " or ", " not ", " if ",
    " else ", " where ", "def ", "test ", "input ", "dim ", "minimize ", " over ", " with ", " in ",
    "import ", "from ", "for ", "x", "Y[i]", "A(x)", "2", "2x", "1e", "\u00d7", "\u201c", "\u00b2", "\u200b",
    "\u00a0", "\u0000", "\ufeff", "\r", "\U0001d7d8", "e\u0301",
]  # fmt: skip


def comments(text: str) -> list[str]:
    return sorted(lexeme.text.rstrip() for lexeme in scan(text) if lexeme.kind == "COMMENT")


@RELAXED
@given(programs())
def test_good_programs_survive_the_formatter(text):
    tree, problems = read(text)
    if problems.found:
        # Joined at random, pieces may meet in a way that the language refuses: then by a considered message only.
        assert all(problem.code != "E0101" for problem in problems.found), render(problems.found)
        return
    again = formatted(text)
    tree_again, problems_again = read(again)
    assert not problems_again.found, again + render(problems_again.found)
    assert same(tree_again, tree), again
    assert formatted(again) == again
    assert comments(again) == comments(text)


def check_reported(text: str) -> None:
    tree, problems = read(text)
    for problem in problems.found:
        assert problem.span is not None
        assert 0 <= problem.span.start <= problem.span.end <= len(text) + 1
        to_json(problem)
    render(problems.found)
    try:
        again = formatted(text)
    except CompileError:
        assert problems.found
        return
    assert not problems.found
    tree_again, problems_again = read(again)
    assert not problems_again.found, again + render(problems_again.found)
    assert same(tree_again, tree), again
    assert formatted(again) == again
    assert comments(again) == comments(text)


@RELAXED
@given(
    st.sampled_from(CORPUS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), st.sampled_from(PIECES)), max_size=4),
)
def test_broken_programs_are_reported(text, edits):
    for place, removed, put in edits:
        at = int(place * len(text))
        text = text[:at] + put + text[at + removed :]
    check_reported(text)


@RELAXED
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_pieces(text):
    check_reported(text)


@RELAXED
@given(st.text(max_size=60))
@example("\ufeff\ufeff")
@example("Y = 1\r")
@example('"\\')
def test_any_text(text):
    check_reported(text)
