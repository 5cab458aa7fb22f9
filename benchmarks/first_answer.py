"""Row 10: from the command to the answer, as a whole process, against importing torch alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.record import Row, Settings
from benchmarks.timing import processes_in_turn

PROGRAM = "A = [[1, 2], [3, 4]]\nx = [1, -1]\ny[i] = A[i,j] x[j]\ny?\n"


def measure(settings: Settings) -> Iterator[Row]:
    ours = [sys.executable, "-m", "tensorlang", "run", "small.tl"]
    theirs = [sys.executable, "-c", "import torch"]
    with TemporaryDirectory() as folder:
        Path(folder, "small.tl").write_text(PROGRAM)
        took = processes_in_turn(ours, theirs, max(3, settings.repeat // 3), folder)
    yield Row(10, "tensorlang run, whole process", took[0], 1.3, "python -c 'import torch'", took[1], took[2])
