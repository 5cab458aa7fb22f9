"""What a caller gives, as tensors that the program can use: arrays, numbers and lists converted, element types checked.

In: a value and the tensor of the program that it is for. Out: a torch tensor of the element type and on the device that
the program computes with, or a ``RunError`` in the words of the program. Nothing is lost silently: integers become
floats, floats never become integers, and a tensor (other than a numpy array, whose float64 is a habit rather than a
choice) is not narrowed.
"""

from __future__ import annotations

from typing import Any

import numpy
import torch

from tensorlang.binding import declared
from tensorlang.diagnostics import RunError, run_error
from tensorlang.ir.program import Tensor

FLOATS = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16, "float16": torch.float16}
_WIDTH = {
    torch.float16: 1,
    torch.bfloat16: 1,
    torch.float32: 2,
    torch.float64: 3,
    torch.complex64: 2,
    torch.complex128: 3,
}
_WORDS = {"bool": "true or false", "int": "whole numbers", "float": "real numbers", "complex": "complex numbers"}
_WHOLE = frozenset(
    (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64)
)


def torch_dtype(dtype: str, floating: torch.dtype) -> torch.dtype:
    """The torch element type of one of the language; ``floating`` is what ``float`` means."""
    match dtype:
        case "bool":
            return torch.bool
        case "int":
            return torch.int64
        case "float":
            return floating
        case "float64":
            return torch.float64
        case "bf16":
            return torch.bfloat16
        case "complex":
            return torch.complex128 if floating == torch.float64 else torch.complex64
    raise AssertionError(f"unknown element type {dtype}")


def as_tensor(value: Any, tensor: Tensor, device: torch.device) -> tuple[torch.Tensor, bool]:
    """The value as a torch tensor of whatever element type, and whether its precision was the caller's choice."""
    if isinstance(value, torch.Tensor):
        return value, True
    try:
        array = numpy.asarray(value)
    except (ValueError, TypeError, OverflowError, RuntimeError):
        raise _no_tensor(value, tensor) from None
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > 16 or array.dtype.name in ("float128", "longdouble"):
        raise _no_tensor(value, tensor)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    # torch shares memory with an array only where it may write to it and strides go forward.
    shared = array.flags.writeable and all(stride >= 0 for stride in array.strides) and isinstance(value, numpy.ndarray)
    made = torch.from_numpy(array if shared else array.copy())
    return made.to(device), False


def _no_tensor(value: Any, tensor: Tensor) -> RunError:
    kind = type(value).__name__
    help = "give a tensor, an array, a number, or lists of numbers in rows of equal length"
    return run_error(
        "E0612", f"`{tensor.name}` was given a {kind} that is no tensor", (tensor.span, "declared here"), help=[help]
    )


def check_device(given: torch.Tensor, tensor: Tensor, device: torch.device) -> None:
    if given.device != device:
        raise run_error(
            "E0606",
            f"`{tensor.name}` is on {given.device}, the program on {device}",
            (tensor.span, f"given on {given.device}"),
            help=(
                f"move the tensor with `.to({str(device)!r})`, or the program with `prog.to({str(given.device)!r})`",
            ),
        )


def converted(given: torch.Tensor, tensor: Tensor, floating: torch.dtype, chosen: bool) -> torch.Tensor:
    """The tensor in the program's element type; raises ``RunError`` where that would lose something."""
    wanted = torch_dtype(tensor.dtype, floating)
    found = given.dtype
    if found == wanted:
        return given
    if wanted == torch.bool:
        if found in _WHOLE and bool(((given == 0) | (given == 1)).all()):
            return given != 0
        raise _wrong_type(given, tensor, "bool", "compare it first: `x > 0`")
    if wanted == torch.int64:
        if found in _WHOLE or found == torch.bool:
            return given.to(wanted)
        raise _wrong_type(given, tensor, "int", "round it first, if its numbers are whole: `x.long()`")
    if found.is_complex and not wanted.is_complex:
        raise _wrong_type(given, tensor, "float", "give its real part, or declare it `complex`")
    if chosen and (found.is_floating_point or found.is_complex) and _WIDTH.get(found, 0) >= _WIDTH[wanted]:
        raise _too_wide(given, tensor, wanted)
    return given.to(wanted)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _wrong_type(given: torch.Tensor, tensor: Tensor, wanted: str, help: str) -> RunError:
    holds = f"positions of a domain, which are {_WORDS['int']}" if tensor.positions is not None else _WORDS[wanted]
    return run_error(
        "E0605",
        f"`{tensor.name}` holds {holds}, but was given as {_name(given.dtype)}",
        (tensor.span, f"declared as `{declared(tensor)}`"),
        help=(help,),
    )


def _too_wide(given: torch.Tensor, tensor: Tensor, wanted: torch.dtype) -> RunError:
    found = _name(given.dtype)
    help = [f"narrow it yourself: `x.to(torch.{_name(wanted)})`"]
    if given.dtype in FLOATS.values() and tensor.dtype == "float":
        help.append(f'or compute in it: `dtype="{found}"`, `--dtype {found}`')
    message = f"`{tensor.name}` is {found}, and the program computes in {_name(wanted)}"
    return run_error("E0605", message, (tensor.span, f"given as {found}"), help=help)


def check_positions(given: torch.Tensor, tensor: Tensor, size: int) -> None:
    """All values of a tensor of positions lie in 0 .. size-1."""
    # torch.compile could not go through here without a break; torch itself refuses positions that are too large.
    if given.numel() == 0 or torch.compiler.is_compiling():
        return
    try:
        least, most = (int(bound) for bound in torch.aminmax(given))
    except RuntimeError:
        return  # under vmap and the like there is no number to look at
    if least >= 0 and most < size:
        return
    wrong = least if least < 0 else most
    at = tuple(int(k) for k in (given == wrong).nonzero()[0])
    where = f"{tensor.name}[{','.join(map(str, at))}]" if at else tensor.name
    raise run_error(
        "E0607",
        f"`{where}` is {wrong}, but positions go from 0 to {size - 1}",
        (tensor.span, f"positions of a domain of size {size}"),
        help=("negative positions do not count from the end here",) if wrong < 0 else (),
    )
