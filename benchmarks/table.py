"""Rows as a table: aligned text, or Markdown for docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.record import Row

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
START, END = "<!-- the last full run -->", "<!-- end -->"
HEADINGS = ("#", "what", "ours", "peer", "theirs", "ratio", "goal", "")


def time(value: float | None) -> str:
    """A time in the unit that suits it."""
    if value is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} us"


def memory(value: float | None) -> str:
    """Bytes in the unit that suits them."""
    if value is None:
        return ""
    return f"{value / (1 << 20):.3g} MiB" if value >= 1 << 20 else f"{value / (1 << 10):.3g} KiB"


def cells(row: Row) -> tuple[str, ...]:
    shown = memory if row.unit == "B" else time
    goal = "" if row.goal is None else f"{row.goal:g}" if row.ratio is not None else shown(row.goal)
    mark = {None: "", True: "reached", False: "missed"}[row.reached]
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return (str(row.number), row.name, shown(row.ours), row.peer, shown(row.theirs), ratio, goal and f"<= {goal}", mark)


def text(rows: Sequence[Row]) -> str:
    table = [HEADINGS, *(cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in table)


def markdown(rows: Sequence[Row], machine: Mapping[str, str]) -> str:
    lines = [f"Measured on {date.today().isoformat()}.", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += ["", f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    return "\n".join(lines)


def write(rows: Sequence[Row], machine: Mapping[str, str]) -> None:
    """Put the table between the marks of docs/benchmarks.md."""
    page = PAGE.read_text()
    before, rest = page.split(START)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{START}\n\n{markdown(rows, machine)}\n\n{END}{after}")
