"""The documents are true: every program in them is run, every command shown prints what is shown.

In README.md and docs/*.md a fenced block is, by the words behind its fence:

- ``tl``              a program; it runs, and its ``#>`` lines are what its queries print, in order
- ``tl error E0301``  a program that is refused with that code
- ``tl check``        a program with inputs: it is compiled, not run
- ``tl file=NAME``    as ``tl``, and kept under that name for the commands of the page
- ``console``         ``$`` commands, run in a folder with those files (and data/digits.npz), and what they print
- ``python``          a script, run; its ``#>`` lines are what it prints
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from recorded import difference

import tensorlang as tl
from tensorlang import driver
from tensorlang.display import show
from tensorlang.options import Options
from tensorlang.report import Failure, TestResult, Value
from tensorlang.source import Source

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    kind: str
    words: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(*kinds: str) -> list[Block]:
    found = []
    for page in PAGES:
        content = page.read_text()
        for match in FENCE.finditer(content):
            line = content.count("\n", 0, match.start()) + 1
            found.append(Block(page, line, match[1], match[2].strip(), match[3]))
    return [block for block in found if block.kind in kinds]


def recorded(text: str) -> str:
    return "\n".join(line.removeprefix("#>").removeprefix(" ") for line in text.splitlines() if line.startswith("#>"))


class Listener:
    """A reporter that keeps what would be printed."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def query(self, value: Value) -> None:
        self.lines.append(show(value))

    def note(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, loss: str, step: int, steps: int, numbers: object) -> None:
        pass

    def failed(self, failure: Failure) -> None:
        self.lines.append(f"failed: {failure}")

    def tested(self, result: TestResult) -> None:
        self.lines.append(f"{'passed' if result.passed else 'failed'}: {result.name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the programs of documents lie, with the data that they read."""
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / "examples" / "data" / "digits.npz", tmp_path / "data")
    return tmp_path


def codes(block: Block, folder: Path) -> list[str]:
    """The codes of the errors that a program is refused with, when it is checked or run."""
    source = Source(str(block), block.text)
    checked = driver.check(source, Options(), str(folder))
    if checked.problems.errors:
        return [problem.code for problem in checked.problems.errors]
    try:
        driver.run(source, Options(), str(folder), reporter=Listener())
    except tl.CompileError as wrong:
        return [problem.code for problem in wrong.diagnostics]
    return []


@pytest.mark.parametrize("block", blocks("tl"), ids=str)
def test_a_program_of_the_documents(block: Block, folder: Path) -> None:
    if block.words.startswith("error"):
        assert block.words.split()[1] in codes(block, folder)
    elif block.words == "check":
        tl.compile(block.text, folder=folder)
    else:
        listener = Listener()
        results = driver.run(Source(str(block), block.text), Options(), str(folder), reporter=listener)
        assert results.exit_code == 0, listener.lines
        if recorded(block.text):
            wrong = difference("\n".join(listener.lines), recorded(block.text))
            assert wrong is None, wrong


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_script_of_the_documents(block: Block, folder: Path) -> None:
    write_files(block.page, folder)
    ran = subprocess.run([sys.executable, "-c", block.text], capture_output=True, text=True, check=False, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    wrong = difference(ran.stdout, recorded(block.text))
    assert wrong is None, wrong


def write_files(page: Path, folder: Path) -> None:
    for block in blocks("tl"):
        if block.page == page and block.words.startswith("file="):
            (folder / block.words.removeprefix("file=")).write_text(block.text)


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_a_command_of_the_documents(block: Block, folder: Path) -> None:
    write_files(block.page, folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": "100"}
    for command, expected in re.findall(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", block.text, re.MULTILINE):
        ran = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=folder, env=environment
        )
        wrong = difference(ran.stdout + ran.stderr, expected)
        assert wrong is None, f"{command}: {wrong}"


def test_there_is_no_unknown_kind_of_block() -> None:
    known = re.compile(r"|check|error E\d{4}|file=\S+")
    odd = [f"{block} {block.words}" for block in blocks("tl") if not known.fullmatch(block.words)]
    assert not odd


def test_the_page_of_errors_is_current() -> None:
    ran = subprocess.run([sys.executable, "docs/generate_errors.py", "--check"], check=False, cwd=ROOT)
    assert ran.returncode == 0, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name} links to {target}"
