"""Exports of programs over relations: on pairs they take columns, in any order, and give what the program gives."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import torch

import tensorlang as tl

PROGRAMS = {
    "gcn": """
relation Edge(n,n')
input X[n,i]
param W[o,i] ~ glorot()
dim o = 5, i = 4
Self[n,n'] = Edge[n,n'] + delta[n,n']
Degree[n] = Self[n,n']
Y[n,o] = W[o,i] Self[n,n'] X[n',i] / (sqrt(Degree[n]) sqrt(Degree[n']))
output Y
""",
    "attention": """
relation Edge(n,n')
input X[n,i]
param A[i], C[i]
dim i = 4
S[n,n'] = leaky_relu(A[i] X[n,i] + C[i] X[n',i]) where Edge(n',n) or n == n'
P[n,n'.] = softmax(S[n,n'])
Y[n,i] = P[n,n'] X[n',i]
output Y, P
""",
    "layers": """
relation Edge(n,n')
input X[n,d]
param W[l,d,d'] ~ normal(0, 0.3)
dim d = 4, l = 3
H[0,n,d] = X[n,d]
H[l+1,n,d] = tanh(W[l,d,d'] Edge[n,n'] H[l,n',d'])
Y[n,d] = H[-1,n,d]
output Y
""",
    "degrees": "relation Edge(n,n')\nDegree[n] = Edge[n,n']\noutput Degree\n",
    "types": """
relation Edge(r,n,n')
input X[n,i]
param W[r,o,i] ~ glorot()
dim r = 3, i = 4, o = 2
Y[n,o] = W[r,o,i] Edge[r,n,n'] X[n',i]
output Y
""",
}


@pytest.mark.parametrize("ending", ["pt", "py"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_export_takes_columns(name: str, ending: str, tmp_path: Path) -> None:
    module = tl.compile(PROGRAMS[name])
    with torch.no_grad():
        for parameter in module.parameters():
            if torch.nn.parameter.is_lazy(parameter):
                continue
            parameter.normal_()
    path = tmp_path / f"model.{ending}"
    signature = module.export(path, pairs=("Edge",), check=True)
    assert [tensor.name for tensor in signature.inputs][:2] == ["Edge.at0", "Edge.at1"]
    nodes = 6
    shape = (3, nodes, nodes) if name == "types" else (nodes, nodes)
    index = (torch.rand(shape) < 0.4).nonzero().t()
    mixed = torch.cat((index, index[:, :2]), 1)[:, torch.randperm(index.shape[1] + 2)]
    model = torch.jit.load(str(path)) if ending == "pt" else runpy.run_path(str(path))["load"]()
    given = {"X": torch.randn(nodes, 4)} if "X" in module.inputs else {}
    meant = list(module(Edge=tl.pairs(index, shape), **given).values())
    found = model(*mixed, *given.values(), *([nodes] if signature.numbers else []))
    found = [found] if isinstance(found, torch.Tensor) else list(found)
    for one, other in zip(meant, found, strict=True):
        assert torch.allclose(one.to_dense() if one.is_sparse else one, other, atol=1e-5)


def test_only_a_relation_is_exported_on_pairs(tmp_path: Path) -> None:
    with pytest.raises(tl.RunError, match="`X` is no relation") as caught:
        tl.compile(PROGRAMS["gcn"]).export(tmp_path / "gcn.pt", pairs=("X",))
    assert caught.value.diagnostics[0].code == "E0749"
