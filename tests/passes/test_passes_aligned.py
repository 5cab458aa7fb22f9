"""Tensors that are one position ahead of others are computed with them: one body, no tests of the position."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tensorlang as tl
from tensorlang.backends.reference import evaluate
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source

BLOCK = """
def Block(X[b,i]) -> Y[b,i]:
    param W[i,i'] ~ normal(0, 0.7)
    H[b,i] = tanh(W[i,i'] X[b,i'])
    Y[b,i] = X[b,i] + H[b,i]
"""
LAYERS = f"dim l = L, i = 3\n{BLOCK}\ninput X[b,i]\nS[0] = X\nS[l+1] = Block[l](S[l])\n"
SHARED = f"dim l = L, i = 3\n{BLOCK}\ninput X[b,i]\nS[0] = X\nS[l+1] = Block(S[l])\n"
STATES = """
input X[t,i]
dim i = 3
param U[i,i'] ~ normal(0, 0.5)
Gate[t,i] = sig(U[i,i'] Memory[t,i'] + X[t,i])
Memory[0,i] = 1
Memory[t+1,i] = Gate[t,i] Memory[t,i] + tanh(Gate[t,i])
"""
NO_START = STATES.replace("Memory[0,i] = 1\n", "")


def compared(text, **inputs):
    """Torch and the reference on the same program."""
    program = tl.compile(text)
    given = {name: torch.as_tensor(value) for name, value in inputs.items()}
    found = program(**given)
    checked = check(Source("test.tl", text), Options()).correct()
    values = {name: value.detach().double().numpy() for name, value in program.named_parameters()} | inputs
    sizes = {}
    for tensor in checked.of_kind("input"):
        for axis, size in zip(tensor.axes, inputs[tensor.name].shape, strict=True):
            if axis.size.symbol is not None:
                sizes[axis.size.symbol] = size
    wanted = evaluate(checked, values, sizes)
    for name, value in found.items():
        np.testing.assert_allclose(value.detach().numpy(), wanted[name], atol=1e-5, err_msg=name)
    return program, given


def draw(*shape):
    return np.random.default_rng(3).normal(size=shape).astype("float32")


@pytest.mark.parametrize("layers", [1, 2, 4])
@pytest.mark.parametrize("text", [LAYERS, SHARED], ids=["own", "shared"])
@pytest.mark.parametrize("result", ["Last[b,i] = S[-1,b,i]", "Middle[b,i] = S[1,b,i] + S[0,b,i]", "output S"])
def test_layers(text, layers, result):
    program, _ = compared(text.replace("L,", f"{layers},") + result + "\n", X=draw(2, 3))
    assert program.source.count("def one_step") == 1
    assert "step <" not in program.source
    assert "torch.where" not in program.source


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("text", [STATES, NO_START], ids=["from one", "from zero"])
@pytest.mark.parametrize("result", ["Y[i] = Memory[-1,i]", "output Memory, Gate", "Y[t,i] = Memory[t+1,i] + Gate[t,i]"])
def test_states_ahead_of_what_computes_them(text, steps, result):
    program, _ = compared(text + result + "\n", X=draw(steps, 3))
    assert program.source.count("def one_step") == 1


def test_gradients_are_those_of_the_written_out_loop():
    text = STATES + "Y[i] = Memory[-1,i]\n"
    program = tl.compile(text, dtype="float64")
    x = torch.from_numpy(draw(6, 3)).double().requires_grad_()
    program(X=x)["Y"].square().sum().backward()
    u = dict(program.named_parameters())["U"]
    other, weight = x.detach().clone().requires_grad_(), u.detach().clone().requires_grad_()
    memory = torch.ones(3, dtype=torch.float64)
    for row in other:
        gate = torch.sigmoid(weight @ memory + row)
        memory = gate * memory + torch.tanh(gate)
    memory.square().sum().backward()
    torch.testing.assert_close(x.grad, other.grad)
    torch.testing.assert_close(u.grad, weight.grad)


def test_what_is_read_two_steps_ahead_is_left_as_it_was():
    text = STATES + "Y[i] = Memory[-1,i]\n"
    program, _ = compared(text.replace("Memory[t,i'] +", "Memory[t-1,i'] +"), X=draw(5, 3))
    assert "Memory_next" not in program.source


def test_two_recurrences_of_one_body_at_two_sizes():
    text = (
        "dim l = 2, i = 3\ninput X[b,i], Z[c,i]\n"
        f"{BLOCK}\ndef Net(X[b,i]) -> Y[b,i]:\n    S[0] = X\n    S[l+1] = Block[l](S[l])\n    Y[b,i] = S[-1,b,i]\n"
        "net = Net()\nOne = net(X)\nTwo = net(Z)\nTotal = One[b,i] + Two[c,i]\noutput One, Two, Total\n"
    )
    program, _ = compared(text, X=draw(2, 3), Z=draw(4, 3))
    assert program.source.count("def one_step") == 2
