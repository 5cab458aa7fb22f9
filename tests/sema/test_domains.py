"""Sizes of axes and indices: unification, arithmetic on indices, left sides, files of sizes."""

from __future__ import annotations

import pytest
from analysing import analysed, codes, shape, values

SHAPES = [
    ("input X[x], F[dx]\nY[p] = F[dx] X[p+dx]", "-dx + x + 1"),
    ("dim x = 10, dx = 3\ninput X[x], F[dx]\nY[p] = F[dx] X[p+dx]", "8"),
    ("dim x = 10, dx = 3\ninput X[x], F[dx]\nY[x] = F[dx] X[x+dx]", "10"),
    ("dim x = 10, dx = 3\ninput X[x], F[dx]\nY[p] = F[dx] X[2*p+dx]", "4"),
    ("dim x = 10\ninput X[x]\nY[p] = X[p-1]", "11"),
    ("dim x = 10\ninput X[x]\nY[p] = X[p+1]", "9"),
    ("dim x = 10\ninput X[x]\nY[p] = X[p/2]", "20"),
    ("dim x = 10\ninput X[x]\nY[x/3] = X[x]", "4"),
    ("dim x = 10\ninput X[x]\nY[x+1] = X[x]", "11"),
    ("dim x = 10\ninput X[x]\nY[9-x] = X[x]", "10"),
    ("dim a = 2, b = 3\ninput X[a,b]\nY[(a b)] = X[a,b]", "6"),
    ("dim h = 2\ninput X[n]\nY[h,d] = X[(h d)]\ndim n = 12", "2 x 6"),
    ("dim a = 2, b = 3\ninput X[n,a], Z[n,b]\nY[n,k] = concat[k](X[n,a], Z[n,b])", "n x 5"),
    ("dim v = 7\ninput E[v,d], M[e]\ninput T[e] in v\nY[T[e]] += M[e]", "7"),
    ("dim v = 7\ninput T[e] in v\nY[e,v] = one_hot[v](T[e])", "e x 7"),
    ("input X[i]\nY[0] = 1\nY[i] = X[i]", "i"),
    ("Y[0] = 1\nY[4] = 1", "5"),
    ("dim d = 3, m = 2*|d| + 1\ninput X[m]\nY[m] = X[m]", "7"),
    ("dim d = 3\ninput X[n,d]\nY[n,d,d'] = X[n,d] X[n,d']", "n x 3 x 3"),
    ("const L = 6\ndim l = L\nY[l] = 1", "6"),
    ("Y = [[1, 2, 3], [4, 5, 6]]", "2 x 3"),
    ("Y[i,j] = [[1, 2, 3], [4, 5, 6]]", "2 x 3"),
    ("dim i = 2\nY[i] = [1, 2]", "2"),
]


@pytest.mark.parametrize(("text", "expected"), SHAPES, ids=[text.replace("\n", "; ") for text, _ in SHAPES])
def test_shape_of_the_result(text, expected):
    assert shape(analysed(text + "\n"), "Y") == expected


def test_labels_do_not_tie_axes():
    program = analysed("input X[b,i], Z[b,j]\nY[b,i] = X[b,i]\nU[b,j] = Z[b,j]\n")
    assert program.tensors["X"].shape[0] != program.tensors["Z"].shape[0]


def test_an_equation_ties_axes():
    program = analysed("input X[b,i], Z[c,i]\nY[b] = X[b,i] Z[b,i]\n")
    assert program.tensors["X"].shape == program.tensors["Z"].shape


def test_dims_given_from_outside():
    assert shape(analysed("dim d = 4\nparam W[d]\nY[d] = W[d]\n", d=9), "Y") == "9"


def test_equal_sizes_that_only_the_call_can_compare():
    program = analysed("input X[x], F[dx], Z[z]\nY[p] = F[dx] X[p+dx]\nU[z] = Y[z] + Z[z]\nV[z] = Z[z] + X[z]\n")
    assert program.equalities


def test_a_clash_shows_both_places():
    assert codes("dim i = 3, j = 4\ninput X[i], Z[j]\nY = X[i] Z[i]\n") == ["E0301"]


def test_valid_range_that_starts_later_counts_only_what_is_inside():
    program = analysed("dim x = 4\ninput X[x]\nY max= X[p-1]\n")
    definition = program.definition("Y")
    assert definition is not None
    from tensorlang.ir.show import show_expr

    assert show_expr(definition.pieces[0].value) == "max[p](X[p-1] where p >= 1)"


def test_a_literal_has_the_axes_and_sizes_that_its_left_side_says():
    assert codes("Y[i] = [[1, 2], [3, 4]]\n") == ["E0207"]
    assert codes("dim i = 3\nY[i] = [1, 2]\n") == ["E0301"]
    assert codes("input X[i]\nY[i] = [1, 2] X[i]\n") == ["E0231"]


def test_a_range_on_the_left_is_a_special_case_from_the_first_position_too():
    for first in (0, 1):
        text = f"dim n = 4\nY[n] = n\nY[{first}:2] = 9\n"
        assert codes(text) == []
        assert values(text)["Y"].tolist() == [9 if first <= n < 2 else n for n in range(4)]
    assert codes("dim n = 4\nY[n] = n\nY[m] = 9\n") == ["W0401"]
