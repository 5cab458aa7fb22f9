"""docs/paper.md is true: every line that it names is in examples/paper, and is the equation that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"\| `(.+)` \| (?:as printed|`(.+)`) \| \[(\w+\.tl):(\d+)\]\(\.\./examples/paper/\3#L\4\) \|")
PAGE = (ROOT / "docs" / "paper.md").read_text()
ROWS = [match.groups() for match in map(ROW.fullmatch, PAGE.splitlines()) if match]


def test_every_link_to_a_line_is_in_a_row():
    assert len(ROWS) == PAGE.count("#L") > 50


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_line_holds_the_equation(row):
    printed, instead, file, number = row
    line = (ROOT / "examples" / "paper" / file).read_text().splitlines()[int(number) - 1]
    assert line.split("  # ")[0].strip() == (instead or printed).replace(r"\|", "|")


def test_every_program_of_the_paper_is_on_the_page():
    programs = {path.name for path in (ROOT / "examples" / "paper").glob("*.tl")}
    assert programs == set(re.findall(r"examples/paper/(\w+\.tl)", PAGE))
