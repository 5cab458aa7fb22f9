"""The formatter: what it writes, and that it changes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from reading import formatted, good, same

from tensorlang.diagnostics import CompileError
from tensorlang.source import Source
from tensorlang.syntax.format import format_text
from tensorlang.syntax.lexemes import scan

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.tl"))


def text_of(path: Path) -> str:
    return path.read_bytes().decode()


def comments(text: str) -> list[str]:
    return sorted(lexeme.text.rstrip() for lexeme in scan(text) if lexeme.kind == "COMMENT")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_corpus(path, golden):
    text = text_of(path)
    again = formatted(text)
    assert same(good(again), good(text))
    assert formatted(again) == again
    assert comments(again) == comments(text)
    assert all(line == line.rstrip() for line in again.splitlines())
    golden(f"{path.stem}.tl", again)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Y[ b , o ]=relu( W[o,i]  X[b,i] )", "Y[b,o] = relu(W[o,i] X[b,i])"),
        ("Y=a*b/c%d-e+f", "Y = a * b / c % d - e + f"),
        ("Y=- a ^ - 2*+ b", "Y = -a^-2 * +b"),
        ("Y=X[t - 1,2 * x+dx,t%4, *t + 1,2* *t]", "Y = X[t-1,2*x+dx,t % 4,*t+1,2* *t]"),
        ("Y=X[0 : 5,: , ...]", "Y = X[0:5, :, ...]"),
        ("Y=f(a,b ,c = 3)[i,j]", "Y = f(a, b, c=3)[i,j]"),
        ("Y=2(a)(b)not_", "Y = 2 (a) (b) not_"),
        ("Y max =a<=b where not(c),d", "Y max= a <= b where not (c), d"),
        ("A(x,y)←B(x),x<-1", "A(x, y) <- B(x), x < -1"),
        ("def F(X[...,i],o = 3)->Y[...,o] :Y=X;Z=3", "def F(X[..., i], o=3) -> Y[..., o]: Y = X; Z = 3"),
        ("input X[b]:complex,T in v~zeros()", "input X[b]: complex, T in v ~ zeros()"),
        ("minimize L with adam(lr = 1),batch = (n,64)", "minimize L with adam(lr=1), batch=(n, 64)"),
        ("minimize L;a=1", "minimize L; a = 1"),
        ('test "x" :assert | d |==3;', 'test "x": assert |d| == 3'),
        ("Y=a#c", "Y = a  #c"),
        ("Y = A[i,(h  d)] t'", "Y = A[i,(h d)] t'"),
        ("why A(x) ?;Y ?", "why A(x)?; Y?"),
    ],
)
def test_spacing(text, expected):
    assert formatted(text) == expected + "\n"


def test_blank_lines():
    assert formatted("\n\nA = 1\n\n\n\nB = 2\n\n") == "A = 1\n\nB = 2\n"
    assert formatted("def F() -> Y:\n\n\n  Y = 1\n\nA = 1") == "def F() -> Y:\n    Y = 1\n\nA = 1\n"
    assert formatted("") == ""


def test_comments_keep_their_block():
    text = "def F() -> Y:\n  # one\n  Y = 1  # two\n  # three\n# four\nA = 1\n  # five\n"
    assert formatted(text) == "def F() -> Y:\n    # one\n    Y = 1  # two\n    # three\n# four\nA = 1\n# five\n"


def test_long_lines_break_where_they_may():
    term = "Aaaaaaaaaaaaaaaaaaaaaaaaa[b,i] Bbbbbbbbbbbbbbbbbbbbbbb[i]"
    again = formatted(f"Y[b] = {term} + {term} + {term} where b > 1")
    assert again.splitlines() == [f"Y[b] = {term}", f"    + {term}", f"    + {term} where b > 1"]
    again = formatted(f"Y[b] = relu({term} + {term})")
    assert again.splitlines() == [f"Y[b] = relu({term}", f"    + {term})"]
    again = formatted("W = [" + ", ".join(["1.25"] * 30) + "]")
    assert [len(line) for line in again.splitlines()] == [100, 88]
    assert again.splitlines()[1].startswith("     1.25")
    again = formatted("A = 1; " + "; ".join(["B = 2"] * 20))
    assert len(again.splitlines()) == 21


def test_chosen_breaks_stay():
    text = "W = [[1, 2],\n     [3, 4]]\nY = f(\n    a,  # one\n    b\n)\nZ = a\n    + b\n"
    assert formatted(text) == text


def test_wrong_programs_are_not_touched():
    with pytest.raises(CompileError) as caught:
        format_text(Source("x", "Y = )"))
    assert caught.value.diagnostics[0].code == "E0105"
