"""Soft truth at its corners and by formula; closures against networkx; embedded relations against what they embed."""

from __future__ import annotations

import networkx
import pytest
import torch
from graphs import drawn, random_edges
from written_out import agree

import tensorlang as tl

# The corners A, B = 00, 01, 10, 11.
CORNERS = {
    **dict.fromkeys(("And", "AndBounded", "AndLeast"), (0, 0, 0, 1)),
    **dict.fromkeys(("Or", "OrBounded", "OrMost"), (0, 1, 1, 1)),
    **dict.fromkeys(("Implies", "ImpliesBounded"), (1, 1, 0, 1)),
}
BETWEEN = {
    "And": lambda A, B: A * B,
    "Or": lambda A, B: 1 - (1 - A) * (1 - B),
    "AndBounded": lambda A, B: torch.relu(A + B - 1),
    "OrBounded": lambda A, B: 1 - torch.relu(1 - A - B),
    "AndLeast": lambda A, B: torch.minimum(A, B),
    "OrMost": lambda A, B: torch.maximum(A, B),
    "Implies": lambda A, B: torch.where(A <= B, torch.ones_like(A), B / A),
    "ImpliesBounded": lambda A, B: 1 - torch.relu(A - B),
}


def applied(call, **inputs):
    axes = {1: "x", 2: "x,y", 3: "x,y,z"}
    declared = "".join(f"input {name}[{axes[value.dim()]}]\n" for name, value in inputs.items())
    return tl.compile(f"import logic\n{declared}Y = logic.{call}\noutput Y")(**inputs)["Y"]


@pytest.mark.parametrize("name", CORNERS)
def test_of_0_and_1_it_is_logic(name):
    a, b = torch.tensor([0.0, 0, 1, 1]), torch.tensor([0.0, 1, 0, 1])
    assert applied(f"{name}(A, B)", A=a, B=b).tolist() == list(CORNERS[name])


@pytest.mark.parametrize("name", BETWEEN)
def test_between(name):
    values = {"A": torch.sigmoid(2 * drawn(30)), "B": torch.sigmoid(2 * drawn(30, seed=1))}
    agree(f"import logic\ninput A[x], B[x]\nY = logic.{name}(A, B)", values, BETWEEN[name])


@pytest.mark.parametrize(("first", "then"), [("And", "Implies"), ("AndBounded", "ImpliesBounded")])
def test_what_implies_gives_is_the_most_that_makes_both_no_truer(first, then):
    a, b = torch.rand(50, generator=torch.Generator().manual_seed(1)), torch.rand(50)
    most = applied(f"{then}(A, B)", A=a, B=b)
    assert (applied(f"{first}(A, B)", A=a, B=most) <= b + 1e-6).all()
    more = (most + 0.01).clamp(max=1)
    assert ((applied(f"{first}(A, B)", A=a, B=more) > b) | (most == 1)).all()


@pytest.mark.parametrize("p", [1, 2, 6])
def test_for_all_and_for_some(p):
    values = {"A": torch.sigmoid(2 * drawn(5, 4))}
    head = "import logic\ninput A[b,x]\n"
    agree(f"{head}Y = logic.Exists(A, p={p})", values, lambda A: (A**p).mean(-1) ** (1 / p))
    agree(f"{head}Y = logic.ForAll(A, p={p})", values, lambda A: 1 - ((1 - A) ** p).mean(-1) ** (1 / p))
    corners = torch.tensor([[0.0, 0], [1, 1]])
    assert applied(f"Exists(A, p={p})", A=corners).tolist() == [0, 1]
    assert applied(f"ForAll(A, p={p})", A=corners).tolist() == [0, 1]


@pytest.mark.parametrize("call", ["Exists(A)", "ForAll(A)", "Implies(A, A)"])
def test_gradients_are_numbers_where_nothing_or_all_is_true(call):
    a = torch.tensor([[0.0, 0], [1, 1]]).requires_grad_()
    applied(call, A=a).sum().backward()
    assert a.grad.isfinite().all()


