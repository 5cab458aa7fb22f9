"""The files of a program: what it may touch, how arrays are read and written, parameters, pictures.

In: an ``Access`` (the program's folder and what the caller allows), a path as the program wrote it, its span. Out:
shapes (``probe``, without numpy), numpy arrays (``read``), files that are whole or unchanged. A program is no
threat to whoever runs it: nothing here executes what a file holds, believes a size before it is checked, or leaves
the allowed folders. Importing this package imports neither numpy nor torch.
"""

from __future__ import annotations

from tensorlang.data.files import Access, chosen
from tensorlang.data.reading import Probe, probe, read

__all__ = ["Access", "Probe", "chosen", "probe", "read"]
