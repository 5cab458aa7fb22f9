"""Built-in constant tensors: their elements by position and size. Passes know further how to multiply them fast."""

from __future__ import annotations

from typing import Any

from tensorlang.ops.record import MANY, Structured


def _levi_civita(np: Any, positions: tuple[Any, ...], sizes: tuple[int, ...]) -> Any:
    """The sign of the permutation that positions are, 0 where two agree: the product of the signs of differences."""
    result: Any = 1
    for at, later in enumerate(positions):
        for earlier in positions[:at]:
            result = result * np.sign(later - earlier)
    return result


_RECORDS = (
    Structured("delta", (2, 2), "1 where its two positions agree", lambda np, at, sizes: (at[0] == at[1]) * 1, "int"),
    Structured(
        "epsilon", (2, MANY), "the sign of a permutation, 0 where two positions agree (Levi-Civita)",
        _levi_civita, "int",
    ),
    Structured(
        "dft", (2, 2), "dft[k,x] = exp(-2 pi im k x / N), N the size of x",
        lambda np, at, sizes: np.exp(-2j * np.pi * ((at[0] * at[1]) % sizes[1]) / sizes[1]), "complex",
    ),
    Structured(
        "idft", (2, 2), "idft[x,k] = exp(2 pi im k x / N) / N, N the size of x",
        lambda np, at, sizes: np.exp(2j * np.pi * ((at[0] * at[1]) % sizes[0]) / sizes[0]) / sizes[0], "complex",
    ),
)  # fmt: skip

STRUCTURED: dict[str, Structured] = {record.name: record for record in _RECORDS}
