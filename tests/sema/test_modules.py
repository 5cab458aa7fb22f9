"""Modules: parameters of their own, instances that share them, names, indexed applications, imports."""

from __future__ import annotations

from analysing import analysed, codes, shape

LINEAR = "def Lin(X[..., i], o) -> Y[..., o]:\n    param W[o,i]\n    Y[..., o] = W[o,i] X[..., i]\n"


def params(text: str) -> list[str]:
    return [tensor.name for tensor in analysed(text).of_kind("param")]


def test_each_application_has_its_own_parameters():
    text = LINEAR + "dim i = 3\ninput X[b,i]\nA = Lin(X, o=4)\nB = Lin(A, o=2)\n"
    assert params(text) == ["A.W", "B.W"]
    assert shape(analysed(text), "B.W") == "2 x 4"


def test_two_applications_in_one_equation_are_told_apart():
    text = LINEAR + "dim i = 3\ninput X[b,i]\nA[b,o] = Lin(X, o=4)[b,o] + Lin(X, o=4)[b,o]\n"
    assert params(text) == ["A.W", "A.Lin.W"]


def test_an_instance_shares_its_parameters():
    text = LINEAR + "dim i = 3\ninput X[b,i], Z[c,i]\nnet = Lin(o=4)\nA = net(X)\nB = net(Z)\n"
    assert params(text) == ["net.W"]


def test_an_instance_shares_those_of_modules_inside():
    two = "def Two(X[..., i], h, o) -> Y[..., o]:\n    H = Lin(X, o=h)\n    Y = Lin(H, o=o)\n"
    text = LINEAR + two + "dim i = 3\ninput X[b,i], Z[c,i]\nnet = Two(h=5, o=2)\nA = net(X)\nB = net(Z)\n"
    assert params(text) == ["net.H.W", "net.Y.W"]


def test_an_indexed_application_gives_each_value_its_own():
    text = LINEAR + "dim i = 3, h = 5\ninput X[b,i]\nA[h,b,o] = Lin[h](X, o=4)[b,o]\n"
    assert shape(analysed(text), "A.W") == "5 x 4 x 3"


def test_modules_are_arguments():
    text = LINEAR + (
        "def Residual(F, X[..., i]) -> Y[..., i]:\n    Y[..., i] = F(X)[..., i] + X[..., i]\n"
        "dim i = 3\ninput X[b,i]\nA = Residual(Lin(o=3), X)\n"
    )
    assert params(text) == ["A.F.W"]


TWICE = "def Twice(F, X[..., i]) -> Y[..., i]:\n    f = F()\n    H = f(X)\n    Y = f(H)\n"
SQUARE = "def Square(X[..., i]) -> Y[..., i]:\n    param W[i,i']\n    Y[..., i] = W[i,i'] X[..., i']\n"


def test_a_module_that_is_passed_may_be_named():
    """An instance shares its parameters, whether the module or an instance of it was passed."""
    text = SQUARE + TWICE + "dim i = 3\ninput X[b,i]\n"
    assert params(text + "A = Twice(Square, X)\n") == ["A.f.W"]
    assert params(text + "A = Twice(Square(), X)\n") == ["A.F.W"]
    assert params(text + "g = Square()\nA = Twice(g, X)\nB = g(A)\n") == ["g.W"]
    assert params(LINEAR + TWICE + "dim i = 3\ninput X[b,i]\nA = Twice(Lin(o=3), X)\n") == ["A.F.W"]


def test_a_fixed_point_of_a_module():
    """The axes of Z are told by the module that it is given to."""
    step = "def Step(Z[..., d], X[..., d]) -> Y[..., d]:\n    Y[..., d] = 0.5 tanh(Z[..., d]) + X[..., d]\n"
    text = step + "input X[b,d]\nfixpoint Z\nZ = Step(Z, X)\n"
    assert shape(analysed(text), "Z") == "b x d"
    assert codes(text.replace("Z[..., d]", "Z[a,b,d]"))[0] == "E0207"


def test_any_number_of_axes():
    text = LINEAR + "dim i = 3\ninput X[a,b,c,i]\nA = Lin(X, o=4)\n"
    assert shape(analysed(text), "A") == "a x b x c x 4"


def test_the_library_is_found():
    assert params("import nn\ndim i = 3\ninput X[b,i]\nA = nn.Linear(X, o=4)\n") == ["A.W", "A.B"]
    assert params("from nn import Linear\ndim i = 3\ninput X[b,i]\nA = Linear(X, o=4)\n") == ["A.W", "A.B"]
    assert params("import nn as layers\ndim i = 3\ninput X[b,i]\nA = layers.Linear(X, o=4)\n") == ["A.W", "A.B"]


def test_a_scalar_formal():
    text = "def Scale(X[..., i], s) -> Y[..., i]:\n    Y[..., i] = s X[..., i]\ninput X[b,i]\nA = Scale(X, s=0.5)\n"
    assert not codes(text)


def test_a_size_that_is_a_quotient():
    text = LINEAR + "def Net(X[..., i], h=9/2) -> Y[..., h]:\n    Y = Lin(X, o=h)\n"
    text += "dim i = 3\ninput X[b,i]\nA = Net(X)\nB = Net(X, h=|i|/2)\n"
    assert [shape(analysed(text), name) for name in ("A", "B")] == ["b x 4", "b x 1"]


def test_a_module_that_applies_itself_is_stopped():
    assert codes("def F(X[i]) -> Y[i]:\n    Y = F(X)\ninput A[i]\nB = F(A)\n") == ["E0904"]


def test_private_names_of_a_module_do_not_clash():
    text = LINEAR + "dim i = 3\ninput X[b,i]\nW = 2\nA = Lin(X, o=4)\nB[b,o] = W A[b,o]\n"
    assert not codes(text)


def test_the_size_of_a_formals_axis():
    text = LINEAR + (
        "def Block(X[..., d], F) -> Y[..., d]:\n    H = F(X, o=|d|)\n    Y[..., d] = H[..., d] / |d|\n"
        "dim i = 3\ninput X[b,i]\nA = Block(X, Lin)\n"
    )
    program = analysed(text)
    assert shape(program, "A.H") == "b x 3"


def test_the_second_result_of_a_module():
    text = "def Net(X[n]) -> Y[n], H[n]:\n    H[n] = 2 X[n]\n    Y[n] = H[n] + 1\ninput X[n]\nA[n] = Net(X).H[n]\n"
    assert shape(analysed(text), "A") == "n"
    assert codes(text.replace("Net(X).H", "Net(X).Z")) == ["E0215"]


def test_a_special_case_stands_beside_an_aggregate():
    text = "input W[x,z]\nD[x,z] min= W[x,y] + W[y,z]\nD[x,x] = 0\n"
    definition = analysed(text).definition("D")
    assert definition is not None
    assert definition.aggregate == "min"
    assert [piece.special for piece in definition.pieces] == [False, True]


def test_constants_of_later_versions_are_told():
    assert codes("input X[x]\nY[k] = dct[k,x] X[x]\n") == ["E0506"]
