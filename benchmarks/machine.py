"""The machine that a table was measured on, and its limits: the matrix product rate and the copy bandwidth."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

from benchmarks.timing import seconds


def processor() -> str:
    """The processor's name, as the system calls it."""
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def load() -> str:
    """How busy the machine is with other work: asked before the first measurement."""
    return f"{os.getloadavg()[0]:.1f} processes on average in the minute before the run"


def describe(threads: int, busy: str) -> dict[str, str]:
    """What a reader needs to place the figures."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    big = torch.randn(16 << 20)
    into = torch.empty_like(big)
    rate = 2 * 1024**3 / min(seconds(lambda: a @ b, 3) for _ in range(5))
    bandwidth = 2 * big.nbytes / min(seconds(lambda: into.copy_(big), 1) for _ in range(5))
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores, {threads} threads used",
        "system": f"{platform.system()} {platform.machine()}",
        "software": f"Python {platform.python_version()}, torch {torch.__version__}",
        "other work": busy,
        "matrix product": f"{rate / 1e9:.0f} GFLOP/s in float32",
        "copy": f"{bandwidth / 1e9:.1f} GB/s read and written",
    }
