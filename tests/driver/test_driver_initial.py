"""First values: their scale follows what is summed, whatever the order of the axes."""

from __future__ import annotations

import pytest
import torch

import tensorlang as tl


def first(declaration, equation, **options):
    program = tl.compile(f"dim o = 40, i = 90, h = 3\ninput X[b,i]\n{declaration}\n{equation}", **options)
    return program.get_parameter("W").detach()


@pytest.mark.parametrize(
    ("shape", "read", "fans"),
    [
        ("o,i", "W[o,i] X[b,i]", (90, 40)),
        ("i,o", "W[i,o] X[b,i]", (90, 40)),
        ("h,o,i", "W[h,o,i] X[b,i]", (90, 120)),
        ("o,h,i", "W[o,h,i] X[b,i]", (270, 40)),
    ],
)
def test_glorot_and_he_and_mup(shape, read, fans):
    left = "Y[b,h,o]" if fans[1] == 120 else "Y[b,o]"
    fan_in, fan_out = fans
    glorot = first(f"param W[{shape}]", f"{left} = {read}")
    assert glorot.abs().max().item() == pytest.approx((6 / (fan_in + fan_out)) ** 0.5, rel=0.02)
    he = first(f"param W[{shape}] ~ he()", f"{left} = {read}")
    assert he.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
    mup = first(f"param W[{shape}] ~ mup()", f"{left} = {read}")
    assert mup.std().item() == pytest.approx(fan_in**-0.5, rel=0.05)


def test_a_convolution_counts_its_window():
    program = tl.compile(
        "input X[b,x,c]\ndim c = 5, k = 7, o = 30\nparam F[o,k,c] ~ he()\nY[b,x,o] = F[o,k,c] X[b,x+k,c]"
    )
    assert program.F.std().item() == pytest.approx((2 / 35) ** 0.5, rel=0.05)


@pytest.mark.parametrize(
    ("init", "expected"),
    [("zeros()", 0.0), ("ones()", 1.0), ("const(2.5)", 2.5)],
)
def test_constants(init, expected):
    assert (first(f"param W[o,i] ~ {init}", "Y[b,o] = W[o,i] X[b,i]") == expected).all()


def test_normal_and_uniform():
    normal = first("param W[o,i] ~ normal(2, 0.5)", "Y[b,o] = W[o,i] X[b,i]")
    assert (normal.mean().item(), normal.std().item()) == pytest.approx((2, 0.5), rel=0.05)
    uniform = first("param W[o,i] ~ uniform(2, 3)", "Y[b,o] = W[o,i] X[b,i]")
    assert 2 <= uniform.min() < 2.01
    assert 2.99 < uniform.max() <= 3


def test_eye_and_orthogonal():
    assert torch.equal(first("param W[o,i] ~ eye()", "Y[b,o] = W[o,i] X[b,i]"), torch.eye(40, 90))
    wide = first("param W[o,i] ~ orthogonal()", "Y[b,o] = W[o,i] X[b,i]")
    torch.testing.assert_close(wide @ wide.T, torch.eye(40), atol=1e-5, rtol=0)
    tall = first("param W[i,o] ~ orthogonal(2)", "Y[b,o] = W[i,o] X[b,i]")
    torch.testing.assert_close(tall.T @ tall, 4 * torch.eye(40), atol=1e-4, rtol=0)


@pytest.mark.parametrize("init", ["glorot", "he", "mup", "orthogonal", "normal"])
@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_precisions(init, dtype):
    value = first(f"param W[o,i] ~ {init}()", "Y[b,o] = W[o,i] X[b,i]", dtype=dtype)
    assert value.dtype == getattr(torch, dtype)
    assert value.isfinite().all()


def test_complex_parameters():
    program = tl.compile("dim o = 40, i = 90\ninput X[b,i]\nparam complex W[o,i] ~ he()\nY[b,o] = W[o,i] X[b,i]")
    assert program.W.dtype == torch.complex64
    assert program.W.abs().square().mean().item() == pytest.approx(2 / 90, rel=0.05)


def test_without_a_word():
    program = tl.compile("dim i = 4\nparam W[i,i'], B[i], s\nY = W[i,i'] B[i] s")
    assert program.W.abs().sum() > 0
    assert program.B.tolist() == [0] * 4
    assert program.s.item() == 0


STACKED = (
    "input X[b,i]\ndim i = 50, l = 4\nparam W[l,i,i'] ~ {}\nH[0,b,i] = X[b,i]\nH[l+1,b,i] = tanh(W[l,i,i'] H[l,b,i'])\n"
)


@pytest.mark.parametrize("init", ["glorot()", "he()", "mup()"])
def test_layers_start_as_one_of_them_does(init):
    """An axis of layers, which only a recurrence reads, is neither an input nor an output."""
    one = tl.compile(f"input X[b,i]\ndim i = 50\nparam W[i,i'] ~ {init}\nY[b,i] = tanh(W[i,i'] X[b,i'])").W
    stacked = tl.compile(STACKED.format(init) + "Y[b,i] = H[-1,b,i]\noutput Y").W
    assert stacked.std().item() == pytest.approx(one.std().item(), rel=0.05)


def test_every_layer_is_orthogonal():
    weights = tl.compile(STACKED.format("orthogonal()") + "Y[b,i] = H[-1,b,i]\noutput Y").W
    torch.testing.assert_close(weights @ weights.mT, torch.eye(50).expand(4, 50, 50), rtol=0, atol=1e-5)


def test_a_block_of_a_stack_starts_as_one_alone():
    text = "import transformer\ninput X[b,t,m]\ndim m = 64\nY = transformer.{}\n"
    alone = dict(tl.compile(text.format("EncoderBlock(X, h=4, k=16, f=256)")).named_parameters())
    stack = dict(tl.compile(text.format("Encoder(X, layers=3, h=4, k=16, f=256)")).named_parameters())
    for name in ("A.WQ", "A.WO", "F.W1", "F.W2"):
        one, several = alone[f"Y.{name}"], stack[f"Y.S.{name}"]
        assert several.std().item() == pytest.approx(one.std().item(), rel=0.05)


def test_what_is_summed_outside_of_a_function_is_no_input_of_what_stands_inside():
    nested = first("param W[h,i] ~ he(), V[o,h]", "Y[b,o] = V[o,h] relu(W[h,i] X[b,i])")
    assert nested.std().item() == pytest.approx((2 / 90) ** 0.5, rel=0.1)
