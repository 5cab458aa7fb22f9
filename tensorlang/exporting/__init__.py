"""A compiled program as a file of its own: TorchScript (``.pt``), or plain Python that needs torch alone (``.py``).

In: a module whose parameters have their values, and its ``State``. Out: the file, written whole or not at all, and its
``Signature``. TorchScript is made by scripting the generated source, never by tracing: loops stay loops and sizes stay
free.
"""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from tensorlang.backends.torch_module import Generated, build
from tensorlang.calling import State
from tensorlang.compiled import Compiled
from tensorlang.data import chosen
from tensorlang.diagnostics import nearest, run_error
from tensorlang.exporting.standalone import packed, standalone
from tensorlang.limits import Limits
from tensorlang.signature import ENTRY, Signature, signature
from tensorlang.stages import planned
from tensorlang.stored import Stored, attribute

FORMATS = {".pt": "TorchScript", ".py": "Python"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What is written: ``files`` by name (bytes), and ``model``, which runs as the file's content does."""

    signature: Signature
    files: dict[str, bytes]
    model: Any


def export(root: Stored, state: State, path: str) -> Exported:
    """Make the files for ``path``, without writing them; raises ``RunError`` where the program cannot be exported."""
    kind = form(path)
    made, signed = _generated(root, state.compiled)
    values = _values(root, made)
    if kind == "TorchScript":
        return _scripted(made, signed, values, path)
    text = standalone(made, signed, os.path.basename(path))
    weights = os.path.splitext(path)[0] + ".safetensors"
    stored = {a.name: values[a.tensor] for a in made.plan.arguments if a.tensor in values}
    return Exported(signed, {path: text.encode(), weights: packed(stored)}, made.model(values))


def write(exported: Exported, limits: Limits, force: bool = False) -> None:
    """Write the files, each whole or not at all; one that is there already is kept unless ``force``."""
    there = [path for path in exported.files if os.path.lexists(path)]
    if there and not force:
        raise run_error("E0745", f"`{there[0]}` is there already", help=["`--force` (`force=True`) replaces it"])
    for path, content in reversed(exported.files.items()):
        access, name = chosen(path, limits)
        with access.open_write(name, None) as stream:
            stream.write(content)


def form(path: str) -> str:
    """The format that a path's ending names."""
    ending = os.path.splitext(path)[1].lower()
    if ending in FORMATS:
        return FORMATS[ending]
    near = nearest(ending, FORMATS)
    help = [f"did you mean `{near}`?" if near else "end it in `.pt` for TorchScript or in `.py` for plain Python"]
    raise run_error("E0741", f"`{path}`: no format is known for `{ending or 'a name without an ending'}`", help=help)


def _generated(root: Stored, compiled: Compiled) -> tuple[Generated, Signature]:
    program = compiled.program
    outputs = program.outputs
    if not outputs:
        raise run_error("E0742", "the program has no outputs to export", help=["say which: `output Y`"])
    plan = planned(program, outputs)
    # A relation that the program does not fill is given with each call, as an input is.
    arguments = tuple(replace(a, kind="input") if a.tensor in compiled.given else a for a in plan.arguments)
    made = build(replace(plan, arguments=arguments), dtype=compiled.options.dtype)
    inputs = tuple(a.tensor for a in made.plan.arguments if a.kind == "input")
    numbers = tuple(a.tensor for a in made.plan.arguments if a.kind == "size")
    part = program.restricted(outputs)
    count = sum(attribute(root, tensor.name).numel() for tensor in part.of_kind("param"))
    return made, signature(part, compiled.checked.source, inputs, numbers, compiled.options.dtype, count)


def _values(root: Stored, made: Generated) -> dict[str, torch.Tensor]:
    """What the exported model holds, by the names of the program, on the CPU."""
    values = {}
    for argument in made.plan.arguments:
        if argument.kind in ("input", "size"):
            continue
        value = attribute(root, argument.tensor)
        if is_lazy(value):
            shape = " x ".join(map(str, argument.shape))
            help = ["give the sizes (`--dim o=10`), load trained weights (`--load W.safetensors`), or call it once"]
            raise run_error("E0743", f"the size of `{argument.tensor}` ({shape}) is not known yet", help=help)
        values[argument.tensor] = value.detach().cpu()
    return values


def _scripted(made: Generated, signed: Signature, values: dict[str, torch.Tensor], path: str) -> Exported:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.script(made.model(values).eval())
        stream = io.BytesIO()
        torch.jit.save(model, stream, _extra_files={ENTRY: signed.json()})
    return Exported(signed, {path: stream.getvalue()}, model)
