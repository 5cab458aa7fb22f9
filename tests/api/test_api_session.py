"""Sessions: statements added and replaced, values, inputs, parameters that stay, errors that change nothing."""

from __future__ import annotations

import numpy
import pytest
import torch

import tensorlang as tl
from tensorlang.report import Silent


@pytest.fixture
def session():
    return tl.Session()


def shown(values):
    return [(value.title, value.data.tolist() if value.data is not None else value.missing) for value in values]


def test_equations_show_their_values(session):
    assert shown(session.run("A = [[1, 2], [3, 4]]")) == [("A", [[1, 2], [3, 4]])]
    (value,) = session.run("T[j,i] = A[i,j]")
    assert (value.axes, value.sizes, value.dtype) == (("j", "i"), (2, 2), "int")
    assert session["T"].tolist() == [[1, 3], [2, 4]]
    assert shown(session.run("S = A[i,j]; D[i] = A[i,i]\nS + 1?\nE = 2 S")) == [
        ("S", 10),
        ("D", [1, 4]),
        ("S + 1", 11),
        ("E", 20),
    ]


def test_entering_again_replaces(session):
    session.run("A = [1, 2]\nB[i] = A[i] + 1\nC[i] = B[i] + 1")
    session.run("B[j] = A[j] + 10")
    assert session["C"].tolist() == [12, 13]
    session.run("A = [5]")
    assert session["C"].tolist() == [16]
    with pytest.raises(tl.CompileError, match="`B` has no axes"):
        session.run("B = 3 A[i]")
    session.run("B = 3 A[i]; C = B + 1")
    assert session["C"].item() == 16


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("F[0] = 1; F[1] = 1; F[2] = 1", "F[1] = 5", [1, 5, 1]),
        ("F[n] = n; F[0] = 9", "F[n'] = 2 n'", [9, 2, 4]),
        ("F[n] = n", "F[0] = 9", [9, 1, 2]),
        ("F[n] = n", "F[n] max= n + 1", [1, 2, 3]),
        ("param F[n]", "F[n] = n", [0, 1, 2]),
        ("F[n] = n", "param F[n] ~ ones()", [1, 1, 1]),
        ("F = [1, 2, 3]", "F[n] = n", [0, 1, 2]),
        ("F[n] = n", "dim n = 2", [0, 1]),
    ],
)
def test_what_replaces_what(session, first, second, expected):
    session.run("dim n = 3")
    session.run(first)
    session.run(second)
    assert session["F"].tolist() == expected


def test_declarations_of_several_names(session):
    session.run("dim i = 2, j = 3\nparam A[i] ~ ones(), B[j] ~ ones()")
    session.run("param B[j] ~ zeros()")
    session.run("dim j = 4")
    assert (session["A"].tolist(), session["B"].tolist()) == ([1, 1], [0, 0, 0, 0])
    assert session.names == ("i", "A", "B", "j")


def test_modules_and_imports(session):
    session.run("import nn\ndef Twice(X[...]) -> Y[...]:\n    Y[...] = 2 X[...]\n")
    session.run("A = [1.0, 2.0]\nB = Twice(A)")
    session.run("def Twice(X[...]) -> Y[...]:\n    Y[...] = 20 X[...]\n")
    assert session["B"].tolist() == [20, 40]
    session.run("X = [[1.0, 2.0]]\nH = nn.Linear(X, o=3)")
    assert session["H"].shape == (1, 3)
    assert session.type("Twice") == "def Twice(X[...]) -> Y[...]"
    assert session.type("nn") == "import nn"


def test_errors_change_nothing(session):
    session.run("A = [1, 2]\nparam w ~ const(1)\nLoss = (w - 3)^2")
    text, names = session.text, session.names
    for wrong in (
        "A = [1, 2",
        "A = Q[i]",
        "B[i] = A[i]\nassert B[0] == 7",
        "minimize Loss with sgd(lr=0.5), steps=1\nassert w == 7",
        "minimize Loss with sgd(lr=-1), steps=1",
        'A = [5]\nsave A to "/a.npy"',
    ):
        with pytest.raises(tl.CompileError):
            session.run(wrong)
        assert (session.text, session.names) == (text, names)
        assert (session["A"].tolist(), session["w"].item()) == ([1, 2], 1)


def test_parameters_stay_trained(session):
    session.run("param w ~ const(1), W[i] ~ ones()\ndim i = 2\nLoss = (w - 3)^2 + (W[i] - 3)^2")
    session.run("minimize Loss with sgd(lr=0.5), steps=1")
    session.run("Other = 2 w")
    assert session["Other"].item() == 6
    session.run("dim i = 3")
    assert session["w"].item() == 3
    assert session["W"].tolist() == [1, 1, 1]
    session.run("param w ~ const(2)")
    assert session["w"].item() == 3


