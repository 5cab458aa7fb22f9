"""Generated text to running code: the one place where text is executed, and only text that the generator printed.

In: a Plan (and its text). Out: ``Generated``: the function ``compute`` and the class ``Model`` of that text, which is
registered with ``linecache``, so that tracebacks point into it and TorchScript finds it.
"""

from __future__ import annotations

import itertools
import linecache
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from tensorlang.backends.torch_model import Stepping, arguments_of, given
from tensorlang.backends.torch_source import generate, plain
from tensorlang.ir.plan import Argument, Plan
from tensorlang.records import dataclass

_COUNT = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Generated:
    """The running form of a plan; ``text`` is the source of both of its parts.

    ``compute`` takes the tensors of ``plan.arguments`` by position and returns those of ``plan.results``: one bare,
    several as a tuple.
    """

    plan: Plan
    text: str
    compute: Callable[..., Any]
    model_class: type[torch.nn.Module]
    stepping: Stepping | None = None

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What the model holds or takes."""
        return arguments_of(self.plan, self.stepping)

    def model(self, parameters: Mapping[str, Tensor]) -> torch.nn.Module:
        """A ``Model`` that holds parameters, buffers, data and relations, given by their names in the program."""
        own = {a.name: parameters[a.tensor] for a in self.arguments if not given(a)}
        return self.model_class(own)


def build(
    plan: Plan,
    text: str | None = None,
    dtype: str = "float32",
    device: str = "cpu",
    stepping: Stepping | None = None,
) -> Generated:
    """Run the text of a plan (generated here where it is not given) and keep what it defines."""
    printed = generate(plan, dtype, device, stepping) if text is None else text
    module = _execute(printed, plan.source)
    return Generated(plan, printed, module.compute, module.Model, stepping)


def _execute(text: str, source: str) -> ModuleType:
    """A module made of generated text; it is a real one, since TorchScript looks names up in it."""
    count = next(_COUNT)
    name = f"tensorlang_generated_{count}"
    place = f"<tensorlang {plain(source.rsplit('/', 1)[-1])} #{count}>"
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    module = ModuleType(name)
    module.__file__ = place
    sys.modules[name] = module
    exec(compile(text, place, "exec"), module.__dict__)
    return module
