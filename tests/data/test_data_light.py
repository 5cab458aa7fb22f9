"""Looking at data is light: a check that only asks for shapes loads none of the large libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

LOOK = """
import json, sys
from tensorlang.data import Access, probe
from tensorlang.ir.program import FileRef
from tensorlang.source import Source, Span
span = Span(Source("p.tl", "x"), 0, 1)
shapes = [probe(Access(sys.argv[1]), FileRef(name, None, None, span)).shape for name in sys.argv[2:]]
print(json.dumps([shapes, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def test_looking_imports_no_numpy(home: Path) -> None:
    np.save(home / "x.npy", np.ones((2, 3)))
    np.savez(home / "x.npz", np.ones((2, 4)))
    save_file({"X": torch.ones(2, 5)}, home / "x.safetensors")
    (home / "x.csv").write_text("a,b\n1,2\n")
    (home / "x.json").write_text("[[1]]")
    Image.fromarray(np.zeros((2, 6), np.uint8)).save(home / "x.png")
    names = ["x.npy", "x.npz", "x.safetensors", "x.csv", "x.json", "x.png"]
    ran = subprocess.run([sys.executable, "-c", LOOK, str(home), *names], capture_output=True, text=True, check=True)
    shapes, modules = json.loads(ran.stdout)
    assert shapes == [[2, 3], [2, 4], [2, 5], [1, 2], [1, 1], [2, 6]]
    assert not {"numpy", "torch", "safetensors", "PIL", "matplotlib", "pyarrow", "lark"} & set(modules)
