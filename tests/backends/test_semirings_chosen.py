"""Which reductions become fused kernels; the generated code agrees with the written form, at large sizes too."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

import tensorlang as tl

HEAD = "input A[i,j], B[j,k], v[j], C[b,i,j], D[b,j,k], w[i]\n"
FORMS = {
    "max= A[i,j] + B[j,k]": ("greatest_sums", "ik", lambda g: (g.A[:, :, None] + g.B).amax(1)),
    "min= A[i,j] + B[j,k]": ("least_sums", "ik", lambda g: (g.A[:, :, None] + g.B).amin(1)),
    "max= A[i,j] B[j,k]": ("greatest_products", "ik", lambda g: (g.A[:, :, None] * g.B).amax(1)),
    "min= A[i,j] B[j,k]": ("least_products", "ik", lambda g: (g.A[:, :, None] * g.B).amin(1)),
    "logsumexp= A[i,j] + B[j,k]": ("logsumexp_sums", "ik", lambda g: (g.A[:, :, None] + g.B).logsumexp(1)),
    "= log(sum[j](exp(A[i,j] + B[j,k])))": ("logsumexp_sums", "ik", lambda g: (g.A[:, :, None] + g.B).logsumexp(1)),
    "= log(sum[j](exp(A[i,j]) exp(B[j,k])))": (
        "logsumexp_sums", "ik", lambda g: (g.A[:, :, None] + g.B).logsumexp(1),
    ),
    "max= A[i,j] - B[j,k]": ("greatest_sums", "ki", lambda g: (g.A[:, :, None] - g.B).amax(1).T),
    "max= A[i,j] + B[j,k] + v[j] + w[i] - 2": (
        "greatest_sums", "ki", lambda g: (g.A[:, :, None] + g.B + g.v[:, None] + g.w[:, None, None] - 2).amax(1).T,
    ),
    "min= A[i,j] + v[j]": ("least_sums", "i", lambda g: (g.A + g.v).amin(1)),
    "max= C[b,i,j] + D[b,j,k]": ("greatest_sums", "bik", lambda g: (g.C[..., None] + g.D[:, None]).amax(2)),
    "max= C[b,i,j] + B[j,k]": ("greatest_sums", "ikb", lambda g: (g.C[..., None] + g.B).amax(2).permute(1, 2, 0)),
    "logsumexp= C[b,i,j] + D[b,j,k] + A[i,j]": (
        "logsumexp_sums", "kb", lambda g: (g.C[..., None] + g.D[:, None] + g.A[..., None]).logsumexp((1, 2)).T,
    ),
}  # fmt: skip


class Given:
    """Data large enough for more than one block, or small."""

    def __init__(self, size: int) -> None:
        torch.manual_seed(size)
        i, j, k, b = size, size + 3, size + 5, 3
        shapes = {"A": (i, j), "B": (j, k), "v": (j,), "C": (b, i, j), "D": (b, j, k), "w": (i,)}
        for name, shape in shapes.items():
            setattr(self, name, torch.randn(shape, requires_grad=True))


@pytest.mark.parametrize("size", [3, 75])
@pytest.mark.parametrize("form", FORMS)
def test_chosen_and_right(form: str, size: int) -> None:
    kernel, left, plain = FORMS[form]
    program = tl.compile(f"{HEAD}Y[{','.join(left)}] {form}\noutput Y\n")
    assert f"{kernel}(" in program.source
    given = Given(size)
    inputs = {name: value for name, value in vars(given).items() if f"{name}[" in form}
    got, meant = program(**inputs)["Y"], plain(given)
    torch.testing.assert_close(got, meant, rtol=1e-5, atol=1e-5)
    slope = torch.randn_like(meant)
    found, wanted = (torch.autograd.grad(value, list(inputs.values()), slope) for value in (got, meant))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-3)


def test_few_known_elements_are_joined_plainly() -> None:
    text = "dim i = 9, j = 8, k = 7\ninput A[i,j], B[j,k]\nY[i,k] max= A[i,j] + B[j,k]\n"
    assert "greatest_sums(" not in tl.compile(text).source


def test_one_index_set_needs_no_kernel() -> None:
    assert "_sums(" not in tl.compile("input A[i,j], B[i,j]\nY[i] max= A[i,j] + B[i,j] + i\n").source


@pytest.mark.parametrize("op", ["max", "min", "logsumexp"])
def test_scripts_and_files_of_programs(op: str, tmp_path: Path) -> None:
    program = tl.compile(f"input A[i,j], B[j,k]\nY[i,k] = {op}[j](A[i,j] + B[j,k])\n")
    given = Given(75)
    left, right = given.A.detach(), given.B.detach()
    meant = program(A=left, B=right)["Y"]
    place = tmp_path / "generated.py"
    place.write_text(program.source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("generated_semirings", place)
    assert spec is not None
    assert spec.loader is not None
    generated = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generated)
    for compute in (generated.compute, torch.jit.script(generated.compute)):
        torch.testing.assert_close(compute(left, right), meant)
        result = compute(given.A, given.B)
        slopes = torch.autograd.grad(result.sum(), (given.A, given.B))
        wanted = torch.autograd.grad(program(A=given.A, B=given.B)["Y"].sum(), (given.A, given.B))
        torch.testing.assert_close(slopes, wanted)
