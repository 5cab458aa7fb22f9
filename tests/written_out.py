"""A module of the library against the same thing written out in torch: values, gradients of all that is differentiable,
and the script.

In: the text of a program with inputs and one output ``Y``, values for the inputs, and a function from all inputs and
parameters by name to ``Y``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch

import tensorlang as tl
from tensorlang.backends.torch_module import build
from tensorlang.driver import check
from tensorlang.options import Options
from tensorlang.source import Source
from tensorlang.stages import planned

Values = Mapping[str, torch.Tensor]


def parameters(text: str, spread: float = 0.2) -> dict[str, torch.Tensor]:
    """The first values of a program's parameters, each moved a little, so that none is 0."""
    torch.manual_seed(3)
    program = tl.compile(text)
    return {name: p.detach() + spread * torch.randn_like(p) for name, p in program.named_parameters()}


def agree(text: str, inputs: Values, meant: Callable[..., torch.Tensor], values: Values | None = None) -> None:
    """Values within 1e-5, gradients within 1e-4, both of their largest; the script computes the same."""
    values = parameters(text) if values is None else values
    program = tl.compile(text)
    program.load_state_dict(dict(values))
    ours, theirs = (_leaves(inputs) for _ in range(2))
    given = _leaves(values)
    found = program(**ours)["Y"]
    wanted = meant(**theirs, **{name.removeprefix("Y."): value for name, value in given.items()})
    _close(found, wanted, 1e-5)
    weight = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(4))
    (found * weight).sum().backward()
    (wanted * weight).sum().backward()
    for name, value in theirs.items():
        if value.requires_grad:
            _close(ours[name].grad, value.grad, 1e-4)
    for name, parameter in program.named_parameters():
        _close(parameter.grad, given[name].grad, 1e-4)
    _close(scripted(text, inputs, values), wanted, 1e-5)


def scripted(text: str, inputs: Values, values: Values) -> torch.Tensor:
    """What the scripted module computes."""
    checked = check(Source("test.tl", text), Options())
    checked.problems.raise_errors()
    plan = planned(checked.program, ("Y",))
    given = tuple(replace(a, kind="input") if a.tensor in inputs else a for a in plan.arguments)  # relations too
    model = build(replace(plan, arguments=given)).model(dict(values))
    result: torch.Tensor = torch.jit.script(model)(*(inputs[a.tensor] for a in given if a.kind == "input"))
    return result


def _leaves(values: Values) -> dict[str, torch.Tensor]:
    return {
        name: v.detach().clone().requires_grad_(v.is_floating_point() or v.is_complex()) for name, v in values.items()
    }


def _close(found: torch.Tensor | None, wanted: torch.Tensor | None, tolerance: float) -> None:
    if found is None or wanted is None:
        assert not any(x is not None and x.any() for x in (found, wanted))
        return
    scale = max(1.0, float(wanted.detach().abs().max()))
    torch.testing.assert_close(found.detach(), wanted.detach(), rtol=0, atol=tolerance * scale)
