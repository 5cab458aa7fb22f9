"""Reductions over indices, and the assignments (``max=``) that aggregate by one of them.

``std`` and ``var`` divide by the number of elements (the population form), as ``mean`` does: ``var`` is the mean of the
squared distance to the mean. ``count`` counts the elements that are not 0 (true ones, for a condition).
"""

from __future__ import annotations

from typing import Any

from tensorlang.ops.record import Reduction


def _logsumexp(np: Any, values: Any) -> Any:
    peak = np.max(values)
    return np.log(np.sum(np.exp(values - peak))) + peak if np.isfinite(peak) else peak


_RECORDS = (
    Reduction(
        "sum", "the sum", lambda np, x: np.sum(x), 0.0, "torch.sum({0}, dim={dims})",
        fill="0", result="number", function=False, aggregate="+=",
    ),
    Reduction(
        "max", "the largest element; -inf over nothing", lambda np, x: np.max(x), float("-inf"),
        "torch.amax({0}, dim={dims})", fill='float("-inf")', aggregate="max=", complex=False,
    ),
    Reduction(
        "min", "the smallest element; inf over nothing", lambda np, x: np.min(x), float("inf"),
        "torch.amin({0}, dim={dims})", fill='float("inf")', aggregate="min=", complex=False,
    ),
    Reduction(
        "mean", "the mean of the present elements; 0 over nothing", lambda np, x: np.mean(x), 0.0,
        "torch.mean({0}, dim={dims})", result="float", function=False, aggregate="avg=",
    ),
    Reduction(
        "prod", "the product; 1 over nothing", lambda np, x: np.prod(x), 1.0,
        torch_one="torch.prod({0}, dim={dim})", fill="1", result="number", aggregate="prod=",
    ),
    Reduction(
        "any", "whether any element is true", lambda np, x: np.any(x), False,
        "torch.any({0}, dim={dims})", fill="False", result="bool", aggregate="or=", differentiable=False, takes="bool",
    ),
    Reduction(
        "all", "whether all elements are true", lambda np, x: np.all(x), True,
        "torch.all({0}, dim={dims})", fill="True", result="bool", aggregate="and=", differentiable=False, takes="bool",
    ),
    Reduction(
        "logsumexp", "log(sum(exp(x))) without overflow; -inf over nothing", _logsumexp, float("-inf"),
        "torch.logsumexp({0}, dim={dims})", fill='float("-inf")', result="float", aggregate="logsumexp=", complex=False,
    ),
    Reduction(
        "count", "the number of elements that are not 0", lambda np, x: np.count_nonzero(x), 0.0,
        "torch.count_nonzero({0}, dim={dims})", fill="0", result="int", differentiable=False, takes="any",
    ),
    Reduction(
        "norm", "sqrt(sum(abs(x)^2))", lambda np, x: np.sqrt(np.sum(np.abs(x) ** 2)), 0.0,
        "torch.linalg.vector_norm({0}, dim={dims})", fill="0", result="modulus", takes="float",
    ),
    Reduction(
        "argmax", "the position of the (first) largest element; 0 over nothing", lambda np, x: np.argmax(x), 0.0,
        torch_one="torch.argmax({0}, dim={dim})", fill='float("-inf")', result="int", differentiable=False,
        takes="number", complex=False, position=True,
    ),
    Reduction(
        "argmin", "the position of the (first) smallest element; 0 over nothing", lambda np, x: np.argmin(x), 0.0,
        torch_one="torch.argmin({0}, dim={dim})", fill='float("inf")', result="int", differentiable=False,
        takes="number", complex=False, position=True,
    ),
    Reduction(
        "std", "the standard deviation (divided by n); 0 over nothing", lambda np, x: np.std(x), 0.0,
        "torch.std({0}, dim={dims}, correction=0)", result="modulus", takes="float",
    ),
    Reduction(
        "var", "the variance (divided by n); 0 over nothing", lambda np, x: np.var(x), 0.0,
        "torch.var({0}, dim={dims}, correction=0)", result="modulus", takes="float",
    ),
)  # fmt: skip

REDUCTIONS: dict[str, Reduction] = {record.name: record for record in _RECORDS}

# The assignment operators and the reduction that each aggregates by.
AGGREGATES: dict[str, str] = {"=": "sum"} | {r.aggregate: r.name for r in _RECORDS if r.aggregate is not None}
