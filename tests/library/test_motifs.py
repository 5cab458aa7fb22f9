"""Motifs against a look at every subset of nodes."""

from __future__ import annotations

from itertools import combinations

import networkx
import pytest
import torch
from graphs import permuted, symmetric_edges

import tensorlang as tl

# By the degrees of a connected graph of at most four nodes: its number, and the orbit of its nodes of each degree.
ROLES = {
    (1, 1): (0, {1: 0}),
    (1, 1, 2): (1, {1: 1, 2: 2}),
    (2, 2, 2): (2, {2: 3}),
    (1, 1, 2, 2): (3, {1: 4, 2: 5}),
    (1, 1, 1, 3): (4, {1: 6, 3: 7}),
    (2, 2, 2, 2): (5, {2: 8}),
    (1, 2, 2, 3): (6, {1: 9, 2: 10, 3: 11}),
    (2, 2, 3, 3): (7, {2: 12, 3: 13}),
    (3, 3, 3, 3): (8, {3: 14}),
}
GRAPHS = [symmetric_edges(9, seed, density) for seed, density in enumerate((0.2, 0.35, 0.5, 0.7, 0.95))]


def looked_at(edges):
    """The orbits of all nodes and the graphlets, one subset after the other."""
    graph = networkx.from_numpy_array(edges.numpy())
    orbits, graphlets = torch.zeros(len(edges), 15), torch.zeros(9)
    for size in (2, 3, 4):
        for nodes in combinations(range(len(edges)), size):
            part = graph.subgraph(nodes)
            if networkx.is_connected(part):
                which, role = ROLES[tuple(sorted(degree for _, degree in part.degree))]
                graphlets[which] += 1
                for node, degree in part.degree:
                    orbits[node, role[degree]] += 1
    return orbits, graphlets


def counted(name, edges):
    return tl.function(f"import motifs\nrelation Edge(n,n')\nY = motifs.{name}(Edge)\noutput Y")(edges).float()


@pytest.mark.parametrize("edges", GRAPHS)
def test_orbits_and_graphlets(edges):
    orbits, graphlets = looked_at(edges)
    assert torch.equal(counted("Orbits", edges), orbits)
    assert torch.equal(counted("Graphlets", edges), graphlets)


@pytest.mark.parametrize("edges", GRAPHS)
def test_small_motifs(edges):
    graph = networkx.from_numpy_array(edges.numpy())
    assert counted("Triangles", edges).tolist() == list(networkx.triangles(graph).values())
    assert counted("Wedges", edges).tolist() == [d * (d - 1) / 2 for _, d in graph.degree]
    cycles = [cycle for cycle in networkx.simple_cycles(graph, 4) if len(cycle) == 4]
    assert counted("Squares", edges).tolist() == [sum(n in cycle for cycle in cycles) for n in graph]
    torch.testing.assert_close(
        counted("Clustering", edges), torch.tensor([float(c) for c in networkx.clustering(graph).values()])
    )


def test_the_order_of_nodes_does_not_matter():
    order = torch.tensor([3, 1, 6, 0, 5, 2, 4, 8, 7])
    assert torch.equal(counted("Orbits", permuted(GRAPHS[2], order)), counted("Orbits", GRAPHS[2])[order])
