"""stdlib/transformer.tl and attention.tl: blocks equal to torch's layers with the same weights; vision transformers."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import tensorlang as tl

M, H, K, HIDDEN = 12, 3, 4, 20


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def made(inputs, call, module="transformer"):
    program = tl.compile(f"import {module}\n{inputs}\nY = {module}.{call}\n", dtype="float64")
    with torch.no_grad():
        for at, parameter in enumerate(program.parameters()):
            parameter.copy_(0.3 * draw(*parameter.shape, seed=at))
    return program


def attention_weights(p, name, into):
    """Our attention as the parameters of torch's; both are views of the same leaves."""
    weights = torch.cat([p[f"{name}.{w}"].flatten(0, 1) for w in ("WQ", "WK", "WV")])
    offsets = torch.cat([p[f"{name}.{b}"].flatten() for b in ("BQ", "BK", "BV")])
    out = p[f"{name}.WO"].flatten(1)
    return {f"{into}.in_proj_weight": weights, f"{into}.in_proj_bias": offsets,
            f"{into}.out_proj.weight": out, f"{into}.out_proj.bias": p[f"{name}.BO"]}  # fmt: skip


def linear_weights(p, name="F"):
    return {"linear1.weight": p[f"{name}.W1"], "linear1.bias": p[f"{name}.B1"],
            "linear2.weight": p[f"{name}.W2"], "linear2.bias": p[f"{name}.B2"]}  # fmt: skip


def norm_weights(p, names):
    found = {f"norm{at}.weight": p[f"{name}.G"] for at, name in enumerate(names, 1)}
    return found | {f"norm{at}.bias": p[f"{name}.B"] for at, name in enumerate(names, 1)}


def encoder(pre, activation, names, dropout=0.0):
    theirs = torch.nn.TransformerEncoderLayer(
        M, H, HIDDEN, dropout, activation, batch_first=True, norm_first=pre, dtype=torch.float64
    )

    def run(p, x, memory, mask):
        weights = attention_weights(p, "A", "self_attn") | linear_weights(p) | norm_weights(p, names)
        return torch.func.functional_call(theirs, weights, (x,), {"src_mask": mask})

    return run


def decoder(pre, activation, names):
    theirs = torch.nn.TransformerDecoderLayer(
        M, H, HIDDEN, 0.0, activation, batch_first=True, norm_first=pre, dtype=torch.float64
    )

    def run(p, x, memory, mask):
        weights = attention_weights(p, "A", "self_attn") | attention_weights(p, "C", "multihead_attn")
        weights |= linear_weights(p) | norm_weights(p, names)
        return torch.func.functional_call(theirs, weights, (x, memory), {"tgt_mask": mask})

    return run


BLOCKS = {
    "EncoderBlock(X, h=3, k=4, f=20)": (encoder(True, "gelu", ("N", "M")), False),
    "DecoderBlock(X, h=3, k=4, f=20)": (encoder(True, "gelu", ("N", "M")), True),
    "PostEncoderBlock(X, h=3, k=4, f=20)": (encoder(False, "relu", ("S", "Y")), False),
    "CrossDecoderBlock(X, Memory, h=3, k=4, f=20)": (decoder(True, "gelu", ("N", "M", "L")), True),
    "PostDecoderBlock(X, Memory, h=3, k=4, f=20)": (decoder(False, "relu", ("S", "T", "Y")), True),
}


@pytest.mark.parametrize("call", BLOCKS)
def test_a_block_is_that_of_torch(call):
    theirs, masked = BLOCKS[call]
    given = "X, Memory" if "Memory" in call else "X"
    program = made(f"input X[b,t,m]{', Memory[b,s,m]' if 'Memory' in call else ''}\ndim m = 12", call)
    x, memory = draw(2, 5, M).requires_grad_(), draw(2, 7, M, seed=1).requires_grad_()
    inputs = {"X": x, "Memory": memory} if "Memory" in given else {"X": x}
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64) if masked else None
    p = {name.removeprefix("Y."): value for name, value in program.named_parameters()}
    found, wanted = program(**inputs)["Y"], theirs(p, x, memory, mask)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)
    weight, leaves = draw(2, 5, M, seed=2), [*inputs.values(), *program.parameters()]
    mine = torch.autograd.grad((found * weight).sum(), leaves)
    others = torch.autograd.grad((wanted * weight).sum(), leaves)
    for one, other in zip(mine, others, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-8)


def test_a_stack_that_asks_an_encoder():
    program = made("input X[b,t,m], Memory[b,s,m]\ndim m = 12", "CrossDecoder(X, Memory, layers=2, h=3, k=4, f=20)")
    x, memory = draw(2, 5, M), draw(2, 7, M, seed=1)
    p = {name.removeprefix("Y."): value for name, value in program.named_parameters()}
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
    wanted = x
    for layer in range(2):
        own = {name.removeprefix("S."): value[layer] for name, value in p.items() if name.startswith("S.")}
        wanted = decoder(True, "gelu", ("N", "M", "L"))(own, wanted, memory, mask)
    wanted = F.layer_norm(wanted, [M], p["Y.G"], p["Y.B"])
    torch.testing.assert_close(program(X=x, Memory=memory)["Y"], wanted, rtol=0, atol=1e-9)


def test_a_gated_perceptron():
    program = made("input X[b,m]\ndim m = 12", "GatedFeedForward(X, f=20)")
    p, x = dict(program.named_parameters()), draw(4, M)
    wanted = (F.silu(x @ p["Y.W1"].T) * (x @ p["Y.V"].T)) @ p["Y.W2"].T
    torch.testing.assert_close(program(X=x)["Y"], wanted)


