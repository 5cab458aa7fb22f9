"""Functions along an index, which they keep.

``lnorm`` and ``rmsnorm`` scale without learned factors; their ``eps`` is a fixed number, so that results do not depend
on the element type. ``topk`` keeps exactly k elements: of equal ones the first.
"""

from __future__ import annotations

from typing import Any

from tensorlang.ops.record import Along

_LAST = "{0}.movedim({dim}, -1)"
_SIZE = "[{0}.size({dim})]"
_RANK = "torch.argsort(torch.argsort({0}, dim={dim}, descending=True, stable=True), dim={dim})"
_STEPS = "max(-{0}.size({dim}), min({1}, {0}.size({dim})))"


def _softmax(np: Any, x: Any) -> Any:
    weights = np.exp(x - np.max(x))
    return weights / np.sum(weights)


def _log_softmax(np: Any, x: Any) -> Any:
    shifted = x - np.max(x)
    return shifted - np.log(np.sum(np.exp(shifted)))


def _topk(np: Any, x: Any, k: Any) -> Any:
    kept = np.zeros_like(x)
    largest = np.argsort(-x, kind="stable")[: max(int(k), 0)]
    kept[largest] = x[largest]
    return kept


def _shift(np: Any, x: Any, n: Any) -> Any:
    source = np.arange(len(x)) - int(n)
    inside = (source >= 0) & (source < len(x))
    return np.where(inside, x[np.where(inside, source, 0)], np.zeros_like(x))


_RECORDS = (
    Along(
        "softmax", "exp(x) / sum(exp(x))", "torch.softmax({0}, dim={dim})", _softmax,
        fill='float("-inf")', complex=False,
    ),
    Along(
        "log_softmax", "log of softmax, without overflow", "torch.log_softmax({0}, dim={dim})", _log_softmax,
        fill='float("-inf")', complex=False,
    ),
    Along(
        "lnorm", "(x - mean) / sqrt(var + eps)",
        f"torch.nn.functional.layer_norm({_LAST}, {_SIZE}, eps={{1}}).movedim(-1, {{dim}})",
        lambda np, x, eps: (x - np.mean(x)) / np.sqrt(np.var(x) + eps), (("eps", 1e-5),), complex=False,
    ),
    Along(
        "rmsnorm", "x / sqrt(mean(x^2) + eps)",
        f"torch.nn.functional.rms_norm({_LAST}, {_SIZE}, eps={{1}}).movedim(-1, {{dim}})",
        lambda np, x, eps: x / np.sqrt(np.mean(x**2) + eps), (("eps", 1e-6),), complex=False,
    ),
    Along(
        "normalize", "x / max(norm(x), eps)", "torch.nn.functional.normalize({0}, dim={dim}, eps={1})",
        lambda np, x, eps: x / np.maximum(np.sqrt(np.sum(np.abs(x) ** 2)), eps), (("eps", 1e-12),),
    ),
    Along(
        "cumsum", "the sum of the elements up to here", "torch.cumsum({0}, dim={dim})",
        lambda np, x: np.cumsum(x), result="number", whole=True,
    ),
    Along(
        "cumprod", "the product of the elements up to here", "torch.cumprod({0}, dim={dim})",
        lambda np, x: np.cumprod(x), fill="1", result="number", whole=True,
    ),
    Along(
        "cummax", "the largest of the elements up to here", "torch.cummax({0}, dim={dim})[0]",
        lambda np, x: np.maximum.accumulate(x), fill='float("-inf")', result="number", whole=True, complex=False,
    ),
    Along(
        "sort", "the elements in rising order", "torch.sort({0}, dim={dim})[0]",
        lambda np, x: np.sort(x), result="same", whole=True, complex=False,
    ),
    Along(
        "argsort", "the positions of the elements in rising order", "torch.argsort({0}, dim={dim}, stable=True)",
        lambda np, x: np.argsort(x, kind="stable"), result="int", differentiable=False, whole=True, takes="any",
        complex=False,
    ),
    Along(
        "topk", "the k largest elements where they stand, 0 elsewhere",
        f"torch.where({_RANK} < {{1}}, {{0}}, 0)",
        _topk, (("k", None),), fill='float("-inf")', result="number", complex=False,
    ),
    Along(
        "flip", "the elements in reverse order", "torch.flip({0}, [{dim}])",
        lambda np, x: x[::-1], result="same", whole=True,
    ),
    Along(
        "shift", "x[t-n], 0 where that is outside",
        f"torch.nn.functional.pad({_LAST}, [{_STEPS}, -{_STEPS}]).movedim(-1, {{dim}})",
        _shift, (("n", 1),), result="number", whole=True,
    ),
)  # fmt: skip

ALONG: dict[str, Along] = {record.name: record for record in _RECORDS}
