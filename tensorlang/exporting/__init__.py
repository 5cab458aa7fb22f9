"""A compiled program as a file of its own: TorchScript (``.pt``), or plain Python that needs torch alone (``.py``).

In: a module whose parameters have their values, and its ``State``. Out: the file, written whole or not at all, and its
``Signature``. TorchScript is made by scripting the generated source, never by tracing: loops stay loops and sizes stay
free.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from tensorlang.backends.torch_model import Stepping, attributes
from tensorlang.backends.torch_module import Generated, build
from tensorlang.calling import State
from tensorlang.compiled import Compiled
from tensorlang.data import chosen
from tensorlang.diagnostics import nearest, run_error
from tensorlang.exporting.standalone import packed, standalone
from tensorlang.ir.domain import Symbol
from tensorlang.ir.mode import of_step
from tensorlang.ir.pairs import KIND
from tensorlang.ir.plan import Plan
from tensorlang.ir.program import Program
from tensorlang.limits import Limits
from tensorlang.records import dataclass, replace
from tensorlang.relations import Maker, weights_of
from tensorlang.signature import ENTRY, Signature, signature
from tensorlang.stages import known_tensor, planned
from tensorlang.stored import Stored, attribute

FORMATS = {".pt": "TorchScript", ".py": "Python"}


@dataclass(frozen=True, slots=True)
class Part:
    """What of a program is exported: the tensors that it returns (none: its outputs), and the data that its callers
    give instead of the files that the program loads."""

    outputs: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """What is written: ``files`` by name (bytes), and ``model``, which runs as the file's content does.

    ``sources`` are the files that the program is made of, none of which an export may replace; ``buffers`` are what the
    model calls those that a step of training writes, in the order of the program's updates; ``strange`` the
    tensors that hold nan or infinite numbers.
    """

    signature: Signature
    part: Part
    files: dict[str, bytes]
    model: Any
    sources: tuple[str, ...]
    buffers: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


def export(root: Stored, state: State, path: str, part: Part) -> Exported:
    """Make the files for ``path``, without writing them; raises ``RunError`` where the program cannot be exported."""
    kind = form(path)
    part = _named(state.compiled, part)
    made, program = _generated(state.compiled, part, str(state.floating).removeprefix("torch."))
    values = _values(root, made) | _told(state, made)
    inputs = tuple(a.tensor for a in made.arguments if a.kind == "input")
    numbers = tuple(a.tensor for a in made.arguments if a.kind == "size")
    count = sum(values[a.tensor].numel() for a in made.arguments if a.kind == "param")
    source = state.compiled.checked.source
    # The element type is the module's, which is another than the program's after `.to(torch.float64)`.
    signed = signature(program, source, inputs, numbers, str(state.floating).removeprefix("torch."), count)
    strange = tuple(name for name, value in values.items() if not bool(value.isfinite().all()))
    if kind == "TorchScript":
        model, content = _scripted(made, signed, values)
        return Exported(signed, part, {path: content}, model, _sources(state), _buffers(made), strange)
    stored = {a.name: values[a.tensor] for a in made.arguments if a.tensor in values}
    text = standalone(made, signed, os.path.basename(path), stored)
    weights = os.path.splitext(path)[0] + ".safetensors"
    files = {path: text.encode(), weights: packed(stored)}
    return Exported(signed, part, files, made.model(values).eval(), _sources(state), _buffers(made), strange)


def _buffers(made: Generated) -> tuple[str, ...]:
    if made.stepping is None:
        return ()
    names = attributes(made.plan, made.stepping)
    return tuple(names[buffer] for buffer in made.stepping.buffers)


def write(exported: Exported, limits: Limits, force: bool = False) -> None:
    """Write the files, all of them or none; one that is there already is kept unless ``force``."""
    there = [path for path in exported.files if os.path.lexists(path)]
    if there and not force:
        raise run_error("E0745", f"`{there[0]}` is there already", help=["`--force` (`force=True`) replaces it"])
    for path in there:
        if any(os.path.exists(source) and os.path.samefile(path, source) for source in exported.sources):
            raise run_error("E0748", f"`{path}` is what the export is made of", help=["write it under another name"])
    with contextlib.ExitStack() as stack:
        # The files take their places when all are complete, the weights before the code that reads them.
        for path, content in exported.files.items():
            folder = os.path.dirname(path)
            if not os.path.isdir(folder or os.curdir):
                raise run_error("E0709", f"there is no folder `{folder}`", help=["make it first, or name another one"])
            access, name = chosen(path, limits)
            stack.enter_context(access.open_write(name, None)).write(content)


def _sources(state: State) -> tuple[str, ...]:
    """The program's own file, the weights that it was given, and the files that it loads."""
    compiled = state.compiled
    own, weights = compiled.checked.source.name, compiled.options.load
    folder = compiled.home.folder or os.curdir
    loaded = [os.path.join(folder, t.file.path) for t in compiled.program.tensors.values() if t.file is not None]
    return (own, *([] if weights is None else [weights]), *loaded)


