"""What a compiled program keeps: parameters, buffers and data, as ordinary ones of torch modules.

In: a program's declarations. Out: a tree of modules after the dots in the names, filled with initial values and with
the contents of data files. An initial value depends on the seed and on the parameter's name alone, so adding a
parameter changes no other. What has no size yet is torch's ``UninitializedParameter`` until the first call or loaded
weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

from tensorlang.backends.initial import axes_of, initial
from tensorlang.binding import Bindings, Shaped, bind, known_sizes, numbers
from tensorlang.budget import check_kept
from tensorlang.compiled import Compiled, is_given
from tensorlang.inputs import converted, torch_dtype
from tensorlang.ir.domain import Symbol
from tensorlang.ir.program import Tensor


class Stored(torch.nn.Module):
    """A module that holds tensors, some of which may not know their size yet."""

    def __setattr__(self, name: str, value: Any) -> None:
        # torch sets `training` in every module, which must work where a parameter is called so.
        if name == "training":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    def _lazy(self) -> bool:
        kept = (*self._parameters.values(), *self._buffers.values())
        return any(tensor is not None and is_lazy(tensor) for tensor in kept)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        if not self._lazy():
            super()._save_to_state_dict(destination, prefix, keep_vars)
            return
        kept: dict[str, torch.Tensor | None] = {**self._parameters}
        kept |= {n: b for n, b in self._buffers.items() if n not in self._non_persistent_buffers_set}
        for name, tensor in kept.items():
            if tensor is not None:
                # An uninitialised parameter cannot be detached; it stands for itself.
                destination[prefix + name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        for name, tensor in (*self._parameters.items(), *self._buffers.items()):
            loaded = state_dict.get(prefix + name)
            if (
                isinstance(tensor, UninitializedParameter | UninitializedBuffer)
                and loaded is not None
                and not is_lazy(loaded)
            ):
                with torch.no_grad():
                    tensor.materialize(loaded.shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def place(root: torch.nn.Module, name: str) -> tuple[torch.nn.Module, str]:
    """The module that holds a tensor, made where it is missing, and the tensor's name in it."""
    *path, leaf = name.split(".")
    module = root
    for part in path:
        if part not in module._modules:
            # Not `add_module`: a program may call a module like a method of nn.Module.
            module._modules[part] = Stored()
        inner = module._modules[part]
        assert inner is not None
        module = inner
    return module, leaf


def holder(root: torch.nn.Module, tensor: Tensor) -> dict[str, Any]:
    """The dictionary of torch that a stored tensor is in."""
    module, _ = place(root, tensor.name)
    return module._parameters if tensor.kind == "param" else module._buffers


def fill(root: torch.nn.Module, compiled: Compiled, device: torch.device, floating: torch.dtype) -> None:
    """Put every parameter, buffer and data tensor of the program where it belongs."""
    known = compiled.program.sizes
    check_kept(kept_tensors(compiled), known, compiled.options.limits, floating.itemsize)
    for tensor in kept_tensors(compiled):
        module, leaf = place(root, tensor.name)
        dtype = torch_dtype(tensor.dtype, floating)
        if tensor.kind in ("param", "buffer"):
            _store(module, leaf, tensor, _initialised(tensor, known, compiled, device, dtype))
        else:
            module._buffers[leaf] = data(tensor, compiled, device, floating)
            module._non_persistent_buffers_set.add(leaf)


def kept_tensors(compiled: Compiled) -> tuple[Tensor, ...]:
    """Parameters, buffers and what the program loads or writes out."""
    computed = ("defined", "scanned", "mode")
    tensors = compiled.program.tensors.values()
    kept = (tensor for tensor in tensors if tensor.kind not in computed and not is_given(tensor))
    return tuple(tensor for tensor in kept if tensor.name not in compiled.on_pairs)


def _store(module: torch.nn.Module, leaf: str, tensor: Tensor, value: Any) -> None:
    if tensor.kind == "param":
        module._parameters[leaf] = value
    else:
        module._buffers[leaf] = value


def _initialised(
    tensor: Tensor, known: Mapping[Symbol, int], compiled: Compiled, device: torch.device, dtype: torch.dtype
) -> torch.Tensor:
    learned = tensor.kind == "param" and (dtype.is_floating_point or dtype.is_complex)
    if any(not size.symbols <= known.keys() for size in tensor.shape):
        if tensor.kind == "param":
            return UninitializedParameter(requires_grad=learned, device=device, dtype=dtype)  # type: ignore[call-arg]
        return UninitializedBuffer(device=device, dtype=dtype)  # type: ignore[call-arg]
    value = first_value(tensor, known, compiled, dtype).to(device)
    return torch.nn.Parameter(value, requires_grad=learned) if tensor.kind == "param" else value


