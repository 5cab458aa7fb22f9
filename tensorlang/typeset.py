"""Names, functions and brackets in LaTeX: what the printers of equations share.

In: the words of a program. Out: pieces of LaTeX for math mode, which need the package amsmath alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta",
    "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_GREEK_WORDS = frozenset(_GREEK.values()) | {"epsilon", "phi"}
_OWN = frozenset(("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min", "arg"))
_OTHER = {"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "sig": r"\sigma", "sigmoid": r"\sigma"}
_LARGE = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}
_SPECIAL = {"_": r"\_", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&", "{": r"\{", "}": r"\}", "\\": r"\backslash "}


def word(text: str) -> str:
    """Text in upright letters."""
    return rf"\mathrm{{{escaped(text)}}}"


def escaped(text: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in text)


def name(text: str) -> str:
    """The name of an index, a scalar or a tensor: letters slanted, Greek as Greek, primes kept, ``d_k`` as d with k."""
    base = text.rstrip("'")
    primes = "'" * (len(text) - len(base))
    head, _, tail = base.partition("_")
    if head and tail:
        return f"{_letters(head)}_{{{_letters(tail)}}}{primes}"
    return _letters(base) + primes


def tensor(text: str, indices: Sequence[str]) -> str:
    """A tensor at indices. What stands behind ``_`` or a dot of its name goes up, since the indices stand below."""
    base = text.rstrip("'")
    primes = "'" * (len(text) - len(base))
    parts = [part for part in re.split(r"[_.]", base) if part]
    raised = ",".join(_letters(part) for part in parts[1:]) if parts else ""
    raised += r"\prime" * len(primes)
    own = _letters(parts[0] if parts else base)
    return own + (f"^{{{raised}}}" if raised else "") + (f"_{{{','.join(indices)}}}" if indices else "")


def _letters(text: str) -> str:
    if text in _GREEK:
        return f"\\{_GREEK[text]} "
    if text in _GREEK_WORDS:
        return f"\\{text} "
    if len(text) == 1 or text.isdigit():
        return escaped(text)
    return rf"\mathit{{{escaped(text)}}}"


def function(text: str) -> str:
    """The name of a function."""
    if text in _OTHER:
        return _OTHER[text]
    return f"\\{text}" if text in _OWN else rf"\operatorname{{{escaped(text)}}}"


def along(text: str, indices: Sequence[str]) -> str:
    """A sum, a reduction or a function along indices: its sign with the indices below it."""
    sign = _LARGE.get(text, rf"\operatorname*{{{escaped(text)}}}")
    return f"{sign}_{{{','.join(indices)}}}"


def number(value: int | float) -> str:
    """A number; ``1e-06`` with a power of ten."""
    text = repr(value)
    if text in ("inf", "-inf"):
        return text.replace("inf", r"\infty ")
    mantissa, exponent, power = text.partition("e")
    if not exponent:
        return text
    scale = f"10^{{{int(power)}}}"
    return scale if mantissa in ("1", "1.0") else rf"{mantissa} \cdot {scale}"


def bracketed(text: str) -> str:
    return rf"\left({text}\right)"


def fraction(above: str, below: str) -> str:
    return rf"\frac{{{above}}}{{{below}}}"


COMPARISONS = {"==": "=", "!=": r"\neq ", "<": "<", "<=": r"\leq ", ">": ">", ">=": r"\geq "}


def document(rows: Sequence[tuple[str, str]]) -> str:
    """Equations as (left with its sign, right), aligned: an ``align*`` environment."""
    lines = " \\\\\n".join(f"  {left} {right}" for left, right in rows)
    return f"\\begin{{align*}}\n{lines}\n\\end{{align*}}\n"
