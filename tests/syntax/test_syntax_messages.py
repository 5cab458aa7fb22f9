"""What is said about wrong programs: every code's example, more slips of each kind, several in one file."""

from __future__ import annotations

import pytest
from reading import codes, read

from tensorlang.codes.syntax import CODES
from tensorlang.diagnostics import render
from tensorlang.limits import Limits

WITH_EXAMPLE = [code for code in CODES if code.example]

# More ways to make a slip, and the code that each one gets.
SLIPS = {
    "E0101": [
        "dim 3", "input 3", "Y? X?", "plot Loss, Y", "def F(3) -> Y: Y = 1", "X[i.j.]?", "import nn as", "load x",
        "assert",
    ],
    "E0102": ["Y = a ≤ b", "Y = a\u00a0b", "Y = {1, 2}", "Y = x²", "Y = a − b", "Y = \\", "Y = $x", "Y = ｘ（1）"],
    "E0103": ['Y = f("a', 'import "x', 'save Y to "y.npy\nZ = 1'],
    "E0104": ["Y = f(a\nZ[i] = 1", "Y = [1, 2\nA(x) <- B(x)", "Y = f(a[1)"],
    "E0105": ["Y = a]", "Y = )", "A(x))"],
    "E0106": ["Y = f('a.csv')", "Y = f(`a`)"],
    "E0107": ['import "a\\qb"'],
    "E0108": ["Y = 1e999", "X1[2nd] = 3", "Y = " + "9" * 1001, "Y = 2im"],
    "E0110": ["Y == 3", "Y[i] == X[i] + 1"],
    "E0111": ["A(x) <= B(x), C(x)", "A(x) -> B(x)", "A(x) :- B(x)", "B(x) => A(x)"],
    "E0114": ["Y = a || b", "Y = !a", "Y = a & b"],
    "E0115": ["Y = a =< b", "Y = a ~= b"],
    "E0116": ["// a comment", "Y = a // b"],
    "E0117": ["Y -= 3", "Y[b] *= 2", "Y[b] sum= X[b]", "Y[b] median= X[b]"],
    "E0118": [
        "if x > 3: Y = 2", "while true: x = 1", "return Y", "print(Y)", "print Y", "Y = lambda x: x", "let x = 3",
        "class F:\n    Y = 1", "else: Y = 1",
    ],
    "E0119": ['test "x"\n    assert a', "def F(X) -> Y\n    Y = X"],
    "E0120": ["Y = 1\n  Z = 2\n  W = 3", "def F() -> Y:\n    Y = 1\n  Z = 2"],
    "E0122": ['test "x":\n', "def F() -> Y:"],
    "E0123": ["Y = a % b c", "Y = 1 / 2 x"],
    "E0124": ["Y[s] = softmax[s] (X[s])", "Parent (Alice, Bob)", "def F (x) -> Y: Y = 1", "Y = max[i] (a)"],
    "E0125": ["input A[i]\nY[i] = A[i](B[i])", "A[i](x) = 1", "def F(A[i]) -> Y[i]: Y[i] = A[i](2)"],
    "E0126": ["Y = sum [j](x)"],
    "E0127": ["Y[i j] = 1", "Y = X[b, i j k]"],
    "E0128": ["Y = a, b", "assert a, b"],
    "E0129": ["A[i] + 1 = 2", "A.b = 2", "f(x=1) = 2", "(A) = 2"],
    "E0130": ["3", "x", '"a text"', "A[i] B[i]"],
    "E0131": ["imput X[b]", 'tset "x": assert a', "asert x < 3", "minimise Loss with adam()", "imprt nn"],
    "E0133": ["input X ~ a ~ b", "input X: float32"],
    "E0134": ["Y = and[i]", "Y[if] = 2", "dim where = 3"],
    "E0135": ["A <- B(x)", "A(x)(y) <- B(x)"],
    "E0137": ["Parent(Alice, Bob). Parent(Bob, Dan).", "A(x) <- B(x)."],
    "E0138": ["Y[] = 3", "Y = ()"],
    "E0139": ["Y = ", "Y = a + * b", "Y = (a b +)", "Y[i] = where i > 0", "Y = f(a, , b)", "Y = a and or b"],
    "E0141": ["minimize Loss with adam(lr=1), 20", "minimize Loss with 3"],
    "E0144": ["Y = a where b where c", "A(x) <- B(x) where x > 1", "Y? where x", "input X where a"],
    "E0145": ["Y = |a + b|", "Y = a | b"],
    "E0146": ["A = B = C", "Y[i] = a where b = c"],
    "E0147": ["scan H checkpoint=8", "scan H, C tol = 1e-6 max 3"],
    "E0148": ["save(Y)", "minimize(Loss)", "load(X)"],
}  # fmt: skip


