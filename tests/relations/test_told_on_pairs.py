"""Relations that facts and rules define and that are too large for tables: equations read them on pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tensorlang as tl

NODES, EDGES = 600, 1500
PROGRAM = """
dim n = 600
relation Edge(n, n')
input X[n,d]
Two(x,z) <- Edge(x,y), Edge(y,z), x != z
Degree[x] = Edge(x,y)
Sum[x,d] = Edge(x,y) X[y,d]
S[x,y] = X[x,d] X[y,d]   where Edge(x,y)
P[x,y.] = softmax(S[x,y])
Attended[x,d] = P[x,y] X[y,d]
Ways[x] = Two(x,z)
output Degree, Sum, Attended, Ways
"""


@pytest.fixture(scope="module")
def edges() -> np.ndarray:
    return np.random.default_rng(0).integers(0, NODES, (EDGES, 2))


@pytest.fixture(scope="module")
def module(edges):
    return tl.compile(PROGRAM, relations={"Edge": edges}, dtype="float64")


def expected(edges: np.ndarray, x: torch.Tensor) -> dict[str, torch.Tensor]:
    table = torch.zeros(NODES, NODES, dtype=torch.float64)
    table[edges[:, 0], edges[:, 1]] = 1
    two = (table @ table > 0).double()
    two.fill_diagonal_(0)
    scores = (x @ x.T).masked_fill(table == 0, -torch.inf)
    shares = torch.softmax(scores, 1).nan_to_num(0.0)
    return {"Degree": table.sum(1), "Sum": table @ x, "Attended": shares @ x, "Ways": two.sum(1)}


def test_equations_read_pairs(module, edges):
    assert module.state.compiled.on_pairs == {"Edge": "pairs", "Two": "pairs"}
    x = torch.randn(NODES, 3, dtype=torch.float64)
    found = module(X=x)
    for name, value in expected(edges, x).items():
        torch.testing.assert_close(found[name].double(), value, msg=name)


def test_gradients(module, edges):
    x = torch.randn(NODES, 3, dtype=torch.float64, requires_grad=True)
    found = module(X=x)
    wanted = expected(edges, x)
    loss = sum((found[name] ** 2).sum() for name in ("Sum", "Attended"))
    other = sum((wanted[name] ** 2).sum() for name in ("Sum", "Attended"))
    torch.testing.assert_close(torch.autograd.grad(loss, x)[0], torch.autograd.grad(other, x)[0])


@pytest.mark.parametrize("ending", ["pt", "py"])
def test_exports_hold_the_pairs(module, edges, tmp_path, ending):
    module.export(tmp_path / f"graph.{ending}", check=True)


def test_weights_of_a_told_relation():
    generator = np.random.default_rng(1)
    rows = [(int(a), int(b), float(w)) for a, b, w in generator.random((900, 3)) * [NODES, NODES, 1]]
    text = "dim n = 600\nfloat relation W(n, n')\ninput X[n]\nY[x] = W(x,y) X[y]\nN[x] = W(x,y)^2\n"
    module = tl.compile(text, relations={"W": rows}, dtype="float64")
    assert module.state.compiled.on_pairs == {"W": "weights"}
    table = torch.zeros(NODES, NODES, dtype=torch.float64)
    for a, b, w in rows:
        table[a, b] += w
    x = torch.randn(NODES, dtype=torch.float64)
    found = module(X=x)
    torch.testing.assert_close(found["Y"], table @ x)
    torch.testing.assert_close(found["N"], (table**2).sum(1))


def test_weights_from_a_file_train_as_the_program_s_floats(tmp_path):
    generator = np.random.default_rng(2)
    cells = generator.choice(NODES * NODES, 400, replace=False)
    weights = generator.integers(1, 6, 400).astype(float)
    lines = [f"u{c // NODES},m{c % NODES},{w}" for c, w in zip(cells, weights, strict=True)]
    lines += [f"u{k},m{k},0.0" for k in range(NODES)]
    (tmp_path / "stars.csv").write_text("\n".join(lines))
    program = tmp_path / "stars.tl"
    program.write_text(
        'float relation S(user, movie) = load("stars.csv")\nparam A ~ zeros()\n'
        "Loss = S(u,m) A^2 - 2 S(u,m)^2 A\nminimize Loss with lbfgs(lr=1), steps=20\nA?\n"
    )
    found = tl.run(program)["A"]
    assert found.dtype == torch.float32
    assert abs(float(found.detach()) - (weights**2).sum() / weights.sum()) < 1e-4


def test_small_ones_are_tables():
    text = "float relation W(city, city')\nW(Ulm, Bonn) = 2\nW(Bonn, Ulm) = 3.5\nY[x] = W(x,y)\nZ = W(Ulm, Bonn)\n"
    found = tl.compile(text)()
    assert found["Y"].tolist() == [2.0, 3.5]
    assert float(found["Z"]) == 2.0


def test_explain_says_how_a_relation_is_read():
    text = (
        "dim n = 600\nrelation Edge(n, n')\nEdge(0,1); Edge(1,2)\ninput X[n]\nY[x] = Edge(x,y) X[y]\nP(Ann)\nN = P(x)\n"
    )
    module = tl.compile(text)
    shown = module.explain()
    assert "relation Edge(n, n)  # 2 rows given, read on pairs" in shown
    assert "relation P(entity)  # 1 row given, read as a table" in shown
    assert "Edge_at1" in module.explain(stage="source")
