"""stdlib/kernels, operators, networks and transformer: equal to torch or to definitions written out here."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

import tensorlang as tl


def made(module, inputs, call, scale=0.5):
    program = tl.compile(f"import {module}\n{inputs}\nY = {module}.{call}\n")
    return program, lambda: values(program, scale)


def values(program, scale):
    """Random parameters, by the name that they have in the module."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in program.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    kept = {**dict(program.named_parameters()), **dict(program.named_buffers())}
    return {name.removeprefix("Y."): value for name, value in kept.items()}


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def same(program, wanted, **inputs):
    """Values to 1e-5, and gradients of all parameters and inputs to 1e-4, of the size of the result."""
    leaves = [p for p in program.parameters() if p.requires_grad]
    for name, value in inputs.items():
        if value.is_floating_point() and name not in ("Edge", "T"):
            leaves.append(value.requires_grad_())
    found = program(**inputs)["Y"]
    expected = wanted(**inputs)
    scale = max(1.0, float(expected.detach().abs().max()))
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-5)
    weight = torch.randn_like(expected) / scale
    mine = torch.autograd.grad((found * weight).sum(), leaves, allow_unused=True)
    theirs = torch.autograd.grad((expected * weight).sum(), leaves, allow_unused=True)
    for one, other in zip(mine, theirs, strict=True):
        if one is not None and other is not None:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
        else:
            assert one is None or not one.any()
            assert other is None or not other.any()


# --- kernels ---------------------------------------------------------------------------------------------------------


def gaussian(x, y, variance=2.0):
    return torch.exp(-(x[:, None] - y[None]).square().sum(-1) / variance)


KERNELS = {
    "Linear(X, Z)": lambda x, z: x @ z.T,
    "Polynomial(X, Z, offset=1, degree=3)": lambda x, z: (x @ z.T + 1) ** 3,
    "Gaussian(X, Z, variance=2)": gaussian,
    "Laplace(X, Z, width=1.5)": lambda x, z: torch.exp(-(x[:, None] - z[None]).norm(dim=-1) / 1.5),
}


@pytest.mark.parametrize("call", KERNELS)
def test_kernels(call):
    program, _ = made("kernels", "input X[n,i], Z[m,i]", call)
    same(program, lambda X, Z: KERNELS[call](X, Z), X=draw(6, 3), Z=draw(4, 3, seed=1))


def test_random_features_near_the_kernel():
    program = tl.compile("import kernels\ninput X[n,i]\nF = kernels.RandomFeatures(X, d=40000, variance=2)\n", dims={})
    x = draw(5, 3)
    features = program(X=x)["F"]
    torch.testing.assert_close(features @ features.T, gaussian(x, x), rtol=0, atol=0.03)


def test_a_kernel_machine():
    program, filled = made("kernels", "input X[n,i], T[n], Z[m,i]", "Machine(X, T, Z, variance=2)")
    x, t, z = draw(6, 3), draw(6, seed=3).sign(), draw(4, 3, seed=1)
    program(X=x, T=t, Z=z)
    p = filled()
    same(program, lambda X, T, Z: gaussian(Z, X) @ (F.relu(p["A"]) * T) + p["B"], X=x, T=t, Z=z)


def test_ridge_regression_solves_its_equations():
    program, _ = made("kernels", "input X[n,i], T[n], Z[m,i]", "Ridge(X, T, Z, variance=2, ridge=0.1)")
    program = program.double()

    def wanted(X, T, Z):
        return gaussian(Z, X) @ torch.linalg.solve(gaussian(X, X) + 0.1 * torch.eye(len(X), dtype=X.dtype), T)

    same(program, wanted, X=draw(8, 3).double(), T=draw(8, seed=3).double(), Z=draw(4, 3, seed=1).double())


# --- operators -------------------------------------------------------------------------------------------------------


def spectral(u, real, imaginary):
    waves = torch.fft.rfft(u)
    kept = real.shape[-1]
    mixed = torch.einsum("oik,bik->bok", torch.complex(real, imaginary), waves[..., :kept])
    return torch.fft.irfft(F.pad(mixed, (0, waves.shape[-1] - kept)), n=u.shape[-1])


@pytest.mark.parametrize("points", [9, 16])
def test_a_spectral_layer(points):
    program, filled = made("operators", "input U[b,i,x]\ndim i = 3", "Spectral1d(U, o=4, modes=4)")
    p = filled()
    same(program, lambda U: spectral(U, p["R"], p["S"]), U=draw(2, 3, points))


