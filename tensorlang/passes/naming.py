"""Python names for what a program calls by its own names: no clashes, no keywords, plain ASCII.

In: names of tensors, dims, indices (primes, dots, any letters). Out: identifiers, the same for the same program.
"""

from __future__ import annotations

import keyword
import unicodedata

# Names that generated code uses for something else. Kernel names end in a word that no tensor name is likely to be.
RESERVED = frozenset((
    "torch", "Tensor", "F", "math", "Tuple", "Dict", "List", "Optional", "compute", "compute_step", "Model",
    "parameters", "self",
    "int", "float", "bool", "complex", "max", "min", "len", "range", "print", "abs", "sum", "all", "any", "pow",
    "None", "True", "False", "super", "annotate", "list", "tuple", "dict", "round", "sorted", "zip", "enumerate",
    "str", "type", "isinstance", "hasattr", "getattr", "ord", "chr", "hex", "bin", "oct", "divmod", "hash",
))  # fmt: skip


def identifier(name: str) -> str:
    """A Python identifier that reads like a name: ``x'`` is ``x_1``, ``H.W`` is ``H_W``, a Greek letter is spelled."""
    primes = len(name) - len(name.rstrip("'′"))
    stem = name[: len(name) - primes]
    letters = "".join(_letter(char) for char in stem) or "value"
    if letters[0].isdigit() or letters.startswith("__"):
        letters = f"n{letters}"
    if primes:
        letters = f"{letters}_{primes}"
    return f"{letters}_" if keyword.iskeyword(letters) or letters in RESERVED else letters


def _letter(char: str) -> str:
    if char.isascii():
        return char if char.isalnum() or char == "_" else "_"
    words = unicodedata.name(char, "").split()
    if "LETTER" in words:
        letter = words[words.index("LETTER") + 1 :][-1:] or [f"u{ord(char):x}"]
        spelled = "".join(c for c in letter[0].lower() if c.isalnum())
        return spelled.capitalize() if "CAPITAL" in words else spelled
    return f"u{ord(char):x}"


class Names:
    """Hands out identifiers, each once."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._taken = set(taken)

    def fresh(self, wish: str) -> str:
        """The identifier of a wish, numbered where it is taken."""
        base = identifier(wish)
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name


# The functions of backends/kernels*.py; generated code calls them by these names.
KERNELS = frozenset((
    "as_complex", "count_product", "integer_product", "unit_circle", "present_mean", "present_std", "present_var",
    "present_lnorm", "present_rmsnorm", "scatter_sum", "scatter_max", "scatter_min", "scatter_prod", "scatter_mean",
    "scatter_any", "scatter_all", "scatter_logsumexp", "least_sums", "greatest_sums",
    "greatest_products", "least_products", "logsumexp_sums", "squared_distances", "join_state", "split_state",
    "wants_gradient", "Settling", "Improving", "implicit_gradient", "layered_gradient",
    "loop_window", "loop_cuts", "loop_stack", "newton", "linear_scan", "max_scan", "min_scan", "logsumexp_scan",
    "lstm_layer", "gru_layer", "rnn_tanh_layer", "rnn_relu_layer", "pairs_order", "pairs_turned", "pairs_pointers",
    "pairs_joint", "pairs_found", "pairs_union", "pairs_product", "pairs_dots", "pairs_sums", "pairs_rows",
    "pairs_greatest", "pairs_extreme",
))  # fmt: skip
