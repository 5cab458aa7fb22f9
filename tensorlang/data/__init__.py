"""The files of a program: what it may touch, how arrays are read and written, parameters, pictures.

In: an ``Access`` (the program's folder and what the caller allows), a path as the program wrote it, its span. Out:
shapes (``probe``, without numpy), numpy arrays (``read``), files that are whole or unchanged. A program is no
threat to whoever runs it: nothing here executes what a file holds, believes a size before it is checked, or leaves
the allowed folders. Importing this package imports neither numpy nor torch, and each part when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorlang.data.files import Access, chosen

if TYPE_CHECKING:
    from tensorlang.data.params import load_params, read_tensors, save_params, write_tensors
    from tensorlang.data.plotting import plot
    from tensorlang.data.reading import Probe, probe, read
    from tensorlang.data.saving import save

__all__ = [
    "Access",
    "Probe",
    "chosen",
    "load_params",
    "plot",
    "probe",
    "read",
    "read_tensors",
    "save",
    "save_params",
    "write_tensors",
]

_PLACES = {
    "Probe": "reading",
    "load_params": "params",
    "plot": "plotting",
    "probe": "reading",
    "read": "reading",
    "read_tensors": "params",
    "save": "saving",
    "save_params": "params",
    "write_tensors": "params",
}


def __getattr__(name: str) -> Any:
    """Load a part when it is first asked for: a program without files needs none of them."""
    if name not in _PLACES:
        raise AttributeError(f"module 'tensorlang.data' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"tensorlang.data.{_PLACES[name]}"), name)
