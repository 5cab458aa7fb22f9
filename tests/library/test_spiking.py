"""Spiking units against loops in torch whose spikes have the surrogate gradient as a custom backward."""

from __future__ import annotations

import pytest
import torch
from written_out import agree

import tensorlang as tl

SEQUENCE = "import spiking\ndim i = 3\ninput X[b,t,i]\n"


class FastSigmoid(torch.autograd.Function):
    """1 above 0, with the derivative 1 / (1 + slope |x|)^2."""

    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x)
        ctx.slope = slope
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad / (1 + ctx.slope * x.abs()) ** 2, None


def fire(x, slope=25.0):
    return FastSigmoid.apply(x, slope)


def charged(seed: int = 0) -> torch.Tensor:
    """Inputs that make units fire now and then."""
    return 0.4 + 0.7 * torch.randn((2, 12, 3), generator=torch.Generator().manual_seed(seed))


def lif(X, decay=0.9, threshold=1.0, slope=25.0):
    u = s = torch.zeros_like(X[:, 0])
    spikes = []
    for x in X.unbind(1):
        u = decay * u + x - threshold * s
        s = fire(u - threshold, slope)
        spikes.append(s)
    return torch.stack(spikes, 1)


def lif_to_zero(X, decay=0.9, rest=0):
    u = s = asleep = torch.zeros_like(X[:, 0])
    spikes = []
    for x in X.unbind(1):
        asleep = torch.where(s.detach() > 0, torch.full_like(s, rest), asleep - 1)
        awake = (asleep <= 0).to(x.dtype)
        u = decay * u * (1 - s) + awake * x
        s = awake * fire(u - 1)
        spikes.append(s)
    return torch.stack(spikes, 1)


def alif(X, decay=0.9, fade=0.98, strength=1.8):
    u = s = a = torch.zeros_like(X[:, 0])
    bar = torch.ones_like(u)
    spikes = []
    for x in X.unbind(1):
        u = decay * u + x - bar * s
        a = fade * a + (1 - fade) * s
        bar = 1 + strength * a
        s = fire(u - bar)
        spikes.append(s)
    return torch.stack(spikes, 1)


def layer(X, W, B, decay=0.9):
    return lif(X @ W.mT + B, decay)


def recurrent(X, W, V, B):
    u = s = torch.zeros(len(X), len(W))
    spikes = []
    for x in X.unbind(1):
        u = 0.9 * u + x @ W.mT + s @ V.mT + B - s
        s = fire(u - 1)
        spikes.append(s)
    return torch.stack(spikes, 1)


def readout(X, W):
    v = torch.zeros(len(X), len(W))
    charges = []
    for x in X.unbind(1):
        v = 0.9 * v + x @ W.mT
        charges.append(v)
    return torch.stack(charges, 1)


CASES = {
    "LIF": ("spiking.LIF(X)", lif),
    "LIF of other numbers": (
        "spiking.LIF(X, decay=0.7, threshold=0.5, slope=4)", lambda X: lif(X, decay=0.7, threshold=0.5, slope=4.0),
    ),
    "LIFToZero": ("spiking.LIFToZero(X)", lif_to_zero),
    "LIFToZero at rest": ("spiking.LIFToZero(X, rest=3)", lambda X: lif_to_zero(X, rest=3)),
    "ALIF": ("spiking.ALIF(X)", alif),
    "ALIF of other numbers": (
        "spiking.ALIF(X, decay=0.8, fade=0.5, strength=0.7)", lambda X: alif(X, 0.8, 0.5, 0.7),
    ),
    "Layer": ("spiking.Layer(X, h=4)", layer),
    "Recurrent": ("spiking.Recurrent(X, h=4)", recurrent),
    "Readout": ("spiking.Readout(X, o=4)", readout),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_units_are_their_loop(name):
    call, meant = CASES[name]
    agree(SEQUENCE + f"Y = {call}", {"X": charged()}, meant)


def test_a_decay_may_be_learned():
    def meant(X, D, W, B):
        return layer(X, W, B, D)

    agree(SEQUENCE + "param D ~ const(0.8)\nY = spiking.Layer(X, h=4, decay=D)", {"X": charged()}, meant)


def test_spikes_are_0_or_1_and_there_are_some():
    spikes = tl.function(SEQUENCE + "Y = spiking.ALIF(X, strength=0.5)")(charged())
    assert torch.equal(spikes.unique(), torch.tensor([0.0, 1.0]))
    assert 0.1 < spikes.mean() < 0.9


def test_a_spike_takes_the_threshold_or_all_away():
    text = "import spiking\ninput X[t,h]\nS = spiking.{}(X, decay=1, threshold=1)\nU[t,h] = S.U[t,h]\noutput S, U"
    drive = torch.tensor([[0.75], [0.75], [0.75], [0.0]])
    spikes, charges = tl.function(text.format("LIF"))(drive).values()
    assert spikes.flatten().tolist() == [0, 1, 1, 0]
    assert charges.flatten().tolist() == [0.75, 1.5, 1.25, 0.25]
    spikes, charges = tl.function(text.format("LIFToZero"))(drive).values()
    assert spikes.flatten().tolist() == [0, 1, 0, 0]
    assert charges.flatten().tolist() == [0.75, 1.5, 0.75, 0.75]


def test_units_rest_after_a_spike():
    run = tl.function("import spiking\ninput X[t,h]\nS = spiking.LIFToZero(X, rest=2)")
    assert run(torch.full((8, 1), 2.0)).flatten().tolist() == [1, 0, 0, 1, 0, 0, 1, 0]


def test_units_tire():
    """Under a constant drive they fire ever more rarely, and a plain unit does not."""
    drive = torch.full((1, 200, 3), 0.6)

    def intervals(call):
        return tl.function(SEQUENCE + f"Y = spiking.{call}")(drive)[0, :, 0].nonzero().flatten().diff()

    tired, plain = intervals("ALIF(X, strength=8)"), intervals("LIF(X)")
    assert tired[-3:].min() >= 2 * tired[:3].min()
    assert plain.unique().tolist() == [2]


def test_the_surrogate_is_the_gradient_of_x_over_1_plus_slope_x():
    x = torch.linspace(-2, 2, 9).requires_grad_()
    spikes = tl.function("import spiking\ninput X[n]\nY = spiking.Spike(X, slope=3)")(x)
    assert torch.equal(spikes, (x > 0).float())
    spikes.sum().backward()
    torch.testing.assert_close(x.grad, 1 / (1 + 3 * x.detach().abs()) ** 2)
