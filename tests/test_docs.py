"""The documents are true: every program in them is run, every command shown prints what is shown.

In README.md and docs/*.md a fenced block is, by the words behind its fence:

- ``tl``              a program; it runs, and its ``#>`` lines are what its queries print, in order
- ``tl error E0301``  a program that is refused with that code
- ``tl check``        a program with inputs: it is compiled, not run
- ``... file=NAME``   and kept under that name for the commands of the page
- ``console``         ``$`` commands, run in a folder with those files (and data/digits.npz), and what they print
- ``python``          a script, run; its ``#>`` lines are what it prints

``pytest tests/test_docs.py --update`` writes down anew what is printed; look at it before committing.
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
from tensorlang import driver, report
from tensorlang.display import show, show_answers
from tensorlang.options import Options
from tensorlang.report import Answers, Failure, Value
from tensorlang.source import Source

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


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


def agrees(block: Block, printed: str, update: bool) -> None:
    """What a block prints is what its ``#>`` lines say; with ``--update`` they say it from now on."""
    if update:
        program = [line for line in block.text.splitlines() if not line.startswith("#>")]
        rewrite(block, "\n".join([*program, *(f"#> {line}".rstrip() for line in printed.splitlines())]) + "\n")
    else:
        wrong = difference(printed, recorded(block.text))
        assert wrong is None, wrong


def rewrite(block: Block, text: str) -> None:
    block.page.write_text(block.page.read_text().replace(f"\n{block.text}```", f"\n{text}```"))


class Listener:
    """A reporter that keeps what would be printed."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def query(self, value: Value) -> None:
        self.lines.append(show(value))

    def answers(self, answers: Answers) -> None:
        self.lines.append(show_answers(answers))

    def proof(self, title: str, lines: tuple[str, ...]) -> None:
        self.lines.append("\n".join((title, *(f"  {line}" for line in lines))))

    def note(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, loss: str, step: int, steps: int, numbers: object) -> None:
        pass

    def failed(self, failure: Failure) -> None:
        self.lines.append(f"failed: {failure}")

    def tested(self, result: report.TestResult) -> None:
        self.lines.append(f"{'passed' if result.passed else 'failed'}: {result.name}")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))


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
def test_a_program_of_the_documents(block: Block, folder: Path, update: bool) -> None:
    if block.words.startswith("error"):
        assert block.words.split()[1] in codes(block, folder)
    elif block.words.startswith("check"):
        tl.compile(block.text, folder=folder)
    else:
        listener = Listener()
        results = driver.run(Source(str(block), block.text), Options(), str(folder), reporter=listener)
        assert results.exit_code == 0, listener.lines
        if recorded(block.text):
            agrees(block, "\n".join(listener.lines), update)


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_script_of_the_documents(block: Block, folder: Path, update: bool) -> None:
    write_files(block.page, folder)
    ran = subprocess.run([sys.executable, "-c", block.text], capture_output=True, text=True, check=False, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    agrees(block, ran.stdout, update)


def write_files(page: Path, folder: Path) -> None:
    for block in blocks("tl"):
        if block.page == page and "file=" in block.words:
            (folder / block.words.partition("file=")[2]).write_text(block.text)


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_a_command_of_the_documents(block: Block, folder: Path, update: bool) -> None:
    """Each command prints what stands up to the next one."""
    write_files(block.page, folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": "100"}
    shown = ""
    for command, expected in re.findall(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", block.text, re.MULTILINE):
        ran = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=folder, env=environment
        )
        shown += f"$ {command}\n{ran.stdout}{ran.stderr}"
        wrong = difference(ran.stdout + ran.stderr, expected)
        assert update or wrong is None, f"{command}: {wrong}"
    if update:
        rewrite(block, shown)


def test_there_is_no_unknown_kind_of_block() -> None:
    known = re.compile(r"(error E\d{4}|check)?( ?file=\S+)?")
    odd = [f"{block} {block.words}" for block in blocks("tl") if not known.fullmatch(block.words)]
    assert not odd


@pytest.mark.parametrize("generator", ["generate_errors.py", "generate_library.py", "generate_picture.py"])
def test_what_is_generated_is_current(generator: str) -> None:
    ran = subprocess.run([sys.executable, f"docs/{generator}", "--check"], check=False, cwd=ROOT)
    assert ran.returncode == 0, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"`[^`\n]+`", "", FENCE.sub("", page.read_text()))
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name} links to {target}"
