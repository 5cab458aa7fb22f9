"""Codes of sizes, domains and positions (E03xx)."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0301", "an index has two sizes",
        "An index takes the domain of the axes that it stands in, and all of them must agree. The message shows where each "
        "size was first bound: a `dim`, an input, a file.",
        "dim h = 2, i = 3, j = 4\ninput X[b,i]\nparam W[h,j]\nY[b,h] = W[h,i] X[b,i]\n",
        "dim h = 2, i = 3\ninput X[b,i]\nparam W[h,i]\nY[b,h] = W[h,i] X[b,i]\n",
    ),
    Code(
        "E0302", "an axis of a parameter has no size",
        "The shape of a parameter comes from `dim`s and from the axes that its indices meet. An axis that meets none needs a "
        "`dim` of its label.",
        "input X[b,i]\nparam W[h,i]\nY[b,h] = W[h,i] X[b,i]\n",
        "dim h = 8\ninput X[b,i]\nparam W[h,i]\nY[b,h] = W[h,i] X[b,i]\n",
    ),
    Code(
        "E0303", "an index is unsafe: nothing bounds it",
        "Every index ranges over a domain: that of an axis it stands in, or of a `dim` of its name. An index that only stands "
        "on the left, or only as a value, has none.",
        "Y[i] = 1\n", "dim i = 3\nY[i] = 1\n",
    ),
    Code(
        "E0304", "a constant position is outside its axis",
        "Positions count from 0; negative constants count from the end. A constant position outside its axis would always read "
        "0 and is taken for a mistake. (An index that runs outside reads 0.)",
        "dim i = 3\ninput X[i]\nY = X[3]\n", "dim i = 3\ninput X[i]\nY = X[2]\n",
    ),
    Code(
        "E0305", "no value of an index keeps an access inside",
        "An index that stands only in arithmetic ranges over the values for which all accesses are inside their axes. Here "
        "there are none: a filter longer than its signal, for instance.",
        "dim x = 2, dx = 5\ninput X[x], F[dx]\nY[p] = F[dx] X[p+dx]\n",
        "dim x = 8, dx = 5\ninput X[x], F[dx]\nY[p] = F[dx] X[p+dx]\n",
    ),
    Code("E0306", "a size is not positive", "A domain has at least one element.", "dim d = 0\n", "dim d = 1\n"),
    Code(
        "E0307", "an axis cannot be laid out in groups",
        "`(h d)` lays h and d out along one axis, so its size is |h| |d|. Where one of the two is known, it must divide the "
        "axis.",
        "dim h = 4, n = 10\ninput X[n]\nY[h,d] = X[(h d)]\n", "dim h = 5, n = 10\ninput X[n]\nY[h,d] = X[(h d)]\n",
    ),
    Code(
        "E0308", "an axis of a defined tensor has no size",
        "The furthest position that the equations name gives an axis its size. A gathered position (`S[Dst[e]] += ...`) says "
        "nothing about it unless the integer tensor says what it holds positions of.",
        "input M[e]\ninput int Dst[e]\nS[Dst[e]] += M[e]\n",
        "dim n = 5\ninput M[e]\ninput Dst[e] in n\nS[Dst[e]] += M[e]\n",
    ),
    Code(
        "E0309", "a domain or index is unknown",
        "`|d|` is the size of a `dim`, or of an index of the same equation.",
        "input X[b]\nY[b] = X[b] / |q|\n", "input X[b]\nY[b] = X[b] / |b|\n",
    ),
    Code("E0310", "a size that is set does not exist", "`--dim name=size` (and `dims=` in Python) sets a declared `dim`, or "
         "the size of an input's axis by its label."),
    Code(
        "E0311", "a range has no end that is known beforehand",
        "`a:b` holds the positions a to b-1; both are numbers, constants or sizes.",
        "dim i = 9\ninput X[i]\nX[2:]?\n", "dim i = 9\ninput X[i]\nX[2:9]?\n",
    ),
    Code(
        "E0312", "nothing says how large a structured constant is",
        "`delta`, `dft` and their kin take their sizes from the plain indices at their places.",
        "input X[i]\nY = delta[0,0]\n", "input X[i]\nY[j] = delta[i,j] X[i]\n",
    ),
    Code(
        "E0313", "the batch's index is no axis that is given",
        "`batch=(n, 64)` takes 64 rows at a time along the axis n of inputs and data.",
        "input X[b]\nparam W\nL = (W - X[b])^2\nminimize L with sgd(lr=0.1), epochs=1, batch=(q, 4)\n",
        "input X[b]\nparam W\nL = (W - X[b])^2\nminimize L with sgd(lr=0.1), epochs=1, batch=(b, 4)\n",
    ),
)  # fmt: skip