def test_a_decision_at_a_temperature():
    x = torch.tensor([0.2, 0.5, 0.6])
    assert applied("Decide(X)", X=x).tolist() == [0, 0, 1]
    torch.testing.assert_close(applied("Decide(X, temperature=0.1)", X=x), torch.sigmoid((x - 0.5) / 0.1))


# --- closures ------------------------------------------------------------------------------------------------------


def deduced(name, edges):
    return tl.compile(f"import logic\nrelation R(x,y)\nY = logic.{name}(R)\noutput Y")(R=edges)["Y"]


@pytest.mark.parametrize("seed", range(4))
def test_reach_is_the_transitive_closure(seed):
    edges = random_edges(12, seed=seed, density=0.12)
    closure = networkx.transitive_closure(networkx.from_numpy_array(edges.numpy(), create_using=networkx.DiGraph))
    assert torch.equal(deduced("Reach", edges), torch.from_numpy(networkx.to_numpy_array(closure)).bool())


def test_same_generation():
    """A forest of two trees: the same depth below a common ancestor."""
    parents = [None, 0, 0, 1, 1, 2, 5, 3, None, 8]
    edges = torch.zeros(10, 10, dtype=torch.bool)
    for child, parent in enumerate(parents):
        if parent is not None:
            edges[parent, child] = True

    def above(x):
        return [] if parents[x] is None else [parents[x], *above(parents[x])]

    wanted = [[any(p == q for p, q in zip(above(x), above(y), strict=False)) for y in range(10)] for x in range(10)]
    assert deduced("SameGeneration", edges).tolist() == wanted


# --- vectors -------------------------------------------------------------------------------------------------------

EMBEDDING = torch.linalg.qr(drawn(16, 16, seed=4)).Q[:9]  # nine vectors at right angles
R, S = random_edges(9, seed=1).float(), random_edges(9, seed=2).float()


def test_sets_and_relations_come_back_from_their_embeddings():
    members = torch.tensor([1.0, 0, 0, 1, 1, 0, 0, 0, 1])
    text = "import logic\ninput V[x], Emb[x,d], R[x,y], S[x,y]\n"
    text += "Y = logic.Members(logic.Superpose(V, Emb), Emb)\nE = logic.Embed(R, Emb)\nF = logic.Embed(S, Emb)\n"
    text += "D = logic.Retrieve(E, Emb)\nT = logic.Retrieve(logic.Compose(E, F), Emb)\noutput Y, D, T"
    found = tl.compile(text)(V=members, Emb=EMBEDDING, R=R, S=S)
    torch.testing.assert_close(found["Y"], members, rtol=0, atol=1e-5)
    torch.testing.assert_close(found["D"], R, rtol=0, atol=1e-5)
    torch.testing.assert_close(found["T"], R @ S, rtol=0, atol=1e-5)


def analogy(R, S, Emb):
    like = torch.sigmoid((Emb @ Emb.T - 0.5) / 0.3)
    return torch.sigmoid((like @ R @ like @ S @ like - 0.5) / 0.3)


def test_analogy():
    text = "import logic\ninput R[x,y], S[y,z], Emb[x,d]\nY = logic.Analogy(R, S, Emb, temperature=0.3)"
    agree(text, {"R": R, "S": S, "Emb": EMBEDDING + 0.2 * drawn(9, 16)}, analogy)
    text = "import logic\ninput R[x,y], S[y,z], Emb[x,d]\nY = logic.Analogy(R, S, Emb)"
    assert torch.equal(tl.compile(text)(R=R, S=S, Emb=EMBEDDING)["Y"], (R @ S > 0).float())


def test_invented_predicates():
    def meant(M, C):
        return torch.einsum("rpq,xp,yq->rxy", C, M, M)

    agree("import logic\nY = logic.Invent(r=2, x=5, p=3)", {}, meant)