def drawn(text: str) -> str:
    return render(read(text)[1].found)


@pytest.mark.parametrize("code", WITH_EXAMPLE, ids=lambda code: code.code)
def test_example_of_code(code, golden):
    assert codes(code.example) == [code.code]
    assert code.instead
    assert not codes(code.instead)
    golden(f"{code.code}.txt", drawn(code.example) + "\n")


@pytest.mark.parametrize("code", SLIPS)
def test_more_slips(code, golden):
    for text in SLIPS[code]:
        assert codes(text) == [code], f"{text!r}\n{drawn(text)}"
    golden(f"{code}-more.txt", "\n\n".join(f"{text[:200]}\n---\n{_short(drawn(text))}" for text in SLIPS[code]) + "\n")


def _short(text: str) -> str:
    return "\n".join(line if len(line) < 300 else line[:100] + " ..." for line in text.splitlines())


def test_limits(golden):
    texts = [
        render(read("Y = 1 # long", Limits(source=4))[1].found),
        render(read("Y = ((1))", Limits(nesting=1))[1].found),
        render(read("Y = 2^2^2", Limits(nesting=1))[1].found),
    ]
    golden("limits.txt", "\n\n".join(texts) + "\n")


def test_every_slip_of_a_file_is_reported_once(golden):
    text = """\
input X[b,i]
parm W[o,i]
Y[b,o = relu(W[o,i] X[b,i])
Z[b] := Y[b,o] ** 2
def F(X) -> Y
    A = X + + 1
    Y = A +
    Q = 3
def G(X[i]) -> Y[i]:
    Y[i] = X[i) + 1
B = a / b c
C = "abc
Good = 1
"""
    problems = read(text)[1].found
    assert len({problem.span.line for problem in problems}) == len(problems) - 1
    golden("file.txt", render(problems) + "\n")
    assert [problem.code for problem in problems] == [
        "E0131", "E0104", "E0109", "E0112", "E0119", "E0139", "E0104", "E0123", "E0103",
    ]  # fmt: skip


def test_statements_around_an_error_are_kept():
    file = read("A = 1\nB = )\nC = 3\ndef F() -> Y:\n    X = (+)\n    Y = 2\nD = 4")[0]
    assert [type(each).__name__ for each in file.statements] == ["Equation", "Equation", "Def", "Equation"]
    assert len(file.statements[2].body) == 1


def test_no_message_speaks_of_tokens():
    words = {"RPAR", "RSQB", "LSQB", "LPAR", "token", "Token", "terminal", "lexeme", "END", "INDENT", "illegal"}
    for texts in SLIPS.values():
        for text in texts:
            assert not words & set(drawn(text).replace("`", " ").split())


def test_functions_named_like_tensors_may_multiply():
    assert not codes("step = 3\nY = step (a + b)")
    assert not codes("def A(X[i]) -> Y[i]: Y[i] = X[i]\nB[l] = A[l](B[l])")
    assert not codes("dim norm\nY[norm] = norm (a + b)")


def test_invisible_and_raised_characters():
    assert "zero width space" in drawn("Y = a\u200bb")
    assert "write `^2`" in drawn("Y = x²")
    assert "write `(`" in drawn("Y = f（x）")
