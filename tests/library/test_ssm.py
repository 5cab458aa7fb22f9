"""State-space layers against loops over time in torch, and the recurrent forms against the parallel ones."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional
from written_out import agree

import tensorlang as tl

SEQUENCE = "import ssm\ndim i = 3\ninput X[b,t,i]\n"
IMAGES = "import ssm\ndim i = 3\ninput X[b,t,i,y,x]\n"
READ = "import ssm\ninput Q[b,t,d], K[b,t,d], V[b,t,e]\n"


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def over_time(step, inputs, state):
    """The outputs of a loop along the second axis; ``step(state, *inputs)`` gives the next state and an output."""
    outputs = []
    for at in zip(*(x.unbind(1) for x in inputs), strict=True):
        state, output = step(state, *at)
        outputs.append(output)
    return torch.stack(outputs, 1)


def held(a, step):
    """Zero-order hold of a diagonal system: the factor of the state, and that of the input."""
    return torch.exp(step * a), (torch.exp(step * a) - 1) / a


def frequencies(log_decay, turns):
    return torch.complex(-torch.exp(log_decay), math.pi * torch.arange(turns.shape[-1]) * turns)


def s5(X, L, F, Step, B, C, E):
    keep, gain = held(frequencies(L, F), torch.exp(Step))
    drive = gain[:, None] * B

    def step(s, x):
        s = keep * s + x.to(B.dtype) @ drive.mT
        return s, (s @ C.mT).real + x @ E.mT

    return over_time(step, [X], torch.zeros(len(X), len(L), dtype=B.dtype))


def s4d(X, L, F, Step, C, E):
    keep, gain = held(frequencies(L, F), torch.exp(Step)[:, None])

    def step(s, x):
        s = keep * s + gain * x[..., None]
        return s, 2 * (C * s).sum(-1).real + E * x

    return over_time(step, [X], torch.zeros(len(X), *L.shape, dtype=C.dtype))


def decaying(X, L, Step, B, C, E):
    keep, gain = held(-torch.arange(1, len(L) + 1) * torch.exp(L), torch.exp(Step))

    def step(s, x):
        s = keep * s + x @ (gain[:, None] * B).mT
        return s, s @ C.mT + x @ E.mT

    return over_time(step, [X], torch.zeros(len(X), len(L)))


def conv_ssm(X, A, B, C):
    pad = A.shape[-1] // 2

    def step(s, x):
        s = functional.conv2d(s, A, padding=pad) + functional.conv2d(x, B, padding=pad)
        return s, torch.einsum("on,bnyx->boyx", C, s)

    return over_time(step, [X], torch.zeros(len(X), len(A), *X.shape[-2:]))


def conv_s5(X, L, F, Step, B, C):
    keep, gain = held(frequencies(L, F), torch.exp(Step))
    drive = gain[:, None, None, None] * B
    pad = B.shape[-1] // 2

    def step(s, x):
        moved = functional.conv2d(x.to(B.dtype), drive, padding=pad)
        s = keep[:, None, None] * s + moved
        return s, torch.einsum("on,bnyx->boyx", C, s).real

    return over_time(step, [X], torch.zeros(len(X), len(L), *X.shape[-2:], dtype=B.dtype))


def min_gru(X, W, B):
    def step(h, x):
        z, new = torch.sigmoid(x @ W[0].mT + B[0]), x @ W[1].mT + B[1]
        h = (1 - z) * h + z * new
        return h, h

    return over_time(step, [X], torch.zeros(len(X), W.shape[1]))


def min_lstm(X, W, B):
    def step(h, x):
        f, i, new = torch.sigmoid(x @ W[0].mT + B[0]), torch.sigmoid(x @ W[1].mT + B[1]), x @ W[2].mT + B[2]
        h = (f * h + i * new) / (f + i)
        return h, h

    return over_time(step, [X], torch.zeros(len(X), W.shape[1]))


LAYERS = {
    "S5": (SEQUENCE + "Y = ssm.S5(X, n=5, o=2)", (2, 7, 3), s5),
    "S4D": (SEQUENCE + "Y = ssm.S4D(X, n=4)", (2, 7, 3), s4d),
    "Decaying": (SEQUENCE + "Y = ssm.Decaying(X, n=5, o=2)", (2, 7, 3), decaying),
    "ConvSSM": (IMAGES + "Y = ssm.ConvSSM(X, n=4, o=2)", (2, 4, 3, 5, 6), conv_ssm),
    "ConvSSM of 5 x 5": (IMAGES + "Y = ssm.ConvSSM(X, n=2, o=2, k=5)", (2, 3, 3, 5, 6), conv_ssm),
    "ConvS5": (IMAGES + "Y = ssm.ConvS5(X, n=4, o=2)", (2, 4, 3, 5, 6), conv_s5),
    "MinGRU": (SEQUENCE + "Y = ssm.MinGRU(X, h=4)", (2, 7, 3), min_gru),
    "MinLSTM": (SEQUENCE + "Y = ssm.MinLSTM(X, h=4)", (2, 7, 3), min_lstm),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_its_loop(name):
    text, shape, meant = LAYERS[name]
    agree(text, {"X": drawn(*shape)}, meant)


@pytest.mark.parametrize("name", [name for name in LAYERS if not name.startswith("ConvSSM")])
def test_all_positions_are_computed_at_once(name):
    """Only the state of ConvSSM, which a convolution moves on, is computed position by position."""
    assert "one_step" not in tl.compile(LAYERS[name][0]).source
    assert "one_step" in tl.compile(LAYERS["ConvSSM"][0]).source


def test_a_layer_may_be_computed_position_by_position():
    text, shape, meant = LAYERS["S5"]
    agree(text + "\nscan Y method loop", {"X": drawn(*shape)}, meant)
    assert "one_step" in tl.compile(text + "\nscan Y method loop").source


def test_axes_in_front_and_one_sequence_alone():
    text = "import ssm\ndim i = 3\ninput X[a,b,t,i]\nY = ssm.S5(X, n=5, o=2)"
    agree(text, {"X": drawn(2, 3, 4, 3)}, lambda X, **p: s5(X.flatten(0, 1), **p).unflatten(0, (2, 3)))
    text = "import ssm\ndim i = 3\ninput X[t,i]\nY = ssm.MinGRU(X, h=2)"
    agree(text, {"X": drawn(4, 3)}, lambda X, **p: min_gru(X[None], **p)[0])


def test_the_state_space_starts_as_it_says():
    program = tl.compile(SEQUENCE + "Y = ssm.S5(X, n=5, o=2)")
    start = program.state_dict()
    assert torch.allclose(frequencies(start["Y.L"], start["Y.F"]).real, torch.tensor(-0.5))
    steps = torch.exp(start["Y.Step"])
    assert 0.001 < steps.min() < steps.max() < 0.1003


# --- attention in recurrent form -----------------------------------------------------------------------------------


def linear_attention(Q, K, V):
    q, k = functional.elu(Q) + 1, functional.elu(K) + 1

    def step(state, q, k, v):
        s, n = state
        s, n = s + k[..., None] * v[:, None], n + k
        return (s, n), torch.einsum("bd,bde->be", q, s) / (q * n).sum(-1, keepdim=True)

    return over_time(step, [q, k, V], (torch.zeros(len(Q), Q.shape[-1], V.shape[-1]), torch.zeros_like(q[:, 0])))


def retention(Q, K, V):
    fade = 1 - 2.0 ** (-5 - torch.arange(len(Q)))[:, None, None]

    def step(s, q, k, v):
        s = fade * s + k[..., None] * v[:, None] / Q.shape[-1] ** 0.5
        return s, torch.einsum("hd,hde->he", q, s)

    return over_time(step, [Q, K, V], torch.zeros(len(Q), Q.shape[-1], V.shape[-1]))


def delta_rule(Q, K, V, R, G=None):
    """S[t] = S[t-1] G (I - r k k^T) + r v k^T, as the papers have it: S maps keys to values."""

    def step(s, q, k, v, r, g):
        kept = g[:, None, None] * (torch.eye(k.shape[-1]) - r[:, None, None] * k[:, :, None] * k[:, None])
        s = s @ kept + r[:, None, None] * v[:, :, None] * k[:, None]
        return s, torch.einsum("bed,bd->be", s, q)

    gates = torch.ones_like(R) if G is None else G
    return over_time(step, [Q, K, V, R, gates], torch.zeros(len(Q), V.shape[-1], Q.shape[-1]))


def read() -> dict[str, torch.Tensor]:
    keys = functional.normalize(drawn(2, 7, 3, seed=1), dim=-1)
    return {"Q": drawn(2, 7, 3), "K": keys, "V": drawn(2, 7, 4, seed=2)}


ATTENTION = {"LinearAttention": linear_attention, "LinearAttentionPairs": linear_attention}
HEADS = {"Retention": retention, "RetentionPairs": retention}


@pytest.mark.parametrize("name", ATTENTION)
def test_linear_attention_one_by_one_and_by_pairs(name):
    agree(READ + f"Y = ssm.{name}(Q, K, V)", read(), ATTENTION[name])


@pytest.mark.parametrize("name", HEADS)
def test_retention_one_by_one_and_by_pairs(name):
    agree(READ.replace("b,", "h,") + f"Y = ssm.{name}(Q, K, V)", read(), HEADS[name])


def test_the_delta_rule():
    shares = torch.sigmoid(drawn(2, 7, seed=5))
    agree(READ + "input R[b,t]\nY = ssm.DeltaRule(Q, K, V, R)", {**read(), "R": shares}, delta_rule)


def test_the_gated_delta_rule():
    more = {"R": torch.sigmoid(drawn(2, 7, seed=5)), "G": torch.sigmoid(drawn(2, 7, seed=6))}
    agree(READ + "input R[b,t], G[b,t]\nY = ssm.GatedDeltaRule(Q, K, V, R, G)", {**read(), **more}, delta_rule)


@pytest.mark.parametrize("call", ["LinearAttention(Q, K, V)", "DeltaRule(Q, K, V, R)", "GatedDeltaRule(Q, K, V, R, G)"])
def test_attention_in_recurrent_form_is_computed_at_once(call):
    text = READ + f"input R[b,t], G[b,t]\ndim d = 3, e = 4\nY = ssm.{call}"
    assert "one_step" not in tl.compile(text).source


def test_the_delta_rule_stores_and_corrects():
    """What was stored under a key is read back, and replaced when the key comes again."""
    run = tl.function(READ + "input R[b,t]\nY = ssm.DeltaRule(Q, K, V, R)")
    keys = torch.eye(2)[[0, 1, 0, 0]][None]
    values = torch.tensor([[[1.0], [5.0], [3.0], [3.0]]])
    asked = torch.eye(2)[[0, 1, 0, 1]][None]
    assert run(asked, keys, values, torch.ones(1, 4)).flatten().tolist() == [1, 5, 3, 5]


def test_both_directions():
    """The example of the library's comments."""
    text = SEQUENCE + (
        "Ahead = ssm.MinGRU(X, h=2)\nTurned[b,t,i] = flip[t](X[b,t,i])\nBehind = ssm.MinGRU(Turned, h=2)\n"
        "Both[b,t,k] = concat[k](Ahead[b,t,h], flip[t](Behind[b,t,h]))\noutput Both\n"
    )
    program = tl.compile(text)
    values = {name: p.detach() for name, p in program.named_parameters()}
    x = drawn(2, 5, 3)
    ahead = min_gru(x, values["Ahead.W"], values["Ahead.B"])
    behind = min_gru(x.flip(1), values["Behind.W"], values["Behind.B"]).flip(1)
    torch.testing.assert_close(program(X=x)["Both"], torch.cat([ahead, behind], -1), rtol=0, atol=1e-6)