def form(path: str) -> str:
    """The format that a path's ending names."""
    ending = os.path.splitext(path)[1].lower()
    if ending in FORMATS:
        return FORMATS[ending]
    near = nearest(ending, FORMATS)
    help = [f"did you mean `{near}`?" if near else "end it in `.pt` for TorchScript or in `.py` for plain Python"]
    raise run_error("E0741", f"`{path}`: no format is known for `{ending or 'a name without an ending'}`", help=help)


def _named(compiled: Compiled, part: Part) -> Part:
    """The part with its outputs named, all of it known to the program."""
    program = compiled.program
    outputs = tuple(dict.fromkeys(known_tensor(program, name) for name in part.outputs)) or program.outputs
    if not outputs:
        raise run_error("E0742", "the program has no outputs to export", help=["say which: `output Y`, `--output Y`"])
    for name in part.given:
        kind = program.tensors[known_tensor(program, name)].kind
        if kind not in ("data", "relation"):
            data = ", ".join(f"`{t.name}`" for t in program.of_kind("data")) or "none"
            message = f"`{name}` is no data that a caller could give: it is {kind}"
            raise run_error("E0747", message, help=[f"the data of the program: {data}"])
    return Part(outputs, part.given)


def left_open(program: Program, part: Part) -> frozenset[Symbol]:
    """The sizes that files of the program tell and that callers of the export tell instead."""
    given = {s for name in part.given for size in program.tensors[name].shape for s in size.symbols}
    return frozenset(given - {s for t in program.of_kind("param", "buffer") for size in t.shape for s in size.symbols})


def _generated(compiled: Compiled, part: Part, dtype: str) -> tuple[Generated, Program]:
    """The code of a part, and the program that it is of."""
    whole = compiled.program
    if compiled.on_pairs:  # what is held on pairs inside is handed out as a table
        whole = replace(compiled.related(tuple(sorted(compiled.on_pairs.items()))), pairs_out=False)
    unbound = left_open(whole, part)
    whole = replace(whole, sizes={s: n for s, n in whole.sizes.items() if s not in unbound})
    plan = _taking(planned(whole, part.outputs), compiled, part)
    if not compiled.has_modes:
        return build(plan, dtype=dtype), whole.restricted(part.outputs)
    program, updates = of_step(whole, part.outputs)
    computed = (*part.outputs, *(update.value for update in updates))
    step = _taking(planned(program, computed, inside="step_"), compiled, part)
    stepping = Stepping(step, tuple(update.buffer for update in updates))
    return build(plan, dtype=dtype, stepping=stepping), replace(whole.restricted(computed), outputs=part.outputs)


def _taking(plan: Plan, compiled: Compiled, part: Part) -> Plan:
    """The plan with its inputs: a relation that the program does not fill is given with each call, as an input is."""
    given = {*compiled.given, *part.given}
    return replace(plan, arguments=tuple(replace(a, kind="input") if a.tensor in given else a for a in plan.arguments))


def _told(state: State, made: Generated) -> dict[str, torch.Tensor]:
    """What the model takes of relations that facts and rules define: columns, and what is made of them."""
    told = state.told_relations() if state.compiled.on_pairs else {}
    plans = [made.plan, *([made.stepping.plan] if made.stepping is not None else [])]
    found: dict[str, torch.Tensor] = {}
    for plan in plans:
        maker = Maker(plan.recipes, told, dict(state.compiled.program.sizes))
        found |= {name: value.detach().cpu() for name, value in maker.arguments(plan).items()}
    for name, relation in told.items():
        if relation.weights is not None:
            weights = weights_of(relation, state.compiled.program.tensors[name], state.floating)
            found[f"{name}.weights"] = weights.detach().cpu()
    return {argument.tensor: found[argument.tensor] for argument in made.arguments if argument.tensor in found}


def _values(root: Stored, made: Generated) -> dict[str, torch.Tensor]:
    """What the exported model holds, by the names of the program, on the CPU."""
    values = {}
    for argument in made.arguments:
        if argument.kind in ("input", "size", KIND):
            continue
        value = attribute(root, argument.tensor)
        if is_lazy(value):
            shape = " x ".join(map(str, argument.shape))
            help = ["give the sizes (`--dim o=10`), load trained weights (`--load W.safetensors`), or call it once"]
            raise run_error("E0743", f"the size of `{argument.tensor}` ({shape}) is not known yet", help=help)
        if value.is_meta:
            help = ['move the module to a device that holds numbers: `module.to_empty(device="cpu")`, then load them']
            raise run_error("E0743", f"`{argument.tensor}` has no numbers: it is on the device `meta`", help=help)
        own = value.detach().cpu()
        # A step of the exported model writes its buffers, which must not be the module's own.
        values[argument.tensor] = own if made.stepping is None else own.clone()
    return values


def _scripted(made: Generated, signed: Signature, values: dict[str, torch.Tensor]) -> tuple[Any, bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.script(made.model(values).eval())
        stream = io.BytesIO()
        torch.jit.save(model, stream, _extra_files={ENTRY: signed.json()})
    return model, stream.getvalue()
