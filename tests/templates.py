"""Runs the torch templates of operators' records as generated code would: functions of a module, eager and scripted."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

KINDS = {"bool": torch.bool, "int": torch.int64, "float": torch.float64, "complex": torch.complex128}


def function_of(folder: Path, body: str, arguments: int) -> Callable[..., Any]:
    """The function of tensors ``a0, a1, ...`` that returns the body, from a file, so that it can be scripted."""
    names = ", ".join(f"a{k}" for k in range(arguments))
    path = folder / "template.py"
    path.write_text(f"import torch\n\ndef apply({names}):\n    return {body}\n")
    spec = importlib.util.spec_from_file_location("template", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.apply  # type: ignore[no-any-return]


def both_ways(function: Callable[..., Any], *arguments: torch.Tensor) -> torch.Tensor:
    """The result, which must not depend on scripting."""
    eager = function(*arguments)
    scripted = torch.jit.script(function)(*arguments)
    torch.testing.assert_close(scripted, eager, rtol=0, atol=0, equal_nan=True)
    return torch.as_tensor(eager)


def kind_of(value: torch.Tensor) -> str:
    return {dtype: name for name, dtype in KINDS.items()}[value.dtype]
