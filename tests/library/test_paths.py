"""Ways through graphs against networkx and sums of powers; NBFNet against its equations written out in torch."""

from __future__ import annotations

import networkx
import pytest
import torch
from graphs import random_edges, same_on_pairs
from torch.nn import functional
from written_out import agree

import tensorlang as tl

SOURCE = torch.tensor([0, 4, 4])
HEAD = "import paths\ndim n = 8\ninput Source[b] in n, W[n,n']\nrelation Edge(n,n')\n"
EDGE = random_edges(8, seed=3, density=0.3)
EDGE[:, 2] = False  # nothing leads to it
LENGTH = 0.1 + torch.rand(8, 8, generator=torch.Generator().manual_seed(4))


def graph(weights):
    made = networkx.DiGraph()
    made.add_nodes_from(range(8))
    made.add_weighted_edges_from((a, b, float(weights[a, b])) for a, b in EDGE.nonzero().tolist())
    return made


def found(call, weights):
    return tl.compile(f"{HEAD}Y = paths.{call}\noutput Y")(Source=SOURCE, W=weights, Edge=EDGE)["Y"]


def dijkstra(weights):
    rows = []
    for source in SOURCE.tolist():
        lengths = networkx.single_source_dijkstra_path_length(graph(weights), source)
        rows.append([lengths.get(n, float("inf")) for n in range(8)])
    return torch.tensor(rows)


def test_shortest_ways_are_those_of_dijkstra():
    wanted = dijkstra(LENGTH)
    assert wanted.isinf().any()
    torch.testing.assert_close(found("Shortest(Source, Edge, W)", LENGTH), wanted)


def test_most_probable_ways():
    chances = LENGTH / 1.2
    torch.testing.assert_close(found("MostProbable(Source, Edge, W)", chances), torch.exp(-dijkstra(-chances.log())))


def test_widest_ways():
    widest = torch.full((3, 8), -torch.inf)
    for row, source in enumerate(SOURCE.tolist()):
        for width in sorted(set(LENGTH[EDGE].tolist())):
            wide = networkx.DiGraph((a, b) for a, b in EDGE.nonzero().tolist() if LENGTH[a, b] >= width)
            if source in wide:
                widest[row, list(networkx.descendants(wide, source))] = width
        widest[row, source] = torch.inf
    torch.testing.assert_close(found("Widest(Source, Edge, W)", LENGTH), widest)


def test_walks_are_sums_of_powers():
    def meant(Source, W, Edge):
        step = 0.5 * W * Edge
        return sum(torch.linalg.matrix_power(step, k) for k in range(5))[Source]

    text = f"{HEAD}Y = paths.Walks(Source, Edge, W, steps=4, damping=0.5)"
    agree(text, {"Source": SOURCE, "W": LENGTH, "Edge": EDGE}, meant)


def nbfnet(Source, Query, Edge, Q, V, K, U, O, C, A, B, E, F):  # noqa: E741
    asked = Q[Query]
    start = functional.one_hot(Source, 6)[..., None] * asked[:, None]
    state = start
    for at in range(3):
        weight = torch.einsum("rde,be->brd", V[at], asked) + K[at]
        ways = torch.einsum("rnm,brd,bnd->bmd", Edge.float(), weight, state) + start
        state = functional.relu(ways @ U[at].T + state @ O[at].T + C[at])
    return functional.relu(state @ A.T + (asked @ B.T)[:, None] + E) @ F


FACTS = "import paths\ndim n = 6, r = 2\ninput Source[b] in n, Query[b] in r\nrelation Edge(r,n,n')\n"


def test_ways_on_pairs_are_the_same():
    weights = LENGTH.clone()
    same_on_pairs(f"{HEAD}Y = paths.Walks(Source, Edge, W, steps=3)", EDGE, Source=SOURCE, W=weights)
    weights = weights.detach()
    given = {"Source": torch.tensor([0, 5]), "Query": torch.tensor([1, 0])}
    same_on_pairs(f"{FACTS}Y = paths.NBFNet(Source, Query, Edge, d=4, steps=3)", random_edges(2, 6, seed=7), **given)
    program = tl.compile(f"{HEAD}Y = paths.Shortest(Source, Edge, W)")
    index = tl.pairs(EDGE.nonzero().T, EDGE.shape)
    torch.testing.assert_close(program(Source=SOURCE, W=weights, Edge=index)["Y"], dijkstra(weights))


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [3, 1, 0, 5, 2, 4]])
def test_learned_ways_in_any_order_of_nodes(order):
    edges = random_edges(2, 6, seed=7)[:, order][:, :, order]
    given = {"Source": torch.tensor([0, 5]), "Query": torch.tensor([1, 0]), "Edge": edges}
    agree(f"{FACTS}Y = paths.NBFNet(Source, Query, Edge, d=4, steps=3)", given, nbfnet)
