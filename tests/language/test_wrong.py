"""Wrong programs: each gives exactly the messages that are kept beside it, one for one mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorlang.diagnostics import render
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source

WRONG = sorted((Path(__file__).parent / "wrong").glob("*.tl"))


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_wrong_program_is_told_what_is_wrong(path, request):
    checked = check(Source(path.name, path.read_text()), Options())
    assert checked.problems.found
    text = render(checked.problems.found) + "\n"
    kept = path.with_suffix(".txt")
    if request.config.getoption("--update"):
        kept.write_text(text)
    assert text == kept.read_text()
