"""Solvers of differential equations: against loops in torch, and their order on equations with a known solution."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from written_out import agree

import tensorlang as tl
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source

METHODS = {"Euler": 1, "Midpoint": 2, "Heun": 2, "RK4": 4}


def euler(f, z, dt):
    return z + dt * f(z)


def midpoint(f, z, dt):
    return z + dt * f(z + dt / 2 * f(z))


def heun(f, z, dt):
    k = f(z)
    return z + dt / 2 * (k + f(z + dt * k))


def rk4(f, z, dt):
    a = f(z)
    b = f(z + dt / 2 * a)
    c = f(z + dt / 2 * b)
    d = f(z + dt * c)
    return z + dt / 6 * (a + 2 * b + 2 * c + d)


STEPS = {"Euler": euler, "Midpoint": midpoint, "Heun": heun, "RK4": rk4}


def field(W, B, V, C):
    return lambda z: torch.tanh(z @ W.mT + B) @ V.mT + C


def path(step, f, z, steps, dt):
    states = [z]
    for _ in range(steps):
        states.append(step(f, states[-1], dt))
    return torch.stack(states)


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", METHODS)
def test_a_learned_field_is_followed_as_by_a_loop(name):
    def meant(X, **p):
        weights = {key.removeprefix("F."): value for key, value in p.items()}
        return path(STEPS[name], field(**weights), X, 6, 0.3)

    text = f"import ode\ndim d = 3\ninput X[b,d]\nY = ode.{name}(ode.Field(hidden=5), X, steps=6, dt=0.3)"
    agree(text, {"X": drawn(2, 3)}, meant)


def test_the_layer_follows_its_field_for_a_time_of_1():
    def meant(X, **p):
        weights = {key.removeprefix("Path.F."): value for key, value in p.items()}
        return path(rk4, field(**weights), X, 4, 1 / 4)[-1]

    agree(
        "import ode\ndim d = 3\ninput X[a,b,d]\nY = ode.NeuralODE(X, hidden=5, steps=4)", {"X": drawn(2, 2, 3)}, meant
    )


# x'' = -x as a system, and the logistic equation: solutions are known.
KNOWN = {
    "circle": (
        "def F(X[..., d]) -> Y[..., d]:\n    Y[..., d] = X[..., 1] if d == 0 else -X[..., 0]\n", [1.0, 0.0],
        lambda t: [math.cos(t), -math.sin(t)],
    ),
    "logistic": (
        "def F(X[..., d]) -> Y[..., d]:\n    Y[..., d] = X[..., d] (1 - X[..., d])\n", [0.1],
        lambda t: [1 / (1 + 9 * math.exp(-t))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("equation", KNOWN)
def test_halving_the_step_divides_the_error_by_2_to_the_order(name, equation):
    text, start, solution = KNOWN[equation]
    errors = []
    for steps in (20, 40):
        program = tl.compile(
            f"import ode\n{text}input X[d]\nY = ode.{name}(F, X, steps={steps}, dt=2/{steps})", dtype="float64"
        )
        found = program(X=np.array(start))["Y"]
        assert found.shape == (steps + 1, len(start))
        errors.append(float((found[-1] - torch.tensor(solution(2.0), dtype=torch.float64)).abs().max()))
    order = math.log2(errors[0] / errors[1])
    assert abs(order - METHODS[name]) < 0.2


def test_a_field_without_parameters_and_one_that_is_named():
    """The pendulum of the library's comments keeps its energy; one field serves two paths."""
    text = (
        "import ode\n"
        "def Pendulum(X[..., d]) -> Y[..., d]:\n    Y[..., d] = X[..., 1] if d == 0 else -sin(X[..., 0])\n"
        "input X[b,d]\nPath = ode.RK4(Pendulum, X, steps=100, dt=0.1)\n"
        "Energy[n,b] = Path[n,b,1]^2 / 2 - cos(Path[n,b,0])\noutput Energy"
    )
    energy = tl.function(text, dtype="float64")(torch.tensor([[1.0, 0.0], [0.0, 1.5]], dtype=torch.float64))
    assert energy.shape == (101, 2)
    assert (energy - energy[0]).abs().max() < 1e-5

    text = "import ode\ndim d = 2\ninput X[d]\nf = ode.Field(hidden=4)\n"
    program = tl.compile(text + "A = ode.RK4(f, X, steps=3)\nB = ode.Euler(f, X, steps=3)\n")
    assert sorted(program.state_dict()) == ["f.B", "f.C", "f.V", "f.W"]


def test_a_declaration_reaches_the_recurrence_inside_a_module():
    text = "import ode\ndim d = 3\ninput X[d]\nPath = ode.RK4(ode.Field(hidden=4), X, steps=12)\n"
    text += "Y = ode.NeuralODE(X, hidden=4)\nscan Path checkpoint 3\nscan Y checkpoint 5\n"
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    assert [scan.manner.checkpoint for scan in checked.program.scans] == [3, 5]


def stored_by(program, x) -> tuple[int, dict[str, torch.Tensor]]:
    """How many numbers a gradient stores on its way forward, and the gradient by parameter."""
    kept: dict[int, int] = {}

    def pack(saved):
        kept[saved.untyped_storage().data_ptr()] = saved.untyped_storage().nbytes() // saved.element_size()
        return saved

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved):
        loss = program(X=x)["L"]
    program.zero_grad()
    loss.backward()
    return sum(kept.values()), {name: p.grad.clone() for name, p in program.named_parameters()}


def test_a_path_in_parts_has_the_same_gradient_and_stores_less():
    """The way of the library's comments to bound the memory of a long path."""
    text = "import ode\ndim d = 3\ninput X[b,d]\nPath = ode.RK4(ode.Field(hidden=16), X, steps=200, dt=0.02)\n"
    text += "L = mean[b,d](Path[-1,b,d]^2)\noutput L\n"
    whole, parts = tl.compile(text, dtype="float64"), tl.compile(text + "scan Path checkpoint 15\n", dtype="float64")
    parts.load_state_dict(whole.state_dict())
    x = drawn(4, 3).double()
    (much, wanted), (little, found) = stored_by(whole, x), stored_by(parts, x)
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-9, atol=1e-12)
    assert little < much / 10
