"""Plots: pictures of the right kind for one axis, two axes and a training curve; what cannot be drawn is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from filing import got, message, place

from tensorlang.data import Access, plot

Golden = Callable[[str, str], None]
DRAWN = {
    "line": (np.sin(np.arange(50) / 5), ["t"], False),
    "points": (torch.arange(5), ["n"], False),
    "truth": (np.array([True, False, True]), [], False),
    "curve": (np.exp(-np.arange(100.0)), ["epoch", "Loss"], True),
    "rising_curve": (np.array([1.0, -2.0, np.nan]), ["epoch", "Loss"], True),
    "one_point": (np.array([1.0]), ["t"], False),
    "map": (np.arange(12.0).reshape(3, 4), ["y", "x"], False),
    "narrow_map": (np.arange(100.0).reshape(100, 1), ["y", "x"], False),
    "huge_line": (np.arange(10**6), ["t"], False),
    "huge_map": (np.zeros((3000, 5000), dtype=np.float32), ["y", "x"], False),
    "nothing_finite": (np.full((3, 3), np.nan), ["y", "x"], False),
    "infinite": (np.array([1.0, np.inf, -np.inf, 2.0]), ["t"], False),
}


@pytest.mark.parametrize("name", DRAWN)
def test_pictures_are_drawn(access: Access, name: str) -> None:
    array, labels, curve = DRAWN[name]
    plot(access, "x.png", name, array, labels, curve)
    pixels = got(access, "x.png")[:, :, :3]
    assert pixels.shape == (720, 960, 3)
    assert pixels.std() > 0.01


def test_titles_are_taken_as_they_are(access: Access) -> None:
    for title in ("$x^", "a_b{", "Γ[α,β']", "日本", "\\frac", "100%"):
        plot(access, "x.png", title, np.arange(3.0), [title, title], False)
        assert got(access, "x.png").shape == (720, 960, 4)


def test_the_same_plot_gives_the_same_bytes(home: Path, access: Access) -> None:
    for path in ("a.png", "b.png"):
        plot(access, path, "T", np.arange(3.0), ["t"], False)
    assert (home / "a.png").read_bytes() == (home / "b.png").read_bytes()


def test_a_long_line_keeps_its_peaks() -> None:
    from tensorlang.data.plotting import _envelope

    values = np.zeros(10**6)
    values[123_456] = 7
    places, heights = _envelope(values)
    assert len(heights) < 10_000
    assert heights.max() == 7
    assert abs(places[heights.argmax()] - 123_456) < 500


def test_what_cannot_be_drawn(home: Path, access: Access, monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    wrong = {
        "one": np.array(1.0),
        "deep": np.zeros((2, 2, 2)),
        "none": np.zeros((0, 3)),
        "complex": np.array([1j, 2]),
    }
    drawn = [
        message(lambda n=n, a=a: plot(access, f"{n}.png", n, a, [], False, place(f"plot {n}")))  # type: ignore[misc]
        for n, a in wrong.items()
    ]
    drawn.append(message(lambda: plot(access, "x.svg", "x", np.ones(2), [], False, place('plot x to "x.svg"'))))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    drawn.append(message(lambda: plot(access, "x.png", "x", np.ones(2), [], False, place("plot x"))))
    golden("plot.txt", "\n\n".join(drawn) + "\n")
    assert os.listdir(home) == []


def test_drawing_leaves_no_window_machinery_behind(access: Access) -> None:
    plot(access, "x.png", "T", np.arange(3.0), ["t"], False)
    assert "matplotlib.pyplot" not in sys.modules
