"""The rules that keep the house small and safe: sizes of files and functions, forbidden words, late imports."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tensorlang"
PLACES = ("tensorlang", "tests", "benchmarks", "docs", "examples")
FILES = sorted(path for place in PLACES for path in (ROOT / place).rglob("*.py"))
OURS = [f for f in FILES if PACKAGE in f.parents]
# A program is incapable of more than computing, so the package holds no way to do more; and nothing is half done.
FORBIDDEN = {
    "unfinished work": r"NotImplementedError|\bTODO\b|\bFIXME\b|\bXXX\b",
    "eval or pickle": r"(?<![.\w])eval\s*\(|\bimport pickle\b|\bfrom pickle\b|\bcPickle\b|\ballow_pickle\s*=\s*True",
    "unsafe loading": r"torch\.load\s*\(|torch\.jit\.load\s*\(|torch\.export\.load\s*\(",
    "the shell or the network": r"\bos\.system\b|\b(?:import|from) (?:subprocess|socket|urllib|http|requests)\b",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_a_file_is_one_small_room_and_says_what_it_is_for() -> None:
    faults = []
    for path in FILES:
        text = path.read_text()
        tree = ast.parse(text)
        if text.count("\n") > 600:
            faults.append(f"{name_of(path)} has more than 600 lines")
        if text.strip() and not ast.get_docstring(tree):
            faults.append(f"{name_of(path)} does not say what it is for")
        for function in functions(tree):
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > 60:
                faults.append(f"{name_of(path)}:{function.lineno} {function.name} has {length} lines")
    assert not faults, "\n".join(faults)


def test_nothing_forbidden_in_the_package() -> None:
    faults = []
    for path in OURS:
        text = path.read_text()
        for what, pattern in FORBIDDEN.items():
            faults += [f"{name_of(path)} has {what}: {found}" for found in re.findall(pattern, text)]
        executes = re.search(r"(?<![.\w])exec\s*\(", text)
        # Generated source, and the `__init__` of the package's own classes, made of the names of their fields.
        if executes and path not in (PACKAGE / "backends" / "torch_module.py", PACKAGE / "records.py"):
            faults.append(f"{name_of(path)} executes text")
    assert not faults, "\n".join(faults)


def test_no_file_is_a_drawer_for_anything() -> None:
    drawers = [name_of(f) for f in OURS if f.stem in {"utils", "util", "helpers", "helper", "common", "misc"}]
    assert not drawers


def test_nodes_are_matched_without_a_default() -> None:
    """A new node kind must be noticed by the type checker wherever nodes are told apart."""
    kinds = {"Const", "Read", "Position", "Apply", "Contract", "Reduce", "AlongIndex", "Where"}
    for path in OURS:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Match):
                continue
            classes = {
                pattern.cls.id
                for case in node.cases
                for pattern in ast.walk(case.pattern)
                if isinstance(pattern, ast.MatchClass) and isinstance(pattern.cls, ast.Name)
            }
            last = node.cases[-1]
            wild = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and not last.guard
            over_nodes = len(classes & kinds) >= 4 and classes <= kinds
            assert not (over_nodes and wild), f"{name_of(path)}:{node.lineno} matches nodes with `case _`"


def test_every_shipped_file_has_its_licence_beside_it() -> None:
    # Scripts that make data are the project's own; what they fetch and may not be passed on is no part of it.
    folder = ROOT / "examples" / "data"
    ignored = {Path(line).name for line in (ROOT / ".gitignore").read_text().splitlines()}
    named = {
        name
        for licence in folder.glob("*.LICENSE.txt")
        for name in licence.read_text().splitlines()[0].split(":")[0].split(", ")
    }
    data = {f.name for f in folder.iterdir() if not f.name.endswith((".LICENSE.txt", ".py"))} - ignored
    assert data
    assert data <= named, f"{sorted(data - named)} have no licence beside them"


HEAVY = ("torch", "sympy", "quimb", "opt_einsum", "cotengra", "scipy", "matplotlib", "safetensors")
QUICK = {
    "help": "['--help']",
    "version": "['--version']",
    "check": "['check', PROGRAM]",
    "check with an error": "['check', WRONG]",
    "run with an error": "['run', WRONG]",
    "fmt": "['fmt', '--check', PROGRAM]",
    "explain a code": "['explain', 'E0301']",
}
WATCH = """
import contextlib, io, json, sys
PROGRAM, WRONG = sys.argv[1:]
from tensorlang.cli import main
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
    try:
        code = main({arguments})
    except SystemExit as stop:
        code = stop.code
print(json.dumps([code, sorted({{name.partition('.')[0] for name in sys.modules}})]))
"""


@pytest.mark.parametrize("command", QUICK)
def test_quick_commands_import_nothing_heavy(command: str, tmp_path: Path) -> None:
    program, wrong = tmp_path / "program.tl", tmp_path / "wrong.tl"
    program.write_text("input X[b,i]\nparam W[o,i]\ndim o = 3\nY[b,o] = relu(W[o,i] X[b,i])\n")
    wrong.write_text("input X[i]\nY = Z[i] X[i]\n")
    script = WATCH.format(arguments=QUICK[command])
    ran = subprocess.run(
        [sys.executable, "-c", script, str(program), str(wrong)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    code, modules = json.loads(ran.stdout)
    assert (code or 0) == (1 if "error" in command else 0)
    assert not set(HEAVY) & set(modules)


@pytest.mark.parametrize("part", ["tensorlang", "tensorlang.api", "tensorlang.diagnostics", "tensorlang.driver"])
def test_importing_is_quick(part: str) -> None:
    script = f"import sys, {part}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & {name.partition(".")[0] for name in ran.stdout.split()}
