"""Parameters and checkpoints as ``.safetensors``: written whole, and compared with the program before anything changes.

In: named torch tensors. Out: a file without code, paths or dates in it; or the tensors of such a file, copied into
those of the program if every name, shape and kind of number fits. Format: huggingface/safetensors, through its own
library.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tensorlang.data.content import Opened, short
from tensorlang.data.files import Access, system_errors
from tensorlang.data.reading import extension
from tensorlang.data.safetensor import read_header
from tensorlang.diagnostics import RunError, diagnostic
from tensorlang.source import Span

if TYPE_CHECKING:
    import torch

_KIND = {".safetensors": None}
_STAMP = {"format": "tensorlang parameters", "version": "1"}
# The library writes several words of metadata in no fixed order; in one word, the same tensors give the same bytes.
_WORD = "tensorlang"
# The format knows no complex numbers of 128 bits; these tensors are kept as pairs of floats.
_WIDE = "complex128"


def save_params(access: Access, path: str, params: Mapping[str, torch.Tensor], span: Span | None) -> None:
    """Write parameters and buffers to a file, whole or not at all."""
    write_tensors(access, path, params, _STAMP, span)


def load_params(
    access: Access, path: str, params: Mapping[str, torch.Tensor], span: Span | None, names: Sequence[str] = ()
) -> None:
    """Fill parameters from a file: those named, or (none named) all of them, and then the file may hold no others."""
    import torch

    found, _ = read_tensors(access, path, span)
    wanted = {name: params[name] for name in names} if names else params
    misfits = _misfits(wanted, found, bool(names))
    if misfits:
        raise _unfit(path, wanted, found, misfits, span)
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(found[name])


def write_tensors(
    access: Access, path: str, tensors: Mapping[str, torch.Tensor], stamp: Mapping[str, str], span: Span | None
) -> None:
    """Write torch tensors, and ``stamp`` as the file's own words about itself."""
    import torch
    from safetensors.torch import save

    extension(path, _KIND, "keep parameters in", span)
    wide = sorted(name for name, tensor in tensors.items() if tensor.dtype == torch.complex128)
    words = {_WORD: json.dumps({**stamp, **({_WIDE: " ".join(wide)} if wide else {})}, sort_keys=True)}
    # Cloned, since the library refuses tensors that share memory.
    copies = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    packed = save(copies | {name: torch.view_as_real(copies[name]) for name in wide}, words)
    with access.open_write(path, span) as handle:
        handle.write(packed)


def read_tensors(access: Access, path: str, span: Span | None) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """All tensors of a file, and what it says about itself."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    extension(path, _KIND, "load parameters from", span)
    with system_errors(path, span), access.open_read(path, span) as handle:
        opened = Opened(handle, path, None, span, os.fstat(handle.fileno()).st_size, access.limits)
        header, _ = read_header(opened)
        handle.seek(0)
        try:
            tensors = load(handle.read())
        except (SafetensorError, KeyError, ValueError, RuntimeError):
            raise opened.damaged("its arrays do not lie where its header says") from None
    stamp = _stamp(header.get("__metadata__"))
    for name in stamp.pop(_WIDE, "").split():
        tensors[name] = _complex(opened, tensors.get(name))
    return tensors, stamp


def _complex(opened: Opened, parts: torch.Tensor | None) -> torch.Tensor:
    import torch

    if parts is None or parts.dtype != torch.float64 or parts.shape[-1:] != (2,):
        raise opened.damaged("what it says of its complex numbers does not fit")
    return torch.view_as_complex(parts)


def _stamp(words: object) -> dict[str, str]:
    """What the file says about itself, if we wrote it."""
    try:
        found = json.loads(str(words[_WORD])) if isinstance(words, dict) else {}
    except (KeyError, ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _kind(tensor: torch.Tensor) -> str:
    import torch

    if tensor.dtype == torch.bool:
        return "truth values"
    return "complex" if tensor.is_complex() else "floats" if tensor.is_floating_point() else "whole numbers"


def _shape(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) if tensor.shape else "a single number"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{short(name, 40)}`" for name in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown


def _misfits(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor], partial: bool) -> list[str]:
    """What does not fit, a line for each kind of misfit."""
    lines = []
    missing = [name for name in wanted if name not in found]
    extra = [] if partial else sorted(name for name in found if name not in wanted)
    if missing:
        lines.append(f"not in the file: {_listed(missing)}")
    if extra:
        lines.append(f"only in the file: {_listed(extra)}")
    for name, tensor in wanted.items():
        if name in found and found[name].shape != tensor.shape:
            lines.append(f"`{name}` is {_shape(tensor)} here and {_shape(found[name])} in the file")
        elif name in found and _kind(found[name]) != _kind(tensor):
            lines.append(f"`{name}` holds {_kind(tensor)} here and {_kind(found[name])} in the file")
    return lines


def _unfit(
    path: str,
    wanted: Mapping[str, torch.Tensor],
    found: Mapping[str, torch.Tensor],
    misfits: list[str],
    span: Span | None,
) -> RunError:
    fitting = [n for n, t in wanted.items() if n in found and found[n].shape == t.shape and _kind(found[n]) == _kind(t)]
    notes = misfits[:12] + ([f"and {len(misfits) - 12} more misfits"] if len(misfits) > 12 else [])
    notes.append(f"fitting: {_listed(fitting)}" if fitting else "none of the parameters fit")
    hint = f'load those that fit by name: `load {", ".join(fitting[:3])} from "{path}"`' if fitting else ""
    message = f"`{path}` does not fit the parameters of this program; none of them was changed"
    return RunError([diagnostic("E0723", message, span, notes=notes, help=(hint,) if hint else ())])