def test_a_vision_transformer():
    """Patches by torch's convolution, blocks by its layers: values and gradients."""
    call = "ViT(X, patch=3, layers=2, h=3, k=4, m=12, f=20, o=5)"
    program = made("input X[b,c,x,y]\ndim c = 2, x = 7, y = 9", call)
    p = {name.removeprefix("Y."): value for name, value in program.named_parameters()}
    image = draw(3, 2, 7, 9).requires_grad_()
    squares = F.conv2d(image, p["W"], p["B"], stride=3).flatten(2).mT
    assert squares.shape == (3, 6, M)
    assert p["Place"].shape == (7, M)
    stream = torch.cat((p["Class"].expand(3, 1, M), squares), 1) + p["Place"]
    for layer in range(2):
        own = {name.removeprefix("Y.S."): value[layer] for name, value in p.items() if name.startswith("Y.S.")}
        stream = encoder(True, "gelu", ("N", "M"))(own, stream, None, None)
    wanted = F.layer_norm(stream, [M], p["Y.Y.G"], p["Y.Y.B"])[:, 0] @ p["Head"].T + p["BH"]
    found = program(X=image)["Y"]
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)
    leaves = [image, *program.parameters()]
    mine = torch.autograd.grad(found.square().sum(), leaves)
    others = torch.autograd.grad(wanted.square().sum(), leaves)
    for one, other in zip(mine, others, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-7)


DROPPING = {
    "EncoderBlock": encoder(True, "gelu", ("N", "M"), 0.2),
    "PostEncoderBlock": encoder(False, "relu", ("S", "Y"), 0.2),
}


@pytest.mark.parametrize("block", DROPPING)
def test_dropout_in_a_block(block):
    """Mean and spread over many draws are those of torch's layer; evaluation is the block without, by a fused one."""
    program = made("input X[b,t,m]\ndim m = 12", f"{block}(X, h=3, k=4, f=20, p=0.2)")
    p = {name.removeprefix("Y."): value for name, value in program.named_parameters()}
    x, count = draw(2, 5, M), 800
    with torch.no_grad():
        mine = torch.stack([program(X=x)["Y"] for _ in range(count)])
        others = torch.stack([DROPPING[block](p, x, None, None) for _ in range(count)])
        error = (mine.var(0) + others.var(0)).sqrt() / count**0.5
        assert ((mine.mean(0) - others.mean(0)).abs() / error).max() < 5
        torch.testing.assert_close(mine.std(0), others.std(0), rtol=0.3, atol=0.02)
        plain = made("input X[b,t,m]\ndim m = 12", f"{block}(X, h=3, k=4, f=20)")
        torch.testing.assert_close(program.eval()(X=x)["Y"], plain(X=x)["Y"])
    assert "scaled_dot_product_attention" in program.source


def test_dropout_in_a_stack_is_drawn_for_each_layer():
    text = (
        "import transformer\ninput X[b,t,m]\ndim m = 12\nY = transformer.Encoder(X, layers=3, h=3, k=4, f=20, p=0.5)\n"
    )
    program = tl.compile(text)
    x = draw(2, 5, M).float()
    assert not torch.equal(program(X=x)["Y"], program(X=x)["Y"])
    again = tl.compile(text)
    torch.testing.assert_close(again(X=x)["Y"], tl.compile(text)(X=x)["Y"])


# --- attention and activations -------------------------------------------------------------------------------------


def test_a_hopfield_layer():
    program = made("input X[b,t,d], S[b,s,n]\ndim d = 5, n = 6", "HopfieldLayer(X, S, k=4, o=3, beta=2)", "attention")
    p = {name.removeprefix("Y."): value for name, value in program.named_parameters()}
    x, stored = draw(2, 3, 5).requires_grad_(), draw(2, 7, 6, seed=1).requires_grad_()
    keys = stored @ p["WK"].T
    wanted = torch.softmax(2 * (x @ p["WQ"].T) @ keys.mT, -1) @ keys @ p["WV"].T
    found = program(X=x, S=stored)["Y"]
    torch.testing.assert_close(found, wanted)
    leaves = [x, stored, *program.parameters()]
    mine = torch.autograd.grad(found.square().sum(), leaves)
    for one, other in zip(mine, torch.autograd.grad(wanted.square().sum(), leaves), strict=True):
        torch.testing.assert_close(one, other)


def test_the_bilinear_unit():
    found = tl.function("import activation\ninput X[b,d]\nY = activation.Bilinear(X)", dtype="float64")(draw(3, 8))
    left, right = draw(3, 8).chunk(2, 1)
    torch.testing.assert_close(found, left * right)


@pytest.mark.parametrize(
    ("call", "axes", "theirs"),
    [
        ("MaxPool1d(X, s=2)", "b,x", lambda x: F.max_pool1d(x[:, None], 2)[:, 0]),
        ("AvgPool1d(X, s=3)", "b,x", lambda x: F.avg_pool1d(x[:, None], 3)[:, 0]),
        ("MaxPool3d(X, s=2)", "b,x,y,z", lambda x: F.max_pool3d(x[:, None], 2)[:, 0]),
        ("AvgPool3d(X, s=2)", "b,x,y,z", lambda x: F.avg_pool3d(x[:, None], 2)[:, 0]),
    ],
)
def test_pools_of_signals_and_volumes(call, axes, theirs):
    x = draw(*(3, 7, 4, 6)[: axes.count(",") + 1]).requires_grad_()
    found, wanted = tl.function(f"import conv\ninput X[{axes}]\nY = conv.{call}", dtype="float64")(x), theirs(x)
    torch.testing.assert_close(found, wanted)
    (mine,), (other,) = torch.autograd.grad(found.square().sum(), x), torch.autograd.grad(wanted.square().sum(), x)
    torch.testing.assert_close(mine, other)
