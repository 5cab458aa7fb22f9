"""Recurrent layers compute what those of torch.nn compute with the same weights: outputs, gradients, scripted."""

from __future__ import annotations

import pytest
import torch

import tensorlang as tl
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

SIZES = {"small": (2, 5, 3, 4), "large": (3, 17, 6, 8)}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
CASES = [(kind, size) for kind in GATES for size in SIZES]


def text_of(kind, hidden):
    return f"import recurrent\ninput X[b,t,i]\nY = recurrent.{kind}(X, h={hidden})\n"


def weights(kind, theirs):
    """The parameters of a torch layer as those of ours: an axis for the gates, one offset where two would add."""
    w, u, b, c = (p.detach().clone() for p in theirs.parameters())
    if kind == "RNN":
        return {"Y.W": w, "Y.U": u, "Y.B": b + c}
    shape = (GATES[kind], theirs.hidden_size)
    w, u, b, c = w.view(*shape, -1), u.view(*shape, -1), b.view(shape), c.view(shape)
    if kind == "LSTM":
        return {"Y.W": w, "Y.U": u, "Y.B": b + c}
    both = b + c
    both[2] = b[2]
    return {"Y.W": w, "Y.U": u, "Y.B": both, "Y.V": c[2]}


def case(kind, size):
    torch.manual_seed(1)
    batch, time, width, hidden = SIZES[size]
    theirs = getattr(torch.nn, kind)(width, hidden, batch_first=True)
    return text_of(kind, hidden), theirs, torch.randn(batch, time, width)


@pytest.mark.parametrize(("kind", "size"), CASES)
def test_outputs_and_gradients_are_those_of_torch(kind, size):
    text, theirs, x = case(kind, size)
    ours = tl.compile(text)
    values = weights(kind, theirs)
    ours.load_state_dict(values)
    x1, x2 = x.clone().requires_grad_(), x.clone().requires_grad_()
    found, wanted = ours(X=x1)["Y"], theirs(x2)[0]
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    weight = torch.randn_like(wanted)
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    torch.testing.assert_close(x1.grad, x2.grad, rtol=0, atol=1e-4)
    grads = {name: parameter.grad for name, parameter in ours.named_parameters()}
    w, u, b, c = (p.grad for p in theirs.parameters())
    for name, other in (("Y.W", w), ("Y.U", u), ("Y.B", b)):
        torch.testing.assert_close(grads[name].flatten(), other.flatten(), rtol=0, atol=1e-4)
    if kind == "GRU":
        torch.testing.assert_close(grads["Y.V"], c.view(3, -1)[2], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("kind", "size"), CASES)
def test_the_layers_script(kind, size):
    text, theirs, x = case(kind, size)
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    generated = build(planned(checked.program, checked.program.outputs))
    scripted = torch.jit.script(generated.model(weights(kind, theirs)))
    torch.testing.assert_close(scripted(x), theirs(x)[0], rtol=0, atol=1e-5)
