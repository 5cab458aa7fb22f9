"""Tensorlang: tensor equations compiled to PyTorch.

``compile``, ``function``, ``pairs``, ``run`` and ``Session`` are loaded when first asked for, so that
``import tensorlang`` is fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorlang.diagnostics import CompileError, RunError
from tensorlang.limits import Limits
from tensorlang.options import Options

if TYPE_CHECKING:
    from tensorlang.api import compile, function, pairs, run
    from tensorlang.module import Module
    from tensorlang.relations import Pairs
    from tensorlang.session import Session

__version__ = "0.1.0"

__all__ = [
    "CompileError",
    "Limits",
    "Module",
    "Options",
    "Pairs",
    "RunError",
    "Session",
    "__version__",
    "compile",
    "function",
    "pairs",
    "run",
]

_PLACES = {
    "compile": "api",
    "function": "api",
    "pairs": "api",
    "run": "api",
    "Session": "session",
    "Module": "module",
    "Pairs": "relations",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its place."""
    if name not in _PLACES:
        raise AttributeError(f"module 'tensorlang' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"tensorlang.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
