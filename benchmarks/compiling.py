"""Row 9: how long compiling takes, by the number of equations; and `tensorlang check` as a whole process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import tensorlang as tl
from benchmarks.record import Row, Settings
from benchmarks.timing import process, seconds


def chain(length: int) -> str:
    """A program of ``length`` equations, each over the one before, no two alike."""
    lines = ["input H0[b,i]", "dim i = 16", "param W[i,i']"]
    for k in range(1, length + 1):
        before = f"H{k - 1}"
        lines.append(f"H{k}[b,i] = {k} tanh(W[i,j] {before}[b,j]) + {before}[b,i]")
    return "\n".join([*lines, f"output H{length}"])


def fifty_lines() -> str:
    """A file of 50 lines: declarations, layers, an attention head and a loss."""
    head = ["# fifty lines", "import nn", "dim d = 64, h = 8, k = 8", "input X[b,t,d]", "param WQ[h,k,d], WK[h,k,d]"]
    attention = [
        "Q[b,h,t,k] = WQ[h,k,d] X[b,t,d]",
        "K[b,h,t,k] = WK[h,k,d] X[b,t,d]",
        "A[b,h,t,t'.] = softmax(Q[b,h,t,k] K[b,h,t',k] / sqrt(|k|)) where t' <= t",
        "Z0[b,t,d] = A[b,h,t,t'] X[b,t',d]",
    ]
    layers = [f"Z{n}[b,t,d] = relu(nn.Linear(Z{n - 1}, o=64)[b,t,d]) + Z{n - 1}[b,t,d]" for n in range(1, 40)]
    return "\n".join([*head, *attention, *layers, "Loss = Z39[b,t,d]^2", "Loss?"]) + "\n"


def measure(settings: Settings) -> Iterator[Row]:
    for length in (10, 100, 1000):
        text = chain(length)
        rounds = max(1, min(settings.repeat, 2000 // length))
        tl.compile(text)
        took = median(seconds(lambda text=text: tl.compile(text), 1) for _ in range(rounds))
        yield Row(9, f"compiling {length} equations", took, 2.0 if length == 1000 else None)
    with TemporaryDirectory() as folder:
        Path(folder, "fifty.tl").write_text(fifty_lines())
        command = [sys.executable, "-m", "tensorlang", "check", "fifty.tl"]
        process(command, folder)
        took = median(process(command, folder) for _ in range(settings.repeat))
    yield Row(9, "tensorlang check, 50 lines, whole process", took, 0.25)
