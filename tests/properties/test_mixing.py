"""Anderson's mixing over random contractions with kinks: it settles wherever plain steps do, in not many more steps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tensorlang.backends.kernels_fixpoint import Settling
from tensorlang.backends.torch_iterations import MEMORY

Step = Callable[[Tensor], Tensor]


def thresholded(g: torch.Generator, n: int, shrink: float) -> Step:
    """Steps of a sparse regression: a gradient, then a soft threshold."""
    a = torch.randn(n - n // 3, n, dtype=torch.float64, generator=g) / 2
    b = torch.randn(n - n // 3, dtype=torch.float64, generator=g)
    rate = 1 / torch.linalg.matrix_norm(a, 2) ** 2
    return lambda x: torch.nn.functional.softshrink(x - rate * shrink * a.T @ (a @ x - b), 0.01)


def games(g: torch.Generator, n: int, shrink: float) -> Step:
    """The value of a game of two players with a discount."""
    chances = torch.rand(4, n, n, dtype=torch.float64, generator=g) ** 6
    chances = shrink * chances / chances.sum(2, keepdim=True)
    prizes = torch.randn(4, n, dtype=torch.float64, generator=g)

    def step(x: Tensor) -> Tensor:
        one, two, three, four = (prizes + chances @ x).unbind()
        return torch.minimum(torch.maximum(one, two), torch.maximum(three, four))

    return step


def folded(g: torch.Generator, n: int, shrink: float) -> Step:
    """A rotation of what is folded at 0, wholly or in part."""
    turn = shrink * torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=g))[0]
    slope, b = float(torch.rand([], generator=g)) * 2 - 1, torch.randn(n, dtype=torch.float64, generator=g)
    return lambda x: turn @ torch.nn.functional.leaky_relu(x, slope) + b


def projected(g: torch.Generator, n: int, shrink: float) -> Step:
    """By turns into a box and onto a plane, leaning: rotations and bounds mixed."""
    turn = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=g))[0]
    b = torch.randn(n, dtype=torch.float64, generator=g)
    return lambda x: 0.5 * (x + shrink * (turn @ (x + b).clamp(-1, 1))) - 0.5 * (1 - shrink) * b


def steps(step: Step, n: int, memory: int, most: int) -> int | None:
    """How many steps it takes to settle."""
    way = Settling("random", 1e-6, most, False, memory)
    state = torch.zeros(n, dtype=torch.float64)
    value = step(state)
    try:
        while way.goes_on(state, value):
            state = way.next_state(state, value)
            value = step(state)
    except RuntimeError:
        return None
    return way.steps


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", [thresholded, games, folded, projected])
def test_mixing_settles_where_plain_steps_do(kind: Callable[[torch.Generator, int, float], Step], seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    n, shrink = (2, 5, 8, 20)[seed % 4], (0.9, 0.97, 0.99)[seed % 3]
    step = kind(g, n, shrink)
    plain = steps(step, n, 1, 2500)
    if plain is None:
        pytest.skip("plain steps take too long")
    mixed = steps(step, n, MEMORY, 2 * plain + 40)
    assert mixed is not None, f"{plain} plain steps"


@pytest.mark.parametrize("shrink", [0.99, 0.999])
def test_smooth_steps_are_mixed_throughout(shrink: float) -> None:
    """The guard costs nothing where mixing does well."""
    g = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(60, 60, dtype=torch.float64, generator=g))[0]
    matrix = shrink * turn @ torch.diag(torch.linspace(-1, 1, 60, dtype=torch.float64)) @ turn.T
    found = steps(lambda x: matrix @ x + turn[0], 60, MEMORY, 10_000)
    assert found is not None
    assert found < 300
