"""The records of operators: one a operator, the single place that knows its name, meaning, laws and renderings.

Records import no library: they hold templates for torch source and functions that receive numpy as their argument.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A pointwise operator.

    ``name``       the name in programs and in ``Apply``.
    ``arity``      (least, most) number of arguments.
    ``doc``        one line: what it is, domain and range where it matters.
    ``torch``      template of torch source by argument position: ``"torch.exp({0})"``; it must script.
    ``numpy``      the meaning: ``lambda np, x: np.exp(x)``, over numpy arrays or scalars, any shape, broadcasting.
    ``sympy``      name of the sympy function (``"exp"``), or None where there is none.
    ``result``     element type of the result: "same" (join of the arguments), "float" (int and bool become float), "bool",
                   "int", "real" (complex becomes float).
    ``zero``       f(0) = 0 (with further arguments at any value): keeps sparsity and absence.
    ``monotone``   non-decreasing in its (only) argument.
    ``idempotent`` f(f(x)) = f(x).
    ``commutative`` for two arguments and more.
    ``unit``       e with f(x, e) = x, for commutative ones.
    ``inverse``    the name of the function that undoes it everywhere (log of exp).
    ``differentiable`` False where the derivative is 0 or undefined almost everywhere (step, floor, comparisons).
    ``samples``    argument tuples for tests, off the points where it is not smooth.
    ``default``    values of the optional arguments that the torch template needs when they are left out.
    """

    name: str
    arity: tuple[int, int]
    doc: str
    torch: str
    numpy: Callable[..., Any]
    sympy: str | None = None
    result: str = "same"
    zero: bool = False
    monotone: bool = False
    idempotent: bool = False
    commutative: bool = False
    unit: float | None = None
    inverse: str | None = None
    differentiable: bool = True
    samples: tuple[tuple[float, ...], ...] = field(default=((0.7,), (-1.3,), (2.1,)))
    default: tuple[float, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction over the present elements of one or more indices.

    ``torch``     template over one dimension list: ``"torch.sum({0}, dim={dims})"``; None where only one dim is allowed,
                  then ``torch_one`` with ``{dim}`` is used after the dims are flattened into one.
    ``numpy``     ``lambda np, values: ...`` over a 1-d array of the present values (may be empty).
    ``identity``  its value over nothing (mean, std, var: 0 by decree; argmax: 0).
    ``fill``      the value that takes no part when it stands for an absent element, as a torch float literal
                  (``float("-inf")`` for max); None where none exists (mean, std, var, argmax count instead).
    ``function``  counts as a function for the projection rule (all but sum and mean).
    ``aggregate`` the spelling of the assignment that aggregates so (``max=``), or None.
    """

    name: str
    doc: str
    numpy: Callable[..., Any]
    identity: float | bool
    torch: str | None = None
    torch_one: str | None = None
    fill: str | None = None
    result: str = "same"
    function: bool = True
    aggregate: str | None = None
    differentiable: bool = True


@dataclass(frozen=True, slots=True)
class Along:
    """A function along an index, which it keeps.

    ``torch``    template with ``{0}``, ``{dim}`` and options ``{1}``...
    ``numpy``    ``lambda np, values, *options: ...`` over the 1-d array of the present values; returns the same length.
    ``options``  names and defaults of further arguments.
    ``fill``     as in ``Reduction``: what an absent element is replaced by beforehand; None: treated as 0.
    """

    name: str
    doc: str
    torch: str
    numpy: Callable[..., Any]
    options: tuple[tuple[str, float], ...] = ()
    fill: str | None = None
    result: str = "float"
    differentiable: bool = True


@dataclass(frozen=True, slots=True)
class Initializer:
    """How a parameter starts. ``arguments`` are names and defaults (None: required). ``torch`` is applied by the backend."""

    name: str
    doc: str
    arguments: tuple[tuple[str, float | None], ...] = ()
