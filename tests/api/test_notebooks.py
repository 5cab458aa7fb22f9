"""What notebooks show: results with the names of their axes, and the equations of programs."""

from __future__ import annotations

import copy
import io
import pickle
import re
from collections import OrderedDict
from html.parser import HTMLParser

import pytest
import torch

import tensorlang as tl
from tensorlang.report import Value

LAYER = "input X[b,i]\ndim i = 3, o = 2\nparam W[o,i] ~ ones()\nY[b,o] = W[o,i] X[b,i]\nTotal = Y[b,o]\noutput Y, Total"


class Cells(HTMLParser):
    """The texts of a page by element, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: dict[str, list[str]] = {}
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.found.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.found[self.open[-1]][-1] += data


def test_what_a_call_returns_shows_its_axes_and_is_a_dict():
    program = tl.compile(LAYER)
    results = program(X=torch.tensor([[1.0, 2, 3], [4, 5, 6]]))
    assert isinstance(results, dict)
    cells = Cells(results._repr_html_()).found
    assert cells["code"] == ["Y[b,o]", "Total", "42.0"]
    assert cells["th"] == ["b\\o", "0", "1", "0", "1"]
    assert cells["td"] == ["6.0", "6.0", "15.0", "15.0"]
    assert cells["span"] == ["2 × 2"]


def test_it_stays_a_dict_for_torch():
    program = tl.compile(LAYER)
    x = torch.ones(5, 4, 3)
    mapped = torch.func.vmap(lambda each: program(X=each))(x)
    assert mapped["Y"].shape == (5, 4, 2)
    assert "Y[b,o]" in program(X=x[0])._repr_html_()
    with torch.no_grad():
        results = program(X=x[0])
    assert type(copy.deepcopy(results)) is type(pickle.loads(pickle.dumps(results))) is OrderedDict
    stream = io.BytesIO()
    torch.save(results, stream)
    stream.seek(0)
    torch.testing.assert_close(dict(torch.load(stream, weights_only=True)), dict(results))
    compiled = torch.compile(program, backend="eager")
    torch.testing.assert_close(compiled(X=x[0])["Y"], program(X=x[0])["Y"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("V[i] = i^2\ndim i = 3\nV?", ["i", "0", "1", "2", ""]),
        ("A[i,j] = i + j\ndim i = 2, j = 100\nA?", ["i\\j", *"0123", "...", *map(str, range(96, 100)), "0", "1"]),
        ("A[i,j] = i + j\ndim i = 50, j = 1\nA?", ["i\\j", "0", *"0123", "...", *map(str, range(46, 50))]),
        ("A[i,j] = i + j\ndim i = 3, j = 2\nA[1:3, :]?", None),
    ],
)
def test_the_heads_of_tables(text, expected):
    results = tl.run(text)
    heads = Cells(results._repr_html_()).found["th"]
    if expected is not None:
        assert heads == expected
    else:
        assert list(results) == ["A[1:3, :]"]
        assert results._repr_html_().startswith("<div><code>A[1:3, :]</code>")


def test_more_than_two_axes_are_slices():
    shown = tl.run("dim a = 3, b = 2, i = 2, j = 2\nT[a,b,i,j] = a + b + i + j\nT?")._repr_html_()
    divs = Cells(shown).found["div"]
    assert divs[1:] == ["a = 0, b = 0", "a = 0, b = 1", "a = 1, b = 0", "a = 1, b = 1", "... and 2 more of these"]
    assert shown.count("<table") == 4


def test_what_is_big_has_a_summary_and_stays_small():
    shown = tl.run("dim i = 1000, j = 1000\nT[i,j] = i + j\nT?")._repr_html_()
    assert Cells(shown).found["span"] == ["1000 × 1000, int, min 0  mean 999.0  max 1998"]
    assert len(shown) < 20_000


@pytest.mark.parametrize("text", ["B[i] = i > 1\ndim i = 3\nB?", "Z = im * 2\nZ?", "N = 0 / 0.0\nN?"])
def test_all_kinds_of_values(text):
    assert "<code>" in tl.run(text)._repr_html_()


def test_a_session_shows_values_and_what_they_wait_for():
    session = tl.Session()
    values = session.run("input X[i]\nY[i] = 2 X[i]\nZ = 3")
    cells = Cells(values._repr_html_()).found
    assert "X" in cells["code"]
    assert "waits for" in values._repr_html_()
    assert values == tuple(values)
    assert "<table" in tl.Session().run("A = [1, 2]")[0]._repr_html_()


def test_nothing_of_a_program_is_taken_for_html():
    shown = tl.run("dim i = 3\nA[i] = i\nsum[i](A[i] <b)?\nb = 2")._repr_html_()
    assert "&lt;b" in shown
    hostile = "<script>alert('x')</script>"
    for data in (torch.ones(2, 2), torch.ones(())):
        shown += Value(hostile, hostile, (hostile, "j")[: data.ndim], tuple(data.shape), "float", data)._repr_html_()
    shown += Value("Y", hostile, (), (), "float", None, (hostile,))._repr_html_()
    assert re.sub(r"</?(div|code|span|table|tr|th|td)( style='[^'<>]*')?>", "", shown).count("<") == 0


def test_a_function_of_several_outputs_and_parts_of_a_program():
    two = tl.function("input x[i]\na[i] = 2 x[i]\nb = x[i]\noutput a, b")
    assert "a[i]" in two(torch.ones(2))._repr_html_()
    program = tl.compile(LAYER)
    assert "W[o,i]" in program.evaluate("W")._repr_html_()
    assert program._repr_latex_().startswith(r"\begin{align*}")
