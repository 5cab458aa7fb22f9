"""Equations that read each other in a circle: what becomes a fixed point, of which kind, and what it means."""

from __future__ import annotations

import numpy as np
import pytest
from analysing import analysed, codes, shape, values

INF = float("inf")
ROADS = np.array([[INF, 1, 9, INF], [INF, INF, 2, INF], [5, INF, INF, 1], [INF, INF, INF, INF]])


def shortest(roads, from_itself):
    """Floyd and Warshall's, by hand."""
    ways = roads.copy()
    if from_itself:
        np.fill_diagonal(ways, 0)
    for k in range(len(ways)):
        ways = np.minimum(ways, ways[:, k : k + 1] + ways[k : k + 1])
    return ways


def test_shortest_ways_are_found_without_a_declaration():
    found = values("input W[x,x']\nD[x,z] min= W[x,z]\nD[x,z] min= D[x,y] + W[y,z]\n", W=ROADS)["D"]
    np.testing.assert_array_equal(found, shortest(ROADS, False))


def test_a_special_case_holds_in_every_step():
    found = values("input W[x,x']\nD[x,z] min= D[x,y] + W[y,z]\nD[x,x] = 0\n", W=ROADS)["D"]
    np.testing.assert_array_equal(found, shortest(ROADS, True))


def test_the_widest_way_by_maxima():
    text = "input W[x,x']\nB[x,z] max= W[x,z]\nB[x,z] max= min(B[x,y], W[y,z])\n"
    wide = np.array([[0.0, 7, 2], [0, 0, 5], [3, 0, 0]])
    best = wide.copy()
    for k in range(3):
        best = np.maximum(best, np.minimum(best[:, k : k + 1], best[k : k + 1]))
    np.testing.assert_array_equal(values(text, W=wide)["B"], best)


def test_what_can_be_reached():
    edges = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 0]], dtype=bool)
    text = "input E[x,x'] : bool\nR[x,y] or= E[x,y]\nR[x,z] or= R[x,y] and R[y,z]\n"
    wanted = np.zeros((4, 4), dtype=bool)
    for power in range(1, 5):
        wanted |= np.linalg.matrix_power(edges.astype(int), power) > 0
    np.testing.assert_array_equal(values(text, E=edges)["R"], wanted)


def test_a_relation_needs_no_aggregate():
    text = "relation E(x,x')\nR(x,y) = E(x,y)\nR(x,z) = R(x,y) E(y,z)\n"
    assert analysed(text).fixpoints[0].monotone
    assert values(text, E=np.eye(3, k=1, dtype=bool))["R"].sum() == 3


def test_labels_stay_integers_and_distances_become_real():
    text = "input E[x,x'] : bool\nL[x] min= x\nL[x] min= L[y] where E[x,y]\n"
    text += "S[0] = 0\nS[y] min= S[x] + 1 where E[x,y]\n"
    edges = np.zeros((4, 4), dtype=bool)
    edges[0, 1] = edges[1, 0] = edges[1, 2] = edges[2, 1] = True
    found = values(text, E=edges)
    assert found["L"].dtype == np.int64
    assert found["L"].tolist() == [0, 0, 0, 3]
    assert found["S"].tolist() == [0, 1, 2, INF]


def test_through_other_tensors():
    text = "input W[x,x']\nA[x] min= C[x]\nA[0] = 0\nB[x,y] = A[x] + W[x,y]\nC[y] min= B[x,y]\n"
    program = analysed(text)
    (fixpoint,) = program.fixpoints
    assert len(fixpoint.state) == 1
    assert {program.tensors[name].kind for name in fixpoint.members} == {"scanned"}
    np.testing.assert_array_equal(values(text, W=ROADS)["A"], shortest(ROADS, True)[0])


def test_a_circle_without_an_improving_tensor_is_no_fixed_point():
    assert codes("input W[x,x'], X[x]\nD[x] min= D[y] + W[x,y]\nE[x] = E[x] + X[x]\n") == ["E0409"]


def test_a_declared_fixed_point():
    text = "input X[i], W[i,i']\nfixpoint Z\nZ[i] = tanh(W[i,j] Z[j] + X[i])\n"
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=3), 0.3 * rng.normal(size=(3, 3))
    z = np.zeros(3)
    for _ in range(200):
        z = np.tanh(w @ z + x)
    np.testing.assert_allclose(values(text, X=x, W=w)["Z"], z, rtol=1e-10)


def test_the_settings():
    (fixpoint,) = analysed(
        "input X[i]\nconst many = 7\nfixpoint Z tol 1e-3 max many method plain otherwise warn\nZ[i] = 0.5 Z[i] + X[i]\n"
    ).fixpoints
    assert (fixpoint.tolerance, fixpoint.most, fixpoint.method, fixpoint.lenient) == (1e-3, 7, "plain", True)
    (other,) = analysed("input X[i]\nfixpoint Z\nZ[i] = 0.5 Z[i] + X[i]\n").fixpoints
    assert (other.tolerance, other.most, other.method, other.lenient) == (1e-6, 100, "anderson", False)
    (ways,) = analysed("input W[x,x']\nfixpoint D max 12\nD[x,z] min= W[x,z]\nD[x,z] min= D[x,y] + W[y,z]\n").fixpoints
    assert ways.monotone
    assert ways.most == 12


