"""Relations that the caller gives: rows, arrays, sparse tensors, graphs and data frames mean the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tensorlang as tl

WORDS = "relation Parent(parent, child)\nN[p] = Parent(p, c)\n"
EDGES = "dim n = 4\nrelation Edge(n, n')\nN[x] = Edge(x, y)\n"
PAIRS = [("Ann", "Bob"), ("Bob", "Cid"), ("Ann", "Cid")]
INDEX = np.array([[0, 1], [1, 3], [0, 3]])


class Frame:
    """What data frames of all libraries can do."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self._columns = columns

    def __getitem__(self, name):
        return np.array(self._columns[name], dtype=object)


@pytest.mark.parametrize(
    "rows",
    [
        PAIRS,
        iter(PAIRS),
        [list(pair) for pair in PAIRS],
        [{"child": c, "parent": p} for p, c in PAIRS],
        Frame(parent=[p for p, _ in PAIRS], child=[c for _, c in PAIRS]),
        Frame(year=[1, 2, 3], child=[c for _, c in PAIRS], parent=[p for p, _ in PAIRS]),
        Frame(a=[p for p, _ in PAIRS], b=[c for _, c in PAIRS]),
    ],
    ids=["tuples", "iterator", "lists", "dicts", "frame", "frame by name", "frame by place"],
)
def test_rows_of_words(rows):
    module = tl.compile(WORDS, relations={"Parent": rows})
    assert set(module.facts("Parent")) == set(PAIRS)
    assert dict(zip(("Ann", "Bob"), module()["N"].tolist(), strict=False)) == {"Ann": 2, "Bob": 1}


def adjacency() -> torch.Tensor:
    table = torch.zeros(4, 4, dtype=torch.bool)
    table[INDEX[:, 0], INDEX[:, 1]] = True
    return table


@pytest.mark.parametrize(
    "rows",
    [
        INDEX,
        torch.tensor(INDEX),
        INDEX.tolist(),
        adjacency(),
        adjacency().numpy(),
        adjacency().float().to_sparse(),
        adjacency().float().to_sparse_csr(),
    ],
    ids=["numpy", "torch", "lists", "table", "numpy table", "COO", "CSR"],
)
def test_rows_of_positions(rows):
    module = tl.compile(EDGES, relations={"Edge": rows})
    assert set(module.facts("Edge")) == {(0, 1), (1, 3), (0, 3)}
    assert module()["N"].tolist() == [2, 1, 0, 0]


def test_a_graph():
    networkx = pytest.importorskip("networkx")
    module = tl.compile(WORDS, relations={"Parent": networkx.DiGraph(PAIRS)})
    assert set(module.facts("Parent")) == set(PAIRS)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_libraries(library):
    frames = pytest.importorskip(library)
    frame = frames.DataFrame({"child": [c for _, c in PAIRS], "parent": [p for p, _ in PAIRS]})
    assert set(tl.compile(WORDS, relations={"Parent": frame}).facts("Parent")) == set(PAIRS)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (7, "is a int"),
        ("parents.csv", "is a str"),
        ([("Ann",)], "row 0 of what is given for `Parent` has 1 cell"),
        ([("Ann", "Bob"), ("Ann", None)], "row 1 of what is given for `Parent` holds None"),
        ([("Ann", "")], "holds ''"),
        ([("Ann", float("nan"))], "holds nan"),
        ([{"parent": "Ann"}], "has a row without `child`"),
        (np.zeros((3, 3), dtype=int), "is 3 x 3, expected rows of 2"),
        (Frame(a=[1]), "has the columns a"),
    ],
)
def test_what_does_not_fit(rows, said):
    with pytest.raises(tl.CompileError, match="E1121") as told:
        tl.compile(WORDS, relations={"Parent": rows})
    assert said in str(told.value)


def test_queries_from_python():
    text = "relation Parent(parent: person, child: person)\nN[p] = Parent(p, c)\n"
    text += "Anc(x,z) <- Parent(x,z)\nAnc(x,z) <- Parent(x,y), Anc(y,z)\n"
    module = tl.compile(text, relations={"Parent": PAIRS[:2]})
    answers = module.query("Anc(Ann, x), x != Bob")
    assert (answers.variables, list(answers), len(answers)) == (("x",), [("Cid",)], 1)
    assert answers.dicts() == [{"x": "Cid"}]
    assert module.query("Anc(Ann, Cid)")
    assert not module.query("Anc(Cid, Ann)?")
    assert module.why("Anc(Cid, Ann)") is None
    assert "Parent(Bob, Cid)   given" in module.why("Anc(Ann, Cid)")
    for wrong in ("Anc(Ann, Cod)", "Nothing(x)", "N", "Anc(Ann"):
        with pytest.raises(tl.CompileError):
            module.query(wrong)
    with pytest.raises(tl.RunError, match="did you mean `Anc`"):
        module.facts("Ank")


def test_places_with_names_and_one_domain():
    text = "relation Parent(parent: person, child: person)\nGrand(x, z) <- Parent(x, y), Parent(y, z)\nN = |person|\n"
    module = tl.compile(text, relations={"Parent": [{"child": "Bob", "parent": "Ann"}, ("Bob", "Cid")]})
    assert module.facts("Grand").rows == (("Ann", "Cid"),)
    assert float(module()["N"]) == 3
