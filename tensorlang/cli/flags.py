"""The flags that several commands share, and the ``Options`` they make.

In: ``Namespace``s of argparse. Out: ``Options`` with its ``Limits``: one flag for each field, made from its metadata.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

from tensorlang.console.usage import usage
from tensorlang.diagnostics import nearest
from tensorlang.limits import Limits
from tensorlang.options import Options
from tensorlang.records import fields

DTYPES = ("float32", "float64", "bfloat16")
_T = TypeVar("_T")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def program_flags(parser: argparse.ArgumentParser) -> None:
    """What a program is given, where it computes, what it may touch and use: everything but training."""
    given = parser.add_argument_group("what the program is given")
    given.add_argument("--dim", action="append", default=[], type=size, metavar="d=64", help="the size of a `dim`")
    given.add_argument(
        "--set", action="append", default=[], type=number, metavar="rate=0.1", help="a `const`, or a scalar input"
    )
    given.add_argument("--input", action="append", default=[], type=pair, metavar="X=x.npy", help="an input's file")
    given.add_argument("--load", metavar="W.safetensors", help="parameters to start from")
    where = parser.add_argument_group("how it computes")
    where.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps (cpu)")
    where.add_argument("--dtype", default="float32", type=dtype, help="what `float` means: " + ", ".join(DTYPES))
    where.add_argument("--seed", default=0, type=whole, help="of initial values, batches and random functions (0)")
    check_flags(parser)


def check_flags(parser: argparse.ArgumentParser) -> None:
    """What a program may touch and use."""
    touch = parser.add_argument_group("what it may touch, besides its own folder")
    touch.add_argument("--allow-read", action="append", default=[], metavar="DIR", help="a folder it may read")
    touch.add_argument("--allow-write", action="append", default=[], metavar="DIR", help="a folder it may write")
    most = parser.add_argument_group("what it may use at most")
    for limit in fields(Limits):
        most.add_argument(
            f"--limit-{limit.name}",
            type=_limit_type(limit.name, str(limit.metadata["doc"])),
            metavar="N",
            help=limit.metadata["doc"],
        )


def _limit_type(name: str, doc: str) -> Callable[[str], int | float]:
    if name == "time":
        return seconds
    return memory if "bytes" in doc and "ratio" not in doc else count


def options_of(given: argparse.Namespace, quiet: bool = False) -> Options:
    """The options that the flags of a command say; flags that it does not have keep their defaults."""
    known = vars(given)
    return Options(
        dims=_unique("--dim", known.get("dim", [])),
        values=_unique("--set", known.get("set", [])),
        inputs=_unique("--input", known.get("input", [])),
        dtype=known.get("dtype", "float32"),
        device=known.get("device", "cpu"),
        seed=known.get("seed", 0),
        limits=limits_of(given),
        allow_read=tuple(known.get("allow_read", ())),
        allow_write=tuple(known.get("allow_write", ())),
        load=known.get("load"),
        epochs=known.get("epochs"),
        checkpoint=known.get("checkpoint"),
        resume=known.get("resume"),
        quiet=quiet,
        memory_budget=known.get("memory_budget", 0),
    )


def limits_of(given: argparse.Namespace) -> Limits:
    """The limits, with those that flags name replaced."""
    named = {limit.name: getattr(given, f"limit_{limit.name}", None) for limit in fields(Limits)}
    return Limits(**{name: value for name, value in named.items() if value is not None})


def _unique(flag: str, pairs: list[tuple[str, _T]]) -> dict[str, _T]:
    known: dict[str, _T] = {}
    for name, value in pairs:
        if name in known:
            raise usage("E1003", f"`{flag}` gives `{name}` twice")
        known[name] = value
    return known


# --- values of flags; what is wrong with one becomes the message behind the flag's name ---------------------------


def pair(text: str) -> tuple[str, str]:
    """``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not (name.strip() and equals and value.strip()):
        raise argparse.ArgumentTypeError(f"expects NAME=VALUE, found `{text}`")
    return name.strip(), value.strip()


def size(text: str) -> tuple[str, int]:
    """``d=64``."""
    name, value = pair(text)
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"the size of `{name}` must be a whole number of at least 1, found `{value}`")
    return name, int(value)


def number(text: str) -> tuple[str, float]:
    """``rate=0.1``; a whole number stays one."""
    name, value = pair(text)
    try:
        return name, int(value) if re.fullmatch(r"[+-]?\d+", value) else float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{name}` must be a number, found `{value}`") from None


def whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, found `{text}`")
    return int(text)


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, found `{text}`")
    return int(text)


def memory(text: str) -> int:
    """Bytes: ``4G``, ``512M``, ``1.5G``, ``1000``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if found is None or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"must be a number of bytes such as `512M` or `4G`, found `{text}`")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds (0: no limit), found `{text}`")
    return value


def dtype(text: str) -> str:
    if text in DTYPES:
        return text
    near = nearest(text, DTYPES)
    said = f"; did you mean `{near}`?" if near else ""
    raise argparse.ArgumentTypeError(f"must be {', '.join(DTYPES[:-1])} or {DTYPES[-1]}, found `{text}`{said}")