def test_a_fourier_neural_operator():
    call = "FNO1d(U, width=6, modes=3, layers=2, o=2)"
    program, filled = made("operators", "input U[b,i,x]\ndim i = 3", call, scale=0.3)
    p = filled()

    def wanted(U):
        place = torch.arange(U.shape[-1]) / U.shape[-1]
        s = torch.einsum("wi,bix->bwx", p["L"], U) + p["P"][:, None] * place + p["B"][:, None]
        for at in range(2):
            mixed = spectral(s, p["S.V.M.R"][at], p["S.V.M.S"][at])
            s = F.gelu(mixed + torch.einsum("ij,bjx->bix", p["S.V.W"][at], s) + p["S.V.B"][at][:, None])
        hidden = F.gelu(torch.einsum("hw,bwx->bhx", p["H"], s) + p["C"][:, None])
        return torch.einsum("oh,bhx->box", p["O"], hidden) + p["D"][:, None]

    same(program, wanted, U=draw(2, 3, 16))


def test_an_operator_holds_at_any_resolution():
    program, filled = made("operators", "input U[b,i,x]\ndim i = 1", "FNO1d(U, width=6, modes=3, layers=2, o=1)")
    filled()
    fine, coarse = torch.arange(512) / 512, torch.arange(128) / 128

    def wave(place):
        return (torch.sin(2 * math.pi * place) + 0.3 * torch.cos(4 * math.pi * place))[None, None]

    found = program(U=wave(fine))["Y"][..., ::4]
    torch.testing.assert_close(program(U=wave(coarse))["Y"], found, rtol=0, atol=0.02)


def test_a_deep_operator_network():
    program, filled = made(
        "operators", "input U[b,s], Z[q,d]\ndim s = 5, d = 2", "DeepONet(U, Z, hidden=8, features=4)"
    )
    p = filled()

    def wanted(U, Z):
        branch = torch.tanh(U @ p["W1"].T + p["B1"]) @ p["W2"].T + p["B2"]
        trunk = torch.tanh(torch.tanh(Z @ p["T1"].T + p["C1"]) @ p["T2"].T + p["C2"])
        return branch @ trunk.T + p["B"]

    same(program, wanted, U=draw(3, 5), Z=draw(6, 2, seed=1))


# --- tensor networks -------------------------------------------------------------------------------------------------


def test_the_norm_of_a_matrix_product_state():
    program, _ = made("networks", "input A[n,l,s,r]", "MPSNorm(A)")

    def wanted(A):
        state = torch.ones(1, A.shape[1])
        for site in A:
            state = torch.einsum("pl,lsr->psr", state, site).flatten(0, 1)
        return state.sum(-1).square().sum()

    same(program, wanted, A=0.5 * draw(6, 3, 2, 3))


def test_a_classifier_on_a_chain():
    program, filled = made("networks", "input X[b,n]\ndim n = 6", "MPSClassifier(X, bond=4, c=3)", scale=0.3)
    p = filled()

    def wanted(X):
        state = torch.zeros(len(X), 4).index_fill(1, torch.tensor(0), 1)
        for at in range(X.shape[1]):
            feature = torch.stack([1 - X[:, at], X[:, at]], 1)
            site = torch.eye(4) + torch.einsum("lrs,bs->blr", p["A"][at], feature)
            state = torch.einsum("bl,blr->br", state, site)
        return state @ p["W"].T

    same(program, wanted, X=torch.rand(5, 6, generator=torch.Generator().manual_seed(1)))


def test_decompositions():
    program, _ = made("networks", "input A[i,r], B[j,r], C[k,r]", "CP(A, B, C)")
    same(program, lambda A, B, C: torch.einsum("ir,jr,kr->ijk", A, B, C), A=draw(3, 2), B=draw(4, 2), C=draw(5, 2))
    program, _ = made("networks", "input G[p,q,r], A[i,p], B[j,q], C[k,r]", "Tucker(G, A, B, C)")
    same(program, lambda G, A, B, C: torch.einsum("pqr,ip,jq,kr->ijk", G, A, B, C),
         G=draw(2, 3, 2), A=draw(4, 2), B=draw(5, 3), C=draw(3, 2))  # fmt: skip


