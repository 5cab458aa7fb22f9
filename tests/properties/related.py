"""Random programs over relations: guards, scores, softmax, sums, reductions, several relations at once.

In: a seed. Out: the text of a program over ``Edge(n,n')``, ``Like(n,n')``, ``Kind(r,n,n')`` and dense inputs, and the
tables that they are given as.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor

GUARDS = (
    "Edge(n,n')", "Edge(n',n)", "Edge(n,n') or n == n'", "Edge(n,n') and Like(n,n')", "Edge(n,n') and not Like(n,n')",
    "Edge(n,n') or Like(n,n')", "Edge(n,n') or Like(n',n)", "Edge[n,n'] > 0", "Edge(n,n') and n != n'",
    "Edge[n,n'] > 0 or n == n'", "Edge(n,n') and n' <= n", "Like(n,n') and Edge(n',n)",
)  # fmt: skip
SCORES = (
    "a[d] X[n,d] + c[d] X[n',d]", "X[n,d] X[n',d]", "tanh(X[n,d] X[n',d])", "leaky_relu(Q[n] + Q[n'], 0.2)",
    "Q[n] Q[n']", "exp(0.3 Q[n'])", "2", "a[d] X[n,d] X[n',d] + Q[n']", "X[n,0]",
)  # fmt: skip
ALONG = ("softmax", "log_softmax", "normalize", "lnorm", "rmsnorm")
READERS = (
    "Z{at}[n,d] = {t}[n,n'] X[n',d]", "Z{at}[n',d] = {t}[n,n'] X[n,d]", "Z{at}[n] = {t}[n,n'] Q[n] Q[n']",
    "Z{at}[n,d] = {t}[n,n'] V[d,d'] X[n',d']", "Z{at}[n] = sum[n']({t}[n,n'])", "Z{at} = {t}[n,n']^2",
    "Z{at}[n,d] = relu({t}[n,n'] X[n',d] + X[n,d])", "Z{at}[n] = {t}[n,n]", "Z{at}[n] = {t}[n,0] Q[n]",
    "Z{at}[n,d] = {t}[n,n'] X[n',d] / (1 + abs(Q[n]))", "Z{at}[n,d] = {t}[n,m] Edge[m,n'] X[n',d]",
    "Z{at}[n,d] = ({t}[n,n'] + Like[n,n']) X[n',d]", "Z{at}[n,d] = {t}[n,n'] {t}[n',n] X[n',d]",
)  # fmt: skip
REDUCED = ("max", "min", "mean", "std", "var", "logsumexp", "norm")
AGGREGATES = ("max=", "min=", "avg=", "+=", "logsumexp=")
PLAIN = (
    "Z{at}[n,d] = Edge[n,n'] X[n',d]", "Z{at}[n] = Edge[n,n']", "Z{at}[n,d] = Edge[n,n'] Like[n,n'] X[n',d]",
    "Z{at}[n,d] = Edge[n,n'] Like[n',m] X[m,d]", "Z{at} = Edge[i,j] Edge[j,k] Like[i,k]",
    "Z{at}[n,d] = W[r,d,d'] Kind[r,n,n'] X[n',d']", "Z{at}[n,d] = Kind[r,n,n'] X[n',d] R[r,d]",
    "Z{at}[r,n] = Kind[r,n,n'] Q[n']", "M{at}[r,n,d] avg= X[n',d] where Kind(r,n,n')",
    "Z{at}[n,d] max= R[r,d] X[n',d] where Kind(r,n,n')", "Z{at}[n,d] = (Edge[n,n'] + delta[n,n']) X[n',d]",
    "Z{at}[n] = count[n'](Edge[n,n'] + Like[n,n'])", "Z{at}[n] = any[n'](Edge(n,n') and Like(n',n))",
    "Z{at}[n,d] = Edge[n,0] X[n,d]", "Z{at}[n] = Edge[0,n]", "Z{at}[n] = Edge[n,n]",
    "Z{at}[n,d] = (Edge[n,n'] - 0.5 Like[n,n']) X[n',d]", "Z{at}[n] = exp(Edge[n,n'] Q[n'])",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Related:
    """A program, its relations as tables, its dense inputs."""

    text: str
    relations: dict[str, Tensor]
    inputs: dict[str, Tensor]

    @property
    def outputs(self) -> str:
        return self.text.splitlines()[-1]


def related(seed: int, nodes: int = 6, density: float = 0.35) -> Related:
    """A program of a seed."""
    draw, tensors = random.Random(seed), torch.Generator().manual_seed(seed)
    lines = ["relation Edge(n,n')", "relation Like(n,n')", "relation Kind(r,n,n')"]
    lines += ["input X[n,d], Q[n], a[d], c[d], V[d,d'], W[r,d,d'], R[r,d]", f"dim n = {nodes}"]
    outputs = []
    for at in range(3):
        lines += _tensor(draw, at, outputs)
    lines.append(f"output {', '.join(outputs)}")

    def table(*sizes: int) -> Tensor:
        return torch.rand(sizes, generator=tensors) < density

    def numbers(*sizes: int) -> Tensor:
        return torch.randn(sizes, generator=tensors, dtype=torch.float64)

    n, d, r = nodes, 3, 2
    inputs = {"X": numbers(n, d), "Q": numbers(n), "a": numbers(d), "c": numbers(d), "V": numbers(d, d)}
    inputs |= {"W": numbers(r, d, d), "R": numbers(r, d)}
    relations = {"Edge": table(n, n), "Like": table(n, n), "Kind": table(r, n, n)}
    return Related("\n".join(lines) + "\n", relations, inputs)


def _tensor(draw: random.Random, at: int, outputs: list[str]) -> list[str]:
    """A few equations around one score, or one over relations alone."""
    kind = draw.randrange(4)
    if kind == 0:
        line = draw.choice(PLAIN).format(at=at)
        outputs.append(line.split("[")[0].split(" ")[0])
        return [line]
    guard, score = draw.choice(GUARDS), draw.choice(SCORES)
    outputs.append(f"Z{at}")
    if kind == 1:
        if draw.random() < 0.5:
            return [f"Z{at}[n,d] {draw.choice(AGGREGATES)} Q[n'] X[n',d] where {guard}"]
        return [
            f"Z{at}[n] = {draw.choice(REDUCED)}[n']({'Q[n] * Q[n]' if score == '2' else 'Q[n] Q[n]'} where {guard})"
        ]
    lines = [f"S{at}[n,n'] = {score} where {guard}"]
    read = f"S{at}"
    if draw.random() < 0.5 and score != "2":
        lines.append(f"P{at}[n,n'.] = {draw.choice(ALONG)}(S{at}[n,n'])")
        read = f"P{at}"
    if draw.random() < 0.3:
        lines.append(f"T{at}[n,n'] = {read}[n,n'] / (1 + Q[n]^2) + S{at}[n,n']")
        read = f"T{at}"
    return [*lines, draw.choice(READERS).format(at=at, t=read)]
