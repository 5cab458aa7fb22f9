"""``python -m benchmarks [--only NAME] [--json FILE] [--repeat N] [--threads N] [--write]``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks import machine, table
from benchmarks.record import Row, Settings
from benchmarks.registry import BENCHMARKS


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure against peers.")
    parser.add_argument("--only", action="append", choices=[*BENCHMARKS], help="run only this one (may be repeated)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON too")
    parser.add_argument("--repeat", type=int, default=Settings().repeat, metavar="N", help="rounds of each measurement")
    parser.add_argument("--threads", type=int, default=Settings().threads, metavar="N", help="threads for torch")
    parser.add_argument("--write", action="store_true", help="write the table to docs/benchmarks.md (a full run only)")
    given = parser.parse_args()
    if given.write and given.only:
        parser.error("--write needs a full run, so it does not go with --only")
    return given


def main() -> int:
    given = arguments()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    busy = machine.load()
    settings = Settings(given.repeat, given.threads)
    rows: list[Row] = []
    for name in given.only or BENCHMARKS:
        for row in BENCHMARKS[name](settings):
            rows.append(row)
            print(" ".join(filter(None, table.cells(row))), flush=True)
    described = machine.describe(given.threads, busy)
    print("\n" + table.text(rows) + "\n\n" + "\n".join(f"{name}: {value}" for name, value in described.items()))
    if given.json:
        figures = {"machine": described, "rows": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    if given.write:
        table.write(rows, described)
    return 0


if __name__ == "__main__":
    sys.exit(main())
