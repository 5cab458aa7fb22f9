"""Knowledge graphs: scores against PyTorch Geometric, losses and ranks against loops."""

from __future__ import annotations

import pytest
import torch
from graphs import drawn
from torch.func import functional_call
from torch.nn import functional
from torch_geometric import nn as geometric
from written_out import agree

import tensorlang as tl

HEAD = torch.tensor([0, 4, 2, 2])
REL = torch.tensor([2, 0, 1, 2])
TAIL = torch.tensor([3, 0, 1, 4])
GIVEN = "import kg\ndim v = 5, r = 3\ninput Head[b] in v, Rel[b] in r\n"


def all_tails(made, state):
    """Each head and relation with each tail, through a model that scores triples."""
    heads, relations = HEAD.repeat_interleave(5), REL.repeat_interleave(5)
    return functional_call(made, state, (heads, relations, torch.arange(5).repeat(4))).reshape(4, 5)


def transe(Head, Rel, E, R):
    made = geometric.TransE(5, 3, 6, p_norm=2.0)
    return all_tails(made, {"node_emb.weight": E, "rel_emb.weight": R})


def distmult(Head, Rel, E, R):
    return all_tails(geometric.DistMult(5, 3, 6), {"node_emb.weight": E, "rel_emb.weight": R})


def complex_(Head, Rel, E, F, R, Q):
    state = {"node_emb.weight": E, "node_emb_im.weight": F, "rel_emb.weight": R, "rel_emb_im.weight": Q}
    return all_tails(geometric.ComplEx(5, 3, 6), state)


def rotate(Head, Rel, E, F, Angle):
    state = {"node_emb.weight": E, "node_emb_im.weight": F, "rel_emb.weight": Angle}
    return all_tails(geometric.RotatE(5, 3, 6, margin=0.0), state)


def rescal(Head, Rel, E, R):
    return torch.einsum("bd,bde,ve->bv", E[Head], R[Rel], E)


def tucker(Head, Rel, C, E, R):
    return torch.einsum("dke,bk,bd,ve->bv", C, R[Rel], E[Head], E)


MODELS = {
    "TransE(Head, Rel, v=5, r=3, d=6)": transe,
    "DistMult(Head, Rel, v=5, r=3, d=6)": distmult,
    "ComplEx(Head, Rel, v=5, r=3, d=6)": complex_,
    "RotatE(Head, Rel, v=5, r=3, d=6)": rotate,
    "RESCAL(Head, Rel, v=5, r=3, d=6)": rescal,
    "TuckER(Head, Rel, v=5, r=3, d=6, k=2)": tucker,
}


@pytest.mark.parametrize("call", MODELS)
def test_scores_of_all_tails(call):
    agree(f"{GIVEN}Y = kg.{call}", {"Head": HEAD, "Rel": REL}, MODELS[call])


def test_rules_count_the_ways_that_facts_lead():
    facts = torch.rand(3, 5, 5, generator=torch.Generator().manual_seed(1)) < 0.3

    def meant(Head, Rel, Fact, W, V, Two):
        table = Fact.float()
        scores = torch.zeros(4, 5)
        for b, (x, r) in enumerate(zip(HEAD, REL, strict=True)):
            for p in range(3):
                along = table[p, x]
                own = 0 if p == r else W[r, p]
                two = sum(Two[r, p, q] * (along @ table[q]) for q in range(3))
                scores[b] = scores[b] + own * along + V[r, p] * table[p, :, x] + two
        return scores

    text = GIVEN + "relation Fact(r,x,z)\nY = kg.Rules(Head, Rel, Fact)"
    agree(text, {"Head": HEAD, "Rel": REL, "Fact": facts}, meant)


# --- losses --------------------------------------------------------------------------------------------------------

RIGHT, WRONG = drawn(4), drawn(4, 3, seed=1)


def self_adversarial(Right, Wrong):
    share = functional.softmax(2 * Wrong.detach(), -1)
    each = -functional.logsigmoid(3 + Right) - (share * functional.logsigmoid(-3 - Wrong)).sum(-1)
    return each.mean() / 2


LOSSES = {
    "Margin(Right, Wrong, margin=0.5)": lambda Right, Wrong: functional.margin_ranking_loss(
        Right[:, None].expand(4, 3), Wrong, torch.ones(4, 3), margin=0.5
    ),
    "Logistic(Right, Wrong)": lambda Right, Wrong: (
        functional.binary_cross_entropy_with_logits(Right, torch.ones(4))
        + functional.binary_cross_entropy_with_logits(Wrong, torch.zeros(4, 3))
    ),
    "SelfAdversarial(Right, Wrong, margin=3, temperature=2)": self_adversarial,
}


@pytest.mark.parametrize("call", LOSSES)
def test_losses_of_right_and_wrong(call):
    agree(f"import kg\ninput Right[b], Wrong[b,k]\nY = kg.{call}", {"Right": RIGHT, "Wrong": WRONG}, LOSSES[call])


def test_one_tail_among_all():
    text = "import kg\ndim v\ninput S[b,v], Tail[b] in v\nY = kg.OneToAll(S, Tail)"
    agree(text, {"S": drawn(4, 5), "Tail": TAIL}, lambda S, Tail: functional.cross_entropy(S, Tail))


# --- ranks ---------------------------------------------------------------------------------------------------------


def test_ranks_leave_out_what_is_known():
    scores = torch.round(2 * drawn(40, 9)) / 2  # so that some are the same
    tails = torch.randint(9, (40,), generator=torch.Generator().manual_seed(2))
    known = torch.rand(40, 9, generator=torch.Generator().manual_seed(3)) < 0.3
    known[torch.arange(40), tails] = True
    text = (
        "import kg\ndim v\ninput S[b,v], Tail[b] in v\nrelation Known(b,v)\nY = kg.Rank(S, Tail, Known)\n"
        "M = kg.MRR(Y)\nH = kg.Hits(Y, k=3)\noutput Y, M, H"
    )
    found = tl.compile(text)(S=scores, Tail=tails, Known=known)
    wanted = []
    for row, tail, out in zip(scores, tails, known, strict=True):
        others = [float(row[v]) for v in range(9) if not out[v]]
        best = 1 + sum(other > row[tail] for other in others)
        worst = best + sum(other == row[tail] for other in others)
        wanted.append((best + worst) / 2)
    ranks = torch.tensor(wanted)
    torch.testing.assert_close(found["Y"], ranks)
    torch.testing.assert_close(found["M"], (1 / ranks).mean())
    torch.testing.assert_close(found["H"], (ranks <= 3).float().mean())