def test_layers_with_small_matrices():
    program, filled = made("networks", "input X[b,i,j]\ndim i = 3, j = 4", "TTLinear(X, o=2, p=5, rank=3)")
    p = filled()
    same(program, lambda X: torch.einsum("oir,rpj,bij->bop", p["A"], p["B"], X), X=draw(2, 3, 4))
    program, filled = made("networks", "input X[b,i,j]\ndim i = 3, j = 4", "TuckerLinear(X, o=2, p=5, rank=3)")
    q = filled()
    same(program, lambda X: torch.einsum("or,ps,rstu,it,ju,bij->bop", *(q[n] for n in "ABGCD"), X), X=draw(2, 3, 4))


# --- transformers ----------------------------------------------------------------------------------------------------


def encoder_layer(p, at=()):
    """torch's layer with our weights; ``at`` is the position of the layer in a stack."""
    theirs = torch.nn.TransformerEncoderLayer(12, 3, 20, 0.0, "gelu", batch_first=True, norm_first=True)
    value = {name: tensor.detach()[at] for name, tensor in p.items()}
    attention = torch.cat([value[f"A.{w}"].flatten(0, 1) for w in ("WQ", "WK", "WV")])
    offset = torch.cat([value[f"A.{b}"].flatten() for b in ("BQ", "BK", "BV")])
    theirs.load_state_dict({
        "self_attn.in_proj_weight": attention, "self_attn.in_proj_bias": offset,
        "self_attn.out_proj.weight": value["A.WO"].flatten(1), "self_attn.out_proj.bias": value["A.BO"],
        "linear1.weight": value["F.W1"], "linear1.bias": value["F.B1"], "linear2.weight": value["F.W2"],
        "linear2.bias": value["F.B2"], "norm1.weight": value["N.G"], "norm1.bias": value["N.B"],
        "norm2.weight": value["M.G"], "norm2.bias": value["M.B"],
    })  # fmt: skip
    return theirs.eval()


def test_an_encoder_block_is_that_of_torch():
    program, filled = made("transformer", "input X[b,t,m]\ndim m = 12", "EncoderBlock(X, h=3, k=4, f=20)", scale=0.3)
    theirs = encoder_layer(filled())
    x = draw(2, 5, 12)
    torch.testing.assert_close(program(X=x)["Y"], theirs(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["Encoder", "Decoder"])
def test_a_stack_of_blocks(kind):
    call = f"{kind}(X, layers=3, h=3, k=4, f=20)"
    program, filled = made("transformer", "input X[b,t,m]\ndim m = 12", call, scale=0.3)
    p = filled()
    blocks = {name.removeprefix("S."): value for name, value in p.items() if name.startswith("S.")}
    assert all(len(value) == 3 for value in blocks.values())
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5) if kind == "Decoder" else None
    x = draw(2, 5, 12)
    wanted = x
    for at in range(3):
        wanted = encoder_layer(blocks, at)(wanted, src_mask=mask)
    wanted = F.layer_norm(wanted, [12], p["Y.G"], p["Y.B"])
    torch.testing.assert_close(program(X=x)["Y"], wanted, rtol=0, atol=1e-5)


def test_a_language_model():
    call = "GPT(Tok, v=7, layers=2, h=3, k=4, m=12, f=20)"
    program, filled = made("transformer", "dim v = 7\ninput Tok[b,t] in v\ndim t = 5", call, scale=0.3)
    p = filled()
    assert p["E"].shape == (7, 12)
    assert p["Place"].shape == (5, 12)
    tokens = torch.tensor([[0, 6, 3, 3, 1], [5, 2, 2, 4, 0]])
    wanted = p["E"][tokens] + p["Place"]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5)
    blocks = {name.removeprefix("Y.S."): value for name, value in p.items() if name.startswith("Y.S.")}
    for at in range(2):
        wanted = encoder_layer(blocks, at)(wanted, src_mask=mask)
    wanted = F.layer_norm(wanted, [12], p["Y.Y.G"], p["Y.Y.B"]) @ p["E"].T
    torch.testing.assert_close(program(Tok=tokens)["Y"], wanted, rtol=0, atol=1e-4)
    other = program(Tok=tokens.index_fill(1, torch.tensor(4), 2))["Y"]
    torch.testing.assert_close(other[:, :4], program(Tok=tokens)["Y"][:, :4])  # what comes later is not seen
