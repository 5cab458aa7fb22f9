"""How values look."""

from __future__ import annotations

import json

import numpy
import pytest
import torch

from tensorlang.display import as_data, show
from tensorlang.numerals import scalar
from tensorlang.report import Value


def shown(data, axes="", dtype="float", title=None, width=100):
    sizes = tuple(data.shape) if hasattr(data, "shape") else ()
    return show(Value("Y", title or "Y", tuple(axes), sizes, dtype, data), width)


@pytest.mark.parametrize(
    ("data", "dtype", "text"),
    [
        (0.9722222, "float", "0.972222"),
        (3.0, "float", "3.0"),
        (1e-9, "float", "1e-09"),
        (123456789.0, "float", "1.23457e+08"),
        (1 / 3, "float64", "0.3333333333"),
        (1 / 3, "bf16", "0.333"),
        (-0.0, "float", "-0.0"),
        (float("nan"), "float", "nan"),
        (float("-inf"), "float", "-inf"),
        (7, "int", "7"),
        (True, "bool", "true"),
        (False, "bool", "false"),
        (1.5 - 2j, "complex", "1.5 - 2.0im"),
    ],
)
def test_scalars(data, dtype, text):
    assert scalar(data, dtype) == text
    assert shown(data, dtype=dtype) == f"Y = {text}"


def test_scalar_tensors_of_both_libraries():
    assert shown(torch.tensor(2.5)) == shown(numpy.array(2.5)) == shown(numpy.float32(2.5)) == "Y = 2.5"
    assert shown(torch.tensor(2.5, requires_grad=True)) == "Y = 2.5"


GOLDEN = {
    "vector": (torch.tensor([1.5, 2.25, -3.0]), "i", "float"),
    "whole-numbers": (torch.arange(30), "i", "int"),
    "matrix": (torch.arange(6.0).reshape(2, 3) / 4, "ij", "float"),
    "identity": (torch.eye(3), "ij", "float"),
    "mask": (torch.ones(4, 4).tril() > 0, "ij", "bool"),
    "complex": (torch.tensor([[1 + 2j, -0.5j], [0, 3]]), "ij", "complex"),
    "three-axes": (torch.arange(12).reshape(2, 2, 3), "bij", "int"),
    "four-axes": (torch.arange(16).reshape(2, 2, 2, 2), "abij", "int"),
    "small-numbers": (torch.tensor([[1e-5, 2e-7], [0.0, -3e-6]]), "ij", "float"),
    "large-and-small": (torch.tensor([1000.0, 0.001, 2.0]), "i", "float"),
    "strange": (torch.tensor([1.0, float("nan"), float("inf"), -float("inf")]), "i", "float"),
    "empty": (torch.zeros(0, 3), "ij", "float"),
    "long-vector": (torch.linspace(-1, 1, 1001), "n", "float"),
    "tall": (torch.arange(400).reshape(200, 2) / 8, "nd", "float"),
    "wide": (torch.arange(3000).reshape(2, 1500), "nd", "int"),
    "big": (torch.arange(4096).reshape(64, 64) / 64, "ij", "float"),
    "big-mask": (torch.ones(64, 64).tril() > 0, "ij", "bool"),
    "big-complex": (torch.arange(1024).reshape(32, 32) * (1 + 1j) / 1024, "ij", "complex"),
    "big-three-axes": (torch.arange(8000).reshape(20, 20, 20) / 1000, "bij", "float"),
    "big-strange": (torch.cat([torch.arange(498.0), torch.tensor([float("nan"), float("inf")])]), "i", "float"),
    "all-nan": (torch.full((500,), float("nan")), "i", "float"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_tables(name, golden):
    data, axes, dtype = GOLDEN[name]
    golden(f"display-{name}.txt", shown(data, axes, dtype) + "\n")


def test_numpy_and_torch_look_the_same():
    for data, axes, dtype in GOLDEN.values():
        assert shown(data.numpy(), axes, dtype) == shown(data, axes, dtype)


@pytest.mark.parametrize("width", [50, 60, 80, 120])
def test_tables_fit(width):
    for data, axes, dtype in GOLDEN.values():
        if dtype != "complex":
            assert max(map(len, shown(data, axes, dtype, width=width).splitlines())) <= width


def test_numbers_that_are_not_zero_never_look_like_it():
    for least in (1e-3, 1e-4, 1e-5, 1e-20):
        text = shown(torch.tensor([100.0, least], dtype=torch.float64), "i", "float64")
        assert float(text.split()[-1]) == pytest.approx(least)


def test_brain_floats():
    assert shown(torch.tensor([1.5, 2.5], dtype=torch.bfloat16), "i", "bf16").splitlines()[0] == "Y[i]  2  bf16"


def test_a_part_keeps_its_title():
    assert shown(torch.ones(1, 2), "ij", title="Y[0:1, :]").splitlines()[0] == "Y[0:1, :]  1 x 2"


def test_what_waits():
    value = Value("Y", "Y", ("i", "j"), ("n - 2", 3), "float", None, ("X", "W"))
    assert show(value) == "Y[i,j]  (n - 2) x 3  waits for `X`, `W`"


def test_plain_data():
    data = torch.tensor([[1.0, float("inf")], [float("nan"), -float("inf")]])
    found = as_data(Value("Y", "Y", ("i", "j"), (2, 2), "float", data))
    assert found["data"] == [[1.0, "Infinity"], ["NaN", "-Infinity"]]
    json.dumps(found, allow_nan=False)
