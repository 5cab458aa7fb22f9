"""Relations in calls: every form in which pairs are given, what is refused, what comes back, and what is not made."""

from __future__ import annotations

import warnings
from typing import Any

import networkx as nx
import pytest
import torch
from torch import Tensor

import tensorlang as tl
from tensorlang.ir.plan import every_plan

NODES = 8
SUMS = "relation Edge(n,n')\ninput X[n,d]\nY[n,d] = Edge[n,n'] X[n',d]\n"
GCN = """
relation Edge(n,n')
input X[n,i]
param W[o,i] ~ glorot(), B[o] ~ zeros()
dim o = 5, i = 4
Self[n,n'] = Edge[n,n'] + delta[n,n']
Degree[n] = Self[n,n']
Z[n,o] = W[o,i] X[n,i]
Y[n,o] = Self[n,n'] Z[n',o] / (sqrt(Degree[n]) sqrt(Degree[n'])) + B[o]
output Y
"""
GAT = """
relation Edge(n,n')
input X[n,i]
param W[k,o,i] ~ glorot(), A[k,o] ~ glorot(), C[k,o] ~ glorot()
dim k = 2, o = 3, i = 4
Z[n,k,o] = W[k,o,i] X[n,i]
S[k,n,n'] = leaky_relu(C[k,o] Z[n,k,o] + A[k,o] Z[n',k,o], 0.2) where Edge(n,n') or n == n'
P[k,n,n'.] = softmax(S[k,n,n'])
Y[n,(k o)] = P[k,n,n'] Z[n',k,o]
output Y
"""
PATHS = "relation W(x,y)\ninput S[x]\nD[y] min= S[y]\nD[y] min= D[x] + W[x,y]\noutput D\n"


def table(density: float = 0.3, seed: int = 0) -> Tensor:
    made = torch.rand(NODES, NODES, generator=torch.Generator().manual_seed(seed)) < density
    made[2] = False
    return made


def features(width: int = 4) -> Tensor:
    return torch.randn(NODES, width, generator=torch.Generator().manual_seed(7))


def pairs(given: Tensor, values: Tensor | None = None) -> tl.Pairs:
    return tl.pairs(given.nonzero().t(), given.shape, values=values)