FAULTY = {
    "unknown tensor": ("fixpoint Zed\n", ["E0201"]),
    "unknown setting": ("fixpoint Z maximum 3\n", ["E0520"]),
    "no tolerance": ("fixpoint Z tol 0\n", ["E0520"]),
    "half a step": ("fixpoint Z max 0.5\n", ["E0520"]),
    "another method": ("fixpoint Z method newton\n", ["E0520"]),
    "another ending": ("fixpoint Z otherwise stop\n", ["E0520"]),
    "a number for a word": ("fixpoint Z method 3\n", ["E0520"]),
    "twice the same": ("fixpoint Z tol 1e-3 tol 1e-4\n", ["E0520"]),
    "two of one circle": ("fixpoint Z\nfixpoint U\nU[i] = Z[i]\nZ[i] += 0.1 U[i]\n", ["E0520"]),
    "of an input": ("fixpoint X\n", []),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_declarations(name):
    declared, wanted = FAULTY[name]
    found = codes(f"input X[i]\n{declared}Z[i] = 0.5 Z[i] + X[i]\n")
    assert [code for code in found if code != "E0409"] == wanted


def test_the_order_of_a_step_reads_as_few_as_possible_before_they_are_computed():
    text = "input X[i]\nfixpoint C\nA[i] = D[i] + X[i]\nB[i] = sin(A[i])\nC[i] = cos(A[i])\nD[i] = 0.1 B[i] C[i]\n"
    (fixpoint,) = analysed(text).fixpoints
    assert len(fixpoint.state) == 1


def test_declared_wins_over_an_axis():
    text = "input X[t]\n{}H[t] = 0.5 H[t-1] + X[t]\n"
    asked, plain = analysed(text.format("fixpoint H\n")), analysed(text.format(""))
    assert (len(asked.scans), len(asked.fixpoints)) == (0, 1)
    assert (len(plain.scans), len(plain.fixpoints)) == (1, 0)
    x = np.array([1.0, 2, 4])
    np.testing.assert_allclose(
        values(text.format("fixpoint H\n"), X=x)["H"], values(text.format(""), X=x)["H"], atol=1e-10
    )


def test_in_a_module_the_names_are_the_modules():
    text = (
        "def Deq(X[..., i]) -> Z[..., i]:\n    fixpoint Z tol 1e-4\n    param W[i,i'] ~ zeros()\n"
        "    Z[..., i] = tanh(W[i,i'] Z[..., i'] + X[..., i])\n"
        "input X[b,i]\nA = Deq(X)\nB = Deq(A)\n"
    )
    program = analysed(text)
    assert [fixpoint.members for fixpoint in program.fixpoints] == [("A.Z",), ("B.Z",)]
    assert {fixpoint.tolerance for fixpoint in program.fixpoints} == {1e-4}


def test_reads_inside_the_circle_bound_nothing_that_others_do():
    program = analysed("input F[3], X[n]\nfixpoint Z\nZ[x] = 0.1 Z[x] + F[dx] X[x+dx]\n".replace("F[3]", "F[dx]"))
    assert shape(program, "Z") == "-dx + n + 1"


def test_circles_widen_to_real_numbers():
    program = analysed("input int X[i]\nfixpoint Z\nZ[i] = X[i] - U[i]\nU[i] = X[i] - Z[i]\n")
    assert {program.tensors[name].dtype for name in ("Z", "U")} == {"float"}


def test_truth_values_do_not_settle():
    assert codes("input X[i]\nfixpoint Z\nZ[i] = 0.5 Z[i] K[i] + X[i]\nK[i] = Z[i] > 1\n") == ["E0521"]


MOVES = {
    "both fall": "A[x] min= B[y] + W[x,y]\nB[x] min= 2 + A[x]\n",
    "one rises as the other falls": "A[x] min= W[x,y] - B[y]\nB[x] max= W[x,y] - A[y]\n",
    "through a plain tensor": "A[x] min= W[x,y] - C[y]\nC[x] = 2 * B[x]\nB[x] max= W[x,y] - A[y]\n",
    "by a factor of unknown sign": "A[x] max= W[x,y] A[y]\n",
    "a guard that comes to hold": "A[x] min= W[x,y]   where B[y] > 0\nB[x] max= W[x,y]   where A[y] < 3\n",
}
BACK = {
    "a rise among falls": "A[x] min= B[y] + W[x,y]\nB[x] max= 2 + A[y]\n",
    "a difference": "A[y] min= W[x,y] - A[x]\n",
    "a negative factor": "A[y] max= max(W[x,y], -2 * A[x])\n",
    "through a plain tensor": "A[x] min= W[x,y] - C[y]\nC[x] = 2 * A[x]\n",
    "a guard that ceases to hold": "A[x] min= W[x,y]   where A[y] > 3\n",
    "around the aggregate": "A[x] min= W[x,y] + S[y]\nS[x] = A[x] + 0.1 S[x]\n",
}


@pytest.mark.parametrize("name", MOVES)
def test_what_moves_one_way_is_a_fixed_point(name):
    assert codes(f"input W[x,y]\n{MOVES[name]}A[0] = 0\n") == []


@pytest.mark.parametrize("name", BACK)
def test_what_would_move_back_is_told(name):
    assert codes(f"input W[x,y]\n{BACK[name]}A[0] = 0\n") == ["E0524"]


def test_what_is_one_ahead_has_one_position_more_in_a_circle_too():
    text = "input W[l,h,h'], X[h]\nfixpoint Z\nS[0,h] = X[h]\nZ[l,h] = tanh(W[l,h,h'] Z[l,h'] + S[l,h])\n"
    program = analysed(text + "S[l+1,h] = Z[l,h] + 0.5 S[l,h]\n")
    assert (shape(program, "S"), shape(program, "Z")) == ("l + 1 x h'", "l x h'")
