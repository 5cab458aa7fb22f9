"""The layers of stdlib/attention.tl: equal to torch's and to what is written out here; values, gradients, scripts."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

import tensorlang as tl
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned


def compiled(call, inputs="X[b,t,m]"):
    return tl.compile(f"import attention\ninput {inputs}\ndim m = 12\nY = attention.{call}\n")


def fill(program):
    """Random values, so that no offset is 0."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in program.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return {name.removeprefix("Y."): value for name, value in program.named_parameters()}


def torch_multihead(ours, queries, keys):
    """torch.nn.MultiheadAttention with our weights."""
    heads, width = ours["WQ"].shape[:2]
    theirs = torch.nn.MultiheadAttention(queries, heads, kdim=keys, vdim=keys, batch_first=True)
    assert heads * width == queries
    with torch.no_grad():
        for name, place in (("WQ", "q_proj_weight"), ("WK", "k_proj_weight"), ("WV", "v_proj_weight")):
            getattr(theirs, place).copy_(ours[name].flatten(0, 1))
        theirs.in_proj_bias.copy_(torch.cat([ours[name].flatten() for name in ("BQ", "BK", "BV")]))
        theirs.out_proj.weight.copy_(ours["WO"].flatten(1, 2))
        theirs.out_proj.bias.copy_(ours["BO"])
    return theirs


def test_multihead_attention_is_that_of_torch():
    program = compiled("MultiHead(X, S, h=3, k=4)", "X[b,t,m], S[b,s,n]\ndim n = 10")
    ours = fill(program)
    theirs = torch_multihead(ours, 12, 10)
    x, s = torch.randn(2, 5, 12, requires_grad=True), torch.randn(2, 7, 10, requires_grad=True)
    found, wanted = program(X=x, S=s)["Y"], theirs(x, s, s, need_weights=False)[0]
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    weight = torch.randn_like(found)
    mine = torch.autograd.grad((found * weight).sum(), [x, s, ours["WK"], ours["WO"]])
    others = torch.autograd.grad((wanted * weight).sum(), [x, s, theirs.k_proj_weight, theirs.out_proj.weight])
    for one, other in zip(mine, others, strict=True):
        torch.testing.assert_close(one.flatten(), other.flatten(), rtol=0, atol=1e-4)


def test_causal_attention_sees_nothing_later():
    program = compiled("Causal(X, h=3, k=4)")
    ours = fill(program)
    weights = ours | {}
    x = torch.randn(2, 6, 12)
    q, k, v = (
        torch.einsum("hkm,btm->bhtk", weights[w], x) + weights[b][:, None]
        for w, b in (("WQ", "BQ"), ("WK", "BK"), ("WV", "BV"))
    )
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    wanted = torch.einsum("mhk,bhtk->btm", weights["WO"], z) + weights["BO"]
    torch.testing.assert_close(program(X=x)["Y"], wanted, rtol=0, atol=1e-5)
    later = x.clone()
    later[:, 4:] += 1
    assert torch.equal(program(X=later)["Y"][:, :4], program(X=x)["Y"][:, :4])


@pytest.mark.parametrize(("groups", "heads"), [(1, 3), (3, 1), (2, 3)])
def test_grouped_queries(groups, heads):
    program = compiled(f"GroupedQuery(X, g={groups}, r={heads}, k=4)")
    ours = fill(program)
    x = torch.randn(2, 6, 12)
    q = torch.einsum("grkm,btm->bgrtk", ours["WQ"], x).flatten(1, 2)
    k, v = (torch.einsum("gkm,btm->bgtk", ours[w], x).repeat_interleave(heads, 1) for w in ("WK", "WV"))
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True).unflatten(1, (groups, heads))
    wanted = torch.einsum("mgrk,bgrtk->btm", ours["WO"], z)
    torch.testing.assert_close(program(X=x)["Y"], wanted, rtol=0, atol=1e-5)


def test_sinusoidal_positions():
    x = torch.zeros(1, 50, 12)
    found = compiled("Sinusoidal(X)")(X=x)["Y"][0]
    rates = torch.exp(torch.arange(0, 12, 2) * (-math.log(10000.0) / 12))
    angle = torch.arange(50)[:, None] * rates
    torch.testing.assert_close(found[:, 0::2], torch.sin(angle), rtol=0, atol=1e-5)
    torch.testing.assert_close(found[:, 1::2], torch.cos(angle), rtol=0, atol=1e-5)


def test_rotary_products_depend_on_the_distance_only():
    program = compiled("Rotary(X)")
    one, other = torch.randn(12), torch.randn(12)
    x = torch.stack([one.expand(20, 12), other.expand(20, 12)])
    turned = program(X=x)["Y"]
    products = turned[0] @ turned[1].T
    for distance in (0, 1, 5):
        line = products.diagonal(distance)
        torch.testing.assert_close(line, line[:1].expand_as(line), rtol=0, atol=1e-4)
    half = torch.arange(6) / 6
    angle = torch.arange(20)[:, None] * 10000.0**-half
    wanted = torch.cat(
        [one[:6] * angle.cos() - one[6:] * angle.sin(), one[6:] * angle.cos() + one[:6] * angle.sin()], 1
    )
    torch.testing.assert_close(turned[0], wanted, rtol=0, atol=1e-5)


def test_hopfield_retrieval_finds_the_nearest_pattern():
    program = tl.compile("import attention\ninput X[t,d], S[s,d]\nY = attention.Hopfield(X, S, beta=50)\n")
    stored = F.normalize(torch.randn(6, 16), dim=1)
    found = program(X=stored + 0.05 * torch.randn(6, 16), S=stored)["Y"]
    torch.testing.assert_close(found, stored, rtol=0, atol=1e-2)
    soft = tl.compile("import attention\ninput X[t,d], S[s,d]\nY = attention.Hopfield(X, S, beta=0.5)\n")
    x = torch.randn(3, 16)
    torch.testing.assert_close(soft(X=x, S=stored)["Y"], torch.softmax(0.5 * x @ stored.T, 1) @ stored)


def test_kronecker_attention():
    program = compiled("Kronecker(X, k=5)", "X[b,x,y,m]")
    ours = fill(program)
    x = torch.randn(2, 3, 4, 12)
    sides = torch.cat([x.mean(2), x.mean(1)], 1)
    q, k, v = (torch.einsum("km,...m->...k", ours[w], z) for w, z in (("WQ", x), ("WK", sides), ("WV", sides)))
    a = torch.softmax(torch.einsum("bxyk,bsk->bxys", q, k) / math.sqrt(5), -1)
    torch.testing.assert_close(program(X=x)["Y"], torch.einsum("bxys,bsm->bxym", a, v), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "call", ["Causal(X, h=3, k=4)", "GroupedQuery(X, g=2, r=2, k=4)", "Rotary(X)", "Sinusoidal(X)"]
)
def test_the_layers_script(call):
    text = f"import attention\ninput X[b,t,m]\ndim m = 12\nY = attention.{call}\n"
    program = compiled(call)
    fill(program)
    checked = check(Source("test.tl", text), Options())
    generated = build(planned(checked.correct(), ("Y",)))
    scripted = torch.jit.script(generated.model(dict(program.named_parameters())))
    for length in (1, 6):
        x = torch.randn(2, length, 12)
        torch.testing.assert_close(scripted(x), program(X=x)["Y"], rtol=0, atol=1e-6)
