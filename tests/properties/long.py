"""A long run over seeded random programs: ``python -m tests.properties.long --programs 100000 --seed 1``.

Every program is run by the generated torch code and by the reference, some also pass by pass, with their sums written
out, differentiated, scripted, or formatted. A failure is shown with a smaller program of the same failure; the exit
status is 1 if there was any.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable

import torch

from .compare import format_fault, gradient_fault, pass_fault, rule_fault, script_fault, torch_fault
from .equations import program
from .fixpoints import improving, settling
from .generate import Generated
from .late import late
from .linear_recurrences import linear_recurrence
from .nested import nested
from .positions import joined, positions
from .recurrences import recurrence, single
from .shrink import shrunk

Check = Callable[[Generated], str | None]
# Each check with the share of programs that it is made on in a run of all: one in so many.
CHECKS: dict[str, tuple[Check, int]] = {
    "torch": (torch_fault, 1),
    "rule": (rule_fault, 10),
    "passes": (pass_fault, 20),
    "gradient": (gradient_fault, 20),
    "script": (script_fault, 200),
    "format": (format_fault, 20),
}

# What is generated: equations, or recurrences of some kind.
KINDS: dict[str, Callable[[random.Random], Generated]] = {
    "recurrences": recurrence,
    "single": single,
    "positions": positions,
    "joined": joined,
    "nested": lambda source: nested(source).generated,
    "linear": linear_recurrence,
    "late": late,
    "settling": settling,
    "improving": improving,
}


def failure(check: Check, generated: Generated) -> str | None:
    """What went wrong, a traceback included."""
    try:
        return check(generated)
    except Exception as problem:
        lines = traceback.format_exception(problem, limit=-4)
        return f"{type(problem).__name__}: {problem}\n{''.join(lines)}"


def kind_of(fault: str | None) -> str | None:
    """The first words of a failure, without numbers and names: what two failures have in common."""
    if fault is None:
        return None
    if fault.startswith("RecursionError"):
        return "RecursionError"
    first, *rest = fault.strip().splitlines()
    start, *_, end = first.split(": ") if ": " in first else (first, "")
    words = [start, end if "Error" in start else "", rest[0] if "refused" in first else ""]
    return re.sub(r"\d+", "#", ": ".join(word for word in words if word))[:120]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--equations", type=int, default=4, help="at most, in one program")
    parser.add_argument("--kind", choices=["equations", *KINDS], default="equations")
    parser.add_argument("--check", choices=[*CHECKS, "all"], default="all")
    parser.add_argument("--failures", type=int, default=20, help="kinds of failure to show before giving up")
    options = parser.parse_args()
    torch.set_num_threads(1)
    seen: Counter[str] = Counter()
    start = time.perf_counter()
    for seed in range(options.seed, options.seed + options.programs):
        source = random.Random(seed)
        made = KINDS.get(options.kind)
        generated = program(source, options.equations) if made is None else made(source)
        for name, (check, share) in CHECKS.items():
            if options.check not in (name, "all") or (options.check == "all" and seed % share):
                continue
            fault = failure(check, generated)
            if fault is not None:
                _show(seed, name, check, generated, fault, seen)
        if len(seen) >= options.failures:
            break
        if (seed + 1) % 1000 == 0:
            rate = (seed + 1 - options.seed) / (time.perf_counter() - start)
            print(f"{seed + 1 - options.seed} programs, {sum(seen.values())} failures, {rate:.0f}/s", flush=True)
    print(f"{sum(seen.values())} failures of {len(seen)} kinds in {time.perf_counter() - start:.0f} s")
    return 1 if seen else 0


def _show(seed: int, name: str, check: Check, generated: Generated, fault: str, seen: Counter[str]) -> None:
    """The first failure of a kind, made small."""
    kind = f"{name}, {kind_of(fault)}"
    seen[kind] += 1
    if seen[kind] > 1:
        return
    small = shrunk(generated, lambda candidate: kind_of(failure(check, candidate)))
    print(f"\n=== seed {seed}, {kind}\n{small.text}\n\n{failure(check, small)}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
