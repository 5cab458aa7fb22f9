"""``scan`` declarations: what they set, on which recurrence, and what is wrong with faulty ones."""

from __future__ import annotations

import numpy as np
import pytest
from analysing import analysed, codes, values

from tensorlang.ir.recursion import Manner

RUNS = "input X[t]\n{}H[t] = 0.5 H[t-1] + X[t]\nG[t] = tanh(G[t-1]) + X[t]\n"

WISHES = {
    "scan H": Manner(),
    "scan H method loop": Manner("loop"),
    "scan H method parallel": Manner("parallel", 1e-6, 100),
    "scan H tol 1e-3 max 20 method parallel": Manner("parallel", 1e-3, 20),
    "const k = 8\nscan H checkpoint k": Manner("loop", checkpoint=8),
}


@pytest.mark.parametrize("declared", WISHES)
def test_a_declaration_says_how_one_recurrence_is_run(declared):
    program = analysed(RUNS.format(f"{declared}\n"))
    found = {scan.members: scan.manner for scan in program.scans}
    assert found == {("H",): WISHES[declared], ("G",): Manner()}


def test_any_tensor_of_a_recurrence_stands_for_all():
    text = "input X[t]\nscan B checkpoint 3\nA[t+1] = B[t] + X[t]\nB[t+1] = 0.5 A[t]\n"
    (scan,) = analysed(text).scans
    assert sorted(scan.members) == ["A", "B"]
    assert scan.manner.checkpoint == 3


def test_inside_a_module_it_is_of_each_application():
    text = "def Sums(X[t]) -> H[t]:\n    scan H checkpoint 2\n    H[t] = H[t-1] + X[t]\n"
    program = analysed(f"input A[t]\n{text}B = Sums(A)\nC = Sums(B)\n")
    assert [scan.manner.checkpoint for scan in program.scans] == [2, 2]


def test_it_changes_no_value():
    given = np.array([1.0, -2.0, 0.5])
    plain = values(RUNS.format(""), X=given)
    asked = values(RUNS.format("scan H, G\n").replace("scan H, G", "scan H method loop\nscan G checkpoint 2"), X=given)
    np.testing.assert_array_equal(plain["H"], asked["H"])
    np.testing.assert_array_equal(plain["G"], asked["G"])


def test_scan_is_a_name_where_no_declaration_can_be():
    found = values("input X[t]\nscan[t] = 2 X[t]\nY[t] = scan[t] + 1\nscan Y\nY[t] += Y[t-1]\n", X=np.ones(2))
    assert found["Y"].tolist() == [3, 6]


FAULTY = {
    "unknown setting": ("scan H steps 3", ["E0540"]),
    "unknown method": ("scan H method newton", ["E0540"]),
    "a number for a method": ("scan H method 3", ["E0540"]),
    "a word for a number": ("scan H checkpoint many", ["E0540"]),
    "nothing kept": ("scan H checkpoint 0", ["E0540"]),
    "a part of a position": ("scan H checkpoint 1.5", ["E0540"]),
    "no tolerance": ("scan H method parallel tol 2", ["E0540"]),
    "a tolerance of a loop": ("scan H tol 1e-3", ["E0540"]),
    "rounds of a loop": ("scan H method loop max 3", ["E0540"]),
    "checkpoints of a parallel one": ("scan H method parallel checkpoint 3", ["E0540"]),
    "one setting twice": ("scan H checkpoint 3 checkpoint 4", ["E0540"]),
    "one recurrence twice": ("scan H\nscan H", ["E0540"]),
    "an unknown tensor": ("scan Hidden", ["E0201"]),
    "an input": ("scan X", ["E0541"]),
    "a tensor without a recurrence": ("Y[t] = 2 H[t]\nscan Y", ["E0541"]),
    "a fixed point": ("Z = 0.5 Z + 1\nfixpoint Z\nscan Z", ["E0541"]),
    "a circle of equations, told once": ("A[t] = B[t]\nB[t] = A[t] + X[t]\nscan A", ["E0409"]),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_declarations(name):
    declared, wanted = FAULTY[name]
    assert codes(f"input X[t]\n{declared}\nH[t] = 0.5 H[t-1] + X[t]\n") == wanted


def test_the_nearest_spelling_is_suggested():
    from tensorlang.diagnostics import render
    from tensorlang.driver import check
    from tensorlang.options import Options
    from tensorlang.source import Source

    text = "input X[t]\nscan Hiden\nHidden[t] = 0.5 Hidden[t-1] + X[t]\n"
    found = check(Source("example.tl", text), Options()).problems.found
    assert "did you mean `Hidden`?" in render(found)
