"""The files of a program: what it may touch, how arrays are read and written, parameters, pictures.

In: an ``Access`` (the program's folder and what the caller allows), a path as the program wrote it, its span. Out:
shapes (``probe``, without numpy), numpy arrays (``read``), files that are whole or unchanged. A program is no
threat to whoever runs it: nothing here executes what a file holds, believes a size before it is checked, or leaves
the allowed folders. Importing this package imports neither numpy nor torch.
"""

from __future__ import annotations

from tensorlang.data.files import Access, chosen
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
