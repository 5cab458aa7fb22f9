"""Structured constants by their defining properties; initialisers are well formed."""

from __future__ import annotations

import itertools

import numpy as np

from tensorlang.ops import INITIALIZERS, STRUCTURED


def matrix(name: str, *sizes: int) -> np.ndarray:
    return np.asarray(STRUCTURED[name].numpy(np, tuple(np.indices(sizes)), sizes))


def test_delta_is_the_identity() -> None:
    np.testing.assert_array_equal(matrix("delta", 3, 3), np.eye(3))
    np.testing.assert_array_equal(matrix("delta", 2, 3), np.eye(2, 3))


def test_epsilon_is_the_sign_of_a_permutation() -> None:
    cube = matrix("epsilon", 3, 3, 3)
    a, b = np.array([1.0, 2.0, -0.5]), np.array([0.3, -1.0, 2.0])
    np.testing.assert_allclose(np.einsum("ijk,j,k->i", cube, a, b), np.cross(a, b))
    m = np.arange(16.0).reshape(4, 4) ** 2 + np.eye(4)
    expanded = sum(matrix("epsilon", 4, 4, 4, 4)[p] * np.prod([m[r, c] for r, c in enumerate(p)])
                   for p in itertools.permutations(range(4)))  # fmt: skip
    np.testing.assert_allclose(expanded, np.linalg.det(m))


def test_dft_is_the_transform_and_idft_undoes_it() -> None:
    x = np.array([1.0, -2.0, 0.5, 3.0, 0.25])
    np.testing.assert_allclose(matrix("dft", 5, 5) @ x, np.fft.fft(x), atol=1e-12)
    np.testing.assert_allclose(matrix("idft", 5, 5) @ (matrix("dft", 5, 5) @ x), x, atol=1e-12)
    np.testing.assert_allclose(matrix("dft", 2, 5), matrix("dft", 5, 5)[:2], atol=1e-12)
    np.testing.assert_allclose(matrix("idft", 5, 2), matrix("idft", 5, 5)[:, :2], atol=1e-12)


def test_elements_one_at_a_time() -> None:
    assert STRUCTURED["epsilon"].numpy(np, (1, 0), (2, 2)) == -1
    assert STRUCTURED["delta"].numpy(np, (2, 2), (3, 3)) == 1
    assert STRUCTURED["dft"].numpy(np, (0, 3), (4, 4)) == 1


def test_initialisers_name_their_arguments() -> None:
    names = ["zeros", "ones", "const", "normal", "uniform", "glorot", "he", "orthogonal", "eye", "mup"]
    assert list(INITIALIZERS) == names
    assert INITIALIZERS["normal"].arguments == (("mean", 0.0), ("std", 1.0))
    for record in INITIALIZERS.values():
        assert record.doc
        assert all(default is None or isinstance(default, float) for _, default in record.arguments)
