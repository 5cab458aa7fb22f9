"""A C++ program without Python loads an exported model and computes the same numbers.

It is compiled against the libtorch inside torch's wheel, which takes about a minute: only where TENSORLANG_CPP is set.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

import tensorlang as tl

HERE = Path(__file__).parent
DIGITS = HERE.parent.parent / "examples" / "digits.tl"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("TENSORLANG_CPP"), reason="set TENSORLANG_CPP=1 to compile C++"),
    pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++"),
]


class Case(torch.nn.Module):
    """Two tensors that C++ reads by name."""

    def __init__(self, given: torch.Tensor, expected: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("given", given)
        self.register_buffer("expected", expected)

    def forward(self) -> torch.Tensor:
        return self.given


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled C++ program."""
    home = Path(torch.__file__).parent
    target = tmp_path_factory.mktemp("cpp") / "load_model"
    libraries = [f"-L{home / 'lib'}", f"-Wl,-rpath,{home / 'lib'}", "-ltorch", "-ltorch_cpu", "-lc10"]
    includes = [f"-I{home / 'include'}", f"-I{home / 'include' / 'torch' / 'csrc' / 'api' / 'include'}"]
    modern = f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"
    words = ["g++", "-std=c++20", "-O1", modern, *includes, str(HERE / "load_model.cpp"), "-o", str(target), *libraries]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return target


def test_the_digits_model_runs_without_python(program: Path, tmp_path: Path) -> None:
    linked = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    assert "libpython" not in linked
    module = tl.compile(DIGITS)
    module.export(tmp_path / "digits.pt", ["Guess"], ["TestImage"])
    images = torch.randint(0, 17, (7, 64))
    expected = torch.jit.load(tmp_path / "digits.pt")(images)
    torch.jit.script(Case(images, expected)).save(tmp_path / "case.pt")
    words = [str(program), str(tmp_path / "digits.pt"), str(tmp_path / "case.pt")]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "0\n"), ran.stderr


def test_a_recurrent_model_runs_at_other_lengths(program: Path, tmp_path: Path) -> None:
    module = tl.compile("import recurrent\ninput X[b,t,i]\ndim i = 4\nH = recurrent.LSTM(X, h=5)\n")
    module.export(tmp_path / "lstm.pt")
    given = torch.randn(3, 19, 4)
    torch.jit.script(Case(given, module(X=given)["H"].detach())).save(tmp_path / "case.pt")
    words = [str(program), str(tmp_path / "lstm.pt"), str(tmp_path / "case.pt")]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 1e-6
