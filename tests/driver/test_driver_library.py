"""Imports: the library, files of one's own, circles, limits, what is out of reach."""

from __future__ import annotations

import os

import pytest

from tensorlang import driver, library
from tensorlang.diagnostics import render
from tensorlang.limits import Limits
from tensorlang.options import Options
from tensorlang.source import Source

DOUBLE = "def Double(X[...]) -> Y[...]:\n    Y[...] = 2 X[...]\n"


def check(text, folder=None, **options):
    return driver.check(Source("main.tl", text), Options(**options), folder and str(folder))


def message(text, folder=None, **options):
    return render(check(text, folder, **options).problems.found) + "\n"


def test_the_library_is_found():
    assert "nn" in library.module_names()
    assert not check("import nn\ninput X[b,i]\nH = nn.Linear(X, o=3)\nY[b] = H[b,o]\ndim i = 2").problems.found


def test_the_library_inside_an_installed_package(tmp_path, monkeypatch):
    (tmp_path / "tensorlang" / "stdlib").mkdir(parents=True)
    (tmp_path / "tensorlang" / "stdlib" / "own.tl").write_text(DOUBLE)
    library.standard.cache_clear()
    monkeypatch.setattr(library, "__file__", str(tmp_path / "tensorlang" / "library.py"))
    try:
        assert library.module_names() == ("own",)
    finally:
        library.standard.cache_clear()


def test_files_of_ones_own(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.tl").write_text(DOUBLE)
    (tmp_path / "sub" / "outer.tl").write_text('import "./inner.tl"\nimport "../top.tl"\n')
    (tmp_path / "top.tl").write_text(DOUBLE)
    program = (
        'import "./sub/outer.tl"\nimport "./top.tl"\nfrom "./sub/inner.tl" import Double\nA = [1, 2]\nB = Double(A)'
    )
    assert message(program, tmp_path) == "\n"


def test_a_file_is_read_again_when_it_changes(tmp_path):
    (tmp_path / "a.tl").write_text(DOUBLE)
    program = 'from "./a.tl" import Double\nA = [1, 2]\nB = Double(A)'
    assert message(program, tmp_path) == "\n"
    (tmp_path / "a.tl").write_text(DOUBLE.replace("Double", "Triple"))
    assert "Double" in message(program, tmp_path)


def test_circles(tmp_path, golden):
    (tmp_path / "a.tl").write_text('import "./b.tl"\n')
    (tmp_path / "b.tl").write_text('import "./c.tl"\n')
    (tmp_path / "c.tl").write_text('import "./a.tl"\n')
    (tmp_path / "self.tl").write_text('import "./self.tl"\n')
    texts = [message('import "./a.tl"', tmp_path), message('import "./self.tl"', tmp_path)]
    golden("import-circles.txt", "\n".join(texts))


def test_one_path_means_another_file_in_another_folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "x.tl").write_text(DOUBLE)
    (tmp_path / "sub" / "x.tl").write_text(DOUBLE.replace("2 X", "3 X"))
    (tmp_path / "sub" / "o.tl").write_text(
        'from "./x.tl" import Double\ndef Other(X[...]) -> Y[...]:\n    Y = Double(X)\n'
    )
    text = 'from "./x.tl" import Double\nfrom "./sub/o.tl" import Other\nA = [1, 2]\nB = Double(A)\nC = Other(A)\n'
    results = driver.run(Source("main.tl", text), Options(), str(tmp_path))
    assert {name: value.tolist() for name, value in results.outputs.items()} == {"B": [2, 4], "C": [3, 6]}


def test_a_diamond_is_no_circle(tmp_path):
    (tmp_path / "a.tl").write_text('import "./c.tl"\n')
    (tmp_path / "b.tl").write_text('import "./c.tl"\n')
    (tmp_path / "c.tl").write_text(DOUBLE)
    assert message('import "./a.tl"\nimport "./b.tl"\nimport "./c.tl"', tmp_path) == "\n"


def test_what_cannot_be_imported(tmp_path, golden):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "outside.tl").write_text(DOUBLE)
    os.symlink(tmp_path / "outside.tl", home / "link.tl")
    (home / "mine.tl").write_text(DOUBLE)
    (home / "latin.tl").write_bytes(b"# \xe9\n")
    names = ["nnn", "mine", '"./mien.tl"', '"../outside.tl"', '"/etc/passwd"', '"./link.tl"', '"."', '"./latin.tl"']
    golden("imports-refused.txt", "\n".join(message(f"import {name}", home) for name in names))
    assert "E0701" in message('import "./mine.tl"')


def test_another_folder_may_be_allowed(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "outside.tl").write_text(DOUBLE)
    program = 'import "../outside.tl"'
    assert "E0704" in message(program, home)
    assert message(program, home, allow_read=(str(tmp_path),)) == "\n"


def test_problems_of_an_imported_file_are_told_with_their_place(tmp_path):
    (tmp_path / "bad.tl").write_text("Y = (1\n")
    assert "--> bad.tl:1" in message('import "./bad.tl"', tmp_path)


def test_limits_on_imports(tmp_path, golden):
    for k in range(5):
        (tmp_path / f"f{k}.tl").write_text(f'import "./f{k + 1}.tl"\n' if k < 4 else DOUBLE)
    assert message('import "./f0.tl"', tmp_path) == "\n"
    texts = [message('import "./f0.tl"', tmp_path, limits=Limits(imports=3))]
    (tmp_path / "long.tl").write_text("# " + "x" * 200 + "\n")
    texts.append(message('import "./long.tl"', tmp_path, limits=Limits(source=100)))
    golden("imports-limited.txt", "\n".join(texts))


@pytest.mark.parametrize("text", ["import ../nn", "import nn.tl"])
def test_names_are_no_paths(text, tmp_path):
    assert check(text, tmp_path).problems.errors
