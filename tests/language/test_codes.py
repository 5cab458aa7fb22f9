"""Every code's example meets its error, and what stands instead does not; the messages are kept as snapshots."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorlang.codes import CODES
from tensorlang.codes.meaning import CODES as OF_ANALYSIS
from tensorlang.diagnostics import render
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source

SNAPSHOTS = Path(__file__).parent / "snapshots"
WITH_EXAMPLE = [code for code in OF_ANALYSIS if code.example]


@pytest.mark.parametrize("code", WITH_EXAMPLE, ids=lambda code: code.code)
def test_example_meets_its_error(code, request):
    checked = check(Source("example.tl", code.example), Options())
    found = [problem for problem in checked.problems.found if problem.code == code.code]
    assert found, f"{code.code} is not reported:\n{render(checked.problems.found)}"
    text = render(found) + "\n"
    path = SNAPSHOTS / f"{code.code}.txt"
    if request.config.getoption("--update"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("code", [c for c in WITH_EXAMPLE if c.instead], ids=lambda code: code.code)
def test_mended_example_is_right(code):
    checked = check(Source("example.tl", code.instead), Options())
    assert not checked.problems.found, render(checked.problems.found)


def test_every_code_teaches():
    for code in CODES.values():
        assert code.title, code.code
        assert len(code.explanation) > 30, code.code
