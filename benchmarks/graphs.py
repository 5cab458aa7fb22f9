"""Row 3: graph layers on 50,000 nodes, a million edges and 64 features: time of a call, of a training step, and memory.

The peer is PyTorch Geometric, given an ``edge_index``, and for the two layers that take one a sparse matrix too. All
start from the same weights, and must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

import tensorlang as tl
from benchmarks.allocation import peak
from benchmarks.networks import Network, both, require_equal
from benchmarks.record import Row, Settings

NODES, EDGES, WIDTH, TYPES, HEADS = 50_000, 1_000_000, 64, 4, 4

GCN = """
relation Edge(n,n')
input X[n,i]
param W[o,i] ~ glorot(), B[o] ~ zeros()
dim i = 64, o = 64
Self[n,n'] = Edge[n,n'] + delta[n,n']
Degree[n] = Self[n,n']
Z[n,o] = W[o,i] X[n,i]
Y[n,o] = Self[n,n'] Z[n',o] / (sqrt(Degree[n]) sqrt(Degree[n'])) + B[o]
output Y
"""
SAGE = """
relation Edge(n,n')
input X[n,i]
param W[o,i] ~ glorot(), U[o,i] ~ glorot(), B[o] ~ zeros()
dim i = 64, o = 64
Mean[n,i] avg= X[n',i] where Edge(n,n')
Y[n,o] = W[o,i] Mean[n,i] + U[o,i] X[n,i] + B[o]
output Y
"""
GAT = """
relation Edge(n,n')
input X[n,i]
param W[k,o,i] ~ glorot(), A[k,o] ~ glorot(), C[k,o] ~ glorot(), B[k,o] ~ zeros()
dim i = 64, k = 4, o = 16
Z[n,k,o] = W[k,o,i] X[n,i]
S[k,n,n'] = leaky_relu(C[k,o] Z[n,k,o] + A[k,o] Z[n',k,o], 0.2) where Edge(n,n') or n == n'
P[k,n,n'.] = softmax(S[k,n,n'])
Y[n,(k o)] = P[k,n,n'] Z[n',k,o] + B[k,o]
output Y
"""
RGCN = """
relation Edge(r,n,n')
input X[n,i]
param W[r,i,o] ~ glorot(), U[i,o] ~ glorot(), B[o] ~ zeros()
dim r = 4, i = 64, o = 64
Mean[r,n,i] avg= X[n',i] where Edge(r,n,n')
Y[n,o] = W[r,i,o] Mean[r,n,i] + U[i,o] X[n,i] + B[o]
output Y
"""


@dataclass(frozen=True, slots=True)
class Graph:
    """Distinct edges without loops: ``index`` are (source, target), as the peer has them; a type for each."""

    index: Tensor
    kind: Tensor

    @property
    def read(self) -> Tensor:
        """The same as (who reads, what is read)."""
        return self.index.flip(0)


def graph() -> Graph:
    """A random graph, the same each time."""
    draw = torch.Generator().manual_seed(0)
    code = torch.randint(0, NODES * NODES, (EDGES + EDGES // 50,), generator=draw).unique()
    target, source = code // NODES, code % NODES
    keep = (target != source).nonzero().flatten()
    keep = keep[torch.randperm(len(keep), generator=draw)[:EDGES]]
    return Graph(torch.stack((source[keep], target[keep])), torch.randint(0, TYPES, (EDGES,), generator=draw))


def module(text: str, weights: dict[str, Tensor]) -> tl.Module:
    """A program with the weights of its peer."""
    made = tl.compile(text)
    made.load_state_dict({name: value.detach().clone() for name, value in weights.items()})
    return made


def layers(edges: Graph) -> Iterator[tuple[str, str, tl.Module, tl.Pairs, Callable[[Tensor], Tensor], torch.nn.Module]]:
    """Each layer: its name, the peer's, our module and its relation, the peer as a call and as a module."""
    from torch_geometric.nn import GATConv, GCNConv, RGCNConv, SAGEConv

    plain, typed = (
        tl.pairs(edges.read, (NODES, NODES)),
        tl.pairs(torch.cat((edges.kind.unsqueeze(0), edges.read)), (TYPES, NODES, NODES)),
    )
    matrix = torch.sparse_coo_tensor(edges.read, torch.ones(EDGES), (NODES, NODES)).coalesce().to_sparse_csr()
    gcn = GCNConv(WIDTH, WIDTH)
    ours = module(GCN, {"W": gcn.lin.weight, "B": gcn.bias})
    yield "GCN", "PyG, edge_index", ours, plain, lambda x: gcn(x, edges.index), gcn
    yield "GCN", "PyG, sparse matrix", ours, plain, lambda x: gcn(x, matrix), gcn
    sage = SAGEConv(WIDTH, WIDTH)
    ours = module(SAGE, {"W": sage.lin_l.weight, "B": sage.lin_l.bias, "U": sage.lin_r.weight})
    yield "GraphSAGE", "PyG, edge_index", ours, plain, lambda x: sage(x, edges.index), sage
    yield "GraphSAGE", "PyG, sparse matrix", ours, plain, lambda x: sage(x, matrix), sage
    gat = GATConv(WIDTH, WIDTH // HEADS, heads=HEADS)
    weight = gat.lin.weight.view(HEADS, WIDTH // HEADS, WIDTH)
    known = {"W": weight, "A": gat.att_src[0], "C": gat.att_dst[0], "B": gat.bias.view(HEADS, -1)}
    yield "GAT, 4 heads", "PyG, edge_index", module(GAT, known), plain, lambda x: gat(x, edges.index), gat
    rgcn = RGCNConv(WIDTH, WIDTH, TYPES)
    ours = module(RGCN, {"W": rgcn.weight, "U": rgcn.root, "B": rgcn.bias})
    yield "R-GCN, 4 types", "PyG, edge_index", ours, typed, lambda x: rgcn(x, edges.index, edges.kind), rgcn


def gradients(run: Callable[[Tensor], Tensor], x: Tensor, over: torch.nn.Module) -> list[Tensor]:
    """The gradients of a training step."""
    return list(torch.autograd.grad(run(x).square().mean(), [x, *over.parameters()]))


def measure(settings: Settings) -> Iterator[Row]:
    edges = graph()
    x = torch.randn(NODES, WIDTH, requires_grad=True)
    for name, peer, ours, relation, theirs, their_module in layers(edges):
        run: Network = lambda x, ours=ours, relation=relation: ours(X=x, Edge=relation)["Y"]  # noqa: E731
        title = f"{name}, 50 k nodes, 1 M edges"
        yield from both(3, title, peer, 1.0, (run, theirs), x.detach(), settings)
        steps = [lambda run=run, m=ours: gradients(run, x, m), lambda t=theirs, m=their_module: gradients(t, x, m)]
        require_equal(steps[0]()[0], steps[1]()[0], "gradients")
        mine, other = (float(peak(step)) for step in steps)
        yield Row(3, f"{title}, peak of a training step", mine, 1.0, peer, other, mine / other, "B")
