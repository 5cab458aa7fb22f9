"""The trial of an export finds what differs, also where one side is no number."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch

import tensorlang as tl
from tensorlang.exporting import Part, export

TEXT = "input X[b]\nY[b] = 2 X[b]\n"


class Other(torch.nn.Module):
    """A model that gives something else at position 0."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.full((1,), self.value), 2 * x[1:]])


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_what_differs_is_found(value: float) -> None:
    program: Any = tl.compile(TEXT)
    exported = dataclasses.replace(export(program, program.state, "x.pt", Part()), model=Other(value))
    with pytest.raises(tl.RunError) as raised:
        program.try_export(exported).passed(torch.float32)
    assert raised.value.diagnostics[0].code == "E0746"


def test_equal_infinities_are_equal(tmp_path: Path) -> None:
    tl.compile("input X[b]\nY[b] = log(0 X[b])\nZ[b] = X[b] / (0 X[b])\nV[b] = (0 X[b]) / (0 X[b])\n").export(
        tmp_path / "infinite.pt", ["Y", "Z", "V"], check=True
    )


def test_a_tensor_wished_twice_comes_once(tmp_path: Path) -> None:
    written = tl.compile(TEXT).export(tmp_path / "twice.pt", ["Y", "X", "Y"], check=True)
    assert [tensor.name for tensor in written.outputs] == ["Y", "X"]
