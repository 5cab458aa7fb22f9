"""The records of operators: one a operator, the single place that knows its name, meaning, laws and renderings.

Records import no library: they hold templates for torch source and functions that receive numpy as their argument.

Templates of torch source take argument strings by position. Each must script in TorchScript. An argument may stand in a
template more than once, so it should be a name (or a number) there. Before a template is applied, arguments are
converted as ``takes`` says; positions in ``tensors`` must be tensors, the others may be number literals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tensorlang.records import dataclass, field

MANY = 10**9


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A pointwise operator.

    ``name``       the name in programs and in ``Apply``.
    ``arity``      (least, most) number of arguments; most is ``MANY`` for n-ary ones.
    ``doc``        one line: what it is, domain and range where it matters.
    ``torch``      template of torch source by argument position: ``"torch.exp({0})"``. For n-ary operators it is the
                   template of two arguments, folded from the left.
    ``torch_more`` the template where optional arguments are given; None: where ``torch`` fits all.
    ``torch_numbers`` a better template for where all arguments but the first are number literals, or None.
    ``numpy``      the meaning: ``lambda np, x: np.exp(x)``, over numpy arrays or scalars, any shape, broadcasting.
                   Truth values arrive as the integers 0 and 1.
    ``sympy``      name of the sympy function (``"exp"``), or None where there is none.
    ``result``     element type of the result: "same" (join of the arguments), "number" (bool becomes int, else same),
                   "float" (int and bool become float), "bool", "int", "real" (complex becomes float, bool int),
                   "modulus" (float, also of complex).
    ``takes``      what arguments are converted to before the template is applied, by position, the last entry for all
                   further ones: "result" (the element type of the result), "any" (as they are), "number"
                   (bool becomes int), "bool", "complex".
    ``tensors``    the positions that must be tensors in the template.
    ``complex``    takes complex arguments.
    ``zero``       f(0) = 0 (with further arguments at any value): keeps sparsity and absence of its first argument.
    ``monotone``   non-decreasing in its (only) argument; says nothing where optional arguments are given.
    ``idempotent`` f(f(x)) = f(x).
    ``commutative`` for two arguments and more.
    ``unit``       e with f(x, e) = x, for commutative ones.
    ``inverse``    the name of the function that undoes it on all real numbers (log of exp).
    ``differentiable`` False where the derivative is 0 or undefined almost everywhere (step, floor, comparisons).
    ``random``     drawn anew at each evaluation.
    ``samples``    argument tuples for tests, off the points where it is not smooth.
    ``default``    values of the optional arguments when they are left out.
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
    takes: tuple[str, ...] = ("result",)
    tensors: tuple[int, ...] = (0,)
    complex: bool = True
    random: bool = False
    torch_more: str | None = None
    torch_numbers: str | None = None


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction over the present elements of one or more indices.

    ``torch``     template over one dimension list: ``"torch.sum({0}, dim={dims})"``; None where only one dim is
                  allowed, then ``torch_one`` with ``{dim}`` is used after the dims are flattened into one.
    ``numpy``     ``lambda np, values: ...`` over a 1-d array of the present values, one or more; truth
                  values arrive as the integers 0 and 1, here and in ``Along``.
    ``identity``  its value over nothing (mean, std, var: 0 by decree; argmax: 0). An infinity is the least or greatest
                  value of an integer type.
    ``fill``      the value that takes no part when it stands for an absent element, as a torch float literal
                  (``float("-inf")`` for max); None where none exists (mean, std, var count instead).
    ``result``    as in ``Pointwise``.
    ``takes``     what the argument is converted to beforehand: "result", "any", "bool", "number", "float".
    ``function``  counts as a function for the projection rule (all but sum and mean).
    ``aggregate`` the spelling of the assignment that aggregates so (``max=``), or None.
    ``position``  the result is a position along the (flattened) reduced indices, absent elements counted.
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
    takes: str = "result"
    complex: bool = True
    position: bool = False


@dataclass(frozen=True, slots=True)
class Along:
    """A function along an index, which it keeps.

    ``torch``    template with ``{0}``, ``{dim}`` and options ``{1}``... (numbers).
    ``numpy``    ``lambda np, values, *options: ...`` over the 1-d array of the present values; returns the same length.
    ``options``  names and defaults of further arguments (None: required).
    ``fill``     as in ``Reduction``: what an absent element is replaced by beforehand; None: treated as 0.
    ``whole``    works by place: ``numpy`` is given the whole row, ``fill`` standing for absent elements, and the result
                 is absent where the argument was.
    ``takes``    what the argument is converted to beforehand: "result", "any".
    """

    name: str
    doc: str
    torch: str
    numpy: Callable[..., Any]
    options: tuple[tuple[str, float | None], ...] = ()
    fill: str | None = None
    result: str = "float"
    differentiable: bool = True
    whole: bool = False
    takes: str = "result"
    complex: bool = True


@dataclass(frozen=True, slots=True)
class Structured:
    """A built-in constant tensor, read like any tensor: ``Read("dft", (k, x), shape, "complex")``.

    ``places``   (least, most) number of axes.
    ``numpy``    ``lambda np, positions, sizes: ...``: the element at positions (integer arrays or numbers, one an
                 axis, that broadcast) of the tensor of the given sizes.
    ``dtype``    element type: int or complex.
    """

    name: str
    places: tuple[int, int]
    doc: str
    numpy: Callable[..., Any]
    dtype: str


@dataclass(frozen=True, slots=True)
class Initializer:
    """How a parameter starts. ``arguments`` are names and defaults (None: required); the torch backend draws."""

    name: str
    doc: str
    arguments: tuple[tuple[str, float | None], ...] = ()
