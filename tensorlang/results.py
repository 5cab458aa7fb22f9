"""What a call returns: a dict from names to tensors, which a notebook shows with the names of the axes.

In: tensors by name, and who describes them. Out: an ordinary dict for everything else: torch's transforms take it apart
and put it together as one, copies and pickles of it know nothing of the program.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from torch.utils import _pytree as pytree

from tensorlang.extracts import titled
from tensorlang.hypertext import value_html
from tensorlang.signature import Description

Describe = Callable[[str], Description]


class Outputs(dict[str, Any]):
    """Tensors by name, or by what was asked (``Y[0:3, :]``); ``describe`` gives the names of a tensor's axes."""

    __slots__ = ("describe",)

    def __init__(
        self, items: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), describe: Describe | None = None
    ) -> None:
        super().__init__(items)
        self.describe = describe

    def __reduce__(self) -> tuple[type, tuple[()], None, None, Iterator[tuple[str, Any]]]:
        # An ordered dict, of all the dicts that are not `dict` itself, is what `torch.load` takes from a stranger.
        return OrderedDict, (), None, None, iter(self.items())

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return "".join(self._shown(name, value) for name, value in self.items())

    def _shown(self, name: str, value: Any) -> str:
        about = None if self.describe is None else self.describe(name)
        if about is None:
            return value_html(name, [str(axis) for axis in range(value.ndim)], "float", value)
        return value_html(titled(name, about.axes), about.axes, about.dtype, value)


def _flat(outputs: Outputs) -> tuple[list[Any], tuple[tuple[str, ...], Describe | None]]:
    return list(outputs.values()), (tuple(outputs), outputs.describe)


def _rebuilt(values: Iterable[Any], context: tuple[tuple[str, ...], Describe | None]) -> Outputs:
    return Outputs(zip(context[0], values, strict=True), context[1])


pytree.register_pytree_node(Outputs, _flat, _rebuilt)