FORMS: dict[str, Any] = {
    "pairs": pairs,
    "pairs of numpy": lambda given: tl.pairs(given.nonzero().t().numpy(), given.shape),
    "pairs of lists": lambda given: tl.pairs(given.nonzero().t().tolist(), given.shape),
    "pairs of 32 bits": lambda given: tl.pairs(given.nonzero().t().int(), given.shape),
    "coordinates": lambda given: given.to_sparse(),
    "coordinates of integers": lambda given: given.long().to_sparse(),
    "rows": lambda given: given.float().to_sparse_csr(),
    "columns": lambda given: given.float().to_sparse_csc(),
    "weights of 1": lambda given: given.float(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", [GCN, GAT])
def test_every_form_gives_the_same(form: str, text: str) -> None:
    module, x = tl.compile(text), features()
    meant = module(Edge=table(), X=x)["Y"]
    found = module(Edge=FORMS[form](table()), X=x)["Y"]
    assert torch.allclose(found, meant, atol=1e-6)


@pytest.mark.parametrize("text", [GCN, GAT])
def test_no_table_is_made(text: str) -> None:
    """Nothing in the function on pairs has two axes of nodes, or pairs beside a width."""
    module = tl.compile(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module(Edge=pairs(table()), X=features())
    plan = module.table(module.program.outputs, kinds=(("Edge", "pairs"),)).function.plan
    sizes = {"Edge.pairs": 10**6, "Edge 01 or equal.pairs": 10**6, "Edge.0": 10**5, "X.0": 10**5, "n": 10**5}
    for part in every_plan(plan):
        shapes = [slot.shape for slot in part.slots] + [shape for step in part.steps for shape, _ in step.scratch]
        for shape in shapes:
            count = 1
            for size in shape:
                count *= size.value({symbol: sizes.get(symbol.name, 4) for symbol in size.symbols})
            assert count <= 4 * 10**6, f"{shape} in {text}"


@pytest.mark.parametrize("text", [GCN, GAT])
def test_memory_follows_pairs(text: str) -> None:
    """A training step on 4,000 nodes allocates far less than a table of truth values would take."""
    from benchmarks.allocation import peak

    nodes, count = 4_000, 20_000
    index = torch.randint(0, nodes, (2, count), generator=torch.Generator().manual_seed(0))
    edge, x, module = tl.pairs(index, (nodes, nodes)), torch.randn(nodes, 4), tl.compile(text)
    module(Edge=edge, X=x)
    loss = lambda: torch.autograd.grad(module(Edge=edge, X=x)["Y"].square().sum(), list(module.parameters()))  # noqa: E731
    assert peak(loss) < nodes * nodes // 2


def test_weights_take_the_place_of_truth() -> None:
    given, x = torch.where(table(), torch.rand(NODES, NODES), 0.0), features()
    made = tl.function(SUMS)
    for form in (given, given.to_sparse(), given.to_sparse_csr(), pairs(given, given[given != 0])):
        assert torch.allclose(made(form, x), given @ x, atol=1e-6)


def test_weights_have_gradients() -> None:
    given, x = table(), features()
    weights = torch.rand(int(given.sum()), requires_grad=True)
    dense = torch.zeros(NODES, NODES).index_put(tuple(given.nonzero().t()), weights)
    coordinates = torch.sparse_coo_tensor(given.nonzero().t(), weights, given.shape)
    for form in (pairs(given, weights), coordinates):
        found = tl.function(SUMS)(form, x)
        slopes = [torch.autograd.grad((out * out).sum(), weights, retain_graph=True)[0] for out in (found, dense @ x)]
        assert torch.allclose(*slopes, atol=1e-5)


def test_equal_pairs_count_once_and_their_weights_add() -> None:
    index, x = torch.tensor([[1, 0, 1], [3, 2, 3]]), features()
    once = tl.function(SUMS)(tl.pairs(index, (NODES, NODES)), x)
    assert torch.equal(once[1], x[3])
    twice = tl.function(SUMS)(tl.pairs(index, (NODES, NODES), values=[0.5, 2.0, 1.0]), x)
    assert torch.allclose(twice[1], 1.5 * x[3])
    assert torch.allclose(twice[0], 2 * x[2])


def test_a_pair_of_weight_zero_is_a_pair() -> None:
    made = tl.function("relation Edge(n,n')\ninput X[n]\nY[n] max= X[n'] where Edge(n,n')\n")
    index, weights = torch.tensor([[0], [1]]), torch.zeros(1)
    assert made(tl.pairs(index, (2, 2), values=weights), torch.tensor([5.0, 7.0])).tolist() == [7.0, float("-inf")]


def test_paths_are_those_of_dijkstra() -> None:
    weights = torch.where(table(0.4, 3), torch.rand(NODES, NODES) + 0.1, 0.0)
    start = torch.where(torch.arange(NODES) == 0, 0.0, float("inf"))
    network = nx.DiGraph()
    network.add_nodes_from(range(NODES))
    network.add_weighted_edges_from((int(a), int(b), float(weights[a, b])) for a, b in weights.nonzero())
    lengths = nx.single_source_dijkstra_path_length(network, 0)
    meant = torch.tensor([lengths.get(node, float("inf")) for node in range(NODES)])
    for form in (weights, weights.to_sparse()):
        assert torch.allclose(tl.function(PATHS)(form, start), meant)


def test_what_is_held_on_pairs_comes_back_so() -> None:
    module, x = tl.compile(GAT.replace("output Y", "output P")), features()
    meant = module(Edge=table(), X=x)["P"]
    found = module(Edge=pairs(table()), X=x)["P"]
    assert found.layout == torch.sparse_coo
    assert found.is_coalesced()
    assert torch.allclose(found.to_dense(), meant, atol=1e-6)
    relation = tl.compile("relation Edge(n,n')\nBack(n,n') = Edge(n',n) and n != n'\noutput Back\n")
    assert torch.equal(relation(Edge=pairs(table()))["Back"].to_dense(), relation(Edge=table())["Back"])


def test_a_large_table_that_is_nearly_empty_is_turned_into_pairs() -> None:
    nodes = 600
    edge = torch.zeros(nodes, nodes, dtype=torch.bool)
    edge[torch.arange(nodes), torch.arange(nodes).flip(0)] = True
    x, module = torch.randn(nodes, 3), tl.compile(SUMS)
    assert torch.equal(module(Edge=edge, X=x)["Y"], x.flip(0))
    assert any(kinds == (("Edge", "pairs"),) for *_, kinds in module.state.tables)
    edge[:] = True
    assert torch.allclose(module(Edge=edge, X=x)["Y"], x.sum(0).expand(nodes, 3), atol=1e-3)
    held = tl.compile("relation Edge(n,n')\nB[n,n'] = 2 Edge[n,n']\noutput B\n")
    edge[:] = False
    assert held(Edge=edge)["B"].layout == torch.strided  # who gives tables is given tables


def test_a_relation_that_changes_is_looked_at_again() -> None:
    x, module = features(), tl.compile(SUMS)
    index = torch.tensor([[0, 1], [1, 2]])
    edge = tl.pairs(index, (NODES, NODES))
    assert torch.equal(module(Edge=edge, X=x)["Y"][0], x[1])
    index[1, 0] = 5
    assert torch.equal(module(Edge=edge, X=x)["Y"][0], x[5])


def test_no_pairs_and_no_nodes() -> None:
    module = tl.compile(GCN)
    nothing = torch.zeros(2, 0, dtype=torch.int64)
    x = features()
    meant = module(Edge=torch.zeros(NODES, NODES, dtype=torch.bool), X=x)["Y"]
    assert torch.allclose(module(Edge=tl.pairs(nothing, (NODES, NODES)), X=x)["Y"], meant)
    assert module(Edge=tl.pairs(nothing, (0, 0)), X=x[:0])["Y"].shape == (0, 5)


def test_a_table_that_is_made_after_all_is_told() -> None:
    module = tl.compile("relation Edge(n,n')\ninput X[n]\nY[n] = exp(Edge[n,n']) X[n']\n")
    x = features()[:, 0]
    with pytest.warns(UserWarning, match=r"(?s)W0904.*`Edge` is on pairs.*8 x 8 = 64 elements.*relation Edge"):
        found = module(Edge=pairs(table()), X=x)["Y"]
    assert torch.allclose(found, table().float().exp() @ x, atol=1e-5)


WRONG = {
    "a position": (lambda: tl.pairs([[0, 9], [1, 2]], (8, 8)), "E0607", "pair 1 of `Edge` has 9 at place 1 .`n`."),
    "a position below": (lambda: tl.pairs([[0, 1], [1, -2]], (8, 8)), "E0607", "has -2 at place 2"),
    "fractions": (lambda: tl.pairs([[0.5], [1.0]], (8, 8)), "E0612", "whole numbers"),
    "one row": (lambda: tl.pairs([[0, 1]], (8,)), "E0603", "2 places"),
    "no rows": (lambda: tl.pairs([0, 1], (8, 8)), "E0612", "in a row a place"),
    "weights": (lambda: tl.pairs([[0], [1]], (8, 8), values=[1.0, 2.0]), "E0612", "1 pairs, and weights of shape"),
    "sizes": (lambda: tl.pairs([[0], [1]], (7, 8)), "E0301", "two sizes"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_pairs_are_told(what: str) -> None:
    make, code, words = WRONG[what]
    with pytest.raises(tl.RunError, match=words) as caught:
        tl.compile(SUMS)(Edge=make(), X=features())
    assert caught.value.diagnostics[0].code == code


TRAINED = """
relation Edge(n,n')
input X[n,i], T[n,o]
param W[o,i] ~ glorot()
dim i = 4, o = 3
Y[n,o] = W[o,i] (Edge[n,n'] + delta[n,n']) X[n',i]
Loss = (Y[n,o] - T[n,o])^2
minimize Loss with adam(lr=0.01), steps=5
Loss?
"""


def test_training_over_pairs() -> None:
    given = {"X": features(), "T": features(3)}
    meant = tl.run(TRAINED, Edge=table(), **given)["Loss"]
    for form in (pairs(table()), table().to_sparse()):
        assert torch.allclose(tl.run(TRAINED, Edge=form, **given)["Loss"], meant, atol=1e-4)


def test_a_module_with_relations_is_a_module() -> None:
    module, x = tl.compile(GAT), features()
    assert module.bind(Edge=pairs(table()), X=x) is module
    meant = module(Edge=table(), X=x)["Y"]
    double = module.double()
    found = double(Edge=table().double().to_sparse(), X=x.double())["Y"]
    assert torch.allclose(found, meant.double(), atol=1e-5)


def test_recurrences_keep_a_budget_over_pairs() -> None:
    text = "relation Edge(n,n')\ninput X[n,d]\nparam W[t,d,d'] ~ normal(0, 0.3)\ndim d = 4, t = 40\nH[0,n,d] = X[n,d]\n"
    text += "H[t+1,n,d] = tanh(W[t,d,d'] Edge[n,n'] H[t,n',d'])\nY[n,d] = H[-1,n,d]\noutput Y\n"
    slopes = []
    for budget, edge in ((0, table()), (6000, pairs(table()))):
        module = tl.compile(text, memory_budget=budget)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module(Edge=edge, X=features())["Y"].sum().backward()
        slopes.append(module.W.grad)
    assert torch.allclose(*slopes, atol=1e-5)


def test_pairs_without_weights_have_the_weight_1_where_a_relation_has_some() -> None:
    made, x = tl.function(SUMS.replace("relation", "float relation")), features()
    assert torch.allclose(made(pairs(table()), x), table().float() @ x, atol=1e-6)
