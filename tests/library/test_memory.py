"""Networks that store and recall, against loops in torch; the choices of slots against their odds."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from written_out import agree

import tensorlang as tl

SEQUENCE = "import memory\ndim i = 3\ninput X[b,t,i]\n"


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# --- recall --------------------------------------------------------------------------------------------------------


def turned_one_by_one(patterns, state, steps):
    weights = patterns.T @ patterns / patterns.shape[1]
    weights.fill_diagonal_(0)
    states = [state]
    for k in range(steps):
        state = state.clone()
        pull = weights[k % len(weights)] @ state.T
        state[:, k % len(weights)] = torch.where(pull == 0, state[:, k % len(weights)], torch.sign(pull))
        states.append(state)
    energies = torch.stack([-0.5 * torch.einsum("bi,ij,bj->b", s, weights, s) for s in states])
    return state, energies


def test_hopfield_recalls_while_its_energy_falls():
    patterns = torch.sign(drawn(3, 48))
    noisy = patterns.clone()
    noisy[:, ::6] *= -1
    text = "import memory\ninput P[p,i], S[b,i]\nY = memory.Hopfield(P, S, steps=96)\nE[k,b] = Y.E[k,b]\noutput Y, E"
    found, energy = tl.function(text)(patterns, noisy).values()
    meant, energies = turned_one_by_one(patterns, noisy, 96)
    assert torch.equal(found, meant)
    assert torch.equal(found, patterns)
    assert energy.shape == (97, 3)
    torch.testing.assert_close(energy, energies, rtol=1e-5, atol=1e-5)
    assert (energy.diff(dim=0) <= 1e-5).all()
    assert (energy[-1] < energy[0] - 1).all()


def test_a_unit_that_nothing_pulls_stays():
    run = tl.function("import memory\ninput P[p,i], S[i]\nY = memory.Hopfield(P, S, steps=6)")
    assert run(torch.zeros(1, 3), torch.tensor([1.0, -1, 1])).tolist() == [1, -1, 1]


@pytest.mark.parametrize("steps", [1, 3])
def test_modern_recall_is_attention_to_the_patterns(steps):
    def meant(P, S):
        for _ in range(steps):
            S = functional.scaled_dot_product_attention(S, P, P, scale=2.0)
        return S

    text = f"import memory\ninput P[p,d], S[b,d]\nY = memory.Modern(P, S, beta=2, steps={steps})"
    agree(text, {"P": drawn(5, 4), "S": drawn(2, 4, seed=1)}, meant)


# --- memories that learn while they read ---------------------------------------------------------------------------


def titan(X, WK, WQ, WV, WG, BG):
    """The gradient of the error is asked of torch."""
    keys, queries = (functional.normalize(X @ w.mT, dim=-1) for w in (WK, WQ))
    values, gates = X @ WV.mT, torch.sigmoid(X @ WG.mT + BG)
    memory = momentum = torch.zeros(len(X), len(WV), len(WK))
    answers = []
    for t in range(X.shape[1]):
        k, v = keys[:, t], values[:, t]
        at = memory if memory.requires_grad else memory.requires_grad_()
        error = ((torch.einsum("bod,bd->bo", at, k) - v) ** 2).sum()
        (slope,) = torch.autograd.grad(error, at, create_graph=True)
        keep, rate, forget = (gates[:, t, g, None, None] for g in range(3))
        momentum = keep * momentum - rate * slope
        memory = (1 - forget) * memory + momentum
        answers.append(torch.einsum("bod,bd->bo", memory, queries[:, t]))
    return torch.stack(answers, 1)


def fast_weights(X, WK, WQ, WV, WR, BR):
    keys, queries = (torch.softmax(X @ w.mT, -1) for w in (WK, WQ))
    values, shares = X @ WV.mT, torch.sigmoid(X @ WR + BR)
    fast = torch.zeros(len(X), len(WV), len(WK))
    answers = []
    for t in range(X.shape[1]):
        k = keys[:, t, None]
        held = (fast * k).sum(-1)
        fast = fast + (shares[:, t, None] * (values[:, t] - held))[..., None] * k
        answers.append((fast * queries[:, t, None]).sum(-1))
    return torch.stack(answers, 1)


def test_memory_learns_by_the_gradient_of_its_error():
    agree(SEQUENCE + "Y = memory.Titan(X, d=4, o=2)", {"X": drawn(2, 6, 3)}, titan)


def test_fast_weights():
    agree(SEQUENCE + "Y = memory.FastWeights(X, d=4, o=2)", {"X": drawn(2, 6, 3)}, fast_weights)


# --- choices -------------------------------------------------------------------------------------------------------

CHOICE = "import memory\ninput L[n,s]\nY = memory.Choice(L, temperature=0.5)"


def test_choices_are_drawn_with_their_odds():
    odds = torch.tensor([1.0, 2, 3, 0.5])
    chosen = tl.compile(CHOICE)(L=torch.log(odds).expand(20_000, 4))["Y"]
    assert torch.equal(chosen.unique(), torch.tensor([0.0, 1.0]))
    assert torch.equal(chosen.sum(-1), torch.ones(20_000))
    torch.testing.assert_close(chosen.mean(0), odds / odds.sum(), rtol=0, atol=0.015)


def test_the_gradient_of_a_choice_is_that_of_the_softmax_under_the_same_draws():
    logits, weight = drawn(6, 4), drawn(6, 4, seed=1)
    ours = logits.clone().requires_grad_()
    (tl.compile(CHOICE, seed=7)(L=ours)["Y"] * weight).sum().backward()
    theirs = logits.clone().requires_grad_()
    noise = -torch.log(-torch.log(torch.rand(6, 4, generator=torch.Generator().manual_seed(7))))
    (torch.softmax((theirs + noise) / 0.5, -1) * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)


def slots(X, WS, WV, WQ):
    """With odds so clear that the draws do not matter."""
    chosen = functional.one_hot((X @ WS.mT).argmax(-1), len(WS)).to(X.dtype)
    values, queries = X @ WV.mT, X @ WQ.mT
    held = torch.zeros(len(X), len(WS), len(WV))
    answers = []
    for t in range(X.shape[1]):
        w = chosen[:, t, :, None]
        held = (1 - w) * held + w * values[:, t, None]
        found = torch.softmax(torch.einsum("bsd,bd->bs", held, queries[:, t]) / len(WV) ** 0.5, -1)
        answers.append(torch.einsum("bs,bsd->bd", found, held))
    return torch.stack(answers, 1)


def test_slots_are_overwritten_and_read_by_content():
    program = tl.compile(SEQUENCE + "Y = memory.Slots(X, s=3, d=4)")
    values = {"Y.WS": 1000 * torch.eye(3), "Y.WV": drawn(4, 3, seed=1), "Y.WQ": drawn(4, 3, seed=2)}
    program.load_state_dict(values)
    x = drawn(2, 6, 3)
    wanted = slots(x, **{name.removeprefix("Y."): value for name, value in values.items()})
    torch.testing.assert_close(program(X=x)["Y"], wanted, rtol=0, atol=1e-5)


def test_the_addresses_of_slots_learn():
    """Through a choice that is 0 or 1, the gradient still reaches what chose."""
    program = tl.compile(SEQUENCE + "Y = memory.Slots(X, s=3, d=4, temperature=2)")
    program(X=drawn(2, 6, 3))["Y"].square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 1e-4 for p in program.parameters())