def test_inputs(session, golden):
    (value,) = session.run("input X[b,i]\nY[b] = 2 X[b,i]")
    assert value.missing == ("X",)
    assert value.sizes == ("b",)
    session.set("X", numpy.ones((2, 3)))
    assert session["Y"].tolist() == [6, 6]
    session.set("X", [[1, 2]])
    assert session["Y"].tolist() == [6]
    assert torch.equal(session["X"], torch.tensor([[1.0, 2]]))
    texts = []
    for name, wrong in (("Z", 1), ("X", [1, 2]), ("X", "text"), ("Y", [1])):
        with pytest.raises(tl.RunError) as caught:
            session.set(name, wrong)
        texts.append(str(caught.value))
    golden("session-set.txt", "\n".join(texts) + "\n")
    assert session["Y"].tolist() == [6]


def test_a_size_that_only_a_later_equation_tells(session):
    assert session.run("param W[o,i]\ndim o = 2") == ()
    assert session.type("W") == "param W[o,i]"
    session.run("X = [[1.0, 2.0, 3.0]]")
    (value,) = session.run("Y[b,o] = W[o,i] X[b,i]")
    assert value.data.shape == (1, 2)
    assert session["W"].shape == (2, 3)


def test_a_value_that_waits_for_a_size(session):
    (value,) = session.run("dim t\nP[t] = t")
    assert (value.data, value.missing) == (None, ("t",))


def test_types_and_names(session):
    session.run("dim t = 3\nconst k = 2\nA = [1.5, 2]\ninput X[b] : bool\nB[i] = A[i] + k")
    assert [session.type(name) for name in session.names] == [
        "dim t = 3",
        "const k = 2",
        "A[i]  2  float  data",
        "X[b]  b  bool  input",
        "B[i]  2  float  defined",
    ]
    with pytest.raises(tl.RunError, match="did you mean `A`"):
        session.type("a")


def test_text_is_a_program(session):
    session.run("dim n = 3, m\nA = [1, 2, 3]   # three numbers\nB[n] = 2 A[n]")
    session.run("B?\nassert B[0] == 2")
    assert session.text == "dim n = 3\ndim m\nA = [1, 2, 3]\nB[n] = 2 A[n]\n"
    again = tl.Session()
    again.run(session.text)
    assert torch.equal(again["B"], session["B"])


def test_explain(session):
    session.run("A = [1, 2]\nS = A[i]\nT = 3")
    assert "S = sum[i](A[i])" in session.explain("S")
    assert "T" not in session.explain("S")
    assert "def compute" in session.explain("S", "source")


def test_load_and_files_beside_it(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.csv").write_text("1,2\n3,4\n")
    (tmp_path / "sub" / "p.tl").write_text('data X[n,i] = load("x.csv")\nS = X[n,i]\n')
    session = tl.Session(folder=str(tmp_path))
    assert shown(session.load(str(tmp_path / "sub" / "p.tl"))) == [("S", 10)]
    session.run("T = S + 1")
    assert session["T"].item() == 11
    with pytest.raises(tl.CompileError, match="E0709"):
        session.run('data Y[n,i] = load("x.csv")')


def test_a_file_with_actions_answers_like_a_run(tmp_path):
    (tmp_path / "p.tl").write_text("A = [1, 2]\nS = A[i]\nT = 2 S\nS?\n")
    session = tl.Session()
    assert shown(session.load(str(tmp_path / "p.tl"))) == [("S", 3)]
    assert session["T"].item() == 6


def test_a_reporter_hears_failures_and_notes(session, tmp_path):
    class Heard(Silent):
        def __init__(self):
            self.said = []

        def note(self, text):
            self.said.append(text.split("\n")[0][:10])

        def failed(self, failure):
            self.said.append(failure.title)

    heard = Heard()
    session = tl.Session(folder=str(tmp_path))
    values = session.run('A = [1, 2]\nassert A[i] > 1\nsave A to "a.npy"\nA[0]?', heard)
    assert heard.said == ["A[i] > 1", "saved a.np"]
    assert shown(values) == [("A", [1, 2]), ("A[0]", 1)]


def test_reset(session):
    session.run("A = [1]")
    session.reset()
    assert session.names == ()
    assert session.text == ""


def test_the_module_of_a_session(session):
    session.run("input X[i]\nparam W[i] ~ ones()\nS = W[i] X[i]")
    assert session.module(X=torch.ones(3))["S"].item() == 3
    assert isinstance(session.module, torch.nn.Module)


def test_a_declaration_waits_for_the_equations_that_it_is_of():
    session = tl.Session()
    session.run("fixpoint Z tol 1e-6")
    session.run("scan H method loop")
    (value,) = session.run("Z = cos(Z)")
    assert float(value.data) == pytest.approx(0.739085, abs=1e-5)
    session.run("dim t = 3")
    (value,) = session.run("H[t] = 0.5 H[t-1] + t")
    assert value.data.tolist() == [0.0, 1.0, 2.5]
    assert session.text.startswith("fixpoint Z tol 1e-6\nscan H method loop\n")


def test_a_declaration_that_is_entered_again_replaces_the_earlier_one():
    session = tl.Session()
    session.run("fixpoint Z tol 1e-6 max 2; A = 1")
    with pytest.raises(tl.RunError):
        session.run("Z = cos(A Z)")
    session.run("fixpoint Z tol 1e-3 max 200")
    (value,) = session.run("Z = cos(A Z)")
    assert float(value.data) == pytest.approx(0.739, abs=2e-3)
    with pytest.raises(tl.CompileError):
        session.run("Q = Nope + 1")
