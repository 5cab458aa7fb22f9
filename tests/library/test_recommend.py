"""Recommendation against layers of torch and LightGCN of PyTorch Geometric with the same weights."""

from __future__ import annotations

import torch
from graphs import drawn
from torch.func import functional_call
from torch.nn import functional
from torch_geometric import nn as geometric
from written_out import agree

GIVEN = "import recommend\ndim u = 4, v = 5\ninput User[b] in u, Item[b] in v\n"
USER, ITEM = torch.tensor([0, 3, 3, 1]), torch.tensor([4, 4, 0, 2])
LIKED = torch.rand(4, 5, generator=torch.Generator().manual_seed(1)) < 0.5
LIKED[2] = False


def test_factors_with_biases():
    def meant(User, Item, P, Q, BU, BV, Mean):
        pair = (functional.embedding(User, P) * functional.embedding(Item, Q)).sum(-1)
        return Mean + BU[User] + BV[Item] + pair

    agree(f"{GIVEN}Y = recommend.Factors(User, Item, u=4, v=5, d=3)", {"User": USER, "Item": ITEM}, meant)


def test_products_beside_a_perceptron():
    def meant(User, Item, P, Q, PM, QM, WU, WV, C, W2, C2, AG, AM, B):
        net = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2), torch.nn.ReLU())
        state = {"0.weight": torch.cat([WU, WV], 1), "0.bias": C, "2.weight": W2, "2.bias": C2}
        deep = functional_call(net, state, torch.cat([PM[User], QM[Item]], 1))
        both = torch.cat([P[User] * Q[Item], deep], 1)
        return functional.linear(both, torch.cat([AG, AM])[None], B.reshape(1))[:, 0]

    agree(f"{GIVEN}Y = recommend.NeuMF(User, Item, u=4, v=5, d=3, h=4, o=2)", {"User": USER, "Item": ITEM}, meant)


def test_light_gcn_is_that_of_pytorch_geometric():
    def meant(Liked, P, Q):
        user, item = Liked.nonzero().unbind(-1)
        index = torch.cat([torch.stack([user, item + 4]), torch.stack([item + 4, user])], 1)
        found = torch.cat([P, Q])
        total = found
        made = geometric.conv.LGConv()
        for _ in range(3):
            found = made(found, index)
            total = total + found
        return total[:4] @ total[4:].T / 16

    text = "import recommend\ndim u = 4, v = 5\nrelation Liked(u,v)\nY = recommend.LightGCN(Liked, d=3, steps=3)"
    agree(text, {"Liked": LIKED}, meant)


def test_what_was_liked_is_to_score_higher():
    def meant(Right, Wrong):
        return -functional.logsigmoid(Right[:, None] - Wrong).mean()

    text = "import recommend\ninput Right[b], Wrong[b,k]\nY = recommend.BPR(Right, Wrong)"
    agree(text, {"Right": drawn(4), "Wrong": drawn(4, 3, seed=1)}, meant)