def first_value(tensor: Tensor, sizes: Mapping[Symbol, int], compiled: Compiled, dtype: torch.dtype) -> torch.Tensor:
    """The initial value of a parameter or buffer, drawn on the CPU so that it is the same for every device."""
    shape = tuple(size.value(sizes) for size in tensor.shape)
    if tensor.init is None and (tensor.kind == "buffer" or len(shape) < 2):
        return torch.zeros(shape, dtype=dtype)
    digest = hashlib.blake2b(f"{compiled.options.seed}:{tensor.name}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)
    return initial(tensor.init, shape, axes_of(compiled.program, tensor.name), dtype, generator)


def data(tensor: Tensor, compiled: Compiled, device: torch.device, floating: torch.dtype) -> torch.Tensor:
    """The contents of a data tensor: a file's, or those that the program writes out."""
    if tensor.literal is not None:
        shape = [size.value(compiled.program.sizes) for size in tensor.shape]
        return torch.tensor(tensor.literal, dtype=torch_dtype(tensor.dtype, floating), device=device).reshape(shape)
    if tensor.file is None:
        known = compiled.program.sizes
        sizes = [size.value(known) if size.symbols <= known.keys() else None for size in tensor.shape]
        found = torch.from_numpy(compiled.deduction.dense(tensor.name, sizes))
        return found.to(torch_dtype(tensor.dtype, floating)).to(device)
    array = compiled.read(tensor.file)
    return converted(torch.from_numpy(array), tensor, floating, chosen=False).to(device)


def stored(root: torch.nn.Module, tensors: Iterable[Tensor]) -> Iterator[Shaped]:
    """The shapes of parameters, buffers and data that have one."""
    for tensor in tensors:
        kept = holder(root, tensor).get(tensor.name.rpartition(".")[2])
        if kept is not None and not is_lazy(kept):
            words = "loaded" if tensor.kind in ("data", "relation") else "sized"
            yield Shaped(tensor, tuple(kept.shape), words)


def materialise(root: torch.nn.Module, compiled: Compiled, bindings: Bindings, floating: torch.dtype) -> None:
    """Give every parameter and buffer that waits for its size its size and first value, where sizes are bound now."""
    sizes = numbers(bindings)
    if any(not size.symbols <= compiled.program.sizes.keys() for t in kept_tensors(compiled) for size in t.shape):
        check_kept(kept_tensors(compiled), sizes, compiled.options.limits, floating.itemsize)
    for tensor in compiled.program.of_kind("param", "buffer"):
        kept = holder(root, tensor).get(tensor.name.rpartition(".")[2])
        if not isinstance(kept, UninitializedParameter | UninitializedBuffer):
            continue
        if all(size.symbols <= sizes.keys() for size in tensor.shape):
            value = first_value(tensor, sizes, compiled, torch_dtype(tensor.dtype, floating))
            with torch.no_grad():
                kept.materialize(value.shape)
                kept.copy_(value)


# --- by name -----------------------------------------------------------------------------------------------------


def attribute(root: torch.nn.Module, name: str) -> Any:
    """A stored tensor by its dotted name; torch.nn.utils.parametrize makes properties of some."""
    module, leaf = place(root, name)
    for kept in (module._parameters, module._buffers):
        if leaf in kept:
            return kept[leaf]
    return getattr(module, leaf)


def learned(root: torch.nn.Module, compiled: Compiled) -> dict[str, torch.Tensor]:
    """Parameters and buffers by name."""
    return {tensor.name: attribute(root, tensor.name) for tensor in compiled.program.of_kind("param", "buffer")}


def take_values(root: torch.nn.Module, compiled: Compiled, values: Mapping[str, torch.Tensor]) -> None:
    """Copy values into the parameters and buffers of the same name, shape and element type."""
    with torch.no_grad():
        for name, kept in learned(root, compiled).items():
            value = values.get(name)
            if value is None or value.dtype != kept.dtype or value.dim() != len(compiled.program.tensors[name].axes):
                continue
            if isinstance(kept, UninitializedParameter | UninitializedBuffer):
                kept.materialize(value.shape)
            if kept.shape == value.shape:
                kept.copy_(value)


def reset(root: torch.nn.Module, compiled: Compiled) -> None:
    """Give every parameter and buffer that has a size its first value again."""
    program = compiled.program
    with torch.no_grad():
        for name, kept in learned(root, compiled).items():
            if not is_lazy(kept):
                shaped = [Shaped(program.tensors[name], tuple(kept.shape), "sized")]
                sizes = numbers(bind(program, shaped, known_sizes(program, {})))
                kept.copy_(first_value(program.tensors[name], sizes, compiled, kept.dtype))
