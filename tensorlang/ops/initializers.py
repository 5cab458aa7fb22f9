"""How parameters start: names, argument names and defaults. The torch backend holds what each one draws."""

from __future__ import annotations

from tensorlang.ops.record import Initializer

_RECORDS = (
    Initializer("zeros", "all 0"),
    Initializer("ones", "all 1"),
    Initializer("const", "all one value", (("value", None),)),
    Initializer("normal", "normal draws of a mean and a standard deviation", (("mean", 0.0), ("std", 1.0))),
    Initializer("uniform", "uniform draws between a and b", (("a", None), ("b", None))),
    Initializer(
        "glorot",
        "uniform draws whose width keeps the variance of activations and gradients (Glorot and Bengio, 2010)",
        (("gain", 1.0),),
    ),
    Initializer("he", "normal draws whose variance suits relu (He et al., 2015)", (("gain", 2.0**0.5),)),
    Initializer("orthogonal", "a random matrix with orthonormal rows or columns (Saxe et al., 2014)", (("gain", 1.0),)),
    Initializer("eye", "1 on the diagonal, 0 elsewhere"),
    Initializer(
        "mup",
        "normal draws of variance 1 / fan-in, the scale that carries over to wider layers (Yang et al., 2022)",
        (("gain", 1.0),),
    ),
)

INITIALIZERS: dict[str, Initializer] = {record.name: record for record in _RECORDS}
